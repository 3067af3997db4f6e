"""Slash commands in a channel or group chat: the answer is for one person, up to the post."""

import pytest

from adapters.playground.teams.cards import fill
from adapters.playground.teams.models import Message
from tests.scenarios.scene import SHORT
from tests.scenarios.teams.conftest import Scene
from tests.scenarios.teams.test_typed_text import fill_page

pytestmark = pytest.mark.parametrize("where", ["channel", "group"])


async def slash(scene: Scene, where: str, text: str) -> Message:
    """Type a slash command as Anna. Return what she sees last."""
    exchange = await scene.user_actions.slash(scene.anna, scene.conversation(where), text)
    assert exchange.ok, (exchange.status, exchange.answer)
    await scene.wait_until_idle()
    return scene.teams.last(scene.conversation(where), seen_by=scene.anna)


def seen_by_ben(scene: Scene, where: str) -> list[Message]:
    messages = scene.teams.messages(scene.conversation(where), seen_by=scene.ben)
    return [message for message in messages if message.by is None]


async def test_a_check_is_private_until_it_is_posted(scene: Scene, where: str) -> None:
    card = await slash(scene, where, "check")
    assert card.targeted_to is scene.anna
    assert not scene.shows(card.card, "teams.public")
    await scene.answer_all(card, SHORT)
    await scene.wait_until_idle()
    assert scene.shows(card.card_for(scene.anna), "outcome.in_house.title")
    assert scene.shows(card.card_for(scene.anna), "review.share"), "who will see what after the post"
    assert not scene.shows(card.card_for(scene.anna), "teams.share"), "nobody else sees it yet"
    assert seen_by_ben(scene, where) == []
    await scene.press(card, "post")
    post = await scene.post(scene.conversation(where))
    assert post.targeted_to is None
    assert scene.shows(post.card, "announcement.by", person="Anna Roux")
    await scene.teams.wait_for(lambda: scene.shows(card.card, "notice.posted"))
    assert seen_by_ben(scene, where) == [post]


async def test_a_quick_check_and_a_new_one_stay_private(scene: Scene, where: str) -> None:
    typed = "diagnostic oui non oui" if scene.t.language == "fr" else "check yes no yes"
    card = await slash(scene, where, typed)
    assert scene.shows(card.card, "partial.title")
    await scene.press(card, "continue")
    assert scene.shows(card.card_for(scene.anna), "question.orientation.text")
    await scene.press(card, "why")
    await scene.wait_until_idle()
    assert seen_by_ben(scene, where) == []


async def test_help_lists_and_errors_are_private(scene: Scene, where: str) -> None:
    for text, id in (
        ("help", "help.title"),
        ("my checks", "checks.none"),
        ("xyzzy plugh", "notice.nothing_understood"),
    ):
        answer = await slash(scene, where, text)
        assert scene.shows(answer.card, id), text
        assert answer.targeted_to is scene.anna
    answer = await slash(scene, where, "help")
    await scene.press(answer, "start")
    await scene.wait_until_idle()
    started = scene.teams.last(scene.conversation(where), seen_by=scene.anna)
    assert started.targeted_to is scene.anna, "a dialog begun from a private message is private"
    assert seen_by_ben(scene, where) == []


async def test_the_form_leads_to_a_private_card(scene: Scene, where: str) -> None:
    offer = await slash(scene, where, "form" if scene.t.language == "en" else "formulaire")
    form = (await scene.press(offer, "open_form")).task_card
    while not scene.shows(form, "teams.show_here"):
        form = (await scene.user_actions.submit_task(scene.anna, offer, fill_page(scene, form))).task_card
    assert scene.shows(form, "teams.form_show"), "nobody else sees it"
    await scene.user_actions.submit_task(scene.anna, offer, fill(form, scene.t("teams.show_here")))
    await scene.wait_until_idle()
    card = scene.teams.last(scene.conversation(where), seen_by=scene.anna)
    assert scene.shows(card.card, "recommendation.steps")
    assert card.targeted_to is scene.anna
    assert seen_by_ben(scene, where) == []


async def test_a_card_that_teams_has_removed_is_sent_again(scene: Scene, where: str) -> None:
    card = await slash(scene, where, "check")
    later = scene.user_actions.make_press(scene.anna, card, scene.option("orientation", "key"))
    card.deleted = True  # as after a day
    await scene.user_actions.send_activity(later)
    await scene.wait_until_idle()
    again = scene.teams.last(scene.conversation(where), seen_by=scene.anna)
    assert scene.shows(again.card, "question.brand.text")
    assert again.targeted_to is scene.anna
    assert seen_by_ben(scene, where) == []


async def test_check_again_brings_the_dialog_back_where_it_was(scene: Scene, where: str) -> None:
    first = await slash(scene, where, "check")
    await scene.user_actions.press(scene.anna, first, scene.option("orientation", "key"))
    again = await slash(scene, where, "check")
    assert again is not first
    assert scene.shows(again.card, "question.brand.text")
    assert seen_by_ben(scene, where) == []


async def test_a_mention_is_answered_in_public_beside_a_private_dialog(scene: Scene, where: str) -> None:
    private = await slash(scene, where, "check")
    await scene.user_actions.press(scene.anna, private, scene.option("orientation", "key"))
    public = await scene.start_dialog(where)
    assert public.targeted_to is None
    assert scene.shows(public.card, "question.orientation.text"), "another dialog"
    assert scene.shows(public.card, "teams.public")


async def test_the_personal_chat_is_used_where_teams_refuses_private_messages(scene: Scene, where: str) -> None:
    await scene.user_actions.personal(scene.anna, "help")  # the app is there
    scene.teams.supports_targeted = False
    await scene.user_actions.slash(scene.anna, scene.conversation(where), "check")
    await scene.wait_until_idle()
    card = scene.teams.last(scene.teams.personal(scene.anna))
    assert scene.shows(card.card, "question.orientation.text")
    assert scene.shows(card.card, "teams.elsewhere"), "it says where it comes from"
    assert seen_by_ben(scene, where) == []


async def test_another_person_cannot_take_over_a_private_card(scene: Scene, where: str) -> None:
    card = await slash(scene, where, "check")
    forged = scene.user_actions.make_press(scene.anna, card, scene.option("orientation", "key"))
    forged["from"] = {**forged["from"], "id": scene.ben.id, "aadObjectId": scene.ben.aad}
    answer = await scene.user_actions.send_activity(forged)
    assert scene.shows(answer.card, "notice.not_yours")
    await scene.wait_until_idle()
    assert scene.shows(card.card, "question.orientation.text"), "it is unchanged"
    assert seen_by_ben(scene, where) == []
