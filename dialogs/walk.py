"""Replay answers through a flow: where they lead, what is still open, and what a change would do.

A position is never stored. It is the first question that is asked and not answered, so that going back, changing one
answer, resuming and asking "what if" are all the same walk over other answers.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

from dialogs.model import Answers, Flow, Outcome, Question


class Step(NamedTuple):
    """An asked question with the answer it got."""

    question: str
    option: str


class Walk(NamedTuple):
    """Where answers lead.

    `path`: the asked and answered questions, in the order asked. `here`: the first question not answered yet, None at
    the end. `answers`: what counts, answers given ahead included as long as their question may still be asked.
    `unused`: the questions answered though they are not asked on this path.
    """

    path: tuple[Step, ...]
    here: Question | None
    answers: Answers
    unused: tuple[str, ...]


class Change(NamedTuple):
    """One answer changed, and the outcomes (sorted ids) that can still be reached then."""

    question: str
    option: str
    outcomes: tuple[str, ...]


def walk(flow: Flow, answers: Answers) -> Walk:
    """Replay `answers` (valid ids only, in any order) through `flow`."""
    return _walk(flow, tuple(answers.items()))


# One turn walks the same answers several times: to see where it is, to draw it, to say what is left.
@lru_cache(maxsize=1 << 14)
def _walk(flow: Flow, given: tuple[tuple[str, str], ...]) -> Walk:
    answers = dict(given)
    path: list[Step] = []
    unused: list[str] = []
    counted: dict[str, str] = {}
    here: Question | None = None
    for question in flow.questions:
        option = answers.get(question.id)
        asked = question.asked.truth(counted)
        if option is None:
            if here is None and asked:
                here = question
        elif asked is False:
            unused.append(question.id)
        else:
            counted[question.id] = option
            if asked:
                path.append(Step(question.id, option))
    return Walk(tuple(path), here, counted, tuple(unused))


def behind(flow: Flow, found: Walk) -> Step | None:
    """Return the answered question just before the one that the walk stands at; None at the first."""
    here = flow.questions.index(found.here) if found.here else len(flow.questions)
    before = {question.id for question in flow.questions[:here]}
    return next((step for step in reversed(found.path) if step.question in before), None)


def outcomes(flow: Flow, answers: Answers) -> list[Outcome]:
    """Return the outcomes that counted answers lead to: exactly one at the end of a path, as `prove` shows."""
    return [outcome for outcome in flow.outcomes if outcome.when.truth(answers)]


def reachable(flow: Flow, answers: Answers) -> tuple[str, ...]:
    """Return the sorted ids of all outcomes that can still be reached from `answers`."""
    deciding = _deciding(flow)
    return _reachable(deciding, _key(deciding, answers))


def most_left(flow: Flow, answers: Answers) -> int:
    """Return how many questions are left at most, the present one included."""
    return _most_left(flow, _key(flow, answers))


def what_if(flow: Flow, answers: Answers, path: tuple[Step, ...], present: str) -> Iterator[Change]:
    """Yield every single change of one asked answer that leads elsewhere than to the outcome `present`.

    In the order asked, then in the order of the options. The other answers are kept.
    """
    deciding = _deciding(flow)
    key = _key(deciding, answers)
    places = {question.id: place for place, question in enumerate(deciding.questions)}
    for step in path:
        place = places.get(step.question)
        if place is None:
            continue
        for option in deciding.questions[place].options:
            if option != step.option:
                found = _reachable(deciding, (*key[:place], option, *key[place + 1 :]))
                if found != (present,):
                    yield Change(step.question, option, found)


def settled_by(flow: Flow, found: Walk) -> str | None:
    """Return the question whose answer made it sure whether this is strategic, or None while it is not."""
    so_far: dict[str, str] = {}
    for step in found.path:
        so_far[step.question] = step.option
        if flow.strategic.truth(so_far) is not None:
            return step.question
    return None


Key = tuple[str | None, ...]
"""Answers in the order of the flow's questions: small and hashable."""


def _key(flow: Flow, answers: Answers) -> Key:
    return tuple([answers.get(question.id) for question in flow.questions])


def _answers(flow: Flow, key: Key) -> dict[str, str]:
    given = zip(flow.questions, key, strict=True)
    return {question.id: option for question, option in given if option is not None}


@lru_cache(maxsize=8)
def _deciding(flow: Flow) -> Flow:
    """Return the flow without the questions that have no say in the outcome, directly or by what they make asked."""
    wanted = {leaf.question for outcome in flow.outcomes for leaf in outcome.when.leaves()}
    for question in reversed(flow.questions):
        if question.id in wanted:
            wanted |= {leaf.question for leaf in question.asked.leaves()}
    return replace(flow, questions=tuple(question for question in flow.questions if question.id in wanted))


# A flow has few states beside the many paths through it, so that remembering them makes a search as cheap as a look-up.
@lru_cache(maxsize=1 << 16)
def _reachable(flow: Flow, key: Key) -> tuple[str, ...]:
    found = walk(flow, _answers(flow, key))
    if found.here is None:
        return tuple(sorted(outcome.id for outcome in outcomes(flow, found.answers)))
    onward = (_reachable(flow, next_key) for next_key in _onward(flow, found, found.here))
    return tuple(sorted({outcome for part in onward for outcome in part}))


@lru_cache(maxsize=1 << 16)
def _most_left(flow: Flow, key: Key) -> int:
    found = walk(flow, _answers(flow, key))
    if found.here is None:
        return 0
    return 1 + max(_most_left(flow, next_key) for next_key in _onward(flow, found, found.here))


def _onward(flow: Flow, found: Walk, here: Question) -> Iterator[Key]:
    for option in here.options:
        yield _key(flow, {**found.answers, here.id: option})
