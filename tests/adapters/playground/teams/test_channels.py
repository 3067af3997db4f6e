"""Private and shared channels of the simulator: their own members, their app, and people of other tenants."""

import pytest

from tests.adapters.playground.teams.connector_client import TEXT, code


async def test_a_private_channel_has_its_own_members(teams, bot, user_actions, anna, ben, channel):
    private = teams.add_channel(channel.team, "Budget", "private", [anna])
    assert (await bot.call("GET", f"conversations/{channel.team.id}/members/{ben.id}"))[0] == 200
    missing = await bot.call("GET", f"conversations/{private.id}/members/{ben.id}")
    assert code(missing) == (404, "MemberNotFoundInConversation")
    assert (await bot.call("GET", f"conversations/{private.id}/members/{anna.id}"))[1]["objectId"] == anna.aad
    listed = (await bot.call("GET", f"teams/{channel.team.id}/conversations"))[1]["conversations"]
    assert listed[-1] == {"id": private.id, "name": "Budget", "type": "private"}, "the list is no roster"
    with pytest.raises(AssertionError, match="Ben"):
        user_actions.make_mention(ben, private, "check")
    targeted = {**TEXT, "recipient": {"id": ben.id}}
    path = f"conversations/{private.id}/activities?isTargetedActivity=true"
    assert code(await bot.call("POST", path, targeted)) == (400, "BadArgument")
    with pytest.raises(AssertionError, match="members of the team"):
        teams.add_channel(channel.team, "Other", "private", [teams.add_user("Zoe")])


async def test_people_join_a_private_channel(teams, user_actions, app, anna, ben, channel):
    private = teams.add_channel(channel.team, "Budget", "private", [anna])
    await user_actions.add_members(anna, private, [ben])
    activity = app["requests"][-1][1]
    assert activity["channelData"]["eventType"] == "channelMemberAdded"
    assert activity["membersAdded"] == [{"id": ben.id, "aadObjectId": ben.aad}]
    assert private.members == [anna, ben]
    assert channel.members == [anna, ben]


async def test_the_app_is_added_to_each_channel(teams, bot, user_actions, app, anna, channel):
    private = teams.add_channel(channel.team, "Budget", "private", [anna], app=False)
    assert code(await bot.send(private.id)) == (403, "BotNotInConversationRoster")
    assert code(await bot.call("GET", f"conversations/{private.id}/members/{anna.id}"))[0] == 403
    with pytest.raises(AssertionError, match="not installed"):
        user_actions.make_mention(anna, private, "check")
    await user_actions.install(anna, private)
    (_, added) = app["requests"][-1]
    assert added["channelData"]["eventType"] == "channelMemberAdded"
    assert added["membersAdded"] == [{"id": teams.bot_id}]
    assert [activity["type"] for _, activity in app["requests"]] == ["conversationUpdate"], "no installationUpdate"
    assert (await bot.send(private.id))[0] == 201
    await user_actions.uninstall(anna, private)
    assert app["requests"][-1][1]["channelData"]["eventType"] == "channelMemberRemoved"
    assert (private.installed, channel.installed) == (False, True), "the app stays in the team"


async def test_a_shared_channel_has_people_of_other_tenants(teams, bot, user_actions, app, anna, ben, channel):
    shared = teams.add_channel(channel.team, "With the agency", "shared", [anna])
    zoe = teams.add_user("Zoe", tenant="agency")
    agency = teams.add_team("Agency", [zoe], tenant="agency", installed=False)
    with pytest.raises(AssertionError, match="Zoe"):
        user_actions.make_mention(zoe, shared, "check")
    await user_actions.share(anna, shared, agency)
    event = app["requests"][-1][1]
    assert event["channelData"]["eventType"] == "channelShared"
    assert event["channelData"]["sharedWithTeams"] == [{"id": agency.id, "name": "Agency", "tenantId": "agency"}]
    assert event["channelData"]["team"] == {"id": channel.team.id, "name": "Marketing"}
    assert shared.members == [anna, zoe]
    member = (await bot.call("GET", f"conversations/{shared.id}/members/{zoe.id}"))[1]
    assert (member["objectId"], member["tenantId"]) == (zoe.aad, "agency")
    await user_actions.mention(zoe, shared, "check")
    activity = app["requests"][-1][1]
    assert activity["conversation"]["tenantId"] == teams.tenant, "the tenant of the channel"
    assert activity["channelData"]["tenant"] == {"id": "agency"}, "the tenant of the person"
    assert activity["from"]["aadObjectId"] == zoe.aad
    assert activity["channelData"]["channel"] == {"id": shared.id, "type": "shared"}
    await user_actions.unshare(anna, shared, agency)
    event = app["requests"][-1][1]["channelData"]
    assert (event["eventType"], event["unsharedFromTeams"][0]["id"]) == ("channelUnshared", agency.id)
    assert code(await bot.call("GET", f"conversations/{shared.id}/members/{zoe.id}"))[0] == 404
    with pytest.raises(AssertionError, match="standard"):
        await user_actions.share(anna, channel, agency)
