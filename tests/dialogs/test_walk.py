"""The walk: positions derived from answers, whatever the order they came in."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialogs.community_flow import FLOW
from dialogs.flow import AllOf, AnyOf, Fact, Is, Not
from dialogs.recommend import check, supporting
from dialogs.verify import all_paths
from dialogs.walk import max_remaining, strategic_settled_by, walk
from dialogs.what_if import reachable_outcomes, what_if

ANSWERS = st.fixed_dictionaries(
    {}, optional={question.id: st.sampled_from(question.options) for question in FLOW.questions}
)


def test_nothing_answered_stands_at_the_first_question():
    found = walk(FLOW, {})
    assert found.next_question is FLOW.questions[0]
    assert (found.path, found.unused, found.answers) == ((), (), {})
    assert max_remaining(FLOW, {}) == 8


@given(ANSWERS)
def test_every_answer_is_on_the_path_ahead_of_it_or_unused(answers):
    found = walk(FLOW, answers)
    assert found.answers.keys() | set(found.unused) == answers.keys()
    assert not found.answers.keys() & set(found.unused)
    assert {step.question for step in found.path} <= found.answers.keys()
    assert (found.next_question is None) == (max_remaining(FLOW, answers) == 0)


@given(ANSWERS, st.randoms())
def test_the_order_of_answers_does_not_matter(answers, random):
    shuffled = list(answers.items())
    random.shuffle(shuffled)
    assert walk(FLOW, dict(shuffled)) == walk(FLOW, answers)


@settings(max_examples=25)
@given(ANSWERS)
def test_reachable_is_what_the_paths_from_here_end_in(answers):
    ends = {str(check(FLOW, dict(path), with_what_if=False)["outcome"]) for path in all_paths(FLOW, answers)}
    assert reachable_outcomes(FLOW, answers) == tuple(sorted(ends))


@settings(max_examples=25)
@given(ANSWERS)
def test_most_left_is_the_longest_path_from_here(answers):
    found = walk(FLOW, answers)
    known = len(found.path)
    ahead = max(len(path) for path in all_paths(FLOW, answers)) - known
    waiting = len(found.answers) - known  # answered already, and not asked again
    assert ahead - waiting <= max_remaining(FLOW, answers) <= ahead


def test_an_answer_is_unused_only_once_it_can_no_longer_be_asked():
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
def test_since_when_it_is_sure(answers, question):
    assert strategic_settled_by(FLOW, walk(FLOW, answers)) == question


def test_what_if_leaves_out_what_leads_to_the_same():
    answers = {"orientation": "key", "brand": "yes", "transformation": "no", "presence": "no"}
    answers |= {"mode": "in_house", "person": "lasting", "routine": "no"}
    changes = list(what_if(FLOW, answers, walk(FLOW, answers).path, "in_house"))
    assert [(change.question, change.option, change.outcomes) for change in changes] == [
        ("mode", "agency", ("agency", "hybrid")),
        ("mode", "both", ("hybrid",)),
        ("mode", "undecided", ("hybrid",)),
        ("person", "nobody", ("hybrid",)),
    ]


A, B = Is("a", "yes"), Is("b", "yes")
TRUTHS = [
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


@pytest.mark.parametrize(("condition", "answers", "truth"), TRUTHS)
def test_truth(condition, answers, truth):
    assert condition.evaluate(answers) is truth


@given(ANSWERS)
def test_support_alone_is_enough(answers):
    """What is said to have decided an outcome decides it without the rest."""
    for outcome in FLOW.outcomes:
        truth = outcome.when.evaluate(answers)
        if truth is not None:
            alone = {question: answers[question] for question in supporting(FLOW, outcome.when, answers)}
            assert outcome.when.evaluate(alone) is truth
