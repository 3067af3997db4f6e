"""The first tables."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def text(name: str, *, key: bool = False, null: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, primary_key=key, nullable=null)


def moment(name: str, *, null: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=null)


def upgrade() -> None:
    op.create_table(
        "sessions",
        text("id", key=True),
        text("tenant"),
        text("owner"),
        text("place", null=True),
        text("status"),
        sa.Column("state", sa.JSON, nullable=False),
        sa.Column("saved", sa.Integer, nullable=False),
        sa.Column("card", sa.JSON),
        sa.Column("posted", sa.JSON),
        moment("created"),
        moment("updated"),
    )
    op.create_index("sessions_owner", "sessions", ["tenant", "owner", "status"])
    op.create_table(
        "jobs",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sa.Column("key", sa.Text, nullable=False, unique=True),
        text("kind"),
        text("queue"),
        sa.Column("session", sa.Text, sa.ForeignKey("sessions.id", ondelete="CASCADE")),
        sa.Column("revision", sa.Integer),
        sa.Column("payload", sa.JSON, nullable=False),
        moment("due"),
        sa.Column("attempts", sa.Integer, nullable=False),
        text("state"),
        text("leased_by", null=True),
        moment("leased_until", null=True),
        text("error", null=True),
    )
    op.create_index("jobs_due", "jobs", ["state", "due"])
    op.create_index("jobs_queue", "jobs", ["queue"])
    op.create_index("jobs_session", "jobs", ["session"])
    binary, json = sa.LargeBinary, sa.JSON
    op.create_table("seen", sa.Column("once", binary, primary_key=True), moment("at"))
    op.create_table("people", text("tenant", key=True), text("person", key=True), text("language"), moment("updated"))
    op.create_table("notes", text("tenant", key=True), text("key", key=True), sa.Column("note", json, nullable=False))
    op.create_table("tenants", text("tenant", key=True), moment("left_at"))
    ciphertext = sa.Column("ciphertext", binary, nullable=False)
    op.create_table("tokens", text("tenant", key=True), ciphertext, moment("updated"))
    op.create_table("states", sa.Column("state", binary, primary_key=True), moment("expires"))


def downgrade() -> None:
    for table in ("jobs", "sessions", "seen", "people", "notes", "tenants", "tokens", "states"):
        op.drop_table(table)
