"""The Slack simulator: limits, expiry, errors, faults, signatures and user actions."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from aiohttp import ClientError, ClientSession, web
from slack_sdk.errors import SlackApiError
from slack_sdk.signature import SignatureVerifier
from slack_sdk.web.async_client import AsyncWebClient

from adapters.playground.simulator import Json
from adapters.playground.slack.models import AppSettings, Channel, User, View, Workspace
from adapters.playground.slack.rules import check_message, check_view
from adapters.playground.slack.server import SlackSimulator
from adapters.playground.slack.user_actions import SlackUserActions


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def button(text: str = "Oui", **more: Any) -> Json:
    return {"type": "button", "text": plain(text), "action_id": "yes", "value": "1", **more}


def actions(*elements: Json) -> Json:
    return {"type": "actions", "elements": list(elements)}


def mrkdwn(text: str) -> Json:
    return {"type": "mrkdwn", "text": text}


def section(text: str = "Bonjour", **more: Any) -> Json:
    return {"type": "section", "text": mrkdwn(text), **more}


def choice(n: int, **more: Any) -> Json:
    return {"text": plain(f"Option {n}"), "value": f"v{n}", **more}


def radio(**more: Any) -> Json:
    return {"type": "radio_buttons", "action_id": "pick", "options": [choice(1), choice(2)], **more}


def menu(n: int = 2, **more: Any) -> Json:
    options = [choice(i) for i in range(1, n + 1)]
    return {"type": "static_select", "action_id": "pick", "placeholder": plain("Choisir"), "options": options, **more}


def picker(**more: Any) -> Json:
    return {"type": "conversations_select", "action_id": "where", **more}


def modal(*blocks: Json, **more: Any) -> Json:
    view = {"type": "modal", "title": plain("Cadrage"), "submit": plain("Envoyer"), "blocks": list(blocks)}
    return view | more


def asking(element: Json | None = None, **more: Any) -> Json:
    return {"type": "input", "block_id": "who", "label": plain("Qui ?"), "element": element or radio(), **more}


class ManualClock:
    """A clock that moves only by `advance`."""

    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


class App:
    """An app that checks signatures, records requests and responds with `answer` and `status`."""

    def __init__(self) -> None:
        self.requests: list[tuple[dict[str, str], Any]] = []
        self.answer: Any = None
        self.status = 200
        self.delay = 0.0
        self.url = ""

    async def handle(self, request: web.Request) -> web.Response:
        body = await request.read()
        verifier = SignatureVerifier(AppSettings().signing_secret)
        if not verifier.is_valid_request(body, dict(request.headers)):
            return web.Response(status=401)
        form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        is_json = request.content_type == "application/json"
        read = json.loads(body) if is_json else json.loads(form["payload"]) if "payload" in form else form
        self.requests.append((dict(request.headers), read))
        await asyncio.sleep(self.delay)
        if self.answer is None:
            return web.Response(status=self.status)
        return web.json_response(self.answer, status=self.status)

    @property
    def last(self) -> Any:
        return self.requests[-1][1]


class Scene:
    """A workspace with two people, a public and a private channel, and the installed app."""

    def __init__(self, slack: SlackSimulator, clock: ManualClock, app: App) -> None:
        self.slack, self.clock, self.app = slack, clock, app
        self.team: Workspace = slack.add_workspace("Fabrique")
        self.amelie: User = self.team.add_user("amelie", locale="fr-FR")
        self.bob: User = self.team.add_user("bob")
        people = [self.amelie, self.bob]
        self.marketing: Channel = self.team.add_channel("marketing", people)
        self.secret: Channel = self.team.add_channel("secret", people, private=True)
        self.token = slack.install(self.team)
        self.client = AsyncWebClient(token=self.token.value, base_url=slack.api_url)
        self.user_actions = SlackUserActions(slack, app.url, self.team)

    def invite(self, channel: Channel) -> None:
        channel.members.add(self.team.bot.id)

    async def api_error(self, method: str, **args: Any) -> Any:
        """Call a method; return its error response."""
        with pytest.raises(SlackApiError) as caught:
            await self.client.api_call(method, json=args)
        return caught.value.response


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    app, clock = App(), ManualClock()
    server = web.Application()
    server.router.add_post("/slack/events", app.handle)
    runner = web.AppRunner(server, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    app.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    async with SlackSimulator(clock=clock) as slack:
        yield Scene(slack, clock, app)
    await runner.cleanup()


# --- Block Kit, at the edge ---------------------------------------------------------------------------------


MESSAGES: dict[str, tuple[Any, int]] = {
    "blocks": (lambda n: [{"type": "divider"}] * n, 50),
    "header": (lambda n: [{"type": "header", "text": plain("a" * n)}], 150),
    "section text": (lambda n: [section("a" * n)], 3000),
    "button text": (lambda n: [actions(button("a" * n))], 75),
    "button value": (lambda n: [actions(button(value="a" * n))], 2000),
    "accessibility_label": (lambda n: [actions(button(accessibility_label="a" * n))], 75),
    "action_id": (lambda n: [actions(button(action_id="a" * n))], 255),
    "block_id": (lambda n: [section(block_id="a" * n)], 255),
    "menu options": (lambda n: [section(accessory=menu(n))], 100),
    "menu option text": (lambda n: [section(accessory=menu(options=[choice(1, text=plain("a" * n))]))], 75),
    "menu option value": (lambda n: [section(accessory=menu(options=[choice(1, value="a" * n)]))], 150),
    "menu placeholder": (lambda n: [section(accessory=menu(placeholder=plain("a" * n)))], 150),
    "actions": (lambda n: [actions(*(button(action_id=f"a{i}") for i in range(n)))], 25),
    "context": (lambda n: [{"type": "context", "elements": [mrkdwn("a")] * n}], 10),
    "context text": (lambda n: [{"type": "context", "elements": [mrkdwn("a" * n)]}], 2000),
    "confirm title": (lambda n: [actions(button(confirm=confirm(title=plain("a" * n))))], 100),
    "confirm text": (lambda n: [actions(button(confirm=confirm(text=plain("a" * n))))], 300),
    "confirm yes": (lambda n: [actions(button(confirm=confirm(confirm=plain("a" * n))))], 30),
    "confirm no": (lambda n: [actions(button(confirm=confirm(deny=plain("a" * n))))], 30),
}
VIEWS: dict[str, tuple[Any, int]] = {
    "blocks": (lambda n: modal(*[{"type": "divider"}] * n), 100),
    "title": (lambda n: modal(title=plain("a" * n)), 24),
    "submit": (lambda n: modal(submit=plain("a" * n)), 24),
    "close": (lambda n: modal(close=plain("a" * n)), 24),
    "private_metadata": (lambda n: modal(private_metadata="a" * n), 3000),
    "callback_id": (lambda n: modal(callback_id="a" * n), 255),
    "label": (lambda n: modal(asking(label=plain("a" * n))), 2000),
    "hint": (lambda n: modal(asking(hint=plain("a" * n))), 2000),
    "options": (lambda n: modal(asking(radio(options=[choice(i) for i in range(n)]))), 10),
    "option text": (lambda n: modal(asking(radio(options=[choice(1, text=plain("a" * n))]))), 75),
    "option value": (lambda n: modal(asking(radio(options=[choice(1, value="a" * n)]))), 150),
    "placeholder": (lambda n: modal(asking(picker(placeholder=plain("a" * n)))), 150),
}


def confirm(**more: Json) -> Json:
    texts = {name: plain("Oui") for name in ("title", "text", "confirm", "deny")}
    return {**texts, **more}


@pytest.mark.parametrize("name", MESSAGES)
def test_message_limits_at_the_edge(name: str) -> None:
    blocks, maximum = MESSAGES[name]
    assert check_message({"text": "a", "blocks": blocks(maximum)}) == []
    [violation] = check_message({"text": "a", "blocks": blocks(maximum + 1)})
    assert f"less than {maximum + 1} characters" in violation or f"no more than {maximum} items" in violation
    assert "[json-pointer:/blocks" in violation


@pytest.mark.parametrize("name", VIEWS)
def test_view_limits_at_the_edge(name: str) -> None:
    view, maximum = VIEWS[name]
    assert check_view(view(maximum)) == []
    [violation] = check_view(view(maximum + 1))
    assert "[json-pointer:/view/" in violation


def test_error_messages_are_those_of_slack() -> None:
    [violation] = check_message({"text": "a", "blocks": [section(), actions(button("a" * 76))]})
    assert violation == "[ERROR] must be less than 76 characters [json-pointer:/blocks/1/elements/0/text/text]"


@pytest.mark.parametrize(
    ("blocks", "expected"),
    [
        ([{"type": "header", "text": mrkdwn("a")}], "unsupported type: mrkdwn"),
        ([actions({**button(), "text": mrkdwn("a")})], "unsupported type: mrkdwn"),
        ([section("")], "must be more than 0 characters"),
        ([{"type": "section"}], "missing required field"),
        ([section(colour="red")], "invalid additional property: colour"),
        ([actions(button(style="default"))], "valid enum value"),
        ([actions(button(), button("Non"))], '`action_id` "yes" already exists'),
        ([section(block_id="b"), section(block_id="b")], '`block_id` "b" already exists'),
        ([actions()], "no fewer than 1 items"),
        ([{"type": "context", "elements": [button()]}], "unsupported type: button"),
        ([{"type": "carousel"}], "unsupported type: carousel"),
        ([asking()], "unsupported type: input"),
        (["words"], "must provide an object"),
        ("words", "invalid_blocks_format"),
    ],
)
def test_invalid_blocks(blocks: Any, expected: str) -> None:
    violations = check_message({"text": "a", "blocks": blocks})
    assert any(expected in violation for violation in violations), violations


def test_valid_blocks() -> None:
    row = actions(button(), button("Non", action_id="no", style="danger"))
    assert check_message({"text": "a", "blocks": [section(accessory=button()), row]}) == []


def test_message_text() -> None:
    assert check_message({"text": "a" * 40_000}) == []
    assert check_message({"text": "a" * 40_001}) == ["msg_too_long"]
    assert check_message({"text": ""}) == ["no_text"]
    assert check_message({"text": "a", "blocks": [section("a" * 3000)] * 5}) == ["msg_blocks_too_long"]


def test_views_differ_from_messages() -> None:
    assert "missing required field: title" in check_view({"type": "modal", "blocks": []})[0]
    without = {k: v for k, v in modal(asking()).items() if k != "submit"}
    assert "missing required field: submit" in check_view(without)[0]
    assert check_view({"type": "home", "blocks": [section()]}) == []
    assert "additional property: title" in check_view({"type": "home", "title": plain("a"), "blocks": []})[0]
    assert "must exactly match" in check_view(modal(asking(radio(initial_option=choice(3)))))[0]
    assert check_view(modal(*[section("a" * 3000)] * 90)) == ["view_too_large"]


# --- The Web API --------------------------------------------------------------------------------------------


async def test_slack_sdk_works_with_it(scene: Scene) -> None:
    scene.invite(scene.marketing)
    me = await scene.client.auth_test()
    assert (me["team_id"], me["user_id"]) == (scene.team.id, scene.team.bot.id)
    posted = await scene.client.chat_postMessage(channel=scene.marketing.id, text="Bonjour", blocks=[section()])
    await scene.client.chat_update(channel=scene.marketing.id, ts=posted["ts"], text="Bonsoir", blocks=[])
    [message] = scene.marketing.messages
    assert (message.ts, message.texts(), message.blocks) == (posted["ts"], ["Bonsoir"], [])
    reply = await scene.client.chat_postMessage(channel=scene.marketing.id, text="Suite", thread_ts=posted["ts"])
    amelie = await scene.client.users_info(user=scene.amelie.id, include_locale=True)
    assert amelie["user"]["locale"] == "fr-FR"
    assert "locale" not in (await scene.client.users_info(user=scene.amelie.id))["user"]
    await scene.client.chat_delete(channel=scene.marketing.id, ts=reply["ts"])
    opened = await scene.client.conversations_open(users=scene.amelie.id)
    assert opened["channel"]["id"] == scene.team.im(scene.amelie).id
    members = await scene.client.conversations_members(channel=scene.marketing.id)
    assert set(members["members"]) == scene.marketing.members
    own = await scene.client.users_conversations(user=scene.amelie.id, types="public_channel,private_channel")
    assert scene.marketing.id in {channel["id"] for channel in own["channels"]}
    assert [call.operation for call in scene.slack.failed_calls] == []


async def test_update_without_blocks_keeps_the_blocks(scene: Scene) -> None:
    scene.invite(scene.marketing)
    posted = await scene.client.chat_postMessage(channel=scene.marketing.id, text="a", blocks=[actions(button())])
    await scene.client.chat_update(channel=scene.marketing.id, ts=posted["ts"], text="b")
    assert list(scene.marketing.messages[0].buttons()) == ["Oui"]


async def test_tokens(scene: Scene) -> None:
    async def error(token: str | None) -> str:
        with pytest.raises(SlackApiError) as caught:
            await AsyncWebClient(token=token, base_url=scene.slack.api_url).auth_test()
        return str(caught.value.response["error"])

    assert (await error(None), await error("xoxb-other")) == ("not_authed", "invalid_auth")
    scene.slack.app.rotation = True
    rotated = scene.slack.install(scene.team)
    scene.clock.advance(12 * 3600)
    assert await error(rotated.value) == "token_expired"
    scene.slack.uninstall(scene.team)
    assert await error(scene.token.value) == "account_inactive"


async def test_missing_scope_names_it(scene: Scene) -> None:
    scene.client.token = scene.slack.install(scene.team, "chat:write,commands").value
    answer = await scene.api_error("users.info", user=scene.amelie.id)
    assert (answer["error"], answer["needed"]) == ("missing_scope", "users:read")


async def test_where_a_bot_may_post(scene: Scene) -> None:
    async def error(channel: str) -> str:
        return str((await scene.api_error("chat.postMessage", channel=channel, text="a"))["error"])

    await scene.client.chat_postMessage(channel=scene.marketing.id, text="a")  # chat:write.public
    assert await error(scene.secret.id) == "channel_not_found"
    scene.client.token = scene.slack.install(scene.team, "chat:write").value
    assert await error(scene.marketing.id) == "not_in_channel"
    scene.invite(scene.marketing)
    scene.marketing.restricted = True
    assert await error(scene.marketing.id) == "restricted_action"
    scene.marketing.archived = True
    assert await error(scene.marketing.id) == "is_archived"
    assert await error("C404") == "channel_not_found"


async def test_invalid_arguments(scene: Scene) -> None:
    scene.invite(scene.marketing)
    here = {"channel": scene.marketing.id}
    answer = await scene.api_error("chat.postMessage", **here, text="a", blocks=[section("a" * 3001)])
    assert answer["error"] == "invalid_blocks"
    assert "[json-pointer:/blocks/0/text/text]" in answer["response_metadata"]["messages"][0]
    other_message = scene.slack.post(scene.marketing, scene.bob, "a")
    cases: tuple[tuple[str, Json, str], ...] = (
        ("chat.postMessage", {**here, "blocks": "{"}, "invalid_blocks_format"),
        ("chat.postMessage", here, "no_text"),
        ("chat.postMessage", {**here, "text": "a" * 40_001}, "msg_too_long"),
        ("chat.postMessage", {"text": "a"}, "invalid_arguments"),
        ("chat.postMessage", {**here, "text": "a", "thread_ts": "1.1"}, "thread_not_found"),
        ("chat.update", {**here, "ts": "1.1", "text": "a"}, "message_not_found"),
        ("chat.update", {**here, "ts": other_message.ts, "text": "b"}, "cant_update_message"),
        ("conversations.members", {**here, "cursor": "next"}, "invalid_cursor"),
        ("users.info", {"user": "U404"}, "user_not_found"),
        ("chat.nothing", {}, "unknown_method"),
    )
    for method, arguments, error in cases:
        assert (await scene.api_error(method, **arguments))["error"] == error
    async with ClientSession() as session:
        headers = {"Authorization": f"Bearer {scene.token.value}", "Content-Type": "application/json"}
        async with session.post(f"{scene.slack.api_url}auth.test", data="{", headers=headers) as response:
            assert (await response.json())["error"] == "invalid_json"
        async with session.post(f"{scene.slack.api_url}auth.test", data={"token": scene.token.value}) as form:
            assert (await form.json())["ok"]
        async with session.post(f"{scene.slack.api_url}auth.test", json={"token": scene.token.value}) as body:
            assert (await body.json())["error"] == "not_authed"


async def test_history_has_pages(scene: Scene) -> None:
    client, marketing = scene.client, scene.marketing
    client.token = scene.slack.install(scene.team, "channels:history,chat:write").value
    scene.invite(marketing)
    sent = [(await client.chat_postMessage(channel=marketing.id, text=f"{n}"))["ts"] for n in range(20)]
    await client.chat_postMessage(channel=marketing.id, text="reply", thread_ts=sent[3])
    first = await client.conversations_history(channel=marketing.id, oldest=sent[2], limit=100)
    assert [message["ts"] for message in first["messages"]] == sent[:4:-1], "the newest first, 15 at most, no replies"
    cursor = first["response_metadata"]["next_cursor"]
    last = await client.conversations_history(channel=marketing.id, oldest=sent[2], cursor=cursor)
    assert [message["ts"] for message in last["messages"]] == [sent[4], sent[3]]
    assert (last["has_more"], last.get("response_metadata")) == (False, None)


async def test_history_needs_membership_and_scope(scene: Scene) -> None:
    async def error(channel: Channel, **more: str) -> str:
        return str((await scene.api_error("conversations.history", channel=channel.id, **more))["error"])

    assert await error(scene.marketing) == "missing_scope"
    scene.client.token = scene.slack.install(scene.team, "channels:history,chat:write.public").value
    assert await error(scene.secret) == "channel_not_found"
    assert await error(scene.marketing) == "not_in_channel"
    scene.invite(scene.marketing)
    scene.invite(scene.secret)
    assert await error(scene.secret) == "missing_scope"
    assert await error(scene.marketing, cursor="next") == "invalid_cursor"
    assert await error(scene.marketing, limit="many") == "invalid_limit"
    assert await error(scene.marketing, oldest="yesterday") == "invalid_ts_oldest"


async def test_metadata_is_returned_on_request(scene: Scene) -> None:
    client, marketing = scene.client, scene.marketing
    client.token = scene.slack.install(scene.team, "channels:history,chat:write").value
    scene.invite(marketing)
    here: Json = {"channel": marketing.id, "text": "Bonjour"}
    mark: Json = {"event_type": "made_here", "event_payload": {"key": "s1", "part": 1}}
    ts = (await client.chat_postMessage(**here, metadata=mark))["ts"]

    async def read(**more: Any) -> Any:
        (message,) = (await client.conversations_history(channel=marketing.id, **more))["messages"]
        return message.get("metadata")

    assert await read() is None
    assert await read(include_all_metadata=True) == mark
    await client.chat_update(ts=ts, **here)
    assert await read(include_all_metadata=True) == mark, "a change without metadata keeps it"
    for wrong, error in (
        ({"event_type": "made_here"}, "invalid_metadata_format"),
        ({"event_type": "made.here", "event_payload": {}}, "invalid_metadata_schema"),
        ({"event_type": "made_here", "event_payload": {"deep": {"in": {}}}}, "invalid_metadata_schema"),
        ({"event_type": "made_here", "event_payload": {"key": "x" * 8_000}}, "metadata_too_large"),
    ):
        assert (await scene.api_error("chat.postMessage", **here, metadata=wrong))["error"] == error


async def test_ephemeral_messages(scene: Scene) -> None:
    scene.invite(scene.marketing)
    stranger = scene.team.add_user("carol")
    here = scene.marketing.id
    response = await scene.api_error("chat.postEphemeral", channel=here, user=stranger.id, text="a")
    assert response["error"] == "user_not_in_channel"
    await scene.client.chat_postEphemeral(channel=here, user=scene.amelie.id, text="psst")
    assert [m.text for m in scene.slack.visible_to(scene.amelie, scene.marketing)] == ["psst"]
    assert scene.slack.visible_to(scene.bob, scene.marketing) == []
    [message] = scene.marketing.log
    response = await scene.api_error("chat.update", channel=here, ts=message.ts, text="b")
    assert response["error"] == "message_not_found"
    scene.user_actions.reload(scene.amelie)
    assert scene.slack.visible_to(scene.amelie, scene.marketing) == []


# --- Views --------------------------------------------------------------------------------------------------


async def test_trigger_expires_and_is_used_once(scene: Scene) -> None:
    ack = await scene.user_actions.shortcut(scene.amelie, "form")
    trigger = ack.payload["trigger_id"]
    bad = await scene.api_error("views.open", trigger_id=trigger, view=modal(title=plain("a" * 25)))
    assert bad["error"] == "invalid_arguments"
    assert "[json-pointer:/view/title/text]" in bad["response_metadata"]["messages"][0]
    scene.clock.advance(3.0)
    await scene.client.views_open(trigger_id=trigger, view=modal(section()))
    again = await scene.api_error("views.open", trigger_id=trigger, view=modal())
    assert again["error"] == "exchanged_trigger_id"
    late = await scene.user_actions.shortcut(scene.amelie, "form")
    scene.clock.advance(3.1)
    response = await scene.api_error("views.open", trigger_id=late.payload["trigger_id"], view=modal())
    assert response["error"] == "expired_trigger_id"
    response = await scene.api_error("views.open", trigger_id="nonsense", view=modal())
    assert response["error"] == "invalid_trigger_id"


async def open_modal(scene: Scene, view: Json) -> View:
    ack = await scene.user_actions.shortcut(scene.amelie, "form")
    await scene.client.views_open(trigger_id=ack.payload["trigger_id"], view=view)
    opened = scene.user_actions.modal(scene.amelie)
    assert opened
    return opened


async def test_submitting_a_modal(scene: Scene) -> None:
    where = asking(picker(), block_id="where", label=plain("Où ?"))
    view = await open_modal(scene, modal(asking(), where, private_metadata="m"))
    with pytest.raises(ValueError, match="Où"):
        await scene.user_actions.submit_view(scene.amelie, view, {"Qui ?": "Option 2"})
    with pytest.raises(LookupError, match="no option"):
        scene.user_actions.fill(scene.amelie, view, {"Qui ?": "Option 3"})
    scene.app.answer = {"response_action": "errors", "errors": {"where": "Pas là"}}
    await scene.user_actions.submit_view(scene.amelie, view, {"where": "C1"})
    assert view.errors == {"where": "Pas là"}
    assert scene.app.last["view"]["state"]["values"] == {
        "who": {"pick": {"type": "radio_buttons", "selected_option": choice(2, text=option_text(2))}},
        "where": {"where": {"type": "conversations_select", "selected_conversation": "C1"}},
    }
    scene.app.answer = {"response_action": "update", "view": modal(where, title=plain("Encore"))}
    await scene.user_actions.submit_view(scene.amelie, view)
    assert view.definition["title"]["text"] == "Encore"
    assert view.state == {"where": {"where": {"type": "conversations_select", "selected_conversation": "C1"}}}
    for answer, error in (
        ({"response_action": "update", "view": modal(title=plain("a" * 25))}, "invalid_arguments"),
        ({"response_action": "errors", "errors": {"who": "Gone"}}, "invalid_response"),
        ({"response_action": "nothing"}, "invalid_response"),
    ):
        scene.app.answer = answer
        assert (await scene.user_actions.submit_view(scene.amelie, view)).error == error
    assert scene.user_actions.modal(scene.amelie) is view
    scene.app.answer = None
    await scene.user_actions.submit_view(scene.amelie, view)
    assert scene.user_actions.modal(scene.amelie) is None


def option_text(n: int) -> Json:
    return {"type": "plain_text", "text": f"Option {n}", "emoji": True}


async def test_views_are_updated_and_closed(scene: Scene) -> None:
    view = await open_modal(scene, modal(section()))
    stale = view.hash
    await scene.client.views_update(view_id=view.id, hash=stale, view=modal(section("Encore")))
    response = await scene.api_error("views.update", view_id=view.id, hash=stale, view=modal())
    assert response["error"] == "hash_conflict"
    with pytest.raises(LookupError, match="does not have this view open"):
        await scene.user_actions.close_view(scene.bob, view)
    await scene.user_actions.close_view(scene.amelie, view)
    assert (await scene.api_error("views.update", view_id=view.id, view=modal()))["error"] == "not_found"


async def test_dispatching_inputs(scene: Scene) -> None:
    where = asking(picker(), block_id="where", label=plain("Où ?"))
    view = await open_modal(scene, modal(asking(dispatch_action=True), where))
    ack = await scene.user_actions.dispatch(scene.amelie, view, "Qui ?", "Option 1")
    assert "response_url" not in ack.payload
    [action] = ack.payload["actions"]
    assert (action["block_id"], action["selected_option"]["value"]) == ("who", "v1")
    with pytest.raises(LookupError, match="does not dispatch"):
        await scene.user_actions.dispatch(scene.amelie, view, "Où ?", "C1")


async def test_home(scene: Scene) -> None:
    ack = await scene.user_actions.open_home(scene.amelie)
    assert ack.payload["event"]["type"] == "app_home_opened"
    assert "view" not in ack.payload["event"]
    home = {"type": "home", "blocks": [section("Vos essais"), actions(button("Commencer"))]}
    await scene.client.views_publish(user_id=scene.amelie.id, view=home)
    shown = scene.user_actions.home(scene.amelie)
    assert shown
    assert shown.texts() == ["Vos essais", "Commencer"]
    assert (await scene.user_actions.open_home(scene.amelie)).payload["event"]["view"]["id"] == shown.id
    assert (await scene.user_actions.press(scene.amelie, shown, "Commencer")).payload["container"]["type"] == "view"
    response = await scene.api_error("views.publish", user_id="U404", view=home)
    assert response["error"] == "user_not_found"


# --- Response URLs ------------------------------------------------------------------------------------------


async def respond(url: str, **payload: Any) -> tuple[int, str]:
    async with ClientSession() as session, session.post(url, json=payload) as response:
        return response.status, await response.text()


async def test_response_url_has_five_uses_and_half_an_hour(scene: Scene) -> None:
    ack = await scene.user_actions.slash(scene.amelie, scene.marketing)
    url = ack.payload["response_url"]
    assert await respond(url, blocks=[section("")]) == (400, "invalid_blocks")
    for n in range(5):
        assert await respond(url, text=f"{n}") == (200, "ok")
    assert await respond(url, text="6") == (404, "used_url")
    assert len(scene.slack.visible_to(scene.amelie, scene.marketing)) == 5
    late = (await scene.user_actions.slash(scene.amelie, scene.marketing)).payload["response_url"]
    scene.clock.advance(30 * 60)
    assert (await respond(late, text="a"))[0] == 200
    scene.clock.advance(1)
    assert await respond(late, text="a") == (404, "expired_url")


async def test_pressing_an_ephemeral_card_and_replacing_it(scene: Scene) -> None:
    scene.app.answer = {"text": "Question", "blocks": [section("Question"), actions(button())]}
    card = (await scene.user_actions.slash(scene.amelie, scene.secret, "oui & <non>")).message
    assert card
    assert scene.app.last["text"] == "oui &amp; &lt;non&gt;"
    assert scene.app.last["channel_name"] == "privategroup"
    scene.app.answer = None
    ack = await scene.user_actions.press(scene.amelie, card, "Oui")
    assert "message" not in ack.payload
    assert ack.payload["container"]["is_ephemeral"] is True
    assert ack.payload["actions"][0]["value"] == "1"
    with pytest.raises(LookupError, match="does not see"):
        await scene.user_actions.press(scene.bob, card, "Oui")
    with pytest.raises(LookupError, match="'Oui'"):
        await scene.user_actions.press(scene.amelie, card, "Peut-être")
    url = ack.payload["response_url"]
    await respond(url, replace_original=True, text="Suite", blocks=[section("Suite")])
    assert card.texts() == ["Suite"]
    assert len(scene.secret.log) == 1
    assert await respond(url, response_type="in_channel", text="Publié") == (400, "invalid_payload")
    await respond(url, delete_original=True)
    assert card.deleted


async def test_choosing_in_a_menu_of_a_message(scene: Scene) -> None:
    scene.app.answer = {"text": "Question", "blocks": [section("Question", accessory=menu())]}
    card = (await scene.user_actions.slash(scene.amelie, scene.secret)).message
    assert card
    scene.app.answer = None
    ack = await scene.user_actions.press(scene.amelie, card, "Choisir", value="Option 2")
    [action] = ack.payload["actions"]
    assert (action["type"], action["action_id"], action["selected_option"]["value"]) == ("static_select", "pick", "v2")
    assert "value" not in action
    chosen = {"type": "static_select", "selected_option": action["selected_option"]}
    assert ack.payload["state"] == {"values": {action["block_id"]: {"pick": chosen}}}
    with pytest.raises(LookupError, match="'Option 3'"):
        await scene.user_actions.press(scene.amelie, card, "Choisir", value="Option 3")


async def test_response_url_of_a_command_replaces_nothing(scene: Scene) -> None:
    url = (await scene.user_actions.slash(scene.amelie, scene.marketing)).payload["response_url"]
    await respond(url, text="un")
    await respond(url, text="deux", replace_original=True)
    assert [m.text for m in scene.slack.visible_to(scene.amelie, scene.marketing)] == ["un", "deux"]


# --- Limits and faults --------------------------------------------------------------------------------------


async def test_one_message_per_second_and_channel(scene: Scene) -> None:
    scene.slack.limits.messages = True
    await scene.client.chat_postMessage(channel=scene.marketing.id, text="a")
    answer = await scene.api_error("chat.postMessage", channel=scene.marketing.id, text="b")
    assert (answer.status_code, answer["error"], answer.headers["Retry-After"]) == (429, "ratelimited", "1")
    await scene.client.chat_postMessage(channel=scene.amelie.id, text="elsewhere")
    scene.clock.advance(1.0)
    await scene.client.chat_postMessage(channel=scene.marketing.id, text="b")
    assert len(scene.marketing.messages) == 2


async def test_faults(scene: Scene) -> None:
    here = scene.marketing.id
    scene.client.retry_handlers.clear()  # those of slack_sdk repeat a call without a response
    scene.slack.fail("chat.postMessage", times=2, status=502)
    for _ in range(2):
        with pytest.raises(SlackApiError) as caught:
            await scene.client.chat_postMessage(channel=here, text="a")
        assert caught.value.response.status_code == 502
    scene.slack.fail("*", error="internal_error")
    assert (await scene.api_error("auth.test"))["error"] == "internal_error"
    scene.slack.fail("chat.postMessage", retry_after=7, match=lambda args: args["channel"] == here)
    await scene.client.chat_postMessage(channel=scene.amelie.id, text="elsewhere")
    assert (await scene.api_error("chat.postMessage", channel=here, text="a")).headers["Retry-After"] == "7"
    assert scene.marketing.messages == []
    scene.slack.fail("chat.postMessage", drop="before")
    with pytest.raises(ClientError):
        await scene.client.chat_postMessage(channel=here, text="a")
    assert scene.marketing.messages == []
    scene.slack.fail("chat.postMessage", drop="after")
    with pytest.raises(ClientError):
        await scene.client.chat_postMessage(channel=here, text="lost answer")
    assert [message.text for message in scene.marketing.messages] == ["lost answer"]
    scene.slack.fail("chat.postMessage", status=500, effect=True)
    with pytest.raises(SlackApiError):
        await scene.client.chat_postMessage(channel=here, text="done all the same")
    assert len(scene.marketing.messages) == 2
    scene.slack.fail("auth.test", delay=0.1)
    started = time.monotonic()
    await scene.client.auth_test()
    assert time.monotonic() - started >= 0.1
    forever = scene.slack.fail("response_url", times=None, status=500)
    url = (await scene.user_actions.slash(scene.amelie, scene.marketing)).payload["response_url"]
    assert (await respond(url, text="a"))[0] == 500
    forever.cancel()
    assert (await respond(url, text="a"))[0] == 200


# --- What people do -----------------------------------------------------------------------------------------


async def test_mentions_are_sent_only_to_members(scene: Scene) -> None:
    ack = await scene.user_actions.mention(scene.amelie, scene.marketing, "oui")
    assert (ack.error, scene.app.requests) == ("not_delivered", [])
    scene.invite(scene.marketing)
    ack = await scene.user_actions.mention(scene.amelie, scene.marketing, "<oui>")
    assert ack.message
    event = scene.app.last["event"]
    assert (event["type"], event["ts"]) == ("app_mention", ack.message.ts)
    assert event["text"] == f"<@{scene.team.bot.id}> &lt;oui&gt;"
    assert "locale" not in json.dumps(scene.app.last)
    with pytest.raises(LookupError, match="not a member"):
        await scene.user_actions.mention(scene.team.add_user("carol"), scene.marketing, "oui")


async def test_events_of_direct_messages_and_own_messages(scene: Scene) -> None:
    ack = await scene.user_actions.direct_message(scene.amelie, "bonjour")
    assert ack.payload["event"]["channel_type"] == "im"
    await scene.client.chat_postMessage(channel=scene.amelie.id, text="Bonjour !")
    await scene.slack.wait_for(lambda: len(scene.app.requests) == 2)
    echo = scene.app.last["event"]
    assert (echo["text"], echo["bot_id"]) == ("Bonjour !", scene.team.bot_id)


async def test_slack_retries_events(scene: Scene) -> None:
    scene.app.status = 500
    scene.user_actions.retries = True
    ack = await scene.user_actions.direct_message(scene.amelie, "bonjour")
    assert ack.error == "dispatch_failed"
    assert [headers.get("X-Slack-Retry-Num") for headers, _ in scene.app.requests] == [None, "1", "2", "3"]
    assert len({payload["event_id"] for _, payload in scene.app.requests}) == 1
    scene.app.status = 200
    again = await scene.user_actions.redeliver(ack, retry=None)
    assert (again.ok, scene.app.requests[-1][0].get("X-Slack-Retry-Num")) == (True, None)


async def test_late_and_failed_responses_are_shown_to_the_person(scene: Scene) -> None:
    scene.user_actions.timeout_seconds = 0.1
    scene.app.delay = 0.3
    ack = await scene.user_actions.slash(scene.amelie, scene.marketing)
    assert (ack.error, ack.status) == ("operation_timeout", None)
    scene.app.delay, scene.app.status = 0.0, 500
    await scene.user_actions.shortcut(scene.bob, "form")
    assert [exchange.error for exchange in scene.user_actions.errors_shown] == ["operation_timeout", "dispatch_failed"]


async def test_uninstalling(scene: Scene) -> None:
    acks = await scene.user_actions.uninstall()
    assert [ack.payload["event"]["type"] for ack in acks] == ["tokens_revoked", "app_uninstalled"]
    assert (await scene.api_error("auth.test"))["error"] == "account_inactive"


# --- OAuth --------------------------------------------------------------------------------------------------


async def authorize(scene: Scene, **query: str) -> dict[str, str]:
    params = {"client_id": scene.slack.app.client_id, "scope": "commands,chat:write", "state": "s", **query}
    url = f"{scene.slack.url}/oauth/v2/authorize"
    async with ClientSession() as session, session.get(url, params=params, allow_redirects=False) as page:
        assert page.status == 302
        return {k: v[0] for k, v in parse_qs(urlsplit(page.headers["Location"]).query).items()}


async def test_oauth_and_rotation(scene: Scene) -> None:
    app, anywhere = scene.slack.app, "http://127.0.0.1:1/slack/oauth_redirect"
    app.rotation = True
    query = await authorize(scene, redirect_uri=anywhere)
    assert query["state"] == "s"
    anonymous = AsyncWebClient(base_url=scene.slack.api_url)

    async def access(**arguments: str) -> Any:
        known = {"client_id": app.client_id, "client_secret": app.client_secret}
        return await anonymous.api_call("oauth.v2.access", data={**known, **arguments})

    with pytest.raises(SlackApiError, match="bad_redirect_uri"):
        await access(code=query["code"])
    installation = await access(code=query["code"], redirect_uri=anywhere)
    assert (installation["scope"], installation["team"]["id"], installation["expires_in"]) == (
        "chat:write,commands",
        scene.team.id,
        43200,
    )
    assert installation["access_token"].startswith("xoxe.xoxb-1-")
    with pytest.raises(SlackApiError, match="code_already_used"):
        await access(code=query["code"], redirect_uri=anywhere)
    refresh = {"grant_type": "refresh_token", "refresh_token": installation["refresh_token"]}
    assert (await access(**refresh))["refresh_token"] != installation["refresh_token"]
    with pytest.raises(SlackApiError, match="invalid_refresh_token"):
        await access(**refresh)
    scene.slack.oauth.allow = False
    assert await authorize(scene, redirect_uri=anywhere) == {"error": "access_denied", "state": "s"}
