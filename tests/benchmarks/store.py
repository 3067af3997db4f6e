"""Turns a second through the database: load, step, store, and write and delete the row of the card.

The peer is the minimum that is safe: the sqlite3 driver in one thread, a session read and written and one more row, one
durable commit for each turn.
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
from tests.benchmarks.database import postgres
from tests.benchmarks.measure import Figure
from tests.postgres_server import sqlalchemy_url

ACTOR = Actor("bench:T1", "U1", "fr")
USERS = 32
SECONDS = 3.0

Press = Callable[[int, int], Awaitable[object]]


def figures() -> Iterator[Figure]:
    """Yield the figures of the storage."""
    with tempfile.TemporaryDirectory() as folder:
        peer = asyncio.run(_peer(Path(folder) / "peer.db"))
        turns = asyncio.run(_turns(f"sqlite:///{folder}/product.db"))
        yield Figure("turns with their cards, SQLite", turns, "a second", peer, "sqlite3, one thread, a turn each")
    with postgres() as server:
        if server:
            turns = asyncio.run(_turns(sqlalchemy_url(server.create_database())))
            yield Figure("turns with their cards, PostgreSQL", turns, "a second")


async def _rate(press: Press) -> float:
    """Return the calls of `press(user, number)` a second when all users press at once."""
    end = time.perf_counter() + SECONDS

    async def run_user(user: int) -> int:
        number = 0
        while time.perf_counter() < end:
            await press(user, number)
            number += 1
        return number

    started = time.perf_counter()
    done = sum(await asyncio.gather(*(run_user(user) for user in range(USERS))))
    return done / (time.perf_counter() - started)


async def _turns(url: str) -> float:
    store = Database(url)
    store.upgrade()
    service = Service(FLOW, store)
    first = FLOW.questions[0]
    for user in range(USERS):
        await service.turn(Turn(Start(ACTOR, f"s{user}"), conversation="D1", card={"ts": "1"}))

    async def press(user: int, number: int) -> None:
        answer = Answer(ACTOR, first.id, first.options[0], revision=number)
        event = Back(ACTOR, revision=number) if number % 2 else answer
        result = await service.turn(Turn(event, f"s{user}", idempotency_key=f"{user}-{number}"))
        assert result.session
        await service.mark_shown(f"s{user}", result.session.revision)
        if number % USERS == user:  # shown cards are stored many at once
            await service.flush_shown()

    try:
        return await _rate(press)
    finally:
        store.close()


async def _peer(path: Path) -> float:
    thread = ThreadPoolExecutor(1)
    loop = asyncio.get_running_loop()
    database = await loop.run_in_executor(thread, _create_peer_database, path)

    def turn(user: int, number: int) -> None:
        database.execute("BEGIN IMMEDIATE")
        database.execute("INSERT OR IGNORE INTO processed_events VALUES (?)", (f"{user}-{number}",))
        [state] = database.execute("SELECT state FROM sessions WHERE id = ?", (user,)).fetchone()
        after = json.dumps({**json.loads(state), "revision": number + 1})
        database.execute("UPDATE sessions SET state = ? WHERE id = ?", (after, user))
        database.execute("INSERT OR REPLACE INTO jobs VALUES (?, ?)", (user, number))
        database.execute("COMMIT")

    async def press(user: int, number: int) -> None:
        await loop.run_in_executor(thread, turn, user, number)
        await loop.run_in_executor(thread, database.execute, "DELETE FROM jobs WHERE id = ?", (user,))

    try:
        return await _rate(press)
    finally:
        await loop.run_in_executor(thread, database.close)
        thread.shutdown()


def _create_peer_database(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, isolation_level=None)
    database.executescript(
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE processed_events (id TEXT PRIMARY KEY);"
        "CREATE TABLE sessions (id INTEGER PRIMARY KEY, state TEXT); CREATE TABLE jobs (id INTEGER PRIMARY KEY, n INT)"
    )
    database.executemany("INSERT INTO sessions VALUES (?, '{}')", [(user,) for user in range(USERS)])
    return database
