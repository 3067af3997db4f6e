"""How often a turn goes to the database: round trips to PostgreSQL, counted on the wire; statements of SQLite."""

import asyncio
import sqlite3
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

from adapters.ports import Turn
from bot.core.service import Service
from bot.storage.database import Database
from dialogs.community_flow import FLOW
from dialogs.events import Answer, Back, Start
from dialogs.session import Actor
from tests.benchmarks import slack
from tests.benchmarks.database import postgres
from tests.benchmarks.load import closed
from tests.benchmarks.measure import Aim, Figure
from tests.benchmarks.options import Options
from tests.benchmarks.servers import anywhere, command, product_server

ANN = Actor("bench:T1", "U1", "fr")
WARM, TURNS = 20, 200
"""Turns before it is counted, in which a driver prepares its statements; turns that are counted."""
TWO = Aim(2, of="value", most=True)


class Wire:
    """Stands between a client and PostgreSQL, and counts how often the client speaks after the server did."""

    def __init__(self, socket: str) -> None:
        self._socket = socket
        self.trips = 0
        self.port = 0

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._between, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    def close(self) -> None:
        self._server.close()

    async def _between(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_unix_connection(self._socket)
        heard = True

        async def pour(source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, asks: bool) -> None:
            nonlocal heard
            while data := await source.read(1 << 16):
                self.trips += asks and heard
                heard = not asks
                sink.write(data)
            sink.close()

        await asyncio.gather(pour(reader, back, asks=True), pour(there, writer, asks=False), return_exceptions=True)


async def figures(options: Options) -> AsyncIterator[Figure]:
    """Yield how often a turn asks, of each database."""
    anywhere()
    with postgres() as server:
        if server:
            uri = server.create()
            address = urlsplit(uri)
            wire = Wire(f"{parse_qs(address.query)['host'][0]}/.s.PGSQL.{address.port or 5432}")
            await wire.open()
            name = f"{address.username or 'postgres'}:@127.0.0.1:{wire.port}{address.path}?sslmode=disable"
            async for figure in _postgresql(f"postgresql+psycopg://{name}", wire, options):
                yield figure
            wire.close()
    with tempfile.TemporaryDirectory() as folder, _traced() as said:
        turn, drawn = await _each(f"sqlite:///{folder}/trips.db", lambda: len(said))
        yield Figure("SQLite: statements of a turn", turn, "statements", notes={"noting drawn cards": drawn})


async def _postgresql(url: str, wire: Wire, options: Options) -> AsyncIterator[Figure]:
    turn, drawn = await _each(url, lambda: wire.trips)
    yield Figure("PostgreSQL: round trips of a turn", turn, "trips", aim=TWO, notes={"noting drawn cards": drawn})
    platform = slack.Platform()
    await platform.open()
    told = {**slack.settings(platform), "DATABASE_URL": url}
    await command(told, "db", "upgrade")
    ours = product_server(told, cores=0)
    try:
        await ours.start("/readyz")
        people = await slack.begun(ours, platform, 32)
        for count in (1, 32):
            before = wire.trips
            run = await closed(ours, people[:count], options.seconds)
            each, notes = (wire.trips - before) / run.turns, {"turns": float(run.turns)}
            name = f"  a whole Slack press, {count} at once, card and worker too"
            yield Figure(name, each, "trips", notes=dict(notes))
    finally:
        await ours.stop()
        platform.close()


async def _each(url: str, count: Callable[[], int]) -> tuple[float, float]:
    """Return how often the database is asked for a turn, and for noting that its card is drawn."""
    store = Database(url)
    await asyncio.to_thread(store.upgrade)
    service = Service(FLOW, store)
    await service.turn(Turn(Start(ANN, "s"), conversation="D1", card={"ts": "1"}))
    first, turn, drawn = FLOW.questions[0], 0, 0
    for number in range(WARM + TURNS):
        if number == WARM:
            turn = drawn = 0
        answer = Answer(ANN, first.id, first.options[0], revision=number)
        event = Back(ANN, revision=number) if number % 2 else answer
        turn += await _counted(service.turn(Turn(event, "s", idempotency_key=str(number))), count)
        await service.mark_shown("s", number + 1)
        drawn += await _counted(service.flush_shown(), count)
    await asyncio.to_thread(store.close)
    return turn / TURNS, drawn / TURNS


async def _counted(work: Awaitable[object], count: Callable[[], int]) -> int:
    before = count()
    await work
    return count() - before


@contextmanager
def _traced() -> Any:
    """Give a list that every statement of a connection opened meanwhile is added to."""
    said: list[str] = []
    usual = sqlite3.dbapi2.connect

    def connect(*arguments: Any, **named: Any) -> sqlite3.Connection:
        found: sqlite3.Connection = usual(*arguments, **named)
        found.set_trace_callback(said.append)
        return found

    sqlite3.dbapi2.connect = sqlite3.connect = connect  # type: ignore[assignment]
    try:
        yield said
    finally:
        sqlite3.dbapi2.connect = sqlite3.connect = usual
