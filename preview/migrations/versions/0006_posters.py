"""What a poster is chosen by: where a slice lies, how much there is to see, what key objects say of it."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "selected",
        sa.Column("study_row", sa.Integer(), nullable=False),
        sa.Column("document", sa.String(length=64), nullable=False),
        sa.Column("instance_uid", sa.String(length=64), nullable=False),
        sa.Column("frames", sa.JSON(), nullable=False),
        sa.Column("rejects", sa.Boolean(), nullable=False),
        sa.Column("title", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["study_row"], ["studies.id"]),
        sa.PrimaryKeyConstraint("study_row", "document", "instance_uid"),
    )
    with op.batch_alter_table("series") as batch:
        batch.add_column(sa.Column("poster_position", sa.Integer(), nullable=True))
    with op.batch_alter_table("instances") as batch:
        batch.add_column(sa.Column("place", sa.Double(), nullable=True))
        batch.add_column(sa.Column("axis", sa.JSON(), nullable=False, server_default="[]"))
        batch.add_column(sa.Column("poster_frame", sa.Integer(), nullable=True))
        batch.add_column(sa.Column("detail", sa.Double(), nullable=True))
    with op.batch_alter_table("instances") as batch:
        batch.alter_column("axis", server_default=None)
