"""The worker: does what is due, from rows that any replica may take.

    state     means                                 then
    pending   to be done when due                   leased by one worker, done, or pending again (`Later`)
    sending   a post is with the platform           done; looked for when its answer, or this process, is lost
                                                    meanwhile: done, sent again, or held where we cannot look
    held      waits for a person's word             pending again (`Service.post_again`)
    dead      given up after `MOST_ATTEMPTS`        likewise
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

from adapters.ports import Courier, Delivery, Json, Later, Lost, Refused, Unavailable
from bot import metrics
from bot.due import DUE, Job, overdue
from bot.logs import about
from bot.schema import jobs, sessions
from bot.service import Service
from bot.store import Unit
from bot.turns import Due
from dialogs import compose
from dialogs.session import Session
from dialogs.views import Announcement, Prompt, Recommendation, Review, Verdict, View, with_note
from dialogs.walk import walk
from dialogs.words import words

MOST_ATTEMPTS = 8
FIRST_DELAY = 3.0
"""Seconds after the first failure; three times as long after each: eight attempts in about an hour."""
SETTLES = timedelta(seconds=5)
"""How long a platform may still be at work on a post whose answer is lost."""
SLOTS = 16
POLL = 1.0
SET_CLOCK_EVERY = 60.0
PURGE_EVERY = timedelta(hours=6)
NO_COURIER = 600.0

log = logging.getLogger(__name__)
T = TypeVar("T")


class Worker:
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
        self._store = service.store
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
        await self._store.run(lambda unit: unit.put(Due("purge", once=True)))
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
            except Unavailable as error:
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

        def work(unit: Unit) -> list[Job]:
            overdue(unit, most)
            rows = unit.execute(DUE, {"now": unit.now, "most": most})
            found = [job for job in (Job(*row) for row in rows) if job.id not in here]  # should the clock have jumped
            if found:
                leased = {"leased_by": self._name, "leased_until": unit.now + self._lease}
                these = jobs.c.id.in_([job.id for job in found])
                unit.execute(sa.update(jobs).where(these).values(attempts=jobs.c.attempts + 1, **leased))
            return found

        await self._service.settle()
        if time.monotonic() - self._clock_set > SET_CLOCK_EVERY:
            await self._store.set_clock()
            self._clock_set = time.monotonic()
        return await self._store.run(work)

    def _set(self, unit: Unit, job: Job, state: str, *before: str, **values: object) -> bool:
        """Move a row that is still ours and in one of the states `before`."""
        ours = sa.and_(jobs.c.id == job.id, jobs.c.leased_by == self._name, jobs.c.state.in_(before))
        return unit.execute(sa.update(jobs).where(ours).values(state=state, **values)).rowcount == 1

    def _drop(self, unit: Unit, job: Job) -> None:
        unit.execute(sa.delete(jobs).where(jobs.c.id == job.id, jobs.c.leased_by == self._name))

    def _again(self, unit: Unit, job: Job, seconds: float | None, error: str, *, doubt: bool) -> None:
        delay = FIRST_DELAY * 3 ** min(job.attempts, MOST_ATTEMPTS) * random.uniform(0.75, 1.25)  # noqa: S311
        due = unit.now + timedelta(seconds=max(delay, seconds or 0))
        free: dict[str, object] = {"leased_by": None, "leased_until": None}
        if not doubt:
            free["payload"] = _sure(job)
        state = "sending" if doubt and job.state == "sending" else "pending"  # lost, it still has to be looked for
        self._set(unit, job, state, "pending", "sending", due=due, error=error, **free)

    def _hold(self, unit: Unit, job: Job, state: str, reason: str) -> None:
        """Hold a post back, and see to it that its owner is told."""
        metrics.FAILURES.labels(job.kind, state).inc()
        known: dict[str, object] = {} if reason == "lost" else {"payload": _sure(job)}
        if self._set(unit, job, state, "pending", "sending", error=reason, leased_until=None, **known):
            unit.put(Due("tell", job.session, payload={"reason": reason, "where": job.payload["where"]}))

    # --- Doing ----------------------------------------------------------------------------------------------------

    async def _do(self, job: Job) -> None:
        about(f"job-{job.id}")
        try:
            match job.kind:
                case "post":
                    await self._post(job)
                case "show" | "posted" | "tell":
                    await self._tell(job)
                case "purge":
                    with self._kept(job):
                        await self._service.purge(self._retention)
                    await self._store.run(lambda unit: self._housekeep(unit, job, PURGE_EVERY))
                case _:
                    await self._store.run(lambda unit: self._housekeep(unit, job, self._expire(unit, job)))
        except Unavailable as error:
            log.warning("job %d (%s) waits for the database (%s)", job.id, job.kind, error)
        except Exception as error:  # a fault of ours must not stop the others
            log.error("job %d (%s) failed (%s)", job.id, job.kind, type(error).__name__)
            with contextlib.suppress(Unavailable):
                await self._retry(job, None, type(error).__name__)

    def _expire(self, unit: Unit, job: Job) -> timedelta | None:
        return self._service.expire(unit, job.session or "")

    def _housekeep(self, unit: Unit, job: Job, after: timedelta | None) -> None:
        """Let a row come round again, or go."""
        if after is None:
            self._drop(unit, job)
        else:
            free = {"leased_by": None, "leased_until": None}
            self._set(unit, job, "pending", "pending", due=unit.now + after, attempts=0, **free)

    async def _load(self, job: Job) -> tuple[Courier, Delivery] | None:
        """Return who delivers what; None when the dialog was forgotten."""
        stored = await self._store.run(lambda unit: unit.load(job.session or ""))
        if stored is None:
            await self._store.run(lambda unit: self._drop(unit, job))
            return None
        courier = self._service.couriers.get(stored.session.tenant.partition(":")[0])
        if courier is None:
            await self._retry(job, NO_COURIER, "its platform is not configured")
            return None
        return courier, Delivery(stored.session, stored.card, job.payload.get("where"), job.key)

    async def _post(self, job: Job) -> None:
        loaded = await self._load(job)
        if loaded is None:
            return None
        courier, delivery = loaded
        flow, session = self._service.flow, delivery.session
        try:
            if (
                job.state == "sending" or "since" in job.payload
            ):  # it has been sent before, and nobody knows what came of it
                found = await self._find(job, courier, delivery)
                if found is not None:
                    return await self._surely(lambda unit: self._posted(unit, job, found))
            marked = replace(job, state="sending", payload={"since": self._store.clock().isoformat()} | job.payload)
            if not await self._store.run(lambda unit: self._mark(unit, marked)):
                return None  # the lease ran out before we came to it: it is another worker's
            announcement = compose.announcement(flow, session, walk(flow, session.answers))
            delivery = replace(delivery, ours=lambda: time.monotonic() < self._surely_ours.get(job.id, 0))
            posted = await self._post_once(marked, courier, delivery, announcement)
        except Later as later:
            await self._retry(job, later.seconds, "Later", doubt=later.doubt)
        except Lost:
            await self._store.run(lambda unit: self._settle_later(unit, job))
        except Refused as refused:
            reason = refused.reason
            await self._store.run(lambda unit: self._hold(unit, job, "held", reason))
        else:
            await self._surely(lambda unit: self._posted(unit, job, posted))
            asyncio.get_running_loop().call_later(self._pace.total_seconds(), self.wake)
        return None

    async def _post_once(self, job: Job, courier: Courier, delivery: Delivery, announcement: Announcement) -> Json:
        """Post; where the answer is lost, look at once. `Lost`: it is not there yet."""
        try:
            return await self._call(job, courier.post(delivery, announcement), Lost())
        except Lost:
            try:
                found = await self._find(job, courier, delivery)
            except Later:
                found = None
            if found is None:
                raise
            return found

    async def _find(self, job: Job, courier: Courier, delivery: Delivery) -> Json | None:
        """Return the note of a post that is out after all, None to send it; `Refused`: a person must look."""
        if "since" not in job.payload:  # an earlier version's
            raise Refused("lost")
        since = datetime.fromisoformat(job.payload["since"])
        try:
            return await self._call(job, courier.find(delivery, since), Later())
        except Later as later:
            raise Later(later.seconds, doubt=True) from None
        except Refused:
            if job.state == "sending":
                raise
            return None  # the platform had said that it was not done, or the owner that it is not there

    def _settle_later(self, unit: Unit, job: Job) -> None:
        """Leave a post as being sent: in a moment, when the platform is surely done with it, somebody looks."""
        free = {"leased_by": None, "leased_until": None, "due": unit.now + SETTLES, "error": "lost"}
        self._set(unit, job, "sending", "sending", **free)

    async def _surely(self, work: Callable[[Unit], None]) -> None:
        """Write what cannot be found out again, even when the database is away for a moment."""
        for seconds in (0.1, 0.5, 2, 5):
            try:
                return await self._store.run(work)
            except Unavailable:
                await asyncio.sleep(seconds)
        return await self._store.run(work)

    def _mark(self, unit: Unit, job: Job) -> bool:
        ours = sa.and_(jobs.c.id == job.id, jobs.c.leased_until > unit.now)
        until = unit.now + self._lease
        return unit.execute(sa.select(jobs.c.id).where(ours)).first() is not None and self._set(
            unit, job, "sending", "pending", "sending", leased_until=until, payload=job.payload
        )

    def _posted(self, unit: Unit, job: Job, note: Json) -> None:
        """It is out, whatever its row came to meanwhile: taken for lost, even asked for again."""
        # The session's row before those of jobs, here as everywhere: who locks in one order never deadlocks.
        found = unit.execute(sa.update(sessions).where(sessions.c.id == job.session).values(posted=dict(note)))
        done = {"state": "done", "leased_until": unit.now + self._pace, "error": None}
        unit.execute(sa.update(jobs).where(jobs.c.id == job.id).values(done))
        unit.execute(sa.delete(jobs).where(jobs.c.key == f"{job.session}:tell"))
        if found.rowcount:
            unit.put(Due("posted", job.session, payload=self._service.trace()))

    async def _tell(self, job: Job) -> None:
        """Draw the card, or say why its post is held back."""
        loaded = await self._load(job)
        if loaded is None:
            return
        courier, delivery = loaded
        card: Json | None = None
        try:
            if job.kind == "tell":
                await self._call(job, courier.tell(delivery, job.payload["reason"]), Later())
            else:
                card = await self._call(job, courier.show(delivery, self._view(job, delivery.session)), Later())
        except Later as later:
            return await self._retry(job, later.seconds, "Later")
        except (Lost, Refused) as error:  # a card can be asked for again; a second one would be worse than none
            log.info("job %d (%s) came to nothing (%s)", job.id, job.kind, type(error).__name__)
        await self._store.run(lambda unit: self._told(unit, job, card))

    def _told(self, unit: Unit, job: Job, card: Json | None) -> None:
        if card is not None:
            unit.execute(sa.update(sessions).where(sessions.c.id == job.session).values(card=dict(card)))
        self._drop(unit, job)

    def _view(self, job: Job, session: Session) -> View:
        view = compose.current(self._service.flow, session)
        if job.kind == "posted" and isinstance(view, Prompt | Review | Recommendation | Verdict):
            return with_note(view, words(session.language).text("notice.posted"))
        return view

    async def _renew(self, job: Job) -> None:
        """Say again and again that a row is ours, while it is; a lease that ran out is not taken back."""
        # Not what is done: there a lease is the pace of its queue.
        undone = jobs.c.state.in_(("pending", "sending"))
        ours = sa.and_(jobs.c.id == job.id, jobs.c.leased_by == self._name, undone)

        def work(unit: Unit) -> bool:
            longer = sa.update(jobs).where(ours, jobs.c.leased_until > unit.now)
            return unit.execute(longer.values(leased_until=unit.now + self._lease)).rowcount == 1

        while True:
            await asyncio.sleep(self._lease.total_seconds() / 3)
            with contextlib.suppress(Unavailable):
                began = time.monotonic()
                if await self._store.run(work):
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
        except (Later, Lost, Refused):
            raise
        except Exception as error:
            log.error("a courier failed (%s)", type(error).__name__)
            raise otherwise from None

    async def _retry(self, job: Job, seconds: float | None, error: str, *, doubt: bool = False) -> None:
        metrics.FAILURES.labels(job.kind, error).inc()

        def work(unit: Unit) -> None:
            if job.attempts + 1 < MOST_ATTEMPTS or job.kind in {"expire", "purge"}:
                self._again(unit, job, seconds, error, doubt=doubt)
            elif job.kind == "post":
                self._hold(unit, job, "dead", "lost" if job.state == "sending" else "failed")
            else:
                self._drop(unit, job)

        await self._store.run(work)


def _sure(job: Job) -> dict[str, str]:
    """What a row says once it is sure that nothing of it is out."""
    return {name: value for name, value in job.payload.items() if name != "since"}
