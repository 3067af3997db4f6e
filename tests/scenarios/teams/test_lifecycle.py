"""What Teams reports about the app, teams and channels, and look-ups that are slow, partial or fail."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from adapters.playground.teams.models import Message, Team
from adapters.playground.teams.user_actions import Exchange
from adapters.teams import channels, gateway
from tests.scenarios.scene import SHORT
from tests.scenarios.teams.conftest import MakeScene, Scene, visible


async def recommendation(scene: Scene) -> Message:
    """Return the card with the recommendation, in the personal chat."""
    await scene.user_actions.install(scene.anna, scene.team)
    card = await scene.start_dialog("personal")
    await scene.answer_all(card, SHORT)
    await scene.wait_until_idle()
    return card


async def choose(scene: Scene, card: Message) -> Exchange:
    card.views.clear()
    return await scene.press(card, "post")


def titles(answer: Exchange) -> list[str]:
    assert answer.card
    return [choice["title"] for part in answer.card["body"] for choice in part.get("choices", ())]


def made_at(minutes: int) -> str:
    return (datetime.now(UTC) + timedelta(minutes=minutes)).isoformat(timespec="milliseconds")


async def test_a_renamed_team_has_its_new_name(french: Scene) -> None:
    scene = french
    card = await recommendation(scene)
    scene.team.name = "Ventes"
    await scene.user_actions.team_event(scene.anna, scene.team, "teamRenamed", timestamp=made_at(1))
    assert titles(await choose(scene, card)) == ["Ventes › Campaigns", "Ventes › Général"]
    scene.team.name = "Avant"
    await scene.user_actions.team_event(scene.anna, scene.team, "teamRenamed", timestamp=made_at(-1))
    assert titles(await choose(scene, card)) == ["Ventes › Campaigns", "Ventes › Général"]


async def test_an_archived_team_is_not_offered_until_it_is_restored(french: Scene) -> None:
    scene = french
    card = await recommendation(scene)
    await scene.user_actions.team_event(scene.anna, scene.team, "teamArchived", timestamp=made_at(1))
    assert scene.shows((await choose(scene, card)).card, "teams.no_channel")
    await scene.user_actions.team_event(scene.anna, scene.team, "teamUnarchived", timestamp=made_at(-1))
    assert scene.shows((await choose(scene, card)).card, "teams.no_channel")
    await scene.user_actions.team_event(scene.anna, scene.team, "teamUnarchived", timestamp=made_at(2))
    assert len(titles(await choose(scene, card))) == 2


@pytest.mark.parametrize("event", ["teamDeleted", "teamHardDeleted"])
async def test_a_deleted_team_is_not_offered_until_it_is_restored(french: Scene, event: str) -> None:
    scene = french
    card = await recommendation(scene)
    await scene.user_actions.team_event(scene.anna, scene.team, event, timestamp=made_at(1))
    assert scene.shows((await choose(scene, card)).card, "teams.no_channel")
    sent = len(scene.teams.messages())
    await scene.user_actions.team_event(scene.anna, scene.team, "teamRestored", timestamp=made_at(2))
    assert len(titles(await choose(scene, card))) == 2
    assert len(scene.teams.messages()) == sent, "no second welcome"


async def test_a_removal_delivered_after_the_new_installation_changes_nothing(french: Scene) -> None:
    scene = french
    card = await recommendation(scene)
    old = scene.user_actions.make_installation(scene.anna, scene.team) | {"action": "remove", "timestamp": made_at(-1)}
    assert (await scene.user_actions.send_activity(old)).ok
    assert len(titles(await choose(scene, card))) == 2


@pytest.mark.parametrize(
    ("event", "more"),
    [
        ("channelCreated", {}),
        ("channelRenamed", {}),
        ("channelRestored", {}),
        ("channelShared", {}),
        ("channelUnshared", {}),
        ("channelMemberAdded", {"membersAdded": "bot"}),
        ("channelMemberRemoved", {"membersRemoved": "bot"}),
        ("teamMemberAdded", {"membersAdded": "person"}),
        ("teamMemberRemoved", {"membersRemoved": "person"}),
        ("ofTheFuture", {}),
    ],
)
async def test_events_that_change_nothing(french: Scene, event: str, more: dict[str, Any]) -> None:
    scene = french
    card = await recommendation(scene)
    await scene.wait_until_idle()
    sent = len(scene.teams.messages())
    ids = {"bot": scene.teams.bot_id, "person": scene.ben.id}
    members = {key: [{"id": ids[who]}] for key, who in more.items()}
    answer = await scene.user_actions.team_event(scene.anna, scene.team, event, timestamp=made_at(1), **members)
    assert answer.ok
    assert len(titles(await choose(scene, card))) == 2
    await scene.wait_until_idle()
    assert len(scene.teams.messages()) == sent, "no message, no welcome"


@pytest.mark.parametrize("action", ["remove-upgrade", "add-upgrade"])
async def test_an_upgrade_is_no_removal_and_no_installation(french: Scene, action: str) -> None:
    scene = french
    card = await recommendation(scene)
    sent = len(scene.teams.messages())
    activity = scene.user_actions.make_installation(scene.anna, scene.team) | {"action": action}
    assert (await scene.user_actions.send_activity(activity)).ok
    await scene.wait_until_idle()
    assert len(titles(await choose(scene, card))) == 2
    assert len(scene.teams.messages()) == sent


async def test_an_upgrade_stores_a_team_that_was_not_known(french: Scene) -> None:
    scene = french
    card = await scene.start_dialog("personal")
    await scene.answer_all(card, SHORT)
    activity = scene.user_actions.make_installation(scene.anna, scene.team) | {"action": "add-upgrade"}
    assert (await scene.user_actions.send_activity(activity)).ok
    assert len(titles(await choose(scene, card))) == 2


async def held(scene: Scene, reason: str) -> None:
    """Wait for the notice about the held post."""
    chat, text = scene.conversation("personal"), scene.t(f"teams.held.{reason}")
    await scene.teams.wait_for(lambda: text in " ".join(visible(scene.teams.last(chat).card)), what=text)


@pytest.mark.parametrize("reason", ["archived", "gone", "not_member", "not_installed", "disabled"])
async def test_a_post_that_waits_is_held_with_the_reason(french: Scene, reason: str) -> None:
    scene = french
    card = await recommendation(scene)
    value = next(choice["value"] for choice in (await choose(scene, card)).card["body"][1]["choices"])  # type: ignore[index]
    # As a post that waits in the outbox: what is looked up at the press fails, and the post is sent afterwards.
    scene.teams.fail("channels", 503, times=4)
    match reason:
        case "archived":
            scene.team.archived = True
            await scene.user_actions.team_event(scene.anna, scene.team, "teamArchived", timestamp=made_at(1))
        case "gone":
            scene.teams.delete_channel(scene.channel)
        case "not_installed":
            scene.teams.fail("send", 403)
        case "disabled":
            scene.teams.fail("send", 403, error="BotDisabledByAdmin")
    press = scene.user_actions.press(scene.anna, card, scene.label("post"), {"channel": value})
    if reason == "not_member":
        task = asyncio.create_task(press)
        await scene.teams.wait_for(lambda: len(scene.teams.calls_to("channels")) > 2)
        scene.team.members.remove(scene.anna)
        await task
    else:
        assert (await press).ok
    await held(scene, reason)
    assert not scene.posts(scene.channel)


async def test_a_slow_list_shows_what_is_known_and_goes_on(make_scene: MakeScene, monkeypatch: Any) -> None:
    monkeypatch.setattr(channels, "LIST_SECONDS", 0.5)
    scene = await make_scene("fr")
    slow = scene.teams.add_team("Zeste", [scene.anna])
    await scene.user_actions.install(scene.anna, slow)
    card = await recommendation(scene)
    fault = scene.teams.fail("channels", delay=1.5, times=1)
    answer = await choose(scene, card)
    assert fault.hits == 1
    assert scene.shows(answer.card, "teams.channels_late")
    assert len(titles(answer)) in (1, 2), "those of one team"
    await asyncio.sleep(1.5)
    asked = len(scene.teams.calls_to("channels"))
    answer = await scene.user_actions.press(scene.anna, card, scene.t("teams.more_channels"))
    assert len(titles(answer)) == 3
    assert not scene.shows(answer.card, "teams.channels_late")
    assert len(scene.teams.calls_to("channels")) == asked, "the answers that came late are used"


@pytest.mark.parametrize("operation", ["member", "channels"])
@pytest.mark.parametrize("status", [408, 429, 500, 503])
async def test_a_failed_look_up_is_not_taken_for_an_answer(french: Scene, operation: str, status: int) -> None:
    scene = french
    card = await recommendation(scene)
    scene.teams.fail(operation, status, times=None, retry_after=60 if status == 429 else None)
    answer = await choose(scene, card)
    assert scene.shows(answer.card, "teams.no_answer")
    assert not scene.shows(answer.card, "teams.no_channel")
    scene.teams.faults.clear()
    answer = await scene.user_actions.press(scene.anna, card, scene.t("teams.more_channels"))
    assert len(titles(answer)) == 2


@pytest.mark.parametrize(
    ("operation", "body"),
    [("member", "{}"), ("member", "<html>"), ("channels", "{}"), ("channels", '{"conversations": null}')],
)
async def test_a_body_that_is_not_from_teams_is_not_taken_for_an_answer(
    french: Scene, operation: str, body: str
) -> None:
    scene = french
    card = await recommendation(scene)
    scene.teams.fail(operation, body=body, times=None)
    assert scene.shows((await choose(scene, card)).card, "teams.no_answer")
    scene.teams.faults.clear()
    assert len(titles(await choose(scene, card))) == 2


async def test_a_post_goes_out_once_teams_answers_again(french: Scene) -> None:
    scene = french
    card = await recommendation(scene)
    choices = (await choose(scene, card)).card["body"][1]["choices"]  # type: ignore[index]
    value = next(choice["value"] for choice in choices if choice["title"].endswith("Campaigns"))
    fault = scene.teams.fail("member", 503, times=None)
    answer = await scene.user_actions.press(scene.anna, card, scene.label("post"), {"channel": value})
    assert scene.shows(answer.card, "notice.posting"), "the person hears that it is being posted"
    fault.cancel()
    await scene.post()


async def test_without_an_answer_of_teams_nobody_posts_where_they_are_not(make_scene: MakeScene) -> None:
    scene = await make_scene("fr")
    other = scene.teams.add_team("Direction", [scene.ben], channels=["Secret"])
    await scene.user_actions.install(scene.ben, other)
    card = await recommendation(scene)
    forged = scene.user_actions.make_press(scene.anna, card, scene.label("post"))
    forged["value"]["action"]["data"]["channel"] = f"{other.id} {other.channels[1].id}"
    scene.teams.fail("member", 503, times=4)
    await scene.user_actions.send_activity(forged)
    await held(scene, "not_member")
    assert not scene.posts(other.channels[1])


@pytest.mark.parametrize("empty", [{}, {"channel": ""}])
async def test_post_without_a_choice_asks_for_one(make_scene: MakeScene, empty: dict[str, str]) -> None:
    scene = await make_scene("fr")
    team: Team = scene.teams.add_team("Immense", [scene.anna], channels=[f"Canal {n:02}" for n in range(90)])
    await scene.user_actions.install(scene.anna, team)
    card = await recommendation(scene)
    answer = await choose(scene, card)
    assert not scene.shows(answer.card, "teams.choose_one")
    await scene.user_actions.press(scene.anna, card, scene.t("teams.more_channels"))
    press = scene.user_actions.make_press(scene.anna, card, scene.label("post"))
    press["value"]["action"]["data"].pop("channel", None)
    press["value"]["action"]["data"] |= empty
    answer = await scene.user_actions.send_activity(press)
    assert scene.shows(answer.card, "teams.choose_one")
    assert scene.shows(answer.card, "teams.channels_shown", first=81, last=93, count=93), "the same page"


async def test_typed_text_is_answered_when_teams_answers_again(french: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = french
    monkeypatch.setattr(gateway, "PAUSES", (0.1, 0.1))
    scene.teams.fail("send", 503, times=6)
    await scene.user_actions.personal(scene.anna, "aide")
    await scene.teams.wait_for(lambda: scene.teams.messages(scene.conversation("personal")), timeout=20)
    assert scene.shows(scene.teams.last(scene.conversation("personal")).card, "help.title")
