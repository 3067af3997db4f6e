"""Which rows are due: the statement every worker asks with. See `bot.core.outbox` for what their states mean."""

from dataclasses import dataclass

import sqlalchemy as sa

from bot.storage.schema import outbox, pending_cards
from bot.storage.statements import CARD_KINDS, NewJob
from bot.storage.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Job:
    """A row this worker has leased. `state` is the one it was found in."""

    id: int
    key: str
    kind: str
    session_id: str | None
    payload: dict[str, str]
    attempts: int
    state: str


_other = outbox.alias("other")
# The head of its queue, and nothing of that queue under way or just done: in order, one at a time, at its pace. Not
# EXISTS, which PostgreSQL makes a join that reads every job there is: it takes many more for due than there are.
_waits = (
    sa.select(sa.true())
    .where(_other.c.queue == outbox.c.queue)
    .where(
        sa.or_(
            sa.and_(_other.c.id < outbox.c.id, _other.c.state.in_(("pending", "sending"))),
            _other.c.leased_until > sa.bindparam("now"),
        )
    )
    .limit(1)
    .scalar_subquery()
)
# What is said on a card comes after the card.
_is_drawn = (
    sa.select(sa.true())
    .where(pending_cards.c.session_id == outbox.c.session_id, outbox.c.kind.in_(CARD_KINDS))
    .limit(1)
    .scalar_subquery()
)
DUE = (
    sa.select(*(outbox.c[name] for name in Job.__slots__))
    .where(
        outbox.c.state.in_(("pending", "sending")),
        outbox.c.due_at <= sa.bindparam("now"),
        sa.or_(outbox.c.leased_until.is_(None), outbox.c.leased_until <= sa.bindparam("now")),
        _waits.is_(None),
        _is_drawn.is_(None),
    )
    .order_by(outbox.c.due_at, outbox.c.id)
    .limit(sa.bindparam("most"))
    .with_for_update(skip_locked=True)
)
"""Rows to lease, the longest due first. Parameters: `now`, `most`."""

_LATE = (
    sa.select(pending_cards)
    .where(pending_cards.c.due_at <= sa.bindparam("now"))
    .order_by(pending_cards.c.due_at)
    .limit(sa.bindparam("most"))
    .with_for_update(skip_locked=True)
)


def overdue(transaction: Transaction, most: int) -> None:
    """Make a job of each card whose adapter has not drawn it in time, unless one that waits draws it anyway."""
    late = transaction.execute(_LATE, {"now": transaction.now, "most": most}).all()
    if not late:
        return
    waits = sa.select(outbox.c.session_id).where(
        outbox.c.key.in_([f"{card.session_id}:posted" for card in late]), outbox.c.leased_by.is_(None)
    )
    drawn = set(transaction.execute(waits).scalars())
    for card in late:
        if card.session_id not in drawn:
            transaction.add_job(NewJob("show", card.session_id, revision=card.revision, payload=card.payload))
    transaction.execute(
        sa.delete(pending_cards).where(pending_cards.c.session_id.in_([card.session_id for card in late]))
    )
