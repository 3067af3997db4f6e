"""How long an answer takes: to one person alone, and under load."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

from tests.benchmarks import slack, teams
from tests.benchmarks.load import Person, Run, closed, open_loop
from tests.benchmarks.measure import Figure, Found, Series, percentile
from tests.benchmarks.options import Options
from tests.benchmarks.servers import Server

PEOPLE = 256
AT_ONCE = 32
LOADS = (0.1, 0.25, 0.5, 0.65, 0.8, 0.9, 0.95)
"""Of what was measured as the most."""
GIVEN = 0.8
"""The load at which figures are given."""


async def figures(options: Options) -> AsyncIterator[Found]:
    """Yield the figures of both platforms."""
    ours, platform, people = await slack.opened(PEOPLE)
    async for found in _of("Slack", ours, platform, people, options):
        yield found
    server, connector, pressers, _ = await teams.opened(PEOPLE)
    async for found in _of("Teams", server, connector, pressers, options):
        yield found


async def _of(
    name: str, ours: Server, platform: Any, people: Sequence[Person], options: Options
) -> AsyncIterator[Found]:
    try:
        await closed(ours, people[:AT_ONCE], options.seconds / 2)  # warm
        alone = await closed(ours, people[:1], options.seconds)
        yield _figure(f"{name}: an answer, one person alone", alone)
        most = (await closed(ours, people[:AT_ONCE], options.seconds * 2)).rate
        runs = [await open_loop(ours, people, most * load, options.seconds) for load in LOADS]
        given = runs[LOADS.index(GIVEN)]
        yield _figure(f"{name}: an answer, at {GIVEN:.0%} of {most:,.0f} turns/s", given)
        lines = {f"p{percent}": [percentile(run.acks, percent) * 1e3 for run in runs] for percent in (50, 99)}
        offered = [round(most * load, 1) for load in LOADS]
        yield Series(f"{name}: time to the answer", "turns a second offered", "milliseconds", offered, lines)
    finally:
        await ours.stop()
        platform.close()


def _figure(name: str, run: Run) -> Figure:
    middle, late, latest = (percentile(run.acks, percent) * 1e3 for percent in (50, 99, 100))
    return Figure(name, middle, "ms p50", notes={"p99 ms": late, "slowest ms": latest, "presses": len(run.acks)})
