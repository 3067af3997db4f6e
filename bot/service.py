"""The application as adapters see it: load, step, save, and write down what must happen, in one transaction."""

import time
from collections.abc import Callable, Mapping
from datetime import timedelta

import sqlalchemy as sa

from adapters.ports import Check, Courier, Delivery, Json, Turn, Turned
from bot import metrics
from bot.schema import jobs, notes, people, seen, sessions, states, tenants
from bot.store import Store, Stored, Unit
from dialogs.machine import step
from dialogs.model import Flow
from dialogs.session import Actor, Effect, Expire, Post, Schedule, Session, Show, Start, Status
from dialogs.walk import walk

GRACE = timedelta(seconds=15)
"""How long an adapter has to draw a card before the worker does."""
REMEMBERED = timedelta(days=2)
"""How long deliveries are remembered; platforms give up delivering again within the hour."""
MOST_NOTES = 200
_HELD = ("held", "dead")
_LISTED = (Status.OPEN.value, Status.QUICK.value, Status.KEPT.value, Status.POSTED.value)


class Service:
    """`adapters.ports.Advisor`.

    `couriers`: by platform, each there before its adapter takes anything. `wake`: called when a row is due at once;
    a `bot.jobs.Worker` puts itself there.
    """

    def __init__(
        self,
        flow: Flow,
        store: Store,
        wake: Callable[[], None] = lambda: None,
        couriers: Mapping[str, Courier] | None = None,
        idle: timedelta = timedelta(days=14),
    ) -> None:
        self.flow = flow
        self.store = store
        self.wake = wake
        self.couriers = {} if couriers is None else couriers
        self._idle = idle

    # --- A turn ---------------------------------------------------------------------------------------------------

    async def turn(self, turn: Turn) -> Turned:
        began = time.perf_counter()
        turned, due = await self.store.run(lambda unit: self._turn(unit, turn))
        metrics.turned(turn.event, turned, time.perf_counter() - began)
        if due:
            self.wake()
        return turned

    def _turn(self, unit: Unit, turn: Turn) -> tuple[Turned, bool]:
        repeated = turn.once is not None and not unit.first(turn.once)
        stored = self._find(unit, turn)
        before, card = (stored.session, stored.card) if stored else (None, None)
        if repeated or (before and isinstance(turn.event, Start)):
            return Turned(before, card, (), repeated=True), False
        session, effects = step(self.flow, before, turn.event)
        if session is None or session.owner != turn.event.actor.person:
            return Turned(session, card, tuple(effects)), False
        if not self._save(unit, turn, stored, session, effects):
            return Turned(None, None, (), repeated=True), False
        card = card if turn.card is None else turn.card
        for effect in effects:
            self._write(unit, session, card, effect)
        at_once = tuple(effect for effect in effects if not isinstance(effect, Post | Schedule))
        return Turned(session, card, at_once), any(isinstance(effect, Post) for effect in effects)

    def _find(self, unit: Unit, turn: Turn) -> Stored | None:
        actor = turn.event.actor
        if isinstance(turn.event, Start):
            return unit.load(turn.event.session, actor.tenant)
        if turn.session is not None:
            return unit.load(turn.session, actor.tenant)
        return unit.running(actor.tenant, actor.person, turn.place) if turn.place is not None else None

    def _save(self, unit: Unit, turn: Turn, stored: Stored | None, session: Session, effects: list[Effect]) -> bool:
        """Save what changed; False when a new session's id is taken, by another tenant's."""
        if stored is None:
            return unit.begin(session, turn.place, turn.card)
        shows = any(isinstance(effect, Show) for effect in effects)
        if session != stored.session or turn.card is not None or shows:
            unit.save(stored, session, card=turn.card)
        reopened = session.status.running and not stored.session.status.running
        if reopened:
            unit.put("expire", session.id, after=self._idle)
        return True

    def _write(self, unit: Unit, session: Session, card: Json | None, effect: Effect) -> None:
        match effect:
            case Show():
                unit.put("show", session.id, after=GRACE, revision=session.revision)
            case Post(where=where, key=key):
                unit.put("post", session.id, key=key, queue=self._queue(session, card, where), once=True, where=where)
            case Schedule():
                unit.put("expire", session.id, after=self._idle)

    def _queue(self, session: Session, card: Json | None, where: str) -> str:
        platform = session.tenant.partition(":")[0]
        courier = self.couriers.get(platform)
        return f"{platform}:{courier.queue(Delivery(session, card, where))}" if courier else f"{session.tenant}:{where}"

    async def shown(self, session: str, revision: int, card: Json | None = None) -> None:
        def work(unit: Unit) -> None:
            if card is not None:
                unit.execute(sa.update(sessions).where(sessions.c.id == session).values(card=card))
            drawn = sa.and_(jobs.c.key == f"{session}:show", jobs.c.revision <= revision)
            unit.execute(sa.delete(jobs).where(drawn))

        await self.store.run(work)
        self.wake()  # what waited behind the card, such as the word that a post went out

    def expire(self, unit: Unit, session: str) -> timedelta | None:
        """Close a session nobody went on with; return how long to wait when somebody did, None when that is all."""
        stored = unit.load(session)
        if stored is None or not stored.session.status.running:
            return None
        idle = stored.updated + self._idle - unit.now
        if idle > timedelta():
            return idle
        owner = Actor(stored.session.tenant, stored.session.owner, stored.session.language)
        closed, effects = step(self.flow, stored.session, Expire(owner))
        if closed is not None:
            unit.save(stored, closed)
            metrics.ABANDONED.labels(
                closed.tenant.partition(":")[0], walk(self.flow, closed.answers).here or "end"
            ).inc()
            for _ in (effect for effect in effects if isinstance(effect, Show)):
                unit.put("show", session, revision=closed.revision)
        return None

    # --- About a person -------------------------------------------------------------------------------------------

    async def running(self, actor: Actor, place: str) -> Session | None:
        stored = await self.store.run(lambda unit: unit.running(actor.tenant, actor.person, place))
        return stored.session if stored else None

    async def heard(self, once: str) -> bool:
        return not await self.store.run(lambda unit: unit.first(once))

    async def checks(self, actor: Actor, limit: int = 10) -> list[Check]:
        listed = (
            sa.select(sessions.c.id)
            .where(_of(actor), sessions.c.status.in_(_LISTED))
            .order_by(sessions.c.updated.desc())
            .limit(limit)
        )

        def work(unit: Unit) -> list[Stored | None]:
            return [unit.load(id) for id in unit.execute(listed).scalars().all()]

        found = await self.store.run(work)
        return [Check(stored.session, stored.updated, stored.posted) for stored in found if stored]

    async def language(self, tenant: str, person: str) -> str | None:
        chosen = sa.select(people.c.language).where(people.c.tenant == tenant, people.c.person == person)
        return await self.store.run(lambda unit: unit.execute(chosen).scalar())

    async def choose_language(self, actor: Actor, language: str) -> None:
        def work(unit: Unit) -> None:
            row = {"tenant": actor.tenant, "person": actor.person, "language": language, "updated": unit.now}
            key, again = ["tenant", "person"], {"language": language, "updated": unit.now}
            unit.execute(unit.insert(people).values(row).on_conflict_do_update(index_elements=key, set_=again))

        await self.store.run(work)

    async def forget(self, actor: Actor) -> int:
        def work(unit: Unit) -> int:
            unit.execute(sa.delete(people).where(people.c.tenant == actor.tenant, people.c.person == actor.person))
            return unit.execute(sa.delete(sessions).where(_of(actor))).rowcount

        return await self.store.run(work)

    async def post_again(self, actor: Actor, session: str) -> bool:
        own = sa.select(sessions.c.id).where(_of(actor), sessions.c.id == session)
        held = sa.and_(jobs.c.session.in_(own), jobs.c.kind == "post", jobs.c.state.in_(_HELD))

        def work(unit: Unit) -> bool:
            again = {"state": "pending", "attempts": 0, "due": unit.now, "leased_by": None, "leased_until": None}
            if not unit.execute(sa.update(jobs).where(held).values(again)).rowcount:
                return False
            unit.execute(sa.delete(jobs).where(jobs.c.key == f"{session}:tell"))
            return True

        again = await self.store.run(work)
        self.wake()
        return again

    # --- About a tenant -------------------------------------------------------------------------------------------

    async def remember(self, tenant: str, key: str, note: Json | None) -> None:
        def work(unit: Unit) -> None:
            if note is None:
                unit.execute(sa.delete(notes).where(notes.c.tenant == tenant, notes.c.key == key))
                return
            insert = unit.insert(notes).values(tenant=tenant, key=key, note=note)
            unit.execute(insert.on_conflict_do_update(index_elements=["tenant", "key"], set_={"note": note}))

        await self.store.run(work)

    async def recall(self, tenant: str, prefix: str) -> dict[str, Json]:
        begins = sa.func.substr(notes.c.key, 1, len(prefix)) == prefix  # LIKE does not mind capitals on SQLite
        query = sa.select(notes.c.key, notes.c.note).where(notes.c.tenant == tenant, begins)
        found = query.order_by(notes.c.key).limit(MOST_NOTES)
        return await self.store.run(lambda unit: {row.key: row.note for row in unit.execute(found)})

    async def forget_tenant(self, tenant: str) -> None:
        def work(unit: Unit) -> None:
            insert = unit.insert(tenants).values(tenant=tenant, left_at=unit.now)
            unit.execute(insert.on_conflict_do_update(index_elements=["tenant"], set_={"left_at": unit.now}))
            its = sa.select(sessions.c.id).where(sessions.c.tenant == tenant)
            unit.execute(sa.delete(jobs).where(jobs.c.session.in_(its)))

        await self.store.run(work)


def purge(unit: Unit, retention: timedelta) -> None:
    """Delete what is older than its time."""
    old = unit.now - retention
    unit.execute(sa.delete(sessions).where(sessions.c.updated < old))
    unit.execute(sa.delete(seen).where(seen.c.at < unit.now - REMEMBERED))
    unit.execute(sa.delete(jobs).where(jobs.c.state == "done", jobs.c.due < unit.now - REMEMBERED))
    unit.execute(sa.delete(states).where(states.c.expires < unit.now))
    for tenant, left_at in unit.execute(sa.select(tenants).where(tenants.c.left_at < old)).all():
        # Whoever chose a language since then is of a tenant that came back.
        unit.execute(sa.delete(people).where(people.c.tenant == tenant, people.c.updated <= left_at))
        unit.execute(sa.delete(notes).where(notes.c.tenant == tenant))
        unit.execute(sa.delete(tenants).where(tenants.c.tenant == tenant))


def _of(actor: Actor) -> sa.ColumnElement[bool]:
    return sa.and_(sessions.c.tenant == actor.tenant, sessions.c.owner == actor.person)
