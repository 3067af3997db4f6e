"""The playground's HTTP interface, as the page uses it, with the real app."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import BaseTestServer, TestServer

from adapters.playground.server import Playground
from adapters.playground.traffic_log import MAX_ENTRIES, redacted
from bot.commands.playground import _isolate_environment, manifest_features, serve
from dialogs.translations import Translations, languages, translations

Json = dict[str, Any]


class Browser:
    """A client of the page's server."""

    def __init__(self, server: BaseTestServer, http: aiohttp.ClientSession, playground: Playground) -> None:
        self.url, self.http, self.playground = f"http://127.0.0.1:{server.port}", http, playground

    async def state(self, who: str) -> Json:
        async with self.http.get(f"{self.url}/api/state", params={"as": who}) as answer:
            body: Json = await answer.json()
            return body

    async def do(self, who: str, platform: str, do: str, **more: Any) -> Json:
        args = {"as": who, "platform": platform, "do": do, **more}
        async with self.http.post(f"{self.url}/api/do", json=args, headers={"Origin": self.url}) as answer:
            assert answer.status == 200
            body: Json = await answer.json()
            return body

    async def sees(self, who: str, pane: str, text: str) -> None:
        """Wait until the pane shows this text."""
        async with asyncio.timeout(5):
            while text not in json.dumps((await self.state(who))[pane], ensure_ascii=False):  # noqa: ASYNC110
                await asyncio.sleep(0.02)


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    playground = Playground(serve, manifest_features())
    await playground.start()
    async with TestServer(playground.application(), host="127.0.0.1") as server, aiohttp.ClientSession() as http:
        yield Browser(server, http, playground)
    await playground.stop()


def conversation_of(pane: Json, name: str) -> str:
    return str(next(item["id"] for item in pane["conversations"] if item["name"] == name))


async def begun(browser: Browser, who: str) -> tuple[str, Json]:
    """Type /cm in #marketing; return the conversation id and the card."""
    conversation = conversation_of((await browser.state(who))["slack"], "marketing")
    assert (await browser.do(who, "slack", "type", conversation=conversation, text="/cm"))["ok"]
    return conversation, (await browser.state(who))["slack"]["messages"][conversation][-1]


async def test_press_works_and_only_its_person_sees_the_card(browser: Browser) -> None:
    conversation, card = await begun(browser, "lea")
    block = next(item for item in card["blocks"] if item["type"] == "actions")
    pressed = {"block_id": block["block_id"], "action_id": block["elements"][0]["action_id"]}
    where = {"in": "message", "conversation": conversation, "ts": card["ts"]}
    assert (await browser.do("tom", "slack", "press", **where, **pressed))["ok"] is False
    assert (await browser.do("lea", "slack", "press", **where, **pressed))["ok"]
    await browser.sees("lea", "slack", translations("fr")("question.brand.text"))
    assert (await browser.state("tom"))["slack"]["messages"][conversation] == []


async def test_each_person_has_a_language(browser: Browser) -> None:
    assert (await browser.do("lea", "page", "locale", locale="en-GB"))["ok"]
    _, card = await begun(browser, "lea")
    assert translations("en")("question.orientation.text") in json.dumps(card, ensure_ascii=False)
    assert not (await browser.do("lea", "page", "locale", locale="tlh"))["ok"]
    # The app asked Slack for the language before, and asks again.
    assert (await browser.do("lea", "page", "locale", locale="fr-FR"))["ok"]
    conversation = conversation_of((await browser.state("lea"))["slack"], "marketing")
    await browser.do("lea", "slack", "type", conversation=conversation, text="@CM Advisor check")
    await browser.sees("lea", "slack", translations("fr")("question.orientation.text"))


async def test_teams_welcome_and_form(browser: Browser) -> None:
    teams = (await browser.state("tom"))["teams"]
    chat = conversation_of(teams, "CM Advisor")
    # Teams sends no locale on installation: the welcome is in every language.
    text = json.dumps(teams["messages"][chat], ensure_ascii=False)
    assert [translations(language)("welcome.title") in text for language in languages()] == [True, True]
    (form,) = teams["extension"]
    assert (await browser.do("tom", "teams", "extension", id=form["id"], conversation=chat))["ok"]
    assert (await browser.state("tom"))["teams"]["task"]["card"]["type"] == "AdaptiveCard"
    assert (await browser.state("ines"))["teams"]["task"] is None
    opened = (await browser.state("tom"))["teams"]["task"]
    (path, _), _ = found_in(opened["card"], lambda node: node.get("type") == "Action.Submit")  # Next, Help
    fields = found_in(opened["card"], lambda node: node.get("type") == "Input.ChoiceSet")
    inputs = {field["id"]: field["choices"][0]["value"] for _, field in fields}
    browser.playground.sandbox.teams_user_actions.endpoint = "http://127.0.0.1:9/"
    assert not (await browser.do("tom", "teams", "task", path=path, inputs=inputs))["ok"]
    assert (await browser.state("tom"))["teams"]["task"] == opened, "a form that could not be sent stays open"
    await browser.do("tom", "teams", "task_close")
    assert (await browser.state("tom"))["teams"]["task"] is None


async def test_traffic_has_no_secrets(browser: Browser) -> None:
    await begun(browser, "lea")
    async with browser.http.get(f"{browser.url}/api/traffic") as answer:
        entries = (await answer.json())["entries"]
    assert {(item["from"], item["to"]) for item in entries} == {
        *((platform, "CM Advisor") for platform in ("Slack", "Teams")),
        *(("CM Advisor", platform) for platform in ("Slack", "Teams")),
    }
    text = json.dumps(entries)
    sandbox = browser.playground.sandbox
    token = next(iter(sandbox.slack.tokens))
    urls = [url.id for url in sandbox.slack.response_urls.values()]
    for secret in (*urls, token, sandbox.teams.app_password, sandbox.slack.app.signing_secret, *sandbox.teams.tokens):
        assert secret not in text
    assert redacted({"token": "abcdefgh", "a": [{"client_secret": "12345678"}]}) == {
        "token": "abcde…",
        "a": [{"client_secret": "12345…"}],
    }


async def test_traffic_returns_only_new_entries(browser: Browser) -> None:
    async def text(**known: Any) -> Json:
        async with browser.http.get(f"{browser.url}/api/traffic", params=known) as answer:
            body: Json = await answer.json()
            return body

    all_of_it = await text()
    last = all_of_it["entries"][-1]["n"]
    known = {"log": all_of_it["log"], "after": last}
    assert (await text(**known))["entries"] == []
    await begun(browser, "lea")
    assert (await text(**known))["entries"][0]["n"] == last + 1
    for lost in ({**known, "log": "another"}, {**known, "after": "-1"}):
        assert (await text(**lost))["entries"][0]["n"] == 1


async def test_traffic_has_no_response_urls(browser: Browser) -> None:
    conversation, card = await begun(browser, "lea")
    await press(browser, "lea", "slack", conversation, card, translations("fr")("option.orientation.key"))
    await browser.sees("lea", "slack", translations("fr")("question.brand.text"))
    async with browser.http.get(f"{browser.url}/api/traffic") as answer:
        text = json.dumps(await answer.json(), ensure_ascii=False)
    used = [url.id for url in browser.playground.sandbox.slack.response_urls.values()]
    assert "/response/…" in text
    assert used
    assert [id for id in used if id in text] == []
    assert redacted({"code": "BadArgument", "text": "xoxb-12345678"}) == {"code": "BadArgument", "text": "xoxb-…"}


async def test_every_request_is_signed(browser: Browser) -> None:
    sandbox = browser.playground.sandbox
    sandbox.slack.app.signing_secret = "another"
    conversation = conversation_of((await browser.state("lea"))["slack"], "marketing")
    assert (await browser.do("lea", "slack", "type", conversation=conversation, text="/cm"))["ok"] is False
    assert (await browser.state("lea"))["slack"]["messages"][conversation] == []


async def test_reset(browser: Browser) -> None:
    await begun(browser, "lea")
    assert (await browser.do("lea", "page", "reset"))["ok"]
    slack = (await browser.state("lea"))["slack"]
    assert slack["messages"][conversation_of(slack, "marketing")] == []


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("GET", "/api/state?as=lea", {"Host": "evil.example"}),
        ("GET", "/api/state?as=lea", {"Host": "127.0.0.1.evil.example:3980"}),
        ("POST", "/api/do", {"Origin": "https://evil.example", "Content-Type": "application/json"}),
        ("POST", "/api/do", {"Content-Type": "application/json"}),
        ("POST", "/api/do", {"Origin": "SAME", "Content-Type": "text/plain"}),
    ],
)
async def test_other_sites_are_refused(browser: Browser, method: str, path: str, headers: dict[str, str]) -> None:
    headers = {name: browser.url if value == "SAME" else value for name, value in headers.items()}
    data = b'{"as": "lea", "platform": "page", "do": "reset"}' if method == "POST" else None
    async with browser.http.request(method, browser.url + path, headers=headers, data=data) as answer:
        assert answer.status == 403


@pytest.mark.parametrize(
    "args",
    [
        {},
        {"platform": "slack", "do": "type", "conversation": "C0"},
        {"platform": "teams", "do": "type", "conversation": "19:nowhere", "text": "aide"},
        {"platform": "teams", "do": "refresh", "conversation": "19:nowhere", "message": "1"},
        {"platform": "x", "do": "y"},
    ],
)
async def test_impossible_action_is_an_error_with_a_text(browser: Browser, args: Json) -> None:
    args = {"platform": "page", "do": "", **args}
    answer = await browser.do("lea", args.pop("platform"), args.pop("do"), **args)
    assert answer == {"ok": False, "error": translations("fr")("playground.gone")}


# --- Whole dialogs, by the interface alone ------------------------------------------------------------------------

SHORT = ("key", "yes", "no", "unknown", "in_house", "lasting", "no")
"""The answers of the shortest strategic path; the questions are in `ASKED`."""
ASKED = ("orientation", "brand", "transformation", "presence", "mode", "person", "routine")


def found_in(node: Any, wanted: Any, path: tuple[str | int, ...] = ()) -> Any:
    """Yield path and dictionary for each dictionary that `wanted` accepts."""
    if isinstance(node, dict) and wanted(node):
        yield path, node
    for key, item in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
        if key not in ("fallback", "refresh"):
            yield from found_in(item, wanted, (*path, key))


async def press(browser: Browser, who: str, platform: str, conversation: str, message: Json, label: str) -> None:
    """Press the button with this label, as the page does."""
    if platform == "slack":
        where: Json = {"in": "message", "conversation": conversation, "ts": message["ts"]}
        for block in message["blocks"]:
            for element in [*block.get("elements", ()), block.get("accessory")]:
                if element and element["type"] == "button" and element["text"]["text"] == label:
                    where |= {"block_id": block["block_id"], "action_id": element["action_id"]}
    else:
        named = lambda node: str(node.get("type")).startswith("Action.") and node.get("title") == label  # noqa: E731
        ((path, _),) = found_in(message["card"], named)
        where = {"conversation": conversation, "message": message["id"], "path": path, "inputs": {}}
    answer = await browser.do(who, platform, "press", **where)
    assert answer["ok"], answer


async def shown(browser: Browser, who: str, platform: str, conversation: str, id: str, text: str) -> Json:
    """Wait until the message shows this text; return it."""
    async with asyncio.timeout(5):
        while True:
            messages = (await browser.state(who))[platform]["messages"][conversation]
            message: Json = next(item for item in messages if id in (item.get("ts"), item.get("id")))
            if text in json.dumps(message, ensure_ascii=False):
                return message
            await asyncio.sleep(0.02)


async def complete_dialog(
    browser: Browser, who: str, platform: str, conversation: str, card: Json, t: Translations
) -> None:
    """Answer all questions and post the recommendation."""
    id = card.get("ts") or card["id"]
    for question, option in zip(ASKED, SHORT, strict=True):
        asked = await shown(browser, who, platform, conversation, id, t(f"question.{question}.text"))
        await press(browser, who, platform, conversation, asked, t(f"option.{question}.{option}"))
    done = await shown(browser, who, platform, conversation, id, t("label.post"))
    await press(browser, who, platform, conversation, done, t("label.post"))


@pytest.mark.parametrize(("who", "language"), [("lea", "fr"), ("tom", "en")])
async def test_a_whole_dialog_in_slack(browser: Browser, who: str, language: str) -> None:
    conversation, card = await begun(browser, who)
    await complete_dialog(browser, who, "slack", conversation, card, translations(language))
    await browser.sees("ines", "slack", translations(language)("announcement.title"))
    sandbox = browser.playground.sandbox
    assert sandbox.slack.failed_calls == []
    assert sandbox.slack_user_actions.errors_shown == []


@pytest.mark.parametrize(("who", "language"), [("lea", "fr"), ("tom", "en")])
async def test_a_whole_dialog_in_teams(browser: Browser, who: str, language: str) -> None:
    conversation = conversation_of((await browser.state(who))["teams"], "Campaigns")
    assert (await browser.do(who, "teams", "type", conversation=conversation, text="check", mention=True))["ok"]
    card = (await browser.state(who))["teams"]["messages"][conversation][-1]
    await complete_dialog(browser, who, "teams", conversation, card, translations(language))
    await browser.sees("ines", "teams", translations(language)("announcement.title"))
    assert browser.playground.sandbox.teams.violations == []


async def test_two_people_at_once_each_in_their_language(browser: Browser) -> None:
    (conversation, hers), (_, his) = await begun(browser, "lea"), await begun(browser, "tom")
    await asyncio.gather(
        complete_dialog(browser, "lea", "slack", conversation, hers, translations("fr")),
        complete_dialog(browser, "tom", "slack", conversation, his, translations("en")),
    )
    for language in ("fr", "en"):
        await browser.sees("ines", "slack", translations(language)("announcement.title"))


async def test_a_slash_command_is_seen_by_its_person_alone(browser: Browser) -> None:
    teams = (await browser.state("lea"))["teams"]
    place = conversation_of(teams, "Campaigns")
    assert teams["slash"][0]["title"] == "diagnostic"
    assert (await browser.do("lea", "teams", "type", conversation=place, text="aide", slash=True))["ok"]
    message = (await browser.state("lea"))["teams"]["messages"][place][0]
    assert (message["text"], message["targeted"]) == ("aide", True)
    assert message["id"] not in json.dumps((await browser.state("tom"))["teams"])
    refused = await browser.do("tom", "teams", "refresh", conversation=place, message=message["id"])
    assert not refused["ok"], "nobody else can name the message"


async def test_incomplete_form_shows_errors_at_its_fields(browser: Browser) -> None:
    assert (await browser.do("tom", "slack", "shortcut", id="open_form"))["ok"]
    await browser.sees("tom", "slack", translations("en")("question.orientation.text"))
    before = len(browser.playground.sandbox.slack_user_actions.exchanges)
    assert (await browser.do("tom", "slack", "submit", values={"orientation": "key"}))["ok"]
    modal = (await browser.state("tom"))["slack"]["modal"]
    assert modal["errors"]["brand"] == translations("en")("playground.complete")
    assert "orientation" not in modal["errors"]
    assert len(browser.playground.sandbox.slack_user_actions.exchanges) == before, "nothing is sent"
    assert (await browser.state("lea"))["slack"]["modal"] is None


async def test_recorded_calls_are_limited(browser: Browser) -> None:
    await begun(browser, "lea")
    sandbox = browser.playground.sandbox
    notes: tuple[list[Any], ...] = (
        sandbox.slack_user_actions.exchanges,
        sandbox.slack.calls,
        sandbox.teams_user_actions.exchanges,
        sandbox.teams.calls,
    )
    for item in notes:
        item.extend(item * 400)
    await browser.do("lea", "slack", "home")
    assert [len(item) for item in notes] == [MAX_ENTRIES] * 4


async def test_slack_knows_its_commands(browser: Browser) -> None:
    conversation, card = await begun(browser, "tom")
    unknown = await browser.do("tom", "slack", "type", conversation=conversation, text="/nothing of ours")
    assert unknown["error"] == translations("en")("playground.slack.no_command", command="/nothing")
    threaded = await browser.do("tom", "slack", "type", conversation=conversation, text="/cm", thread=card["ts"])
    assert threaded["error"] == translations("en")("playground.slack.not_in_thread", command="/cm")
    assert len((await browser.state("tom"))["slack"]["messages"][conversation]) == 1


def test_environment_has_no_proxy_and_no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    environment = {"HTTPS_PROXY": "http://proxy", "http_proxy": "x", "SLACK_BOT_TOKEN": "xoxb-1", "LANG": "fr_FR"}
    monkeypatch.setattr("os.environ", environment)
    _isolate_environment()
    assert environment == {"LANG": "fr_FR", "NO_PROXY": "*"}


@pytest.mark.parametrize(("body", "status"), [(b"", 400), (b"{", 400), (b"[]", 400), (b'{"as": "x"}', 404)])
async def test_invalid_action_is_rejected(browser: Browser, body: bytes, status: int) -> None:
    headers = {"Origin": browser.url, "Content-Type": "application/json"}
    async with browser.http.post(f"{browser.url}/api/do", data=body, headers=headers) as answer:
        assert answer.status == status


PRODUCTION = """
import asyncio, sys
from bot.settings import Settings
from bot.server import build

async def main():
    id = "11111111-1111-1111-1111-111111111111"
    app = await build(Settings(
        _env_file=None, database_url="sqlite:///" + sys.argv[1],
        slack_signing_secret="s" * 32, slack_bot_token="xoxb-1",
        microsoft_app_id=id, microsoft_app_password="p", microsoft_app_type="SingleTenant", microsoft_app_tenant_id=id,
    ))
    print(sorted({route.resource.canonical for route in app.router.routes()}))
    print([name for name in sys.modules if "playground" in name])

asyncio.run(main())
"""


def test_production_does_not_load_the_playground(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PRODUCTION, str(tmp_path / "a.db")]
    routes, modules = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert "/slack/events" in routes
    assert "/api/messages" in routes
    assert [
        path for path in ("/api/do", "/api/state", "/api/traffic", "/api/stream", "/assets") if path in routes
    ] == []
    assert modules == "[]"
