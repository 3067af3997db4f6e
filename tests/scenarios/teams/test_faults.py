"""When Teams is slow, forgetful, over its limits or has thrown us out: nothing is lost, nothing is done twice."""

import asyncio

import pytest

from adapters.playground.teams.models import Message
from adapters.ports import ServiceUnavailable, Turn, TurnResult
from bot.core import outbox
from bot.core.service import Service
from tests.scenarios.scene import SHORT
from tests.scenarios.teams.conftest import MakeScene, Scene


async def ready(scene: Scene) -> Message:
    card = await scene.begin("channel")
    await scene.answer_all(card, SHORT)
    await scene.settled()
    return card


@pytest.mark.parametrize("status", [412, 429, 500, 502, 503, 504])
async def test_passing_trouble(french: Scene, status: int) -> None:
    scene = french
    scene.teams.fail("send", status, retry_after=0.1 if status == 429 else None)
    card = await scene.begin("channel")
    scene.teams.fail("update", status, retry_after=0.1 if status == 429 else None)
    answer = await scene.user_actions.press(scene.anna, card, scene.option("orientation", "key"))
    assert scene.says(answer.card, "question.brand.text")
    await scene.teams.wait_for(lambda: scene.says(card.card, "question.brand.text"))
    assert scene.teams.messages(scene.channel) == [card]


@pytest.mark.parametrize("status", [412, 429, 500, 502, 503, 504])
async def test_the_post_goes_out_after_trouble(french: Scene, status: int) -> None:
    card = await ready(french)
    french.teams.fail("send", status, times=2)
    await french.press(card, "post")
    await french.post()


async def test_a_lost_answer_is_never_sent_again_without_a_word(scene: Scene) -> None:
    card = await ready(scene)
    scene.teams.fail("send", drop="after")
    await scene.press(card, "post")
    told = await find(scene, "teams.held.lost")
    assert len(scene.posts(scene.channel)) == 1, "it had arrived"
    await scene.settled()
    assert len(scene.posts(scene.channel)) == 1
    await scene.press(told, "retry_post")
    await scene.teams.wait_for(lambda: len(scene.posts(scene.channel)) == 2)
    await scene.press(told, "retry_post")
    await scene.settled()
    assert len(scene.posts(scene.channel)) == 2


async def test_asked_again_where_the_asking_was_lost(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "FIRST_DELAY", 0.1)
    card = await ready(scene)
    scene.teams.fail("send", drop="before", times=3)  # the post, and twice the word about it
    await scene.press(card, "post")
    await scene.press(await find(scene, "teams.held.lost"), "retry_post")
    await scene.post()


async def test_not_installed_says_so_and_goes_out_by_a_press(scene: Scene) -> None:
    await scene.user_actions.install(scene.anna, scene.team)
    card = await scene.begin("personal")
    await scene.answer_all(card, SHORT)
    chooser = await scene.press(card, "post")
    assert chooser.card
    wanted = chooser.card["body"][1]["choices"][0]["value"]
    press = scene.user_actions.make_press(scene.anna, card, scene.label("post"), {"channel": wanted})
    scene.teams.fail("member", 403, times=2, error="BotNotInConversationRoster")
    answer = await scene.user_actions.send_activity(press)
    assert answer.message == scene.t("teams.held.not_member"), "looked at again when pressed"
    scene.teams.clear_faults()
    scene.teams.fail("send", 403, error="BotNotInConversationRoster")
    answer = await scene.user_actions.send_activity({**press, "id": "f:again"})
    assert scene.says(answer.card, "notice.posting")
    told = await find(scene, "teams.held.not_installed")
    assert told.where is scene.place("personal")
    await scene.press(told, "retry_post")
    await scene.post()


async def test_blocked_says_so_and_goes_out_by_a_press(french: Scene) -> None:
    card = await ready(french)
    french.teams.fail("send", 403, error="ConversationBlockedByUser")
    await french.press(card, "post")
    await french.press(await find(french, "teams.held.blocked"), "retry_post")
    await french.post()


async def test_a_post_too_long_is_made_shorter(french: Scene) -> None:
    card = await ready(french)
    french.teams.fail("send", 413)
    await french.press(card, "post")
    found = await french.post()
    assert not french.says(found.card, "recommendation.because")
    assert french.says(found.card, "outcome.in_house.title")


async def test_thrown_out_meanwhile_tells_in_private(scene: Scene) -> None:
    card = await ready(scene)
    scene.teams.personal(scene.anna)
    press = scene.user_actions.make_press(scene.anna, card, scene.label("post"))
    scene.team.installed = False
    answer = await scene.user_actions.send_activity(press)
    assert answer.ok
    told = await find(scene, "teams.held.not_installed")
    assert told.where is scene.place("personal")
    assert scene.says(told.card, "teams.elsewhere")
    scene.team.installed = True
    await scene.press(told, "retry_post")
    await scene.post()


async def test_a_deleted_card_is_sent_again(french: Scene) -> None:
    card = await french.begin("personal")
    press = french.user_actions.make_press(french.anna, card, french.option("orientation", "key"))
    card.deleted = True
    await french.user_actions.send_activity(press)
    await french.settled()
    (new,) = french.teams.messages(french.place("personal"))
    assert french.says(new.card, "question.brand.text")
    await french.user_actions.press(french.anna, new, french.option("brand", "yes"))
    assert french.says(new.card, "question.transformation.text")


async def test_a_card_whose_sending_was_lost_works_where_it_is(french: Scene) -> None:
    french.teams.fail("send", drop="after")
    await french.user_actions.mention(french.anna, french.channel, "check")
    (card,) = french.teams.messages(french.channel)
    await french.answer_all(card, SHORT)
    assert french.says(card.card, "review.title")
    assert french.teams.messages(french.channel) == [card]


async def test_an_expired_token_is_renewed(french: Scene) -> None:
    card = await french.begin("channel")
    french.teams.revoke_tokens()
    await french.answer_all(card, {"orientation": "key"})
    assert french.says(card.card, "question.brand.text")
    assert len(french.teams.calls_to("token")) == 2


async def test_one_token_for_all(french: Scene) -> None:
    french.teams.fail("token", delay=0.1)
    activities = [french.user_actions.make_personal(french.anna, "hello") for _ in range(10)]
    await asyncio.gather(*(french.user_actions.send_activity(one) for one in activities))
    assert len(french.teams.calls_to("token")) == 1
    assert len(french.teams.messages()) == 10


async def test_faster_than_the_limits(make_scene: MakeScene) -> None:
    scene = await make_scene("fr", limits=True)
    card = await scene.begin("channel")
    await scene.answer_all(card, SHORT)
    assert scene.says(card.card_for(scene.anna), "review.title"), "who presses sees it at once"
    await scene.teams.wait_for(lambda: scene.says(card.card, "review.title"))


async def test_edits_never_go_backwards(french: Scene) -> None:
    card = await french.begin("channel")
    french.teams.fail("update", 503, times=2)
    press = french.user_actions.make_press(french.anna, card, french.option("orientation", "key"))
    first = asyncio.create_task(french.user_actions.send_activity(press))
    await asyncio.sleep(0.1)
    answer = await french.user_actions.send_activity(
        {**press, "id": "f:2", "value": {"action": {"data": data(press, 1, "brand", "yes")}}}
    )
    assert french.says(answer.card, "question.transformation.text")
    await first
    await french.settled()
    assert french.says(card.card, "question.transformation.text")


def data(press, revision: int, question: str, option: str):
    own = press["value"]["action"]["data"]
    return {**own, "revision": revision, "question": question, "option": option}


async def test_delivered_again_after_a_restart(french: Scene) -> None:
    scene = french
    answer = await scene.user_actions.mention(scene.anna, scene.channel, "check")
    hello = await scene.user_actions.personal(scene.anna, "hello")
    count = len(scene.teams.messages())
    await scene.server.stop()
    scene.use(await scene.another_server())
    assert (await scene.user_actions.redeliver(answer)).ok
    assert (await scene.user_actions.redeliver(hello)).ok
    await scene.settled()
    assert len(scene.teams.messages()) == count


async def test_what_was_taken_is_finished_on_sigterm(french: Scene) -> None:
    scene = french
    card = await scene.begin("channel")
    scene.teams.fail("update", delay=0.4)
    answer = asyncio.create_task(scene.user_actions.press(scene.anna, card, scene.option("orientation", "key")))
    await scene.teams.wait_for(lambda: scene.teams.calls_to("update"))
    await scene.server.stop()
    assert (await answer).ok
    assert scene.says(card.card, "question.brand.text")


async def test_two_replicas(french: Scene) -> None:
    scene = french
    card = await scene.begin("channel")
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
    """Wait for a message with these words of the catalogue."""
    return (await scene.teams.wait_for(lambda: [m for m in scene.teams.messages() if scene.says(m.card, id)]))[0]


async def test_a_press_is_answered_when_the_database_is_away(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody delivers a press again: whoever pressed hears that it did not work, and presses again."""
    card = await scene.begin("channel")

    async def away(*_: object, **__: object) -> None:
        raise ServiceUnavailable

    for name in ("get_language", "turn"):
        with monkeypatch.context() as patch:
            patch.setattr(Service, name, away)
            answer = await scene.user_actions.press(scene.anna, card, scene.option("orientation", "key"))
        assert answer.status == 200
        assert answer.message == scene.t("notice.error")
    assert scene.says(card.card, "question.orientation.text")
    answer = await scene.user_actions.press(scene.anna, card, scene.option("orientation", "key"))
    assert scene.says(answer.card, "question.brand.text")


async def test_a_press_is_answered_in_time(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes longer than Teams waits goes on; who pressed hears a word meanwhile, not an error of Teams."""
    card = await scene.begin("channel")
    monkeypatch.setattr("adapters.teams.http.MAX_RESPONSE_SECONDS", 0.05)
    turn, gate = Service.turn, asyncio.Event()

    async def slow(service: Service, event: Turn) -> TurnResult:
        await gate.wait()
        return await turn(service, event)

    monkeypatch.setattr(Service, "turn", slow)
    answer = await scene.user_actions.press(scene.anna, card, scene.option("orientation", "key"))
    assert answer.message == scene.t("notice.error")
    gate.set()
    await scene.teams.wait_for(lambda: scene.says(card.card, "question.brand.text"))
