"""Rows of the outbox, and the SQL that changes them. `bot.core.outbox` describes the states."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from bot.storage.schema import outbox, pending_cards
from bot.storage.statements import CARD_KINDS, NewJob
from bot.storage.transaction import Transaction

UNLEASED = {"leased_by": None, "leased_until": None}


@dataclass(frozen=True, slots=True)
class Job:
    """A job that this worker has leased. `state`: before it was leased. `attempts`: earlier ones."""

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
    .where(
        sa.or_(
            sa.and_(_other.c.id < outbox.c.id, _other.c.state.in_(("pending", "sending"))), _other.c.leased_until > _now
        )
    )
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
    sa.select(*(outbox.c[name] for name in Job.__slots__))
    .where(
        outbox.c.state.in_(("pending", "sending")),
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
    jobs = [job for job in (Job(*row) for row in rows) if job.id not in running]  # after a jump of the clock
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


def update(transaction: Transaction, job: Job, worker: str, from_states: Collection[str], **values: object) -> bool:
    """Change a job that `worker` still leases and that is in one of `from_states`. Return whether it was."""
    leased = sa.and_(outbox.c.id == job.id, outbox.c.leased_by == worker, outbox.c.state.in_(from_states))
    return transaction.execute(sa.update(outbox).where(leased).values(**values)).rowcount == 1


def delete(transaction: Transaction, job: Job, worker: str) -> None:
    """Delete a job that `worker` still leases."""
    transaction.execute(sa.delete(outbox).where(outbox.c.id == job.id, outbox.c.leased_by == worker))


def extend_lease(transaction: Transaction, job: Job, worker: str, lease: timedelta) -> bool:
    """Extend a lease that has not expired. Return whether it was extended."""
    # Not that of a done job, where it is the pace of the queue.
    unfinished = sa.and_(outbox.c.leased_by == worker, outbox.c.state.in_(("pending", "sending")))
    valid = sa.and_(outbox.c.id == job.id, unfinished, outbox.c.leased_until > transaction.now)
    extended = sa.update(outbox).where(valid).values(leased_until=transaction.now + lease)
    return transaction.execute(extended).rowcount == 1
