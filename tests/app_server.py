"""Start the application for tests: in this process (`start`, `serve`), or in its own process (`AppProcess`)."""

import asyncio
import os
import random
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from aiohttp import web

from bot.http_limits import LimitedAppRunner
from bot.server import build
from bot.settings import Settings

ROOT = Path(__file__).resolve().parents[1]
COMMAND = (sys.executable, "-m", "bot.cli", "serve")


def make_settings(database: str, platforms: dict[str, Any], **changes: Any) -> Settings:
    """Return settings for tests.

    Args:
        database: The URL.
        platforms: What the application needs to reach the simulators, by setting; upper case, too.
        changes: Other settings.
    """
    # Tests press faster than people: the rate limit has tests of its own.
    values = {"rate_person": 0} | {name.lower(): value for name, value in platforms.items()}
    return Settings(_env_file=None, database_url=database, **(values | changes))


class AppServer:
    """The application in this process, on a free port. `url` has no path."""

    def __init__(self, runner: web.AppRunner) -> None:
        self._runner = runner
        self.host, self.port = runner.addresses[0][:2]
        self.url = f"http://{self.host}:{self.port}"
        self._stopped = False

    async def stop(self) -> None:
        """Stop as on SIGTERM. A second call does nothing."""
        if not self._stopped:
            self._stopped = True
            await self._runner.cleanup()


async def start(settings: Settings, **options: Any) -> AppServer:
    """Start the application. `options` are those of `aiohttp.web.AppRunner`."""
    runner = LimitedAppRunner(await build(settings), **({"access_log": None, "shutdown_timeout": 5} | options))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return AppServer(runner)


@asynccontextmanager
async def serve(settings: Settings, **options: Any) -> AsyncIterator[AppServer]:
    """Run the application within a block; see `start`."""
    server = await start(settings, **options)
    try:
        yield server
    finally:
        await server.stop()


class NotServing(Exception):
    """A process does not answer; the text has the end of its output."""


class AppProcess:
    """A server in its own process, ``cm-advisor serve`` by default. It can be started again after it has ended.

    The environment is `settings` plus PATH, PYTHONPATH and PORT. Output is appended to `folder`/`name`.log.
    """

    def __init__(
        self,
        settings: Mapping[str, str],
        folder: Path,
        *,
        command: Sequence[str] = COMMAND,
        name: str = "server",
        port: int | None = None,
        before_exec: Callable[[], None] | None = None,
    ) -> None:
        self.name = name
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / f"{name}.log"
        self.settings = dict(settings)
        self.process: asyncio.subprocess.Process | None = None
        self._folder = folder
        self._command = command
        self._before_exec = before_exec

    async def spawn(self) -> asyncio.subprocess.Process:
        """Start the process; do not wait until it listens."""
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "PORT": str(self.port), **self.settings}
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *self._command, cwd=self._folder, env=environment, stdout=log, stderr=log, preexec_fn=self._before_exec
            )
        return self.process

    async def start(self, path: str | None = "/readyz", *, within: float = 30) -> float:
        """Start the process and wait until it answers 200 at `path`, or, without one, until it accepts connections.

        Returns the seconds that took. Raises `NotServing` when the process ends or takes longer than `within`.
        """
        began = time.perf_counter()
        process = await self.spawn()
        while not await self.answers(path):
            if process.returncode is not None or time.perf_counter() - began > within:
                output = self.output[-1500:]
                await self.stop()
                raise NotServing(f"{self.name} does not answer:\n{output}")
            await asyncio.sleep(0.005)
        return time.perf_counter() - began

    async def answers(self, path: str | None) -> bool:
        """Return whether a GET of `path` gives 200; without `path`, whether a connection is accepted."""
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return False
        try:
            if path is None:
                return True
            writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
            return (await reader.readline()).split(b" ")[1:2] == [b"200"]
        except ConnectionError:
            return False
        finally:
            writer.close()

    def signal(self, number: signal.Signals) -> bool:
        """Send a signal; return whether the process was running."""
        if self.process is None or self.process.returncode is not None:
            return False
        with suppress(ProcessLookupError):
            self.process.send_signal(number)
        return True

    async def stop(self, within: float = 40) -> int | None:
        """Send SIGTERM, after `within` seconds SIGKILL; return the exit status, None when it was never started."""
        if self.process is None:
            return None
        self.signal(signal.SIGTERM)
        try:
            return await asyncio.wait_for(self.process.wait(), within)
        except TimeoutError:
            self.signal(signal.SIGKILL)
            return await self.process.wait()

    @property
    def output(self) -> str:
        """What the process has written to stdout and stderr."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""


def free_port() -> int:
    """Return a free port outside the range for outgoing connections, so that it is free again after a restart."""
    while True:
        port = random.randrange(15_000, 32_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
