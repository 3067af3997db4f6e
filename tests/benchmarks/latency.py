"""Latency of the response to a press: one user alone, and under load."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

from tests.benchmarks import slack, teams
from tests.benchmarks.load import Run, User, closed_loop, open_loop
from tests.benchmarks.measure import Figure, Result, Series, percentile
from tests.benchmarks.options import Options
from tests.benchmarks.servers import ServerProcess

USERS = 256
CONCURRENCY = 32
LOADS = (0.1, 0.25, 0.5, 0.65, 0.8, 0.9, 0.95)
"""As shares of the maximum measured in a closed loop."""
REPORTED_LOAD = 0.8


async def figures(options: Options) -> AsyncIterator[Result]:
    """Yield the figures of both platforms."""
    slack_server, slack_platform, slack_users = await slack.start(USERS)
    async for result in _measure("Slack", slack_server, slack_platform, slack_users, options):
        yield result
    teams_server, teams_platform, teams_users, _ = await teams.start(USERS)
    async for result in _measure("Teams", teams_server, teams_platform, teams_users, options):
        yield result


async def _measure(
    name: str, server: ServerProcess, platform: Any, users: Sequence[User], options: Options
) -> AsyncIterator[Result]:
    try:
        await closed_loop(server, users[:CONCURRENCY], options.seconds / 2)  # warm-up
        alone = await closed_loop(server, users[:1], options.seconds)
        yield _figure(f"{name}: response, one user alone", alone)
        maximum = (await closed_loop(server, users[:CONCURRENCY], options.seconds * 2)).rate
        runs = [await open_loop(server, users, maximum * load, options.seconds) for load in LOADS]
        reported = runs[LOADS.index(REPORTED_LOAD)]
        yield _figure(f"{name}: response, at {REPORTED_LOAD:.0%} of {maximum:,.0f} turns/s", reported)
        lines = {f"p{percent}": [percentile(run.latencies, percent) * 1e3 for run in runs] for percent in (50, 99)}
        offered = [round(maximum * load, 1) for load in LOADS]
        yield Series(f"{name}: latency", "turns a second offered", "milliseconds", offered, lines)
    finally:
        await server.stop()
        platform.close()


def _figure(name: str, run: Run) -> Figure:
    p50, p99, slowest = (percentile(run.latencies, percent) * 1e3 for percent in (50, 99, 100))
    notes: dict[str, float | str] = {"p99 ms": p99, "slowest ms": slowest, "presses": len(run.latencies)}
    return Figure(name, p50, "ms p50", notes=notes)
