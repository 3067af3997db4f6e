"""From start to ready, and what a replica holds in memory: at first, after load, and after very many turns."""

import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from tests.benchmarks import slack, teams
from tests.benchmarks.load import closed
from tests.benchmarks.measure import Aim, Figure, Found, Series, median
from tests.benchmarks.options import Options
from tests.benchmarks.servers import Server, command, product_server

STARTS = 7
PEOPLE = 32
EVERY = 10_000
LIBRARIES = (
    "aiohttp.web, slack_bolt.async_app, botbuilder.core, sqlalchemy.dialects.sqlite, pydantic_settings, structlog,"
    " cryptography.fernet, prometheus_client, orjson"
)
READY = Aim(1.5, of="value", most=True)
SMALL = Aim(130.0, of="value", most=True)
STEADY = Aim(1.1, most=True)


class Both:
    """The product with both platforms, and their stand-ins."""

    def __init__(self) -> None:
        self.slack, self.teams = slack.Platform(), teams.Platform()
        self._folder = tempfile.TemporaryDirectory(prefix="cm-advisor-bench-")
        self.kept = {"DATABASE_URL": f"sqlite:///{Path(self._folder.name) / 'kept.db'}"}

    async def open(self) -> None:
        await self.slack.open()
        await self.teams.open()

    def close(self) -> None:
        self.slack.close()
        self.teams.close()
        self._folder.cleanup()

    def server(self, **more: str) -> Server:
        """Return one with a database of its own, still empty, unless `more` says otherwise."""
        return product_server({**slack.settings(self.slack), **teams.settings(self.teams), **more})


async def figures(options: Options) -> AsyncIterator[Figure]:
    """Yield the figures of a start and of memory."""
    both = Both()
    await both.open()
    last = both.server(**both.kept)
    try:
        yield await _starts("the very first start, an empty database", [both.server() for _ in range(STARTS)])
        await command(both.kept, "db", "upgrade")
        again = [both.server(**both.kept) for _ in range(STARTS)]
        yield await _starts("from start to ready, both platforms", again)
        await last.start("/readyz")
        yield Figure("memory of a replica, ready", last.megabytes(), "MB", aim=SMALL)
        pressers = await slack.begun(last, both.slack, PEOPLE)
        others, _ = await teams.begun(last, both.teams, PEOPLE)
        for people in (pressers, others):
            await closed(last, people, options.seconds * 2)
        yield Figure("memory of a replica, after load", last.megabytes(), "MB", aim=SMALL)
    finally:
        await last.stop()
        both.close()


async def _starts(name: str, servers: Sequence[Server]) -> Figure:
    """Start and stop each; return how long it took until they were ready."""
    used, libraries = [], []
    for server in servers:
        try:
            await server.start("/readyz")
            used.append(server.cpu())
        finally:
            await server.stop()
        libraries.append(_imported())
    times = [server.seconds_to_ready for server in servers]
    notes: dict[str, float | str] = {"fastest": min(times), "slowest": max(times), "CPU s": median(used)}
    pairs = median([mine / theirs for mine, theirs in zip(times, libraries, strict=True)])
    return Figure(name, median(times), "s", median(libraries), "importing the libraries alone", pairs, READY, notes)


def _imported() -> float:
    """Return the seconds it takes to import what a server with both platforms is made of, and do nothing."""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", f"import gc; gc.disable(); import {LIBRARIES}"], check=True)
    return time.perf_counter() - began


async def soak(options: Options) -> AsyncIterator[Found]:
    """Yield memory over very many turns of both platforms, a figure each `EVERY`."""
    both = Both()
    await both.open()
    server = both.server()
    await server.start("/readyz")
    try:
        crowds = [await slack.begun(server, both.slack, PEOPLE), (await teams.begun(server, both.teams, PEOPLE))[0]]
        turns, marks = 0, [(0, server.megabytes())]
        began = time.perf_counter()
        while turns < options.turns:
            for people in crowds:
                turns += (await closed(server, people, 1.0)).turns  # type: ignore[arg-type]  # of either platform
            if turns // EVERY > marks[-1][0] // EVERY:
                marks.append((turns, server.megabytes()))
                rate = turns / (time.perf_counter() - began)
                yield Figure(
                    f"memory after {turns // EVERY * EVERY:,} turns", marks[-1][1], "MB", notes={"turns/s": rate}
                )
        yield _steady(marks)
        x, lines = [float(mark[0]) for mark in marks], {"resident": [mark[1] for mark in marks]}
        yield Series("Memory over a soak", "turns", "MB", x, lines)
    finally:
        await server.stop()
        both.close()


def _steady(marks: list[tuple[int, float]]) -> Figure:
    """Compare the last quarter with the quarter before the middle: what fills at first has filled by then."""
    values = [megabytes for _, megabytes in marks]
    quarter = max(1, len(values) // 4)
    early, late = median(values[quarter : 2 * quarter] or values[:1]), median(values[-quarter:])
    return Figure(f"memory, the last quarter of {marks[-1][0]:,} turns", late, "MB", early, "the second", aim=STEADY)
