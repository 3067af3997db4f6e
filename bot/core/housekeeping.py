"""Deletes old data, in small transactions."""

from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from typing import Any

import sqlalchemy as sa

from bot.storage.database import Database
from bot.storage.schema import (
    adapter_data,
    oauth_states,
    outbox,
    person_settings,
    processed_events,
    removed_tenants,
    sessions,
)
from bot.storage.transaction import Transaction

KEY_RETENTION = timedelta(days=2)
"""How long idempotency keys and finished jobs are stored. Platforms stop redelivering within an hour."""
SLICE_ROWS = 2_000
"""Rows read in one transaction: it takes some milliseconds, during which SQLite cannot write anything else."""


async def purge(database: Database, retention: timedelta) -> None:
    """Delete what is older than its retention time. After an interruption it starts again."""
    retentions: Mapping[sa.Table, tuple[str, timedelta]] = {
        sessions: ("updated_at", retention),
        processed_events: ("processed_at", KEY_RETENTION),
    }
    for table, (column, max_age) in retentions.items():
        purge_slice, last = partial(_purge_slice, table=table, column=column, max_age=max_age), None
        while (last := await database.run(partial(purge_slice, after=last), long=True)) is not None:
            pass
    await database.run(lambda transaction: _purge_small_tables(transaction, retention), long=True)


def _purge_slice(transaction: Transaction, table: sa.Table, column: str, max_age: timedelta, after: Any) -> Any:
    """Delete the old ones among the next rows by primary key. Return the last key, or None at the end.

    There is no index on the time: every turn would have to update it.
    """
    [key] = table.primary_key
    query = sa.select(key, table.c[column]).order_by(key).limit(SLICE_ROWS)
    rows = transaction.execute(query if after is None else query.where(key > after)).all()
    limit = transaction.now - max_age
    old = [id for id, time in rows if time < limit]
    if old:  # the condition on the time is repeated, because a session may have changed since
        transaction.execute(sa.delete(table).where(key.in_(old), table.c[column] < limit))
    return rows[-1][0] if len(rows) == SLICE_ROWS else None


def _purge_small_tables(transaction: Transaction, retention: timedelta) -> None:
    limit = transaction.now - KEY_RETENTION
    transaction.execute(sa.delete(outbox).where(outbox.c.state == "done", outbox.c.due_at < limit))
    transaction.execute(sa.delete(oauth_states).where(oauth_states.c.expires_at < transaction.now))
    removed = sa.select(removed_tenants).where(removed_tenants.c.removed_at < transaction.now - retention)
    for tenant, removed_at in transaction.execute(removed).all():
        # A later setting belongs to a tenant that installed the app again.
        before_removal = sa.and_(person_settings.c.tenant == tenant, person_settings.c.updated_at <= removed_at)
        transaction.execute(sa.delete(person_settings).where(before_removal))
        transaction.execute(sa.delete(adapter_data).where(adapter_data.c.tenant == tenant))
        transaction.execute(sa.delete(removed_tenants).where(removed_tenants.c.tenant == tenant))
