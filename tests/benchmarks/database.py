"""Databases for benchmarks: a temporary PostgreSQL server, and tables filled with months of data."""

import asyncio
import hashlib
import json
import random
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache

import psycopg

from bot.storage.database import Database
from dialogs.community_flow import FLOW
from dialogs.session import Session, Status
from tests.benchmarks.options import Options
from tests.postgres_server import PostgresServer, temporary_server

TENANTS = 500
RETENTION_DAYS, IDLE_DAYS, EVENT_DAYS = 180, 14, 2
"""Days after which a session, an unfinished session, and a processed event are deleted."""
MIN_OPEN = 256
EVENTS_EACH = 3
"""Events of a dialog with a row of their own: its start and typed text. Presses are in the row of the session."""
FINAL_STATUSES = (Status.POSTED, Status.KEPT, Status.EXPIRED, Status.CANCELLED)
SESSIONS = (
    *("id", "tenant", "owner", "conversation", "status", "state", "lock_version", "card", "post"),
    *("created_at", "updated_at"),
)
JOBS = ("key", "kind", "queue", "session_id", "payload", "due_at", "attempts", "state")
PROCESSED_EVENTS = ("key_hash", "processed_at")

VARIANTS = 720

Row = tuple[object, ...]


@contextmanager
def postgres() -> Iterator[PostgresServer | None]:
    """Run a server. Gives None, with a warning, if there is none for this machine."""
    with ExitStack() as stack:
        server = None
        try:
            server = stack.enter_context(temporary_server())
        except Exception as error:  # no wheel for this machine, no space, or no permission
            Options.warn(f"no PostgreSQL: {type(error).__name__}: {error}")
        yield server


def open_numbers(count: int) -> range:
    """Return the numbers of the open dialogs among `count`: half of those of the last days, the latest."""
    return range(max(0, count - max(count * IDLE_DAYS // RETENTION_DAYS // 2, MIN_OPEN)), count)


def session(number: int, *, running: bool = True) -> Session:
    """Return the session that `fill` stores for a number."""
    answers, status = ({}, Status.OPEN) if running else _finished(number % VARIANTS)
    id, tenant, owner = _names(number)
    return Session(id, tenant, owner, "fr", FLOW.version, answers, len(answers), status=status)


def _names(number: int) -> tuple[str, str, str]:
    return f"s{number:011d}", f"slack:T{number % TENANTS:09d}", f"U{number // 5:010d}"


@cache
def _finished(number: int) -> tuple[dict[str, str], Status]:
    rng = random.Random(number)
    asked = [(question.id, rng.choice(question.options)) for question in FLOW.questions]
    return dict(asked[: rng.randint(4, 8)]), rng.choice(FINAL_STATUSES)


@cache
def _state(kind: int, running: bool) -> tuple[str, str, int, bool]:
    """Return for a variant: its JSON with placeholders for names, status, revision, whether it is posted."""
    example = session(kind, running=running)
    text = json.dumps(example.to_json()).replace("%", "%%")
    for name, known in zip(("id", "tenant", "owner"), _names(kind), strict=True):
        text = text.replace(json.dumps(known), f'"%({name})s"', 1)
    return text, example.status.value, example.revision, example.status is Status.POSTED


def _sessions(count: int, now: datetime) -> Iterator[Row]:
    """Yield rows in the order of time."""
    open_dialogs = open_numbers(count)
    for number in range(count):
        text, status, revision, posted = _state(number % VARIANTS, number in open_dialogs)
        id, tenant, owner = _names(number)
        time = now - timedelta(days=RETENTION_DAYS) * ((count - number) / count)
        time = max(time, now - timedelta(days=IDLE_DAYS - 1)) if number in open_dialogs else time
        channel = f"D{number // 5:010d}"
        card = f'{{"channel": "{channel}", "ts": "{1_790_000_000 + number}.000100"}}'
        post = (
            f'{{"channel": "C1", "ts": "1.1", "link": "https://x.slack.com/archives/C1/p{number}"}}' if posted else None
        )
        state = text % {"id": id, "tenant": tenant, "owner": owner}
        yield id, tenant, owner, channel, status, state, revision, card, post, time, time


def _jobs(count: int, now: datetime) -> Iterator[Row]:
    """Yield a job for each open dialog, which closes it, and the done posts of the last two days."""
    open_dialogs = open_numbers(count)
    for number in range(count):
        id = f"s{number:011d}"
        if number in open_dialogs:
            due = now + timedelta(days=1 + number % (IDLE_DAYS - 1), seconds=number % 86_400)
            yield f"{id}:expire", "expire", f"expire:{id}", id, "{}", due, 0, "pending"
        elif number >= count - count * EVENT_DAYS // RETENTION_DAYS - len(open_dialogs):
            queue = f"slack:T{number % TENANTS:09d}:C{number % 40}"
            due = now - timedelta(hours=number % (EVENT_DAYS * 24))
            yield f"{id}:post:C1", "post", queue, id, '{"destination": "C1"}', due, 1, "done"


def _processed_events(count: int, now: datetime) -> Iterator[Row]:
    # Sorted, since that writes the index fastest.
    rows = count * EVENTS_EACH * EVENT_DAYS // RETENTION_DAYS
    keys = sorted(hashlib.sha256(b"filled %d" % number).digest() for number in range(rows))
    for number, key in enumerate(keys):
        yield key, now - timedelta(seconds=number % 172_000)


async def create_filled(url: str, count: int) -> Database:
    """Create the tables and fill them with `count` sessions and their jobs and events."""
    empty = Database(url)
    await asyncio.to_thread(empty.upgrade)
    empty.close()
    await asyncio.to_thread(fill, url, count)
    return Database(url)


def fill(url: str, count: int) -> None:
    """Write `count` sessions with their jobs and events, in bulk."""
    now = datetime.now(UTC)
    parts = (
        ("sessions", SESSIONS, _sessions),
        ("outbox", JOBS, _jobs),
        ("processed_events", PROCESSED_EVENTS, _processed_events),
    )
    if url.startswith("sqlite"):
        with sqlite3.connect(url.partition("///")[2]) as connection:
            connection.executescript("PRAGMA journal_mode=MEMORY; PRAGMA synchronous=OFF; PRAGMA cache_size=-800000")
            for table, names, rows in parts:
                marks = ", ".join("?" * len(names))
                connection.executemany(
                    f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})", _sqlite_values(rows(count, now))
                )
            connection.execute("ANALYZE")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.close()
        return
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as server:
        for table, names, rows in parts:
            with server.cursor().copy(f"COPY {table} ({', '.join(names)}) FROM STDIN".encode()) as copy:
                for row in rows(count, now):
                    copy.write_row(row)
        server.execute("VACUUM ANALYZE")


def _sqlite_values(rows: Iterator[Row]) -> Iterator[Sequence[object]]:
    """Convert datetimes to text as SQLAlchemy does on SQLite."""
    for row in rows:
        yield [v.isoformat(" ", "microseconds")[:26] if isinstance(v, datetime) else v for v in row]
