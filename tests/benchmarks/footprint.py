"""The time from start to ready, and the memory of a replica: at first, after load, and after very many turns."""

import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from tests.benchmarks import slack, teams
from tests.benchmarks.load import closed_loop
from tests.benchmarks.measure import Aim, Figure, Result, Series, median
from tests.benchmarks.options import Options
from tests.benchmarks.servers import ServerProcess, product_server, run_command

STARTS = 7
USERS = 32
SAMPLE_EVERY = 10_000
LIBRARIES = (
    "aiohttp.web, slack_bolt.async_app, botbuilder.core, sqlalchemy.dialects.sqlite, pydantic_settings, structlog,"
    " cryptography.fernet, prometheus_client, orjson"
)
START_AIM = Aim(1.5, of="value", maximum=True)
MEMORY_AIM = Aim(130.0, of="value", maximum=True)
SOAK_AIM = Aim(1.1, maximum=True)


class BothPlatforms:
    """The simulated platforms, and settings for the product with both."""

    def __init__(self) -> None:
        self.slack, self.teams = slack.Platform(), teams.Platform()
        self._folder = tempfile.TemporaryDirectory(prefix="cm-advisor-bench-")
        self.existing_database = {"DATABASE_URL": f"sqlite:///{Path(self._folder.name) / 'existing.db'}"}

    async def open(self) -> None:
        await self.slack.open()
        await self.teams.open()

    def close(self) -> None:
        self.slack.close()
        self.teams.close()
        self._folder.cleanup()

    def server(self, **extra_settings: str) -> ServerProcess:
        """Return a server with an empty database, unless `extra_settings` say otherwise."""
        return product_server({**slack.settings(self.slack), **teams.settings(self.teams), **extra_settings})


async def figures(options: Options) -> AsyncIterator[Figure]:
    """Yield the figures of starts and memory."""
    platforms = BothPlatforms()
    await platforms.open()
    server = platforms.server(**platforms.existing_database)
    try:
        yield await _starts("first start, empty database", [platforms.server() for _ in range(STARTS)])
        await run_command(platforms.existing_database, "db", "upgrade")
        servers = [platforms.server(**platforms.existing_database) for _ in range(STARTS)]
        yield await _starts("from start to ready, both platforms", servers)
        await server.start("/readyz")
        yield Figure("memory of a replica, ready", server.megabytes(), "MB", aim=MEMORY_AIM)
        slack_users = await slack.start_dialogs(server, platforms.slack, USERS)
        teams_users, _ = await teams.start_dialogs(server, platforms.teams, USERS)
        for users in (slack_users, teams_users):
            await closed_loop(server, users, options.seconds * 2)
        yield Figure("memory of a replica, after load", server.megabytes(), "MB", aim=MEMORY_AIM)
    finally:
        await server.stop()
        platforms.close()


async def _starts(name: str, servers: Sequence[ServerProcess]) -> Figure:
    """Start and stop each server; return the time until they were ready."""
    cpu, libraries = [], []
    for server in servers:
        try:
            await server.start("/readyz")
            cpu.append(server.cpu())
        finally:
            await server.stop()
        libraries.append(_import_seconds())
    times = [server.seconds_to_ready for server in servers]
    notes: dict[str, float | str] = {"fastest": min(times), "slowest": max(times), "CPU s": median(cpu)}
    ratio = median([total / alone for total, alone in zip(times, libraries, strict=True)])
    return Figure(name, median(times), "s", median(libraries), "importing the libraries alone", ratio, START_AIM, notes)


def _import_seconds() -> float:
    """Return the seconds to start Python and import the libraries of a server with both platforms."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", f"import gc; gc.disable(); import {LIBRARIES}"], check=True)
    return time.perf_counter() - started


async def soak(options: Options) -> AsyncIterator[Result]:
    """Yield the memory over very many turns on both platforms, every `SAMPLE_EVERY` turns."""
    platforms = BothPlatforms()
    await platforms.open()
    server = platforms.server()
    await server.start("/readyz")
    try:
        groups = [
            await slack.start_dialogs(server, platforms.slack, USERS),
            (await teams.start_dialogs(server, platforms.teams, USERS))[0],
        ]
        turns, samples = 0, [(0, server.megabytes())]
        started = time.perf_counter()
        while turns < options.turns:
            for users in groups:
                turns += (await closed_loop(server, users, 1.0)).turns  # type: ignore[arg-type]  # of either platform
            if turns // SAMPLE_EVERY > samples[-1][0] // SAMPLE_EVERY:
                samples.append((turns, server.megabytes()))
                rate = turns / (time.perf_counter() - started)
                yield Figure(
                    f"memory after {turns // SAMPLE_EVERY * SAMPLE_EVERY:,} turns",
                    samples[-1][1],
                    "MB",
                    notes={"turns/s": rate},
                )
        yield _compare_quarters(samples)
        x, lines = [float(sample[0]) for sample in samples], {"resident": [sample[1] for sample in samples]}
        yield Series("Memory over a soak", "turns", "MB", x, lines)
    finally:
        await server.stop()
        platforms.close()


def _compare_quarters(samples: list[tuple[int, float]]) -> Figure:
    """Compare the last quarter with the second, when caches are full."""
    values = [megabytes for _, megabytes in samples]
    quarter = max(1, len(values) // 4)
    early, late = median(values[quarter : 2 * quarter] or values[:1]), median(values[-quarter:])
    return Figure(
        f"memory, the last quarter of {samples[-1][0]:,} turns", late, "MB", early, "the second", aim=SOAK_AIM
    )
