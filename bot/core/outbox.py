"""The worker: does what is due, from rows that any replica may take.

    state     means                                 then
    pending   to be done when due                   leased by one worker, done, or pending again (`RetryLater`)
    sending   a post is with the platform           done; looked for when its answer, or this process, is lost
                                                    meanwhile: done, sent again, or held where we cannot look
    held      waits for a person's word             pending again (`Service.post_again`)
    dead      given up after `MAX_ATTEMPTS`        likewise
    done      keeps the pace of its queue, and its key from being used again

A post is marked ``sending`` in a transaction of its own before the platform is asked, so that a lease that ran out
tells whether it may be out already. It is then never sent again before somebody has looked. Everything else can be
done twice without harm.
"""

import asyncio
import contextlib
import logging
import random
import secrets
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeVar

import sqlalchemy as sa

from adapters.ports import (
    Gateway,
    Json,
    OutcomeUnknown,
    OutgoingMessage,
    PermanentFailure,
    RetryLater,
    ServiceUnavailable,
)
from bot.core.due_jobs import DUE, Job, overdue
from bot.core.service import Service
from bot.storage.schema import outbox, sessions
from bot.storage.statements import NewJob
from bot.storage.transaction import Transaction
from bot.telemetry import metrics
from bot.telemetry.logging import bind_request_id
from dialogs import presenter
from dialogs.session import Session
from dialogs.translations import translations
from dialogs.views import Announcement, PartialResultCard, QuestionCard, RecommendationCard, ReviewCard, View, with_note
from dialogs.walk import walk

MAX_ATTEMPTS = 8
FIRST_DELAY = 3.0
"""Seconds after the first failure; three times as long after each: eight attempts in about an hour."""
SETTLE_TIME = timedelta(seconds=5)
"""How long a platform may still be at work on a post whose answer is lost."""
SLOTS = 16
POLL = 1.0
SET_CLOCK_EVERY = 60.0
PURGE_EVERY = timedelta(hours=6)
NO_COURIER = 600.0

log = logging.getLogger(__name__)
T = TypeVar("T")


class OutboxWorker:
    """Takes rows in turn. `lease`: for how long one is ours without our saying so again, as we do while a platform is
    asked: what a dead worker held is another's soon. `patience`: for how long a platform may think. `pace`: between two
    posts of one queue.
    """

    def __init__(
        self,
        service: Service,
        *,
        retention: timedelta = timedelta(days=180),
        pace: timedelta = timedelta(seconds=1),
        lease: timedelta = timedelta(seconds=12),
        patience: timedelta = timedelta(seconds=45),
    ) -> None:
        service.wake = self.wake
        self._service = service
        self._database = service.database
        self._retention = retention
        self._pace = pace
        self._lease = lease
        self._patience = patience
        self._name = secrets.token_hex(8)
        self._woken = asyncio.Event()
        self._running: dict[asyncio.Task[None], int] = {}
        self._surely_ours: dict[int, float] = {}
        self._clock_set = float("-inf")
        self._loop: asyncio.Task[None] | None = None
        self._stopping = False
        self._looked = float("-inf")

    @property
    def alive(self) -> bool:
        """Whether it looked for work lately."""
        return time.monotonic() - self._looked < 10 * POLL

    def wake(self) -> None:
        """Look for work at once."""
        self._woken.set()

    async def start(self) -> None:
        """Begin, with the deletions that come round."""
        await self._database.run(lambda transaction: transaction.add_job(NewJob("purge", if_absent=True)))
        self._loop = asyncio.create_task(self._work())

    async def stop(self, within: float = 20) -> None:
        """Take nothing more and finish what is under way."""
        self._stopping = True
        self.wake()
        if self._loop:
            await self._loop
        if self._running:
            _, late = await asyncio.wait(set(self._running), timeout=within)
            for task in late:  # a post that is cancelled stays ``sending``: its owner will be asked
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _work(self) -> None:
        while not self._stopping:
            self._woken.clear()
            try:
                taken = await self._begin()
            except ServiceUnavailable as error:
                log.warning("the database cannot be had (%s)", error)
                taken = 0
            except Exception as error:  # the worker outlives whatever it meets
                log.error("looking for work failed (%s)", type(error).__name__)
                taken = 0
            if not taken:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._woken.wait(), POLL)

    async def _begin(self) -> int:
        free = SLOTS - len(self._running)
        taken = await self._claim(free) if free else []
        self._looked = time.monotonic()
        for job in taken:
            task = asyncio.create_task(self._do(job))
            self._running[task] = job.id
            task.add_done_callback(self._finished)
        return len(taken)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._running.pop(task, None)
        self.wake()

    async def work(self) -> int:
        """Do what is due now and wait for it; return how many rows that was. For tests, and for a command line."""
        taken = await self._claim(SLOTS)
        await asyncio.gather(*(self._do(job) for job in taken))
        return len(taken)

    # --- Rows -----------------------------------------------------------------------------------------------------

    async def _claim(self, most: int) -> list[Job]:
        here = set(self._running.values())

        def work(transaction: Transaction) -> list[Job]:
            overdue(transaction, most)
            rows = transaction.execute(DUE, {"now": transaction.now, "most": most})
            found = [job for job in (Job(*row) for row in rows) if job.id not in here]  # should the clock have jumped
            if found:
                leased = {"leased_by": self._name, "leased_until": transaction.now + self._lease}
                these = outbox.c.id.in_([job.id for job in found])
                transaction.execute(sa.update(outbox).where(these).values(attempts=outbox.c.attempts + 1, **leased))
            return found

        await self._service.flush_shown()
        if time.monotonic() - self._clock_set > SET_CLOCK_EVERY:
            await self._database.set_clock()
            self._clock_set = time.monotonic()
        return await self._database.run(work)

    def _set(self, transaction: Transaction, job: Job, state: str, *before: str, **values: object) -> bool:
        """Move a row that is still ours and in one of the states `before`."""
        ours = sa.and_(outbox.c.id == job.id, outbox.c.leased_by == self._name, outbox.c.state.in_(before))
        return transaction.execute(sa.update(outbox).where(ours).values(state=state, **values)).rowcount == 1

    def _drop(self, transaction: Transaction, job: Job) -> None:
        transaction.execute(sa.delete(outbox).where(outbox.c.id == job.id, outbox.c.leased_by == self._name))

    def _again(self, transaction: Transaction, job: Job, seconds: float | None, error: str, *, doubt: bool) -> None:
        delay = FIRST_DELAY * 3 ** min(job.attempts, MAX_ATTEMPTS) * random.uniform(0.75, 1.25)  # noqa: S311
        due = transaction.now + timedelta(seconds=max(delay, seconds or 0))
        free: dict[str, object] = {"leased_by": None, "leased_until": None}
        if not doubt:
            free["payload"] = _sure(job)
        state = "sending" if doubt and job.state == "sending" else "pending"  # lost, it still has to be looked for
        self._set(transaction, job, state, "pending", "sending", due_at=due, error=error, **free)

    def _hold(self, transaction: Transaction, job: Job, state: str, reason: str) -> None:
        """Hold a post back, and see to it that its owner is told."""
        metrics.FAILURES.labels(job.kind, state).inc()
        known: dict[str, object] = {} if reason == "lost" else {"payload": _sure(job)}
        if self._set(transaction, job, state, "pending", "sending", error=reason, leased_until=None, **known):
            transaction.add_job(
                NewJob("tell", job.session_id, payload={"reason": reason, "destination": job.payload["destination"]})
            )

    # --- Doing ----------------------------------------------------------------------------------------------------

    async def _do(self, job: Job) -> None:
        bind_request_id(f"job-{job.id}")
        try:
            match job.kind:
                case "post":
                    await self._post(job)
                case "show" | "posted" | "tell":
                    await self._tell(job)
                case "purge":
                    with self._kept(job):
                        await self._service.purge(self._retention)
                    await self._database.run(lambda transaction: self._housekeep(transaction, job, PURGE_EVERY))
                case _:
                    await self._database.run(
                        lambda transaction: self._housekeep(transaction, job, self._expire(transaction, job))
                    )
        except ServiceUnavailable as error:
            log.warning("job %d (%s) waits for the database (%s)", job.id, job.kind, error)
        except Exception as error:  # a fault of ours must not stop the others
            log.error("job %d (%s) failed (%s)", job.id, job.kind, type(error).__name__)
            with contextlib.suppress(ServiceUnavailable):
                await self._retry(job, None, type(error).__name__)

    def _expire(self, transaction: Transaction, job: Job) -> timedelta | None:
        return self._service.expire(transaction, job.session_id or "")

    def _housekeep(self, transaction: Transaction, job: Job, after: timedelta | None) -> None:
        """Let a row come round again, or go."""
        if after is None:
            self._drop(transaction, job)
        else:
            free = {"leased_by": None, "leased_until": None}
            self._set(transaction, job, "pending", "pending", due_at=transaction.now + after, attempts=0, **free)

    async def _load(self, job: Job) -> tuple[Gateway, OutgoingMessage] | None:
        """Return who delivers what; None when the dialog was forgotten."""
        stored = await self._database.run(lambda transaction: transaction.load(job.session_id or ""))
        if stored is None:
            await self._database.run(lambda transaction: self._drop(transaction, job))
            return None
        gateway = self._service.gateways.get(stored.session.tenant.partition(":")[0])
        if gateway is None:
            await self._retry(job, NO_COURIER, "its platform is not configured")
            return None
        return gateway, OutgoingMessage(stored.session, stored.card, job.payload.get("destination"), job.key)

    async def _post(self, job: Job) -> None:
        loaded = await self._load(job)
        if loaded is None:
            return None
        gateway, outgoing = loaded
        flow, session = self._service.flow, outgoing.session
        try:
            if (
                job.state == "sending" or "first_sent_at" in job.payload
            ):  # it has been sent before, and nobody knows what came of it
                found = await self._find(job, gateway, outgoing)
                if found is not None:
                    return await self._surely(lambda transaction: self._posted(transaction, job, found))
            marked = replace(
                job, state="sending", payload={"first_sent_at": self._database.clock().isoformat()} | job.payload
            )
            if not await self._database.run(lambda transaction: self._mark(transaction, marked)):
                return None  # the lease ran out before we came to it: it is another worker's
            announcement = presenter.announcement(flow, session, walk(flow, session.answers))
            outgoing = replace(outgoing, lease_held=lambda: time.monotonic() < self._surely_ours.get(job.id, 0))
            posted = await self._post_once(marked, gateway, outgoing, announcement)
        except RetryLater as later:
            await self._retry(job, later.retry_after, "Later", doubt=later.may_have_been_sent)
        except OutcomeUnknown:
            await self._database.run(lambda transaction: self._settle_later(transaction, job))
        except PermanentFailure as refused:
            reason = refused.reason
            await self._database.run(lambda transaction: self._hold(transaction, job, "held", reason))
        else:
            await self._surely(lambda transaction: self._posted(transaction, job, posted))
            asyncio.get_running_loop().call_later(self._pace.total_seconds(), self.wake)
        return None

    async def _post_once(
        self, job: Job, gateway: Gateway, outgoing: OutgoingMessage, announcement: Announcement
    ) -> Json:
        """Post; where the answer is lost, look at once. `OutcomeUnknown`: it is not there yet."""
        try:
            return await self._call(job, gateway.post(outgoing, announcement), OutcomeUnknown())
        except OutcomeUnknown:
            try:
                found = await self._find(job, gateway, outgoing)
            except RetryLater:
                found = None
            if found is None:
                raise
            return found

    async def _find(self, job: Job, gateway: Gateway, outgoing: OutgoingMessage) -> Json | None:
        """Return the note of a post that is out after all, None to send it; `PermanentFailure`: a person must look."""
        if "first_sent_at" not in job.payload:  # an earlier version's
            raise PermanentFailure("lost")
        since = datetime.fromisoformat(job.payload["first_sent_at"])
        try:
            return await self._call(job, gateway.find_post(outgoing, since), RetryLater())
        except RetryLater as later:
            raise RetryLater(later.retry_after, may_have_been_sent=True) from None
        except PermanentFailure:
            if job.state == "sending":
                raise
            return None  # the platform had said that it was not done, or the owner that it is not there

    def _settle_later(self, transaction: Transaction, job: Job) -> None:
        """Leave a post as being sent: in a moment, when the platform is surely done with it, somebody looks."""
        free = {"leased_by": None, "leased_until": None, "due_at": transaction.now + SETTLE_TIME, "error": "lost"}
        self._set(transaction, job, "sending", "sending", **free)

    async def _surely(self, work: Callable[[Transaction], None]) -> None:
        """Write what cannot be found out again, even when the database is away for a moment."""
        for seconds in (0.1, 0.5, 2, 5):
            try:
                return await self._database.run(work)
            except ServiceUnavailable:
                await asyncio.sleep(seconds)
        return await self._database.run(work)

    def _mark(self, transaction: Transaction, job: Job) -> bool:
        ours = sa.and_(outbox.c.id == job.id, outbox.c.leased_until > transaction.now)
        until = transaction.now + self._lease
        return transaction.execute(sa.select(outbox.c.id).where(ours)).first() is not None and self._set(
            transaction, job, "sending", "pending", "sending", leased_until=until, payload=job.payload
        )

    def _posted(self, transaction: Transaction, job: Job, note: Json) -> None:
        """It is out, whatever its row came to meanwhile: taken for lost, even asked for again."""
        # The session's row before those of jobs, here as everywhere: who locks in one order never deadlocks.
        found = transaction.execute(sa.update(sessions).where(sessions.c.id == job.session_id).values(post=dict(note)))
        done = {"state": "done", "leased_until": transaction.now + self._pace, "error": None}
        transaction.execute(sa.update(outbox).where(outbox.c.id == job.id).values(done))
        transaction.execute(sa.delete(outbox).where(outbox.c.key == f"{job.session_id}:tell"))
        if found.rowcount:
            transaction.add_job(NewJob("posted", job.session_id, payload=self._service.trace_context()))

    async def _tell(self, job: Job) -> None:
        """Draw the card, or say why its post is held back."""
        loaded = await self._load(job)
        if loaded is None:
            return
        gateway, outgoing = loaded
        card: Json | None = None
        try:
            if job.kind == "tell":
                await self._call(job, gateway.report_failure(outgoing, job.payload["reason"]), RetryLater())
            else:
                card = await self._call(
                    job, gateway.show_card(outgoing, self._view(job, outgoing.session)), RetryLater()
                )
        except RetryLater as later:
            return await self._retry(job, later.retry_after, "Later")
        except (
            OutcomeUnknown,
            PermanentFailure,
        ) as error:  # a card can be asked for again; a second one would be worse than none
            log.info("job %d (%s) came to nothing (%s)", job.id, job.kind, type(error).__name__)
        await self._database.run(lambda transaction: self._told(transaction, job, card))

    def _told(self, transaction: Transaction, job: Job, card: Json | None) -> None:
        if card is not None:
            transaction.execute(sa.update(sessions).where(sessions.c.id == job.session_id).values(card=dict(card)))
        self._drop(transaction, job)

    def _view(self, job: Job, session: Session) -> View:
        view = presenter.current(self._service.flow, session)
        if job.kind == "posted" and isinstance(
            view, QuestionCard | ReviewCard | RecommendationCard | PartialResultCard
        ):
            return with_note(view, translations(session.language)("notice.posted"))
        return view

    async def _renew(self, job: Job) -> None:
        """Say again and again that a row is ours, while it is; a lease that ran out is not taken back."""
        # Not what is done: there a lease is the pace of its queue.
        undone = outbox.c.state.in_(("pending", "sending"))
        ours = sa.and_(outbox.c.id == job.id, outbox.c.leased_by == self._name, undone)

        def work(transaction: Transaction) -> bool:
            longer = sa.update(outbox).where(ours, outbox.c.leased_until > transaction.now)
            return transaction.execute(longer.values(leased_until=transaction.now + self._lease)).rowcount == 1

        while True:
            await asyncio.sleep(self._lease.total_seconds() / 3)
            with contextlib.suppress(ServiceUnavailable):
                began = time.monotonic()
                if await self._database.run(work):
                    self._surely_ours[job.id] = began + self._lease.total_seconds() / 2

    @contextlib.contextmanager
    def _kept(self, job: Job) -> Iterator[None]:
        """Keep a row ours for as long as this takes."""
        self._surely_ours[job.id] = time.monotonic() + self._lease.total_seconds() / 2
        renewing = asyncio.create_task(self._renew(job))
        try:
            yield
        finally:
            renewing.cancel()
            self._surely_ours.pop(job.id, None)

    async def _call(self, job: Job, call: Awaitable[T], otherwise: Exception) -> T:
        """Return what a platform answers; a courier that breaks its word, or takes too long, counts as `otherwise`."""
        try:
            with self._kept(job):
                async with asyncio.timeout(self._patience.total_seconds()):
                    return await call
        except (RetryLater, OutcomeUnknown, PermanentFailure):
            raise
        except Exception as error:
            log.error("a courier failed (%s)", type(error).__name__)
            raise otherwise from None

    async def _retry(self, job: Job, seconds: float | None, error: str, *, doubt: bool = False) -> None:
        metrics.FAILURES.labels(job.kind, error).inc()

        def work(transaction: Transaction) -> None:
            if job.attempts + 1 < MAX_ATTEMPTS or job.kind in {"expire", "purge"}:
                self._again(transaction, job, seconds, error, doubt=doubt)
            elif job.kind == "post":
                self._hold(transaction, job, "dead", "lost" if job.state == "sending" else "failed")
            else:
                self._drop(transaction, job)

        await self._database.run(work)


def _sure(job: Job) -> dict[str, str]:
    """What a row says once it is sure that nothing of it is out."""
    return {name: value for name, value in job.payload.items() if name != "first_sent_at"}
