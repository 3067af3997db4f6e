"""Answers from outside: strict about ids, kind about the rest."""

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
def test_every_fault_is_reported_at_once_and_valid_answers_are_kept(language):
    given_ = {"brand": "yes", "marque": "oui", "mode": "agence", "person": ["x"], "zzz": "yes", "routine": "!!"}
    valid, faults = validate(FLOW, given_, translations(language))
    assert valid == {"brand": "yes"}
    assert [answer_error["question"] for answer_error in faults] == ["marque", "mode", "person", "zzz", "routine"]
    said = [answer_error["message"] for answer_error in faults]
    for message, part in zip(
        said, ("brand", "agency", "person", "orientation, brand", "yes, no, unknown"), strict=True
    ):
        assert part in message


def test_ids_are_taken_as_they_are():
    for answers in ({"BRAND": "yes"}, {"brand": "YES"}, {"brand": " yes"}, {"brand": "oui"}):
        valid, faults = validate(FLOW, answers, translations("en"))
        assert (valid, len(faults)) == ({}, 1)


@pytest.mark.parametrize("answers", [None, [], "brand=yes", 3, True])
def test_what_is_no_object_is_one_fault(answers):
    assert validate(FLOW, answers, translations("fr")) == ({}, [answer_error(translations("fr"), "not_object")])


@given(ANYTHING)
def test_nothing_raises(answers):
    valid, faults = validate(FLOW, answers, translations("fr"))
    assert faults or valid == answers


def test_a_message_repeats_what_was_given_only_so_far_and_printably():
    assert printable("brand") == "brand"
    assert printable("x" * 100) == "x" * 39 + "…"
    assert printable("a\x1b[31m\nb\ud800") == "a�[31m�b�"
