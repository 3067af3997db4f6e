"""The tables, one code base for SQLite and PostgreSQL. `bot/migrations` makes them; a test says when the two differ."""

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


class Utc(TypeDecorator[datetime]):
    """A moment. Aware in Python, and UTC in a database that keeps no zone (SQLite)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value.astimezone(UTC) if value else None

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        return value if value is None or value.tzinfo else value.replace(tzinfo=UTC)


Number = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts up by itself only what is called INTEGER
Object = JSON(none_as_null=True)

metadata = MetaData()

sessions = Table(
    "sessions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("place", Text),
    Column("status", Text, nullable=False),
    Column("state", JSON, nullable=False),
    # What compare-and-swap compares: the dialog's own revision stays when only its language changes.
    Column("saved", Integer, nullable=False),
    Column("card", Object),
    Column("posted", Object),
    Column("created", Utc, nullable=False),
    Column("updated", Utc, nullable=False),
    # The latest presses on it, see `bot.turns.RING`; and when what changed it last happened, by its platform's clock.
    Column("heard", LargeBinary),
    Column("happened", Utc),
    # Serves the running dialog at a place as well as a person's list; no column of it changes with every answer.
    Index("sessions_owner", "tenant", "owner", "status"),
)

jobs = Table(
    "jobs",
    metadata,
    Column("id", Number, primary_key=True),
    Column("key", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column("queue", Text, nullable=False),
    Column("session", Text, ForeignKey("sessions.id", ondelete="CASCADE")),
    Column("revision", Integer),
    Column("payload", JSON, nullable=False),
    Column("due", Utc, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("leased_by", Text),
    Column("leased_until", Utc),
    Column("error", Text),
    Index("jobs_due", "state", "due"),
    Index("jobs_queue", "queue"),
    Index("jobs_session", "session"),
)
"""What must happen. state: pending, sending (the platform is being asked), held, dead, done."""

cards = Table(
    "cards",
    metadata,
    Column("session", Text, ForeignKey("sessions.id", ondelete="CASCADE"), primary_key=True),
    Column("revision", Integer, nullable=False),
    Column("due", Utc, nullable=False),
    Column("payload", JSON, nullable=False),
    Index("cards_due", "due"),
)
"""Cards that an adapter is drawing, for a moment each; what is left at `due` becomes a job. Apart from `jobs`, where
each would touch several pages of its own among the rows that wait for days. Without rowids in SQLite, as its migration
says; here the word would load the dialect of SQLite, wherever one is."""

seen = Table("seen", metadata, Column("once", LargeBinary, primary_key=True), Column("at", Utc, nullable=False))
"""Deliveries heard, as hashes: nothing in them points at a person. Presses are remembered with their session."""

people = Table(
    "people",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("person", Text, primary_key=True),
    Column("language", Text, nullable=False),
    Column("updated", Utc, nullable=False),
)

notes = Table(
    "notes",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("note", JSON, nullable=False),
)
"""What an adapter keeps about a tenant."""

tenants = Table("tenants", metadata, Column("tenant", Text, primary_key=True), Column("left_at", Utc, nullable=False))
"""Tenants that have left and when."""

tokens = Table(
    "tokens",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("ciphertext", LargeBinary, nullable=False),
    Column("updated", Utc, nullable=False),
)

states = Table(
    "states",
    metadata,
    Column("state", LargeBinary, primary_key=True),
    Column("expires", Utc, nullable=False),
)
"""OAuth states under way, as hashes."""
