"""How long and how often things are measured."""

import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Options:
    """`seconds`: of one measurement; `pairs`: how often each of two is measured; `folder`: where results go."""

    seconds: float
    pairs: int
    folder: Path
    most_rows: int = 1_000_000
    turns: int = 200_000

    @staticmethod
    def say(line: str) -> None:
        """Say what cannot be measured, and why; the rest goes on."""
        print(line, file=sys.stderr, flush=True)
