"""Run the benchmarks, or those named: ``python -m tests.benchmarks [NAME ...]``; `soak` only by name."""

import argparse
import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path

from tests.app_server import ROOT
from tests.benchmarks import batch, core, footprint, latency, many_users, pressing, replicas, scale, store, trips
from tests.benchmarks.measure import Figure, Result
from tests.benchmarks.options import Options
from tests.benchmarks.report import Report
from tests.benchmarks.servers import leave_last_core, use_all_cores

Sync = Callable[[], Iterator[Figure]]
Async = Callable[[Options], AsyncIterator[Result]]

IN_PROCESS: Mapping[str, Sync] = {"core": core.figures, "batch": batch.figures, "store": store.figures}
"""Benchmarks in this process."""
WITH_SERVERS: Mapping[str, Async] = {
    "slack": pressing.slack_figures,
    "teams": pressing.teams_figures,
    "latency": latency.figures,
    "many_users": many_users.figures,
    "trips": trips.figures,
    "replicas": replicas.figures,
    "footprint": footprint.figures,
    "scale": scale.figures,
    "soak": footprint.soak,
}
"""Benchmarks of server processes or with a database server."""
ALL = tuple(name for name in (*IN_PROCESS, *WITH_SERVERS) if name != "soak")
GROUPS = {"press": ("slack", "teams"), "publish": ()}
"""Names for several benchmarks or none: `publish` alone writes earlier results into the page."""


def main(arguments: list[str]) -> int:
    """Print and store every figure as it is measured; return the exit status."""
    parsed = _parse(arguments)
    options = Options(parsed.seconds, parsed.pairs, parsed.out, parsed.rows, parsed.turns)
    report = Report(parsed.out)
    names = [part for name in parsed.names for part in GROUPS.get(name, (name,))] if parsed.names else ALL
    failed = [name for name in names if not _measure(name, options, report)]
    report.plot(parsed.out)
    print(f"\nResults: {parsed.out}/results.json and results.md")
    for line in report.unmet():
        print(f"Aim not met: {line}")
    if parsed.publish or "publish" in parsed.names:
        report.publish()
    if failed:
        print(f"Incomplete: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    names = (*IN_PROCESS, *WITH_SERVERS, *GROUPS)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(names)}; all but soak if none")
    parser.add_argument("--seconds", type=float, default=2.5, help="seconds of one measurement (2.5)")
    parser.add_argument("--pairs", type=int, default=3, help="measurements of the product and of a peer (3)")
    parser.add_argument("--rows", type=int, default=1_000_000, help="stored sessions, at most (1000000)")
    parser.add_argument("--turns", type=int, default=200_000, help="turns of the soak benchmark (200000)")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "bench", help="where results go (build/bench)")
    parser.add_argument("--publish", action="store_true", help="write figures and plots into deploy/SCALING.md")
    parsed = parser.parse_args(arguments)
    if unknown := [name for name in parsed.names if name not in names]:
        parser.error(f"no such benchmark: {', '.join(unknown)}; there are {', '.join(names)}")
    return parsed


def _measure(name: str, options: Options, report: Report) -> bool:
    """Run one benchmark and store its results; on an error print it and return False."""
    print(f"\n== {name}", flush=True)
    results: list[Result] = []
    started = time.monotonic()
    try:
        for result in _run(name, options):
            print(result, flush=True)
            results.append(result)
    except Exception as error:
        options.warn(f"{name} stopped: {type(error).__name__}: {error}")
        return False
    finally:
        use_all_cores()
        if results:
            report.add(name, results, options, time.monotonic() - started)
    return bool(results)


def _run(name: str, options: Options) -> Iterator[Result]:
    """Yield the results of one benchmark as they are measured."""
    if name in IN_PROCESS:
        yield from IN_PROCESS[name]()
        return
    leave_last_core()
    with asyncio.Runner() as runner:
        results = WITH_SERVERS[name](options)
        while (result := runner.run(anext(results, None))) is not None:
            yield result


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
