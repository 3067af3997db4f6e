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

from adapters.outgoing import to_json
from adapters.ports import Json
from dialogs.session import BadSession, Session, Status

CARD_KINDS = {"show", "posted", "tell"}
"""Jobs about a session's card: they share a queue, so that they come in the order written."""
RING = 16
"""How many of its latest presses a session remembers, as hashes; an older one is of a card long gone."""
_HASH = 8
"""Bytes of each: to tell a few apart."""
_RUNNING = ", ".join(f"'{status.value}'" for status in Status if status.running)
_SELECTED = "s.state, s.place, s.card, s.posted, s.saved, s.updated, s.heard, s.happened"
_LOOK = (
    f"SELECT {_SELECTED}, EXISTS (SELECT 1 FROM seen WHERE once = :once)"  # noqa: S608 - names of ours
    " FROM (SELECT 1 AS one) AS o LEFT JOIN sessions AS s ON s.id = "
)

# A parameter is ``:name@type``; the type is PostgreSQL's, which has to be told. ``{0}`` numbers the jobs of a change.
LOOK_BY_ID = _LOOK + ":session@text"
LOOK_BY_PLACE = (
    f"{_LOOK}(SELECT id FROM sessions WHERE tenant = :tenant AND owner = :owner AND place = :place"  # noqa: S608
    f" AND status IN ({_RUNNING}) ORDER BY created DESC LIMIT 1)"
)
BEGIN = (
    "INSERT INTO sessions (id, tenant, owner, place, status, state, saved, card, created, updated, happened) VALUES"
    " (:id, :tenant, :owner, :place, :status, :state@json, 0, :card@json, :now, :now, :happened) ON CONFLICT DO NOTHING"
)
# SQLite writes an index anew whose column is set, be it to what it was: a status that stays is left alone.
_SAVE = (
    "UPDATE sessions SET state = :state@json,{} updated = :now, saved = saved + 1,"
    " place = COALESCE(:place@text, place), card = COALESCE(:card@json, card), heard = COALESCE(:heard@bytea, heard),"
    " happened = COALESCE(:happened@timestamptz, happened)"
    " WHERE id = :id AND saved = :before"
)
SAVE = {True: _SAVE.format(" status = :status,"), False: _SAVE.format("")}
"""By whether the status is another than it was."""
FIRST = "INSERT INTO seen (once, at) SELECT :once@bytea, :now@timestamptz "
_NAMES = ("key", "kind", "queue", "session", "revision", "payload", "due")
_FRESH = {"attempts": "0", "state": "'pending'", "leased_by": "NULL", "leased_until": "NULL", "error": "NULL"}
_TYPES = {"revision": "int", "payload": "json", "due": "timestamptz"}
_PUT = f"INSERT INTO jobs ({', '.join((*_NAMES, *_FRESH))}) SELECT " + ", ".join(
    (*(f":{name}{{0}}@{_TYPES.get(name, 'text')}" for name in _NAMES), *_FRESH.values())
)
_OVER = "UPDATE SET " + ", ".join(f"{name} = excluded.{name}" for name in (*_NAMES[1:], *_FRESH))
_DRAW = "INSERT INTO cards (session, revision, due, payload) SELECT :id, :revision@int, :due@timestamptz, :trace@json "
_REDRAW = "UPDATE SET revision = excluded.revision, due = excluded.due, payload = excluded.payload"
DRAWN = "DELETE FROM cards WHERE session = :session AND revision <= :revision"
# The array says the same once more, and in a way that has PostgreSQL use the index whatever it guesses of JSON.
ALL_DRAWN = (
    "DELETE FROM cards USING json_each_text(:drawn@json) AS drawn"
    " WHERE cards.session = drawn.key AND cards.revision <= CAST(drawn.value AS int)"
    " AND cards.session = ANY (ARRAY (SELECT json_object_keys(:drawn@json)))"
)
ANY = "WHERE true ON CONFLICT DO NOTHING"


@dataclass(frozen=True, slots=True)
class Stored:
    """A session as it was loaded. `saved` counts its savings; `heard`: hashes of the latest presses on it; `happened`:
    when what changed it last did, by the clock of its platform."""

    session: Session
    place: str | None
    card: Json | None
    posted: Json | None
    saved: int
    updated: datetime
    heard: bytes = b""
    happened: datetime | None = None

    def remembers(self, once: bytes | None) -> bool:
        """Whether a delivery, as `digest` gives it, is among the latest presses."""
        known = (self.heard[at : at + _HASH] for at in range(0, len(self.heard), _HASH))
        return once is not None and once[:_HASH] in known

    def remembering(self, once: bytes) -> bytes:
        """Return `heard` with one more."""
        return (self.heard + once[:_HASH])[-RING * _HASH :]


@dataclass(frozen=True, slots=True)
class Due:
    """A row of `jobs` to be written, over what stands under the same key; `once`: unless something does."""

    kind: str
    session: str | None = None
    key: str | None = None
    queue: str | None = None
    after: timedelta = timedelta()
    revision: int | None = None
    once: bool = False
    payload: Json | None = None

    def row(self, now: datetime, number: object = "") -> dict[str, Any]:
        """Return its parameters, their names numbered."""
        queue = self.queue or f"{'card' if self.kind in CARD_KINDS else self.kind}:{self.session}"
        key = self.key or (f"{self.session}:{self.kind}" if self.session else self.kind)
        due = now + self.after
        values = (key, self.kind, queue, self.session, self.revision, to_json(dict(self.payload or {})), due)
        return {f"{name}{number}": value for name, value in zip(_NAMES, values, strict=True)}


@dataclass(frozen=True, slots=True)
class Drawing:
    """A card that an adapter draws now. `within`: until it becomes a job; `trace`: what a job says of its trace."""

    within: timedelta
    trace: Json


@dataclass(frozen=True, slots=True)
class Lookup:
    """Which session a turn is about: that of an id, else the latest running one of a person at a place.

    `once`: the delivery, see `adapters.ports.Turn`.
    """

    tenant: str
    session: str | None = None
    owner: str | None = None
    place: str | None = None
    once: str | None = None

    def statement(self) -> str:
        return LOOK_BY_ID if self.session is not None or self.place is None else LOOK_BY_PLACE

    def row(self) -> dict[str, Any]:
        found: dict[str, Any] = {"once": digest(self.once)}
        if self.session is not None or self.place is None:
            return found | {"session": self.session}
        return found | {"tenant": self.tenant, "owner": self.owner, "place": self.place}


@dataclass(frozen=True, slots=True)
class Change:
    """What a turn writes, all of it or nothing. `after`: the session, None when it stays; `before`: as it was loaded,
    None for a new one. `place`, `card` and `happened` stay when None. `press`: it was on the session's own card.
    """

    once: str | None = None
    before: Stored | None = None
    after: Session | None = None
    place: str | None = None
    card: Json | None = None
    drawing: Drawing | None = None
    jobs: tuple[Due, ...] = ()
    press: bool = False
    happened: datetime | None = None

    @property
    def seen(self) -> bool:
        """Whether its delivery is noted in `seen`: not when the session that is saved remembers it."""
        with_session = self.press and self.before is not None and self.after is not None
        return self.once is not None and not with_session

    @property
    def moves(self) -> bool:
        """Whether the session's status is another afterwards."""
        return self.before is None or self.after is None or self.before.session.status is not self.after.status

    def row(self, now: datetime) -> dict[str, Any]:
        """Return the parameters of `whole`, or of its parts."""
        found: dict[str, Any] = {"now": now, "once": digest(self.once)} | self.saved() | self.drawn(now)
        for number, due in enumerate(self.jobs):
            found |= due.row(now, number)
        return found

    def saved(self) -> dict[str, Any]:
        """Return the parameters of `BEGIN` or `SAVE`, but for the time."""
        if self.after is None:
            return {}
        row = {
            "id": self.after.id,
            "status": self.after.status.value,
            "state": to_json(self.after.to_json()),
            "place": self.place,
            "card": None if self.card is None else to_json(dict(self.card)),
            "happened": self.happened,
        }
        if self.before is None:
            return row | {"tenant": self.after.tenant, "owner": self.after.owner}
        heard = self.before.remembering(digest(self.once)) if self.once is not None and not self.seen else None
        return row | {"before": self.before.saved, "heard": heard}

    def drawn(self, now: datetime) -> dict[str, Any]:
        """Return the parameters of `draw`."""
        if self.drawing is None or self.after is None:
            return {}
        row = {"id": self.after.id, "revision": self.after.revision, "due": now + self.drawing.within}
        return row | {"trace": to_json(dict(self.drawing.trace))}

    def whole(self) -> str:
        """Return the one statement of PostgreSQL. It answers with how many sessions it saved."""
        kinds = tuple(due.once for due in self.jobs)
        save = BEGIN if self.before is None else SAVE[self.moves]
        return _whole(self.seen, None if self.after is None else save, self.drawing is not None, kinds)


@overload
def digest(once: None) -> None: ...
@overload
def digest(once: str) -> bytes: ...
def digest(once: str | None) -> bytes | None:
    """Return a delivery's id as it is kept: nothing in it points at a person."""
    return None if once is None else hashlib.sha256(once.encode("utf-8", "surrogatepass")).digest()


@cache
def put(once: bool, number: object = "", source: str = "WHERE true") -> str:
    """Return the statement that writes a job."""
    return f"{_PUT.format(number)} {source} ON CONFLICT (key) DO {'NOTHING' if once else _OVER}"


@cache
def draw(source: str = "WHERE true") -> str:
    """Return the statement that writes that a card is being drawn."""
    return f"{_DRAW}{source} ON CONFLICT (session) DO {_REDRAW}"


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
def for_driver(statement: str, *, lite: bool) -> str:
    """Return a statement as the driver wants it: ``:name``, or ``%(name)s::type``."""
    if lite:
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


def stored(row: tuple[Any, ...]) -> Stored | None:
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
        return Stored(session, place, card, posted, saved, updated.astimezone(UTC), heard or b"", happened)
    except BadSession:
        return None
