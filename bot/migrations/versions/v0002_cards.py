"""Cards under way in a small table of their own, and a dialog's latest presses in its own row.

Both were rows among very many others, each in a place of its own: several pages to write a turn.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("sessions", sa.Column("heard", sa.LargeBinary))
    op.create_table(
        "cards",
        sa.Column("session", sa.Text, sa.ForeignKey("sessions.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("due", sa.DateTime(timezone=True), nullable=False),
        sa.Column("payload", sa.JSON, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("cards_due", "cards", ["due"])


def downgrade() -> None:
    op.drop_table("cards")
    op.drop_column("sessions", "heard")
