"""Benchmark results: stored as JSON, and written as Markdown tables and plots."""

import json
import os
import platform
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from tests.app_server import ROOT
from tests.benchmarks import capacity
from tests.benchmarks.measure import Figure, Result, Series
from tests.benchmarks.options import Options
from tests.benchmarks.servers import PEER_PYTHON

PAGE = ROOT / "deploy" / "SCALING.md"
PLOTS = ROOT / "deploy" / "docs"
BEGIN, END = "<!-- figures: written by `python -m tests.benchmarks --publish` -->", "<!-- end of the figures -->"
PRODUCT_PACKAGES = ("aiohttp", "psycopg", "slack-bolt", "slack-sdk", "sqlalchemy")
_PRINT_VERSIONS = (
    "import json,sys;from importlib.metadata import version as v;print(json.dumps({n:v(n) for n in sys.argv[1:]}))"
)
PEER_PACKAGES = (
    "aiohttp",
    "botbuilder-integration-aiohttp",
    "microsoft-agents-hosting-core",
    "slack-bolt",
    "slack-sdk",
)


class Report:
    """The results in a folder, by benchmark. A new run replaces the results of its benchmark."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._path = folder / "results.json"
        folder.mkdir(parents=True, exist_ok=True)
        self._parts: dict[str, dict] = {}
        if self._path.exists():
            self._parts = json.loads(self._path.read_text())["parts"]

    def add(self, part: str, results: Sequence[Result], options: Options, seconds: float) -> None:
        """Store the results of one benchmark."""
        self._parts[part] = {
            "when": datetime.now(UTC).isoformat(timespec="seconds"),
            "commit": commit(),
            "machine": machine(),
            "load": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
            "took": round(seconds, 1),
            "seconds": options.seconds,
            "pairs": options.pairs,
            "figures": [_figure(result) for result in results if isinstance(result, Figure)],
            "series": [asdict(result) for result in results if isinstance(result, Series)],
        }
        document = {"versions": versions(), "parts": self._parts}
        self._path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")
        (self.folder / "results.md").write_text(self.table())

    def table(self) -> str:
        """Return all figures as Markdown."""
        lines = []
        for name, part in self._parts.items():
            lines += [f"### {name}", "", _caption(part), ""]
            lines += ["| | | compared with | ratio | aim | |", "|---|---:|---:|---:|---|---|"]
            lines += [_row(figure) for figure in part["figures"]]
            lines.append("")
        return "\n".join((*lines, self._versions(), ""))

    def unmet(self) -> list[str]:
        """Return one line for each figure that does not meet its aim."""
        figures = [figure for part in self._parts.values() for figure in part["figures"]]
        return [f"{f['name'].strip()}: {_compared_value(f)}, aim {f['aim']}" for f in figures if f["met"] is False]

    def plot(self, folder: Path) -> list[str]:
        """Write the plots; return their file names. Without matplotlib print a warning and return none."""
        series = [series for part in self._parts.values() for series in part["series"]]
        if not series:
            return []
        command = [str(PEER_PYTHON), str(Path(__file__).with_name("plot.py")), str(folder)]
        try:
            process = subprocess.run(command, input=json.dumps(series), text=True, capture_output=True, check=True)
        except (OSError, subprocess.CalledProcessError) as error:
            Options.warn(f"no plots: {getattr(error, 'stderr', None) or error}")
            return []
        return process.stdout.split()

    def publish(self) -> None:
        """Write the tables and plots into the page about scaling."""
        before, _, rest = PAGE.read_text().partition(BEGIN)
        after = rest.partition(END)[2]
        plots = [f"![{name.removesuffix('.svg')}](docs/{name})" for name in self.plot(PLOTS)]
        unmet = self.unmet()
        aims = "Every aim is met." if not unmet else "**Aims not met:**\n\n" + "\n".join(f"- {line}" for line in unmet)
        estimate = capacity.table(self._parts) or ["*No estimate: `replicas` or `scale` was not measured.*"]
        parts = ("", "### Estimate", "", *estimate, "", "## Figures", "", aims, "", self.table(), *plots, "")
        PAGE.write_text("\n".join((f"{before}{BEGIN}", *parts, f"{END}{after}")))

    def _versions(self) -> str:
        return "Versions: " + "; ".join(
            f"{owner}: " + ", ".join(f"{name} {number}" for name, number in packages.items())
            for owner, packages in versions().items()
        )


def commit() -> str:
    """Return the current commit, marked when the files differ from it."""
    process = subprocess.run(
        ["git", "describe", "--always", "--dirty=+changes"], cwd=ROOT, text=True, capture_output=True, check=False
    )
    return process.stdout.strip() or "unknown"


def machine() -> str:
    """Describe the machine."""
    cpu, path = platform.processor() or platform.machine(), Path("/proc/cpuinfo")
    if path.exists():
        cpu = next((line.partition(": ")[2] for line in path.open() if line.startswith("model name")), cpu).strip()
    import psutil

    memory = psutil.virtual_memory().total / 2**30
    system = f"{platform.system()} {platform.release().split('-')[0]}, Python {platform.python_version()}"
    return f"{os.cpu_count()} cores ({cpu}), {memory:.0f} GB, {system}"


def versions() -> dict[str, dict[str, str]]:
    """Return the versions of the important packages of the product and of the peers."""
    known = {"product": {name: number for name in PRODUCT_PACKAGES if (number := _version(name))}}
    try:
        process = subprocess.run(
            [str(PEER_PYTHON), "-c", _PRINT_VERSIONS, *PEER_PACKAGES], text=True, capture_output=True, check=True
        )
        known["peers"] = json.loads(process.stdout)
    except (OSError, subprocess.CalledProcessError):
        pass
    return known


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _figure(figure: Figure) -> dict:
    derived = {"ratio": figure.ratio, "met": figure.met, "aim": str(figure.aim) if figure.aim else None}
    return {name: value for name, value in (asdict(figure) | derived).items() if name != "median_ratio"}


def _caption(part: dict) -> str:
    day, load = part["when"][:10], part["load"]
    return f"{day}, commit {part['commit']}, {part['machine']}; load at the end {load}; {part['took']:.0f} s."


def _row(figure: dict) -> str:
    peer = "" if figure["peer"] is None else f"{figure['peer']:,.2f}"
    compared = " ".join(part for part in (peer, figure["peer_name"]) if part)
    ratio = "" if figure["ratio"] is None else f"{figure['ratio']:.2f}"
    notes = ", ".join(
        f"{name} {value if isinstance(value, str) else f'{value:,.4g}'}" for name, value in _notes(figure)
    )
    return f"| {figure['name'].strip()} | {_value(figure)} | {compared} | {ratio} | {_aim(figure)} | {notes} |"


def _notes(figure: dict) -> Iterable[tuple[str, float | str]]:
    return dict(figure["notes"]).items()


def _value(figure: dict) -> str:
    return f"{figure['value']:,.2f} {figure['unit']}"


def _compared_value(figure: dict) -> str:
    """Return the value, and the ratio if the aim is about it."""
    return f"{_value(figure)}, {figure['ratio']:.2f}x" if figure["aim"].count("x") else _value(figure)


def _aim(figure: dict) -> str:
    if not figure["aim"]:
        return ""
    return f"{figure['aim']}: met" if figure["met"] else f"{figure['aim']}: **not met**"
