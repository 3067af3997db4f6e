"""What a turn reads and writes, in SQL that SQLite and PostgreSQL share.

A turn is one look and one change. On PostgreSQL each is a single statement, so that a turn is two round trips; SQLite
runs the parts one after another, in a transaction shared by many turns. Written by hand and run by the driver:
SQLAlchemy's own execution costs more than all else in a turn.
"""

import hashlib
import re
import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, overload

import orjson

from adapters.ports import Json
from adapters.shared.json_codec import to_json
from dialogs.session import RUNNING, InvalidSession, Session

CARD_KINDS = {"show", "posted", "tell"}
"""Jobs about a session's card: they share a queue, so that they come in the order written."""
MAX_RECENT_KEYS = 16
"""How many of its latest presses a session remembers, as hashes; an older one is of a card long gone."""
_HASH = 8
"""Bytes of each: to tell a few apart."""
_RUNNING = ", ".join(f"'{status.value}'" for status in sorted(RUNNING))
_SELECTED = "s.state, s.conversation, s.card, s.post, s.lock_version, s.updated_at, s.recent_keys, s.occurred_at"
_LOOK = (
    f"SELECT {_SELECTED}, EXISTS (SELECT 1 FROM processed_events WHERE key_hash = :key_hash)"  # noqa: S608 - names of ours
    " FROM (SELECT 1 AS one) AS o LEFT JOIN sessions AS s ON s.id = "
)

# A parameter is ``:name@type``; the type is PostgreSQL's, which has to be told. ``{0}`` numbers the jobs of a change.
LOOK_BY_ID = _LOOK + ":session@text"
LOOK_BY_CONVERSATION = (
    f"{_LOOK}(SELECT id FROM sessions WHERE tenant = :tenant AND owner = :owner AND conversation = :conversation"  # noqa: S608
    f" AND status IN ({_RUNNING}) ORDER BY created_at DESC LIMIT 1)"
)
BEGIN = (
    "INSERT INTO sessions (id, tenant, owner, conversation, status, state, lock_version, card, created_at,"
    " updated_at, occurred_at) VALUES"
    " (:id, :tenant, :owner, :conversation, :status, :state@json, 0, :card@json, :now, :now,"
    " :occurred_at) ON CONFLICT DO NOTHING"
)
# SQLite writes an index anew whose column is set, be it to what it was: a status that stays is left alone.
_SAVE = (
    "UPDATE sessions SET state = :state@json,{} updated_at = :now, lock_version = lock_version + 1,"
    " conversation = COALESCE(:conversation@text, conversation), card = COALESCE(:card@json, card),"
    " recent_keys = COALESCE(:recent_keys@bytea, recent_keys),"
    " occurred_at = COALESCE(:occurred_at@timestamptz, occurred_at)"
    " WHERE id = :id AND lock_version = :before"
)
SAVE = {True: _SAVE.format(" status = :status,"), False: _SAVE.format("")}
"""By whether the status is another than it was."""
FIRST = "INSERT INTO processed_events (key_hash, processed_at) SELECT :key_hash@bytea, :now@timestamptz "
_NAMES = ("key", "kind", "queue", "session_id", "revision", "payload", "due_at")
_FRESH = {"attempts": "0", "state": "'pending'", "leased_by": "NULL", "leased_until": "NULL", "error": "NULL"}
_TYPES = {"revision": "int", "payload": "json", "due_at": "timestamptz"}
_PUT = f"INSERT INTO outbox ({', '.join((*_NAMES, *_FRESH))}) SELECT " + ", ".join(
    (*(f":{name}{{0}}@{_TYPES.get(name, 'text')}" for name in _NAMES), *_FRESH.values())
)
_OVER = "UPDATE SET " + ", ".join(f"{name} = excluded.{name}" for name in (*_NAMES[1:], *_FRESH))
_DRAW = (
    "INSERT INTO pending_cards (session_id, revision, due_at, payload) SELECT :id,"
    " :revision@int, :due_at@timestamptz, :trace@json "
)
_REDRAW = "UPDATE SET revision = excluded.revision, due_at = excluded.due_at, payload = excluded.payload"
DRAWN = "DELETE FROM pending_cards WHERE session_id = :session AND revision <= :revision"
# The array says the same once more, and in a way that has PostgreSQL use the index whatever it guesses of JSON.
ALL_DRAWN = (
    "DELETE FROM pending_cards USING json_each_text(:drawn@json) AS drawn"
    " WHERE pending_cards.session_id = drawn.key AND pending_cards.revision <= CAST(drawn.value AS int)"
    " AND pending_cards.session_id = ANY (ARRAY (SELECT json_object_keys(:drawn@json)))"
)
ANY = "WHERE true ON CONFLICT DO NOTHING"


@dataclass(frozen=True, slots=True)
class StoredSession:
    """A session as it was loaded. `saved` counts its savings; `heard`: hashes of the latest presses on it; `happened`:
    when what changed it last did, by the clock of its platform."""

    session: Session
    conversation: str | None
    card: Json | None
    post: Json | None
    lock_version: int
    updated_at: datetime
    recent_keys: bytes = b""
    occurred_at: datetime | None = None

    def has_recent_key(self, once: bytes | None) -> bool:
        """Whether a delivery, as `hash_key` gives it, is among the latest presses."""
        known = (self.recent_keys[at : at + _HASH] for at in range(0, len(self.recent_keys), _HASH))
        return once is not None and once[:_HASH] in known

    def recent_keys_with(self, once: bytes) -> bytes:
        """Return `heard` with one more."""
        return (self.recent_keys + once[:_HASH])[-MAX_RECENT_KEYS * _HASH :]


@dataclass(frozen=True, slots=True)
class NewJob:
    """A row of `jobs` to be written, over what stands under the same key; `once`: unless something does."""

    kind: str
    session: str | None = None
    key: str | None = None
    queue: str | None = None
    after: timedelta = timedelta()
    revision: int | None = None
    if_absent: bool = False
    payload: Json | None = None

    def row(self, now: datetime, number: object = "") -> dict[str, Any]:
        """Return its parameters, their names numbered."""
        queue = self.queue or f"{'card' if self.kind in CARD_KINDS else self.kind}:{self.session}"
        key = self.key or (f"{self.session}:{self.kind}" if self.session else self.kind)
        due = now + self.after
        values = (key, self.kind, queue, self.session, self.revision, to_json(dict(self.payload or {})), due)
        return {f"{name}{number}": value for name, value in zip(_NAMES, values, strict=True)}


@dataclass(frozen=True, slots=True)
class PendingCard:
    """A card that an adapter draws now. `within`: until it becomes a job; `trace`: what a job says of its trace."""

    within: timedelta
    trace: Json


@dataclass(frozen=True, slots=True)
class SessionLookup:
    """Which session a turn is about: that of an id, else the latest running one of a person at a place.

    `once`: the delivery, see `adapters.ports.Turn`.
    """

    tenant: str
    session: str | None = None
    owner: str | None = None
    conversation: str | None = None
    idempotency_key: str | None = None

    def statement(self) -> str:
        return LOOK_BY_ID if self.session is not None or self.conversation is None else LOOK_BY_CONVERSATION

    def row(self) -> dict[str, Any]:
        found: dict[str, Any] = {"key_hash": hash_key(self.idempotency_key)}
        if self.session is not None or self.conversation is None:
            return found | {"session": self.session}
        return found | {"tenant": self.tenant, "owner": self.owner, "conversation": self.conversation}


@dataclass(frozen=True, slots=True)
class TurnChange:
    """What a turn writes, all of it or nothing. `after`: the session, None when it stays; `before`: as it was loaded,
    None for a new one. `place`, `card` and `happened` stay when None. `press`: it was on the session's own card.
    """

    idempotency_key: str | None = None
    before: StoredSession | None = None
    after: Session | None = None
    conversation: str | None = None
    card: Json | None = None
    drawing: PendingCard | None = None
    jobs: tuple[NewJob, ...] = ()
    press: bool = False
    occurred_at: datetime | None = None

    @property
    def seen(self) -> bool:
        """Whether its delivery is noted in `seen`: not when the session that is saved remembers it."""
        with_session = self.press and self.before is not None and self.after is not None
        return self.idempotency_key is not None and not with_session

    @property
    def moves(self) -> bool:
        """Whether the session's status is another afterwards."""
        return self.before is None or self.after is None or self.before.session.status is not self.after.status

    def row(self, now: datetime) -> dict[str, Any]:
        """Return the parameters of `whole`, or of its parts."""
        found: dict[str, Any] = (
            {"now": now, "key_hash": hash_key(self.idempotency_key)} | self.lock_version() | self.drawn(now)
        )
        for number, due in enumerate(self.jobs):
            found |= due.row(now, number)
        return found

    def lock_version(self) -> dict[str, Any]:
        """Return the parameters of `BEGIN` or `SAVE`, but for the time."""
        if self.after is None:
            return {}
        row = {
            "id": self.after.id,
            "status": self.after.status.value,
            "state": to_json(self.after.to_json()),
            "conversation": self.conversation,
            "card": None if self.card is None else to_json(dict(self.card)),
            "occurred_at": self.occurred_at,
        }
        if self.before is None:
            return row | {"tenant": self.after.tenant, "owner": self.after.owner}
        heard = (
            self.before.recent_keys_with(hash_key(self.idempotency_key))
            if self.idempotency_key is not None and not self.seen
            else None
        )
        return row | {"before": self.before.lock_version, "recent_keys": heard}

    def drawn(self, now: datetime) -> dict[str, Any]:
        """Return the parameters of `draw`."""
        if self.drawing is None or self.after is None:
            return {}
        row = {"id": self.after.id, "revision": self.after.revision, "due_at": now + self.drawing.within}
        return row | {"trace": to_json(dict(self.drawing.trace))}

    def whole(self) -> str:
        """Return the one statement of PostgreSQL. It answers with how many sessions it saved."""
        kinds = tuple(due.if_absent for due in self.jobs)
        save = BEGIN if self.before is None else SAVE[self.moves]
        return _whole(self.seen, None if self.after is None else save, self.drawing is not None, kinds)


@overload
def hash_key(once: None) -> None: ...
@overload
def hash_key(once: str) -> bytes: ...
def hash_key(once: str | None) -> bytes | None:
    """Return a delivery's id as it is kept: nothing in it points at a person."""
    return None if once is None else hashlib.sha256(once.encode("utf-8", "surrogatepass")).digest()


@cache
def put(once: bool, number: object = "", source: str = "WHERE true") -> str:
    """Return the statement that writes a job."""
    return f"{_PUT.format(number)} {source} ON CONFLICT (key) DO {'NOTHING' if once else _OVER}"


@cache
def draw(source: str = "WHERE true") -> str:
    """Return the statement that writes that a card is being drawn."""
    return f"{_DRAW}{source} ON CONFLICT (session_id) DO {_REDRAW}"


@cache
def _whole(seen: bool, save: str | None, draws: bool, jobs: tuple[bool, ...]) -> str:
    """A delivery heard in between breaks the key of `seen`, or has saved the session, and with it all the rest."""
    if save is None:
        return FIRST + ANY
    parts = [f"kept AS ({save} RETURNING id)"]
    parts += [f"heard AS ({FIRST} FROM kept)"] if seen else []
    parts += [f"drawing AS ({draw('FROM kept')})"] if draws else []
    parts += [f"put{number} AS ({put(known, number, 'FROM kept')})" for number, known in enumerate(jobs)]
    return f"WITH {', '.join(parts)} SELECT count(*) FROM kept"  # noqa: S608 - parts of ours


@cache
def for_driver(statement: str, *, is_sqlite: bool) -> str:
    """Return a statement as the driver wants it: ``:name``, or ``%(name)s::type``."""
    if is_sqlite:
        return re.sub(r"@\w+", "", statement)
    return re.sub(
        r":(\w+)(?:@(\w+))?", lambda found: f"%({found[1]})s" + (f"::{found[2]}" if found[2] else ""), statement
    )


def _text(moment: datetime) -> str:
    """A moment as SQLAlchemy writes it for SQLite: a text in UTC."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


sqlite3.register_adapter(datetime, _text)


def stored(row: tuple[Any, ...]) -> StoredSession | None:
    """Read the first columns of a look. What cannot be read (a newer version wrote it) is as good as gone for this one,
    and stays for the other."""
    state, place, card, posted, saved, updated, heard, happened = row[:8]
    if state is None:
        return None
    if isinstance(state, str):  # SQLite's
        state, card, posted = orjson.loads(state), orjson.loads(card or "null"), orjson.loads(posted or "null")
        updated, happened = _moment(updated), happened and _moment(happened)
    try:
        session = Session.from_json(state)
        return StoredSession(session, place, card, posted, saved, updated.astimezone(UTC), heard or b"", happened)
    except InvalidSession:
        return None
