"""One person's dialog as a value.

A session stores answers and never a position (see `dialogs.walk`). It round-trips through JSON and carries the
version of the flow it was begun under.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple


class Status(StrEnum):
    """The state of a dialog. ``quick``: an incomplete quick check. ``kept``: finished, shown to its owner only."""

    OPEN = "open"
    QUICK = "quick"
    KEPT = "kept"
    POSTED = "posted"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


RUNNING = frozenset({Status.OPEN, Status.QUICK})
"""All other statuses are finished."""


class Actor(NamedTuple):
    """Who sends an event: the tenant (workspace), the person in it, and the person's language."""

    tenant: str
    person: str
    language: str


class InvalidSession(ValueError):
    """The JSON is not a session."""


@dataclass(frozen=True, slots=True)
class Session:
    """A dialog. `answers`: question id -> option id. `revision`: grows with every change.

    `changing`: the question whose answer is being changed, if any.
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
        try:
            answers, changing = stored["answers"], stored.get("changing")
            if not isinstance(answers, Mapping):
                raise InvalidSession(f"expected an object, got {type(answers).__name__}")
            return cls(
                id=_string(stored["id"]),
                tenant=_string(stored["tenant"]),
                owner=_string(stored["owner"]),
                language=_string(stored["language"]),
                version=_integer(stored["version"]),
                answers={_string(question): _string(option) for question, option in answers.items()},
                revision=_integer(stored["revision"]),
                changing=None if changing is None else _string(changing),
                status=Status(_string(stored["status"])),
            )
        except (KeyError, ValueError) as error:
            raise InvalidSession(str(error)) from error


def _string(value: object) -> str:
    if not isinstance(value, str):
        raise InvalidSession(f"expected a string, got {type(value).__name__}")
    return value


def _integer(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise InvalidSession(f"expected an integer, got {type(value).__name__}")
    return value
