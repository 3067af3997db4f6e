"""How a benchmark is written down and measured."""

import gc
import time
from collections.abc import Callable
from dataclasses import dataclass

Work = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the report. `peer`: what the same machine takes, in the same run, for the least that must be done."""

    name: str
    value: float
    unit: str
    peer: float | None = None
    peer_name: str = ""

    def __str__(self) -> str:
        line = f"{self.name:<44} {self.value:>12,.1f} {self.unit:<9}"
        if self.peer is None:
            return line.rstrip()
        return f"{line} {self.peer:>12,.1f} {self.peer_name:<34} x{self.value / self.peer:.2f}"


def seconds(work: Work, *, least: float = 0.5) -> float:
    """Return the seconds that one call of `work` takes: the best of five rounds, in `least` seconds or more in all."""
    once = _round(work, 1)
    times = max(1, int(least / 5 / max(once, 1e-7)))
    return min(_round(work, times) for _ in range(5))


def _round(work: Work, times: int) -> float:
    gc.collect()
    began = time.perf_counter()
    for _ in range(times):
        work()
    return (time.perf_counter() - began) / times
