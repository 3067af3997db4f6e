"""Failures of Teams and restarts of the application: nothing is lost and nothing is done twice."""

import asyncio
from datetime import timedelta

import pytest

from adapters.playground.teams.models import Message
from adapters.ports import ServiceUnavailable, Turn, TurnResult
from bot.core import jobs, service
from bot.core.service import Service
from tests.scenarios.scene import SHORT
from tests.scenarios.teams.conftest import MakeScene, Scene


async def complete_dialog(scene: Scene) -> Message:
    card = await scene.start_dialog("channel")
    await scene.answer_all(card, SHORT)
    await scene.wait_until_idle()
    return card


@pytest.mark.parametrize("status", [412, 429, 500, 502, 503, 504])
async def test_temporary_failures(french: Scene, status: int) -> None:
    scene = french
    scene.teams.fail("send", status, retry_after=0.1 if status == 429 else None)
    card = await scene.start_dialog("channel")
    scene.teams.fail("update", status, retry_after=0.1 if status == 429 else None)
    answer = await scene.user_actions.press(scene.anna, card, scene.option("orientation", "key"))
    assert scene.shows(answer.card, "question.brand.text")
    await scene.teams.wait_for(lambda: scene.shows(card.card, "question.brand.text"))
    assert scene.teams.messages(scene.channel) == [card]


@pytest.mark.parametrize("status", [412, 429, 500, 502, 503, 504])
async def test_a_post_after_temporary_failures(french: Scene, status: int) -> None:
    card = await complete_dialog(french)
    french.teams.fail("send", status, times=2)
    await french.press(card, "post")
    await french.post()


async def test_a_post_with_a_lost_response_is_sent_again_by_the_person_only(scene: Scene) -> None:
    card = await complete_dialog(scene)
    scene.teams.fail("send", drop="after")
    await scene.press(card, "post")
    notice = await find(scene, "teams.held.lost")
    assert len(scene.posts(scene.channel)) == 1, "it was delivered"
    await scene.wait_until_idle()
    assert len(scene.posts(scene.channel)) == 1
    await scene.press(notice, "retry_post")
    await scene.teams.wait_for(lambda: len(scene.posts(scene.channel)) == 2)
    await scene.press(notice, "retry_post")
    await scene.wait_until_idle()
    assert len(scene.posts(scene.channel)) == 2


async def test_a_lost_notice_is_sent_again(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "FIRST_DELAY", 0.1)
    card = await complete_dialog(scene)
    scene.teams.fail("send", drop="before", times=3)  # the post, and two notices about it
    await scene.press(card, "post")
    await scene.press(await find(scene, "teams.held.lost"), "retry_post")
    await scene.post()


async def test_app_not_installed(scene: Scene) -> None:
    await scene.user_actions.install(scene.anna, scene.team)
    card = await scene.start_dialog("personal")
    await scene.answer_all(card, SHORT)
    choice = await scene.press(card, "post")
    assert choice.card
    channel = choice.card["body"][1]["choices"][0]["value"]
    press = scene.user_actions.make_press(scene.anna, card, scene.label("post"), {"channel": channel})
    scene.teams.fail("member", 403, times=2, error="BotNotInConversationRoster")
    answer = await scene.user_actions.send_activity(press)
    assert answer.message == scene.t("teams.held.not_member"), "checked again at the press"
    scene.teams.faults.clear()
    scene.teams.fail("send", 403, error="BotNotInConversationRoster")
    answer = await scene.user_actions.send_activity({**press, "id": "f:again"})
    assert scene.shows(answer.card, "notice.posting")
    notice = await find(scene, "teams.held.not_installed")
    assert notice.where is scene.conversation("personal")
    await scene.press(notice, "retry_post")
    await scene.post()


async def test_bot_blocked(french: Scene) -> None:
    card = await complete_dialog(french)
    french.teams.fail("send", 403, error="ConversationBlockedByUser")
    await french.press(card, "post")
    await french.press(await find(french, "teams.held.blocked"), "retry_post")
    await french.post()


async def test_a_post_that_is_too_long_is_shortened(french: Scene) -> None:
    card = await complete_dialog(french)
    french.teams.fail("send", 413)
    await french.press(card, "post")
    post = await french.post()
    assert not french.shows(post.card, "announcement.steps")
    assert french.shows(post.card, "outcome.in_house.title")


async def test_app_removed_before_the_post(scene: Scene) -> None:
    card = await complete_dialog(scene)
    scene.teams.personal(scene.anna)
    press = scene.user_actions.make_press(scene.anna, card, scene.label("post"))
    scene.team.installed = False
    answer = await scene.user_actions.send_activity(press)
    assert answer.ok
    notice = await find(scene, "teams.held.not_installed")
    assert notice.where is scene.conversation("personal")
    assert scene.shows(notice.card, "teams.elsewhere")
    scene.team.installed = True
    await scene.press(notice, "retry_post")
    await scene.post()


async def test_a_deleted_card_is_sent_again(french: Scene) -> None:
    card = await french.start_dialog("personal")
    press = french.user_actions.make_press(french.anna, card, french.option("orientation", "key"))
    card.deleted = True
    await french.user_actions.send_activity(press)
    await french.wait_until_idle()
    (new,) = french.teams.messages(french.conversation("personal"))
    assert french.shows(new.card, "question.brand.text")
    await french.user_actions.press(french.anna, new, french.option("brand", "yes"))
    assert french.shows(new.card, "question.transformation.text")


async def test_a_card_with_a_lost_response_is_updated(french: Scene) -> None:
    french.teams.fail("send", drop="after")
    await french.user_actions.mention(french.anna, french.channel, "check")
    (card,) = french.teams.messages(french.channel)
    await french.answer_all(card, SHORT)
    assert french.shows(card.card, "recommendation.steps")
    assert french.teams.messages(french.channel) == [card]


async def test_an_expired_token_is_renewed(french: Scene) -> None:
    card = await french.start_dialog("channel")
    french.teams.revoke_tokens()
    await french.answer_all(card, {"orientation": "key"})
    assert french.shows(card.card, "question.brand.text")
    assert len(french.teams.calls_to("token")) == 2


async def test_concurrent_requests_share_a_token(french: Scene) -> None:
    french.teams.fail("token", delay=0.1)
    activities = [french.user_actions.make_personal(french.anna, "hello") for _ in range(10)]
    await asyncio.gather(*(french.user_actions.send_activity(activity) for activity in activities))
    assert len(french.teams.calls_to("token")) == 1
    assert len(french.teams.messages()) == 10


async def test_presses_above_the_limits_of_teams(make_scene: MakeScene) -> None:
    scene = await make_scene("fr", limits=True)
    card = await scene.start_dialog("channel")
    await scene.answer_all(card, SHORT)
    assert scene.shows(card.card_for(scene.anna), "recommendation.steps"), "the person who presses sees it at once"
    await scene.teams.wait_for(lambda: scene.shows(card.card, "recommendation.steps"))


async def test_an_older_update_never_replaces_a_newer_one(french: Scene) -> None:
    card = await french.start_dialog("channel")
    french.teams.fail("update", 503, times=2)
    press = french.user_actions.make_press(french.anna, card, french.option("orientation", "key"))
    first = asyncio.create_task(french.user_actions.send_activity(press))
    await asyncio.sleep(0.1)
    answer = await french.user_actions.send_activity(
        {**press, "id": "f:2", "value": {"action": {"data": change_data(press, 1, "brand", "yes")}}}
    )
    assert french.shows(answer.card, "question.transformation.text")
    await first
    await french.wait_until_idle()
    assert french.shows(card.card, "question.transformation.text")


def change_data(press, revision: int, question: str, option: str):
    data = press["value"]["action"]["data"]
    return {**data, "revision": revision, "question": question, "option": option}


async def test_second_delivery_after_a_restart(french: Scene) -> None:
    scene = french
    answer = await scene.user_actions.mention(scene.anna, scene.channel, "check")
    hello = await scene.user_actions.personal(scene.anna, "hello")
    count = len(scene.teams.messages())
    await scene.server.stop()
    scene.use(await scene.another_server())
    assert (await scene.user_actions.redeliver(answer)).ok
    assert (await scene.user_actions.redeliver(hello)).ok
    await scene.wait_until_idle()
    assert len(scene.teams.messages()) == count


async def test_work_is_finished_at_shutdown(french: Scene) -> None:
    scene = french
    card = await scene.start_dialog("channel")
    scene.teams.fail("update", delay=0.4)
    answer = asyncio.create_task(scene.user_actions.press(scene.anna, card, scene.option("orientation", "key")))
    await scene.teams.wait_for(lambda: scene.teams.calls_to("update"))
    await scene.server.stop()
    assert (await answer).ok
    assert scene.shows(card.card, "question.brand.text")


async def test_two_replicas(french: Scene) -> None:
    scene = french
    card = await scene.start_dialog("channel")
    first, second = scene.server, await scene.another_server()
    for number, (question, option) in enumerate(SHORT.items()):
        scene.use((first, second)[number % 2])
        await scene.user_actions.press(scene.anna, card, scene.option(question, option))
    press = scene.user_actions.make_press(scene.anna, card, scene.label("post"))
    await scene.user_actions.send_activity(press)
    scene.use(first)
    await scene.user_actions.send_activity(press)
    await scene.post()


async def find(scene: Scene, id: str) -> Message:
    """Wait for a message with the text of this id."""
    return (await scene.teams.wait_for(lambda: [m for m in scene.teams.messages() if scene.shows(m.card, id)]))[0]


async def test_a_press_is_answered_without_the_database(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Teams does not deliver an invoke again. The person sees that it failed, and presses again."""
    card = await scene.start_dialog("channel")

    async def unavailable(*_: object, **__: object) -> None:
        raise ServiceUnavailable

    for name in ("get_language", "turn"):
        with monkeypatch.context() as patch:
            patch.setattr(Service, name, unavailable)
            answer = await scene.user_actions.press(scene.anna, card, scene.option("orientation", "key"))
        assert answer.status == 200
        assert answer.message == scene.t("notice.error")
    assert scene.shows(card.card, "question.orientation.text")
    answer = await scene.user_actions.press(scene.anna, card, scene.option("orientation", "key"))
    assert scene.shows(answer.card, "question.brand.text")


async def test_a_press_is_answered_in_time(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work that takes longer than Teams waits continues. The person sees our text, not an error message of Teams."""
    card = await scene.start_dialog("channel")
    monkeypatch.setattr("adapters.teams.http.MAX_RESPONSE_SECONDS", 0.05)
    turn, gate = Service.turn, asyncio.Event()

    async def slow(application: Service, event: Turn) -> TurnResult:
        await gate.wait()
        return await turn(application, event)

    monkeypatch.setattr(Service, "turn", slow)
    answer = await scene.user_actions.press(scene.anna, card, scene.option("orientation", "key"))
    assert answer.message == scene.t("notice.error")
    gate.set()
    await scene.teams.wait_for(lambda: scene.shows(card.card, "question.brand.text"))


async def test_a_failed_update_is_repeated_after_details(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "GRACE", timedelta(seconds=0.5))
    card = await scene.start_dialog("channel")
    *first, last = SHORT.items()
    await scene.answer_all(card, dict(first))
    monkeypatch.setattr("adapters.teams.connector.MAX_ATTEMPTS", 1)
    scene.teams.fail("update", 503)
    answer = await scene.user_actions.press(scene.anna, card, scene.option(*last))
    assert scene.shows(answer.card, "recommendation.steps")
    assert not scene.shows(card.card, "recommendation.steps"), "the update failed"
    details = await scene.press(card, "details")
    assert scene.shows(details.card, "details.options")
    await scene.teams.wait_for(lambda: scene.shows(card.card, "recommendation.steps"))
