"""Events: what a person, or the application on their behalf, can do in a dialog."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from dialogs.session import Actor

STALE_REVISION = -1
"""A revision that no session has."""


@dataclass(frozen=True, slots=True)
class Event:
    """An action of a person.

    `revision`: the revision shown on the card they acted on. None if the event does not depend on a card,
    `STALE_REVISION` if it comes from an older card.
    """

    actor: Actor
    revision: int | None = field(default=None, kw_only=True)


@dataclass(frozen=True, slots=True)
class Start(Event):
    """Begin a new dialog with the id `session` and these answers. `quick`: as a quick check."""

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
    """Give several answers at once. They replace earlier answers to the same questions.

    `asked`: their questions were asked, in a form.
    """

    answers: Mapping[str, str]
    asked: bool = False


@dataclass(frozen=True, slots=True)
class Typed(Event):
    """Type a message."""

    text: str


@dataclass(frozen=True, slots=True)
class Back(Event):
    """Leave the page that is shown, stop changing an answer, or undo the last answer or *Start over*."""


@dataclass(frozen=True, slots=True)
class Change(Event):
    """Ask one answered question again, and only that one."""

    question: str


@dataclass(frozen=True, slots=True)
class Restart(Event):
    """Clear the answers and begin again. Not `confirmed`: ask first, if there are answers."""

    confirmed: bool = False


@dataclass(frozen=True, slots=True)
class Why(Event):
    """Show help on the current question."""


@dataclass(frozen=True, slots=True)
class Review(Event):
    """Show every answer given so far."""


@dataclass(frozen=True, slots=True)
class More(Event):
    """Show the choices that have no room on the card of a question."""


@dataclass(frozen=True, slots=True)
class Resume(Event):
    """Show the current card and continue."""


@dataclass(frozen=True, slots=True)
class ConfirmPost(Event):
    """Post the recommendation to `destination`, a conversation in the format of the adapter."""

    destination: str


@dataclass(frozen=True, slots=True)
class UpdatePost(Event):
    """Edit the post, so that it shows the answers as they are now."""


@dataclass(frozen=True, slots=True)
class TakeBack(Event):
    """Delete the post. The recommendation stays, for its owner only."""


@dataclass(frozen=True, slots=True)
class KeepPrivate(Event):
    """Show the recommendation to its owner only."""


@dataclass(frozen=True, slots=True)
class Details(Event):
    """Show a posted recommendation in full, privately, to anyone of the same tenant."""


@dataclass(frozen=True, slots=True)
class SetLanguage(Event):
    """Switch to another language."""

    language: str


@dataclass(frozen=True, slots=True)
class Help(Event):
    """Show what the bot does and how to use it."""


@dataclass(frozen=True, slots=True)
class Cancel(Event):
    """Stop without a result."""


@dataclass(frozen=True, slots=True)
class Expire(Event):
    """Close a dialog without recent events. Sent by the application on behalf of the owner."""
