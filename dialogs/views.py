"""Views: what to show, as values in one language. A view holds every text and nothing about a platform.

`dialogs.presenter` makes views and each adapter renders them. Parts are in reading order, buttons in order of
importance: a platform with little space shows the first ones.
"""

from dataclasses import dataclass, replace

SIGNS = {"back": "‹", "restart": "↺", "cancel": "✕", "more": "⋯"}
"""What tells buttons of navigation from answers, by action."""
CURRENT_SIGN = "✓"
"""The sign of the present answer."""


@dataclass(frozen=True, slots=True)
class Button:
    """A button. `action`: id of what it does. `question` and `option`: what it is about, if anything.

    `sign`: what is shown before the label, if anything. `url`: what it opens, instead of an action.
    """

    action: str
    label: str
    question: str | None = None
    option: str | None = None
    primary: bool = False
    sign: str = ""
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """A link. `url` has no characters that a platform could read as Markdown."""

    label: str
    url: str


@dataclass(frozen=True, slots=True)
class HelpPart:
    """A small heading with a paragraph."""

    title: str
    text: str


@dataclass(frozen=True, slots=True)
class AnswerRow:
    """A question with its answer. `deciding`: the outcome depends on it."""

    question: str
    name: str
    answer: str
    source: str
    deciding: bool = False


@dataclass(frozen=True, slots=True)
class Control:
    """How firmly to keep control: `level` from 0 to `max_level`, explained in `text`."""

    title: str
    level: int
    max_level: int
    text: str

    @property
    def bar(self) -> str:
        """The level as a bar of `max_level` characters."""
        return "●" * self.level + "○" * (self.max_level - self.level)


@dataclass(frozen=True, slots=True)
class AdviceLine:
    """A piece of advice with one next step and the section of the article it comes from."""

    id: str
    title: str
    text: str
    step: str
    source: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Option:
    """An outcome with what the answers say for and against it. `recommended`: it is the recommended one."""

    outcome: str
    title: str
    pros: tuple[str, ...]
    cons: tuple[str, ...]
    recommended: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Card:
    """What every card has. `note`: lines above the card."""

    note: tuple[str, ...] = ()
    buttons: tuple[Button, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _AnswersCard(_Card):
    """A card that lists answers. `unused`: answers that do not count now. `share`: what a post would share."""

    title: str
    unused_title: str = ""
    unused: tuple[AnswerRow, ...] = ()
    share: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionCard(_Card):
    """A question to answer. `help`: filled on request. `current`: the present answer, when it is being changed.

    `bar`: one sign for each question, filled up to this one. `progress`: the same in words.
    `audience`: who else can read the card, where others can.
    """

    question: str
    bar: str
    progress: str
    text: str
    choices: tuple[Button, ...]
    current: str | None = None
    help: tuple[HelpPart, ...] = ()
    audience: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewCard(_AnswersCard):
    """Every answer, each with a way to change it."""

    intro: str
    rows: tuple[AnswerRow, ...]
    change: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecommendationCard(_Card):
    """The recommendation in short, for one person: the outcome, why, and what to do first.

    `mark`: an emoji for the outcome. `because`: one sentence with the deciding answers. `provisional`: why it may
    still change. `share`: what a post would share.
    """

    title: str
    mark: str
    outcome: str
    summary: str
    because: str
    control: Control | None
    steps_title: str
    steps: tuple[AdviceLine, ...]
    provisional: str | None = None
    share: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DetailsCard(_AnswersCard):
    """All about a recommendation. `open`: what to find out. `challengers`: outcomes with more in their favor.

    `article`: where the article that `caveat` names can be read.
    """

    mark: str
    outcome: str
    provisional: str | None
    options_title: str
    options: tuple[Option, ...]
    challengers: str | None
    advice_title: str
    advice: tuple[AdviceLine, ...]
    rows_title: str
    rows: tuple[AnswerRow, ...]
    what_if_title: str
    what_if: tuple[str, ...]
    open_title: str
    open: tuple[str, ...]
    caveat: str
    article: Link | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PartialResultCard(_AnswersCard):
    """What is already sure after some of the answers. `since`: the answer that settled `strategic`."""

    strategic: str
    since: str | None
    control: str | None
    possible_title: str
    possible: tuple[str, ...]
    next: str | None
    rows: tuple[AnswerRow, ...]
    caveat: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """What is posted for others to read. `by` contains ``{person}``, which each platform replaces by a name."""

    session: str
    owner: str
    title: str
    by: str
    mark: str
    headline: str
    because: str
    control: Control | None
    steps_title: str
    steps: tuple[AdviceLine, ...]
    provisional: str | None = None
    buttons: tuple[Button, ...] = ()


@dataclass(frozen=True, slots=True)
class Notice:
    """A short message. `buttons`: what the person can do instead."""

    id: str
    text: str
    buttons: tuple[Button, ...] = ()


@dataclass(frozen=True, slots=True)
class HelpCard:
    """What the bot does and how to use it."""

    title: str
    parts: tuple[str, ...]
    buttons: tuple[Button, ...] = ()


Card = QuestionCard | ReviewCard | RecommendationCard | DetailsCard | PartialResultCard
"""The cards of a dialog that can carry notes."""

View = Card | Notice | HelpCard


def with_note(card: Card, *lines: str) -> Card:
    """Return the card with these lines above it."""
    return replace(card, note=(*lines, *card.note))
