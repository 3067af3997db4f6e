"""Run the benchmarks, or those named: ``python -m tests.benchmarks [NAME ...]``."""

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path

from tests.benchmarks import batch, core, pressing, store
from tests.benchmarks.measure import Figure
from tests.benchmarks.options import Options
from tests.benchmarks.servers import ROOT, keep_apart

Plain = Callable[[], Iterator[Figure]]
Async = Callable[[Options], AsyncIterator[Figure]]

ALONE: Mapping[str, Plain] = {"core": core.figures, "batch": batch.figures, "store": store.figures}
"""What needs no other process."""
SERVED: Mapping[str, Async] = {
    "press": pressing.figures,
    "slack": pressing.slack_figures,
    "teams": pressing.teams_figures,
}
"""What is measured from outside."""
ALL = ("core", "batch", "store", "press")
NAMES = (*ALONE, *SERVED)


def main(arguments: list[str]) -> int:
    """Print every figure as it is known; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(NAMES)}; all but the last if none")
    parser.add_argument("--seconds", type=float, default=2.5, help="of one measurement (2.5)")
    parser.add_argument("--pairs", type=int, default=3, help="how often ours and a peer are measured in turns (3)")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "bench", help="where results go (build/bench)")
    given = parser.parse_args(arguments)
    if unknown := [name for name in given.names if name not in NAMES]:
        parser.error(f"no such benchmark: {', '.join(unknown)}; there are {', '.join(NAMES)}")
    options = Options(given.seconds, given.pairs, given.out)
    for name in given.names or ALL:
        for figure in run(name, options):
            print(figure, flush=True)
    return 0


def run(name: str, options: Options) -> Iterator[Figure]:
    """Yield the figures of one benchmark as they come."""
    if name in ALONE:
        yield from ALONE[name]()
        return
    keep_apart()
    with asyncio.Runner(loop_factory=_loop()) as runner:
        found = SERVED[name](options)
        while (figure := runner.run(anext(found, None))) is not None:
            yield figure


def _loop() -> Callable[[], asyncio.AbstractEventLoop]:
    """Return the fastest loop there is: who presses must not be what is measured."""
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop
    return uvloop.new_event_loop


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
