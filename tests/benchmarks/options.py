"""Options of all benchmarks."""

import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Options:
    """`seconds` of one measurement; `pairs` of measurements in a comparison; `folder` for the results."""

    seconds: float
    pairs: int
    folder: Path
    max_rows: int = 1_000_000
    turns: int = 200_000

    @staticmethod
    def warn(line: str) -> None:
        """Print to stderr what was not measured and why."""
        print(line, file=sys.stderr, flush=True)
