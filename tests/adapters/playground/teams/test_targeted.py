"""Targeted messages of the simulator: who may get one, who sees it, how it changes, and when it is gone."""

import pytest

from adapters.playground.simulator import Json
from adapters.playground.teams.cards import CannotPress
from adapters.playground.teams.models import TARGETED_SECONDS, User
from adapters.playground.teams.rules import CARD_TYPE, MESSAGE_TYPE
from tests.adapters.playground.teams.connector_client import TEXT, Bot, card, card_message, code, execute, invoked

QUERY = "?isTargetedActivity=true"


def to(user: User, activity: Json | None = None) -> Json:
    return {**(activity or TEXT), "recipient": {"id": user.id, "name": user.name}}


async def send(bot: Bot, conversation: str, activity: Json):
    return await bot.call("POST", f"conversations/{conversation}/activities{QUERY}", activity)


async def test_only_the_recipient_sees_it(teams, bot, anna, ben, channel):
    _, sent = await send(bot, channel.id, to(anna, card_message(card())))
    _, public = await bot.send(channel.id)
    assert [m.id for m in teams.messages(channel, seen_by=anna)] == [sent["id"], public["id"]]
    assert [m.id for m in teams.messages(channel, seen_by=ben)] == [public["id"]]
    assert teams.last(channel, seen_by=ben).id == public["id"]
    assert [m.id for m in teams.posts(channel)] == [public["id"]], "a post is public"
    message = teams.find(sent["id"])
    assert message
    assert message.targeted_to is anna
    assert "recipient" not in message.activity
    assert teams.violations == []
    assert [call.args["targeted"] for call in teams.calls_to("send")] == [True, False]


async def test_a_recipient_is_required_and_a_member(teams, bot, anna, channel):
    stranger = teams.add_user("Zoe")
    wrong: list[Json] = [TEXT, {**TEXT, "recipient": {}}, {**TEXT, "recipient": {"id": anna.aad}}, to(stranger)]
    for activity in wrong:
        assert code(await send(bot, channel.id, activity)) == (400, "BadArgument")
    typing = {"type": "typing", "recipient": {"id": anna.id}}
    assert code(await send(bot, channel.id, typing)) == (400, "BadArgument")
    assert code(await send(bot, teams.personal(anna).id, to(anna))) == (400, "BadArgument")
    away = teams.add_team("Sales", [anna], installed=False)
    assert code(await send(bot, away.id, to(anna))) == (403, "BotNotInConversationRoster")
    assert teams.messages() == []


async def test_an_ordinary_message_has_no_recipient(teams, bot, anna, channel):
    assert (await bot.send(channel.id, to(anna)))[0] == 201
    assert teams.violations == ["activity.recipient: not known here"]
    (message,) = teams.posts(channel)
    assert message.targeted_to is None, "Teams shows it to everybody"


async def test_an_edit_names_no_recipient_and_keeps_the_visibility(teams, bot, anna, channel):
    _, sent = await send(bot, channel.id, to(anna))
    _, public = await bot.send(channel.id)
    path, other = (f"conversations/{channel.id}/activities/{id}" for id in (sent["id"], public["id"]))
    changed = {**TEXT, "text": "changed"}
    for method in ("PUT", "DELETE"):
        assert code(await bot.call(method, path + QUERY, to(anna, changed))) == (400, "BadArgument")
        assert code(await bot.call(method, path, changed)) == (400, "BadArgument")
        assert code(await bot.call(method, other + QUERY, changed)) == (400, "BadArgument")
    message = teams.find(sent["id"])
    assert message
    assert (message.text, message.edits) == ("hello", 0)
    assert await bot.call("PUT", path + QUERY, changed) == (200, {"id": sent["id"]})
    assert (message.text, message.edits, message.targeted_to) == ("changed", 1, anna)
    assert (await bot.call("DELETE", path + QUERY))[0] == 200
    assert code(await bot.call("PUT", path + QUERY, changed)) == (404, "ActivityNotFoundInConversation")


async def test_it_is_gone_after_a_day(teams, bot, clock, user_actions, anna, channel):
    _, sent = await send(bot, channel.id, to(anna, card_message(card())))
    await bot.send(channel.id)
    message = teams.find(sent["id"])
    assert message
    clock.now += TARGETED_SECONDS - 1
    await bot.login()
    path = f"conversations/{channel.id}/activities/{sent['id']}{QUERY}"
    assert (await bot.call("PUT", path, card_message(card())))[0] == 200
    assert user_actions.make_press(anna, message, "Yes")
    clock.now += 1
    assert len(teams.messages(channel, seen_by=anna)) == 1, "an edit does not prolong it; public messages stay"
    for method in ("PUT", "DELETE"):
        assert code(await bot.call(method, path, TEXT)) == (404, "ActivityNotFoundInConversation")
    with pytest.raises(CannotPress):
        user_actions.make_press(anna, message, "Yes")


async def test_an_environment_without_targeted_messages(teams, bot, anna, channel):
    teams.supports_targeted = False
    assert code(await send(bot, channel.id, to(anna))) == (400, "ServiceError")
    assert (await bot.send(channel.id))[0] == 201


async def test_only_its_person_presses_and_sees_the_response(teams, bot, user_actions, app, anna, ben, channel):
    refresh = {"action": execute("Look"), "userIds": [anna.id, ben.id]}
    _, sent = await send(bot, channel.id, to(anna, card_message(card(refresh=refresh))))
    message = teams.find(sent["id"])
    with pytest.raises(CannotPress, match="Ben"):
        user_actions.make_press(ben, message, "Yes")
    with pytest.raises(CannotPress, match="Ben"):
        await user_actions.refresh(ben, message)
    with pytest.raises(CannotPress, match="no replies"):
        user_actions.make_mention(anna, channel, "yes", thread=message)
    app["response"] = invoked(CARD_TYPE, card(execute("Back")))
    await user_actions.press(anna, message, "Yes")
    activity = app["requests"][-1][1]
    assert (activity["from"]["id"], activity["replyToId"]) == (anna.id, message.id)
    assert message.card_for(anna) == card(execute("Back"))
    app["response"] = invoked(MESSAGE_TYPE, "Already answered.")
    assert (await user_actions.press(anna, message, "Back")).message == "Already answered."
    assert [m.card_for(ben) for m in teams.messages(channel, seen_by=ben)] == []


async def test_a_slash_command(teams, user_actions, app, anna, ben, channel):
    chat = teams.add_group_chat("Plans", [anna, ben])
    for where in (channel, chat):
        await user_actions.slash(anna, where, "check yes no yes")
        activity = app["requests"][-1][1]
        assert activity["type"] == "message"
        assert activity["recipient"] == {"id": teams.bot_id, "name": teams.bot_name, "isTargeted": True}
        assert activity["text"] == "check yes no yes", "without the slash and without a mention"
        assert not [entity for entity in activity["entities"] if entity["type"] == "mention"]
        assert [m.id for m in teams.messages(where, by_bot=False, seen_by=anna)] == [activity["id"]]
        assert teams.messages(where, by_bot=False, seen_by=ben) == []
    with pytest.raises(CannotPress, match="personal"):
        user_actions.make_slash(anna, teams.personal(anna), "check")
    assert "isTargeted" not in user_actions.make_mention(anna, channel, "check")["recipient"]


async def test_the_answer_to_a_slash_command_is_for_its_person(teams, bot, user_actions, anna, ben, channel):
    asked = user_actions.make_slash(anna, channel, "check")
    thread = asked["conversation"]["id"]
    assert (await send(bot, thread, to(anna)))[0] == 201
    for answer in (await bot.send(thread), await send(bot, thread, to(ben))):
        assert code(answer) == (400, "BadArgument"), "nobody else is in the thread of a targeted message"
    assert (await bot.send(channel.id))[0] == 201


async def test_the_prompt_above_an_answer(teams, bot, clock, user_actions, anna, channel):
    asked = user_actions.make_slash(anna, channel, "check")
    said = user_actions.make_mention(anna, channel, "check")

    def answer(id: str) -> Json:
        return to(anna, {**TEXT, "entities": [{"type": "targetedMessageInfo", "messageId": id}]})

    assert (await send(bot, channel.id, answer(asked["id"])))[0] == 201
    assert teams.last(channel).prompt is teams.find(asked["id"])
    for wrong in (said["id"], "1"):
        assert code(await send(bot, channel.id, answer(wrong))) == (400, "INVALID_TARGETED_MESSAGE_ID")
    clock.now += TARGETED_SECONDS
    await bot.login()
    expired = await send(bot, channel.id, answer(asked["id"]))
    assert code(expired) == (404, "TARGETED_MESSAGE_EXPIRED_OR_DELETED")
    assert teams.violations == []
