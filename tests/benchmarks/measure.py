"""Figures and series, their comparison with a peer, and their aims."""

import gc
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

Work = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Aim:
    """A limit for the value of a figure, or for its ratio to the peer: a minimum, or a `maximum`.

    `goal` marks an aim beyond the requirement.
    """

    limit: float
    of: str = "ratio"
    maximum: bool = False
    goal: bool = False

    def __str__(self) -> str:
        sign = "≤" if self.maximum else "≥"
        return f"{sign} {self.limit:g}{'x' if self.of == 'ratio' else ''}{' (goal)' if self.goal else ''}"

    def met(self, value: float) -> bool:
        return value <= self.limit if self.maximum else value >= self.limit


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the report.

    Attributes:
        peer: The value of the peer, on the same machine in the same run.
        median_ratio: The median ratio of the pairs, in place of the ratio of the two values.
        notes: Further values.
    """

    name: str
    value: float
    unit: str
    peer: float | None = None
    peer_name: str = ""
    median_ratio: float | None = None
    aim: Aim | None = None
    notes: dict[str, float | str] = field(default_factory=dict)

    @property
    def ratio(self) -> float | None:
        if self.median_ratio is not None:
            return self.median_ratio
        return self.value / self.peer if self.peer else None

    @property
    def met(self) -> bool | None:
        """Whether the aim is met; None without an aim."""
        value = self.ratio if self.aim and self.aim.of == "ratio" else self.value
        return None if self.aim is None or value is None else self.aim.met(value)

    @property
    def aim_status(self) -> str:
        """The aim, and whether it is met, as text."""
        if self.aim is None:
            return ""
        return f"aim {self.aim}: {'met' if self.met else 'NOT MET'}"

    def __str__(self) -> str:
        line = f"{self.name:<48} {self.value:>11,.2f} {self.unit:<9}"
        if self.ratio is not None:
            peer = "" if self.peer is None else f"{self.peer:,.2f} "
            line += f" x{self.ratio:<7.2f} of {peer}{self.peer_name}"
        notes = ", ".join(f"{key} {_format(value)}" for key, value in self.notes.items())
        return "  ".join(part for part in (line.rstrip(), self.aim_status, notes) if part)


def _format(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:,.3g}" if abs(value) < 100 else f"{value:,.0f}"


def time_call(work: Work, *, min_seconds: float = 0.5) -> float:
    """Return the seconds of one call of `work`: the best of five rounds that take at least `min_seconds` together."""
    once = _round(work, 1)
    times = max(1, int(min_seconds / 5 / max(once, 1e-7)))
    return min(_round(work, times) for _ in range(5))


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the value that `percent` % of the values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def _round(work: Work, times: int) -> float:
    gc.collect()
    started = time.perf_counter()
    for _ in range(times):
        work()
    return (time.perf_counter() - started) / times


@dataclass(frozen=True, slots=True)
class Series:
    """The data of a plot. `lines`: name -> values at `x`."""

    name: str
    x_name: str
    y_name: str
    x: list[float]
    lines: dict[str, list[float]]

    def __str__(self) -> str:
        rows = (f"  {name}: " + "  ".join(_format(value) for value in values) for name, values in self.lines.items())
        return "\n".join((f"{self.name}, {self.x_name}: " + "  ".join(_format(value) for value in self.x), *rows))


Result = Figure | Series
