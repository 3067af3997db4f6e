"""`dialogs.flow`: conditions with three values."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialogs.community_flow import FLOW
from dialogs.flow import AllOf, AnyOf, Fact, Is, Not
from dialogs.recommend import supporting

ANSWERS = st.fixed_dictionaries(
    {}, optional={question.id: st.sampled_from(question.options) for question in FLOW.questions}
)


A, B = Is("a", "yes"), Is("b", "yes")
VALUES = [
    (AllOf(), {}, True),
    (AnyOf(), {}, False),
    (AllOf(A, B), {"a": "no"}, False),
    (AllOf(A, B), {"a": "yes"}, None),
    (AnyOf(A, B), {"a": "yes"}, True),
    (AnyOf(A, B), {"a": "no"}, None),
    (Not(A), {}, None),
    (Not(A), {"a": "no"}, True),
    (Fact("f", AnyOf(A, B)), {"a": "no", "b": "no"}, False),
]


@pytest.mark.parametrize(("condition", "answers", "value"), VALUES)
def test_evaluate(condition, answers, value):
    assert condition.evaluate(answers) is value


@given(ANSWERS)
def test_supporting_answers_are_enough(answers):
    """The supporting answers settle the outcome without the others."""
    for outcome in FLOW.outcomes:
        value = outcome.when.evaluate(answers)
        if value is not None:
            alone = {question: answers[question] for question in supporting(FLOW, outcome.when, answers)}
            assert outcome.when.evaluate(alone) is value
