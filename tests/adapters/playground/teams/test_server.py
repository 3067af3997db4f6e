"""The Teams simulator: login, signing keys, connector, rate limits, faults, user actions and rules."""

import copy
from typing import Any
from urllib.parse import quote

import jwt
import pytest
from aiohttp import ClientError, ClientSession

from adapters.playground.simulator import Json
from adapters.playground.teams.cards import CannotPress, fill
from adapters.playground.teams.rules import (
    CARD_TYPE,
    MESSAGE_TYPE,
    TASKS,
    check_activity,
    check_card,
    check_invoke_response,
)
from adapters.playground.teams.server import TOKEN_SECONDS, TeamsSimulator
from adapters.playground.teams.user_actions import TeamsUserActions
from tests.adapters.playground.teams.connector_client import (
    TEXT,
    card,
    card_message,
    code,
    execute,
    invoked,
    submit,
    text,
)
from tests.scenarios.teams.forged_tokens import FORGERIES

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
async def test_login_rejects_invalid_requests(teams, bot, changes, expected):
    status, body = await bot.login(**changes)
    assert (status, body["error"]) == expected
    assert body["error_description"].startswith("AADSTS")
    assert len(teams.calls_to("token")) == 2


async def verify(teams: TeamsSimulator, authorization: str | None) -> Json:
    """Verify the token as the documentation describes."""
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
    if not all(0 <= claims[name] < 2**40 for name in ("exp", "nbf")):  # PyJWT accepts numbers that are no time
        raise jwt.InvalidTokenError("time")
    if claims.get("serviceurl") != teams.service_url:
        raise jwt.InvalidTokenError("service url")
    return claims


async def test_token_is_valid_until_the_keys_rotate(teams):
    user_actions = TeamsUserActions(teams, "")
    old = f"Bearer {user_actions.token()}"
    assert (await verify(teams, old))["aud"] == teams.app_id
    teams.rotate_keys()
    await verify(teams, f"Bearer {user_actions.token()}")
    with pytest.raises(jwt.InvalidTokenError):
        await verify(teams, old)
    assert len(teams.calls_to("openid")) == len(teams.calls_to("keys")) == 3


# The library of these tests accepts a far expiry; the application does not.
@pytest.mark.parametrize("case", [case for case in FORGERIES if "400 digits" not in case])
async def test_forged_token_is_invalid(teams, case):
    with pytest.raises(jwt.InvalidTokenError):
        await verify(teams, FORGERIES[case](teams))


def test_simulator_has_three_different_keys():
    teams = TeamsSimulator()
    numbers = {key.jwk()["n"] for key in (teams.signing, teams.unendorsed, teams.unpublished)}
    assert len(numbers) == 3
    assert "d" not in teams.signing.jwk()


# --- The connector ---


async def test_tokens_are_required_and_expire(teams, bot, channel, clock):
    assert (await bot.send(channel.id))[0] == 201
    clock.now += TOKEN_SECONDS
    assert await bot.send(channel.id) == (401, {"message": "Authorization has been denied for this request."})
    await bot.login()
    assert (await bot.send(channel.id))[0] == 201
    teams.revoke_tokens()
    assert (await bot.send(channel.id))[0] == 401


async def test_posts_replies_and_edits(teams, bot, channel):
    _, post = await bot.send(channel.id)
    _, reply = await bot.send(f"{channel.id};messageid={post['id']}")
    assert [m.root for m in teams.messages(channel)] == [post["id"]] * 2
    assert [m.id for m in teams.posts(channel)] == [post["id"]]
    path = f"conversations/{channel.id}/activities/{reply['id']}"
    assert await bot.call("PUT", path, {**TEXT, "text": "changed"}) == (200, {"id": reply["id"]})
    edited = teams.find(reply["id"])
    assert edited
    assert (edited.text, edited.edits) == ("changed", 1)
    assert (await bot.call("DELETE", path))[0] == 200
    assert edited.deleted
    for method in ("PUT", "DELETE"):
        assert code(await bot.call(method, path, TEXT)) == (404, "ActivityNotFoundInConversation")


async def test_personal_chats(teams, bot, anna, ben, channel):
    def person(user, **more):
        tenant = {"channelData": {"tenant": {"id": teams.tenant}}}
        return {"isGroup": False, "members": [{"id": user.id}], "bot": {"id": teams.bot_id}, **tenant, **more}

    status, made = await bot.call("POST", "conversations", person(anna))
    assert (status, made) == (201, {"id": teams.personal(anna).id})
    assert await bot.call("POST", "conversations", person(anna)) == (status, made)
    assert (await bot.send(made["id"]))[0] == 201
    assert teams.last(teams.personal(anna)).thread_id == made["id"]
    stranger = teams.add_user("Zoe")
    assert code(await bot.call("POST", "conversations", person(stranger))) == (403, "BotNotInConversationRoster")
    foreigner = teams.add_user("Eve", tenant="another")
    assert code(await bot.call("POST", "conversations", person(foreigner))) == (404, "ConversationNotFound")
    changes: list[Json] = [{"isGroup": True}, {"bot": {"id": "28:x"}}, {"channelData": {}}, {"members": []}]
    for wrong in changes:
        assert code(await bot.call("POST", "conversations", person(ben, **wrong))) == (400, "BadSyntax")


async def test_invalid_requests_are_rejected(teams, bot, channel, anna):
    assert (await bot.send(quote(channel.id, safe="")))[0] == 201  # clients differ in what they escape
    elsewhere = teams.add_team("Sales", [anna], installed=False)
    assert code(await bot.send(elsewhere.id)) == (403, "BotNotInConversationRoster")
    assert code(await bot.send("19:nowhere@thread.tacv2")) == (404, "ConversationNotFound")
    assert code(await bot.send(f"{channel.id};messageid=1")) == (404, "ConversationNotFound")
    path = f"conversations/{channel.id}/activities"
    for raw in (b"{", b"[]", b"null", b""):
        assert code(await bot.call("POST", path, raw=raw)) == (400, "BadSyntax")
    for bad in ({"type": "message"}, {"type": "trace", "text": "x"}, {"type": "message", "attachments": "x"}):
        assert code(await bot.send(channel.id, bad)) == (400, "BadSyntax")
    unknown = {"type": "message", "attachments": [{"contentType": "text/plain", "content": "x"}]}
    assert code(await bot.send(channel.id, unknown)) == (400, "BadArgument")
    assert code(await bot.send(channel.id, {**TEXT, "text": "x" * 80 * 1024})) == (413, "MessageSizeTooBig")
    assert (await bot.send(channel.id, {**TEXT, "text": "x" * 79 * 1024}))[0] == 201
    sent = TeamsUserActions(teams, "").make_mention(anna, channel, "hello")
    assert code(await bot.call("PUT", f"{path}/{sent['id']}", TEXT)) == (403, "Forbidden")
    async with (
        ClientSession() as session,
        session.patch(f"{teams.service_url}v3/{path}/{sent['id']}") as response,
    ):
        assert response.status == 405, "operations that the app does not use are not simulated"


async def test_typing_is_not_a_message(teams, bot, channel):
    assert (await bot.send(channel.id, {"type": "typing"}))[0] == 201
    assert (len(teams.typing), teams.messages(channel), teams.violations) == (1, [], [])


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


async def test_members_have_twice_the_rate_limit(bot, anna, channel):
    for _ in range(14):
        assert (await bot.call("GET", f"conversations/{channel.id}/members/{anna.id}"))[0] == 200
    assert (await bot.call("GET", f"conversations/{channel.id}/members/{anna.id}"))[0] == 429


async def test_faults(teams, bot, channel):
    teams.fail("send", 503, times=2, retry_after=4)
    teams.fail("send", 412)
    answers = [code(await bot.send(channel.id)) for _ in range(3)]
    assert answers == [(503, "ServiceUnavailable")] * 2 + [(412, "PreconditionFailed")]
    assert teams.messages(channel) == []
    for drop, stored in (("before", 0), ("after", 1)):
        teams.fail("send", drop=drop)
        with pytest.raises(ClientError):
            await bot.send(channel.id)
        assert len(teams.messages(channel)) == stored
    teams.fail("send", 502, effect=True)
    assert (await bot.send(channel.id))[0] == 502
    assert len(teams.messages(channel)) == 2, "carried out despite the error"
    teams.fail("send", delay=0.01)
    assert (await bot.send(channel.id))[0] == 201
    assert [call.status for call in teams.calls_to("send")] == [503, 503, 412, None, None, 502, 201]
    with pytest.raises(ValueError, match="sned"):
        teams.fail("sned", 500)


async def test_members_and_teams(teams, bot, anna, channel):
    members = f"conversations/{channel.id}/members"
    for key in (anna.id, anna.aad):
        status, member = await bot.call("GET", f"{members}/{key}")
        assert (status, member["objectId"], member["tenantId"]) == (200, anna.aad, teams.tenant)
    assert code(await bot.call("GET", f"{members}/29:nobody")) == (404, "MemberNotFoundInConversation")
    team = channel.team
    assert (await bot.call("GET", f"teams/{team.id}"))[1]["name"] == "Marketing"
    listed = [
        {"id": team.id, "name": None, "type": "standard"},
        {"id": channel.id, "name": "Campaigns", "type": "standard"},
    ]
    assert (await bot.call("GET", f"teams/{team.id}/conversations"))[1] == {"conversations": listed}
    assert code(await bot.call("GET", f"teams/{channel.id}")) == (404, "NotFound")


# --- The people ---


async def test_mention_in_a_channel(teams, user_actions, app, anna, ben, channel):
    answer = await user_actions.mention(anna, channel, "check oui")
    authorization, activity = app["requests"][-1]
    await verify(teams, authorization)
    assert answer.ok
    assert activity["text"] == f"<at>{teams.bot_name}</at> check oui\n"
    assert activity["conversation"]["id"] == f"{channel.id};messageid={activity['id']}"
    assert activity["channelData"]["team"] == {"id": channel.team.id}
    assert activity["locale"] == "fr-FR"
    assert {e["mentioned"]["id"] for e in activity["entities"] if e["type"] == "mention"} == {teams.bot_id}
    post = teams.find(activity["id"])
    later = user_actions.make_mention(ben, channel, "oui", thread=post)
    assert later["conversation"]["id"] == activity["conversation"]["id"]
    assert later["id"] != activity["id"]
    assert (await user_actions.redeliver(answer)).payload["id"] == activity["id"]
    with pytest.raises(AssertionError, match="Zoe"):
        user_actions.make_mention(teams.add_user("Zoe"), channel, "hello")


async def test_group_and_personal(teams, user_actions, app, anna, ben):
    chat = teams.add_group_chat("Plans", [anna, ben])
    await user_actions.mention(anna, chat, "check")
    await user_actions.personal(ben, "bonjour")
    (_, group), (_, personal) = app["requests"]
    assert (group["conversation"]["conversationType"], group["conversation"]["isGroup"]) == ("groupChat", True)
    assert personal["conversation"]["id"] == teams.personal(ben).id
    assert "isGroup" not in personal["conversation"]
    assert personal["text"] == "bonjour"


async def test_returned_card_is_user_specific_until_the_bot_edits(teams, user_actions, app, bot, anna, ben, channel):
    await bot.send(channel.id, card_message(card()))
    message = teams.last(channel)
    app["response"] = invoked(CARD_TYPE, card(execute("Back")))
    answer = await user_actions.press(anna, message, "Yes")
    activity = app["requests"][-1][1]
    action = {"type": "Action.Execute", "title": "Yes", "verb": "answer", "data": {"step": 1, "option": "yes"}}
    assert activity["value"] == {"action": action, "trigger": "manual"}
    assert (activity["name"], activity["replyToId"]) == ("adaptiveCard/action", message.id)
    assert message.card_for(anna) == answer.card == card(execute("Back"))
    assert message.card_for(ben) == card()
    with pytest.raises(CannotPress, match="Back"):
        await user_actions.press(anna, message, "Yes")
    await bot.call("PUT", f"conversations/{channel.id}/activities/{message.id}", card_message(card(execute("Next"))))
    assert message.card_for(anna) == card(execute("Next"))
    app["response"] = invoked(MESSAGE_TYPE, "Only Anna can answer.")
    assert (await user_actions.press(ben, message, "Next")).message == "Only Anna can answer."
    assert teams.violations == []
    app["status"], app["response"] = 500, {}
    await user_actions.press(ben, message, "Next")
    assert teams.violations == ["adaptiveCard/action answered 500"]


FORM: list[Json] = [
    {
        "type": "Input.ChoiceSet",
        "id": "goal",
        "label": "Goal",
        "isRequired": True,
        "errorMessage": "Choose",
        "choices": [{"title": "Leads", "value": "lead"}, {"title": "Sales", "value": "sale"}],
    },
]


async def test_inputs_are_merged_into_the_data(teams, user_actions, app, bot, anna, channel):
    await bot.send(channel.id, card_message(card(execute("Go"), body=FORM)))
    message = teams.last(channel)
    assert teams.violations == []
    for inputs in ({}, {"goal": "other"}, {"goal": "lead", "who": "x"}):
        with pytest.raises(CannotPress):
            user_actions.make_press(anna, message, "Go", inputs)
    invoke = user_actions.make_press(anna, message, "Go", {"goal": "lead"})
    assert invoke["value"]["action"]["data"] == {"step": 1, "goal": "lead"}
    await user_actions.press(anna, message, "Go", {"goal": "sale"}, old_client=True)
    activity = app["requests"][-1][1]
    assert (activity["type"], activity["replyToId"], "text" in activity) == ("message", message.id, False)
    assert activity["value"] == {"step": 1, "goal": "sale"}


async def test_button_is_found_by_title_or_path(teams, user_actions, bot, anna, channel):
    await bot.send(channel.id, card_message(card(execute("Once"), execute("Twice", n=1), execute("Twice", n=2))))
    message = teams.last(channel)
    for label in ("Twice", "Nowhere", ["body", 0], ["body", 1, "actions", 9]):
        with pytest.raises(CannotPress):
            user_actions.make_press(anna, message, label)
    twins = [
        user_actions.make_press(anna, message, ["body", 1, "actions", index])["value"]["action"] for index in (1, 2)
    ]
    assert [twin["data"]["n"] for twin in twins] == [1, 2], "a path finds one of two equal titles"


async def test_refresh_only_for_listed_users(teams, user_actions, app, bot, anna, ben, channel):
    refresh = {"action": execute("Look"), "userIds": [anna.id]}
    await bot.send(channel.id, card_message(card(refresh=refresh)))
    app["response"] = invoked(CARD_TYPE, card(execute("Yours")))
    assert await user_actions.refresh(ben, teams.last(channel)) is None
    answer = await user_actions.refresh(anna, teams.last(channel))
    assert answer
    assert app["requests"][-1][1]["value"]["trigger"] == "automatic"
    assert teams.last(channel).card_for(anna) == answer.card
    assert teams.violations == []


async def test_message_extension(teams, user_actions, app, anna, channel):
    form = card(submit("Check"), body=FORM)
    task = {"title": "Check", "card": {"contentType": CARD_TYPE, "content": form}}
    app["response"] = {"task": {"type": "continue", "value": task}}
    opened = await user_actions.fetch_task(anna, channel, "check")
    activity = app["requests"][-1][1]
    assert (activity["name"], activity["value"]["commandId"]) == ("composeExtension/fetchTask", "check")
    attachment = {"contentType": CARD_TYPE, "content": card()}
    app["response"] = {"composeExtension": {"type": "result", "attachmentLayout": "list", "attachments": [attachment]}}
    await user_actions.submit_action(anna, channel, "check", fill(opened.task_card, "Check", {"goal": "lead"}))
    assert app["requests"][-1][1]["value"]["data"] == {"step": 1, "goal": "lead"}
    (sent,) = teams.messages(channel, by_bot=False)
    assert (sent.by, sent.card) == (anna, card())
    assert teams.violations == []


async def test_install_and_membership(teams, user_actions, app, anna, ben):
    team = teams.add_team("Sales", [anna], installed=False)
    await user_actions.install(anna, team)
    (_, update), (_, installation) = app["requests"]
    assert update["membersAdded"] == [{"id": teams.bot_id}]
    assert update["channelData"]["eventType"] == "teamMemberAdded"
    assert (installation["action"], team.installed) == ("add", True)
    assert "locale" not in update
    assert "locale" not in installation
    await user_actions.add_members(anna, team, [ben])
    assert app["requests"][-1][1]["membersAdded"] == [{"id": ben.id, "aadObjectId": ben.aad}]
    assert ben in team.members
    await user_actions.uninstall(anna, team)
    assert (app["requests"][-1][1]["action"], team.installed) == ("remove", False)
    with pytest.raises(AssertionError, match="not installed"):
        user_actions.make_mention(anna, team.general, "hello")
    await user_actions.install(anna, teams.personal(anna, installed=False))
    await user_actions.uninstall(anna, teams.personal(anna))
    kinds = [activity["type"] for _, activity in app["requests"]][-3:]
    assert kinds == ["conversationUpdate", "installationUpdate", "installationUpdate"]


async def test_unreachable_app(user_actions, anna):
    user_actions.endpoint = "http://127.0.0.1:9/"
    assert (await user_actions.personal(anna, "hello")).status is None


async def test_send_activity_with_another_header_or_body(teams, user_actions, app, anna):
    app["status"] = 401
    answer = await user_actions.send_activity(
        user_actions.make_personal(anna, "x"), authorization=FORGERIES["expired"](teams)
    )
    assert (answer.status, teams.violations) == (401, [])
    await user_actions.send_activity(user_actions.make_personal(anna, "x"), authorization=None)
    assert app["requests"][-1][0] is None
    answer = await user_actions.send_activity({}, raw=b"{")
    assert answer.status == 500
    assert teams.violations


async def test_wait_for(teams, bot, channel):
    with pytest.raises(TimeoutError):
        await teams.wait_for(lambda: teams.messages(channel), timeout=0.05)
    await bot.send(channel.id)
    (message,) = await teams.wait_for(lambda: teams.messages(channel))
    assert message.text == "hello"


# --- The rules ---


RICH = card(
    execute("Yes"),
    submit("Back") | {"associatedInputs": "none", "style": "positive"},
    body=[
        *FORM,
        {"type": "FactSet", "facts": [{"title": "Goal", "value": "Leads"}]},
        {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": "bold", "weight": "Bolder"}]},
        {
            "type": "ColumnSet",
            "columns": [
                {"type": "Column", "width": "auto", "items": [text("a")]},
                {"type": "Column", "width": "stretch", "items": [{"type": "Container", "items": [text("b")]}]},
            ],
        },
    ],
    msteams={"width": "Full"},
    refresh={"action": execute("Look"), "userIds": ["29:1"]},
)


def test_valid_cards():
    assert check_card(card()) == []
    assert check_card(RICH) == []
    assert check_activity(card_message(RICH)) == check_activity(TEXT) == check_activity({"type": "typing"}) == []


@pytest.mark.parametrize(
    ("invalid", "expected"),
    [
        (card(version="1.6"), "version"),
        (card(speak=""), "speak: missing"),
        (card(fallbackText=None), "fallbackText"),
        (card(colour="red"), "colour: not a property"),
        (card(msteams={"width": "full"}), "width Full"),
        (card(*[execute(str(n)) for n in range(7)]), "7 actions"),
        (card(actions=[execute("a")]), "actions: not a property"),
        (card(execute("")), "title: missing"),
        (card({**execute("a"), "verb": ""}), "verb: missing"),
        (card({**execute("a"), "fallback": "drop"}), "fallback: not an object"),
        (card({**execute("a"), "fallback": {"type": "Action.Submit", "title": "a"}}), "fallback.data: missing"),
        (card({"type": "Action.OpenUrl", "title": "a", "url": "https://example.org"}), "leaves Teams"),
        (card({"type": "Action.Http", "title": "a"}), "is not allowed here"),
        (card(body=[text("a", wrap=False)]), "wrap: missing"),
        (card(body=[text(" ")]), "text: missing"),
        (card(body=[text("a", size="huge")]), "size"),
        (card(body=[text("a", isSubtle="yes")]), "isSubtle"),
        (card(body=[text("as in Slack")]), "names Slack"),
        (card(body=[{"type": "RichTextBlock", "inlines": ["a"]}]), "not an object"),
        (card(body=[{"type": "Media", "sources": []}]), "is not allowed here"),
        (card(body=[FORM[0], FORM[0]]), "used 2 times"),
        (card(body=[{**FORM[0], "label": ""}]), "label: missing"),
        (card(body=[{**FORM[0], "id": ""}]), "id: missing"),
        (card(body=[{**FORM[0], "value": "none"}]), "not among the choices"),
        (card(body=[{**FORM[0], "errorMessage": ""}]), "errorMessage"),
        (card(body=[{"type": "ColumnSet", "columns": [{"type": "Column", "width": "wide"}]}]), "width"),
        (card(body=[text("x" * 28 * 1024)]), "28 KB"),
        (card(refresh={"action": execute("a"), "userIds": ["29:1"] * 61}), "at most 60"),
        (card(refresh={"action": {"type": "Action.Execute"}, "userIds": ["28:1"]}), "ids of people"),
        (card(refresh={"action": {"type": "Action.Execute"}, "userIds": []}), "refresh.action.verb"),
        ([], "not an object"),
    ],
)
def test_invalid_cards(invalid, expected):
    assert any(expected in item for item in check_card(invalid)), check_card(invalid)


@pytest.mark.parametrize(
    ("invalid", "expected"),
    [
        ({"type": "trace"}, "trace"),
        ({"type": "message"}, "neither"),
        ({**TEXT, "attachments": card_message(card())["attachments"]}, "attachments: not known"),
        ({**TEXT, "text": "see Slack"}, "names Slack"),
        ({**TEXT, "colour": 1}, "not known"),
        ({**TEXT, "text": "x" * 28 * 1024}, "28 KB"),
        ({"type": "message", "attachments": [{"contentType": "application/json", "content": {}}]}, "contentType"),
    ],
)
def test_invalid_activities(invalid, expected):
    assert any(expected in item for item in check_activity(invalid)), check_activity(invalid)


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, invoked(CARD_TYPE, card()), None),
        (200, invoked(MESSAGE_TYPE, "Done."), None),
        (501, invoked(CARD_TYPE, card()), "HTTP status"),
        (200, None, "not a response"),
        (200, {**invoked(MESSAGE_TYPE, "Done."), "extra": 1}, "not a response"),
        (200, invoked("application/vnd.microsoft.adaptive.card", card()), "not a response"),
        (200, invoked(MESSAGE_TYPE, {"text": "Done."}), "not a text"),
        (200, invoked(MESSAGE_TYPE, "Ask Slack."), "names Slack"),
        (200, invoked(MESSAGE_TYPE, "Done.", 400), "not a response"),
        (200, invoked(CARD_TYPE, {}), "version"),
        (200, {"task": {"type": "message", "value": "Done."}}, "not a response"),
    ],
)
def test_responses_to_a_press(status, body, expected):
    violations = check_invoke_response("adaptiveCard/action", status, body)
    assert (violations == []) if expected is None else any(expected in item for item in violations), violations


def test_responses_to_a_form():
    def step(title: str, content: Json) -> Json:
        return {
            "task": {"type": "continue", "value": {"title": title, "card": card_message(content)["attachments"][0]}}
        }

    form = card(submit("Go"))
    done = {"task": {"type": "message", "value": "Done"}}
    for name in TASKS:
        assert check_invoke_response(name, 200, step("A", form)) == check_invoke_response(name, 200, done) == []
        for bad in (None, {}, step("A", card()), step("", form), {"task": {"type": "message"}}):
            assert check_invoke_response(name, 200, bad)
    attachments = card_message(card())["attachments"]
    sent = {"composeExtension": {"type": "result", "attachmentLayout": "list", "attachments": attachments}}
    assert check_invoke_response("composeExtension/submitAction", 200, sent) == []
    assert check_invoke_response("task/submit", 200, sent)
    assert check_invoke_response("composeExtension/submitAction", 200, {"composeExtension": {"type": "result"}})


JUNK: list[Any] = [None, 1, True, "x", [], {}, [1], ["x"], [[]], {"type": "x"}, {"id": 1}, {"actions": 1}]


def paths(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path of everything below `node`."""
    inside = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [p for key, value in inside for p in ((*path, key), *paths(value, (*path, key)))]


@pytest.mark.parametrize("junk", JUNK, ids=repr)
def test_the_checks_never_raise(junk):
    whole = card_message(RICH)
    for path in paths(whole):
        changed = node = copy.deepcopy(whole)
        for key in path[:-1]:
            node = node[key]
        node[path[-1]] = junk
        check_activity(changed)
        for name in ("adaptiveCard/action", *TASKS):
            check_invoke_response(name, 200, changed)
        check_invoke_response(
            "task/fetch", 200, {"task": {"type": "continue", "value": {"card": changed.get("attachments")}}}
        )
