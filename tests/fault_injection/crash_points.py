"""A dialog in a process that is killed at a chosen point. A fork server imports this module."""

import asyncio
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from adapters.ports import Json, OutgoingMessage, PermanentFailure, Turn
from bot.core.outbox import OutboxWorker
from bot.core.service import Service
from bot.storage.database import Database
from bot.storage.statements import SessionLookup, TurnChange
from bot.storage.transaction import Transaction
from dialogs.community_flow import FLOW
from dialogs.effects import Show
from dialogs.events import ConfirmPost, Start
from dialogs.views import Announcement, View
from tests.bot.fakes import ANNA, complete, work

START_TIME = datetime(2026, 11, 22, 9, tzinfo=UTC)
FINISHED = 7
"""Exit status of a process that was not killed."""


@dataclass(frozen=True)
class CrashPoint:
    """`when` is ``during`` or ``after`` the transaction with that `number`, or ``before`` or ``after`` a `call`."""

    when: str
    number: int = 0
    call: str = ""


NEVER = CrashPoint("never")


class FileGateway:
    """A gateway to a platform that is a file: its lines survive the process."""

    def __init__(self, path: Path, crash_point: CrashPoint, *, can_find_posts: bool = False) -> None:
        self.path = path
        self.can_find_posts = can_find_posts
        self._crash_point = crash_point

    def lines(self) -> list[str]:
        return self.path.read_text().splitlines() if self.path.exists() else []

    def _write(self, call: str, text: str = "") -> None:
        if self._crash_point == CrashPoint("before", call=call):
            kill_this_process()
        with self.path.open("a") as file:
            file.write(f"{call} {text}\n")
        if self._crash_point == CrashPoint("after", call=call):
            kill_this_process()

    def queue_name(self, outgoing: OutgoingMessage) -> str:
        return outgoing.destination or ""

    async def post(self, outgoing: OutgoingMessage, announcement: Announcement) -> Json:
        self._write("post", announcement.session)
        return {"link": "https://example.org"}

    async def find_post(self, outgoing: OutgoingMessage, since: datetime) -> Json | None:
        if not self.can_find_posts:
            raise PermanentFailure("lost")
        return {"link": "https://example.org"} if f"post {outgoing.session.id}" in self.lines() else None

    async def edit_post(self, outgoing: OutgoingMessage, post: Json, announcement: Announcement) -> None:
        self._write("edit", announcement.session)

    async def delete_post(self, outgoing: OutgoingMessage, post: Json) -> None:
        self._write("delete", outgoing.session.id)

    async def show_card(self, outgoing: OutgoingMessage, view: View) -> Json | None:
        self._write("show", " ".join(getattr(view, "note", ())))
        return None

    async def report_failure(self, outgoing: OutgoingMessage, reason: str) -> None:
        self._write("failure", reason)


class CrashingDatabase(Database):
    """A database that kills the process at the crash point."""

    crash_point = NEVER
    transactions = 0

    def _crash_at(self, when: str, number: int) -> None:
        if self.crash_point == CrashPoint(when, number):
            kill_this_process()

    async def run(self, work: Callable[[Transaction], Any], *, long: bool = False) -> Any:
        self.transactions += 1
        number = self.transactions

        def work_then_crash(transaction: Transaction) -> Any:
            result = work(transaction)
            self._crash_at("during", number)
            return result

        result = await super().run(work_then_crash, long=long)
        self._crash_at("after", number)
        return result

    async def turn(self, lookup: SessionLookup, decide: Callable[..., tuple[TurnChange | None, Any]]) -> Any:
        self.transactions += 1
        number = self.transactions

        def decide_then_crash(*arguments: Any) -> tuple[TurnChange | None, Any]:
            decision = decide(*arguments)
            self._crash_at("during", number)
            return decision

        result = await super().turn(lookup, decide_then_crash)
        self._crash_at("after", number)
        return result


def kill_this_process() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def run_until_killed(url: str, path: Path, crash_point: CrashPoint) -> None:
    """Run a dialog up to its post; exit with `FINISHED` unless killed before."""
    database = CrashingDatabase(url, lambda: START_TIME)
    database.crash_point = crash_point
    asyncio.run(run_dialog(database, FileGateway(path, crash_point)))
    os._exit(FINISHED)


async def run_dialog(database: Database, gateway: FileGateway) -> None:
    """Start and confirm a dialog, note the cards as shown, and do the due jobs."""
    service = Service(FLOW, database, gateways={"slack": gateway})
    turns = [
        Turn(Start(ANNA, "s1", complete()), conversation="D1", card={"ts": "1"}, idempotency_key="Ev1"),
        Turn(ConfirmPost(ANNA, "C1", revision=0), "s1", idempotency_key="Ev2"),
    ]
    for turn in turns:
        result = await service.turn(turn)
        if result.session and any(isinstance(effect, Show) for effect in result.effects):
            await service.mark_shown("s1", result.session.revision)
    await work(OutboxWorker(service))
