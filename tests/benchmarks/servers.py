"""Server processes under test, each on its own core where the machine has several."""

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

from tests.app_server import COMMAND, ROOT, AppProcess, NotServing

PEERS = Path(__file__).parent / "peers"
PEER_PYTHON = ROOT / ".venv-bench" / "bin" / "python"
"""Made by `make bench`: the libraries of the peers are not dependencies of the project."""

CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


def leave_last_core() -> None:
    """Run this process on all cores but the last, which is for the servers."""
    if len(CORES) > 1:
        os.sched_setaffinity(0, set(CORES[:-1]))


def use_all_cores() -> None:
    """Run this process and those it starts on every core."""
    if CORES:
        os.sched_setaffinity(0, set(CORES))


class ServerProcess(AppProcess):
    """A process on `cores` cores of its own (0: on any), in a temporary folder.

    ``{port}`` in the command, and ``{folder}`` in the settings, are replaced.
    """

    def __init__(self, name: str, command: Sequence[str], settings: Mapping[str, str], *, cores: int = 1) -> None:
        folder = Path(tempfile.mkdtemp(prefix="cm-advisor-bench-"))
        super().__init__({"HOME": str(folder)}, folder, before_exec=self._pin)
        self.name = name
        self.seconds_to_ready = 0.0
        self.settings |= {key: value.replace("{folder}", str(folder)) for key, value in settings.items()}
        self._command = [part.replace("{port}", str(self.port)) for part in command]
        self._cores = set(CORES[-cores:]) if 0 < cores < len(CORES) else set()

    def _pin(self) -> None:
        if self._cores:
            os.sched_setaffinity(0, self._cores)

    async def start(self, path: str | None = None, *, within: float = 30) -> float:
        self.seconds_to_ready = await super().start(path, within=within)
        return self.seconds_to_ready

    async def stop(self, within: float = 30) -> int | None:
        """Stop the process and remove its folder."""
        status = await super().stop(within)
        shutil.rmtree(self._folder, ignore_errors=True)
        return status

    def cpu(self) -> float:
        """Return the CPU seconds it has used."""
        times = self._psutil().cpu_times()
        return float(times.user + times.system)

    def megabytes(self) -> float:
        """Return its resident memory."""
        return float(self._psutil().memory_info().rss) / 1e6

    def _psutil(self) -> psutil.Process:
        assert self.process
        return psutil.Process(self.process.pid)


def product_server(settings: Mapping[str, str], *, name: str = "cm-advisor", cores: int = 1) -> ServerProcess:
    """Return ``cm-advisor serve``, on a SQLite file unless `settings` say otherwise.

    The rate limits are out of reach, since a few simulated users press for thousands.
    """
    defaults = {"DATABASE_URL": "sqlite:///{folder}/advisor.db", "RATE_PERSON": "1000000", "RATE_TENANT": "1000000"}
    return ServerProcess(name, COMMAND, {**defaults, **settings}, cores=cores)


async def run_command(settings: Mapping[str, str], *arguments: str) -> None:
    """Run a ``cm-advisor`` command. Raises `NotServing` when it fails."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **settings}
    process = await asyncio.create_subprocess_exec(
        *COMMAND[:-1], *arguments, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    output, _ = await process.communicate()
    if process.returncode:
        raise NotServing(output.decode(errors="replace"))


def peer_server(name: str, *arguments: str, settings: Mapping[str, str]) -> ServerProcess:
    """Return a peer: a script of `peers`, run in the environment that has its libraries."""
    python = str(PEER_PYTHON) if PEER_PYTHON.exists() else sys.executable
    script, *rest = arguments
    return ServerProcess(name, [python, str(PEERS / f"{script}.py"), "{port}", *rest], settings)
