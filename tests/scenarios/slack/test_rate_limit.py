"""Too many requests of one person: a notice now and then, no query, and no change."""

from collections.abc import Callable

import pytest

from bot.core.service import Service
from dialogs.translations import languages, translations
from tests.scenarios.slack.conftest import MakeScene, Scene

TWO_AT_ONCE = 0.2
"""Events per second that allow two at once, then one every five seconds."""


@pytest.fixture
def forbid_queries(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From the call on, any query of the application fails."""

    def forbid() -> None:
        async def fail(*_: object) -> None:
            raise AssertionError("the application was queried")

        for name in ("turn", "find_running", "get_language", "is_duplicate", "list_checks"):
            monkeypatch.setattr(Service, name, fail)

    return forbid


async def limited(make_scene: MakeScene, language: str = "fr") -> Scene:
    return await make_scene(language, rate_person=TWO_AT_ONCE)


async def test_command_gets_one_notice(make_scene: MakeScene, forbid_queries, language: str) -> None:
    scene = await limited(make_scene, language)
    for _ in range(2):
        await scene.slash(scene.anna, scene.marketing, "aide")
    calls = len(scene.slack.calls)
    forbid_queries()
    ack = await scene.user_actions.slash(scene.anna, scene.marketing, "start")
    assert ack.message
    assert ack.message.text == scene.t("notice.too_fast"), "in the language in memory"
    again = await scene.user_actions.slash(scene.anna, scene.marketing, "start")
    assert again.status == 200
    assert not again.answer, "the notice was just sent"
    await scene.settle()
    assert len(scene.slack.calls) == calls


async def test_other_people_are_not_limited(make_scene: MakeScene) -> None:
    scene = await limited(make_scene)
    for _ in range(5):
        await scene.user_actions.slash(scene.anna, scene.marketing, "aide")
    answer = await scene.slash(scene.ben, scene.marketing, "aide")
    assert scene.label("start") in answer.buttons()


async def test_press_gets_one_notice(make_scene: MakeScene, forbid_queries) -> None:
    scene = await limited(make_scene)
    card = await scene.slash(scene.anna, scene.marketing)
    await scene.press(scene.anna, card, scene.option("orientation", "key"))
    before = card.snapshot()
    forbid_queries()
    for _ in range(3):
        ack = await scene.press(scene.anna, card, scene.option("brand", "yes"))
        assert ack.status == 200
    assert card.blocks == before.blocks
    notices = [
        message for message in scene.sees(scene.anna, scene.marketing) if scene.t("notice.too_fast") in message.texts()
    ]
    assert len(notices) == 1
    assert notices[0].ephemeral_to == scene.anna.id


async def test_direct_message_gets_one_notice(make_scene: MakeScene, forbid_queries) -> None:
    scene = await limited(make_scene)
    for _ in range(2):
        await scene.tell(scene.anna, "aide")
    forbid_queries()
    direct = scene.team.im(scene.anna)
    before = len(scene.sees(scene.anna, direct))
    for _ in range(3):
        assert (await scene.user_actions.direct_message(scene.anna, "aide")).status == 200
    await scene.settle()
    messages = scene.sees(scene.anna, direct)[before:]
    assert [message.text for message in messages] == [scene.t("notice.too_fast")]


async def test_unknown_person_gets_the_notice_in_all_languages(make_scene: MakeScene) -> None:
    scene = await limited(make_scene)
    for _ in range(3):
        ack = await scene.user_actions.event(
            {"type": "app_home_opened", "tab": "messages", "user": "U0NOBODY", "channel": "D1"}
        )
        assert ack.status == 200
    scene.slack.failed_calls.clear()
    await scene.settle()
    text, *others = [call.args["text"] for call in scene.slack.calls if call.operation.startswith("chat.post")]
    assert set(others) <= {text}, "in the conversation, or in a direct message if that fails"
    assert text.splitlines() == [translations(language)("notice.too_fast") for language in languages()]


async def test_form_stays_open_with_its_answers(make_scene: MakeScene, answers: dict[str, str]) -> None:
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


async def test_uninstalling_is_never_limited(make_scene: MakeScene) -> None:
    scene = await make_scene("fr", rate_person=TWO_AT_ONCE, rate_tenant=0.01)
    for _ in range(5):
        await scene.user_actions.slash(scene.anna, scene.marketing, "aide")
    await scene.user_actions.uninstall()
    await scene.settle()
