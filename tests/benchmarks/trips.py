"""Database accesses of a turn: round trips to PostgreSQL, counted by a proxy, and statements of SQLite."""

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
from tests.benchmarks.load import closed_loop
from tests.benchmarks.measure import Aim, Figure
from tests.benchmarks.options import Options
from tests.benchmarks.servers import product_server, run_command, use_all_cores

ACTOR = Actor("bench:T1", "U1", "fr")
WARM_UP_TURNS, TURNS = 20, 200
"""Turns before counting, in which the driver prepares its statements; turns that are counted."""
MAX_TRIPS = Aim(2, of="value", maximum=True)


class CountingProxy:
    """A proxy before PostgreSQL that counts round trips: how often the client sends after the server did."""

    def __init__(self, socket: str) -> None:
        self._socket = socket
        self.trips = 0
        self.port = 0

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._forward, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    def close(self) -> None:
        self._server.close()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream_reader, upstream_writer = await asyncio.open_unix_connection(self._socket)
        server_sent = True

        async def pipe(source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, is_client: bool) -> None:
            nonlocal server_sent
            while data := await source.read(1 << 16):
                self.trips += is_client and server_sent
                server_sent = not is_client
                sink.write(data)
            sink.close()

        await asyncio.gather(
            pipe(reader, upstream_writer, is_client=True),
            pipe(upstream_reader, writer, is_client=False),
            return_exceptions=True,
        )


async def figures(options: Options) -> AsyncIterator[Figure]:
    """Yield the accesses of a turn for each database."""
    use_all_cores()
    with postgres() as server:
        if server:
            uri = server.create_database()
            address = urlsplit(uri)
            proxy = CountingProxy(f"{parse_qs(address.query)['host'][0]}/.s.PGSQL.{address.port or 5432}")
            await proxy.open()
            name = f"{address.username or 'postgres'}:@127.0.0.1:{proxy.port}{address.path}?sslmode=disable"
            async for figure in _postgresql(f"postgresql+psycopg://{name}", proxy, options):
                yield figure
            proxy.close()
    with tempfile.TemporaryDirectory() as folder, _recorded_statements() as statements:
        turn, cards = await _trips_per_turn(f"sqlite:///{folder}/trips.db", lambda: len(statements))
        yield Figure("SQLite: statements of a turn", turn, "statements", notes={"storing shown cards": cards})


async def _postgresql(url: str, proxy: CountingProxy, options: Options) -> AsyncIterator[Figure]:
    turn, cards = await _trips_per_turn(url, lambda: proxy.trips)
    yield Figure(
        "PostgreSQL: round trips of a turn", turn, "trips", aim=MAX_TRIPS, notes={"storing shown cards": cards}
    )
    platform = slack.Platform()
    await platform.open()
    settings = {**slack.settings(platform), "DATABASE_URL": url}
    await run_command(settings, "db", "upgrade")
    product = product_server(settings, cores=0)
    try:
        await product.start("/readyz")
        users = await slack.start_dialogs(product, platform, 32)
        for count in (1, 32):
            before = proxy.trips
            run = await closed_loop(product, users[:count], options.seconds)
            each, notes = (proxy.trips - before) / run.turns, {"turns": float(run.turns)}
            name = f"  a whole Slack press, {count} at once, card and worker too"
            yield Figure(name, each, "trips", notes=dict(notes))
    finally:
        await product.stop()
        platform.close()


async def _trips_per_turn(url: str, count: Callable[[], int]) -> tuple[float, float]:
    """Return the accesses for a turn, and for storing that its card is shown."""
    database = Database(url)
    await asyncio.to_thread(database.upgrade)
    service = Service(FLOW, database)
    await service.turn(Turn(Start(ACTOR, "s"), conversation="D1", card={"ts": "1"}))
    first, turn, cards = FLOW.questions[0], 0, 0
    for number in range(WARM_UP_TURNS + TURNS):
        if number == WARM_UP_TURNS:
            turn = cards = 0
        answer = Answer(ACTOR, first.id, first.options[0], revision=number)
        event = Back(ACTOR, revision=number) if number % 2 else answer
        turn += await _count_during(service.turn(Turn(event, "s", idempotency_key=str(number))), count)
        await service.mark_shown("s", number + 1)
        cards += await _count_during(service.flush_shown(), count)
    await asyncio.to_thread(database.close)
    return turn / TURNS, cards / TURNS


async def _count_during(work: Awaitable[object], count: Callable[[], int]) -> int:
    before = count()
    await work
    return count() - before


@contextmanager
def _recorded_statements() -> Any:
    """Give a list of the statements of all connections opened within the block."""
    statements: list[str] = []
    original = sqlite3.dbapi2.connect

    def connect(*arguments: Any, **named: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = original(*arguments, **named)
        connection.set_trace_callback(statements.append)
        return connection

    sqlite3.dbapi2.connect = sqlite3.connect = connect  # type: ignore[assignment]
    try:
        yield statements
    finally:
        sqlite3.dbapi2.connect = sqlite3.connect = original
