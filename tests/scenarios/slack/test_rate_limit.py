"""Somebody who asks more than anybody can mean: a kind word now and then, no query, and nothing changes."""

from collections.abc import Callable

import pytest

from bot.core.service import Service
from dialogs.translations import languages, translations
from tests.scenarios.slack.conftest import MakeScene, Scene

TWICE = 0.2
"""Events a second: two at once, and then one every five seconds."""


@pytest.fixture
def at_rest(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From the call on, the application must not be asked."""

    def begin() -> None:
        async def asked(*_: object) -> None:
            raise AssertionError("the application was asked")

        for name in ("turn", "find_running", "get_language", "is_duplicate", "list_checks"):
            monkeypatch.setattr(Service, name, asked)

    return begin


async def limited(make_scene: MakeScene, language: str = "fr") -> Scene:
    return await make_scene(language, rate_person=TWICE)


async def test_commands(make_scene: MakeScene, at_rest, language: str) -> None:
    scene = await limited(make_scene, language)
    for _ in range(2):
        await scene.slash(scene.anna, scene.marketing, "aide")
    calls = len(scene.slack.calls)
    at_rest()
    ack = await scene.user_actions.slash(scene.anna, scene.marketing, "start")
    assert ack.message
    assert ack.message.text == scene.t("notice.too_fast"), "in the language that was in memory"
    again = await scene.user_actions.slash(scene.anna, scene.marketing, "start")
    assert again.status == 200
    assert not again.answer, "told a moment ago"
    await scene.settle()
    assert len(scene.slack.calls) == calls


async def test_others_go_on(make_scene: MakeScene) -> None:
    scene = await limited(make_scene)
    for _ in range(5):
        await scene.user_actions.slash(scene.anna, scene.marketing, "aide")
    answer = await scene.slash(scene.ben, scene.marketing, "aide")
    assert scene.label("start") in answer.buttons()


async def test_presses(make_scene: MakeScene, at_rest) -> None:
    scene = await limited(make_scene)
    card = await scene.slash(scene.anna, scene.marketing)
    await scene.press(scene.anna, card, scene.option("orientation", "key"))
    before = card.snapshot()
    at_rest()
    for _ in range(3):
        ack = await scene.press(scene.anna, card, scene.option("brand", "yes"))
        assert ack.status == 200
    assert card.blocks == before.blocks
    said = [each for each in scene.sees(scene.anna, scene.marketing) if scene.t("notice.too_fast") in each.texts()]
    assert len(said) == 1
    assert said[0].ephemeral_to == scene.anna.id


async def test_typed_words(make_scene: MakeScene, at_rest) -> None:
    scene = await limited(make_scene)
    for _ in range(2):
        await scene.tell(scene.anna, "aide")
    at_rest()
    room = scene.team.im(scene.anna)
    before = len(scene.sees(scene.anna, room))
    for _ in range(3):
        assert (await scene.user_actions.direct_message(scene.anna, "aide")).status == 200
    await scene.settle()
    found = scene.sees(scene.anna, room)[before:]
    assert [each.text for each in found] == [scene.t("notice.too_fast")]


async def test_who_was_never_met_reads_it_in_every_language(make_scene: MakeScene) -> None:
    scene = await limited(make_scene)
    for _ in range(3):
        ack = await scene.user_actions.event(
            {"type": "app_home_opened", "tab": "messages", "user": "U0NOBODY", "channel": "D1"}
        )
        assert ack.status == 200
    scene.slack.failed_calls.clear()
    await scene.settle()
    said, *others = [call.args["text"] for call in scene.slack.calls if call.operation.startswith("chat.post")]
    assert set(others) <= {said}, "there, and in a direct message where that is refused"
    assert said.splitlines() == [translations(language)("notice.too_fast") for language in languages()]


async def test_a_form_stays_open_with_what_is_in_it(make_scene: MakeScene, answers: dict[str, str]) -> None:
    scene = await make_scene("fr", rate_person=1)
    await scene.user_actions.slash(scene.anna, scene.marketing, "form")
    await scene.settle()
    modal = scene.user_actions.modal(scene.anna)
    assert modal
    shown = ("orientation", "brand", "transformation", "presence")
    scene.user_actions.fill(scene.anna, modal, {question: answers[question] for question in shown})
    for _ in range(12):
        await scene.user_actions.slash(scene.anna, scene.marketing, "aide")
    ack = await scene.user_actions.submit_view(scene.anna, modal)
    assert ack.answer == {"response_action": "errors", "errors": {"orientation": scene.t("notice.too_fast")}}
    assert scene.user_actions.modal(scene.anna) is modal


async def test_leaving_is_heard_whatever_came_before(make_scene: MakeScene) -> None:
    scene = await make_scene("fr", rate_person=TWICE, rate_tenant=0.01)
    for _ in range(5):
        await scene.user_actions.slash(scene.anna, scene.marketing, "aide")
    await scene.user_actions.uninstall()
    await scene.settle()
