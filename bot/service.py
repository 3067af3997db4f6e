"""The application as adapters see it: load, step, save, and write down what must happen, in one transaction."""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import sqlalchemy as sa

from adapters.ports import Admission, Check, Courier, Delivery, Json, Turn, Turned
from bot import metrics
from bot.limits import Limits
from bot.schema import cards as drawings
from bot.schema import jobs, notes, people, seen, sessions, states, tenants
from bot.store import Store, Unit
from bot.turns import Change, Drawing, Due, Lookup, Stored
from dialogs.machine import step
from dialogs.model import Flow
from dialogs.session import LONG_AGO, Actor, Expire, Post, Schedule, Session, Show, Start, Status, Typed
from dialogs.walk import walk

GRACE = timedelta(seconds=15)
"""How long an adapter has to draw a card before the worker does."""
REMEMBERED = timedelta(days=2)
"""How long deliveries are remembered; platforms give up delivering again within the hour."""
MOST_AT_ONCE = 100
SLICE = 2_000
"""Rows looked at in one transaction when what is old is deleted: some milliseconds."""
DAY = timedelta(days=1)
"""By which no platform's clock differs from ours."""
MOST_NOTES = 200
LATELY = 60.0
"""Seconds for which the language somebody chose is remembered without looking."""
MOST_KNOWN = 10_000
_HELD = ("held", "dead")
_LISTED = (Status.OPEN.value, Status.QUICK.value, Status.KEPT.value, Status.POSTED.value)


class Service:
    """`adapters.ports.Advisor`.

    `couriers`: by platform, each there before its adapter takes anything. `wake`: called when a row is due at once;
    a `bot.jobs.Worker` puts itself there. `limits`: none unless given.
    """

    def __init__(
        self,
        flow: Flow,
        store: Store,
        wake: Callable[[], None] = lambda: None,
        couriers: Mapping[str, Courier] | None = None,
        idle: timedelta = timedelta(days=14),
        limits: Limits | None = None,
    ) -> None:
        self.flow = flow
        self.store = store
        self.wake = wake
        self.couriers = {} if couriers is None else couriers
        self._idle = idle
        self._drawn: dict[str, int] = {}
        self._languages: dict[tuple[str, str], tuple[float, str | None]] = {}
        self.trace: Callable[[], dict[str, str]] = dict
        """What a row says of the trace in which it is written; `bot.traces` puts itself there."""
        self._limits = limits or Limits(0, 0)

    def admits(self, tenant: str, person: str) -> Admission:
        return self._limits.admits(tenant, person)

    # --- A turn ---------------------------------------------------------------------------------------------------

    async def turn(self, turn: Turn) -> Turned:
        began = time.perf_counter()
        turned = await self.store.turn(_lookup(turn), lambda *found: self._decide(turn, *found))
        if turned is None:  # the id is another tenant's
            turned = Turned(None, None, (), repeated=True)
        metrics.turned(turn.event, turned, time.perf_counter() - began)
        if any(isinstance(effect, Post) for effect in turned.effects):
            self.wake()
            turned = replace(turned, effects=tuple(effect for effect in turned.effects if not isinstance(effect, Post)))
        return turned

    def _decide(self, turn: Turn, stored: Stored | None, heard: bool, now: datetime) -> tuple[Change | None, Turned]:
        """Return what to write, and what the adapter is told (`Post` among its effects still)."""
        before, card = (stored.session, stored.card) if stored else (None, None)
        if heard or (before and isinstance(turn.event, Start)):
            return _only_heard(turn, heard), Turned(before, card, (), repeated=True)
        # Platforms deliver again, minutes later, what was not taken: words may be meant for a card that is gone. What
        # came first is told by the platform's clock alone: ours may be wrong, and counts where that one says nothing.
        told = turn.happened if turn.happened and abs(turn.happened - now) < DAY else None
        known = stored.happened if stored else None
        late = isinstance(turn.event, Typed) and told is not None and known is not None and told < known
        session, effects = step(self.flow, before, replace(turn.event, revision=LONG_AGO) if late else turn.event)
        if session is None or session.owner != turn.event.actor.person:
            return _only_heard(turn, heard), Turned(session, card, tuple(effects))
        card = card if turn.card is None else turn.card
        due = [self._due(session, card, effect) for effect in effects if isinstance(effect, Post | Schedule)]
        drawing = Drawing(GRACE, self.trace()) if any(isinstance(effect, Show) for effect in effects) else None
        after: Session | None = session
        if stored is not None:
            if session.status.running and not stored.session.status.running:
                due.append(Due("expire", session.id, after=self._idle))
            if session == stored.session and turn.card is None and not drawing:
                after = None
        place = turn.place if stored is None else None
        press = turn.session is not None and turn.event.revision is not None
        happened = max(told or now, known or told or now)
        change = Change(turn.once, stored, after, place, turn.card, drawing, tuple(due), press, happened)
        return change, Turned(session, card, tuple(one for one in effects if not isinstance(one, Schedule)))

    def _due(self, session: Session, card: Json | None, effect: Post | Schedule) -> Due:
        if isinstance(effect, Schedule):
            return Due("expire", session.id, after=self._idle)
        queue = self._queue(session, card, effect.where)
        payload = {"where": effect.where, **self.trace()}
        return Due("post", session.id, key=effect.key, queue=queue, once=True, payload=payload)

    def _queue(self, session: Session, card: Json | None, where: str) -> str:
        platform = session.tenant.partition(":")[0]
        courier = self.couriers.get(platform)
        return f"{platform}:{courier.queue(Delivery(session, card, where))}" if courier else f"{session.tenant}:{where}"

    async def shown(self, session: str, revision: int, card: Json | None = None) -> None:
        self._drawn[session] = max(revision, self._drawn.get(session, revision))
        if card is not None:
            await self.settle({session: card})

    async def settle(self, cards: Mapping[str, Json] | None = None) -> None:
        """Write which cards are drawn, many at once; the worker asks for it whenever it looks for work.

        Should that be lost, they are drawn once more, which does no harm.
        """
        drawn, self._drawn = self._drawn, {}
        if drawn:
            await self.store.run(lambda unit: _settle(unit, drawn, cards or {}), long=len(drawn) > MOST_AT_ONCE)
            self.wake()  # what waited behind a card, such as the word that a post went out

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
                unit.put(Due("show", session, revision=closed.revision))
        return None

    async def purge(self, retention: timedelta) -> None:
        """Delete what is older than its time, a little at a time; broken off, it begins anew."""
        for table, moment, keep in ((sessions, "updated", retention), (seen, "at", REMEMBERED)):
            sliced, last = partial(_purge_slice, table=table, moment=moment, keep=keep), None
            while (last := await self.store.run(partial(sliced, after=last), long=True)) is not None:
                pass
        await self.store.run(lambda unit: _purge_rest(unit, retention), long=True)

    # --- About a person -------------------------------------------------------------------------------------------

    async def running(self, actor: Actor, place: str) -> Session | None:
        lookup = Lookup(actor.tenant, owner=actor.person, place=place)
        stored, _ = await self.store.run(lambda unit: unit.look(lookup))
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

    async def language(self, tenant: str, person: str, *, lately: bool = False) -> str | None:
        until, known = self._languages.get((tenant, person), (0.0, None))
        if lately and time.monotonic() < until:
            return known
        chosen = sa.select(people.c.language).where(people.c.tenant == tenant, people.c.person == person)
        language: str | None = await self.store.run(lambda unit: unit.execute(chosen).scalar())
        self._note_language(tenant, person, language)
        return language

    def _note_language(self, tenant: str, person: str, language: str | None) -> None:
        if len(self._languages) >= MOST_KNOWN:
            self._languages.clear()
        self._languages[tenant, person] = (time.monotonic() + LATELY, language)

    async def choose_language(self, actor: Actor, language: str) -> None:
        def work(unit: Unit) -> None:
            row = {"tenant": actor.tenant, "person": actor.person, "language": language, "updated": unit.now}
            key, again = ["tenant", "person"], {"language": language, "updated": unit.now}
            unit.execute(unit.insert(people).values(row).on_conflict_do_update(index_elements=key, set_=again))

        await self.store.run(work)
        self._note_language(actor.tenant, actor.person, language)

    async def forget(self, actor: Actor) -> int:
        self._languages.pop((actor.tenant, actor.person), None)

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
            for table in (drawings, jobs):
                unit.execute(sa.delete(table).where(table.c.session.in_(its)))

        await self.store.run(work)


def _lookup(turn: Turn) -> Lookup:
    actor, event = turn.event.actor, turn.event
    session = event.session if isinstance(event, Start) else turn.session
    return Lookup(actor.tenant, session, actor.person, turn.place, turn.once)


def _only_heard(turn: Turn, heard: bool) -> Change | None:
    return Change(turn.once) if turn.once is not None and not heard else None


def _settle(unit: Unit, drawn: Mapping[str, int], cards: Mapping[str, Json]) -> None:
    for session, card in cards.items():
        unit.execute(sa.update(sessions).where(sessions.c.id == session).values(card=card))
    unit.drawn(drawn)


def _purge_slice(unit: Unit, table: sa.Table, moment: str, keep: timedelta, after: Any) -> Any:
    """Delete what is too old among the next `SLICE` rows after a key; return the last key looked at, None at the end.

    Slice by slice, since nobody can write meanwhile on SQLite; an index on `moment` would have to follow every turn.
    """
    [key] = table.primary_key
    found = sa.select(key, table.c[moment]).order_by(key).limit(SLICE)
    rows = unit.execute(found if after is None else found.where(key > after)).all()
    old = unit.now - keep
    gone = [id for id, at in rows if at < old]
    if gone:  # looked at again: a dialog may have gone on
        unit.execute(sa.delete(table).where(key.in_(gone), table.c[moment] < old))
    return rows[-1][0] if len(rows) == SLICE else None


def _purge_rest(unit: Unit, retention: timedelta) -> None:
    """Delete what is too old of everything that is small, or has an index."""
    unit.execute(sa.delete(jobs).where(jobs.c.state == "done", jobs.c.due < unit.now - REMEMBERED))
    unit.execute(sa.delete(states).where(states.c.expires < unit.now))
    old = unit.now - retention
    for tenant, left_at in unit.execute(sa.select(tenants).where(tenants.c.left_at < old)).all():
        # Whoever chose a language since then is of a tenant that came back.
        unit.execute(sa.delete(people).where(people.c.tenant == tenant, people.c.updated <= left_at))
        unit.execute(sa.delete(notes).where(notes.c.tenant == tenant))
        unit.execute(sa.delete(tenants).where(tenants.c.tenant == tenant))


def _of(actor: Actor) -> sa.ColumnElement[bool]:
    return sa.and_(sessions.c.tenant == actor.tenant, sessions.c.owner == actor.person)
