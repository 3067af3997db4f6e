"""What is counted while it storms: answers by kind and status, how long they took, faults by kind, and complaints."""

import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

from adapters.slack.http import ANSWER_WITHIN

Json = dict[str, Any]


@dataclass
class History:
    """`statuses`: kind of delivery -> HTTP status, or what happened in place of an answer -> how often."""

    statuses: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    seconds: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    """Kind of delivery -> the time each answer took."""
    faults: Counter[str] = field(default_factory=Counter)
    complaints: list[str] = field(default_factory=list)
    """What a person saw that cannot be right."""
    outages: list[tuple[float, float]] = field(default_factory=list)
    """When the database was away, from and to, in `time.monotonic`."""
    server_errors: list[str] = field(default_factory=list)
    """Answers of 500 and above that neither an outage excuses nor that Slack would not have waited any longer."""

    def answered(self, kind: str, status: int | None, seconds: float, why: str = "") -> None:
        """Note the answer to one delivery; `why` stands for a status that never came."""
        self.statuses[kind][str(status) if status else why or "no answer"] += 1
        if status:
            self.seconds[kind].append(seconds)
        excused = status == 503 and "event" in kind and (self.away(seconds) or seconds > ANSWER_WITHIN - 0.1)
        if status and status >= 500 and not excused:
            self.server_errors.append(f"{kind} was answered {status}")

    def away(self, seconds: float) -> bool:
        """Whether the database was away at some time of the last `seconds`, or shortly before."""
        now = time.monotonic()
        return any(began - seconds <= now and ended + GRACE > now - seconds for began, ended in self.outages)

    def begin_outage(self) -> None:
        self.outages.append((time.monotonic(), float("inf")))

    def end_outage(self) -> None:
        self.outages[-1] = (self.outages[-1][0], time.monotonic())

    def latencies(self) -> Json:
        """Return milliseconds by kind of delivery."""
        return {kind: _percentiles(sorted(taken)) for kind, taken in sorted(self.seconds.items())}


GRACE = 6.0
"""Seconds after an outage in which a connection may still be waited for (`connect_timeout`)."""


def _percentiles(taken: list[float]) -> Json:
    def at(share: float) -> float:
        return round(1000 * taken[min(int(len(taken) * share), len(taken) - 1)], 1)

    return {"count": len(taken), "p50_ms": at(0.5), "p99_ms": at(0.99), "max_ms": at(1)}
