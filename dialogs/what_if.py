"""What other answers would change: the outcomes still within reach, and the effect of each single change."""

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from dialogs.flow import Answers, Flow
from dialogs.walk import Key, Step, next_keys, outcomes, reduce_flow, walk_key


class Change(NamedTuple):
    """One answer changed, and the outcomes (sorted ids) that can still be reached with it."""

    question: str
    option: str
    outcomes: tuple[str, ...]


def reachable_outcomes(flow: Flow, answers: Answers) -> tuple[str, ...]:
    """Return the sorted ids of all outcomes that can still be reached from `answers`."""
    reduced = reduce_flow(flow)
    return _reachable(reduced.flow, reduced.key(answers))


def what_if(flow: Flow, answers: Answers, path: tuple[Step, ...], outcome: str) -> Iterator[Change]:
    """Yield every change of one answer on `path` that leads elsewhere than to `outcome`; the others stay.

    In the order asked, then in the order of the options.
    """
    reduced = reduce_flow(flow)
    for step in path:
        for option in flow.questions_by_id[step.question].options:
            if option != step.option:
                reachable = _reachable(reduced.flow, reduced.key({**answers, step.question: option}))
                if reachable != (outcome,):
                    yield Change(step.question, option, reachable)


@lru_cache(maxsize=1 << 16)
def _reachable(flow: Flow, key: Key) -> tuple[str, ...]:
    position = walk_key(flow, key)
    question = position.next_question
    if question is None:
        return tuple(sorted(outcome.id for outcome in outcomes(flow, position.answers)))
    reachable: set[str] = set()
    for next_key in next_keys(flow, position, question):
        reachable.update(_reachable(flow, next_key))
    return tuple(sorted(reachable))
