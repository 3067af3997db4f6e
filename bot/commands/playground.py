"""``cm-advisor playground``: the real server between stand-ins of Slack and Teams, and a page before them.

Everything listens on loopback and is gone when the command ends, its database included.
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
    """Run until it is interrupted; return the exit status."""
    if not (BUILT / "index.html").exists():
        print(translations(language)("terminal.playground.unbuilt"), file=sys.stderr)
        return 2
    _stay_here()
    return asyncio.run(_run(port, language, browser=browser))


async def _run(port: int | None, language: str, *, browser: bool) -> int:
    t, ended = translations(language), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    played = Playground(serve, manifest_features())
    await played.start()
    gc.enable()
    runner = web.AppRunner(played.application(), access_log=None, shutdown_timeout=0.2)
    try:
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", PORT if port is None else port).start()
        except OSError as error:
            if port is not None:
                print(t("terminal.playground.taken", port=port, reason=os.strerror(error.errno or 0)))
                return 2
            await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
        print(t("terminal.playground.open", url=url), flush=True)
        if browser:
            await asyncio.to_thread(webbrowser.open, url)
        await ended.wait()
    finally:
        await runner.cleanup()
        await played.stop()
    return 0


def _stay_here() -> None:
    """Take this machine's proxies, and its own settings of Slack and Teams, out of the environment.

    Nothing here leaves the machine; bolt, too, looks into the environment.
    """
    ours = {name.upper() for name in Settings.model_fields}
    for name in [name for name in os.environ if name.upper() in ours or name.upper().endswith("_PROXY")]:
        del os.environ[name]
    os.environ["NO_PROXY"] = "*"  # some systems know proxies outside the environment, too


class Server:
    """The app on a free port."""

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
    """Serve the app, with a database of its own."""
    with tempfile.TemporaryDirectory(prefix="cm-advisor-") as folder:
        # Of this machine's own settings none may slip in: a playground never talks to a real workspace.
        given: dict[str, Any] = {name: field.default for name, field in Settings.model_fields.items()}
        given |= {name.lower(): value for name, value in settings.items()}
        known = Settings(_env_file=None, **given | {"database_url": f"sqlite:///{folder}/cm-advisor.db"})
        configure_logging(known.model_copy(update={"log_level": "WARNING"}))
        server = Server(known)
        await server.start()
        try:
            yield server
        finally:
            await server.stop()


def manifest_features() -> ManifestFeatures:
    """Return what the app's manifests say of commands, shortcuts and forms."""
    return ManifestFeatures(
        build_manifest("https://localhost"), {language: manifest_commands(language) for language in LANGUAGES}
    )
