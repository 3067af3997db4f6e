"""The data structure of a flow: questions, conditions, outcomes and advice, all of them values.

A condition evaluates to one of three values (Kleene's strong logic): ``True`` or ``False`` once the answers given so
far settle it whatever comes next, ``None`` before. So the same condition routes a finished dialog, tells what is
already sure after a few answers, makes the diagram, and is checked by the proof.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from urllib.parse import quote

Answers = Mapping[str, str]
"""Question id -> option id."""


@dataclass(frozen=True, slots=True)
class Is:
    """The question was answered with this option."""

    question: str
    option: str

    def evaluate(self, answers: Answers) -> bool | None:
        option = answers.get(self.question)
        return None if option is None else option == self.option

    def support(self, answers: Answers) -> Iterator[str]:
        """Yield the questions whose answers settle the value of this condition."""
        if self.question in answers:
            yield self.question

    def leaves(self) -> "Iterator[Is]":
        """Yield every `Is` in this condition."""
        yield self


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite of a condition."""

    condition: "Condition"

    def evaluate(self, answers: Answers) -> bool | None:
        value = self.condition.evaluate(answers)
        return None if value is None else not value

    def support(self, answers: Answers) -> Iterator[str]:
        return self.condition.support(answers)

    def leaves(self) -> Iterator[Is]:
        return self.condition.leaves()


class _Group:
    """What `AllOf` and `AnyOf` share. `settles`: the value of one condition that settles the whole."""

    __slots__ = ("conditions",)
    settles: bool

    def __init__(self, *conditions: "Condition") -> None:
        self.conditions = conditions

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(map(repr, self.conditions))})"

    def evaluate(self, answers: Answers) -> bool | None:
        settles = self.settles
        result: bool | None = not settles
        for condition in self.conditions:
            value = condition.evaluate(answers)
            if value is settles:
                return settles
            if value is None:
                result = None
        return result

    def support(self, answers: Answers) -> Iterator[str]:
        result = self.evaluate(answers)
        for condition in self.conditions:
            if result is not self.settles or condition.evaluate(answers) is result:
                yield from condition.support(answers)

    def leaves(self) -> Iterator[Is]:
        for condition in self.conditions:
            yield from condition.leaves()


class AllOf(_Group):
    """Every one of the conditions; true when there is none."""

    settles = False


class AnyOf(_Group):
    """At least one of the conditions; false when there is none."""

    settles = True


class Fact:
    """A condition with a name, such as ``strategic``; the diagram shows it as a node.

    Most conditions of a flow refer to its facts, so values are cached by the answers they depend on.
    """

    __slots__ = ("_cache", "_questions", "condition", "id")

    def __init__(self, id: str, condition: "Condition") -> None:
        self.id = id
        self.condition = condition
        self._questions = tuple(dict.fromkeys(leaf.question for leaf in condition.leaves()))
        self._cache: dict[tuple[str | None, ...], bool | None] = {}

    def __repr__(self) -> str:
        return f"Fact({self.id!r}, {self.condition!r})"

    def evaluate(self, answers: Answers) -> bool | None:
        key = tuple(map(answers.get, self._questions))
        try:
            return self._cache[key]
        except KeyError:
            return self._cache.setdefault(key, self.condition.evaluate(answers))

    def support(self, answers: Answers) -> Iterator[str]:
        return self.condition.support(answers)

    def leaves(self) -> Iterator[Is]:
        return self.condition.leaves()


Condition = Is | Not | AllOf | AnyOf | Fact
ALWAYS = AllOf()


@dataclass(frozen=True, slots=True)
class Question:
    """One question. `source`: the section of the article it comes from, such as ``2, criterion 1``.

    `revised_in_version`: the version of the flow that last changed its meaning or its options. An answer given under
    an older version is asked again.
    """

    id: str
    options: tuple[str, ...]
    source: str
    asked_when: Condition = ALWAYS
    revised_in_version: int = 1


@dataclass(frozen=True, slots=True)
class Outcome:
    """One of the recommendations a flow can end in, and when it does.

    `presumes`: what its texts take for granted; `verify` checks that no path with this outcome contradicts it.
    `variants`: suffixes of the ids of title and summary, each with the condition for it; none: the plain texts.
    """

    id: str
    when: Condition
    presumes: Condition = ALWAYS
    variants: tuple[tuple[str, Condition], ...] = ()

    def variant(self, answers: Answers) -> str:
        """Return the suffix of the ids of its title and summary, with the dot; empty for the plain texts."""
        return next((f".{suffix}" for suffix, when in self.variants if when.evaluate(answers)), "")


@dataclass(frozen=True, slots=True)
class Advice:
    """One piece of advice, added to a recommendation when its condition is true.

    `presumes`: as for `Outcome`. `text_by_outcome`: the outcomes for which text and step have a wording of their own.
    `text_id`: the id of its texts, where it is another than `id`.
    """

    id: str
    when: Condition
    source: str
    presumes: Condition = ALWAYS
    text_by_outcome: tuple[str, ...] = ()
    text_id: str = ""


@dataclass(frozen=True, slots=True)
class Argument:
    """A reason for or against an outcome."""

    id: str
    when: Condition


@dataclass(frozen=True, slots=True)
class Arguments:
    """What answers can say for and against an outcome. `applies`: when the outcome is compared with others at all."""

    outcome: str
    applies: Condition
    pros: tuple[Argument, ...]
    cons: tuple[Argument, ...]


@dataclass(frozen=True, eq=False)
class Flow:
    """A whole decision. Compared by identity, so that results can be cached by flow.

    `strategic`: the fact the recommendation turns on. `control`: the number of these conditions that are true tells
    how firmly to keep control. `provisional`: true when the recommendation might change once an unknown is known.
    `arguments`: for and against each outcome. `earlier`: earlier versions, for recommendations finished under them.
    `article_url`: where the article can be read, if that is known.
    """

    id: str
    version: int
    questions: tuple[Question, ...]
    outcomes: tuple[Outcome, ...]
    advice: tuple[Advice, ...]
    strategic: Fact
    control: tuple[Condition, ...]
    provisional: Condition
    arguments: tuple[Arguments, ...] = ()
    earlier: Mapping[int, "Flow"] = field(default_factory=dict)
    article_url: str | None = None

    @cached_property
    def questions_by_id(self) -> dict[str, Question]:
        """Every question by its id, in the order of `questions`."""
        return {question.id: question for question in self.questions}

    def at(self, version: int) -> "Flow":
        """Return the earlier version with this number; this flow for any other number."""
        return self.earlier.get(version, self)

    def with_article(self, url: str | None) -> "Flow":
        """Return the flow, and its earlier versions, with the URL of the article; itself without one.

        Characters with a meaning in Slack's or Teams' Markdown are escaped.
        """
        if not url:
            return self
        earlier = {version: flow.with_article(url) for version, flow in self.earlier.items()}
        return replace(self, article_url=quote(url, safe=":/?#&=+,;@%~"), earlier=earlier)
