"""The application as the adapters see it: `adapters.ports.Application`."""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

import sqlalchemy as sa

from adapters.ports import CardRef, CheckSummary, ConversationRef, Gateway, Json, OutgoingMessage, Turn, TurnResult
from adapters.shared.cache import TtlCache
from bot.core.rate_limit import RateLimiter
from bot.storage.database import Database
from bot.storage.schema import adapter_data, outbox, pending_cards, person_settings, removed_tenants, sessions
from bot.storage.statements import NewJob, PendingCard, SessionLookup, StoredSession, TurnChange
from bot.storage.transaction import Transaction
from bot.telemetry import metrics, spans
from dialogs import presenter
from dialogs.effects import DeletePost, EditPost, Effect, Notify, Post, Schedule, Show
from dialogs.events import STALE_REVISION, ConfirmPost, Details, Event, Expire, KeepPrivate, Start, Typed
from dialogs.flow import Flow
from dialogs.reducer import step
from dialogs.session import RUNNING, Actor, Session, Status
from dialogs.translations import translations
from dialogs.views import DetailsCard
from dialogs.walk import walk

GRACE = timedelta(seconds=15)
"""How long an adapter may take to show a card before the outbox worker does it."""
LONG_WRITE = 100
"""Rows; a unit of work that writes more is marked as long."""
MAX_CLOCK_DIFFERENCE = timedelta(days=1)
"""A platform's time is ignored when it differs more than this from ours."""
MAX_ADAPTER_DATA = 200
LANGUAGE_CACHE_SECONDS = 60.0
_HELD_STATES = ("held", "dead")
_LISTED_STATUSES = (Status.OPEN.value, Status.QUICK.value, Status.KEPT.value, Status.POSTED.value)


class Service:
    """The application.

    `gateways`: by platform; may be filled until the first turn. `idle`: when a running session expires.
    `rate_limiter`: no limits when None. `wake`: called when a job is due at once; the outbox worker sets it.
    """

    def __init__(
        self,
        flow: Flow,
        database: Database,
        gateways: Mapping[str, Gateway] | None = None,
        idle: timedelta = timedelta(days=14),
        rate_limiter: RateLimiter | None = None,
    ) -> None:
        self.flow = flow
        self.database = database
        self.gateways = {} if gateways is None else gateways
        self.wake: Callable[[], None] = lambda: None
        self.check_rate_limit = (rate_limiter or RateLimiter(0, 0)).check_rate_limit
        self._idle = idle
        self._shown_revisions: dict[str, int] = {}
        self._languages: TtlCache[tuple[str, str], str] = TtlCache(LANGUAGE_CACHE_SECONDS)

    # --- Sessions -------------------------------------------------------------------------------------------------

    async def turn(self, turn: Turn) -> TurnResult:
        event, started = turn.event, time.perf_counter()
        actor = event.actor
        platform = actor.tenant.partition(":")[0]
        session_id = event.session if isinstance(event, Start) else turn.session
        lookup = SessionLookup(actor.tenant, session_id, actor.person, turn.conversation, turn.idempotency_key)
        with spans.span({"name": "turn", "platform": platform, "event": type(event).__name__}) as attributes:
            result = await self.database.turn(lookup, lambda *stored: self._decide(turn, *stored))
            if result is None:  # the id of the new session belongs to another tenant
                result = TurnResult(None, None, (), duplicate=True)
            attributes["repeated"] = result.duplicate
        _count_turn(platform, event, result, time.perf_counter() - started)
        shown = tuple(effect for effect in result.effects if isinstance(effect, Show | Notify))
        if len(shown) < len(result.effects):
            self.wake()
            result = replace(result, effects=shown)
        return result

    def _decide(
        self, turn: Turn, stored: StoredSession | None, duplicate: bool, now: datetime
    ) -> tuple[TurnChange | None, TurnResult]:
        """Return what to write, and the result. Its effects still include those about the post."""
        before, card = (stored.session, stored.card) if stored else (None, None)
        if duplicate and isinstance(turn.event, Details):  # they change nothing that matters, so they are shown again
            session, effects = step(self.flow, before, turn.event)
            return None, TurnResult(session, card, tuple(effects))
        if duplicate:
            return None, TurnResult(before, card, (), duplicate=True)
        record_key = TurnChange(turn.idempotency_key) if turn.idempotency_key is not None else None
        if before and isinstance(turn.event, Start):
            return record_key, TurnResult(before, card, (), duplicate=True)
        # A platform may redeliver typed text minutes later, when it would answer another question. Only the platform's
        # clock tells which event came first; ours is used when an event has no time.
        occurred_at = turn.occurred_at
        if occurred_at and abs(occurred_at - now) >= MAX_CLOCK_DIFFERENCE:
            occurred_at = None
        latest = stored.occurred_at if stored else None
        event = turn.event
        if isinstance(event, Typed) and occurred_at and latest and occurred_at < latest:
            event = replace(event, revision=STALE_REVISION)
        session, effects = step(self.flow, before, event)
        if session is None or session.owner != event.actor.person:
            return record_key, TurnResult(session, card, tuple(effects))
        card = card if turn.card is None else turn.card
        jobs = [self._job(session, card, effect) for effect in effects if not isinstance(effect, Show | Notify)]
        # Not of details: the worker would show the card, which they do not replace for everybody.
        shows = any(isinstance(effect, Show) and not isinstance(effect.view, DetailsCard) for effect in effects)
        link = (stored.post or {}).get("link") if stored and session.publication else None
        if before and session.status in RUNNING and before.status not in RUNNING:
            jobs.append(NewJob("expire", session.id, delay=self._idle))
        change = TurnChange(
            turn.idempotency_key,
            before=stored,
            after=session if session != before or turn.card is not None or shows else None,
            conversation=turn.conversation if stored is None or turn.card is not None else None,
            card=turn.card,
            pending_card=PendingCard(GRACE, spans.trace_context()) if shows else None,
            jobs=tuple(jobs),
            on_card=turn.session is not None and turn.event.revision is not None,
            occurred_at=max(occurred_at or now, latest or occurred_at or now),
        )
        shown = tuple(_with_link(effect, session, link) for effect in effects if not isinstance(effect, Schedule))
        moved_from = stored.card if stored and turn.card is not None and turn.card != stored.card else None
        return change, TurnResult(session, card, shown, moved_from=moved_from)

    def _job(self, session: Session, card: CardRef | None, effect: Post | EditPost | DeletePost | Schedule) -> NewJob:
        if isinstance(effect, Schedule):
            return NewJob("expire", session.id, delay=self._idle)
        platform = session.tenant.partition(":")[0]
        gateway = self.gateways.get(platform)
        if gateway:
            queue = f"{platform}:{gateway.queue_name(OutgoingMessage(session, card, effect.destination))}"
        else:
            queue = f"{session.tenant}:{effect.destination}"
        payload = {"destination": effect.destination, **spans.trace_context()}
        if not isinstance(effect, Post):
            kind = "edit_post" if isinstance(effect, EditPost) else "delete_post"
            return NewJob(kind, session.id, queue=queue, payload=payload)
        return NewJob("post", session.id, key=effect.key, queue=queue, if_absent=True, payload=payload)

    async def mark_shown(self, session: str, revision: int, card: CardRef | None = None) -> None:
        self._shown_revisions[session] = max(revision, self._shown_revisions.get(session, revision))
        if card is not None:
            await self.flush_shown({session: card})

    async def flush_shown(self, cards: Mapping[str, CardRef] | None = None) -> None:
        """Write which cards are shown, and where by session. The worker calls it in every round.

        If the process dies before that, the worker shows the cards again, which is harmless.
        """
        revisions, self._shown_revisions = self._shown_revisions, {}
        if not revisions:
            return

        def work(transaction: Transaction) -> None:
            for session, card in (cards or {}).items():
                transaction.execute(sa.update(sessions).where(sessions.c.id == session).values(card=card))
            transaction.delete_cards(revisions)

        await self.database.run(work, long=len(revisions) > LONG_WRITE)
        self.wake()  # jobs about a card wait until it is shown

    def expire(self, transaction: Transaction, session: str) -> timedelta | None:
        """Close an idle session. Return how long to wait when it is not idle yet; None when there is nothing to do."""
        stored = transaction.load(session)
        if stored is None or stored.session.status not in RUNNING:
            return None
        remaining = stored.updated_at + self._idle - transaction.now
        if remaining > timedelta():
            return remaining
        owner = Actor(stored.session.tenant, stored.session.owner, stored.session.language)
        closed, effects = step(self.flow, stored.session, Expire(owner))
        if closed is None:
            return None
        transaction.save(stored, closed)
        if closed.status is Status.EXPIRED:  # a posted recommendation that was being changed stays posted
            question = walk(self.flow, closed.answers).next_question
            metrics.ABANDONED.labels(closed.tenant.partition(":")[0], question.id if question else "end").inc()
        if any(isinstance(effect, Show) for effect in effects):
            transaction.add_job(NewJob("show", session, revision=closed.revision))
        return None

    async def find_running(self, actor: Actor, conversation: ConversationRef) -> Session | None:
        lookup = SessionLookup(actor.tenant, owner=actor.person, conversation=conversation)
        stored, _ = await self.database.run(lambda transaction: transaction.look_up(lookup))
        return stored.session if stored else None

    async def is_duplicate(self, idempotency_key: str) -> bool:
        return not await self.database.run(lambda transaction: transaction.record_key(idempotency_key))

    async def list_checks(self, actor: Actor, limit: int = 10) -> list[CheckSummary]:
        ids = (
            sa.select(sessions.c.id)
            .where(_owned_by(actor), sessions.c.status.in_(_LISTED_STATUSES))
            .order_by(sessions.c.updated_at.desc())
            .limit(limit)
        )

        def work(transaction: Transaction) -> list[StoredSession | None]:
            return [transaction.load(id) for id in transaction.execute(ids).scalars().all()]

        checks = await self.database.run(work)
        return [
            CheckSummary(stored.session, stored.updated_at, stored.post, stored.card) for stored in checks if stored
        ]

    async def retry_post(self, actor: Actor, session: str) -> bool:
        own = sa.select(sessions.c.id).where(_owned_by(actor), sessions.c.id == session)
        held = sa.and_(outbox.c.session_id.in_(own), outbox.c.kind == "post", outbox.c.state.in_(_HELD_STATES))

        def work(transaction: Transaction) -> bool:
            pending = sa.update(outbox).where(held).values(state="pending", attempts=0, due_at=transaction.now)
            if not transaction.execute(pending.values(leased_by=None, leased_until=None)).rowcount:
                return False
            transaction.execute(sa.delete(outbox).where(outbox.c.key == f"{session}:tell"))
            return True

        is_retried = await self.database.run(work)
        self.wake()
        return is_retried

    # --- People ---------------------------------------------------------------------------------------------------

    async def get_language(self, tenant: str, person: str, *, allow_cached: bool = False) -> str | None:
        if allow_cached and (cached := self._languages.get((tenant, person))) is not None:
            return cached or None
        query = sa.select(person_settings.c.language).filter_by(tenant=tenant, person=person)
        language: str | None = await self.database.run(lambda transaction: transaction.execute(query).scalar())
        self._languages.set((tenant, person), language or "")
        return language

    async def set_language(self, actor: Actor, language: str) -> None:
        def work(transaction: Transaction) -> None:
            key = {"tenant": actor.tenant, "person": actor.person}
            transaction.upsert(person_settings, key, {"language": language, "updated_at": transaction.now})

        await self.database.run(work)
        self._languages.set((actor.tenant, actor.person), language)

    async def forget_person(self, actor: Actor) -> int:
        def work(transaction: Transaction) -> int:
            transaction.execute(sa.delete(person_settings).filter_by(tenant=actor.tenant, person=actor.person))
            return transaction.execute(sa.delete(sessions).where(_owned_by(actor))).rowcount

        deleted = await self.database.run(work)
        self._languages.delete((actor.tenant, actor.person))
        return deleted

    # --- Tenants --------------------------------------------------------------------------------------------------

    async def save_adapter_data(self, tenant: str, key: str, value: Json | None) -> None:
        def work(transaction: Transaction) -> None:
            if value is None:
                transaction.execute(sa.delete(adapter_data).filter_by(tenant=tenant, key=key))
            else:
                transaction.upsert(adapter_data, {"tenant": tenant, "key": key}, {"value": value})

        await self.database.run(work)

    async def load_adapter_data(self, tenant: str, prefix: str, *, after: str = "") -> dict[str, Json]:
        has_prefix = sa.func.substr(adapter_data.c.key, 1, len(prefix)) == prefix  # LIKE ignores case on SQLite
        query = sa.select(adapter_data.c.key, adapter_data.c.value).where(adapter_data.c.tenant == tenant, has_prefix)
        query = query.where(adapter_data.c.key > after).order_by(adapter_data.c.key).limit(MAX_ADAPTER_DATA)
        return await self.database.run(lambda transaction: {row.key: row.value for row in transaction.execute(query)})

    async def mark_tenant_removed(self, tenant: str) -> None:
        def work(transaction: Transaction) -> None:
            transaction.upsert(removed_tenants, {"tenant": tenant}, {"removed_at": transaction.now})
            ids = sa.select(sessions.c.id).where(sessions.c.tenant == tenant)
            for table in (pending_cards, outbox):
                transaction.execute(sa.delete(table).where(table.c.session_id.in_(ids)))

        await self.database.run(work)


def _with_link(effect: Effect, session: Session, link: object) -> Effect:
    """Return what shows a posted recommendation, or says that it is posted, with the link to its post."""
    t = translations(session.language)
    match effect:
        case Show(view) if link is not None and session.status is Status.POSTED:
            return Show(presenter.with_link(view, t, link))
        case Notify(view) if link is not None:
            return Notify(presenter.with_link(view, t, link))
    return effect


def _count_turn(platform: str, event: Event, result: TurnResult, seconds: float) -> None:
    metrics.TURNS.labels(platform, type(event).__name__).observe(seconds)
    if result.duplicate or result.session is None or not result.effects:
        return
    status = result.session.status
    if isinstance(event, Start):
        metrics.STARTED.labels(platform).inc()
    elif isinstance(event, ConfirmPost | KeepPrivate) and status in {Status.POSTED, Status.KEPT}:
        metrics.COMPLETED.labels(platform, status.value).inc()


def _owned_by(actor: Actor) -> sa.ColumnElement[bool]:
    return sa.and_(sessions.c.tenant == actor.tenant, sessions.c.owner == actor.person)
