"""Values of buttons: read as they were written, and never trusted."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from adapters.shared.router import decode_answers
from adapters.slack import block_kit
from adapters.slack.button_value import ButtonContext, ButtonValue
from adapters.slack.cards import encode_answers
from adapters.slack.request import parse_button
from dialogs.community_flow import FLOW
from dialogs.views import Button

IDS = st.text("abcXYZ019_-", max_size=20)


@given(st.text(max_size=200), st.text(max_size=60))
def test_parsing_never_fails(value: str, action_id: str) -> None:
    parse_button({"value": value, "action_id": action_id})
    parse_button({"selected_option": {"value": value}, "action_id": action_id})
    for option in (value, None, [value], {}, {"value": [value]}):
        assert parse_button({"selected_option": option, "action_id": action_id}) is None


@given(st.sampled_from(["card", "notice", "post", "home"]), IDS, st.none() | st.integers(0, 10**8), IDS, IDS)
def test_value_is_read_as_it_was_written(
    surface: Any, session: str, revision: int | None, question: str, option: str
) -> None:
    button_context = ButtonContext(surface, session, revision)
    expected = ButtonValue("answer", button_context, question, option)
    button = Button("answer", "Oui", question, option)
    assert parse_button(block_kit.button(button, button_context)) == expected
    menu = block_kit.select("Réponse", [button], button_context)
    chosen = {"type": menu["type"], "action_id": menu["action_id"], "selected_option": menu["options"][0]}
    assert parse_button(chosen) == expected


@given(st.text(max_size=100))
def test_only_valid_answers_are_decoded(option: str) -> None:
    for id, answer in decode_answers(option).items():
        question = FLOW.questions_by_id.get(id)
        assert question
        assert answer in question.options
    assert decode_answers(encode_answers({"brand": "yes", "mode": "agency"})) == {"brand": "yes", "mode": "agency"}
