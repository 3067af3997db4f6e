"""One person's dialog as a value, what can happen to it (events), and what then has to be done (effects).

A session holds answers, never a position; see `dialogs.walk`. It round-trips through JSON and carries the version of
the flow it was begun under.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from dialogs.views import Announcement, View


class Status(StrEnum):
    """How far a dialog is. ``quick``: a quick check that is not complete. The last four are finished."""

    OPEN = "open"
    QUICK = "quick"
    KEPT = "kept"
    POSTED = "posted"
    CANCELLED = "cancelled"
    EXPIRED = "expired"

    @property
    def running(self) -> bool:
        return self in {Status.OPEN, Status.QUICK}


class Actor(NamedTuple):
    """Who does something: the tenant (workspace), the person in it, and the language that person reads."""

    tenant: str
    person: str
    language: str


class BadSession(ValueError):
    """Stored JSON that is not a session."""


@dataclass(frozen=True, slots=True)
class Session:
    """A dialog. `answers`: question id -> option id. `revision` grows with every change.

    `changing`: the question whose answer is being changed alone.
    """

    id: str
    tenant: str
    owner: str
    language: str
    version: int
    answers: Mapping[str, str] = field(default_factory=dict)
    revision: int = 0
    changing: str | None = None
    status: Status = Status.OPEN

    def to_json(self) -> dict[str, object]:
        """Return the session as a JSON object; `from_json` reads it back."""
        return {
            "id": self.id,
            "tenant": self.tenant,
            "owner": self.owner,
            "language": self.language,
            "version": self.version,
            "answers": dict(self.answers),
            "revision": self.revision,
            "changing": self.changing,
            "status": self.status.value,
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, object]) -> "Session":
        """Read what `to_json` wrote. Raises `BadSession`."""
        answers, changing = stored.get("answers"), stored.get("changing")
        if not isinstance(answers, Mapping) or not (changing is None or isinstance(changing, str)):
            raise BadSession("answers must be an object, changing a text or null")
        try:
            return cls(
                id=_text(stored["id"]),
                tenant=_text(stored["tenant"]),
                owner=_text(stored["owner"]),
                language=_text(stored["language"]),
                version=_number(stored["version"]),
                answers={_text(question): _text(option) for question, option in answers.items()},
                revision=_number(stored["revision"]),
                changing=changing,
                status=Status(_text(stored["status"])),
            )
        except (KeyError, ValueError) as error:
            raise BadSession(str(error)) from error


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise BadSession(f"a text is expected, not {type(value).__name__}")
    return value


def _number(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise BadSession(f"a whole number is expected, not {type(value).__name__}")
    return value


# --- Events: what can happen --------------------------------------------------------------------------------------


LONG_AGO = -1
"""A revision that no session has."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something a person did. `revision` is that of the card they saw; None for what is not tied to a card, `LONG_AGO`
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
    """Post the recommendation to `where`, a place only the adapter can read."""

    where: str


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


# --- Effects: what has to be done ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Show:
    """Show this in the place of the dialog's card."""

    view: View


@dataclass(frozen=True, slots=True)
class Notify:
    """Show this to the person who acted, and to nobody else."""

    view: View


@dataclass(frozen=True, slots=True)
class Post:
    """Post this to `where`, exactly once; `key` is the same for the same posting."""

    view: Announcement
    where: str
    key: str


@dataclass(frozen=True, slots=True)
class Schedule:
    """See to it that the dialog expires when nobody goes on with it."""

    session: str


Effect = Show | Notify | Post | Schedule
