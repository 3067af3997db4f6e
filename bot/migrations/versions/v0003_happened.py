"""When what changed a dialog last happened, by the clock of its platform: what is older is known by it."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("sessions", sa.Column("happened", sa.DateTime(timezone=True)))


def downgrade() -> None:
    op.drop_column("sessions", "happened")
