"""A post in Teams: its link, changing it in place, taking it back."""

import pytest

from adapters.playground.teams.rules import walk
from tests.scenarios.scene import SHORT
from tests.scenarios.teams.conftest import Scene

pytestmark = pytest.mark.parametrize("where", ["channel", "group"])


async def test_the_card_folds_to_a_line_with_a_link_once_it_is_posted(scene: Scene, where: str) -> None:
    card = await scene.start_dialog(where)
    assert scene.shows(card.card, "teams.public"), "the first card says who reads it"
    await scene.answer_all(card, SHORT)
    answer = await scene.press(card, "post")
    assert not scene.shows(answer.card, "outcome.in_house.title"), "also for the person who pressed"
    post = await scene.post(scene.conversation(where))
    await scene.teams.wait_for(lambda: scene.shows(card.card, "notice.posted"))
    assert not scene.shows(card.card, "outcome.in_house.title")
    [link] = [node["url"] for node in walk(card.card) if node.get("type") == "Action.OpenUrl"]
    assert post.id in link


async def test_a_post_is_changed_in_place_and_taken_back(scene: Scene, where: str) -> None:
    card = await scene.start_dialog(where)
    await scene.answer_all(card, SHORT)
    await scene.press(card, "post")
    post = await scene.post(scene.conversation(where))
    await scene.teams.wait_for(lambda: scene.shows(card.card, "notice.posted"))
    await scene.press(card, "review")
    assert scene.shows(card.card, "teams.public"), "the answers say who reads them"
    await scene.press(card, "change", inputs={"change": "mode"})
    await scene.user_actions.press(scene.anna, card, scene.option("mode", "both"))
    await scene.user_actions.press(scene.anna, card, scene.option("agency_link", "no"))
    assert scene.shows(post.card, "outcome.in_house.title"), "nothing changes in the post before it is updated"
    details = await scene.press(post, "details", scene.ben)
    assert scene.shows(details.card, "option.mode.in_house"), "others see what is posted"
    await scene.press(card, "update_post")
    await scene.teams.wait_for(lambda: scene.shows(post.card, "announcement.by_changed", person="Anna Roux"))
    assert scene.shows(post.card, "outcome.hybrid.title")
    await scene.teams.wait_for(lambda: scene.shows(card.card, "notice.updated"))
    refused = await scene.user_actions.press(scene.ben, card, scene.label("take_back"))
    assert scene.shows(refused.card, "notice.not_yours")
    await scene.press(card, "take_back")
    await scene.teams.wait_for(lambda: post.deleted)
    assert not scene.shows(card.card, "outcome.hybrid.title"), "it is private now"
    assert scene.shows(card.card_for(scene.anna), "outcome.hybrid.title")
