"""The playground over HTTP, as its page uses it, with the real app behind: what is refused, what is told, to whom."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import BaseTestServer, TestServer

from adapters.playground.page import Playground
from adapters.playground.wire import shortened
from bot.playground import offers, serve
from dialogs.words import words

Json = dict[str, Any]


class Browser:
    """The page in somebody's browser."""

    def __init__(self, server: BaseTestServer, http: aiohttp.ClientSession, played: Playground) -> None:
        self.url, self.http, self.played = f"http://127.0.0.1:{server.port}", http, played

    async def state(self, who: str) -> Json:
        async with self.http.get(f"{self.url}/api/state", params={"as": who}) as answer:
            found: Json = await answer.json()
            return found

    async def do(self, who: str, platform: str, do: str, **more: Any) -> Json:
        given = {"as": who, "platform": platform, "do": do, **more}
        async with self.http.post(f"{self.url}/api/do", json=given, headers={"Origin": self.url}) as answer:
            assert answer.status == 200
            found: Json = await answer.json()
            return found

    async def sees(self, who: str, pane: str, text: str) -> None:
        """Wait until the pane shows these words, as whoever looks at it does."""
        async with asyncio.timeout(5):
            while text not in json.dumps((await self.state(who))[pane], ensure_ascii=False):  # noqa: ASYNC110
                await asyncio.sleep(0.02)


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    played = Playground(serve, offers())
    await played.start()
    async with TestServer(played.application(), host="127.0.0.1") as server, aiohttp.ClientSession() as http:
        yield Browser(server, http, played)
    await played.stop()


def place_of(pane: Json, name: str) -> str:
    return str(next(one["id"] for one in pane["places"] if one["name"] == name))


async def begun(browser: Browser, who: str) -> tuple[str, Json]:
    """Type /cm in #marketing; return the place and the card."""
    place = place_of((await browser.state(who))["slack"], "marketing")
    assert (await browser.do(who, "slack", "type", place=place, text="/cm"))["ok"]
    return place, (await browser.state(who))["slack"]["messages"][place][-1]


async def test_a_press_goes_through_and_only_its_person_sees_the_card(browser: Browser) -> None:
    place, card = await begun(browser, "lea")
    block = next(one for one in card["blocks"] if one["type"] == "actions")
    pressed = {"block_id": block["block_id"], "action_id": block["elements"][0]["action_id"]}
    seen = {"in": "message", "place": place, "ts": card["ts"]}
    assert (await browser.do("tom", "slack", "press", **seen, **pressed))["ok"] is False
    assert (await browser.do("lea", "slack", "press", **seen, **pressed))["ok"]
    await browser.sees("lea", "slack", words("fr").text("question.brand.text"))
    assert (await browser.state("tom"))["slack"]["messages"][place] == []


async def test_a_language_is_that_of_the_person(browser: Browser) -> None:
    assert (await browser.do("lea", "page", "locale", locale="en-GB"))["ok"]
    _, card = await begun(browser, "lea")
    assert words("en").text("question.orientation.text") in json.dumps(card, ensure_ascii=False)
    assert not (await browser.do("lea", "page", "locale", locale="tlh"))["ok"]


async def test_teams_says_hello_and_its_form_opens(browser: Browser) -> None:
    teams = (await browser.state("tom"))["teams"]
    chat = place_of(teams, "CM Advisor")
    # Teams does not say which language a person speaks until they do something.
    assert words("fr").text("welcome.title") in json.dumps(teams["messages"][chat], ensure_ascii=False)
    (form,) = teams["extension"]
    assert (await browser.do("tom", "teams", "extension", id=form["id"], place=chat))["ok"]
    assert (await browser.state("tom"))["teams"]["task"]["card"]["type"] == "AdaptiveCard"
    assert (await browser.state("ines"))["teams"]["task"] is None
    await browser.do("tom", "teams", "task_close")
    assert (await browser.state("tom"))["teams"]["task"] is None


async def test_the_wire_is_told_without_secrets(browser: Browser) -> None:
    await begun(browser, "lea")
    async with browser.http.get(f"{browser.url}/api/wire") as answer:
        entries = (await answer.json())["entries"]
    assert {(one["from"], one["to"]) for one in entries} == {
        (one, other) for one in ("Slack", "Teams", "CM Advisor") for other in ("Slack", "Teams", "CM Advisor")
    } - {(one, one) for one in ("Slack", "Teams", "CM Advisor")} - {("Slack", "Teams"), ("Teams", "Slack")}
    told = json.dumps(entries)
    world = browser.played.world
    token = next(iter(world.slack.world.tokens))
    urls = [url.id for url in world.slack.world.response_urls.values()]
    for secret in (*urls, token, world.teams.app_password, world.slack.app.signing_secret, *world.teams._tokens):
        assert secret not in told
    assert shortened({"token": "abcdefgh", "a": [{"client_secret": "12345678"}]}) == {
        "token": "abcde…",
        "a": [{"client_secret": "12345…"}],
    }


async def test_every_request_is_truly_signed(browser: Browser) -> None:
    world = browser.played.world
    world.slack.app.signing_secret = "another"
    place = place_of((await browser.state("lea"))["slack"], "marketing")
    assert (await browser.do("lea", "slack", "type", place=place, text="/cm"))["ok"] is False
    assert (await browser.state("lea"))["slack"]["messages"][place] == []


async def test_afresh_is_afresh(browser: Browser) -> None:
    await begun(browser, "lea")
    assert (await browser.do("lea", "page", "reset"))["ok"]
    slack = (await browser.state("lea"))["slack"]
    assert slack["messages"][place_of(slack, "marketing")] == []


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
    "given", [{}, {"platform": "slack", "do": "type", "place": "C0"}, {"platform": "x", "do": "y"}]
)
async def test_what_nobody_can_do_is_refused_in_words(browser: Browser, given: Json) -> None:
    given = {"platform": "page", "do": "", **given}
    answer = await browser.do("lea", given.pop("platform"), given.pop("do"), **given)
    assert answer["ok"] is False
    assert answer["error"]


@pytest.mark.parametrize(("body", "status"), [(b"", 400), (b"{", 400), (b"[]", 404), (b'{"as": "x"}', 404)])
async def test_what_is_not_a_gesture_is_refused(browser: Browser, body: bytes, status: int) -> None:
    headers = {"Origin": browser.url, "Content-Type": "application/json"}
    async with browser.http.post(f"{browser.url}/api/do", data=body, headers=headers) as answer:
        assert answer.status == status


def test_production_knows_nothing_of_it() -> None:
    code = (
        "import sys, asyncio; from bot.config import Settings; from bot import server;"
        "from adapters import slack, teams;"
        "print([name for name in sys.modules if 'playground' in name])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
