"""The outbox worker: runs the jobs that turns have stored, on any replica. `bot.core.jobs` describes their states."""

import asyncio
import contextlib
import logging
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
from bot.core.jobs import MAX_ATTEMPTS, Job
from bot.core.service import Service
from bot.storage.schema import sessions
from bot.storage.statements import NewJob
from bot.storage.transaction import Transaction
from bot.telemetry import metrics, spans
from dialogs import presenter
from dialogs.session import Session, Status
from dialogs.translations import translations
from dialogs.views import Announcement, Card, View, with_note
from dialogs.walk import walk

MAX_RUNNING = 16
POLL_SECONDS = 1.0
SET_CLOCK_SECONDS = 60.0
RESTART_SECONDS = 60.0
"""After which a worker that does nothing needs a restart. A round takes at most the time limits of the database."""
PURGE_INTERVAL = timedelta(hours=6)
DELETION_TIME = timedelta(seconds=1)
"""How long a post waits until the earlier post of its session is deleted."""
NO_GATEWAY_DELAY = 600.0
"""Seconds until a job is tried again whose platform is not configured."""

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
        self._clock_was = self._database.clock()
        self._stopping = False
        self._polled_at = float("-inf")
        self._started_at = self._tried_at = time.monotonic()

    @property
    def alive(self) -> bool:
        """Whether the worker has looked for jobs in the last seconds."""
        return time.monotonic() - self._polled_at < 10 * POLL_SECONDS

    @property
    def needs_restart(self) -> bool:
        """Whether the worker hangs, or has failed for so long on SQLite, which is upgraded and repaired at start."""
        # A database server that is down is not mended by a restart of this process.
        last = max(self._polled_at, self._started_at) if self._database.is_sqlite else self._tried_at
        return time.monotonic() - last > RESTART_SECONDS

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
            await asyncio.wait({self._loop}, timeout=within)
            self._loop.cancel()  # it hangs
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
            self._tried_at = time.monotonic()
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

        def claim(transaction: Transaction) -> list[Job]:
            if self._database.is_sqlite:  # one process, whose clock is this machine's
                jobs.follow_clock(transaction, self._clock_was)
            self._clock_was = transaction.now
            return jobs.claim(transaction, self._name, self._lease, limit, running)

        return await self._database.run(claim)

    async def _run_job(self, job: Job) -> None:
        request_id = f"job-{job.id}"
        bind_contextvars(request=request_id)
        attributes = {"job.kind": job.kind, "job.attempt": job.attempts + 1, "request.id": request_id}
        with spans.job_span({"name": f"job {job.kind}", "trace": job.payload.get("trace", ""), **attributes}):
            try:
                match job.kind:
                    case "post":
                        await self._post(job)
                    case "edit_post" | "delete_post":
                        await self._change_post(job)
                    case "purge":
                        with self._renewed_lease(job):
                            await purge(self._database, self._retention)
                        await self._database.run(lambda transaction: jobs.run_again(transaction, job, PURGE_INTERVAL))
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
            jobs.delete(transaction, job)
        else:
            jobs.run_again(transaction, job, remaining)

    async def _load(self, job: Job) -> tuple[Gateway, OutgoingMessage, CardRef | None] | None:
        """Return the gateway, the message and the post, if there is one.

        None when the session was deleted or its platform is not configured.
        """
        stored = await self._database.run(lambda transaction: transaction.load(job.session_id or ""))
        if stored is None:
            await self._delete(job)
            return None
        gateway = self._service.gateways.get(stored.session.tenant.partition(":")[0])
        if gateway is None:
            await self._retry(job, NO_GATEWAY_DELAY, "its platform is not configured")
            return None
        outgoing = OutgoingMessage(stored.session, stored.card, job.payload.get("destination"), job.key)
        return gateway, outgoing, stored.post

    # --- Posts ----------------------------------------------------------------------------------------------------

    async def _post(self, job: Job) -> None:
        loaded = await self._load(job)
        if loaded is None:
            return
        gateway, outgoing, earlier_post = loaded
        publication = outgoing.session.publication
        if publication is None or publication.key != job.key:
            return await self._delete(job)  # it was taken back
        if earlier_post is not None:  # it is being deleted
            return await self._database.run(lambda transaction: jobs.run_again(transaction, job, DELETION_TIME))
        try:
            post = None
            if "first_sent_at" in job.payload:  # sent before, with unknown outcome
                post = await self._find_post(job, gateway, outgoing)
            if post is None:
                sending = await self._database.run(lambda transaction: jobs.mark_sending(transaction, job, self._lease))
                if sending is None:
                    return  # the lease has expired: another worker has the job
                announcement = self._announcement(outgoing.session)
                outgoing = replace(
                    outgoing, lease_held=lambda: time.monotonic() < self._lease_held_until.get(job.id, 0)
                )
                post = await self._send_post(sending, gateway, outgoing, announcement)
        except RetryLater as error:
            await self._retry(job, error.retry_after, "Later", may_have_been_sent=error.may_have_been_sent)
        except OutcomeUnknown:
            await self._database.run(lambda transaction: jobs.look_later(transaction, job))
        except PermanentFailure as error:
            reason = error.reason
            await self._database.run(lambda transaction: jobs.hold(transaction, job, "held", reason))
        else:
            stored_post = post
            await self._run_with_retries(lambda transaction: jobs.store_post(transaction, job, stored_post, self._pace))
            asyncio.get_running_loop().call_later(self._pace.total_seconds(), self.wake)

    def _announcement(self, session: Session, *, changed: bool = False) -> Announcement:
        session = session.as_posted()
        flow = self._service.flow.at(session.version)
        return presenter.announcement(flow, session, walk(flow, session.answers), changed=changed)

    async def _change_post(self, job: Job) -> None:
        """Edit or delete a post. If the platform refuses, tell the owner."""
        loaded = await self._load(job)
        if loaded is None:
            return
        gateway, outgoing, post = loaded
        edits, refused = job.kind == "edit_post", False
        try:
            if post is not None and edits and outgoing.session.publication:
                announcement = self._announcement(outgoing.session, changed=True)
                await self._call(job, gateway.edit_post(outgoing, post, announcement), RetryLater())
            elif post is not None and not edits:
                await self._call(job, gateway.delete_post(outgoing, post), RetryLater())
        except RetryLater as error:
            if job.attempts + 1 < MAX_ATTEMPTS:
                return await self._retry(job, error.retry_after, "Later")
            refused = True
        except (OutcomeUnknown, PermanentFailure) as error:
            log.info("job %d (%s) given up (%s)", job.id, job.kind, type(error).__name__)
            refused = True
        await self._database.run(lambda transaction: jobs.finish_change(transaction, job, post, refused=refused))

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
        since = datetime.fromisoformat(job.payload["first_sent_at"])
        try:
            return await self._call(job, gateway.find_post(outgoing, since), RetryLater())
        except RetryLater as error:
            raise RetryLater(error.retry_after, may_have_been_sent=True) from None
        except PermanentFailure:
            if job.state == "sending":
                raise
            return None  # the platform had rejected it, or the owner has looked

    async def _run_with_retries(self, work: Callable[[Transaction], None]) -> None:
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
        gateway, outgoing, post = loaded
        card: CardRef | None = None
        try:
            if job.kind == "tell":
                await self._call(job, gateway.report_failure(outgoing, job.payload["reason"]), RetryLater())
            else:
                view = self._view(job, outgoing.session, post)
                card = await self._call(job, gateway.show_card(outgoing, view), RetryLater())
        except RetryLater as error:
            return await self._retry(job, error.retry_after, "Later")
        except (OutcomeUnknown, PermanentFailure) as error:  # not tried again: a second card is worse than none
            log.info("job %d (%s) given up (%s)", job.id, job.kind, type(error).__name__)

        def finish(transaction: Transaction) -> None:
            if card is not None:
                session = sa.update(sessions).where(sessions.c.id == job.session_id)
                transaction.execute(session.values(card=dict(card)))
            jobs.delete(transaction, job)

        await self._database.run(finish)

    def _view(self, job: Job, session: Session, post: CardRef | None) -> View:
        t = translations(session.language)
        view = presenter.current(self._service.flow, session)
        if session.status is not Status.POSTED:
            return view
        view = presenter.with_link(view, t, (post or {}).get("link"))
        if job.kind == "posted" and isinstance(view, Card):
            return with_note(view, t(f"notice.{job.payload.get('notice', 'posted')}"))
        return view

    async def _delete(self, job: Job) -> None:
        await self._database.run(lambda transaction: jobs.delete(transaction, job))

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
                if await self._database.run(lambda transaction: jobs.extend_lease(transaction, job, self._lease)):
                    self._lease_held_until[job.id] = started + self._lease.total_seconds() / 2

    async def _retry(
        self, job: Job, retry_after: float | None, error: str, *, may_have_been_sent: bool = False
    ) -> None:
        metrics.FAILURES.labels(job.kind, error).inc()
        await self._database.run(
            lambda transaction: jobs.retry(transaction, job, retry_after, error, may_have_been_sent=may_have_been_sent)
        )
