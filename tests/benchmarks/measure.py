"""How a figure is written down, compared and judged."""

import gc
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

Work = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Aim:
    """What a figure is to reach: at least, or at most, `limit`. `of`: the value itself, or its ratio to the peer.

    `goal`: further than what is asked for; falling short of it is said as well, and is no failure.
    """

    limit: float
    of: str = "ratio"
    most: bool = False
    goal: bool = False

    def __str__(self) -> str:
        sign = "≤" if self.most else "≥"
        return f"{sign} {self.limit:g}{'x' if self.of == 'ratio' else ''}{' (goal)' if self.goal else ''}"

    def met(self, value: float) -> bool:
        return value <= self.limit if self.most else value >= self.limit


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the report. `peer`: what the same machine takes, in the same run, for the work it is compared with.

    `against`: the ratio where it is a median of pairs, not that of the two values. `notes`: what else was seen.
    """

    name: str
    value: float
    unit: str
    peer: float | None = None
    peer_name: str = ""
    against: float | None = None
    aim: Aim | None = None
    notes: dict[str, float | str] = field(default_factory=dict)

    @property
    def ratio(self) -> float | None:
        if self.against is not None:
            return self.against
        return self.value / self.peer if self.peer else None

    @property
    def met(self) -> bool | None:
        """Whether the aim is reached; None where there is none."""
        found = self.ratio if self.aim and self.aim.of == "ratio" else self.value
        return None if self.aim is None or found is None else self.aim.met(found)

    @property
    def verdict(self) -> str:
        """The aim, and whether it is reached, in words."""
        if self.aim is None:
            return ""
        return f"aim {self.aim}: {'met' if self.met else 'FALLS SHORT'}"

    def __str__(self) -> str:
        line = f"{self.name:<48} {self.value:>11,.2f} {self.unit:<9}"
        if self.ratio is not None:
            peer = "" if self.peer is None else f"{self.peer:,.2f} "
            line += f" x{self.ratio:<7.2f} of {peer}{self.peer_name}"
        notes = ", ".join(f"{key} {_short(value)}" for key, value in self.notes.items())
        return "  ".join(part for part in (line.rstrip(), self.verdict, notes) if part)


def _short(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:,.3g}" if abs(value) < 100 else f"{value:,.0f}"


def seconds(work: Work, *, least: float = 0.5) -> float:
    """Return the seconds that one call of `work` takes: the best of five rounds, in `least` seconds or more in all."""
    once = _round(work, 1)
    times = max(1, int(least / 5 / max(once, 1e-7)))
    return min(_round(work, times) for _ in range(5))


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the value that `percent` % of all are at or below."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def _round(work: Work, times: int) -> float:
    gc.collect()
    began = time.perf_counter()
    for _ in range(times):
        work()
    return (time.perf_counter() - began) / times


@dataclass(frozen=True, slots=True)
class Series:
    """Points of a plot. `lines`: by name, the values at `x`."""

    name: str
    x_name: str
    y_name: str
    x: list[float]
    lines: dict[str, list[float]]

    def __str__(self) -> str:
        rows = (f"  {name}: " + "  ".join(_short(value) for value in values) for name, values in self.lines.items())
        return "\n".join((f"{self.name}, {self.x_name}: " + "  ".join(_short(value) for value in self.x), *rows))


Found = Figure | Series
