"""Who cancelled a fetch, and how many images its last try brought."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("fetches") as batch:
        batch.add_column(sa.Column("brought", sa.Integer()))
        batch.add_column(sa.Column("cancelled_by", sa.String(256), nullable=False, server_default=""))
        batch.add_column(sa.Column("cancelled_in", sa.String(32)))
    with op.batch_alter_table("fetches") as batch:
        batch.alter_column("cancelled_by", server_default=None)
