"""One replica and two on one PostgreSQL: what more machines bring, and what a turn costs the database."""

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress

import psutil
import psycopg

from tests.benchmarks import slack
from tests.benchmarks.database import Postgres, alchemy, postgres
from tests.benchmarks.load import Run, closed
from tests.benchmarks.measure import Figure, median
from tests.benchmarks.options import Options
from tests.benchmarks.servers import Server, anywhere, command, product_server

PEOPLE = 64
MOST = 2


async def figures(options: Options) -> AsyncIterator[Figure]:
    """Yield the figures of replicas."""
    anywhere()
    with postgres() as server:
        if server:
            async for figure in _of(server, options):
                yield figure


async def _of(database: Postgres, options: Options) -> AsyncIterator[Figure]:
    platform = slack.Platform()
    await platform.open()
    uri = database.create()
    told = {**slack.settings(platform), "DATABASE_URL": alchemy(uri)}
    await command(told, "db", "upgrade")
    replicas = [product_server(told, name=f"replica {number + 1}", cores=0) for number in range(MOST)]
    try:
        for replica in replicas:
            await replica.start("/readyz")
        people = await slack.begun(replicas[0], platform, PEOPLE)
        runs: dict[int, list[Run]] = {1: [], MOST: []}
        spent: list[dict[str, float]] = []
        await _shared(replicas, people, options.seconds / 2)  # warm
        for _ in range(options.pairs):
            for count, done in runs.items():
                before = _spent(database, uri)
                run = await _shared(replicas[:count], people, options.seconds)
                done.append(run)
                spent.append({key: (value - before[key]) / run.turns for key, value in _spent(database, uri).items()})
        for figure in _figures(runs, spent):
            yield figure
    finally:
        for replica in replicas:
            await replica.stop()
        platform.close()


async def _shared(replicas: Sequence[Server], people: Sequence[slack.Presser], seconds: float) -> Run:
    """Let each replica have its part of the people; return what all came to."""
    parts = [people[index :: len(replicas)] for index in range(len(replicas))]
    runs = await asyncio.gather(*(closed(*pair, seconds) for pair in zip(replicas, parts, strict=True)))
    longest = max(run.seconds for run in runs)
    return Run(sum(run.turns for run in runs), longest, sum(run.cpu for run in runs), [])


def _spent(database: Postgres, uri: str) -> dict[str, float]:
    """Return what was used so far: CPU of PostgreSQL and of those who press, commits, bytes of the log."""
    cpu = 0.0
    for process in database.processes():
        with suppress(psutil.Error):
            times = process.cpu_times()
            cpu += times.user + times.system
    own = psutil.Process().cpu_times()
    with psycopg.connect(uri, autocommit=True) as connection:
        connection.execute("SELECT pg_stat_force_next_flush()")
        row = connection.execute(
            "SELECT xact_commit, pg_current_wal_lsn() - '0/0'::pg_lsn FROM pg_stat_database"
            " WHERE datname = current_database()"
        ).fetchone()
    assert row
    return {"database": cpu, "press": own.user + own.system, "commits": float(row[0]), "log": float(row[1])}


def _figures(runs: dict[int, list[Run]], spent: list[dict[str, float]]) -> list[Figure]:
    one, two = (median([run.rate for run in some]) for some in runs.values())
    ratio = median([more.rate / less.rate for less, more in zip(*runs.values(), strict=True)])
    each = {key: median([some[key] for some in spent]) for key in spent[0]}
    whole = [run for some in runs.values() for run in some]
    server = median([run.cpu_each for run in whole])
    cores = os.cpu_count() or 1
    parts = {"replica ms": server, "PostgreSQL ms": each["database"] * 1e3, "who presses ms": each["press"] * 1e3}
    limit = cores * 1e3 / sum(parts.values())
    return [
        Figure("PostgreSQL, one replica", one, "turns/s", notes={"busy cores": median([run.busy for run in runs[1]])}),
        Figure("PostgreSQL, two replicas", two, "turns/s", one, "one replica", ratio, notes={"cores here": cores}),
        Figure("  CPU of a turn, all told", sum(parts.values()), "ms", notes=dict(parts)),
        Figure(
            "  turns/s at which all cores here are busy", limit, "turns/s", notes={"reached": max(one, two) / limit}
        ),
        Figure("  PostgreSQL's CPU, each turn", each["database"] * 1e3, "ms"),
        Figure("  commits, each turn", each["commits"], "commits"),
        Figure("  write-ahead log, each turn", each["log"], "bytes"),
    ]
