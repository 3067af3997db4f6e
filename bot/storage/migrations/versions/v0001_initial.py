"""Create all tables."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def text(name: str, *, primary_key: bool = False, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, primary_key=primary_key, nullable=nullable)


def timestamp(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def json(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.JSON, nullable=nullable)


def integer(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=nullable)


def binary(name: str, *, primary_key: bool = False, nullable: bool = False) -> sa.Column[bytes]:
    return sa.Column(name, sa.LargeBinary, primary_key=primary_key, nullable=nullable)


def session_id(**options: Any) -> sa.Column[str]:
    return sa.Column("session_id", sa.Text, sa.ForeignKey("sessions.id", ondelete="CASCADE"), **options)


def upgrade() -> None:
    op.create_table(
        "sessions",
        text("id", primary_key=True),
        text("tenant"),
        text("owner"),
        text("conversation", nullable=True),
        text("status"),
        json("state"),
        integer("lock_version"),
        json("card", nullable=True),
        json("post", nullable=True),
        timestamp("created_at"),
        timestamp("updated_at"),
        binary("recent_keys", nullable=True),
        timestamp("occurred_at", nullable=True),
    )
    op.create_index("sessions_owner", "sessions", ["tenant", "owner", "status"])
    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sa.Column("key", sa.Text, nullable=False, unique=True),
        text("kind"),
        text("queue"),
        session_id(),
        integer("revision", nullable=True),
        json("payload"),
        timestamp("due_at"),
        integer("attempts"),
        text("state"),
        text("leased_by", nullable=True),
        timestamp("leased_until", nullable=True),
        text("error", nullable=True),
    )
    op.create_index("outbox_due", "outbox", ["state", "due_at"])
    op.create_index("outbox_queue", "outbox", ["queue"])
    op.create_index("outbox_session", "outbox", ["session_id"])
    op.create_table(
        "pending_cards",
        session_id(primary_key=True),
        integer("revision"),
        timestamp("due_at"),
        json("payload"),
        sqlite_with_rowid=False,
    )
    op.create_index("pending_cards_due", "pending_cards", ["due_at"])
    op.create_table("processed_events", binary("key_hash", primary_key=True), timestamp("processed_at"))
    op.create_table(
        "person_settings",
        text("tenant", primary_key=True),
        text("person", primary_key=True),
        text("language"),
        timestamp("updated_at"),
    )
    op.create_table("adapter_data", text("tenant", primary_key=True), text("key", primary_key=True), json("value"))
    op.create_table("removed_tenants", text("tenant", primary_key=True), timestamp("removed_at"))
    op.create_table("tokens", text("tenant", primary_key=True), binary("ciphertext"), timestamp("updated_at"))
    op.create_table("oauth_states", binary("state_hash", primary_key=True), timestamp("expires_at"))


def downgrade() -> None:
    for table in (
        *("outbox", "pending_cards", "sessions", "processed_events", "person_settings"),
        *("adapter_data", "removed_tenants", "tokens", "oauth_states"),
    ):
        op.drop_table(table)
