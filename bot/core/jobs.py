"""Jobs: rows of the outbox, their states, and the SQL that changes them.

    state     meaning                             next
    pending   to be run when due                  leased by one worker: done, deleted, or pending again (`RetryLater`)
    sending   the post was given to the platform  done; if the response or this process is lost, the worker looks for
                                                  the post: done, sent again, or held when it cannot tell
    held      waits for the owner                 pending (`Service.retry_post`), deleted when taken back
    dead      failed `MAX_ATTEMPTS` times         pending (`Service.retry_post`)
    done      keeps the pace of its queue and     deleted by `bot.core.housekeeping`
              its key from being used again

A post is set to ``sending`` in a transaction of its own before the platform is called. When its lease expires in that
state, the post may exist, so that it is looked for before it is sent again. All other jobs may safely run twice.
"""

import logging
import random
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from adapters.ports import CardRef
from bot.storage.schema import outbox, pending_cards, sessions
from bot.storage.statements import CARD_KINDS, NewJob
from bot.storage.transaction import Transaction
from bot.telemetry import metrics, spans

MAX_ATTEMPTS = 8
FIRST_DELAY = 3.0
"""Seconds after the first failure; three times as long after each further one. Eight attempts take about an hour."""
SETTLE_TIME = timedelta(seconds=5)
"""How long a platform may still process a post whose response was lost."""
MAX_SET_BACK = timedelta(seconds=1)
"""By how much a clock may be set back without consequence."""
_UNFINISHED = ("pending", "sending")
_UNLEASED = {"leased_by": None, "leased_until": None}


log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Job:
    """A job that `worker` has leased. `state`: before it was leased. `attempts`: earlier ones."""

    worker: str
    id: int
    key: str
    kind: str
    session_id: str | None
    payload: dict[str, str]
    attempts: int
    state: str


_now: sa.BindParameter[Any] = sa.bindparam("now")
_limit: sa.BindParameter[Any] = sa.bindparam("limit")
_other = outbox.alias("other")
# An earlier job of the same queue is not done, or one is leased: jobs of a queue run in order, one at a time. A done
# job stays leased for the pace of the queue. Not EXISTS: PostgreSQL would turn it into a join that reads every job.
_queue_is_busy = (
    sa.select(sa.true())
    .where(_other.c.queue == outbox.c.queue)
    .where(sa.or_(sa.and_(_other.c.id < outbox.c.id, _other.c.state.in_(_UNFINISHED)), _other.c.leased_until > _now))
    .limit(1)
    .scalar_subquery()
)
# An adapter is sending the card now: jobs about it come after that.
_card_is_pending = (
    sa.select(sa.true())
    .where(pending_cards.c.session_id == outbox.c.session_id, outbox.c.kind.in_(CARD_KINDS))
    .limit(1)
    .scalar_subquery()
)
_DUE_JOBS = (
    sa.select(*(outbox.c[name] for name in Job.__slots__ if name in outbox.c))
    .where(
        outbox.c.state.in_(_UNFINISHED),
        outbox.c.due_at <= _now,
        sa.or_(outbox.c.leased_until.is_(None), outbox.c.leased_until <= _now),
        _queue_is_busy.is_(None),
        _card_is_pending.is_(None),
    )
    .order_by(outbox.c.due_at, outbox.c.id)
    .limit(_limit)
    .with_for_update(skip_locked=True)
)
_OVERDUE_CARDS = (
    sa.select(pending_cards)
    .where(pending_cards.c.due_at <= _now)
    .order_by(pending_cards.c.due_at)
    .limit(_limit)
    .with_for_update(skip_locked=True)
)


def claim(transaction: Transaction, worker: str, lease: timedelta, limit: int, running: Collection[int]) -> list[Job]:
    """Lease due jobs for `worker`, the longest due first. `running`: ids of jobs that it is working on."""
    _add_jobs_for_overdue_cards(transaction, limit)
    rows = transaction.execute(_DUE_JOBS, {"now": transaction.now, "limit": limit})
    jobs = [job for job in (Job(worker, *row) for row in rows) if job.id not in running]  # after a jump of the clock
    if jobs:
        leased = sa.update(outbox).where(outbox.c.id.in_([job.id for job in jobs]))
        until = transaction.now + lease
        transaction.execute(leased.values(attempts=outbox.c.attempts + 1, leased_by=worker, leased_until=until))
    return jobs


def _add_jobs_for_overdue_cards(transaction: Transaction, limit: int) -> None:
    """Turn each card that an adapter did not send in time into a job, unless a waiting job shows it anyway."""
    cards = transaction.execute(_OVERDUE_CARDS, {"now": transaction.now, "limit": limit}).all()
    if not cards:
        return
    keys = [f"{card.session_id}:posted" for card in cards]
    waiting = sa.select(outbox.c.session_id).where(outbox.c.key.in_(keys), outbox.c.leased_by.is_(None))
    shown_anyway = set(transaction.execute(waiting).scalars())
    for card in cards:
        if card.session_id not in shown_anyway:
            transaction.add_job(NewJob("show", card.session_id, revision=card.revision, payload=card.payload))
    ids = [card.session_id for card in cards]
    transaction.execute(sa.delete(pending_cards).where(pending_cards.c.session_id.in_(ids)))


def follow_clock(transaction: Transaction, clock_was: datetime) -> None:
    """Make jobs due earlier when the clock was set back: one that is due in three seconds must not wait an hour."""
    set_back = clock_was - transaction.now
    if set_back < MAX_SET_BACK:
        return
    log.warning("the clock was set back by %.0f seconds", set_back.total_seconds())
    for table, key, columns in (
        (outbox, outbox.c.id, (outbox.c.due_at, outbox.c.leased_until)),
        (pending_cards, pending_cards.c.session_id, (pending_cards.c.due_at,)),
    ):
        future = sa.or_(*(column > transaction.now for column in columns))
        for id, *times in transaction.execute(sa.select(key, *columns).where(future)).all():
            earlier = {column.name: time and time - set_back for column, time in zip(columns, times, strict=True)}
            transaction.execute(sa.update(table).where(key == id).values(earlier))


def extend_lease(transaction: Transaction, job: Job, lease: timedelta) -> bool:
    """Extend a lease that has not expired. Return whether it was extended."""
    # Not that of a done job, where it is the pace of the queue.
    valid = sa.and_(_is_leased(job), outbox.c.state.in_(_UNFINISHED), outbox.c.leased_until > transaction.now)
    extended = sa.update(outbox).where(valid).values(leased_until=transaction.now + lease)
    return transaction.execute(extended).rowcount == 1


def delete(transaction: Transaction, job: Job) -> None:
    """Delete a job."""
    transaction.execute(sa.delete(outbox).where(_is_leased(job)))


def run_again(transaction: Transaction, job: Job, delay: timedelta) -> None:
    """Run a job again after `delay`, as a new one."""
    _update(transaction, job, ["pending"], due_at=transaction.now + delay, attempts=0, **_UNLEASED)


def mark_sending(transaction: Transaction, job: Job, lease: timedelta) -> Job | None:
    """Set a post to ``sending``, extend its lease and return it. Return None when the lease has expired."""
    payload = {"first_sent_at": transaction.now.isoformat()} | job.payload
    if not extend_lease(transaction, job, lease):
        return None
    is_set = _update(transaction, job, _UNFINISHED, state="sending", payload=payload)
    return replace(job, state="sending", payload=payload) if is_set else None


def look_later(transaction: Transaction, job: Job) -> None:
    """Leave a post in ``sending``, to be looked for when the platform has certainly processed it."""
    _update(transaction, job, ["sending"], due_at=transaction.now + SETTLE_TIME, error="lost", **_UNLEASED)


def store_post(transaction: Transaction, job: Job, post: CardRef, pace: timedelta) -> None:
    """Store that the post exists, whatever state the job has now and whether or not it is still leased."""
    # All transactions lock the session before its jobs, so that they cannot deadlock.
    session = sa.update(sessions).where(sessions.c.id == job.session_id).values(post=dict(post))
    session_exists = transaction.execute(session).rowcount == 1
    done = {"state": "done", "leased_until": transaction.now + pace, "error": None}
    transaction.execute(sa.update(outbox).where(outbox.c.id == job.id).values(done))
    transaction.execute(sa.delete(outbox).where(outbox.c.key == f"{job.session_id}:tell"))
    if session_exists:
        transaction.add_job(NewJob("posted", job.session_id, payload=spans.trace_context()))


def finish_change(transaction: Transaction, job: Job, post: CardRef | None, *, refused: bool) -> None:
    """Finish a job that edited or deleted `post`. `refused`: the platform did not allow it; the owner gets a notice.

    A deleted post is forgotten, and so is one that cannot be deleted: the recommendation may be posted again.
    """
    edits = job.kind == "edit_post"
    if not edits:
        transaction.execute(sa.update(sessions).where(sessions.c.id == job.session_id).values(post=None))
        posts = sa.and_(outbox.c.session_id == job.session_id, outbox.c.kind == "post", outbox.c.id < job.id)
        held = sa.and_(posts, outbox.c.state.in_(("held", "dead")))
        lost = transaction.execute(sa.select(outbox.c.id).where(held, outbox.c.error == "lost")).first()
        refused = refused or (post is None and lost is not None)  # it may be there, and nobody knows its id
        transaction.execute(sa.delete(outbox).where(held))
    delete(transaction, job)
    if refused:
        reason = "not_edited" if edits else "not_deleted"
        payload = {"reason": reason, "destination": job.payload["destination"]}
        transaction.add_job(NewJob("tell", job.session_id, payload=payload))
    elif edits and post is not None:
        transaction.add_job(NewJob("posted", job.session_id, payload={"notice": "updated", **spans.trace_context()}))


def retry(
    transaction: Transaction, job: Job, retry_after: float | None, error: str, *, may_have_been_sent: bool = False
) -> None:
    """Try a job again after at least `retry_after` seconds, or give up after `MAX_ATTEMPTS`."""
    if job.attempts + 1 < MAX_ATTEMPTS or job.kind in {"expire", "purge"}:
        delay = FIRST_DELAY * 3 ** min(job.attempts, MAX_ATTEMPTS) * random.uniform(0.75, 1.25)  # noqa: S311 - jitter
        is_unknown = may_have_been_sent and job.state == "sending"
        values: dict[str, object] = {"state": "sending" if is_unknown else "pending", "error": error, **_UNLEASED}
        if not may_have_been_sent:
            values["payload"] = _not_sent(job)
        due_at = transaction.now + timedelta(seconds=max(delay, retry_after or 0))
        _update(transaction, job, _UNFINISHED, due_at=due_at, **values)
    elif job.kind == "post":
        hold(transaction, job, "dead", "lost" if job.state == "sending" else "failed")
    else:
        delete(transaction, job)


def hold(transaction: Transaction, job: Job, state: str, reason: str) -> None:
    """Stop trying a post and add a job that tells the owner. `state`: ``held`` or ``dead``."""
    metrics.FAILURES.labels(job.kind, state).inc()
    values: dict[str, object] = {} if reason == "lost" else {"payload": _not_sent(job)}
    if _update(transaction, job, _UNFINISHED, state=state, error=reason, leased_until=None, **values):
        payload = {"reason": reason, "destination": job.payload["destination"]}
        transaction.add_job(NewJob("tell", job.session_id, payload=payload))


def _is_leased(job: Job) -> sa.ColumnElement[bool]:
    return sa.and_(outbox.c.id == job.id, outbox.c.leased_by == job.worker)


def _update(transaction: Transaction, job: Job, from_states: Collection[str], **values: object) -> bool:
    """Change a job that is still leased and in one of `from_states`. Return whether it was."""
    leased = sa.and_(_is_leased(job), outbox.c.state.in_(from_states))
    return transaction.execute(sa.update(outbox).where(leased).values(**values)).rowcount == 1


def _not_sent(job: Job) -> dict[str, str]:
    """Return the payload of a job that was certainly not sent."""
    return {name: value for name, value in job.payload.items() if name != "first_sent_at"}
