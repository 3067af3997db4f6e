"""The stand-in of Microsoft's servers, on its own: does it refuse, limit, fail and show as Teams does?"""

import copy
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import jwt
import pytest
from aiohttp import ClientError, ClientSession, web

from adapters.playground.standins.teams import SCOPE, TeamsStandIn
from adapters.playground.standins.teams_rules import (
    CARD_TYPE,
    ERROR_TYPE,
    MESSAGE_TYPE,
    Json,
    check_activity,
    check_card,
    check_invoke_response,
    check_task_response,
)
from adapters.playground.standins.teams_user import FORGERIES, CannotPress, TeamsUsers, fill


def execute(title: str, verb: str = "answer", **data: Any) -> Json:
    fallback = {"type": "Action.Submit", "title": title, "data": {"verb": verb, **data}}
    return {"type": "Action.Execute", "title": title, "verb": verb, "data": data, "fallback": fallback}


def card(*actions: Json, body: Any = (), **more: Any) -> Json:
    return {
        "type": "AdaptiveCard",
        "version": "1.5",
        "fallbackText": "A question",
        "speak": "A question",
        "body": [
            {"type": "TextBlock", "text": "A question", "wrap": True},
            *body,
            {"type": "ActionSet", "actions": list(actions) or [execute("Yes", option="yes")]},
        ],
        **more,
    }


def holding(content: Json) -> Json:
    return {"type": "message", "attachments": [{"contentType": CARD_TYPE, "content": content}]}


TEXT = {"type": "message", "text": "hello"}


class Bot:
    """The smallest client of the connector."""

    def __init__(self, teams: TeamsStandIn):
        self.teams, self.token = teams, ""

    async def login(self, **changes: str) -> tuple[int, Json]:
        form = {"grant_type": "client_credentials", "client_id": self.teams.app_id, "scope": SCOPE}
        form |= {"client_secret": self.teams.app_password, **changes}
        tenant = form.pop("tenant", self.teams.tenant)
        async with (
            ClientSession() as session,
            session.post(f"{self.teams.base_url}/{tenant}/oauth2/v2.0/token", data=form) as response,
        ):
            body = await response.json()
            self.token = body.get("access_token", self.token)
            return response.status, body

    async def call(self, method: str, path: str, body: Any = None, raw: bytes | None = None) -> tuple[int, Any]:
        kind: dict[str, Any] = {"data": raw} if raw is not None else {"json": body} if body is not None else {}
        headers = {"Authorization": f"Bearer {self.token}"}
        async with (
            ClientSession(self.teams.service_url, headers=headers) as session,
            session.request(method, f"v3/{path}", **kind) as response,
        ):
            self.retry_after = response.headers.get("Retry-After")
            return response.status, (await response.json() if await response.read() else None)

    async def send(self, conversation: str, activity: Any = None) -> tuple[int, Any]:
        return await self.call("POST", f"conversations/{conversation}/activities", activity or TEXT)


def code(answer: tuple[int, Any]) -> tuple[int, str]:
    return answer[0], answer[1]["error"]["code"]


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def teams(clock: Clock) -> AsyncIterator[TeamsStandIn]:
    async with TeamsStandIn(clock=clock) as standin:
        yield standin


@pytest.fixture
async def bot(teams: TeamsStandIn) -> Bot:
    bot = Bot(teams)
    assert (await bot.login())[0] == 200
    return bot


@pytest.fixture
def anna(teams: TeamsStandIn):
    return teams.add_user("Anna Martin", "fr-FR")


@pytest.fixture
def ben(teams: TeamsStandIn):
    return teams.add_user("Ben Okri", "en-GB")


@pytest.fixture
def channel(teams: TeamsStandIn, anna, ben):
    return teams.add_team("Marketing", [anna, ben], ["Campaigns"]).channel("Campaigns")


# --- Login and keys ---


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"client_secret": "wrong"}, (401, "invalid_client")),
        ({"client_id": "someone"}, (401, "invalid_client")),
        ({"scope": "https://graph.microsoft.com/.default"}, (400, "invalid_scope")),
        ({"grant_type": "password"}, (400, "unsupported_grant_type")),
        ({"tenant": "botframework.com"}, (400, "invalid_request")),
    ],
)
async def test_login_refuses(teams, bot, changes, expected):
    status, body = await bot.login(**changes)
    assert (status, body["error"]) == expected
    assert body["error_description"].startswith("AADSTS")
    assert len(teams.called("token")) == 2


async def verify(teams: TeamsStandIn, authorization: str | None) -> Json:
    """What an honest bot does, by the documentation."""
    scheme, _, token = (authorization or "").partition(" ")
    if scheme != "Bearer":
        raise jwt.InvalidTokenError("no bearer")
    async with ClientSession() as session:
        async with session.get(teams.openid_url) as response:
            metadata = await response.json()
        async with session.get(metadata["jwks_uri"]) as response:
            keys = (await response.json())["keys"]
    kid = jwt.get_unverified_header(token).get("kid")
    (jwk,) = [key for key in keys if key["kid"] == kid] or [None]
    if jwk is None or "msteams" not in jwk["endorsements"]:
        raise jwt.InvalidTokenError("key")
    claims: Json = jwt.decode(
        token,
        jwt.PyJWK(jwk),
        algorithms=metadata["id_token_signing_alg_values_supported"],
        audience=teams.app_id,
        issuer=metadata["issuer"],
        options={"require": ["exp", "nbf"]},
    )
    if claims.get("serviceurl") != teams.service_url:
        raise jwt.InvalidTokenError("service url")
    return claims


async def test_a_true_token_verifies_before_and_after_a_rotation(teams):
    users = TeamsUsers(teams, "")
    old = f"Bearer {users.token()}"
    assert (await verify(teams, old))["aud"] == teams.app_id
    teams.rotate_keys(keep_old=True)
    await verify(teams, old)
    teams.rotate_keys()
    await verify(teams, f"Bearer {users.token()}")
    with pytest.raises(jwt.InvalidTokenError):
        await verify(teams, old)
    assert len(teams.called("openid")) == len(teams.called("keys")) == 4


@pytest.mark.parametrize("case", FORGERIES)
async def test_a_forged_token_does_not(teams, case):
    with pytest.raises(jwt.InvalidTokenError):
        await verify(teams, TeamsUsers(teams, "").forge(case))


def test_a_stand_in_has_three_different_keys():
    teams = TeamsStandIn()
    numbers = {key.jwk()["n"] for key in (teams.signing, teams.unendorsed, teams.unpublished)}
    assert len(numbers) == 3
    assert "d" not in teams.signing.jwk()


# --- The connector ---


async def test_tokens_are_asked_for_and_expire(teams, bot, channel, clock):
    assert (await bot.send(channel.id))[0] == 201
    clock.now += teams.token_lifetime
    assert await bot.send(channel.id) == (401, {"message": "Authorization has been denied for this request."})
    await bot.login()
    assert (await bot.send(channel.id))[0] == 201
    teams.revoke_tokens()
    assert (await bot.send(channel.id))[0] == 401


async def test_posts_replies_edits_and_deletes(teams, bot, channel):
    create = {"isGroup": True, "channelData": {"channel": {"id": channel.id}}, "activity": TEXT}
    status, created = await bot.call("POST", "conversations", create)
    assert status == 201
    assert created["id"] == f"{channel.id};messageid={created['activityId']}"
    _, reply = await bot.send(created["id"])
    _, under = await bot.call("POST", f"conversations/{channel.id}/activities/{reply['id']}", TEXT)
    _, post = await bot.send(channel.id)
    assert [m.id for m in teams.posts(channel)] == [created["activityId"], post["id"]]
    assert [m.id for m in teams.messages(channel, root=created["activityId"])][1:] == [reply["id"], under["id"]]

    path = f"conversations/{channel.id}/activities/{reply['id']}"
    assert await bot.call("PUT", path, {**TEXT, "text": "changed"}) == (200, {"id": reply["id"]})
    edited = teams.find(reply["id"])
    assert edited
    assert (edited.text, edited.edits, edited.history) == ("changed", 1, [TEXT])
    assert await bot.call("DELETE", path) == (200, None)
    for method in ("PUT", "POST", "DELETE"):
        assert code(await bot.call(method, path, TEXT)) == (404, "ActivityNotFoundInConversation")
    assert (await bot.call("POST", f"conversations/{channel.id}/activities/f:some-invoke", TEXT))[0] == 201


async def test_personal_chats(teams, bot, anna, ben, channel):
    def person(user, **more):
        data = {"channelData": {"tenant": {"id": teams.tenant}}, "bot": {"id": teams.bot_id}}
        return {"members": [{"id": user.id}], **data, **more}

    status, made = await bot.call("POST", "conversations", person(anna))
    assert (status, made) == (201, {"id": teams.personal(anna).id})
    assert await bot.call("POST", "conversations", person(anna)) == (status, made)
    assert (await bot.send(made["id"]))[0] == 201
    assert teams.last(teams.personal(anna)).thread_id == made["id"]
    stranger = teams.add_user("Zoe")
    assert code(await bot.call("POST", "conversations", person(stranger))) == (403, "BotNotInConversationRoster")
    assert code(await bot.call("POST", "conversations", person(ben, isGroup=True))) == (400, "BadSyntax")
    assert code(await bot.call("POST", "conversations", {"members": [{"id": ben.id}]})) == (400, "BadSyntax")
    teams.personal(anna).blocked = True
    assert code(await bot.send(made["id"])) == (403, "ConversationBlockedByUser")


async def test_what_it_refuses(teams, bot, channel, anna):
    assert (await bot.send(quote(channel.id, safe="")))[0] == 201  # clients differ in what they escape
    elsewhere = teams.add_team("Sales", [anna], installed=False)
    assert code(await bot.send(elsewhere.id)) == (403, "BotNotInConversationRoster")
    assert code(await bot.send("19:nowhere@thread.tacv2")) == (404, "ConversationNotFound")
    assert code(await bot.send(f"{channel.id};messageid=1")) == (404, "ConversationNotFound")
    path = f"conversations/{channel.id}/activities"
    for raw in (b"{", b"[]", b"null", b""):
        assert code(await bot.call("POST", path, raw=raw)) == (400, "BadSyntax")
    assert code(await bot.send(channel.id, {"type": "message"})) == (400, "BadSyntax")
    assert code(await bot.send(channel.id, {"type": "trace", "text": "x"})) == (400, "BadSyntax")
    unknown = {"type": "message", "attachments": [{"contentType": "text/plain", "content": "x"}]}
    assert code(await bot.send(channel.id, unknown)) == (400, "BadArgument")
    assert code(await bot.send(channel.id, {**TEXT, "text": "x" * 80 * 1024})) == (413, "MessageSizeTooBig")
    assert (await bot.send(channel.id, {**TEXT, "text": "x" * 79 * 1024}))[0] == 201
    mine = TeamsUsers(teams, "").make_mention(anna, channel, "hello")
    assert code(await bot.call("PUT", f"{path}/{mine['id']}", TEXT)) == (403, "Forbidden")


async def test_text_beside_a_card_is_split_and_noted(teams, bot, channel):
    both = {**holding(card()), "text": "hello"}
    assert await bot.send(channel.id, both) == (201, {})
    assert [(m.text, len(m.cards)) for m in teams.messages(channel)] == [("hello", 0), ("", 1)]
    assert teams.problems == ["activity: text beside an attachment is split and loses its id"]
    path = f"conversations/{channel.id}/activities/{teams.last(channel).id}"
    assert code(await bot.call("PUT", path, both)) == (400, "BadSyntax")


async def test_typing_is_no_message(teams, bot, channel):
    assert (await bot.send(channel.id, {"type": "typing"}))[0] == 201
    assert (len(teams.typing), teams.messages(channel), teams.problems) == (1, [], [])


async def test_limits(teams, bot, channel, clock):
    other = teams.add_group_chat("Plans", [])
    for _ in range(7):
        assert (await bot.send(channel.id))[0] == 201
    assert code(await bot.send(channel.id)) == (429, "Throttled")
    assert bot.retry_after == "1"
    assert (await bot.send(other.id))[0] == 201
    clock.now += 1
    assert (await bot.send(channel.id))[0] == 201
    assert code(await bot.send(channel.id)) == (429, "Throttled")
    clock.now += 2
    for _ in range(52):
        clock.now += 0.5
        assert (await bot.send(channel.id))[0] == 201
    clock.now += 0.5
    assert code(await bot.send(channel.id)) == (429, "Throttled")
    teams.limits = False
    assert (await bot.send(channel.id))[0] == 201


async def test_rosters_may_be_read_twice_as_often(bot, channel):
    for _ in range(14):
        assert (await bot.call("GET", f"conversations/{channel.id}/members"))[0] == 200
    assert (await bot.call("GET", f"conversations/{channel.id}/members"))[0] == 429


async def test_faults(teams, bot, channel):
    teams.fail("send", 503, times=2, retry_after=4)
    teams.fail("send", 412)
    answers = [code(await bot.send(channel.id)) for _ in range(3)]
    assert answers == [(503, "ServiceUnavailable")] * 2 + [(412, "PreconditionFailed")]
    assert teams.messages(channel) == []
    for drop, stored in (("before", 0), ("after", 1)):
        teams.fail("*", drop=drop)
        with pytest.raises(ClientError):
            await bot.send(channel.id)
        assert len(teams.messages(channel)) == stored
    teams.fail("send", 502, effect=True)
    assert (await bot.send(channel.id))[0] == 502
    assert len(teams.messages(channel)) == 2, "done all the same"
    teams.fail("send", delay=0.01)
    assert (await bot.send(channel.id))[0] == 201
    assert [call.status for call in teams.called("send")] == [503, 503, 412, None, None, 502, 201]
    with pytest.raises(ValueError, match="sned"):
        teams.fail("sned", 500)


async def test_rosters_and_teams(teams, bot, anna, channel):
    channel.members.extend(teams.add_user(f"Person {n}") for n in range(60))
    one = f"conversations/{channel.id}/members"
    for key in (anna.id, anna.aad):
        status, member = await bot.call("GET", f"{one}/{key}")
        assert (status, member["objectId"], member["tenantId"]) == (200, anna.aad, teams.tenant)
    assert code(await bot.call("GET", f"{one}/29:nobody")) == (404, "MemberNotFoundInConversation")
    assert len((await bot.call("GET", one))[1]) == 62
    paged = f"conversations/{channel.id}/pagedmembers"
    first = (await bot.call("GET", f"{paged}?pageSize=1"))[1]
    last = (await bot.call("GET", f"{paged}?pageSize=50&continuationToken={first['continuationToken']}"))[1]
    assert (len(first["members"]), len(last["members"]), "continuationToken" in last) == (50, 12, False)
    assert code(await bot.call("GET", f"{paged}?continuationToken=x")) == (400, "BadArgument")
    team = channel.team
    assert (await bot.call("GET", f"teams/{team.id}"))[1]["aadGroupId"] == team.aad_group
    listed = [{"id": team.id, "name": None}, {"id": channel.id, "name": "Campaigns"}]
    assert (await bot.call("GET", f"teams/{team.id}/conversations"))[1] == {"conversations": listed}


# --- The people ---


@pytest.fixture
async def app() -> AsyncIterator[Any]:
    """An app that keeps what it hears and answers what it is told to."""

    async def hear(request: web.Request) -> web.Response:
        server["heard"].append((request.headers.get("Authorization"), await request.json()))
        return web.json_response(server["says"], status=server["status"])

    server: dict[str, Any] = {"heard": [], "says": {}, "status": 200}
    application = web.Application()
    application.router.add_post("/api/messages", hear)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server["url"] = f"http://127.0.0.1:{runner.addresses[0][1]}/api/messages"
    yield server
    await runner.cleanup()


@pytest.fixture
async def users(teams, app) -> AsyncIterator[TeamsUsers]:
    async with TeamsUsers(teams, app["url"]) as people:
        yield people


def invoked(kind: str, value: Any, status: int = 200) -> Json:
    return {"statusCode": status, "type": kind, "value": value}


async def test_a_mention_in_a_channel(teams, users, app, anna, ben, channel):
    answer = await users.mention(anna, channel, "check oui", others=[ben])
    authorization, heard = app["heard"][-1]
    await verify(teams, authorization)
    assert answer.ok
    assert heard["text"] == f"<at>{teams.bot_name}</at> check oui <at>Ben Okri</at>\n"
    assert heard["conversation"]["id"] == f"{channel.id};messageid={heard['id']}"
    assert heard["channelData"]["team"] == {"id": channel.team.id}
    assert heard["locale"] == "fr-FR"
    assert {e["mentioned"]["id"] for e in heard["entities"] if e["type"] == "mention"} == {teams.bot_id, ben.id}
    post = teams.find(heard["id"])
    later = users.make_mention(ben, channel, "oui", thread=post)
    assert later["conversation"]["id"] == heard["conversation"]["id"]
    assert later["id"] != heard["id"]
    assert (await users.again(answer)).activity["id"] == heard["id"]
    with pytest.raises(AssertionError, match="Zoe"):
        users.make_mention(teams.add_user("Zoe"), channel, "hello")


async def test_group_and_personal(teams, users, app, anna, ben):
    chat = teams.add_group_chat("Plans", [anna, ben])
    await users.group(anna, chat, "check")
    await users.personal(ben, "bonjour")
    (_, group), (_, personal) = app["heard"]
    assert (group["conversation"]["conversationType"], group["conversation"]["isGroup"]) == ("groupChat", True)
    assert personal["conversation"]["id"] == teams.personal(ben).id
    assert "isGroup" not in personal["conversation"]
    assert personal["text"] == "bonjour"


async def test_a_card_returned_replaces_it_for_one_until_the_bot_edits(teams, users, app, bot, anna, ben, channel):
    await bot.send(channel.id, holding(card()))
    message = teams.last(channel)
    app["says"] = invoked(CARD_TYPE, card(execute("Back")))
    answer = await users.press(anna, message, "Yes")
    heard = app["heard"][-1][1]
    action = {"type": "Action.Execute", "title": "Yes", "verb": "answer", "data": {"option": "yes"}}
    assert heard["value"] == {"action": action, "trigger": "manual"}
    assert (heard["name"], heard["replyToId"]) == ("adaptiveCard/action", message.id)
    assert message.card_for(anna) == answer.card == card(execute("Back"))
    assert message.card_for(ben) == card()
    with pytest.raises(CannotPress, match="Back"):
        await users.press(anna, message, "Yes")
    await bot.call("PUT", f"conversations/{channel.id}/activities/{message.id}", holding(card(execute("Next"))))
    assert message.card_for(anna) == card(execute("Next"))
    app["says"] = invoked(MESSAGE_TYPE, "Only Anna can answer.")
    await users.press(ben, message, "Next")
    assert users.notices == [(ben, "Only Anna can answer.")]
    app["says"] = invoked(ERROR_TYPE, {"code": "Gone", "message": "No longer."}, 400)
    assert (await users.press(ben, message, "Next")).refusal == {"code": "Gone", "message": "No longer."}
    assert teams.problems == []
    app["status"], app["says"] = 500, {}
    await users.press(ben, message, "Next")
    assert teams.problems == ["adaptiveCard/action answered 500"]


FORM: list[Json] = [
    {
        "type": "Input.ChoiceSet",
        "id": "goal",
        "label": "Goal",
        "isRequired": True,
        "errorMessage": "Choose",
        "choices": [{"title": "Leads", "value": "lead"}, {"title": "Sales", "value": "sale"}],
    },
    {"type": "Input.Toggle", "id": "share", "title": "Share it"},
    {"type": "Input.Text", "id": "note", "label": "Note", "maxLength": 5},
]


async def test_inputs_are_merged_as_teams_does(teams, users, app, bot, anna, channel):
    await bot.send(channel.id, holding(card(execute("Go", step=1), body=FORM)))
    message = teams.last(channel)
    assert teams.problems == []
    for inputs in ({}, {"goal": "other"}, {"goal": "lead", "note": "too long"}, {"goal": "lead", "who": "x"}):
        with pytest.raises(CannotPress):
            users.make_press(anna, message, "Go", inputs)
    invoke = users.make_press(anna, message, "Go", {"goal": "lead", "share": True})
    assert invoke["value"]["action"]["data"] == {"step": 1, "goal": "lead", "share": "true"}
    await users.press(anna, message, "Go", {"goal": "sale"}, old_client=True)
    heard = app["heard"][-1][1]
    assert (heard["type"], heard["replyToId"], "text" in heard) == ("message", message.id, False)
    assert heard["value"] == {"verb": "answer", "step": 1, "goal": "sale", "share": "false"}


async def test_buttons_in_odd_places(teams, users, bot, anna, channel):
    inner = {"type": "AdaptiveCard", "body": [FORM[2]], "actions": [execute("Inside")]}
    hidden = {"type": "Container", "id": "more", "isVisible": False, "items": [text("x")], "selectAction": tap("Tap")}
    lost = {"type": "Container", "isVisible": False, "items": [text("x")], "selectAction": tap("Lost")}
    toggle = {"type": "Action.ToggleVisibility", "title": "More", "targetElements": ["more"]}
    show = {"type": "Action.ShowCard", "title": "Show", "card": inner}
    grey = {**execute("Grey"), "isEnabled": False}
    await bot.send(
        channel.id, holding(card(show, toggle, grey, execute("Twice"), execute("Twice"), body=[hidden, lost]))
    )
    message = teams.last(channel)
    assert users.make_press(anna, message, "Inside", {"note": "hi"})["value"]["action"]["data"] == {"note": "hi"}
    assert users.make_press(anna, message, "Tap")["value"]["action"]["verb"] == "tap"
    for label in ("Lost", "Grey", "Twice", "Nowhere", "Show", "More"):
        with pytest.raises(CannotPress):
            users.make_press(anna, message, label)
    last = ["body", len(message.card["body"]) - 1, "actions"]
    assert message.card["body"][last[1]]["type"] == "ActionSet"
    for place in (0, 2, 9):  # a card below, greyed out, nothing
        with pytest.raises(CannotPress):
            users.make_press(anna, message, [*last, place])
    twins = [users.make_press(anna, message, [*last, place])["value"]["action"]["title"] for place in (3, 4)]
    assert twins == ["Twice", "Twice"], "where a label does not say which, a path does"


async def test_refresh_only_for_those_named(teams, users, app, bot, anna, ben, channel):
    refresh = {"action": {"type": "Action.Execute", "verb": "look", "data": {"a": 1}}, "userIds": [anna.id]}
    await bot.send(channel.id, holding(card(refresh=refresh)))
    app["says"] = invoked(CARD_TYPE, card(execute("Yours")))
    assert await users.refresh(ben, teams.last(channel)) is None
    answer = await users.refresh(anna, teams.last(channel))
    assert answer
    assert app["heard"][-1][1]["value"]["trigger"] == "automatic"
    assert teams.last(channel).card_for(anna) == answer.card
    assert teams.problems == []


async def test_message_extension(teams, users, app, anna, channel):
    form = card({"type": "Action.Submit", "title": "Check", "data": {"step": 1}}, body=FORM)
    task = {"title": "Check", "card": {"contentType": CARD_TYPE, "content": form}}
    app["says"] = {"task": {"type": "continue", "value": task}}
    opened = await users.fetch_task(anna, channel, "check")
    heard = app["heard"][-1][1]
    assert (heard["name"], heard["value"]["commandId"]) == ("composeExtension/fetchTask", "check")
    attachment = {"contentType": CARD_TYPE, "content": card()}
    app["says"] = {"composeExtension": {"type": "result", "attachmentLayout": "list", "attachments": [attachment]}}
    await users.submit_action(anna, channel, "check", fill(opened.task_card, "Check", {"goal": "lead"}))
    assert app["heard"][-1][1]["value"]["data"] == {"step": 1, "goal": "lead", "share": "false"}
    (sent,) = teams.messages(channel, by_bot=False)
    assert (sent.by, sent.card) == (anna, card())
    assert teams.problems == []


async def test_install_and_membership(teams, users, app, anna, ben):
    team = teams.add_team("Sales", [anna], installed=False)
    await users.install(anna, team)
    (_, update), (_, installation) = app["heard"]
    assert update["membersAdded"] == [{"id": teams.bot_id}]
    assert update["channelData"]["eventType"] == "teamMemberAdded"
    assert (installation["action"], team.installed) == ("add", True)
    assert "locale" not in update
    assert "locale" not in installation
    await users.add_members(anna, team, [ben])
    assert app["heard"][-1][1]["membersAdded"] == [{"id": ben.id, "aadObjectId": ben.aad}]
    await users.remove_members(anna, team, [ben])
    assert ben not in team.members
    await users.uninstall(anna, team)
    assert (app["heard"][-1][1]["action"], team.installed) == ("remove", False)
    with pytest.raises(AssertionError, match="not installed"):
        users.make_mention(anna, team.general, "hello")
    await users.install(anna, teams.personal(anna, installed=False))
    await users.uninstall(anna, teams.personal(anna))
    kinds = [heard["type"] for _, heard in app["heard"]][-3:]
    assert kinds == ["conversationUpdate", "installationUpdate", "installationUpdate"]


async def test_edits_reactions_and_silence(teams, users, app, anna, channel):
    await users.mention(anna, channel, "hello")
    (message,) = teams.messages(channel, by_bot=False)
    await users.edit(anna, message, "changed")
    edited = app["heard"][-1][1]
    assert (edited["type"], edited["id"]) == ("messageUpdate", message.id)
    await users.react(anna, message)
    assert app["heard"][-1][1]["reactionsAdded"] == [{"type": "like"}]
    users.endpoint = "http://127.0.0.1:9/"
    assert (await users.personal(anna, "hello")).status == 0


async def test_send_activity_as_one_likes(teams, users, app, anna):
    app["status"] = 401
    answer = await users.send_activity(users.make_personal(anna, "x"), authorization=users.forge("expired"))
    assert (answer.status, teams.problems) == (401, [])
    await users.send_activity(users.make_personal(anna, "x"), token="x.y.z")
    assert app["heard"][-1][0] == "Bearer x.y.z"
    await users.send_activity(users.make_personal(anna, "x"), authorization=None)
    assert app["heard"][-1][0] is None
    answer = await users.send_activity({}, raw=b"{")
    assert answer.status == 500
    assert teams.problems


async def test_waiting(teams, bot, channel):
    with pytest.raises(TimeoutError):
        await teams.wait_for_messages(channel, within=0.05)
    await bot.send(channel.id)
    (message,) = await teams.wait_for_messages(channel)
    assert message.text == "hello"


# --- The rules ---


def text(words: str) -> Json:
    return {"type": "TextBlock", "text": words, "wrap": True}


def tap(words: str) -> Json:
    return {"type": "Action.Execute", "title": words, "verb": "tap"}


RICH = card(
    execute("Yes"),
    {"type": "Action.OpenUrl", "title": "Source", "url": "https://example.org/"},
    body=[
        *FORM,
        {"type": "FactSet", "facts": [{"title": "Goal", "value": "Leads"}]},
        {"type": "RichTextBlock", "inlines": ["plain ", {"type": "TextRun", "text": "bold", "weight": "Bolder"}]},
        {
            "type": "ColumnSet",
            "columns": [
                {
                    "type": "Column",
                    "width": "auto",
                    "items": [{"type": "Image", "url": "https://e.org/a.png", "altText": "A"}],
                },
                {"type": "Column", "width": "stretch", "items": [text("b")], "style": "emphasis"},
            ],
        },
        {
            "type": "Table",
            "columns": [{"width": 1}, {"width": "50px"}],
            "rows": [{"type": "TableRow", "cells": [{"type": "TableCell", "items": [text("c")]}]}],
        },
    ],
    msteams={"width": "Full"},
)


def test_good_cards_pass():
    assert check_card(card()) == []
    assert check_card(RICH) == []
    assert check_activity(holding(RICH)) == []
    assert check_activity({**TEXT, "from": {"id": "28:x"}, "conversation": {"id": "a:1"}}) == []


@pytest.mark.parametrize(
    ("bad", "fault"),
    [
        (card(version="1.6"), "version"),
        (card(speak=""), "speak: missing"),
        (card(fallbackText=None), "fallbackText"),
        (card(colour="red"), "colour: not a property"),
        (card(msteams={"width": "full"}), "width Full"),
        (card(*[execute(str(n)) for n in range(7)]), "7 actions"),
        (card(actions=[execute(str(n)) for n in range(6)]), "7 actions"),
        (card(execute("")), "without a title"),
        (card({**execute("a"), "verb": ""}), "verb: missing"),
        (card({**execute("a"), "fallback": "drop"}), "lacks the fallback"),
        (card({**execute("a"), "fallback": {"type": "Action.Submit", "title": "a"}}), "carries no data"),
        (card({"type": "Action.OpenUrl", "title": "a", "url": "http://example.org"}), "url"),
        (card({"type": "Action.Http", "title": "a"}), "may not stand here"),
        (card({"type": "Action.ToggleVisibility", "title": "a", "targetElements": ["no"]}), "not there"),
        (card(body=[{"type": "TextBlock", "text": "a"}]), "phones"),
        (card(body=[text(" ")]), "text: missing"),
        (card(body=[{**text("a"), "size": "huge"}]), "size"),
        (card(body=[{**text("a"), "maxLines": True}]), "maxLines"),
        (card(body=[text("as in Slack")]), "names Slack"),
        (card(body=[{"type": "RichTextBlock", "inlines": ["Slack"]}]), "names Slack"),
        (card(body=[{"type": "Media", "sources": []}]), "may not stand here"),
        (card(body=[{"type": "Image", "url": "https://example.org/a.png"}]), "altText"),
        (card(body=[FORM[0], FORM[0]]), "used 2 times"),
        (card(body=[{"type": "Input.Text", "id": "a"}]), "label: missing"),
        (card(body=[{"type": "Input.Text", "label": "a"}]), "id: missing"),
        (card(body=[{**FORM[0], "value": "none"}]), "not among the choices"),
        (card(body=[{**FORM[0], "errorMessage": ""}]), "errorMessage"),
        (card(body=[{"type": "ColumnSet", "columns": [{"type": "Column", "width": "wide"}]}]), "width"),
        (card(body=[text("x" * 28 * 1024)]), "28 KB"),
        (card(refresh={"action": tap("a"), "userIds": ["29:1"] * 61}), "at most 60"),
        (card(refresh={"action": {"type": "Action.Execute"}, "userIds": []}), "refresh.action.verb"),
        ([], "not an object"),
    ],
)
def test_bad_cards_are_told(bad, fault):
    assert any(fault in one for one in check_card(bad)), check_card(bad)


@pytest.mark.parametrize(
    ("bad", "fault"),
    [
        ({"type": "trace"}, "trace"),
        ({"type": "message"}, "neither"),
        ({**TEXT, "attachments": holding(card())["attachments"]}, "split"),
        ({**TEXT, "text": "see Slack"}, "names Slack"),
        ({**TEXT, "colour": 1}, "not known"),
        ({**TEXT, "from": {"id": "29:x"}}, "from.id"),
        ({**TEXT, "text": "<at>Anna</at>"}, "no mention entity"),
        ({"type": "message", "attachments": [{"contentType": "application/json", "content": {}}]}, "contentType"),
    ],
)
def test_bad_activities_are_told(bad, fault):
    assert any(fault in one for one in check_activity(bad)), check_activity(bad)


@pytest.mark.parametrize(
    ("status", "body", "fault"),
    [
        (200, invoked(CARD_TYPE, card()), None),
        (200, invoked(MESSAGE_TYPE, "Done."), None),
        (200, invoked(ERROR_TYPE, {"code": "x", "message": "y"}, 400), None),
        (501, invoked(CARD_TYPE, card()), "HTTP status"),
        (200, None, "not an object"),
        (200, {**invoked(MESSAGE_TYPE, "Done."), "extra": 1}, "keys"),
        (200, invoked("application/vnd.microsoft.adaptive.card", card()), "type"),
        (200, invoked(MESSAGE_TYPE, {"text": "Done."}), "string"),
        (200, invoked(MESSAGE_TYPE, "Done.", 400), "does not go with"),
        (200, invoked(ERROR_TYPE, "oh", 400), "code and a message"),
        (200, invoked(CARD_TYPE, {}), "version"),
        (200, {**invoked(MESSAGE_TYPE, "Done."), "statusCode": "200"}, "statusCode"),
    ],
)
def test_invoke_responses(status, body, fault):
    faults = check_invoke_response(status, body)
    assert (faults == []) if fault is None else any(fault in one for one in faults)


def test_task_responses():
    form = card({"type": "Action.Submit", "title": "Go", "data": {}})
    task: Json = {"task": {"type": "continue", "value": {"title": "A", "card": holding(form)["attachments"][0]}}}
    assert check_task_response(200, task) == []
    assert check_task_response(200, {"task": {"type": "message", "value": "Done"}}) == []
    untitled = copy.deepcopy(task)
    del untitled["task"]["value"]["title"]
    executing = copy.deepcopy(task)
    executing["task"]["value"]["card"]["content"] = card()
    for bad in (None, {}, executing, {"task": {"type": "message"}}, untitled, {"composeExtension": {"type": "result"}}):
        assert check_task_response(200, bad)


JUNK: list[Any] = [None, 1, True, "x", [], {}, [1], ["x"], [[]], {"type": "x"}, {"id": 1}, {"actions": 1}]


def places(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of everything below `node`."""
    inside = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [p for key, value in inside for p in ((*path, key), *places(value, (*path, key)))]


@pytest.mark.parametrize("junk", JUNK, ids=repr)
def test_the_checks_never_raise(junk):
    people: Json = {"from": {"id": "28:x"}, "conversation": {"id": "a:1"}, "entities": [{"type": "mention"}]}
    whole = {**holding(RICH), **people, "suggestedActions": {"actions": []}}
    for path in places(whole):
        changed = node = copy.deepcopy(whole)
        for key in path[:-1]:
            node = node[key]
        node[path[-1]] = junk
        check_activity(changed)
        check_invoke_response(200, changed)
        check_task_response(200, {"task": {"type": "continue", "value": {"card": changed.get("attachments")}}})
