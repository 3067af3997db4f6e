"""The base of a scene: the application beside a simulator of one platform, with two users and shared helpers."""

import asyncio
from dataclasses import dataclass, field
from types import CodeType
from typing import Any

from bot.core.outbox import OutboxWorker
from bot.settings import Settings
from dialogs.translations import Translations
from dialogs.views import SIGNS
from tests.app_server import ROOT, AppServer, start

LOCALES = {"fr": "fr-FR", "en": "en-GB"}
SHORT = {
    "orientation": "key",
    "brand": "yes",
    "transformation": "no",
    "presence": "unknown",
    "mode": "in_house",
    "person": "lasting",
    "routine": "no",
}
"""The shortest path to the end on the strategic side, in the order asked."""


@dataclass(kw_only=True)
class BaseScene:
    """The running application and the texts of one language. `servers`: all replicas started, to be stopped."""

    settings: Settings
    server: AppServer
    t: Translations
    servers: list[AppServer] = field(default_factory=list)

    def label(self, id: str) -> str:
        """Return the text of a button, with its sign."""
        return f"{SIGNS.get(id, '')} {self.t(f'label.{id}')}".strip()

    def option(self, question: str, option: str) -> str:
        return self.t(f"option.{question}.{option}")

    async def another_server(self, **changes: Any) -> AppServer:
        """Start a second replica on the same database, with some settings changed."""
        server = await start(self.settings.model_copy(update=changes))
        self.servers.append(server)
        return server


def adapter_busy() -> bool:
    """Return whether a background task of an adapter, or a job of the worker, is running in this process."""
    return any(map(_is_work, asyncio.all_tasks()))


def _is_work(task: asyncio.Task[Any]) -> bool:
    code = getattr(task.get_coro(), "cr_code", None)
    if not isinstance(code, CodeType):
        return False
    file = code.co_filename.removeprefix(f"{ROOT}/")
    adapter = file.startswith("adapters/") and not file.startswith("adapters/playground/")
    return adapter or code is OutboxWorker._run_job.__code__
