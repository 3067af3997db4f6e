"""Which rows are due: the statement every worker asks with. See `bot.jobs` for what their states mean."""

from dataclasses import dataclass

import sqlalchemy as sa

from bot.schema import jobs


@dataclass(frozen=True, slots=True)
class Job:
    """A row this worker has leased. `state` is the one it was found in."""

    id: int
    key: str
    kind: str
    session: str | None
    payload: dict[str, str]
    attempts: int
    state: str


_other = jobs.alias("other")
# The head of its queue, and nothing of that queue under way or just done: in order, one at a time, at its pace. Not
# EXISTS, which PostgreSQL makes a join that reads every job there is: it takes many more for due than there are.
_waits = (
    sa.select(sa.true())
    .where(_other.c.queue == jobs.c.queue)
    .where(
        sa.or_(
            sa.and_(_other.c.id < jobs.c.id, _other.c.state.in_(("pending", "sending"))),
            _other.c.leased_until > sa.bindparam("now"),
        )
    )
    .limit(1)
    .scalar_subquery()
)
DUE = (
    sa.select(*(jobs.c[name] for name in Job.__slots__))
    .where(
        jobs.c.state.in_(("pending", "sending")),
        jobs.c.due <= sa.bindparam("now"),
        sa.or_(jobs.c.leased_until.is_(None), jobs.c.leased_until <= sa.bindparam("now")),
        _waits.is_(None),
    )
    .order_by(jobs.c.due, jobs.c.id)
    .limit(sa.bindparam("most"))
    .with_for_update(skip_locked=True)
)
"""Rows to lease, the longest due first. Parameters: `now`, `most`."""
