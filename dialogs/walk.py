"""Replay answers through a flow: where they lead, and how many questions are left.

A position is never stored. It is the first question that is asked and not answered, so going back, changing one
answer, resuming and "what if" all replay different answers through the same function.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

from dialogs.flow import Answers, Flow, Is, Outcome, Question


class Step(NamedTuple):
    """An asked question with its answer."""

    question: str
    option: str


class Walk(NamedTuple):
    """Where answers lead.

    `path`: the asked and answered questions, in the order asked. `next_question`: the first question not answered
    yet, None at the end. `last_step`: the answered question just before it. `answers`: the answers that count; an
    answer given ahead counts as long as its question may still be asked. `unused`: the questions that have an answer
    but are not asked on this path.
    """

    path: tuple[Step, ...]
    next_question: Question | None
    last_step: Step | None
    answers: Answers
    unused: tuple[str, ...]


def walk(flow: Flow, answers: Answers) -> Walk:
    """Replay `answers` (valid ids only, in any order) through `flow`."""
    return _walk(flow, tuple(answers.items()))


@lru_cache(maxsize=512)
def _walk(flow: Flow, items: tuple[tuple[str, str], ...]) -> Walk:
    answers = dict(items)
    path: list[Step] = []
    unused: list[str] = []
    counted: dict[str, str] = {}
    next_question: Question | None = None
    last_step: Step | None = None
    for question in flow.questions:
        option = answers.get(question.id)
        asked = question.asked_when.evaluate(counted)
        if option is None:
            if next_question is None and asked:
                next_question = question
        elif asked is False:
            unused.append(question.id)
        else:
            counted[question.id] = option
            if asked:
                path.append(Step(question.id, option))
                last_step = path[-1] if next_question is None else last_step
    return Walk(tuple(path), next_question, last_step, counted, tuple(unused))


def last_asked(position: Walk, ahead: tuple[str, ...]) -> Step | None:
    """Return the last answered question before the next one that is not in `ahead`, if there is one.

    At the end, where nothing is asked next, it may be in `ahead`.
    """
    last_step = position.last_step
    if last_step is None:
        return None
    steps = position.path[: position.path.index(last_step) + 1]
    asked = next((step for step in reversed(steps) if step.question not in ahead), None)
    return asked or (None if position.next_question else last_step)


def outcomes(flow: Flow, answers: Answers) -> list[Outcome]:
    """Return the outcomes whose condition is true. At the end of a path there is exactly one, as `prove` checks."""
    return [outcome for outcome in flow.outcomes if outcome.when.evaluate(answers)]


def strategic_settled_by(flow: Flow, position: Walk) -> str | None:
    """Return the question whose answer settled whether this is strategic; None while that is open."""
    answers: dict[str, str] = {}
    for step in position.path:
        answers[step.question] = step.option
        if flow.strategic.evaluate(answers) is not None:
            return step.question
    return None


def max_remaining(flow: Flow, answers: Answers) -> int:
    """Return how many questions are left at most, the next one included."""
    reduced = reduce_flow(flow)
    return _max_remaining(reduced.flow, reduced.key(answers))


# --- Searching ----------------------------------------------------------------------------------------------------
#
# Options that no condition names lead to the same place. A reduced flow keeps one of them per question. It has so few
# states that a search cached by state is as cheap as a look-up.

Key = tuple[str | None, ...]
"""The option of each question in the order of the flow, None where there is no answer: a hashable `Answers`."""


class ReducedFlow(NamedTuple):
    """A flow with equivalent options merged. `merged`: (question, option) -> the option kept in its place."""

    flow: Flow
    merged: dict[tuple[str, str | None], str]

    def key(self, answers: Answers) -> Key:
        """Return `answers` as a key of the reduced flow."""
        merged = self.merged
        return tuple([merged.get((id, answers.get(id))) for id in self.flow.questions_by_id])


@lru_cache(maxsize=8)
def reduce_flow(flow: Flow) -> ReducedFlow:
    """Merge the options that make no difference to the questions asked and the outcome."""
    conditions = (*(question.asked_when for question in flow.questions), *(outcome.when for outcome in flow.outcomes))
    named = {leaf for condition in conditions for leaf in condition.leaves()}
    questions: list[Question] = []
    merged: dict[tuple[str, str | None], str] = {}
    for question in flow.questions:
        unnamed = [option for option in question.options if Is(question.id, option) not in named]
        for option in question.options:
            merged[question.id, option] = unnamed[0] if option in unnamed else option
        options = dict.fromkeys(merged[question.id, option] for option in question.options)
        questions.append(replace(question, options=tuple(options)))
    return ReducedFlow(replace(flow, questions=tuple(questions)), merged)


def walk_key(flow: Flow, key: Key) -> Walk:
    """Replay the answers of a key of `flow`, a reduced flow."""
    answers = zip(flow.questions_by_id, key, strict=True)
    return walk(flow, {question: option for question, option in answers if option is not None})


def next_keys(flow: Flow, position: Walk, question: Question) -> Iterator[Key]:
    """Yield a key for each option of `question`, added to the answers that count."""
    for option in question.options:
        answers = {**position.answers, question.id: option}
        yield tuple([answers.get(id) for id in flow.questions_by_id])


@lru_cache(maxsize=1 << 16)
def _max_remaining(flow: Flow, key: Key) -> int:
    position = walk_key(flow, key)
    question = position.next_question
    if question is None:
        return 0
    return 1 + max(_max_remaining(flow, next_key) for next_key in next_keys(flow, position, question))
