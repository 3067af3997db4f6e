"""Servers under test: each a process of its own, on a core of its own where the machine has two."""

import asyncio
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

from tests.benchmarks.raw_http import Connection, post, whole

ROOT = Path(__file__).parents[2]
PEERS = Path(__file__).parent / "peers"
PEER_PYTHON = ROOT / ".venv-bench" / "bin" / "python"
"""Made by `make bench`: the peers' libraries are none of the project's."""
READY_WITHIN = 30.0

CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


class NotServing(Exception):
    """A server does not come up; the text has the end of what it said."""


def keep_apart() -> None:
    """Leave the last core to the servers under test."""
    if len(CORES) > 1:
        os.sched_setaffinity(0, set(CORES[:-1]))


def anywhere() -> None:
    """Run on every core again, and so will what is started from here."""
    if CORES:
        os.sched_setaffinity(0, set(CORES))


class Server:
    """A process that listens on `port`, on so many `cores` of its own (0: on any).

    Its environment is `settings` and what every process needs, and no more.
    """

    def __init__(self, name: str, command: Sequence[str], settings: Mapping[str, str], *, cores: int = 1) -> None:
        self.name = name
        self.port = free_port()
        self._folder = Path(tempfile.mkdtemp(prefix="cm-advisor-bench-"))
        self._log = self._folder / "log"
        self.seconds_to_ready = 0.0
        settings = {"PATH": os.environ["PATH"], "HOME": str(self._folder), "PYTHONPATH": str(ROOT), **settings}
        self._command = [part.replace("{port}", str(self.port)) for part in command]
        self._settings = {key: _filled(value, self.port, self._folder) for key, value in settings.items()}
        self._cores = set(CORES[-cores:]) if 0 < cores < len(CORES) else set()

    async def start(self, path: str | None = None) -> None:
        """Start it, and wait until it listens, or answers 200 at `path`. Raises `NotServing`."""
        began = time.perf_counter()
        with self._log.open("wb") as log:
            self.process = psutil.Popen(
                self._command, env=self._settings, cwd=self._folder, stdout=log, stderr=log, preexec_fn=self._pin
            )
        while not await self._answers(path):
            if self.process.poll() is not None or time.perf_counter() - began > READY_WITHIN:
                said = self.said[-1500:]
                await self.stop()
                raise NotServing(f"{self.name} does not come up:\n{said}")
            await asyncio.sleep(0.005)
        self.seconds_to_ready = time.perf_counter() - began

    def _pin(self) -> None:
        if self._cores:
            os.sched_setaffinity(0, self._cores)

    async def _answers(self, path: str | None) -> bool:
        try:
            connection = await Connection.open(self.port)
        except OSError:
            return False
        try:
            if path is None:
                return True
            request = b"GET " + whole(post(path, {}), b"").removeprefix(b"POST ")
            return (await connection.send(request)).status == 200
        except ConnectionError:
            return False
        finally:
            connection.close()

    @property
    def said(self) -> str:
        """What it wrote so far."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def cpu(self) -> float:
        """Return the seconds of CPU it has used."""
        times = self.process.cpu_times()
        return float(times.user + times.system)

    def megabytes(self) -> float:
        """Return what it holds in memory (RSS)."""
        return float(self.process.memory_info().rss) / 1e6

    async def stop(self) -> None:
        """End it, kindly at first, and remove its folder."""
        if hasattr(self, "process"):
            # In a thread: what it needs to end may be served by this loop.
            await asyncio.to_thread(self._stop)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _stop(self) -> None:
        if self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(30)
        except psutil.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def product_server(settings: Mapping[str, str], *, name: str = "cm-advisor", cores: int = 1) -> Server:
    """Return the product: ``cm-advisor serve``, on SQLite in a file unless `settings` say otherwise.

    As shipped, but that nobody comes near the limits of a person and a tenant: here a few press for thousands.
    """
    own = {"DATABASE_URL": "sqlite:///{folder}/advisor.db", "PORT": "{port}"}
    own |= {"RATE_PERSON": "1000000", "RATE_TENANT": "1000000"}
    return Server(name, [sys.executable, "-m", "bot.cli", "serve"], {**own, **settings}, cores=cores)


async def command(settings: Mapping[str, str], *words: str) -> None:
    """Run one of the product's commands to its end. Raises `NotServing` when it fails."""
    known = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **settings}
    run = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot.cli", *words, env=known, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    said, _ = await run.communicate()
    if run.returncode:
        raise NotServing(said.decode(errors="replace"))


def peer(name: str, *arguments: str, settings: Mapping[str, str]) -> Server:
    """Return a peer: a script of `peers`, run by the environment that has what it compares with."""
    python = str(PEER_PYTHON) if PEER_PYTHON.exists() else sys.executable
    script, *rest = arguments
    return Server(name, [python, str(PEERS / f"{script}.py"), "{port}", *rest], settings)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _filled(value: str, port: int, folder: Path) -> str:
    return value.replace("{port}", str(port)).replace("{folder}", str(folder))
