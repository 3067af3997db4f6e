"""Dialogs from the first message to the post, over HTTP with signed tokens."""

import asyncio
from datetime import timedelta

import pytest

from bot.core import service
from bot.core.outbox import POLL_SECONDS
from tests.scenarios.scene import SHORT
from tests.scenarios.teams.conftest import Scene, visible

pytestmark = pytest.mark.parametrize("where", ["channel", "group", "personal"])


async def test_one_card_is_updated(scene: Scene, where: str) -> None:
    card = await scene.start_dialog(where)
    await scene.answer_all(card, SHORT)
    assert scene.teams.messages(scene.conversation(where)) == [card], "one card from the first question to the last"
    for user in (scene.anna, scene.ben):
        assert scene.shows(card.card_for(user), "outcome.in_house.title")
    assert scene.shows(card.card, "recommendation.steps")


async def test_clients_without_action_execute(scene: Scene, where: str) -> None:
    card = await scene.start_dialog(where)
    await scene.answer_all(card, SHORT, old_client=True)
    assert scene.teams.messages(scene.conversation(where)) == [card]
    assert scene.shows(card.card, "recommendation.steps")
    before = card.card
    await scene.press(card, "details", old_client=True)
    await scene.wait_until_idle()
    assert scene.shows(scene.teams.last(scene.conversation("personal")).card, "details.options")
    assert card.card == before, "it keeps its buttons"


async def test_back_why_change_restart(scene: Scene, where: str) -> None:
    card = await scene.start_dialog(where)
    await scene.press(card, "why")
    assert scene.shows(card.card, "question.orientation.why")
    await scene.answer_all(card, dict(list(SHORT.items())[:2]))
    await scene.press(card, "back")
    assert scene.shows(card.card, "question.brand.text")
    await scene.answer_all(card, dict(list(SHORT.items())[1:]))
    await scene.press(card, "review")
    assert scene.shows(card.card, "review.title")
    await scene.press(card, "change", inputs={"change": "mode"})
    assert scene.shows(card.card, "prompt.changing")
    await scene.user_actions.press(scene.anna, card, scene.option("mode", "both"))
    assert scene.shows(card.card, "question.agency_link.text"), "the new answer asks one more"
    await scene.press(card, "more")
    assert scene.shows(card.card, "notice.more")
    await scene.press(card, "restart")
    assert scene.t.plural("notice.restart", len(SHORT)) in visible(card.card)
    await scene.user_actions.press(scene.anna, card, scene.t("label.restart"))
    assert scene.shows(card.card, "question.orientation.text")
    await scene.press(card, "back")
    assert scene.shows(card.card, "question.agency_link.text"), "the answers are back"


async def test_my_answers_of_a_kept_check_do_not_reopen_it(scene: Scene, where: str) -> None:
    card = await scene.start_dialog(where)
    await scene.answer_all(card, SHORT)
    await scene.press(card, "keep_private")
    answer = await scene.press(card, "review")
    assert scene.shows(answer.card, "option.person.lasting")
    assert scene.shows(answer.card, "teams.kept_review") == (where != "personal"), "a change is public again"
    await scene.wait_until_idle()
    if where != "personal":
        assert not scene.shows(card.card, "option.person.lasting")
    answer = await scene.press(card, "back")
    assert scene.shows(answer.card, "label.new_check"), "it is still finished"
    await scene.press(card, "review")
    await scene.press(card, "change", inputs={"change": "mode"})
    assert scene.shows(card.card, "prompt.changing")


async def test_second_delivery_of_details(scene: Scene, where: str) -> None:
    card = await scene.start_dialog(where)
    await scene.answer_all(card, SHORT)
    press = scene.user_actions.make_press(scene.anna, card, scene.label("details"))
    for _ in range(2):
        answer = await scene.user_actions.send_activity(press)
        assert scene.shows(answer.card, "details.options")


async def test_details_of_a_post_lead_its_owner_back(scene: Scene, where: str) -> None:
    if where == "personal":
        pytest.skip("the post is in another conversation")
    card = await scene.start_dialog(where)
    await scene.answer_all(card, SHORT)
    await scene.press(card, "post")
    post = await scene.post(scene.group if where == "group" else scene.channel)
    press = scene.user_actions.make_press(scene.ben, post, scene.label("details"))
    for _ in range(2):
        details = await scene.user_actions.send_activity(press)
        assert scene.shows(details.card, "details.options")
        assert scene.shows(details.card, "label.run_own")
    details = await scene.press(post, "details")
    assert scene.shows(details.card, "details.options")
    back = await scene.press(post, "see_recommendation")
    assert scene.shows(back.card, "recommendation.steps")
    assert scene.shows(post.card, "announcement.steps"), "others see the post"


async def test_second_deliveries_change_nothing(scene: Scene, where: str) -> None:
    card = await scene.start_dialog(where)
    press = scene.user_actions.make_press(scene.anna, card, scene.option("orientation", "key"))
    late = scene.user_actions.make_press(scene.anna, card, scene.option("orientation", "key"))
    answers = await asyncio.gather(*(scene.user_actions.send_activity(one) for one in (press, press, late)))
    assert all(answer.ok for answer in answers)
    await scene.wait_until_idle()
    assert scene.shows(card.card, "question.brand.text")


async def test_a_stale_press_shows_the_current_question(scene: Scene, where: str) -> None:
    card = await scene.start_dialog(where)
    stale = scene.user_actions.make_press(scene.anna, card, scene.option("orientation", "seo"))
    await scene.answer_all(card, dict(list(SHORT.items())[:3]))
    answer = await scene.user_actions.send_activity(stale)
    assert scene.shows(answer.card, "notice.stale")
    assert scene.shows(answer.card, "question.presence.text")


async def test_kept_private(scene: Scene, where: str) -> None:
    card = await scene.start_dialog(where)
    await scene.answer_all(card, SHORT)
    answer = await scene.press(card, "keep_private")
    assert scene.shows(answer.card, "outcome.in_house.title")
    assert scene.shows(answer.card, "review.share")
    await scene.wait_until_idle()
    details = await scene.press(card, "details")
    assert scene.shows(details.card, "recommendation.what_if")
    await scene.wait_until_idle()
    assert scene.posts(scene.channel) == []
    if where != "personal":
        for text in ("outcome.in_house.title", "recommendation.what_if", "option.mode.in_house"):
            assert not scene.shows(card.card, text), "others do not see it"
        card.views.clear()  # as when the conversation is opened again
        edits = card.edits
        response = await scene.user_actions.refresh(scene.anna, card)
        assert response
        assert scene.shows(response.card, "outcome.in_house.title")
        assert await scene.user_actions.refresh(scene.ben, card) is None
        await scene.wait_until_idle()
        assert card.edits == edits, "a refresh changes nothing"


async def test_only_the_person_who_presses_sees_the_details(
    scene: Scene, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = await scene.start_dialog(where)
    await scene.answer_all(card, SHORT)
    await asyncio.sleep(1.5 * POLL_SECONDS)  # until it is stored that the card is shown
    monkeypatch.setattr(service, "GRACE", timedelta(seconds=0.1))
    before, edits = card.card, card.edits
    answer = await scene.press(card, "details")
    for id in ("details.options", "recommendation.what_if", "review.title", "recommendation.advice"):
        assert scene.shows(answer.card, id)
    assert scene.shows(answer.card, "details.recommended", outcome=scene.t("outcome.in_house.title"))
    await asyncio.sleep(2.5 * POLL_SECONDS)  # the worker does not show it again
    await scene.wait_until_idle()
    assert (card.card, card.edits) == (before, edits), "others keep the card with its buttons"
    if where != "personal":
        assert scene.shows(card.card, "teams.share")
        others = await scene.user_actions.press(scene.ben, card, scene.label("details"))
        assert scene.shows(others.card, "notice.not_yours")
    await scene.press(card, "see_recommendation")
    assert scene.shows(card.card_for(scene.anna), "recommendation.steps")


async def test_one_post_with_a_name(scene: Scene, where: str) -> None:
    card = await scene.start_dialog(where)
    await scene.answer_all(card, SHORT)
    post = scene.user_actions.make_press(scene.anna, card, scene.label("post"))
    target = scene.group if where == "group" else scene.channel
    if where == "personal":
        await scene.user_actions.install(scene.anna, scene.team)
        response = await scene.user_actions.send_activity(post)
        assert response.card
        values = {choice["title"]: choice["value"] for choice in response.card["body"][1]["choices"]}
        channel = values["Marketing › Campaigns"]
        post = scene.user_actions.make_press(scene.anna, card, scene.label("post"), {"channel": channel})
    answers = await asyncio.gather(*(scene.user_actions.send_activity(post) for _ in range(3)))
    assert all(answer.ok for answer in answers)
    message = await scene.post(target)
    assert scene.shows(message.card, "announcement.by", person="Anna Roux")
    if target is scene.channel:
        assert message.root == message.id, "a new post, not a reply"
        assert message.root != card.root
    await scene.teams.wait_for(lambda: scene.shows(card.card, "notice.posted"))
    details = await scene.press(message, "details", scene.ben)
    assert scene.shows(details.card, "recommendation.what_if")
    assert "Anna" in " ".join(visible(message.card)), "everybody still sees the post"


async def test_another_person_gets_a_private_notice_and_can_start(scene: Scene, where: str) -> None:
    if where == "personal":
        pytest.skip("a personal chat has one person")
    card = await scene.start_dialog(where)
    before = card.card
    answer = await scene.user_actions.press(scene.ben, card, scene.option("orientation", "seo"))
    assert scene.shows(answer.card, "notice.not_yours")
    await scene.wait_until_idle()
    assert card.card == before
    await scene.press(card, "run_own", scene.ben)
    new_card = scene.teams.last(scene.conversation(where))
    assert new_card is not card
    assert new_card.root == card.root
    answer = await scene.user_actions.press(scene.ben, new_card, scene.option("orientation", "seo"))
    assert scene.shows(new_card.card, "question.brand.text")
    assert scene.shows(card.card, "question.orientation.text")


async def test_cancel_and_start_again(scene: Scene, where: str) -> None:
    card = await scene.start_dialog(where)
    await scene.press(card, "cancel")
    assert scene.shows(card.card, "notice.cancelled")
    await scene.press(card, "start")
    new = scene.teams.last(scene.conversation(where))
    assert new is not card
    assert scene.shows(new.card, "question.orientation.text")


async def test_typed_answers(scene: Scene, where: str) -> None:
    card = await scene.start_dialog(where)
    await scene.answer_all(card, {"orientation": "key"})
    yes = scene.option("brand", "yes").lower()
    if where == "personal":
        await scene.user_actions.personal(scene.anna, yes)
    else:
        await scene.user_actions.mention(scene.anna, scene.conversation(where), yes, thread=card)
    await scene.wait_until_idle()
    now = scene.teams.last(scene.conversation(where))
    assert scene.shows(now.card, "question.transformation.text")
    assert scene.shows(card.card, "question.brand.text"), "the question stays readable"
    assert scene.option("brand", "yes") in "".join(visible(card.card)), "and its answer"
    assert scene.shows(card.card, "passed.below")
    assert len(visible(card.card)) == 3, "no buttons"
    await scene.user_actions.press(scene.anna, now, scene.option("transformation", "no"))
    assert scene.shows(now.card, "question.presence.text")
