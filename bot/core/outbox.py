"""The outbox worker: runs the jobs that turns have stored, on any replica.

    state     meaning                             next
    pending   to be run when due                  leased by one worker: done, deleted, or pending again (`RetryLater`)
    sending   the post was given to the platform  done; if the response or this process is lost, the worker looks for
                                                  the post: done, sent again, or held when it cannot tell
    held      waits for the owner                 pending (`Service.retry_post`)
    dead      failed `MAX_ATTEMPTS` times         pending (`Service.retry_post`)
    done      keeps the pace of its queue and     deleted by `bot.core.housekeeping`
              its key from being used again

A post is set to ``sending`` in a transaction of its own before the platform is called. When its lease expires in that
state, the post may exist, so that it is looked for before it is sent again. All other jobs may safely run twice.
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
from structlog.contextvars import bind_contextvars

from adapters.ports import (
    CardRef,
    Gateway,
    OutcomeUnknown,
    OutgoingMessage,
    PermanentFailure,
    RetryLater,
    ServiceUnavailable,
)
from bot.core import jobs
from bot.core.housekeeping import purge
from bot.core.jobs import UNLEASED, Job
from bot.core.service import Service
from bot.storage.schema import outbox, sessions
from bot.storage.statements import NewJob
from bot.storage.transaction import Transaction
from bot.telemetry import metrics, spans
from dialogs import presenter
from dialogs.session import Session
from dialogs.translations import translations
from dialogs.views import Announcement, PartialResultCard, QuestionCard, RecommendationCard, ReviewCard, View, with_note
from dialogs.walk import walk

MAX_ATTEMPTS = 8
FIRST_DELAY = 3.0
"""Seconds after the first failure; three times as long after each further one. Eight attempts take about an hour."""
SETTLE_TIME = timedelta(seconds=5)
"""How long a platform may still process a post whose response was lost."""
MAX_RUNNING = 16
POLL_SECONDS = 1.0
SET_CLOCK_SECONDS = 60.0
PURGE_INTERVAL = timedelta(hours=6)
NO_GATEWAY_DELAY = 600.0
"""Seconds until a job is tried again whose platform is not configured."""
_UNFINISHED = ("pending", "sending")

log = logging.getLogger(__name__)
T = TypeVar("T")


class OutboxWorker:
    """Runs due jobs.

    `retention`: how long sessions are stored. `pace`: minimum time between two posts of a queue. `timeout`: of a call
    of a gateway. `lease`: lease duration; renewed while a platform call is in flight, so that it can be short and the
    jobs of a dead worker are soon taken over.
    """

    def __init__(
        self,
        service: Service,
        *,
        retention: timedelta = timedelta(days=180),
        pace: timedelta = timedelta(seconds=1),
        lease: timedelta = timedelta(seconds=12),
        timeout: timedelta = timedelta(seconds=45),
    ) -> None:
        service.wake = self.wake
        self._service = service
        self._database = service.database
        self._retention = retention
        self._pace = pace
        self._lease = lease
        self._timeout = timeout
        self._name = secrets.token_hex(8)
        self._wake = asyncio.Event()
        self._running: dict[asyncio.Task[None], int] = {}
        self._lease_held_until: dict[int, float] = {}
        self._clock_set_at = float("-inf")
        self._loop: asyncio.Task[None] | None = None
        self._stopping = False
        self._polled_at = float("-inf")

    @property
    def alive(self) -> bool:
        """Whether the worker has looked for jobs in the last seconds."""
        return time.monotonic() - self._polled_at < 10 * POLL_SECONDS

    def wake(self) -> None:
        """Look for jobs now."""
        self._wake.set()

    async def start(self) -> None:
        """Start working. Raises `ServiceUnavailable`."""
        await self._database.run(lambda transaction: transaction.add_job(NewJob("purge", if_absent=True)))
        self._loop = asyncio.create_task(self._poll())

    async def stop(self, within: float = 20) -> None:
        """Take no more jobs and wait `within` seconds for the running ones."""
        self._stopping = True
        self.wake()
        if self._loop:
            await self._loop
        if self._running:
            _, late = await asyncio.wait(set(self._running), timeout=within)
            for task in late:  # a canceled post stays in state ``sending`` and is looked for later
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def work(self) -> int:
        """Run the jobs that are due now and wait for them. Return how many there were."""
        claimed = await self._claim(MAX_RUNNING)
        await asyncio.gather(*(self._run_job(job) for job in claimed))
        return len(claimed)

    async def _poll(self) -> None:
        while not self._stopping:
            self._wake.clear()
            claimed: list[Job] = []
            try:
                free = MAX_RUNNING - len(self._running)
                claimed = await self._claim(free) if free else []
                self._polled_at = time.monotonic()
            except ServiceUnavailable as error:
                log.warning("database unavailable (%s)", error)
            except Exception as error:  # the worker must go on
                log.error("looking for jobs failed (%s)", type(error).__name__)
            for job in claimed:
                task = asyncio.create_task(self._run_job(job))
                self._running[task] = job.id
                task.add_done_callback(self._on_done)
            if not claimed:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), POLL_SECONDS)

    def _on_done(self, task: asyncio.Task[None]) -> None:
        self._running.pop(task, None)
        self.wake()

    async def _claim(self, limit: int) -> list[Job]:
        running = set(self._running.values())
        await self._service.flush_shown()
        if time.monotonic() - self._clock_set_at > SET_CLOCK_SECONDS:
            await self._database.set_clock()
            self._clock_set_at = time.monotonic()
        return await self._database.run(
            lambda transaction: jobs.claim(transaction, self._name, self._lease, limit, running)
        )

    async def _run_job(self, job: Job) -> None:
        request_id = f"job-{job.id}"
        bind_contextvars(request=request_id)
        attributes = {"job.kind": job.kind, "job.attempt": job.attempts + 1, "request.id": request_id}
        with spans.job_span({"name": f"job {job.kind}", "trace": job.payload.get("trace", ""), **attributes}):
            try:
                match job.kind:
                    case "post":
                        await self._post(job)
                    case "purge":
                        with self._renewed_lease(job):
                            await purge(self._database, self._retention)
                        await self._database.run(lambda transaction: self._run_again(transaction, job, PURGE_INTERVAL))
                    case "expire":
                        await self._database.run(lambda transaction: self._expire(transaction, job))
                    case _:
                        await self._show_or_report(job)
            except ServiceUnavailable as error:
                log.warning("job %d (%s) stopped: database unavailable (%s)", job.id, job.kind, error)
            except Exception as error:  # the other jobs must go on
                log.error("job %d (%s) failed (%s)", job.id, job.kind, type(error).__name__)
                with contextlib.suppress(ServiceUnavailable):
                    await self._retry(job, None, type(error).__name__)

    def _expire(self, transaction: Transaction, job: Job) -> None:
        remaining = self._service.expire(transaction, job.session_id or "")
        if remaining is None:
            jobs.delete(transaction, job, self._name)
        else:
            self._run_again(transaction, job, remaining)

    def _run_again(self, transaction: Transaction, job: Job, delay: timedelta) -> None:
        due_at = transaction.now + delay
        jobs.update(transaction, job, self._name, ["pending"], due_at=due_at, attempts=0, **UNLEASED)

    async def _load(self, job: Job) -> tuple[Gateway, OutgoingMessage] | None:
        """Return the gateway and the message. None when the session was deleted or its platform is not configured."""
        stored = await self._database.run(lambda transaction: transaction.load(job.session_id or ""))
        if stored is None:
            await self._database.run(lambda transaction: jobs.delete(transaction, job, self._name))
            return None
        gateway = self._service.gateways.get(stored.session.tenant.partition(":")[0])
        if gateway is None:
            await self._retry(job, NO_GATEWAY_DELAY, "its platform is not configured")
            return None
        return gateway, OutgoingMessage(stored.session, stored.card, job.payload.get("destination"), job.key)

    # --- Posts ----------------------------------------------------------------------------------------------------

    async def _post(self, job: Job) -> None:
        loaded = await self._load(job)
        if loaded is None:
            return
        gateway, outgoing = loaded
        flow, session = self._service.flow, outgoing.session
        try:
            post = None
            if job.state == "sending" or "first_sent_at" in job.payload:  # sent before, with unknown outcome
                post = await self._find_post(job, gateway, outgoing)
            if post is None:
                payload = {"first_sent_at": self._database.clock().isoformat()} | job.payload
                sending = replace(job, state="sending", payload=payload)
                if not await self._database.run(lambda transaction: self._mark_sending(transaction, sending)):
                    return  # the lease has expired: another worker has the job
                announcement = presenter.announcement(flow, session, walk(flow, session.answers))
                outgoing = replace(outgoing, lease_held=lambda: self._is_lease_held(job))
                post = await self._send_post(sending, gateway, outgoing, announcement)
        except RetryLater as error:
            await self._retry(job, error.retry_after, "Later", may_have_been_sent=error.may_have_been_sent)
        except OutcomeUnknown:
            await self._database.run(lambda transaction: self._look_later(transaction, job))
        except PermanentFailure as error:
            reason = error.reason
            await self._database.run(lambda transaction: self._hold(transaction, job, "held", reason))
        else:
            stored_post = post
            await self._run_surely(lambda transaction: self._store_post(transaction, job, stored_post))
            asyncio.get_running_loop().call_later(self._pace.total_seconds(), self.wake)

    async def _send_post(
        self, job: Job, gateway: Gateway, outgoing: OutgoingMessage, announcement: Announcement
    ) -> CardRef:
        """Send a post. If the response is lost, look for the post at once, and raise `OutcomeUnknown` without it."""
        try:
            return await self._call(job, gateway.post(outgoing, announcement), OutcomeUnknown())
        except OutcomeUnknown:
            try:
                post = await self._find_post(job, gateway, outgoing)
            except RetryLater:
                post = None
            if post is None:
                raise
            return post

    async def _find_post(self, job: Job, gateway: Gateway, outgoing: OutgoingMessage) -> CardRef | None:
        """Return a post that may have been sent; None when it was not. Raises `PermanentFailure` if nobody can tell."""
        if "first_sent_at" not in job.payload:  # stored by an earlier version
            raise PermanentFailure("lost")
        since = datetime.fromisoformat(job.payload["first_sent_at"])
        try:
            return await self._call(job, gateway.find_post(outgoing, since), RetryLater())
        except RetryLater as error:
            raise RetryLater(error.retry_after, may_have_been_sent=True) from None
        except PermanentFailure:
            if job.state == "sending":
                raise
            return None  # the platform had rejected it, or the owner has looked

    def _mark_sending(self, transaction: Transaction, job: Job) -> bool:
        """Set a post to ``sending``. Return False when its lease has expired."""
        if not jobs.extend_lease(transaction, job, self._name, self._lease):
            return False
        return jobs.update(transaction, job, self._name, _UNFINISHED, state="sending", payload=job.payload)

    def _store_post(self, transaction: Transaction, job: Job, post: CardRef) -> None:
        """Store that the post exists, whatever state the job has now."""
        # All transactions lock the session before its jobs, so that they cannot deadlock.
        session = sa.update(sessions).where(sessions.c.id == job.session_id).values(post=dict(post))
        session_exists = transaction.execute(session).rowcount == 1
        done = {"state": "done", "leased_until": transaction.now + self._pace, "error": None}
        transaction.execute(sa.update(outbox).where(outbox.c.id == job.id).values(done))
        transaction.execute(sa.delete(outbox).where(outbox.c.key == f"{job.session_id}:tell"))
        if session_exists:
            transaction.add_job(NewJob("posted", job.session_id, payload=spans.trace_context()))

    def _look_later(self, transaction: Transaction, job: Job) -> None:
        """Leave a post in ``sending``, to be looked for when the platform has certainly processed it."""
        due_at = transaction.now + SETTLE_TIME
        jobs.update(transaction, job, self._name, ["sending"], due_at=due_at, error="lost", **UNLEASED)

    def _hold(self, transaction: Transaction, job: Job, state: str, reason: str) -> None:
        """Stop trying and add a job that tells the owner. `state`: ``held`` or ``dead``."""
        metrics.FAILURES.labels(job.kind, state).inc()
        values: dict[str, object] = {} if reason == "lost" else {"payload": _not_sent(job)}
        values |= {"state": state, "error": reason, "leased_until": None}
        if jobs.update(transaction, job, self._name, _UNFINISHED, **values):
            payload = {"reason": reason, "destination": job.payload["destination"]}
            transaction.add_job(NewJob("tell", job.session_id, payload=payload))

    async def _run_surely(self, work: Callable[[Transaction], None]) -> None:
        """Run a transaction that must not be lost, also when the database is unavailable for some seconds."""
        for seconds in (0.1, 0.5, 2, 5):
            try:
                return await self._database.run(work)
            except ServiceUnavailable:
                await asyncio.sleep(seconds)
        return await self._database.run(work)

    # --- Cards and failures ---------------------------------------------------------------------------------------

    async def _show_or_report(self, job: Job) -> None:
        """Show a card, or report to the owner why a post is held."""
        loaded = await self._load(job)
        if loaded is None:
            return
        gateway, outgoing = loaded
        card: CardRef | None = None
        try:
            if job.kind == "tell":
                await self._call(job, gateway.report_failure(outgoing, job.payload["reason"]), RetryLater())
            else:
                view = self._view(job, outgoing.session)
                card = await self._call(job, gateway.show_card(outgoing, view), RetryLater())
        except RetryLater as error:
            return await self._retry(job, error.retry_after, "Later")
        except (OutcomeUnknown, PermanentFailure) as error:  # not tried again: a second card is worse than none
            log.info("job %d (%s) given up (%s)", job.id, job.kind, type(error).__name__)

        def finish(transaction: Transaction) -> None:
            if card is not None:
                session = sa.update(sessions).where(sessions.c.id == job.session_id)
                transaction.execute(session.values(card=dict(card)))
            jobs.delete(transaction, job, self._name)

        await self._database.run(finish)

    def _view(self, job: Job, session: Session) -> View:
        view = presenter.current(self._service.flow, session)
        if job.kind == "posted" and isinstance(
            view, QuestionCard | ReviewCard | RecommendationCard | PartialResultCard
        ):
            return with_note(view, translations(session.language)("notice.posted"))
        return view

    # --- Attempts and leases --------------------------------------------------------------------------------------

    async def _call(self, job: Job, call: Awaitable[T], error_otherwise: Exception) -> T:
        """Return the result of a gateway. A timeout or an unexpected exception is raised as `error_otherwise`."""
        try:
            with self._renewed_lease(job):
                async with asyncio.timeout(self._timeout.total_seconds()):
                    return await call
        except (RetryLater, OutcomeUnknown, PermanentFailure):
            raise
        except Exception as error:
            log.error("gateway failed (%s)", type(error).__name__)
            raise error_otherwise from None

    @contextlib.contextmanager
    def _renewed_lease(self, job: Job) -> Iterator[None]:
        """Renew the lease of a job meanwhile."""
        # Half of the lease: the transaction that set it may have taken a while.
        self._lease_held_until[job.id] = time.monotonic() + self._lease.total_seconds() / 2
        renewing = asyncio.create_task(self._renew(job))
        try:
            yield
        finally:
            renewing.cancel()
            self._lease_held_until.pop(job.id, None)

    async def _renew(self, job: Job) -> None:
        while True:
            await asyncio.sleep(self._lease.total_seconds() / 3)
            with contextlib.suppress(ServiceUnavailable):
                started = time.monotonic()
                if await self._database.run(
                    lambda transaction: jobs.extend_lease(transaction, job, self._name, self._lease)
                ):
                    self._lease_held_until[job.id] = started + self._lease.total_seconds() / 2

    def _is_lease_held(self, job: Job) -> bool:
        return time.monotonic() < self._lease_held_until.get(job.id, 0)

    async def _retry(
        self, job: Job, retry_after: float | None, error: str, *, may_have_been_sent: bool = False
    ) -> None:
        """Try a job again later, or give up after `MAX_ATTEMPTS`."""
        metrics.FAILURES.labels(job.kind, error).inc()

        def work(transaction: Transaction) -> None:
            if job.attempts + 1 < MAX_ATTEMPTS or job.kind in {"expire", "purge"}:
                delay = FIRST_DELAY * 3 ** min(job.attempts, MAX_ATTEMPTS) * random.uniform(0.75, 1.25)  # noqa: S311
                due_at = transaction.now + timedelta(seconds=max(delay, retry_after or 0))
                is_unknown = may_have_been_sent and job.state == "sending"
                values: dict[str, object] = {"state": "sending" if is_unknown else "pending", "due_at": due_at}
                if not may_have_been_sent:
                    values["payload"] = _not_sent(job)
                jobs.update(transaction, job, self._name, _UNFINISHED, error=error, **values, **UNLEASED)
            elif job.kind == "post":
                self._hold(transaction, job, "dead", "lost" if job.state == "sending" else "failed")
            else:
                jobs.delete(transaction, job, self._name)

        await self._database.run(work)


def _not_sent(job: Job) -> dict[str, str]:
    """Return the payload of a job that was certainly not sent."""
    return {name: value for name, value in job.payload.items() if name != "first_sent_at"}
