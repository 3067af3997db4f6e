"""Events: what a person, or the application in their name, can do to a dialog."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from dialogs.session import Actor

STALE_REVISION = -1
"""A revision that no session has."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something a person did. `revision` is that of the card they saw; None for what is not tied to a card,
    `STALE_REVISION`
    for what was meant for an earlier one.
    """

    actor: Actor
    revision: int | None = field(default=None, kw_only=True)


@dataclass(frozen=True, slots=True)
class Start(Event):
    """Begin a new dialog under the id `session`, with the answers given so far. `quick`: for a quick check only."""

    session: str
    answers: Mapping[str, str] = field(default_factory=dict)
    quick: bool = False


@dataclass(frozen=True, slots=True)
class Answer(Event):
    """Choose an option."""

    question: str
    option: str


@dataclass(frozen=True, slots=True)
class Fill(Event):
    """Give several answers at once, as a form does. They replace those given before to the same questions."""

    answers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Typed(Event):
    """Type some words."""

    text: str


@dataclass(frozen=True, slots=True)
class Back(Event):
    """Take the last answer back, or leave the change of one."""


@dataclass(frozen=True, slots=True)
class Change(Event):
    """Ask one answered question again, and only that."""

    question: str


@dataclass(frozen=True, slots=True)
class Restart(Event):
    """Forget the answers and begin again."""


@dataclass(frozen=True, slots=True)
class Why(Event):
    """Show the help on the question at hand."""


@dataclass(frozen=True, slots=True)
class Review(Event):
    """Show every answer given so far."""


@dataclass(frozen=True, slots=True)
class Resume(Event):
    """Show where the dialog is, and go on from there."""


@dataclass(frozen=True, slots=True)
class ConfirmPost(Event):
    """Post the recommendation to `destination`, a conversation that only the adapter can read."""

    destination: str


@dataclass(frozen=True, slots=True)
class KeepPrivate(Event):
    """Show the recommendation to its owner alone."""


@dataclass(frozen=True, slots=True)
class Details(Event):
    """Show the whole of a posted recommendation, privately, to anybody of the same tenant."""


@dataclass(frozen=True, slots=True)
class SetLanguage(Event):
    """Go on in another language."""

    language: str


@dataclass(frozen=True, slots=True)
class Help(Event):
    """Say what this is and how to use it."""


@dataclass(frozen=True, slots=True)
class Cancel(Event):
    """Stop without a result."""


@dataclass(frozen=True, slots=True)
class Expire(Event):
    """Close a dialog that nobody went on with. The application sends it, in the name of the owner."""
