"""What other answers would change: the outcomes still within reach, and the effect of each single change."""

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from dialogs.flow import Answers, Flow
from dialogs.walk import Key, ReducedFlow, Step, answers_of, leaves_of, next_keys, outcomes, reduce_flow, walk


class Change(NamedTuple):
    """One answer changed, and the outcomes (sorted ids) that can still be reached with it."""

    question: str
    option: str
    outcomes: tuple[str, ...]


def reachable_outcomes(flow: Flow, answers: Answers) -> tuple[str, ...]:
    """Return the sorted ids of all outcomes that can still be reached from `answers`."""
    reduced = _reduced_for_outcomes(flow)
    return _reachable(reduced.flow, reduced.key(answers))


def what_if(flow: Flow, answers: Answers, path: tuple[Step, ...], outcome: str) -> Iterator[Change]:
    """Yield every change of one answer on `path` that leads elsewhere than to `outcome`; the others stay.

    In the order asked, then in the order of the options.
    """
    reduced = _reduced_for_outcomes(flow)
    for step in path:
        if step.question not in reduced.flow.questions_by_id:
            continue
        for option in flow.questions_by_id[step.question].options:
            if option != step.option:
                key = reduced.key({**answers, step.question: option})
                reachable = _reachable(reduced.flow, key)
                if reachable != (outcome,):
                    yield Change(step.question, option, reachable)


@lru_cache(maxsize=8)
def _reduced_for_outcomes(flow: Flow) -> ReducedFlow:
    """Keep what the outcome depends on, directly or through the questions that are asked."""
    named = leaves_of(outcome.when for outcome in flow.outcomes)
    for question in reversed(flow.questions):
        if any(leaf.question == question.id for leaf in named):
            named |= leaves_of([question.asked_when])
    relevant = {leaf.question for leaf in named}
    return reduce_flow(flow, [question for question in flow.questions if question.id in relevant], named)


@lru_cache(maxsize=1 << 16)
def _reachable(flow: Flow, key: Key) -> tuple[str, ...]:
    position = walk(flow, answers_of(flow, key))
    question = position.next_question
    if question is None:
        return tuple(sorted(outcome.id for outcome in outcomes(flow, position.answers)))
    reachable: set[str] = set()
    for next_key in next_keys(flow, position, question):
        reachable.update(_reachable(flow, next_key))
    return tuple(sorted(reachable))
