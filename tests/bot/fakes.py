"""People, turns and a gateway for the tests of the application."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime

import sqlalchemy as sa

from adapters.ports import Json, OutgoingMessage, PermanentFailure, Turn, TurnResult
from bot.core.outbox import OutboxWorker
from bot.core.service import Service
from bot.storage.database import Database
from bot.storage.schema import outbox, pending_cards
from bot.storage.transaction import Transaction
from dialogs.community_flow import FLOW
from dialogs.events import Answer, ConfirmPost, Start
from dialogs.session import Actor, Session
from dialogs.views import Announcement, View
from dialogs.walk import walk

ANNA = Actor("slack:T1", "U1", "en")
BEN = Actor("slack:T1", "U2", "fr")
STRANGER = Actor("slack:T2", "U1", "en")
COMPLETE = {"orientation": "key", "mode": "agency", "agency_link": "yes"}


class FakeGateway:
    """Records every call. `post` raises `answers` one after another; `fail` is raised by all other methods."""

    def __init__(self) -> None:
        self.posts: list[tuple[str, str]] = []
        self.edits: list[Announcement] = []
        self.deleted: list[Json] = []
        self.shown: list[View] = []
        self.reported: list[str] = []
        self.searches: list[datetime] = []
        self.found: Json | Exception | None = PermanentFailure("lost")
        self.answers: Sequence[Exception] = []
        self.fail: Exception | None = None
        self.before_post: Callable[[], object] = lambda: None
        self.sending = self.max_sending = 0

    def queue_name(self, outgoing: OutgoingMessage) -> str:
        return f"{outgoing.session.tenant}/{outgoing.destination}"

    async def post(self, outgoing: OutgoingMessage, announcement: Announcement) -> Json:
        self.sending += 1
        self.max_sending = max(self.sending, self.max_sending)
        await asyncio.sleep(0)
        self.sending -= 1
        self.before_post()
        self.posts.append((announcement.session, outgoing.destination or ""))
        if self.answers:
            first, *self.answers = self.answers
            raise first
        return {"link": f"https://example.org/{announcement.session}"}

    async def find_post(self, outgoing: OutgoingMessage, since: datetime) -> Json | None:
        self.searches.append(since)
        if isinstance(self.found, Exception):
            raise self.found
        return self.found

    async def edit_post(self, outgoing: OutgoingMessage, post: Json, announcement: Announcement) -> None:
        self.edits.append(announcement)
        if self.fail:
            raise self.fail

    async def delete_post(self, outgoing: OutgoingMessage, post: Json) -> None:
        self.deleted.append(post)
        if self.fail:
            raise self.fail

    async def show_card(self, outgoing: OutgoingMessage, view: View) -> Json | None:
        self.shown.append(view)
        if self.fail:
            raise self.fail
        return {"number": len(self.shown)}

    async def report_failure(self, outgoing: OutgoingMessage, reason: str) -> None:
        self.reported.append(reason)
        if self.fail:
            raise self.fail


def complete() -> dict[str, str]:
    """Return answers that lead to a recommendation."""
    answers = dict(COMPLETE)
    while here := walk(FLOW, answers).next_question:
        answers[here.id] = here.options[0]
    return answers


async def begin(
    service: Service, id: str = "s1", actor: Actor = ANNA, answers: dict[str, str] | None = None
) -> TurnResult:
    return await service.turn(Turn(Start(actor, id, answers or {}), conversation="D1", card={"ts": "1"}))


async def answer(service: Service, session: Session, actor: Actor = ANNA, **more: str) -> TurnResult:
    here = walk(FLOW, session.answers).next_question
    assert here
    event = Answer(actor, here.id, more.get("option", here.options[0]), revision=session.revision)
    return await service.turn(Turn(event, session.id))


async def confirm(service: Service, id: str = "s1", actor: Actor = ANNA, where: str = "C1") -> TurnResult:
    """Start a session with complete answers, and post it."""
    await begin(service, id, actor, complete())
    await service.mark_shown(id, 0)
    result = await service.turn(Turn(ConfirmPost(actor, where, revision=0), id))
    await service.mark_shown(id, 1)
    return result


async def rows(database: Database) -> dict[str, str]:
    """Return the states of all jobs except expire and purge, by key, and of pending cards as ``drawing``."""
    query = sa.select(outbox.c.key, outbox.c.state).where(outbox.c.kind.not_in(["expire", "purge"]))
    cards = sa.select(pending_cards.c.session_id)

    def look(transaction: Transaction) -> dict[str, str]:
        shows = {f"{session}:card": "drawing" for session in transaction.execute(cards).scalars()}
        return shows | {row.key: row.state for row in transaction.execute(query)}

    return await database.run(look)


async def work(worker: OutboxWorker) -> None:
    """Run all due jobs."""
    while await worker.work():
        pass
