"""Which rows are due: the statement every worker asks with. See `bot.jobs` for what their states mean."""

from dataclasses import dataclass

import sqlalchemy as sa

from bot.schema import cards, jobs
from bot.store import Unit
from bot.turns import CARD_KINDS, Due


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
# What is said on a card comes after the card.
_is_drawn = (
    sa.select(sa.true())
    .where(cards.c.session == jobs.c.session, jobs.c.kind.in_(CARD_KINDS))
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
        _is_drawn.is_(None),
    )
    .order_by(jobs.c.due, jobs.c.id)
    .limit(sa.bindparam("most"))
    .with_for_update(skip_locked=True)
)
"""Rows to lease, the longest due first. Parameters: `now`, `most`."""

_LATE = (
    sa.select(cards)
    .where(cards.c.due <= sa.bindparam("now"))
    .order_by(cards.c.due)
    .limit(sa.bindparam("most"))
    .with_for_update(skip_locked=True)
)


def overdue(unit: Unit, most: int) -> None:
    """Make a job of each card whose adapter has not drawn it in time, unless one that waits draws it anyway."""
    late = unit.execute(_LATE, {"now": unit.now, "most": most}).all()
    if not late:
        return
    waits = sa.select(jobs.c.session).where(
        jobs.c.key.in_([f"{card.session}:posted" for card in late]), jobs.c.leased_by.is_(None)
    )
    drawn = set(unit.execute(waits).scalars())
    for card in late:
        if card.session not in drawn:
            unit.put(Due("show", card.session, revision=card.revision, payload=card.payload))
    unit.execute(sa.delete(cards).where(cards.c.session.in_([card.session for card in late])))
