"""A process that is killed at a chosen moment: imported by a fork server, hence a module of its own."""

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

BEGAN = datetime(2026, 11, 22, 9, tzinfo=UTC)


@dataclass(frozen=True)
class Moment:
    """When to be killed: `when` (during or after) the transaction of that `number`, or (before or after) a `call`."""

    when: str
    number: int = 0
    call: str = ""


class Paper:
    """A platform that is a file: what is in it has happened, whoever dies."""

    def __init__(self, path: Path, moment: Moment, *, readable: bool = False) -> None:
        self.path = path
        self.readable = readable
        self._moment = moment

    def lines(self) -> list[str]:
        return self.path.read_text().splitlines() if self.path.exists() else []

    def _note(self, call: str, words: str = "") -> None:
        if self._moment == Moment("before", call=call):
            die()
        with self.path.open("a") as file:
            file.write(f"{call} {words}\n")
        if self._moment == Moment("after", call=call):
            die()

    def queue_name(self, delivery: OutgoingMessage) -> str:
        return delivery.destination or ""

    async def post(self, delivery: OutgoingMessage, announcement: Announcement) -> Json:
        self._note("post", announcement.session)
        return {"link": "https://example.org"}

    async def find_post(self, delivery: OutgoingMessage, since: datetime) -> Json | None:
        if not self.readable:
            raise PermanentFailure("lost")
        return {"link": "https://example.org"} if f"post {delivery.session.id}" in self.lines() else None

    async def show_card(self, delivery: OutgoingMessage, view: View) -> Json | None:
        self._note("show", " ".join(getattr(view, "note", ())))
        return None

    async def report_failure(self, delivery: OutgoingMessage, reason: str) -> None:
        self._note("tell", reason)


class Mortal(Database):
    """A store whose process is killed at the moment."""

    moment = Moment("never")
    units = 0

    async def run(self, work: Callable[[Transaction], Any], *, long: bool = False) -> Any:
        Mortal.units += 1
        number = Mortal.units

        def last(unit: Transaction) -> Any:
            done = work(unit)
            if self.moment == Moment("during", number):
                die()
            return done

        done = await super().run(last, long=long)
        if self.moment == Moment("after", number):
            die()
        return done

    async def turn(self, lookup: SessionLookup, decide: Callable[..., tuple[TurnChange | None, Any]]) -> Any:
        Mortal.units += 1
        number = Mortal.units

        def last(*found: Any) -> tuple[TurnChange | None, Any]:
            decided = decide(*found)
            if self.moment == Moment("during", number):
                die()
            return decided

        done = await super().turn(lookup, last)
        if self.moment == Moment("after", number):
            die()
        return done


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def commit(url: str, path: Path, moment: Moment) -> None:
    """Run a dialog up to its post, unless killed; exit with 7 when it came to its end."""
    Mortal.moment = moment
    asyncio.run(live(Mortal(url, lambda: BEGAN), Paper(path, moment)))
    os._exit(7)


async def live(store: Database, paper: Paper) -> None:
    """Begin, confirm, draw the cards, and do what is due: the platform delivers each event until it is taken."""
    service = Service(FLOW, store, gateways={"slack": paper})
    turns = [Turn(Start(ANNA, "s1", complete()), conversation="D1", card={"ts": "1"}, idempotency_key="Ev1")]
    turns.append(Turn(ConfirmPost(ANNA, "C1", revision=0), "s1", idempotency_key="Ev2"))
    for turn in turns:
        turned = await service.turn(turn)
        if turned.session and any(isinstance(effect, Show) for effect in turned.effects):
            await service.mark_shown("s1", turned.session.revision)
    await work(OutboxWorker(service))
