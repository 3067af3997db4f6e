"""One person's dialog as a value.

A session stores answers and never a position (see `dialogs.walk`). It round-trips through JSON and carries the
version of the flow it was begun under.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
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


@dataclass(frozen=True, slots=True)
class Publication:
    """A post in a channel.

    `key`: idempotency key of its job. `destination`: the channel, in the format of the adapter. `answers` and
    `version`: what it shows; `version` is that of the flow.
    """

    key: str
    destination: str
    answers: Mapping[str, str]
    version: int


class InvalidSession(ValueError):
    """The JSON is not a session."""


@dataclass(frozen=True, slots=True)
class Session:
    """A dialog. `answers`: question id -> option id. `revision`: grows with every change.

    `changing`: the question whose answer is being changed, if any. `publication`: the post in a channel, if any; its
    answers stay as they are while the owner changes those of the session.
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
    publication: Publication | None = None

    def as_posted(self) -> "Session":
        """Return the session that the post shows. Without a post, the session itself."""
        post = self.publication
        if post is None:
            return self
        return replace(self, status=Status.POSTED, answers=post.answers, version=post.version, changing=None)

    def to_json(self) -> dict[str, object]:
        """Return the session as a JSON object; `from_json` reads it back."""
        stored: dict[str, object] = {
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
        if post := self.publication:
            stored["publication"] = {
                "key": post.key,
                "destination": post.destination,
                "answers": dict(post.answers),
                "version": post.version,
            }
        return stored

    @classmethod
    def from_json(cls, stored: Mapping[str, object]) -> "Session":
        """Read what `to_json` wrote. Raises `InvalidSession`."""
        try:
            answers, changing = _strings(stored["answers"]), stored.get("changing")
            status, version = Status(_string(stored["status"])), _integer(stored["version"])
            publication = _publication(stored.get("publication"))
            if status is Status.POSTED and publication is None:  # stored before posts could be changed
                publication = Publication(f"{stored['id']}:post", "", answers, version)
            return cls(
                id=_string(stored["id"]),
                tenant=_string(stored["tenant"]),
                owner=_string(stored["owner"]),
                language=_string(stored["language"]),
                version=version,
                answers=answers,
                revision=_integer(stored["revision"]),
                changing=None if changing is None else _string(changing),
                status=status,
                publication=publication,
            )
        except (KeyError, ValueError) as error:
            raise InvalidSession(str(error)) from error


def _publication(value: object) -> Publication | None:
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise InvalidSession(f"expected an object, got {type(value).__name__}")
    key, destination, version = _string(value["key"]), _string(value["destination"]), _integer(value["version"])
    return Publication(key, destination, _strings(value["answers"]), version)


def _strings(value: object) -> dict[str, str]:
    if not isinstance(value, Mapping):
        raise InvalidSession(f"expected an object, got {type(value).__name__}")
    return {_string(name): _string(text) for name, text in value.items()}


def _string(value: object) -> str:
    if not isinstance(value, str):
        raise InvalidSession(f"expected a string, got {type(value).__name__}")
    return value


def _integer(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise InvalidSession(f"expected an integer, got {type(value).__name__}")
    return value
