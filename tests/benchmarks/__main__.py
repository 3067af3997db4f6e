"""Run the benchmarks, or those of the modules named."""

import sys
from collections.abc import Callable, Iterator

from tests.benchmarks import batch, core, slack, store, teams
from tests.benchmarks.measure import Figure

BENCHMARKS: dict[str, Callable[[], Iterator[Figure]]] = {
    "core": core.figures,
    "batch": batch.figures,
    "store": store.figures,
    "slack": slack.figures,
    "teams": teams.figures,
}
"""Name -> what yields its figures, one after the other."""


def main(names: list[str]) -> int:
    """Print every figure as it is known; return the exit status."""
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        print(f"no such benchmark: {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}", file=sys.stderr)
        return 2
    for name in names or BENCHMARKS:
        for figure in BENCHMARKS[name]():
            print(figure, flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
