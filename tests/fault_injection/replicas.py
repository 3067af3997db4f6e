"""Replicas of the server in their own processes, and the load balancer before them."""

import asyncio
import os
import random
import re
import signal
import struct
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from tests.app_server import AppProcess

SKEWED_CLOCK = Path(__file__).with_name("skewed_clock.py")
SETTINGS_PREFIXES = ("PORT", "SLACK_", "MICROSOFT_", "TEAMS_", "DATABASE_", "PUBLIC_", "TOKEN_", "METRICS_", "PG")
BAD_LINE = re.compile(r"Traceback|^  File \"|exception was never retrieved|never awaited|destroyed but it is pending")
"""What no log may contain."""


class Replica(AppProcess):
    """One server process, restarted whenever it ends, as an orchestrator does. `up`: the balancer uses it."""

    def __init__(self, name: str, folder: Path) -> None:
        self._clock = folder / f"{name}.clock"
        self._clock.write_bytes(struct.pack("d", 0.0))
        inherited = {key: value for key, value in os.environ.items() if not key.startswith(SETTINGS_PREFIXES)}
        command = (sys.executable, str(SKEWED_CLOCK), str(self._clock), "serve")
        super().__init__(inherited | {"LOG_LEVEL": "INFO"}, folder, command=command, name=name)
        self.up = False
        self.starts = 0
        self.clock_offset = 0.0
        self._supervisor: asyncio.Task[None] | None = None
        self._restarts = True

    async def run(self) -> None:
        """Start, restart after every end, and wait until it answers."""
        self._restarts = True
        self._supervisor = asyncio.create_task(self._supervise())
        async with asyncio.timeout(60):
            while not self.up:  # noqa: ASYNC110 - it may be up and gone again meanwhile
                await asyncio.sleep(0.05)

    async def shut_down(self) -> None:
        """Resume it if it is paused, send SIGTERM, and do not restart it."""
        self._restarts = False
        self.signal(signal.SIGCONT)
        self.terminate()
        if self._supervisor:
            await self._supervisor

    def kill(self) -> bool:
        """Send SIGKILL; it is restarted. Like the other signals, returns whether the process was running."""
        return self._signal_down(signal.SIGKILL)

    def terminate(self) -> bool:
        """Send SIGTERM; it is restarted."""
        return self._signal_down(signal.SIGTERM)

    def pause(self) -> bool:
        """Send SIGSTOP, as on a machine that is short of memory."""
        return self._signal_down(signal.SIGSTOP)

    def resume(self) -> bool:
        self.up = self.signal(signal.SIGCONT)
        return self.up

    def _signal_down(self, number: signal.Signals) -> bool:
        running = self.signal(number)
        self.up = self.up and not running
        return running

    def step_clock(self, seconds: float) -> None:
        """Set how wrong its clock is from now on."""
        self.clock_offset = seconds
        with self._clock.open("r+b") as file:
            file.write(struct.pack("d", seconds))

    def bad_log_lines(self) -> list[str]:
        """Return tracebacks and the like from its log."""
        return [f"{self.name}: {line}" for line in self.output.splitlines() if BAD_LINE.search(line)]

    def errors(self) -> list[str]:
        """Return the errors it logged, without their time, digits replaced by N."""
        lines = [line for line in self.output.splitlines() if " ERROR " in line]
        return [re.sub(r"\d+", "N", line.split(" ", 1)[1])[:160] for line in lines]

    async def _supervise(self) -> None:
        while self._restarts:
            self.starts += 1
            process = await self.spawn()
            readiness = asyncio.create_task(self._wait_until_up())
            await process.wait()
            self.up = False
            readiness.cancel()
            if process.returncode not in (0, -signal.SIGKILL) and self._restarts:
                await asyncio.sleep(0.5)  # it could not start: no database

    async def _wait_until_up(self) -> None:
        while not self.up:
            with suppress(TimeoutError):
                async with asyncio.timeout(2):
                    self.up = await self.answers("/healthz")
            await asyncio.sleep(0.05)


class Balancer:
    """Chooses the replicas for a request. A refused connection goes to the next one."""

    def __init__(self, replicas: list[Replica], rng: random.Random) -> None:
        self.replicas = replicas
        self._rng = rng

    def urls(self) -> Iterator[str]:
        """Yield the URLs of replicas that are up, in random order."""
        urls = [replica.url for replica in self.replicas if replica.up]
        self._rng.shuffle(urls)
        yield from urls
