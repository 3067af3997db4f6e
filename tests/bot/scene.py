"""What the tests of the application play with: one person, her dialog, and a courier."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime

import sqlalchemy as sa

from adapters.ports import Delivery, Json, Refused, Turn, Turned
from bot.jobs import Worker
from bot.schema import cards, jobs
from bot.service import Service
from bot.store import Store, Unit
from dialogs.community import FLOW
from dialogs.session import Actor, Answer, ConfirmPost, Session, Start
from dialogs.views import Announcement, View
from dialogs.walk import walk

ANNA = Actor("slack:T1", "U1", "en")
BEN = Actor("slack:T1", "U2", "fr")
STRANGER = Actor("slack:T2", "U1", "en")
COMPLETE = {"orientation": "key", "mode": "agency", "agency_link": "yes"}


class FakeCourier:
    """Notes every call; `answers` are raised or returned in turn by `post`, `fail` by everything else."""

    def __init__(self) -> None:
        self.posts: list[tuple[str, str]] = []
        self.shows: list[View] = []
        self.told: list[str] = []
        self.looked: list[datetime] = []
        self.found: Json | Exception | None = Refused("lost")
        self.answers: Sequence[Exception] = []
        self.fail: Exception | None = None
        self.before_post: Callable[[], object] = lambda: None
        self.busy = self.most_busy = 0

    def queue(self, delivery: Delivery) -> str:
        return f"{delivery.session.tenant}/{delivery.where}"

    async def post(self, delivery: Delivery, announcement: Announcement) -> Json:
        self.busy += 1
        self.most_busy = max(self.busy, self.most_busy)
        await asyncio.sleep(0)
        self.busy -= 1
        self.before_post()
        self.posts.append((announcement.session, delivery.where or ""))
        if self.answers:
            first, *self.answers = self.answers
            raise first
        return {"link": f"https://example.org/{announcement.session}"}

    async def find(self, delivery: Delivery, since: datetime) -> Json | None:
        self.looked.append(since)
        if isinstance(self.found, Exception):
            raise self.found
        return self.found

    async def show(self, delivery: Delivery, view: View) -> Json | None:
        self.shows.append(view)
        if self.fail:
            raise self.fail
        return {"drawn": len(self.shows)}

    async def tell(self, delivery: Delivery, reason: str) -> None:
        self.told.append(reason)
        if self.fail:
            raise self.fail


def complete() -> dict[str, str]:
    """Return answers that lead to the end: the first option of everything else that is asked."""
    answers = dict(COMPLETE)
    while here := walk(FLOW, answers).here:
        answers[here.id] = here.options[0]
    return answers


async def begin(service: Service, id: str = "s1", actor: Actor = ANNA, answers: dict[str, str] | None = None) -> Turned:
    return await service.turn(Turn(Start(actor, id, answers or {}), place="D1", card={"ts": "1"}))


async def answer(service: Service, session: Session, actor: Actor = ANNA, **more: str) -> Turned:
    here = walk(FLOW, session.answers).here
    assert here
    event = Answer(actor, here.id, more.get("option", here.options[0]), revision=session.revision)
    return await service.turn(Turn(event, session.id))


async def confirm(service: Service, id: str = "s1", actor: Actor = ANNA, where: str = "C1") -> Turned:
    """Begin a dialog with everything answered, and post it."""
    await begin(service, id, actor, complete())
    await service.shown(id, 0)
    turned = await service.turn(Turn(ConfirmPost(actor, where, revision=0), id))
    await service.shown(id, 1)
    return turned


async def rows(store: Store) -> dict[str, str]:
    """Return the states of all jobs but the expiries, by key, with the cards that are being drawn."""
    query = sa.select(jobs.c.key, jobs.c.state).where(jobs.c.kind.not_in(["expire", "purge"]))
    drawing = sa.select(cards.c.session)

    def look(unit: Unit) -> dict[str, str]:
        shows = {f"{session}:card": "drawing" for session in unit.execute(drawing).scalars()}
        return shows | {row.key: row.state for row in unit.execute(query)}

    return await store.run(look)


async def work(worker: Worker) -> None:
    """Do everything that is due."""
    while await worker.work():
        pass
