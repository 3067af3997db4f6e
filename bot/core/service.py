"""The application as adapters see it: load, step, save, and write down what must happen, in one transaction."""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import sqlalchemy as sa

from adapters.ports import CheckSummary, Decision, Gateway, Json, OutgoingMessage, Turn, TurnResult
from bot.core.rate_limit import RateLimiter
from bot.storage.database import Database
from bot.storage.schema import (
    adapter_data,
    oauth_states,
    outbox,
    person_settings,
    processed_events,
    removed_tenants,
    sessions,
)
from bot.storage.schema import pending_cards as drawings
from bot.storage.statements import NewJob, PendingCard, SessionLookup, StoredSession, TurnChange
from bot.storage.transaction import Transaction
from bot.telemetry import metrics
from dialogs.effects import Post, Schedule, Show
from dialogs.events import STALE_REVISION, Expire, Start, Typed
from dialogs.flow import Flow
from dialogs.reducer import step
from dialogs.session import RUNNING, Actor, Session, Status
from dialogs.walk import walk

GRACE = timedelta(seconds=15)
"""How long an adapter has to draw a card before the worker does."""
REMEMBERED = timedelta(days=2)
"""How long deliveries are remembered; platforms give up delivering again within the hour."""
MAX_AT_ONCE = 100
SLICE = 2_000
"""Rows looked at in one transaction when what is old is deleted: some milliseconds."""
DAY = timedelta(days=1)
"""By which no platform's clock differs from ours."""
MAX_NOTES = 200
CACHE_SECONDS = 60.0
"""Seconds for which the language somebody chose is remembered without looking."""
MAX_KNOWN = 10_000
_HELD = ("held", "dead")
_LISTED = (Status.OPEN.value, Status.QUICK.value, Status.KEPT.value, Status.POSTED.value)


class Service:
    """`adapters.ports.Application`.

    `couriers`: by platform, each there before its adapter takes anything. `wake`: called when a row is due at once;
    a `bot.core.outbox.OutboxWorker` puts itself there. `limits`: none unless given.
    """

    def __init__(
        self,
        flow: Flow,
        database: Database,
        wake: Callable[[], None] = lambda: None,
        gateways: Mapping[str, Gateway] | None = None,
        idle: timedelta = timedelta(days=14),
        limits: RateLimiter | None = None,
    ) -> None:
        self.flow = flow
        self.database = database
        self.wake = wake
        self.gateways = {} if gateways is None else gateways
        self._idle = idle
        self._drawn: dict[str, int] = {}
        self._languages: dict[tuple[str, str], tuple[float, str | None]] = {}
        self.trace_context: Callable[[], dict[str, str]] = dict
        """What a row says of the trace in which it is written; `bot.telemetry.tracing` puts itself there."""
        self._limits = limits or RateLimiter(0, 0)

    def check_rate_limit(self, tenant: str, person: str) -> Decision:
        return self._limits.check_rate_limit(tenant, person)

    # --- A turn ---------------------------------------------------------------------------------------------------

    async def turn(self, turn: Turn) -> TurnResult:
        began = time.perf_counter()
        result = await self.database.turn(_lookup(turn), lambda *found: self._decide(turn, *found))
        if result is None:  # the id is another tenant's
            result = TurnResult(None, None, (), duplicate=True)
        metrics.count_turn(turn.event, result, time.perf_counter() - began)
        if any(isinstance(effect, Post) for effect in result.effects):
            self.wake()
            result = replace(result, effects=tuple(effect for effect in result.effects if not isinstance(effect, Post)))
        return result

    def _decide(
        self, turn: Turn, stored: StoredSession | None, heard: bool, now: datetime
    ) -> tuple[TurnChange | None, TurnResult]:
        """Return what to write, and what the adapter is told (`Post` among its effects still)."""
        before, card = (stored.session, stored.card) if stored else (None, None)
        if heard or (before and isinstance(turn.event, Start)):
            return _only_heard(turn, heard), TurnResult(before, card, (), duplicate=True)
        # Platforms deliver again, minutes later, what was not taken: words may be meant for a card that is gone. What
        # came first is told by the platform's clock alone: ours may be wrong, and counts where that one says nothing.
        told = turn.occurred_at if turn.occurred_at and abs(turn.occurred_at - now) < DAY else None
        known = stored.occurred_at if stored else None
        late = isinstance(turn.event, Typed) and told is not None and known is not None and told < known
        session, effects = step(self.flow, before, replace(turn.event, revision=STALE_REVISION) if late else turn.event)
        if session is None or session.owner != turn.event.actor.person:
            return _only_heard(turn, heard), TurnResult(session, card, tuple(effects))
        card = card if turn.card is None else turn.card
        due = [self._due(session, card, effect) for effect in effects if isinstance(effect, Post | Schedule)]
        drawing = (
            PendingCard(GRACE, self.trace_context()) if any(isinstance(effect, Show) for effect in effects) else None
        )
        after: Session | None = session
        if stored is not None:
            if session.status in RUNNING and stored.session.status not in RUNNING:
                due.append(NewJob("expire", session.id, delay=self._idle))
            if session == stored.session and turn.card is None and not drawing:
                after = None
        place = turn.conversation if stored is None else None
        press = turn.session is not None and turn.event.revision is not None
        happened = max(told or now, known or told or now)
        change = TurnChange(turn.idempotency_key, stored, after, place, turn.card, drawing, tuple(due), press, happened)
        return change, TurnResult(session, card, tuple(one for one in effects if not isinstance(one, Schedule)))

    def _due(self, session: Session, card: Json | None, effect: Post | Schedule) -> NewJob:
        if isinstance(effect, Schedule):
            return NewJob("expire", session.id, delay=self._idle)
        queue = self._queue(session, card, effect.destination)
        payload = {"destination": effect.destination, **self.trace_context()}
        return NewJob("post", session.id, key=effect.key, queue=queue, if_absent=True, payload=payload)

    def _queue(self, session: Session, card: Json | None, where: str) -> str:
        platform = session.tenant.partition(":")[0]
        gateway = self.gateways.get(platform)
        return (
            f"{platform}:{gateway.queue_name(OutgoingMessage(session, card, where))}"
            if gateway
            else f"{session.tenant}:{where}"
        )

    async def mark_shown(self, session: str, revision: int, card: Json | None = None) -> None:
        self._drawn[session] = max(revision, self._drawn.get(session, revision))
        if card is not None:
            await self.flush_shown({session: card})

    async def flush_shown(self, cards: Mapping[str, Json] | None = None) -> None:
        """Write which cards are drawn, many at once; the worker asks for it whenever it looks for work.

        Should that be lost, they are drawn once more, which does no harm.
        """
        drawn, self._drawn = self._drawn, {}
        if drawn:
            await self.database.run(
                lambda transaction: _settle(transaction, drawn, cards or {}), long=len(drawn) > MAX_AT_ONCE
            )
            self.wake()  # what waited behind a card, such as the word that a post went out

    def expire(self, transaction: Transaction, session: str) -> timedelta | None:
        """Close a session nobody went on with; return how long to wait when somebody did, None when that is all."""
        stored = transaction.load(session)
        if stored is None or stored.session.status not in RUNNING:
            return None
        idle = stored.updated_at + self._idle - transaction.now
        if idle > timedelta():
            return idle
        owner = Actor(stored.session.tenant, stored.session.owner, stored.session.language)
        closed, effects = step(self.flow, stored.session, Expire(owner))
        if closed is not None:
            transaction.save(stored, closed)
            metrics.ABANDONED.labels(
                closed.tenant.partition(":")[0], walk(self.flow, closed.answers).next_question or "end"
            ).inc()
            for _ in (effect for effect in effects if isinstance(effect, Show)):
                transaction.add_job(NewJob("show", session, revision=closed.revision))
        return None

    async def purge(self, retention: timedelta) -> None:
        """Delete what is older than its time, a little at a time; broken off, it begins anew."""
        for table, moment, keep in (
            (sessions, "updated_at", retention),
            (processed_events, "processed_at", REMEMBERED),
        ):
            sliced, last = partial(_purge_slice, table=table, moment=moment, keep=keep), None
            while (last := await self.database.run(partial(sliced, after=last), long=True)) is not None:
                pass
        await self.database.run(lambda transaction: _purge_rest(transaction, retention), long=True)

    # --- About a person -------------------------------------------------------------------------------------------

    async def find_running(self, actor: Actor, place: str) -> Session | None:
        lookup = SessionLookup(actor.tenant, owner=actor.person, conversation=place)
        stored, _ = await self.database.run(lambda transaction: transaction.look_up(lookup))
        return stored.session if stored else None

    async def is_duplicate(self, once: str) -> bool:
        return not await self.database.run(lambda transaction: transaction.record_key(once))

    async def list_checks(self, actor: Actor, limit: int = 10) -> list[CheckSummary]:
        listed = (
            sa.select(sessions.c.id)
            .where(_of(actor), sessions.c.status.in_(_LISTED))
            .order_by(sessions.c.updated_at.desc())
            .limit(limit)
        )

        def work(transaction: Transaction) -> list[StoredSession | None]:
            return [transaction.load(id) for id in transaction.execute(listed).scalars().all()]

        found = await self.database.run(work)
        return [CheckSummary(stored.session, stored.updated_at, stored.post) for stored in found if stored]

    async def get_language(self, tenant: str, person: str, *, allow_cached: bool = False) -> str | None:
        until, known = self._languages.get((tenant, person), (0.0, None))
        if allow_cached and time.monotonic() < until:
            return known
        chosen = sa.select(person_settings.c.language).where(
            person_settings.c.tenant == tenant, person_settings.c.person == person
        )
        language: str | None = await self.database.run(lambda transaction: transaction.execute(chosen).scalar())
        self._note_language(tenant, person, language)
        return language

    def _note_language(self, tenant: str, person: str, language: str | None) -> None:
        if len(self._languages) >= MAX_KNOWN:
            self._languages.clear()
        self._languages[tenant, person] = (time.monotonic() + CACHE_SECONDS, language)

    async def set_language(self, actor: Actor, language: str) -> None:
        def work(transaction: Transaction) -> None:
            row = {"tenant": actor.tenant, "person": actor.person, "language": language, "updated_at": transaction.now}
            key, again = ["tenant", "person"], {"language": language, "updated_at": transaction.now}
            transaction.execute(
                transaction.insert(person_settings).values(row).on_conflict_do_update(index_elements=key, set_=again)
            )

        await self.database.run(work)
        self._note_language(actor.tenant, actor.person, language)

    async def forget_person(self, actor: Actor) -> int:
        self._languages.pop((actor.tenant, actor.person), None)

        def work(transaction: Transaction) -> int:
            transaction.execute(
                sa.delete(person_settings).where(
                    person_settings.c.tenant == actor.tenant, person_settings.c.person == actor.person
                )
            )
            return transaction.execute(sa.delete(sessions).where(_of(actor))).rowcount

        return await self.database.run(work)

    async def retry_post(self, actor: Actor, session: str) -> bool:
        own = sa.select(sessions.c.id).where(_of(actor), sessions.c.id == session)
        held = sa.and_(outbox.c.session_id.in_(own), outbox.c.kind == "post", outbox.c.state.in_(_HELD))

        def work(transaction: Transaction) -> bool:
            again = {
                "state": "pending",
                "attempts": 0,
                "due_at": transaction.now,
                "leased_by": None,
                "leased_until": None,
            }
            if not transaction.execute(sa.update(outbox).where(held).values(again)).rowcount:
                return False
            transaction.execute(sa.delete(outbox).where(outbox.c.key == f"{session}:tell"))
            return True

        again = await self.database.run(work)
        self.wake()
        return again

    # --- About a tenant -------------------------------------------------------------------------------------------

    async def save_adapter_data(self, tenant: str, key: str, note: Json | None) -> None:
        def work(transaction: Transaction) -> None:
            if note is None:
                transaction.execute(
                    sa.delete(adapter_data).where(adapter_data.c.tenant == tenant, adapter_data.c.key == key)
                )
                return
            insert = transaction.insert(adapter_data).values(tenant=tenant, key=key, value=note)
            transaction.execute(insert.on_conflict_do_update(index_elements=["tenant", "key"], set_={"value": note}))

        await self.database.run(work)

    async def load_adapter_data(self, tenant: str, prefix: str) -> dict[str, Json]:
        begins = sa.func.substr(adapter_data.c.key, 1, len(prefix)) == prefix  # LIKE does not mind capitals on SQLite
        query = sa.select(adapter_data.c.key, adapter_data.c.value).where(adapter_data.c.tenant == tenant, begins)
        found = query.order_by(adapter_data.c.key).limit(MAX_NOTES)
        return await self.database.run(lambda transaction: {row.key: row.value for row in transaction.execute(found)})

    async def mark_tenant_removed(self, tenant: str) -> None:
        def work(transaction: Transaction) -> None:
            insert = transaction.insert(removed_tenants).values(tenant=tenant, removed_at=transaction.now)
            transaction.execute(
                insert.on_conflict_do_update(index_elements=["tenant"], set_={"removed_at": transaction.now})
            )
            its = sa.select(sessions.c.id).where(sessions.c.tenant == tenant)
            for table in (drawings, outbox):
                transaction.execute(sa.delete(table).where(table.c.session_id.in_(its)))

        await self.database.run(work)


def _lookup(turn: Turn) -> SessionLookup:
    actor, event = turn.event.actor, turn.event
    session = event.session if isinstance(event, Start) else turn.session
    return SessionLookup(actor.tenant, session, actor.person, turn.conversation, turn.idempotency_key)


def _only_heard(turn: Turn, heard: bool) -> TurnChange | None:
    return TurnChange(turn.idempotency_key) if turn.idempotency_key is not None and not heard else None


def _settle(transaction: Transaction, drawn: Mapping[str, int], cards: Mapping[str, Json]) -> None:
    for session, card in cards.items():
        transaction.execute(sa.update(sessions).where(sessions.c.id == session).values(card=card))
    transaction.delete_cards(drawn)


def _purge_slice(transaction: Transaction, table: sa.Table, moment: str, keep: timedelta, after: Any) -> Any:
    """Delete what is too old among the next `SLICE` rows after a key; return the last key looked at, None at the end.

    Slice by slice, since nobody can write meanwhile on SQLite; an index on `moment` would have to follow every turn.
    """
    [key] = table.primary_key
    found = sa.select(key, table.c[moment]).order_by(key).limit(SLICE)
    rows = transaction.execute(found if after is None else found.where(key > after)).all()
    old = transaction.now - keep
    gone = [id for id, at in rows if at < old]
    if gone:  # looked at again: a dialog may have gone on
        transaction.execute(sa.delete(table).where(key.in_(gone), table.c[moment] < old))
    return rows[-1][0] if len(rows) == SLICE else None


def _purge_rest(transaction: Transaction, retention: timedelta) -> None:
    """Delete what is too old of everything that is small, or has an index."""
    transaction.execute(
        sa.delete(outbox).where(outbox.c.state == "done", outbox.c.due_at < transaction.now - REMEMBERED)
    )
    transaction.execute(sa.delete(oauth_states).where(oauth_states.c.expires_at < transaction.now))
    old = transaction.now - retention
    for tenant, left_at in transaction.execute(
        sa.select(removed_tenants).where(removed_tenants.c.removed_at < old)
    ).all():
        # Whoever chose a language since then is of a tenant that came back.
        transaction.execute(
            sa.delete(person_settings).where(
                person_settings.c.tenant == tenant, person_settings.c.updated_at <= left_at
            )
        )
        transaction.execute(sa.delete(adapter_data).where(adapter_data.c.tenant == tenant))
        transaction.execute(sa.delete(removed_tenants).where(removed_tenants.c.tenant == tenant))


def _of(actor: Actor) -> sa.ColumnElement[bool]:
    return sa.and_(sessions.c.tenant == actor.tenant, sessions.c.owner == actor.person)
