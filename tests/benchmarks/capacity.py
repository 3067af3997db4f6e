"""Estimate the resources for up to a million presses a minute from measured figures."""

import math
from collections.abc import Mapping

from tests.benchmarks.database import EVENT_DAYS, EVENTS_EACH, RETENTION_DAYS

LOADS = (1_000, 10_000, 100_000, 1_000_000)
"""Presses a minute at the busiest time."""
UTILIZATION = 0.6
"""How busy a core may be on average, so that a second twice as full still fits."""
CONNECTIONS = 8
"""Connections of a replica to PostgreSQL: `bot.storage.database.THREADS`."""
PEAK_HOURS = 8
"""A day has the load of so many busy hours."""
PRESSES_EACH = 10
"""Presses of one dialog."""
CPU, SIZES = "CPU of a turn, total", "PostgreSQL: a session with its jobs and events"
COMMITS, WAL = "commits, each turn", "write-ahead log, each turn"
"""Names of the figures used."""


def table(parts: Mapping[str, dict]) -> list[str]:
    """Return the lines of the table, none if a figure is missing. `parts`: the benchmarks of a report."""
    known = {figure["name"].strip(): figure for part in parts.values() for figure in part["figures"]}
    if not {CPU, SIZES, COMMITS, WAL} <= known.keys():
        return []
    cpu, sizes = known[CPU]["notes"], known[SIZES]["notes"]
    rates = [load / 60 for load in LOADS]
    days = [rate * 3600 * PEAK_HOURS for rate in rates]
    stored = [day / PRESSES_EACH * RETENTION_DAYS for day in days]
    events = [day / PRESSES_EACH * EVENTS_EACH * EVENT_DAYS for day in days]
    wal = known[WAL]["value"]
    rows: dict[str, list[str]] = {
        "turns a second": [f"{rate:,.0f}" for rate in rates],
        f"replicas ({cpu['replica ms']:.2f} ms a turn)": [_cores(rate * cpu["replica ms"], 2) for rate in rates],
        "connections, without a pooler": [_connections(rate * cpu["replica ms"]) for rate in rates],
        f"cores of PostgreSQL ({cpu['PostgreSQL ms']:.2f} ms)": [_cores(rate * cpu["PostgreSQL ms"]) for rate in rates],
        "commits a second": [f"{rate * known[COMMITS]['value']:,.0f}" for rate in rates],
        f"log, MB a second ({wal:,.0f} bytes a turn)": [f"{rate * wal / 1e6:,.1f}" for rate in rates],
        "log, GB a day": [f"{day * wal / 1e9:,.0f}" for day in days],
        "`processed_events`: rows of two days": [_millions(rows) for rows in events],
        "`processed_events`: GB": [f"{rows * sizes['processed_events, bytes a row'] / 1e9:,.1f}" for rows in events],
        f"`sessions`: rows of {RETENTION_DAYS} days": [_millions(rows) for rows in stored],
        "`sessions`: GB": [f"{rows * sizes['sessions, bytes a row'] / 1e9:,.0f}" for rows in stored],
    }
    head = [
        "| presses a minute | " + " | ".join(f"{load:,}" for load in LOADS) + " |",
        "|---" + "|---:" * len(LOADS) + "|",
    ]
    return [*head, *(f"| {name} | {' | '.join(values)} |" for name, values in rows.items())]


def _cores(milliseconds: float, minimum: int = 1) -> str:
    """Return the cores for so many milliseconds of CPU each second."""
    return f"{max(minimum, math.ceil(milliseconds / 1e3 / UTILIZATION)):,}"


def _connections(milliseconds: float) -> str:
    return f"{max(2, math.ceil(milliseconds / 1e3 / UTILIZATION)) * CONNECTIONS:,}"


def _millions(rows: float) -> str:
    return f"{rows / 1e6:,.1f} M" if rows < 1e9 else f"{rows / 1e9:,.1f} bn"
