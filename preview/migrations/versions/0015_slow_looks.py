"""A source is slow after several slow looks, and since when it is looked at stays known."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("source_health") as batch:
        batch.add_column(sa.Column("first_at", sa.DateTime(timezone=True)))
        batch.add_column(sa.Column("slow_looks", sa.Integer(), nullable=False, server_default="0"))
    with op.batch_alter_table("source_health") as batch:
        batch.alter_column("slow_looks", server_default=None)
