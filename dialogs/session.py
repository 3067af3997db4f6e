"""One person's dialog as a value.

A session stores answers and never a position (see `dialogs.walk`). It round-trips through JSON and carries the
version of the flow it was begun under.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import NamedTuple

from dialogs.flow import Flow


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


class Page(StrEnum):
    """What the card shows in place of the question or the result. *Back* leaves it."""

    REVIEW = "review"
    DETAILS = "details"
    RESTART = "restart"
    MORE = "more"


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
    answers stay as they are while the owner changes those of the session. `page`: what is shown in place of the card.
    `ahead`: the questions answered before they were asked, by a quick check. `cleared`: the answers before they were
    cleared, until another one is given.
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
    page: Page | None = None
    ahead: tuple[str, ...] = ()
    cleared: Mapping[str, str] = field(default_factory=dict)

    def as_posted(self) -> "Session":
        """Return the session that the post shows. Without a post, the session itself."""
        post = self.publication
        if post is None:
            return self
        return replace(
            self, status=Status.POSTED, answers=post.answers, version=post.version, changing=None, cleared={}
        )

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
            "page": self.page and self.page.value,
            "ahead": list(self.ahead),
            "cleared": dict(self.cleared),
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
        """Read what `to_json` of this or an earlier release wrote. Raises `InvalidSession`."""
        try:
            page, ahead = stored.get("page"), stored.get("ahead", [])
            if not isinstance(ahead, list):
                raise InvalidSession(f"expected a list, got {type(ahead).__name__}")
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
                page=None if page is None else Page(_string(page)),
                ahead=tuple(map(_string, ahead)),
                cleared=_strings(stored.get("cleared", {})),
            )
        except (KeyError, ValueError) as error:
            raise InvalidSession(str(error)) from error


def valid_answers(flow: Flow, answers: object) -> dict[str, str]:
    """Return those of `answers` that name a question and one of its options."""
    if not isinstance(answers, dict):
        return {}
    return {
        question.id: answers[question.id] for question in flow.questions if answers.get(question.id) in question.options
    }


def upgrade(flow: Flow, session: Session) -> tuple[Session, tuple[str, ...]]:
    """Move a running session to this version of the flow; return it with the questions that are asked again.

    An answer stays if its question and option still exist and kept their meaning. A finished session is not changed.
    """
    if session.version == flow.version or session.status not in RUNNING:
        return session, ()
    revised = {question.id for question in flow.questions if question.revised_in_version > session.version}
    answers, cleared = (
        {question: option for question, option in valid_answers(flow, dict(given)).items() if question not in revised}
        for given in (session.answers, session.cleared)
    )
    again = tuple(id for id in session.answers if id not in answers and id in flow.questions_by_id)
    changing = session.changing if session.changing in answers else None
    return replace(session, answers=answers, cleared=cleared, changing=changing, version=flow.version), again


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
