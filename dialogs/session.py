"""One person's dialog as a value.

A session holds answers, never a position; see `dialogs.walk`. It round-trips through JSON and carries the version of
the flow it was begun under.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple


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


class InvalidSession(ValueError):
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
        """Read what `to_json` wrote. Raises `InvalidSession`."""
        answers, changing = stored.get("answers"), stored.get("changing")
        if not isinstance(answers, Mapping) or not (changing is None or isinstance(changing, str)):
            raise InvalidSession("answers must be an object, changing a text or null")
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
            raise InvalidSession(str(error)) from error


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise InvalidSession(f"a text is expected, not {type(value).__name__}")
    return value


def _number(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise InvalidSession(f"a whole number is expected, not {type(value).__name__}")
    return value
