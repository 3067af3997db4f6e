"""The shapes a flow is written in. A flow is data: questions, conditions, outcomes and advice are all values.

A condition has three truths (Kleene's strong logic): ``True`` and ``False`` when the answers given so far settle it
whatever comes next, ``None`` while they do not. The same condition therefore routes a finished dialog, says what is
already sure of a company known only by half, draws the diagram and feeds the proof.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

Answers = Mapping[str, str]
"""Question id -> option id."""


@dataclass(frozen=True, slots=True)
class Is:
    """The question was answered with this option."""

    question: str
    option: str

    def evaluate(self, answers: Answers) -> bool | None:
        given = answers.get(self.question)
        return None if given is None else given == self.option

    def support(self, answers: Answers) -> Iterator[str]:
        """Yield the questions whose answers make this condition as true, or as false, as it is."""
        if self.question in answers:
            yield self.question

    def leaves(self) -> "Iterator[Is]":
        yield self


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite of a condition."""

    condition: "Condition"

    def evaluate(self, answers: Answers) -> bool | None:
        inner = self.condition.evaluate(answers)
        return None if inner is None else not inner

    def support(self, answers: Answers) -> Iterator[str]:
        return self.condition.support(answers)

    def leaves(self) -> Iterator[Is]:
        return self.condition.leaves()


class _Several:
    """What `AllOf` and `AnyOf` share; `settles` is the truth of one part that settles the whole."""

    __slots__ = ("conditions",)
    settles: bool

    def __init__(self, *conditions: "Condition") -> None:
        self.conditions = conditions

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(map(repr, self.conditions))})"

    def evaluate(self, answers: Answers) -> bool | None:
        settles = self.settles
        whole: bool | None = not settles
        for condition in self.conditions:
            part = condition.evaluate(answers)
            if part is settles:
                return settles
            if part is None:
                whole = None
        return whole

    def support(self, answers: Answers) -> Iterator[str]:
        whole = self.evaluate(answers)
        for condition in self.conditions:
            if whole is not self.settles or condition.evaluate(answers) is whole:
                yield from condition.support(answers)

    def leaves(self) -> Iterator[Is]:
        for condition in self.conditions:
            yield from condition.leaves()


class AllOf(_Several):
    """Every one of the conditions; true when there is none."""

    settles = False


class AnyOf(_Several):
    """At least one of the conditions."""

    settles = True


class Fact:
    """A condition important enough to have a name, such as ``strategic``; the diagram shows it as a node of its own.

    Most of a flow hangs on its facts, so that what follows from which answers is remembered.
    """

    __slots__ = ("_known", "_questions", "condition", "id")

    def __init__(self, id: str, condition: "Condition") -> None:
        self.id = id
        self.condition = condition
        self._questions = tuple(dict.fromkeys(leaf.question for leaf in condition.leaves()))
        self._known: dict[tuple[str | None, ...], bool | None] = {}

    def __repr__(self) -> str:
        return f"Fact({self.id!r}, {self.condition!r})"

    def evaluate(self, answers: Answers) -> bool | None:
        key = tuple(map(answers.get, self._questions))
        try:
            return self._known[key]
        except KeyError:
            return self._known.setdefault(key, self.condition.evaluate(answers))

    def support(self, answers: Answers) -> Iterator[str]:
        return self.condition.support(answers)

    def leaves(self) -> Iterator[Is]:
        return self.condition.leaves()


Condition = Is | Not | AllOf | AnyOf | Fact
ALWAYS = AllOf()


@dataclass(frozen=True, slots=True)
class Question:
    """One question. `source` is the place in the article it comes from, as ``section, criterion``.

    `revised` is the version of the flow in which its meaning or its options last changed: an answer given under an
    older version than that is asked again.
    """

    id: str
    options: tuple[str, ...]
    source: str
    asked_when: Condition = ALWAYS
    revised_in_version: int = 1


@dataclass(frozen=True, slots=True)
class Outcome:
    """One of the recommendations a flow can end in, and when it does."""

    id: str
    when: Condition


@dataclass(frozen=True, slots=True)
class Advice:
    """One line of advice that goes with a recommendation when its condition is true."""

    id: str
    when: Condition
    source: str


@dataclass(frozen=True, eq=False)
class Flow:
    """A whole decision. Compared by identity, so that results can be remembered by flow.

    `strategic` is the fact the recommendation turns on, `control` the conditions that are counted into how firmly to
    keep control (0 to their number), `provisional` when the recommendation might change once an unknown is known.
    """

    id: str
    version: int
    questions: tuple[Question, ...]
    outcomes: tuple[Outcome, ...]
    advice: tuple[Advice, ...]
    strategic: Fact
    control: tuple[Condition, ...]
    provisional: Condition

    def question(self, question_id: str) -> Question | None:
        """Return the question with this id, or None."""
        return self._by_id.get(question_id)

    @cached_property
    def _by_id(self) -> dict[str, Question]:
        return {question.id: question for question in self.questions}
