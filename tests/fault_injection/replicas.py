"""Replicas of the server, real processes, and the balancer in front of them."""

import asyncio
import os
import random
import re
import signal
import socket
import struct
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import aiohttp

SKEWED = Path(__file__).with_name("skewed_clock.py")
PLATFORMS = ("SLACK_", "MICROSOFT_", "TEAMS_", "DATABASE_", "PUBLIC_", "TOKEN_", "METRICS_", "PG")
FAULTY = re.compile(r"Traceback|^  File \"|exception was never retrieved|never awaited|destroyed but it is pending")
"""What no log may hold. An exception's text is never logged, but where it came from is."""


class Replica:
    """One process of ours, started again whenever it ends, as an orchestrator does. `up`: the balancer counts on it."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.settings: Mapping[str, str] = {}
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.up = False
        self.starts = 0
        self.offset = 0.0
        self.log = folder / f"{name}.log"
        self._clock = folder / f"{name}.clock"
        self._clock.write_bytes(struct.pack("d", 0.0))
        self._folder = folder
        self._process: asyncio.subprocess.Process | None = None
        self._life: asyncio.Task[None] | None = None
        self._wanted = True

    # --- Life ---

    async def start(self) -> None:
        """Start, and wait until it answers."""
        self._life = asyncio.create_task(self._live())
        async with asyncio.timeout(60):
            while not self.up:  # noqa: ASYNC110 - it may be up and gone again meanwhile
                await asyncio.sleep(0.05)

    def again(self) -> None:
        """May be started once more after it was ended for good."""
        self._wanted = True

    async def stop(self) -> None:
        """End for good, gracefully; what stands still first goes on."""
        self._wanted = False
        self._signal(signal.SIGCONT)
        self.terminate()
        if self._life:
            await self._life

    def kill(self) -> bool:
        """What no process can prepare for; it is started again."""
        return self._signal(signal.SIGKILL)

    def terminate(self) -> bool:
        """What an orchestrator says first; it is started again."""
        return self._signal(signal.SIGTERM)

    def pause(self) -> bool:
        """Stop the process in the middle of what it does, as a machine does that is short of memory."""
        return self._signal(signal.SIGSTOP)

    def resume(self) -> bool:
        """Let it go on where it was."""
        self.up = True
        return self._signal(signal.SIGCONT, up=True)

    def step_clock(self, seconds: float) -> None:
        """Set how wrong its clock is, from now on."""
        self.offset = seconds
        with self._clock.open("r+b") as file:
            file.write(struct.pack("d", seconds))

    def faults(self) -> list[str]:
        """Return the lines of its log that should not be there."""
        return [f"{self.name}: {line}" for line in self._lines() if FAULTY.search(line)]

    def errors(self) -> list[str]:
        """Return what it logged as an error, without the time and the numbers."""
        return [re.sub(r"\d+", "N", line.split(" ", 1)[1])[:160] for line in self._lines() if " ERROR " in line]

    def _lines(self) -> list[str]:
        return self.log.read_text(errors="replace").splitlines() if self.log.exists() else []

    def _signal(self, number: signal.Signals, *, up: bool = False) -> bool:
        process = self._process
        if process is None or process.returncode is not None:
            return False
        self.up = self.up and up
        with suppress(ProcessLookupError):
            process.send_signal(number)
        return True

    async def _live(self) -> None:
        kept = {key: value for key, value in os.environ.items() if not key.startswith(PLATFORMS)}
        environment = kept | {"PORT": str(self.port), "LOG_LEVEL": "INFO"} | dict(self.settings)
        with self.log.open("ab") as log:
            while self._wanted:
                self.starts += 1
                command = (sys.executable, str(SKEWED), str(self._clock), "serve")
                self._process = await asyncio.create_subprocess_exec(
                    *command, stdout=log, stderr=log, env=environment, cwd=self._folder
                )
                knocking = asyncio.create_task(self._knock())
                await self._process.wait()
                self.up = False
                knocking.cancel()
                if self._process.returncode not in (0, -signal.SIGKILL) and self._wanted:
                    await asyncio.sleep(0.5)  # it refused to start: no database

    async def _knock(self) -> None:
        """Count on it once it answers."""
        async with aiohttp.ClientSession() as session:
            while True:
                with suppress(aiohttp.ClientError, TimeoutError):
                    async with session.get(f"{self.url}/healthz", timeout=aiohttp.ClientTimeout(total=2)) as answer:
                        if answer.status == 200:
                            self.up = True
                            return
                await asyncio.sleep(0.05)


class Balancer:
    """Which replicas may be asked, in which order. A connection that is refused goes to the next one."""

    def __init__(self, replicas: list[Replica], chance: random.Random) -> None:
        self.replicas = replicas
        self._chance = chance

    def ways(self) -> Iterator[str]:
        """Yield addresses of those that are up."""
        ready = [each.url for each in self.replicas if each.up]
        self._chance.shuffle(ready)
        yield from ready


def free_port() -> int:
    """Return a port that nobody listens on, and that no connection is given: it must be there after each restart."""
    while True:
        port = random.randrange(15_000, 32_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
