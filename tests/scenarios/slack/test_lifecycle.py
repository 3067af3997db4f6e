"""What Slack reports about the app, people and channels, and look-ups that are slow, partial or fail."""

import asyncio
from typing import Any

import pytest

from adapters.playground.slack.models import Message, View
from adapters.slack import modals, web_api
from tests.scenarios.slack.conftest import MakeScene, Scene

FOREIGN_EVENTS = [
    {"type": "channel_archive", "channel": "C1", "user": "U1"},
    {"type": "channel_unarchive", "channel": "C1", "user": "U1"},
    {"type": "channel_deleted", "channel": "C1"},
    {"type": "channel_left", "channel": "C1"},
    {"type": "channel_rename", "channel": {"id": "C1", "name": "new", "created": 1}},
    {"type": "channel_shared", "channel": "C1", "connected_team_id": "T2"},
    {"type": "channel_unshared", "channel": "C1", "previously_connected_team_id": "T2"},
    {"type": "channel_id_changed", "old_channel_id": "G1", "new_channel_id": "C1"},
    {"type": "group_archive", "channel": "G1"},
    {"type": "group_deleted", "channel": "G1"},
    {"type": "grid_migration_started", "enterprise_id": "E1"},
    {"type": "grid_migration_finished", "enterprise_id": "E1"},
    {"type": "member_joined_channel", "user": "U1", "channel": "C1", "channel_type": "C", "team": "T1"},
    {"type": "member_left_channel", "user": "U1", "channel": "C1", "channel_type": "C", "team": "T1"},
    {"type": "team_domain_change", "url": "https://new.slack.com", "domain": "new"},
    {"type": "team_join", "user": {"id": "U1", "team_id": "T1"}},
    {"type": "team_rename", "name": "New"},
    {"type": "user_change", "user": {"id": "U1", "deleted": True}, "cache_ts": 1},
    {"type": "of_the_future"},
]


async def finished_in_chat(scene: Scene, answers: dict[str, str]) -> Message:
    """Return the card with the recommendation, in the direct conversation."""
    await scene.tell(scene.anna, "start")
    card = scene.card(scene.anna, scene.team.im(scene.anna))
    return await scene.answer_all(scene.anna, card, answers)


async def picker(scene: Scene, card: Message) -> View:
    await scene.press(scene.anna, card, "post")
    view = scene.user_actions.modal(scene.anna)
    assert view
    return view


async def choose(scene: Scene, view: View) -> None:
    await scene.user_actions.submit_view(scene.anna, view, {"where": scene.marketing.id})


async def held_notice(scene: Scene) -> Message:
    """Wait for the notice with the button to post again."""
    label, chat = scene.label("retry_post"), scene.team.im(scene.anna)
    [notice] = await scene.slack.wait_for(
        lambda: [m for place in (chat, scene.marketing) for m in scene.sees(scene.anna, place) if label in m.buttons()]
    )
    return notice


# --- Lifecycle ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("event", FOREIGN_EVENTS, ids=lambda event: event["type"])
async def test_events_that_are_not_subscribed_to_change_nothing(french: Scene, event: dict[str, Any]) -> None:
    card = await french.slash(french.anna, french.marketing)
    before, calls = card.texts(), len(french.slack.calls)
    assert (await french.user_actions.event(event)).status == 200
    await french.settle()
    assert (card.texts(), len(french.slack.calls)) == (before, calls)
    await french.press(french.anna, card, french.option("orientation", "key"))
    assert french.t("question.brand.text") in " ".join(card.texts())


async def test_revoked_tokens_of_people_are_not_ours(make_scene: MakeScene, answers: dict[str, str]) -> None:
    scene = await make_scene("fr")
    card = await finished_in_chat(scene, answers)
    event = {"type": "tokens_revoked", "tokens": {"oauth": [scene.anna.id], "bot": []}}
    assert (await scene.user_actions.event(event)).status == 200
    await choose(scene, await picker(scene, card))
    await scene.posted(scene.marketing)


async def test_a_suspended_app_holds_the_post_and_says_so(french: Scene, answers: dict[str, str]) -> None:
    card = await finished_in_chat(french, answers)
    view, there = await picker(french, card), french.marketing.id
    suspended = french.slack.fail("chat.postMessage", error="account_inactive", match=lambda a: a["channel"] == there)
    await choose(french, view)
    notice = await held_notice(french)
    assert french.t("slack.refused.uninstalled") in notice.texts()
    suspended.cancel()
    await french.press(french.anna, notice, "retry_post")
    await french.posted(french.marketing)


async def test_an_archived_channel_is_named_as_such_at_each_try(french: Scene, answers: dict[str, str]) -> None:
    card = await finished_in_chat(french, answers)
    view = await picker(french, card)
    french.marketing.archived = True
    await choose(french, view)
    notice = await held_notice(french)
    archived = french.t("slack.refused.archived", channel=f"<#{french.marketing.id}>")
    assert archived in notice.texts()
    await french.press(french.anna, notice, "retry_post")
    again = await held_notice(french)
    assert archived in again.texts(), "not: you are not a member"
    french.marketing.archived = False
    await french.press(french.anna, again, "retry_post")
    await french.posted(french.marketing)


# --- Look-ups -----------------------------------------------------------------------------------------------------

FAILURES: list[dict[str, Any]] = [
    {"status": 500},
    {"status": 503},
    {"retry_after": 1},
    {"drop": "before", "times": 2},  # the HTTP client repeats a GET once
    {"drop": "after", "times": 2},
    {"error": "internal_error"},
    {"error": "fatal_error"},
    {"body": '{"ok": true}'},
    {"body": '{"ok": true, "channels": null}'},
    {"body": "<html>"},
    {"body": '{"ok": true, "channels": [], "response_metadata": {"next_cursor": "1"}}', "times": None},
]


@pytest.mark.parametrize("failure", FAILURES, ids=str)
async def test_no_answer_about_a_member_is_not_taken_for_a_no(
    french: Scene, answers: dict[str, str], failure: dict[str, Any]
) -> None:
    card = await finished_in_chat(french, answers)
    view = await picker(french, card)
    fault = french.slack.fail("users.conversations", **failure)
    await choose(french, view)
    assert view.errors == {"where": french.t("slack.no_answer")}
    fault.times = fault.hits
    await choose(french, view)
    assert not view.open
    await french.posted(french.marketing)


async def test_a_late_answer_is_used_by_the_second_press(
    french: Scene, answers: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(modals, "MEMBER_SECONDS", 0.2)
    card = await finished_in_chat(french, answers)
    view = await picker(french, card)
    french.slack.fail("users.conversations", hold=0.5, times=None)
    await choose(french, view)
    assert view.open, "an empty answer would close the form, and nothing would happen"
    assert view.errors == {"where": french.t("slack.no_answer")}
    await asyncio.sleep(0.6)
    await choose(french, view)
    assert not view.open
    await french.posted(french.marketing)


async def test_a_revoked_token_is_not_a_missing_membership(french: Scene, answers: dict[str, str]) -> None:
    card = await finished_in_chat(french, answers)
    view = await picker(french, card)
    french.slack.fail("users.conversations", error="token_revoked")
    await choose(french, view)
    assert view.errors == {"where": french.t("slack.not_installed")}


async def test_a_second_try_asks_slack_again_by_itself(
    french: Scene, answers: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web_api, "PAUSES", (0.01, 0.01, 0.01))
    monkeypatch.setattr("adapters.slack.buttons.PAUSES", (0.01, 0.01, 0.01))
    card = await finished_in_chat(french, answers)
    view = await picker(french, card)
    french.marketing.archived = True
    await choose(french, view)
    notice = await held_notice(french)
    french.marketing.archived = False
    outage = french.slack.fail("users.conversations", 503, times=None)
    await french.press(french.anna, notice, "retry_post")
    assert outage.hits == 4
    failed = await held_notice(french)
    assert french.t("slack.no_answer") in failed.texts()
    outage.cancel()
    french.slack.fail("users.conversations", 503, times=2)
    await french.press(french.anna, failed, "retry_post")
    await french.posted(french.marketing)


@pytest.mark.parametrize("failure", [{"status": 503}, {"retry_after": 1}, {"body": '{"ok": true}'}], ids=str)
async def test_the_home_tab_opens_a_dialog_when_slack_answers_again(french: Scene, failure: dict[str, Any]) -> None:
    await french.user_actions.open_home(french.anna)
    await french.settle()
    home = french.user_actions.home(french.anna)
    assert home
    french.slack.fail("conversations.open", **failure)
    await french.press(french.anna, home, "start")
    if "body" in failure:  # refused without a reason: the home tab says so, and the next press works
        assert french.t("notice.error") in " ".join(home.texts())
        await french.press(french.anna, home, "start")
    assert french.reads(french.anna, french.team.im(french.anna), french.t("question.orientation.text"))


async def test_the_home_tab_says_that_slack_does_not_answer(french: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_api, "PAUSES", (0.01, 0.01, 0.01))
    await french.user_actions.open_home(french.anna)
    await french.settle()
    home = french.user_actions.home(french.anna)
    assert home
    french.slack.fail("conversations.open", 503, times=None)
    french.slack.fail("views.publish", 503, times=2)
    await french.press(french.anna, home, "start")
    assert french.t("notice.error") in " ".join(home.texts())


async def test_typed_text_is_answered_when_slack_answers_again(french: Scene) -> None:
    french.slack.fail("chat.postMessage", 503, times=2)
    card = await french.tell(french.anna, "aide")
    assert french.t("help.title") in " ".join(card.texts())


async def test_a_press_is_answered_when_slack_answers_again(french: Scene) -> None:
    await french.slash(french.anna, french.marketing)
    card = await french.slash(french.anna, french.marketing, "aide")
    french.slack.fail("response_url", 503, times=2)
    await french.press(french.anna, card, "my_checks")
    assert french.reads(french.anna, french.marketing, french.t("checks.title"))


@pytest.mark.parametrize("body", ['{"ok": true}', '{"ok": true, "user": {}}', "<html>", '{"ok": true, "user": 5}'])
async def test_a_language_that_slack_did_not_tell_is_asked_again(make_scene: MakeScene, body: str) -> None:
    scene = await make_scene("fr", default_language="en")
    scene.slack.fail("users.info", body=body)
    card = await scene.slash(scene.anna, scene.marketing, "help")
    assert scene.t("help.title") not in " ".join(card.texts())
    card = await scene.slash(scene.anna, scene.marketing, "help")
    assert scene.t("help.title") in " ".join(card.texts())


async def test_a_history_that_is_not_from_slack_is_not_taken_for_an_empty_one(
    french: Scene, answers: dict[str, str]
) -> None:
    card = await french.slash(french.anna, french.marketing)
    await french.answer_all(french.anna, card, answers)
    await french.user_actions.invite(french.anna, french.marketing)
    there = french.marketing.id
    french.slack.fail("chat.postMessage", drop="after", match=lambda args: args["channel"] == there)
    french.slack.fail("conversations.history", body='{"ok": true}')
    await french.press(french.anna, card, "post")
    await french.posted(french.marketing)
    await asyncio.sleep(1)
    await french.posted(french.marketing)
