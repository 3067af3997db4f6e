"""The SQL of a turn, for SQLite and PostgreSQL.

A turn is one look-up and one change. On PostgreSQL the change is a single statement, so that a turn takes two round
trips. On SQLite it is several statements in a transaction shared with other turns. The driver runs them directly:
SQLAlchemy's execution would take longer than the rest of the turn.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, overload

import orjson

from adapters.ports import CardRef, ConversationRef, Json
from adapters.shared.json_codec import to_json
from dialogs.session import RUNNING, InvalidSession, Session

CARD_KINDS = {"show", "posted", "tell"}
"""Kinds of jobs about a session's card. They share a queue, so that they run in the order in which they were added."""
MAX_RECENT_KEYS = 16
"""Idempotency keys stored in a session. Older events are about cards that are no longer shown."""
_KEY_BYTES = 8
"""Bytes stored of each of these keys: enough to tell 16 apart."""
_RUNNING = ", ".join(f"'{status.value}'" for status in sorted(RUNNING))
_COLUMNS = "s.state, s.conversation, s.card, s.post, s.lock_version, s.updated_at, s.recent_keys, s.occurred_at"
_LOOK_UP = (
    f"SELECT {_COLUMNS}, EXISTS (SELECT 1 FROM processed_events WHERE key_hash = :key_hash)"  # noqa: S608 - no input
    " FROM (SELECT 1 AS one) AS o LEFT JOIN sessions AS s ON s.id = "
)

# A parameter is ``:name@type``. The type is for PostgreSQL, which cannot always infer it. ``{0}`` numbers the jobs.
_LOOK_UP_BY_ID = _LOOK_UP + ":session@text"
_LOOK_UP_BY_CONVERSATION = (
    f"{_LOOK_UP}(SELECT id FROM sessions WHERE tenant = :tenant AND owner = :owner"  # noqa: S608
    f" AND conversation = :conversation AND status IN ({_RUNNING}) ORDER BY created_at DESC LIMIT 1)"
)
_INSERT_SESSION = (
    "INSERT INTO sessions (id, tenant, owner, conversation, status, state, lock_version, card, created_at,"
    " updated_at, occurred_at) VALUES"
    " (:id, :tenant, :owner, :conversation, :status, :state@json, 0, :card@json, :now, :now,"
    " :occurred_at) ON CONFLICT DO NOTHING"
)
_UPDATE = (
    "UPDATE sessions SET state = :state@json,{} updated_at = :now, lock_version = lock_version + 1,"
    " conversation = COALESCE(:conversation@text, conversation), card = COALESCE(:card@json, card),"
    " recent_keys = COALESCE(:recent_keys@bytea, recent_keys),"
    " occurred_at = COALESCE(:occurred_at@timestamptz, occurred_at)"
    " WHERE id = :id AND lock_version = :lock_version"
)
# An unchanged status is not set: SQLite would rewrite its index entry.
_UPDATE_SESSION, _UPDATE_SESSION_AND_STATUS = _UPDATE.format(""), _UPDATE.format(" status = :status,")
_INSERT_KEY = "INSERT INTO processed_events (key_hash, processed_at) SELECT :key_hash@bytea, :now@timestamptz "
_INSERT_NEW_KEY = _INSERT_KEY + "WHERE true ON CONFLICT DO NOTHING"
_JOB_COLUMNS = ("key", "kind", "queue", "session_id", "revision", "payload", "due_at")
_JOB_DEFAULTS = {"attempts": "0", "state": "'pending'", "leased_by": "NULL", "leased_until": "NULL", "error": "NULL"}
_JOB_TYPES = {"revision": "int", "payload": "json", "due_at": "timestamptz"}
_INSERT_JOB = f"INSERT INTO outbox ({', '.join((*_JOB_COLUMNS, *_JOB_DEFAULTS))}) SELECT " + ", ".join(
    (*(f":{name}{{0}}@{_JOB_TYPES.get(name, 'text')}" for name in _JOB_COLUMNS), *_JOB_DEFAULTS.values())
)
_REPLACE_JOB = "UPDATE SET " + ", ".join(f"{name} = excluded.{name}" for name in (*_JOB_COLUMNS[1:], *_JOB_DEFAULTS))
_INSERT_CARD = (
    "INSERT INTO pending_cards (session_id, revision, due_at, payload) SELECT :id,"
    " :card_revision@int, :card_due_at@timestamptz, :card_payload@json {} ON CONFLICT (session_id) DO"
    " UPDATE SET revision = excluded.revision, due_at = excluded.due_at, payload = excluded.payload"
)
_DELETE_CARD = "DELETE FROM pending_cards WHERE session_id = :session AND revision <= :revision"
# The condition on the array repeats the join: it makes PostgreSQL use the index, however it estimates the JSON.
_DELETE_CARDS = (
    "DELETE FROM pending_cards USING json_each_text(:revisions@json) AS shown"
    " WHERE pending_cards.session_id = shown.key AND pending_cards.revision <= CAST(shown.value AS int)"
    " AND pending_cards.session_id = ANY (ARRAY (SELECT json_object_keys(:revisions@json)))"
)

Statement = tuple[str, dict[str, Any]]
"""SQL for the driver, and its parameters."""


@dataclass(frozen=True, slots=True)
class StoredSession:
    """A session as it was loaded.

    `lock_version`: incremented by every update. `recent_keys`: hashes of the latest events on the session's card.
    `occurred_at`: when the latest event occurred, by the platform's clock.
    """

    session: Session
    conversation: ConversationRef | None
    card: CardRef | None
    post: CardRef | None
    lock_version: int
    updated_at: datetime
    recent_keys: bytes = b""
    occurred_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class NewJob:
    """A job to add to the outbox. It replaces a job with the same key, unless `if_absent`.

    `delay`: until it is due. Jobs of one `queue` run in order.
    """

    kind: str
    session: str | None = None
    key: str | None = None
    queue: str | None = None
    delay: timedelta = timedelta()
    revision: int | None = None
    if_absent: bool = False
    payload: Json | None = None


@dataclass(frozen=True, slots=True)
class PendingCard:
    """A card that the adapter is sending now. It becomes a job with this `payload` when not sent within `timeout`."""

    timeout: timedelta
    payload: Json


@dataclass(frozen=True, slots=True)
class SessionLookup:
    """Which session a turn is about: the one with this id, else the owner's latest running one in `conversation`."""

    tenant: str
    session: str | None = None
    owner: str | None = None
    conversation: ConversationRef | None = None
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True)
class TurnChange:
    """What a turn writes, all of it or nothing.

    `before`: the session as it was loaded; None: it is new. `after`: the new session; None: it does not change.
    `conversation`, `card` and `occurred_at` do not change when None.
    `on_card`: the event came from the session's own card, so that its key is stored in the session.
    """

    idempotency_key: str | None = None
    before: StoredSession | None = None
    after: Session | None = None
    conversation: ConversationRef | None = None
    card: CardRef | None = None
    pending_card: PendingCard | None = None
    jobs: tuple[NewJob, ...] = ()
    on_card: bool = False
    occurred_at: datetime | None = None


def look_up(lookup: SessionLookup, *, is_sqlite: bool) -> Statement:
    """Return the statement that finds a session and whether the idempotency key was processed."""
    row: dict[str, Any] = {"key_hash": _hash(lookup.idempotency_key)}
    if lookup.session is not None or lookup.conversation is None:
        return _for_driver(_LOOK_UP_BY_ID, is_sqlite=is_sqlite), row | {"session": lookup.session}
    row |= {"tenant": lookup.tenant, "owner": lookup.owner, "conversation": lookup.conversation}
    return _for_driver(_LOOK_UP_BY_CONVERSATION, is_sqlite=is_sqlite), row


def read_row(row: tuple[Any, ...], key_hash: bytes | None = None) -> tuple[StoredSession | None, bool]:
    """Return the session in the result of a look-up, and whether the event was processed before.

    A session that cannot be read counts as missing: a newer version wrote it, and that version can still read it.
    """
    state, conversation, card, post, lock_version, updated_at, recent_keys, occurred_at, processed = row
    if state is None:
        return None, bool(processed)
    if isinstance(state, str):  # SQLite
        state, card, post = orjson.loads(state), orjson.loads(card or "null"), orjson.loads(post or "null")
        updated_at, occurred_at = _from_text(updated_at), occurred_at and _from_text(occurred_at)
    keys = recent_keys or b""
    recent = [keys[index : index + _KEY_BYTES] for index in range(0, len(keys), _KEY_BYTES)]
    try:
        session = Session.from_json(state)
    except InvalidSession:
        return None, bool(processed)
    updated_at = updated_at.astimezone(UTC)
    stored = StoredSession(session, conversation, card, post, lock_version, updated_at, keys, occurred_at)
    return stored, bool(processed) or (key_hash is not None and key_hash[:_KEY_BYTES] in recent)


def write(change: TurnChange, now: datetime, *, is_sqlite: bool) -> list[Statement]:
    """Return the statements that write a turn. The first affects one row, unless the session was changed meanwhile."""
    row: dict[str, Any] = {"now": now, "key_hash": _hash(change.idempotency_key)}
    inserts_key, save = change.idempotency_key is not None, ""
    before, after = change.before, change.after
    if after is not None:
        row |= {
            "id": after.id,
            "status": after.status.value,
            "state": to_json(after.to_json()),
            "conversation": change.conversation,
            "card": None if change.card is None else to_json(dict(change.card)),
            "occurred_at": change.occurred_at,
        }
        if before is None:
            save = _INSERT_SESSION
            row |= {"tenant": after.tenant, "owner": after.owner}
        else:
            save = _UPDATE_SESSION if before.session.status is after.status else _UPDATE_SESSION_AND_STATUS
            row |= {"lock_version": before.lock_version, "recent_keys": None}
            if inserts_key and change.on_card:
                keys = before.recent_keys + row["key_hash"][:_KEY_BYTES]
                row["recent_keys"], inserts_key = keys[-MAX_RECENT_KEYS * _KEY_BYTES :], False
        if change.pending_card is not None:
            row |= {"card_revision": after.revision, "card_due_at": now + change.pending_card.timeout}
            row["card_payload"] = to_json(dict(change.pending_card.payload))
    for number, job in enumerate(change.jobs):
        row |= _job_row(job, now, number)
    has_card, jobs = change.pending_card is not None, tuple(job.if_absent for job in change.jobs)
    parts = _parts(save, inserts_key, has_card, jobs, is_sqlite=is_sqlite)
    row = _for_sqlite(row) if is_sqlite else row
    return [(part, row) for part in parts]


def insert_key(idempotency_key: str, now: datetime, *, is_sqlite: bool) -> Statement:
    """Return the statement that records a key. It affects no row when the key was recorded before."""
    row = {"key_hash": _hash(idempotency_key), "now": now}
    return _for_driver(_INSERT_NEW_KEY, is_sqlite=is_sqlite), _for_sqlite(row) if is_sqlite else row


def add_job(job: NewJob, now: datetime, *, is_sqlite: bool) -> Statement:
    """Return the statement that adds a job."""
    row = _job_row(job, now)
    return _for_driver(_insert_job(job.if_absent), is_sqlite=is_sqlite), _for_sqlite(row) if is_sqlite else row


def delete_cards(revisions: Mapping[str, int], *, is_sqlite: bool) -> list[Statement]:
    """Return the statements that delete pending cards by session, up to a revision each."""
    if not is_sqlite:
        return [(_for_driver(_DELETE_CARDS, is_sqlite=False), {"revisions": json.dumps(dict(revisions))})]
    sql = _for_driver(_DELETE_CARD, is_sqlite=True)
    return [(sql, {"session": session, "revision": revision}) for session, revision in revisions.items()]


def _job_row(job: NewJob, now: datetime, number: object = "") -> dict[str, Any]:
    queue = job.queue or f"{'card' if job.kind in CARD_KINDS else job.kind}:{job.session}"
    key = job.key or (f"{job.session}:{job.kind}" if job.session else job.kind)
    values = (key, job.kind, queue, job.session, job.revision, to_json(dict(job.payload or {})), now + job.delay)
    return {f"{name}{number}": value for name, value in zip(_JOB_COLUMNS, values, strict=True)}


@cache
def _parts(save: str, inserts_key: bool, has_card: bool, jobs: tuple[bool, ...], *, is_sqlite: bool) -> tuple[str, ...]:
    """Return the SQL of a turn. If the same event was processed meanwhile, the INSERT of its key fails."""
    if not save:
        parts = [_INSERT_NEW_KEY] if inserts_key else []
    else:
        source = "WHERE true" if is_sqlite else "FROM saved"
        parts = [_INSERT_KEY + source] if inserts_key else []
        parts += [_INSERT_CARD.format(source)] if has_card else []
        parts += [_insert_job(if_absent, number, source) for number, if_absent in enumerate(jobs)]
        if is_sqlite:
            parts = [save, *parts]
        else:
            tables = [f"saved AS ({save} RETURNING id)", *(f"p{n} AS ({part})" for n, part in enumerate(parts))]
            parts = [f"WITH {', '.join(tables)} SELECT id FROM saved"]  # noqa: S608 - no input
    return tuple(_for_driver(part, is_sqlite=is_sqlite) for part in parts)


@cache
def _insert_job(if_absent: bool, number: object = "", source: str = "WHERE true") -> str:
    return f"{_INSERT_JOB.format(number)} {source} ON CONFLICT (key) DO {'NOTHING' if if_absent else _REPLACE_JOB}"


@cache
def _for_driver(sql: str, *, is_sqlite: bool) -> str:
    """Return SQL with the driver's parameters: ``:name`` or ``%(name)s::type``."""
    if is_sqlite:
        return re.sub(r"@\w+", "", sql)
    return re.sub(r":(\w+)(?:@(\w+))?", lambda match: f"%({match[1]})s" + (f"::{match[2]}" if match[2] else ""), sql)


def _for_sqlite(row: dict[str, Any]) -> dict[str, Any]:
    """Convert times to text in UTC, in the format of SQLAlchemy."""
    return {
        name: value.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")
        if isinstance(value, datetime)
        else value
        for name, value in row.items()
    }


def _from_text(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@overload
def _hash(idempotency_key: None) -> None: ...
@overload
def _hash(idempotency_key: str) -> bytes: ...
def _hash(idempotency_key: str | None) -> bytes | None:
    """Return the stored form of a key, which does not identify a person."""
    if idempotency_key is None:
        return None
    return hashlib.sha256(idempotency_key.encode("utf-8", "surrogatepass")).digest()
