"""``cm-advisor playground``: the real server with simulators of Slack and Teams, and a web page to use them.

Everything listens on localhost. All data is deleted when the command ends.
"""

import asyncio
import gc
import os
import signal
import sys
import tempfile
import webbrowser
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from adapters.playground.server import BUILT, ManifestFeatures, Playground
from adapters.slack.manifest import build_manifest
from adapters.teams.app_package import LANGUAGES, manifest_commands
from bot.server import build
from bot.settings import Settings
from bot.telemetry.logging import configure_logging
from dialogs.translations import translations

PORT = 3980


def playground(port: int | None, language: str, *, browser: bool = True) -> int:
    """Run until it is interrupted. Return the exit status."""
    if not (BUILT / "index.html").exists():
        print(translations(language)("terminal.playground.unbuilt"), file=sys.stderr)
        return 2
    _isolate_environment()
    return asyncio.run(_run(port, language, browser=browser))


async def _run(port: int | None, language: str, *, browser: bool) -> int:
    t, stopped = translations(language), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    sandbox = Playground(serve, manifest_features())
    await sandbox.start()
    gc.enable()
    runner = web.AppRunner(sandbox.application(), access_log=None, shutdown_timeout=0.2)
    try:
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", PORT if port is None else port).start()
        except OSError as error:
            if port is not None:
                print(t("terminal.playground.taken", port=port, reason=os.strerror(error.errno or 0)), file=sys.stderr)
                return 2
            await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
        print(t("terminal.playground.open", url=url), flush=True)
        if browser:
            await asyncio.to_thread(webbrowser.open, url)
        await stopped.wait()
    finally:
        await runner.cleanup()
        await sandbox.stop()
    return 0


def _isolate_environment() -> None:
    """Remove all settings and proxies from the environment, which slack-bolt reads, too: nothing leaves the machine."""
    settings = {name.upper() for name in Settings.model_fields}
    for name in [name for name in os.environ if name.upper() in settings or name.upper().endswith("_PROXY")]:
        del os.environ[name]
    os.environ["NO_PROXY"] = "*"  # some systems configure proxies outside of the environment


class Server:
    """The application on a free port."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.url = ""

    async def start(self) -> None:
        self._runner = web.AppRunner(await build(self._settings), access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        await self._runner.cleanup()

    async def restart(self) -> None:
        await self.stop()
        await self.start()


@asynccontextmanager
async def serve(settings: Mapping[str, str]) -> AsyncIterator[Server]:
    """Run the application with a temporary database. `settings`: all others have their defaults."""
    with tempfile.TemporaryDirectory(prefix="cm-advisor-") as folder:
        # None of this machine's settings may be used: the playground never calls a real workspace.
        values: dict[str, Any] = {name: field.default for name, field in Settings.model_fields.items()}
        values |= {name.lower(): value for name, value in settings.items()}
        complete = Settings(_env_file=None, **values | {"database_url": f"sqlite:///{folder}/cm-advisor.db"})
        configure_logging(complete.model_copy(update={"log_level": "WARNING"}))
        server = Server(complete)
        await server.start()
        try:
            yield server
        finally:
            await server.stop()


def manifest_features() -> ManifestFeatures:
    """Return the commands, shortcuts and forms in the manifests of the app."""
    return ManifestFeatures(
        build_manifest("https://localhost"), {language: manifest_commands(language) for language in LANGUAGES}
    )
