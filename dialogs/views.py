"""What to show, as values: every word is there, in one language, and no platform is.

`dialogs.presenter` makes them, each adapter draws them. A view lists its parts in reading order and its buttons in
order
of weight, so that a platform with room for few shows the first.
"""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Button:
    """Something to press. `action` is the id of a label; `question` and `option` say what it is about."""

    action: str
    label: str
    question: str | None = None
    option: str | None = None
    primary: bool = False


@dataclass(frozen=True, slots=True)
class HelpPart:
    """A small heading with a paragraph."""

    title: str
    text: str


@dataclass(frozen=True, slots=True)
class AnswerRow:
    """A question with its answer. `deciding`: the result rests on it."""

    question: str
    name: str
    answer: str
    source: str
    deciding: bool = False


@dataclass(frozen=True, slots=True)
class Control:
    """How firmly to keep control: `level` of `most`, in words, and as a bar of `most` characters."""

    title: str
    level: int
    most: int
    words: str

    @property
    def bar(self) -> str:
        return "●" * self.level + "○" * (self.most - self.level)


@dataclass(frozen=True, slots=True)
class AdviceLine:
    """A piece of advice with one next step and the place in the article it rests on."""

    id: str
    title: str
    text: str
    step: str
    source: str


@dataclass(frozen=True, slots=True)
class QuestionCard:
    """A question to answer. `help` is filled when it was asked for; `current` says the answer that is being changed."""

    question: str
    progress: str
    text: str
    choices: tuple[Button, ...]
    current: str | None = None
    help: tuple[HelpPart, ...] = ()
    note: tuple[str, ...] = ()
    buttons: tuple[Button, ...] = ()


@dataclass(frozen=True, slots=True)
class Preview:
    """The outcome in short."""

    title: str
    outcome: str
    summary: str
    control: Control | None


@dataclass(frozen=True, slots=True)
class ReviewCard:
    """Every answer, each with its own way to change it. `preview` and `share` are there once all are given."""

    title: str
    intro: str
    rows: tuple[AnswerRow, ...]
    change: str
    preview: Preview | None = None
    share: str | None = None
    unused_title: str = ""
    unused: tuple[AnswerRow, ...] = ()
    note: tuple[str, ...] = ()
    buttons: tuple[Button, ...] = ()


@dataclass(frozen=True, slots=True)
class RecommendationCard:
    """The whole recommendation, for the eyes of one person."""

    title: str
    outcome: str
    summary: str
    control: Control | None
    advice_title: str
    advice: tuple[AdviceLine, ...]
    because_title: str
    because: tuple[AnswerRow, ...]
    others_title: str
    others: tuple[AnswerRow, ...]
    what_if_title: str
    what_if: tuple[str, ...]
    caveat: str
    open_title: str = ""
    open: tuple[str, ...] = ()
    provisional: str | None = None
    unused_title: str = ""
    unused: tuple[AnswerRow, ...] = ()
    share: str | None = None
    note: tuple[str, ...] = ()
    buttons: tuple[Button, ...] = ()


@dataclass(frozen=True, slots=True)
class PartialResultCard:
    """What is already sure of a company known only in part."""

    title: str
    strategic: str
    since: str | None
    control: str | None
    possible_title: str
    possible: tuple[str, ...]
    next: str | None
    rows: tuple[AnswerRow, ...]
    caveat: str
    unused_title: str = ""
    unused: tuple[AnswerRow, ...] = ()
    share: str | None = None
    note: tuple[str, ...] = ()
    buttons: tuple[Button, ...] = ()


@dataclass(frozen=True, slots=True)
class Announcement:
    """What is posted for others to read. `by` still holds ``{person}``, which each platform names in its own way."""

    session: str
    owner: str
    title: str
    by: str
    headline: str
    summary: str
    control: Control | None
    because_title: str
    because: tuple[AnswerRow, ...]
    steps_title: str
    steps: tuple[AdviceLine, ...]
    sources: str
    caveat: str
    buttons: tuple[Button, ...] = ()


@dataclass(frozen=True, slots=True)
class Notice:
    """A short word. `choices` are things to press instead."""

    id: str
    text: str
    buttons: tuple[Button, ...] = ()


@dataclass(frozen=True, slots=True)
class HelpCard:
    """What this is and how to use it."""

    title: str
    parts: tuple[str, ...]
    buttons: tuple[Button, ...] = ()


Card = QuestionCard | ReviewCard | RecommendationCard | PartialResultCard
"""The views a dialog's own card shows while it runs; each can carry a note."""

View = Card | Notice | HelpCard


def with_note(card: Card, *note: str) -> Card:
    """Return the card with these lines above it."""
    return replace(card, note=(*note, *card.note))
