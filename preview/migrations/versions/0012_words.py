"""The words of reports, to be read as text beside their pictures."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("instances") as batch:
        batch.add_column(sa.Column("words", sa.JSON(), nullable=False, server_default="{}"))
    with op.batch_alter_table("instances") as batch:
        batch.alter_column("words", server_default=None)
