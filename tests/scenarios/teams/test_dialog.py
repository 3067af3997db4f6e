"""The dialog, from a mention to the recommendation in the channel, over HTTP with truly signed tokens."""

import asyncio

import pytest

from tests.scenarios.scene import SHORT
from tests.scenarios.teams.conftest import Scene, visible

pytestmark = pytest.mark.parametrize("where", ["channel", "group", "personal"])


async def test_one_card_edited_in_place(scene: Scene, where: str) -> None:
    card = await scene.begin(where)
    await scene.answer_all(card, SHORT)
    assert scene.teams.messages(scene.place(where)) == [card], "one card from the first question to the review"
    for user in (scene.anna, scene.ben):
        assert scene.says(card.card_for(user), "outcome.in_house.title")
    assert scene.says(card.card, "review.title")


async def test_old_clients_fall_back_to_submit(scene: Scene, where: str) -> None:
    card = await scene.begin(where)
    await scene.answer_all(card, SHORT, old_client=True)
    assert scene.teams.messages(scene.place(where)) == [card]
    assert scene.says(card.card, "review.title")


async def test_back_why_change_restart(scene: Scene, where: str) -> None:
    card = await scene.begin(where)
    await scene.press(card, "why")
    assert scene.says(card.card, "question.orientation.why")
    await scene.answer_all(card, dict(list(SHORT.items())[:2]))
    await scene.press(card, "back")
    assert scene.says(card.card, "question.brand.text")
    await scene.answer_all(card, dict(list(SHORT.items())[1:]))
    await scene.press(card, "change", inputs={"change": "mode"})
    assert scene.says(card.card, "prompt.changing")
    await scene.user_actions.press(scene.anna, card, scene.option("mode", "both"))
    assert scene.says(card.card, "question.agency_link.text"), "the new answer asks one more"
    await scene.press(card, "restart")
    assert scene.says(card.card, "question.orientation.text")


async def test_pressed_twice_is_pressed_once(scene: Scene, where: str) -> None:
    card = await scene.begin(where)
    press = scene.user_actions.make_press(scene.anna, card, scene.option("orientation", "key"))
    late = scene.user_actions.make_press(scene.anna, card, scene.option("orientation", "key"))
    answers = await asyncio.gather(*(scene.user_actions.send_activity(one) for one in (press, press, late)))
    assert all(answer.ok for answer in answers)
    await scene.settled()
    assert scene.says(card.card, "question.brand.text")


async def test_a_stale_press_shows_where_you_are(scene: Scene, where: str) -> None:
    card = await scene.begin(where)
    stale = scene.user_actions.make_press(scene.anna, card, scene.option("orientation", "seo"))
    await scene.answer_all(card, dict(list(SHORT.items())[:3]))
    answer = await scene.user_actions.send_activity(stale)
    assert scene.says(answer.card, "notice.stale")
    assert scene.says(answer.card, "question.presence.text")


async def test_kept_private(scene: Scene, where: str) -> None:
    card = await scene.begin(where)
    await scene.answer_all(card, SHORT)
    answer = await scene.press(card, "keep_private")
    assert scene.says(answer.card, "outcome.in_house.title")
    assert scene.says(answer.card, "recommendation.what_if")
    await scene.settled()
    assert scene.posts(scene.channel) == []
    if where != "personal":
        assert not scene.says(card.card, "outcome.in_house.title"), "nobody else sees it"
        card.views.clear()  # as when the conversation is opened again
        edits = card.edits
        seen = await scene.user_actions.refresh(scene.anna, card)
        assert seen
        assert scene.says(seen.card, "outcome.in_house.title")
        assert await scene.user_actions.refresh(scene.ben, card) is None
        await scene.settled()
        assert card.edits == edits, "looking changes nothing"


async def test_posted_once_with_a_name(scene: Scene, where: str) -> None:
    card = await scene.begin(where)
    await scene.answer_all(card, SHORT)
    post = scene.user_actions.make_press(scene.anna, card, scene.label("post"))
    target = scene.group if where == "group" else scene.channel
    if where == "personal":
        await scene.user_actions.install(scene.anna, scene.team)
        chooser = await scene.user_actions.send_activity(post)
        assert chooser.card
        values = {choice["title"]: choice["value"] for choice in chooser.card["body"][1]["choices"]}
        wanted = values["Marketing › Campaigns"]
        post = scene.user_actions.make_press(scene.anna, card, scene.label("post"), {"channel": wanted})
    answers = await asyncio.gather(*(scene.user_actions.send_activity(post) for _ in range(3)))
    assert all(answer.ok for answer in answers)
    found = await scene.post(target)
    assert scene.says(found.card, "announcement.by", person="Anna Roux")
    if target is scene.channel:
        assert found.root == found.id, "a post of its own"
        assert found.root != card.root
    await scene.teams.wait_for(lambda: scene.says(card.card, "notice.posted"))
    details = await scene.press(found, "details", scene.ben)
    assert scene.says(details.card, "recommendation.what_if")
    assert "Anna" in " ".join(visible(found.card)), "everybody still sees the post"


async def test_somebody_else_gets_a_private_word_and_a_way_to_start(scene: Scene, where: str) -> None:
    if where == "personal":
        pytest.skip("nobody else is there")
    card = await scene.begin(where)
    before = card.card
    answer = await scene.user_actions.press(scene.ben, card, scene.option("orientation", "seo"))
    assert scene.says(answer.card, "notice.not_yours")
    await scene.settled()
    assert card.card == before
    await scene.press(card, "run_own", scene.ben)
    own = scene.teams.last(scene.place(where))
    assert own is not card
    assert own.root == card.root
    answer = await scene.user_actions.press(scene.ben, own, scene.option("orientation", "seo"))
    assert scene.says(own.card, "question.brand.text")
    assert scene.says(card.card, "question.orientation.text")


async def test_cancelled_and_begun_again(scene: Scene, where: str) -> None:
    card = await scene.begin(where)
    await scene.press(card, "cancel")
    assert scene.says(card.card, "notice.cancelled")
    await scene.press(card, "start")
    new = scene.teams.last(scene.place(where))
    assert new is not card
    assert scene.says(new.card, "question.orientation.text")


async def test_typed_answers(scene: Scene, where: str) -> None:
    card = await scene.begin(where)
    await scene.answer_all(card, {"orientation": "key"})
    yes = scene.option("brand", "yes").lower()
    if where == "personal":
        await scene.user_actions.personal(scene.anna, yes)
    else:
        await scene.user_actions.mention(scene.anna, scene.place(where), yes, thread=card)
    await scene.settled()
    now = scene.teams.last(scene.place(where))
    assert scene.says(now.card, "question.transformation.text")
    assert scene.says(card.card, "teams.moved")
    await scene.user_actions.press(scene.anna, now, scene.option("transformation", "no"))
    assert scene.says(now.card, "question.presence.text")
