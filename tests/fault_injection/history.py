"""What a load test counts: responses by kind and status, their durations, injected faults, and violations."""

import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

from adapters.slack.http import RESPONSE_SECONDS

Json = dict[str, Any]

CONNECT_TIMEOUT = 6.0
"""Seconds after an outage in which a server may still wait for a connection (`connect_timeout`)."""


@dataclass
class History:
    """`statuses`: kind of request -> HTTP status, or the error in its place -> count."""

    statuses: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    durations: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    """Kind of request -> seconds of each response."""
    faults: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)
    """What a user saw that cannot be right."""
    outages: list[tuple[float, float]] = field(default_factory=list)
    """Start and end of each database outage, by `time.monotonic`."""
    server_errors: list[str] = field(default_factory=list)
    """Responses of 401 (all requests are genuine), and of 500 and above, except 503 to an event during an outage, or
    after Slack's timeout."""

    def record_response(self, kind: str, status: int | None, seconds: float, error: str = "") -> None:
        """Count the response to one request; `error` is counted when there is no status."""
        self.statuses[kind][str(status) if status else error or "no response"] += 1
        if status:
            self.durations[kind].append(seconds)
        excused = status == 503 and "event" in kind and (self.had_outage(seconds) or seconds > RESPONSE_SECONDS - 0.1)
        if status and (status == 401 or status >= 500) and not excused:
            self.server_errors.append(f"{kind}: status {status}")

    def had_outage(self, seconds: float) -> bool:
        """Return whether the database was unavailable in the last `seconds`, or shortly before."""
        now = time.monotonic()
        return any(start - seconds <= now and end + CONNECT_TIMEOUT > now - seconds for start, end in self.outages)

    def begin_outage(self) -> None:
        self.outages.append((time.monotonic(), float("inf")))

    def end_outage(self) -> None:
        self.outages[-1] = (self.outages[-1][0], time.monotonic())

    def latencies(self) -> Json:
        """Return milliseconds by kind of request."""
        return {kind: _percentiles(sorted(durations)) for kind, durations in sorted(self.durations.items())}


def _percentiles(ordered: list[float]) -> Json:
    def at(share: float) -> float:
        return round(1000 * ordered[min(int(len(ordered) * share), len(ordered) - 1)], 1)

    return {"count": len(ordered), "p50_ms": at(0.5), "p99_ms": at(0.99), "max_ms": at(1)}
