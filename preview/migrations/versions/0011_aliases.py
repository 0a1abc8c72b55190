"""Under what else a patient is known: other ids and other names, on the images and in the record."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("studies", "known_patients"):
        with op.batch_alter_table(table) as batch:
            batch.add_column(sa.Column("aliases", sa.JSON(), nullable=False, server_default="{}"))
        with op.batch_alter_table(table) as batch:
            batch.alter_column("aliases", server_default=None)
