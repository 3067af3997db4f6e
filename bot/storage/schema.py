"""The tables, for SQLite and PostgreSQL. `bot/storage/migrations` creates them; a test compares the two."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    TypeDecorator,
)


class UtcDateTime(TypeDecorator[datetime]):
    """A point in time: timezone-aware in Python, stored in UTC where the database has no time zones (SQLite)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value.astimezone(UTC) if value else None

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        return value if value is None or value.tzinfo else value.replace(tzinfo=UTC)


AutoIncrement = BigInteger().with_variant(Integer, "sqlite")  # SQLite auto-increments only a column of type INTEGER
NullableJson = JSON(none_as_null=True)

metadata = MetaData()

sessions = Table(
    "sessions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("conversation", Text),
    Column("status", Text, nullable=False),
    Column("state", JSON, nullable=False),
    # Optimistic locking. Not the session's own revision, which does not change when only the language does.
    Column("lock_version", Integer, nullable=False),
    Column("card", NullableJson),
    Column("post", NullableJson),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    # Hashes of the latest idempotency keys (see `statements.MAX_RECENT_KEYS`).
    Column("recent_keys", LargeBinary),
    # When the latest event occurred, by the platform's clock.
    Column("occurred_at", UtcDateTime),
    # For the running dialog of a conversation and for a person's list. No indexed column changes with every answer.
    Index("sessions_owner", "tenant", "owner", "status"),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", AutoIncrement, primary_key=True),
    Column("key", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column("queue", Text, nullable=False),
    Column("session_id", Text, ForeignKey("sessions.id", ondelete="CASCADE")),
    Column("revision", Integer),
    Column("payload", JSON, nullable=False),
    Column("due_at", UtcDateTime, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("leased_by", Text),
    Column("leased_until", UtcDateTime),
    Column("error", Text),
    Index("outbox_due", "state", "due_at"),
    Index("outbox_queue", "queue"),
    Index("outbox_session", "session_id"),
)
"""Jobs to be done. `bot.core.jobs` describes the states."""

pending_cards = Table(
    "pending_cards",
    metadata,
    Column("session_id", Text, ForeignKey("sessions.id", ondelete="CASCADE"), primary_key=True),
    Column("revision", Integer, nullable=False),
    Column("due_at", UtcDateTime, nullable=False),
    Column("payload", JSON, nullable=False),
    Index("pending_cards_due", "due_at"),
)
"""Cards that an adapter is sending now. A row that is still here at `due_at` becomes a job.

A small table of its own: in `outbox`, every turn would write several pages among rows that wait for days. WITHOUT ROWID
on SQLite (see the migration); the option is not repeated here, because it would import the SQLite dialect everywhere.
"""

processed_events = Table(
    "processed_events",
    metadata,
    Column("key_hash", LargeBinary, primary_key=True),
    Column("processed_at", UtcDateTime, nullable=False),
)
"""Idempotency keys of processed events, hashed. Events on a session's own card are remembered in the session."""

person_settings = Table(
    "person_settings",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("person", Text, primary_key=True),
    Column("language", Text, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
)

adapter_data = Table(
    "adapter_data",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("value", JSON, nullable=False),
)
"""What an adapter stores about a tenant."""

removed_tenants = Table(
    "removed_tenants",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("removed_at", UtcDateTime, nullable=False),
)
"""Tenants that uninstalled the app, until their data is deleted."""

tokens = Table(
    "tokens",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("ciphertext", LargeBinary, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
)

oauth_states = Table(
    "oauth_states",
    metadata,
    Column("state_hash", LargeBinary, primary_key=True),
    Column("expires_at", UtcDateTime, nullable=False),
)
"""States of OAuth installations in progress, hashed."""
