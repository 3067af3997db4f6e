"""What was measured, kept: JSON for machines, a table for people, and the same in ``deploy/SCALING.md``."""

import json
import os
import platform
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from tests.benchmarks import capacity
from tests.benchmarks.measure import Figure, Found, Series
from tests.benchmarks.options import Options
from tests.benchmarks.servers import PEER_PYTHON, ROOT

PAGE = ROOT / "deploy" / "SCALING.md"
DRAWINGS = ROOT / "deploy" / "docs"
BEGIN, END = "<!-- figures: written by `python -m tests.benchmarks --publish` -->", "<!-- end of the figures -->"
OURS = ("aiohttp", "psycopg", "slack-bolt", "slack-sdk", "sqlalchemy")
_VERSIONS = (
    "import json,sys;from importlib.metadata import version as v;print(json.dumps({n:v(n) for n in sys.argv[1:]}))"
)
THEIRS = ("aiohttp", "botbuilder-integration-aiohttp", "microsoft-agents-hosting-core", "slack-bolt", "slack-sdk")


class Report:
    """The results in a folder. A part measured again replaces what it had; the others stay."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._path = folder / "results.json"
        folder.mkdir(parents=True, exist_ok=True)
        self._parts: dict[str, dict] = {}
        if self._path.exists():
            self._parts = json.loads(self._path.read_text())["parts"]

    def take(self, part: str, found: Sequence[Found], options: Options, took: float) -> None:
        """Keep what a part came to, and write everything anew."""
        self._parts[part] = {
            "when": datetime.now(UTC).isoformat(timespec="seconds"),
            "commit": commit(),
            "machine": machine(),
            "load": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
            "took": round(took, 1),
            "seconds": options.seconds,
            "pairs": options.pairs,
            "figures": [_figure(one) for one in found if isinstance(one, Figure)],
            "series": [asdict(one) for one in found if isinstance(one, Series)],
        }
        whole = {"versions": versions(), "parts": self._parts}
        self._path.write_text(json.dumps(whole, indent=1, ensure_ascii=False) + "\n")
        (self.folder / "results.md").write_text(self.table())

    def table(self) -> str:
        """Return everything as Markdown."""
        lines = []
        for name, part in self._parts.items():
            lines += [f"### {name}", "", _under(part), ""]
            lines += ["| | | compared with | ratio | aim | |", "|---|---:|---:|---:|---|---|"]
            lines += [_row(figure) for figure in part["figures"]]
            lines.append("")
        return "\n".join((*lines, self._versions(), ""))

    def short(self) -> list[str]:
        """Return the figures that fall short of what is asked for, a line each."""
        figures = [figure for part in self._parts.values() for figure in part["figures"]]
        return [f"{one['name'].strip()}: {_judged(one)}, aim {one['aim']}" for one in figures if one["met"] is False]

    def draw(self, folder: Path) -> list[str]:
        """Write the plots; return their names. Without matplotlib there are none, which is said."""
        series = [one for part in self._parts.values() for one in part["series"]]
        if not series:
            return []
        command = [str(PEER_PYTHON), str(Path(__file__).with_name("plot.py")), str(folder)]
        try:
            drawn = subprocess.run(command, input=json.dumps(series), text=True, capture_output=True, check=True)
        except (OSError, subprocess.CalledProcessError) as error:
            Options.say(f"no plots: {getattr(error, 'stderr', None) or error}")
            return []
        return drawn.stdout.split()

    def publish(self) -> None:
        """Put table and plots into the page on scale."""
        before, _, rest = PAGE.read_text().partition(BEGIN)
        after = rest.partition(END)[2]
        plots = [f"![{name.removesuffix('.svg')}](docs/{name})" for name in self.draw(DRAWINGS)]
        short = self.short()
        said = "Every aim is met." if not short else "**Falls short:**\n\n" + "\n".join(f"- {line}" for line in short)
        reckoned = capacity.table(self._parts) or ["*Not reckoned: `replicas` or `scale` was not measured.*"]
        parts = ("", "### Reckoned from it", "", *reckoned, "", "## Figures", "", said, "", self.table(), *plots, "")
        PAGE.write_text("\n".join((f"{before}{BEGIN}", *parts, f"{END}{after}")))

    def _versions(self) -> str:
        known = versions()
        return "Versions: " + "; ".join(
            f"{whose}: " + ", ".join(f"{name} {number}" for name, number in found.items())
            for whose, found in known.items()
        )


def commit() -> str:
    """Return the commit that is measured, marked when the files differ from it."""
    found = subprocess.run(
        ["git", "describe", "--always", "--dirty=+changes"], cwd=ROOT, text=True, capture_output=True, check=False
    )
    return found.stdout.strip() or "unknown"


def machine() -> str:
    """Return what it runs on."""
    cpu, path = platform.processor() or platform.machine(), Path("/proc/cpuinfo")
    if path.exists():
        cpu = next((line.partition(": ")[2] for line in path.open() if line.startswith("model name")), cpu).strip()
    import psutil

    memory = psutil.virtual_memory().total / 2**30
    system = f"{platform.system()} {platform.release().split('-')[0]}, Python {platform.python_version()}"
    return f"{os.cpu_count()} cores ({cpu}), {memory:.0f} GB, {system}"


def versions() -> dict[str, dict[str, str]]:
    """Return the versions of what matters, ours and the peers'."""
    known = {"ours": {name: found for name in OURS if (found := _version(name))}}
    try:
        told = subprocess.run([str(PEER_PYTHON), "-c", _VERSIONS, *THEIRS], text=True, capture_output=True, check=True)
        known["peers"] = json.loads(told.stdout)
    except (OSError, subprocess.CalledProcessError):
        pass
    return known


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _figure(one: Figure) -> dict:
    kept = asdict(one) | {"ratio": one.ratio, "met": one.met, "aim": str(one.aim) if one.aim else None}
    return {name: value for name, value in kept.items() if name != "against"}


def _under(part: dict) -> str:
    day, load = part["when"][:10], part["load"]
    return f"{day}, commit {part['commit']}, {part['machine']}; load when it ended {load}; took {part['took']:.0f} s."


def _row(one: dict) -> str:
    peer = "" if one["peer"] is None else f"{one['peer']:,.2f}"
    compared = " ".join(part for part in (peer, one["peer_name"]) if part)
    ratio = "" if one["ratio"] is None else f"{one['ratio']:.2f}"
    notes = ", ".join(f"{name} {value if isinstance(value, str) else f'{value:,.4g}'}" for name, value in _notes(one))
    return f"| {one['name'].strip()} | {_value(one)} | {compared} | {ratio} | {_aim(one)} | {notes} |"


def _notes(one: dict) -> Iterable[tuple[str, float | str]]:
    return dict(one["notes"]).items()


def _value(one: dict) -> str:
    return f"{one['value']:,.2f} {one['unit']}"


def _judged(one: dict) -> str:
    """Return what the aim is about: the value, or its ratio."""
    return f"{_value(one)}, {one['ratio']:.2f}x" if one["aim"].count("x") else _value(one)


def _aim(one: dict) -> str:
    if not one["aim"]:
        return ""
    return f"{one['aim']}: met" if one["met"] else f"{one['aim']}: **falls short**"
