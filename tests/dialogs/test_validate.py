"""`dialogs.validate`: only exact ids are valid, and every fault is reported."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialogs.community_flow import FLOW
from dialogs.translations import languages, translations
from dialogs.validate import answer_error, printable, validate

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@pytest.mark.parametrize("language", languages())
def test_every_fault_is_reported_and_valid_answers_are_returned(language):
    answers = {"brand": "yes", "marque": "oui", "mode": "agence", "person": ["x"], "zzz": "yes", "routine": "!!"}
    valid, faults = validate(FLOW, answers, translations(language))
    assert valid == {"brand": "yes"}
    assert [fault["question"] for fault in faults] == ["marque", "mode", "person", "zzz", "routine"]
    messages = [fault["message"] for fault in faults]
    for message, part in zip(
        messages, ("brand", "agency", "person", "orientation, brand", "yes, no, unknown"), strict=True
    ):
        assert part in message


def test_ids_must_match_exactly():
    for answers in ({"BRAND": "yes"}, {"brand": "YES"}, {"brand": " yes"}, {"brand": "oui"}):
        valid, faults = validate(FLOW, answers, translations("en"))
        assert (valid, len(faults)) == ({}, 1)


@pytest.mark.parametrize("answers", [None, [], "brand=yes", 3, True])
def test_not_an_object_is_one_fault(answers):
    assert validate(FLOW, answers, translations("fr")) == ({}, [answer_error(translations("fr"), "not_object")])


@given(ANYTHING)
def test_any_value_is_accepted_or_reported(answers):
    valid, faults = validate(FLOW, answers, translations("fr"))
    assert faults or valid == answers


def test_printable_shortens_and_replaces_characters():
    assert printable("brand") == "brand"
    assert printable("x" * 100) == "x" * 39 + "…"
    assert printable("a\x1b[31m\nb\ud800") == "a�[31m�b�"
