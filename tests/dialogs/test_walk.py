"""`dialogs.walk`: the position derived from answers, in any order."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialogs.community_flow import FLOW
from dialogs.verify import all_paths
from dialogs.walk import max_remaining, strategic_settled_by, walk

ANSWERS = st.fixed_dictionaries(
    {}, optional={question.id: st.sampled_from(question.options) for question in FLOW.questions}
)


def test_without_answers_the_first_question_is_next():
    position = walk(FLOW, {})
    assert position.next_question is FLOW.questions[0]
    assert (position.path, position.unused, position.answers) == ((), (), {})
    assert max_remaining(FLOW, {}) == 8


@given(ANSWERS)
def test_every_answer_counts_or_is_unused(answers):
    position = walk(FLOW, answers)
    assert position.answers.keys() | set(position.unused) == answers.keys()
    assert not position.answers.keys() & set(position.unused)
    assert {step.question for step in position.path} <= position.answers.keys()
    assert (position.next_question is None) == (max_remaining(FLOW, answers) == 0)


@given(ANSWERS, st.randoms())
def test_the_order_of_answers_does_not_matter(answers, random):
    shuffled = list(answers.items())
    random.shuffle(shuffled)
    assert walk(FLOW, dict(shuffled)) == walk(FLOW, answers)


@settings(max_examples=25)
@given(ANSWERS)
def test_max_remaining_is_the_longest_path_ahead(answers):
    position = walk(FLOW, answers)
    answered = len(position.path)
    ahead = max(len(path) for path in all_paths(FLOW, answers)) - answered
    given_ahead = len(position.answers) - answered  # these questions will not be asked
    assert ahead - given_ahead <= max_remaining(FLOW, answers) <= ahead


def test_answer_is_unused_when_its_question_can_no_longer_be_asked():
    assert walk(FLOW, {"mode": "agency"}).unused == ()
    assert walk(FLOW, {"mode": "agency", "brand": "yes"}).unused == ()
    assert walk(FLOW, {"light_mode": "in_house", "brand": "yes"}).unused == ("light_mode",)
    assert walk(FLOW, {"brand": "yes", "mode": "in_house", "agency_link": "no"}).unused == ("agency_link",)


@pytest.mark.parametrize(
    ("answers", "question"),
    [
        ({}, None),
        ({"orientation": "seo", "brand": "no"}, None),
        ({"orientation": "key", "brand": "yes"}, "orientation"),
        ({"orientation": "seo", "transformation": "yes"}, "transformation"),
        ({"orientation": "seo", "brand": "no", "transformation": "unknown", "presence": "no"}, "presence"),
    ],
)
def test_strategic_settled_by(answers, question):
    assert strategic_settled_by(FLOW, walk(FLOW, answers)) == question
