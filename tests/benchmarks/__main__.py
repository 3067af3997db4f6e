"""Run the benchmarks, or those named: ``python -m tests.benchmarks [NAME ...]``; `soak` only by name."""

import argparse
import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path

from tests.benchmarks import batch, core, footprint, latency, many_users, pressing, replicas, scale, store, trips
from tests.benchmarks.measure import Figure, Found
from tests.benchmarks.options import Options
from tests.benchmarks.report import Report
from tests.benchmarks.servers import ROOT, anywhere, keep_apart

Plain = Callable[[], Iterator[Figure]]
Async = Callable[[Options], AsyncIterator[Found]]

ALONE: Mapping[str, Plain] = {"core": core.figures, "batch": batch.figures, "store": store.figures}
"""What needs no other process."""
SERVED: Mapping[str, Async] = {
    "slack": pressing.slack_figures,
    "teams": pressing.teams_figures,
    "latency": latency.figures,
    "crowd": many_users.figures,
    "trips": trips.figures,
    "replicas": replicas.figures,
    "footprint": footprint.figures,
    "scale": scale.figures,
    "soak": footprint.soak,
}
"""What is measured from outside, and what needs a database server."""
ALL = tuple(name for name in (*ALONE, *SERVED) if name != "soak")
SHORT = {"press": ("slack", "teams"), "publish": ()}
"""Words for several, or none: `publish` alone puts what was measured before into the page."""


def main(arguments: list[str]) -> int:
    """Print every figure as it is known, and keep all; return the exit status."""
    given = _parsed(arguments)
    options = Options(given.seconds, given.pairs, given.out, given.rows, given.turns)
    report = Report(given.out)
    names = [part for name in given.names for part in SHORT.get(name, (name,))] if given.names else ALL
    failed = [name for name in names if not _measured(name, options, report)]
    report.draw(given.out)
    print(f"\nResults: {given.out}/results.json and results.md")
    for line in report.short():
        print(f"Falls short: {line}")
    if given.publish or "publish" in given.names:
        report.publish()
    if failed:
        print(f"Not measured whole: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def _parsed(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    known = (*ALONE, *SERVED, *SHORT)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(known)}; all but soak if none")
    parser.add_argument("--seconds", type=float, default=2.5, help="of one measurement (2.5)")
    parser.add_argument("--pairs", type=int, default=3, help="how often ours and a peer are measured in turns (3)")
    parser.add_argument("--rows", type=int, default=1_000_000, help="sessions stored at most (1000000)")
    parser.add_argument("--turns", type=int, default=200_000, help="of a soak (200000)")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "bench", help="where results go (build/bench)")
    parser.add_argument("--publish", action="store_true", help="write figures and plots into deploy/SCALING.md")
    given = parser.parse_args(arguments)
    if unknown := [name for name in given.names if name not in known]:
        parser.error(f"no such benchmark: {', '.join(unknown)}; there are {', '.join(known)}")
    return given


def _measured(name: str, options: Options, report: Report) -> bool:
    """Measure a part and keep what came of it; whatever goes wrong, say so and let the others have their turn."""
    print(f"\n== {name}", flush=True)
    found: list[Found] = []
    began = time.monotonic()
    try:
        for one in _run(name, options):
            print(one, flush=True)
            found.append(one)
    except Exception as error:
        options.say(f"{name} stops here: {type(error).__name__}: {error}")
        return False
    finally:
        anywhere()
        if found:
            report.take(name, found, options, time.monotonic() - began)
    return bool(found)


def _run(name: str, options: Options) -> Iterator[Found]:
    """Yield the figures of one benchmark as they come."""
    if name in ALONE:
        yield from ALONE[name]()
        return
    keep_apart()
    with asyncio.Runner() as runner:
        found = SERVED[name](options)
        while (one := runner.run(anext(found, None))) is not None:
            yield one


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
