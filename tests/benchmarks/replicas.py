"""One and two replicas on one PostgreSQL: throughput, and the cost of a turn for the database."""

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress

import psutil
import psycopg

from tests.benchmarks import slack
from tests.benchmarks.database import postgres
from tests.benchmarks.load import Run, closed_loop
from tests.benchmarks.measure import Figure, median
from tests.benchmarks.options import Options
from tests.benchmarks.servers import ServerProcess, product_server, run_command, use_all_cores
from tests.postgres_server import PostgresServer, sqlalchemy_url

USERS = 64
MAX_REPLICAS = 2


async def figures(options: Options) -> AsyncIterator[Figure]:
    """Yield the figures of replicas."""
    use_all_cores()
    with postgres() as server:
        if server:
            async for figure in _measure(server, options):
                yield figure


async def _measure(database: PostgresServer, options: Options) -> AsyncIterator[Figure]:
    platform = slack.Platform()
    await platform.open()
    uri = database.create_database()
    settings = {**slack.settings(platform), "DATABASE_URL": sqlalchemy_url(uri)}
    await run_command(settings, "db", "upgrade")
    replicas = [product_server(settings, name=f"replica {number + 1}", cores=0) for number in range(MAX_REPLICAS)]
    try:
        for replica in replicas:
            await replica.start("/readyz")
        users = await slack.start_dialogs(replicas[0], platform, USERS)
        runs: dict[int, list[Run]] = {1: [], MAX_REPLICAS: []}
        usage: list[dict[str, float]] = []
        await _split(replicas, users, options.seconds / 2)  # warm-up
        for _ in range(options.pairs):
            for count, results in runs.items():
                before = _usage(database, uri)
                run = await _split(replicas[:count], users, options.seconds)
                results.append(run)
                usage.append({key: (value - before[key]) / run.turns for key, value in _usage(database, uri).items()})
        for figure in _figures(runs, usage):
            yield figure
    finally:
        for replica in replicas:
            await replica.stop()
        platform.close()


async def _split(replicas: Sequence[ServerProcess], users: Sequence[slack.SlackUser], seconds: float) -> Run:
    """Divide the users among the replicas; return the sum of the runs."""
    parts = [users[index :: len(replicas)] for index in range(len(replicas))]
    runs = await asyncio.gather(*(closed_loop(*pair, seconds) for pair in zip(replicas, parts, strict=True)))
    longest = max(run.seconds for run in runs)
    return Run(sum(run.turns for run in runs), longest, sum(run.cpu for run in runs), [])


def _usage(database: PostgresServer, uri: str) -> dict[str, float]:
    """Return the totals so far: CPU of PostgreSQL and of this process, commits, bytes of the write-ahead log."""
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
    return {"database": cpu, "load generator": own.user + own.system, "commits": float(row[0]), "wal": float(row[1])}


def _figures(runs: dict[int, list[Run]], usage: list[dict[str, float]]) -> list[Figure]:
    one, two = (median([run.rate for run in group]) for group in runs.values())
    ratio = median([more.rate / less.rate for less, more in zip(*runs.values(), strict=True)])
    each = {key: median([turn[key] for turn in usage]) for key in usage[0]}
    server = median([run.cpu_each for group in runs.values() for run in group])
    cores = os.cpu_count() or 1
    parts = {
        "replica ms": server,
        "PostgreSQL ms": each["database"] * 1e3,
        "load generator ms": each["load generator"] * 1e3,
    }
    limit = cores * 1e3 / sum(parts.values())
    return [
        Figure(
            "PostgreSQL, one replica", one, "turns/s", notes={"cores busy": median([run.cores_busy for run in runs[1]])}
        ),
        Figure("PostgreSQL, two replicas", two, "turns/s", one, "one replica", ratio, notes={"cores": cores}),
        Figure("  CPU of a turn, total", sum(parts.values()), "ms", notes=dict(parts)),
        Figure("  turns/s at which all cores are busy", limit, "turns/s", notes={"reached": max(one, two) / limit}),
        Figure("  PostgreSQL's CPU, each turn", each["database"] * 1e3, "ms"),
        Figure("  commits, each turn", each["commits"], "commits"),
        Figure("  write-ahead log, each turn", each["wal"], "bytes"),
    ]
