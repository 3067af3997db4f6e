"""Replay answers through a flow: where they lead, what is still open, and what a change would do.

A position is never stored. It is the first question that is asked and not answered, so that going back, changing one
answer, resuming and asking "what if" are all the same walk over other answers.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

from dialogs.flow import Answers, Flow, Is, Outcome, Question


class Step(NamedTuple):
    """An asked question with the answer it got."""

    question: str
    option: str


class Walk(NamedTuple):
    """Where answers lead.

    `path`: the asked and answered questions, in the order asked. `here`: the first question not answered yet, None at
    the end. `last`: the answered question just before it. `answers`: what counts, answers given ahead included as long
    as their question may still be asked. `unused`: the questions answered though they are not asked on this path.
    """

    path: tuple[Step, ...]
    next_question: Question | None
    last_step: Step | None
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
@lru_cache(maxsize=512)
def _walk(flow: Flow, given: tuple[tuple[str, str], ...]) -> Walk:
    answers = dict(given)
    path: list[Step] = []
    unused: list[str] = []
    counted: dict[str, str] = {}
    here: Question | None = None
    last: Step | None = None
    for question in flow.questions:
        option = answers.get(question.id)
        asked = question.asked_when.evaluate(counted)
        if option is None:
            if here is None and asked:
                here = question
        elif asked is False:
            unused.append(question.id)
        else:
            counted[question.id] = option
            if asked:
                path.append(Step(question.id, option))
                last = path[-1] if here is None else last
    return Walk(tuple(path), here, last, counted, tuple(unused))


def outcomes(flow: Flow, answers: Answers) -> list[Outcome]:
    """Return the outcomes that counted answers lead to: exactly one at the end of a path, as `prove` shows."""
    return [outcome for outcome in flow.outcomes if outcome.when.evaluate(answers)]


def reachable_outcomes(flow: Flow, answers: Answers) -> tuple[str, ...]:
    """Return the sorted ids of all outcomes that can still be reached from `answers`."""
    essence = _deciding(flow)
    return _reachable(essence.flow, essence.key(answers))


def max_remaining(flow: Flow, answers: Answers) -> int:
    """Return how many questions are left at most, the present one included."""
    essence = _routing(flow)
    return _most_left(essence.flow, essence.key(answers))


def what_if(flow: Flow, answers: Answers, path: tuple[Step, ...], present: str) -> Iterator[Change]:
    """Yield every single change of one asked answer that leads elsewhere than to the outcome `present`.

    In the order asked, then in the order of the options. The other answers are kept.
    """
    essence = _deciding(flow)
    key = essence.key(answers)
    for step in path:
        place = essence.places.get(step.question)
        question = flow.question(step.question)
        if place is None or question is None:
            continue
        for option in question.options:
            if option != step.option:
                changed = essence.alike[question.id, option]
                found = _reachable(essence.flow, (*key[:place], changed, *key[place + 1 :]))
                if found != (present,):
                    yield Change(step.question, option, found)


def strategic_settled_by(flow: Flow, found: Walk) -> str | None:
    """Return the question whose answer made it sure whether this is strategic, or None while it is not."""
    so_far: dict[str, str] = {}
    for step in found.path:
        so_far[step.question] = step.option
        if flow.strategic.evaluate(so_far) is not None:
            return step.question
    return None


# --- Searching ----------------------------------------------------------------------------------------------------
#
# Most answers differ in nothing that a search is about: where no condition names an option, one stands for them all.
# What is left of a flow then has few states, and remembering them makes a search as cheap as a look-up.

Key = tuple[str | None, ...]
"""Answers in the order of the questions: small and hashable."""


class _Essence(NamedTuple):
    """A flow with alike options made one. `alike`: (question, option) -> the option that stands for it."""

    flow: Flow
    alike: dict[tuple[str, str | None], str]
    places: dict[str, int]

    def key(self, answers: Answers) -> Key:
        alike = self.alike
        return tuple([alike.get((question, answers.get(question))) for question in self.places])


def _essence(flow: Flow, questions: tuple[Question, ...], named: set[Is]) -> _Essence:
    simpler: list[Question] = []
    alike: dict[tuple[str, str | None], str] = {}
    for question in questions:
        other = next((option for option in question.options if Is(question.id, option) not in named), "")
        stand = {option: option if Is(question.id, option) in named else other for option in question.options}
        simpler.append(replace(question, options=tuple(dict.fromkeys(stand.values()))))
        alike |= {(question.id, option): instead for option, instead in stand.items()}
    places = {question.id: place for place, question in enumerate(simpler)}
    return _Essence(replace(flow, questions=tuple(simpler)), alike, places)


@lru_cache(maxsize=8)
def _deciding(flow: Flow) -> _Essence:
    """Return what has a say in the outcome, directly or by what it makes asked."""
    named = {leaf for outcome in flow.outcomes for leaf in outcome.when.leaves()}
    for question in reversed(flow.questions):
        if any(leaf.question == question.id for leaf in named):
            named |= set(question.asked_when.leaves())
    telling = {leaf.question for leaf in named}
    return _essence(flow, tuple(question for question in flow.questions if question.id in telling), named)


@lru_cache(maxsize=8)
def _routing(flow: Flow) -> _Essence:
    """Return what has a say in which questions are asked, every question included."""
    return _essence(
        flow, flow.questions, {leaf for question in flow.questions for leaf in question.asked_when.leaves()}
    )


@lru_cache(maxsize=1 << 16)
def _reachable(flow: Flow, key: Key) -> tuple[str, ...]:
    found = walk(flow, _answers(flow, key))
    if found.next_question is None:
        return tuple(sorted(outcome.id for outcome in outcomes(flow, found.answers)))
    onward = (_reachable(flow, next_key) for next_key in _onward(flow, found, found.next_question))
    return tuple(sorted({outcome for part in onward for outcome in part}))


@lru_cache(maxsize=1 << 16)
def _most_left(flow: Flow, key: Key) -> int:
    found = walk(flow, _answers(flow, key))
    if found.next_question is None:
        return 0
    return 1 + max(_most_left(flow, next_key) for next_key in _onward(flow, found, found.next_question))


def _onward(flow: Flow, found: Walk, here: Question) -> Iterator[Key]:
    for option in here.options:
        answers = {**found.answers, here.id: option}
        yield tuple([answers.get(question.id) for question in flow.questions])


def _answers(flow: Flow, key: Key) -> dict[str, str]:
    given = zip(flow.questions, key, strict=True)
    return {question.id: option for question, option in given if option is not None}
