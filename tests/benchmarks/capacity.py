"""From what a turn costs here to what a million presses a minute would take: arithmetic over measured figures."""

import math
from collections.abc import Mapping

from tests.benchmarks.database import KEPT_DAYS, SEEN_DAYS, SEEN_EACH

LOADS = (1_000, 10_000, 100_000, 1_000_000)
"""Presses a minute at the busiest time."""
BUSY = 0.6
"""How busy a core may be on average, so that a second twice as full still fits."""
CONNECTIONS = 8
"""Of a replica to PostgreSQL: `bot.storage.database.THREADS`."""
PEAK_HOURS = 8
"""Hours at the busiest pace that make a day."""
PRESSES_EACH = 10
"""Presses of a dialog from its beginning to its end."""
CPU, SIZES = "CPU of a turn, all told", "PostgreSQL: a session, its jobs and deliveries"
COMMITS, LOG = "commits, each turn", "write-ahead log, each turn"


def table(parts: Mapping[str, dict]) -> list[str]:
    """Return the table's lines; none while one of its figures is missing. `parts`: those of a report."""
    known = {figure["name"].strip(): figure for part in parts.values() for figure in part["figures"]}
    if not {CPU, SIZES, COMMITS, LOG} <= known.keys():
        return []
    cpu, sizes = known[CPU]["notes"], known[SIZES]["notes"]
    rates = [load / 60 for load in LOADS]
    days = [rate * 3600 * PEAK_HOURS for rate in rates]
    kept = [day / PRESSES_EACH * KEPT_DAYS for day in days]
    heard = [day / PRESSES_EACH * SEEN_EACH * SEEN_DAYS for day in days]
    log = known[LOG]["value"]
    rows: dict[str, list[str]] = {
        "turns a second": [f"{rate:,.0f}" for rate in rates],
        f"replicas ({cpu['replica ms']:.2f} ms a turn)": [_cores(rate * cpu["replica ms"], 2) for rate in rates],
        "connections, without a pooler": [_connections(rate * cpu["replica ms"]) for rate in rates],
        f"cores of PostgreSQL ({cpu['PostgreSQL ms']:.2f} ms)": [_cores(rate * cpu["PostgreSQL ms"]) for rate in rates],
        "commits a second": [f"{rate * known[COMMITS]['value']:,.0f}" for rate in rates],
        f"log, MB a second ({log:,.0f} bytes a turn)": [f"{rate * log / 1e6:,.1f}" for rate in rates],
        "log, GB a day": [f"{day * log / 1e9:,.0f}" for day in days],
        "`seen`: rows of two days": [_millions(rows) for rows in heard],
        "`seen`: GB": [f"{rows * sizes['seen, bytes a row'] / 1e9:,.1f}" for rows in heard],
        f"`sessions`: rows of {KEPT_DAYS} days": [_millions(rows) for rows in kept],
        "`sessions`: GB": [f"{rows * sizes['sessions, bytes a row'] / 1e9:,.0f}" for rows in kept],
    }
    head = [
        "| presses a minute | " + " | ".join(f"{load:,}" for load in LOADS) + " |",
        "|---" + "|---:" * len(LOADS) + "|",
    ]
    return [*head, *(f"| {name} | {' | '.join(values)} |" for name, values in rows.items())]


def _cores(milliseconds: float, least: int = 1) -> str:
    """Return how many cores so many milliseconds of CPU each second take."""
    return f"{max(least, math.ceil(milliseconds / 1e3 / BUSY)):,}"


def _connections(milliseconds: float) -> str:
    return f"{max(2, math.ceil(milliseconds / 1e3 / BUSY)) * CONNECTIONS:,}"


def _millions(rows: float) -> str:
    return f"{rows / 1e6:,.1f} M" if rows < 1e9 else f"{rows / 1e9:,.1f} bn"
