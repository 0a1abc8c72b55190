"""That staff have confirmed one study does not take back what they confirmed of another under the same id."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("links") as batch:
        batch.add_column(sa.Column("beside", sa.Boolean(), nullable=False, server_default=sa.false()))
    with op.batch_alter_table("links") as batch:
        batch.alter_column("beside", server_default=None)
