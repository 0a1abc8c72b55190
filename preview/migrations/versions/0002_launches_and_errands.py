"""Launches and errands."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "launches",
        sa.Column("mark", sa.String(length=64), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("mark"),
    )
    op.create_index(op.f("ix_launches_ends_at"), "launches", ["ends_at"], unique=False)
    with op.batch_alter_table("contexts") as batch:
        batch.add_column(sa.Column("start", sa.Date(), nullable=True))
        batch.add_column(sa.Column("end", sa.Date(), nullable=True))
        batch.add_column(_filled("accession", 64, ""))
        batch.add_column(_filled("study_uid", 64, ""))
    with op.batch_alter_table("contexts") as batch:
        batch.alter_column("accession", server_default=None)
        batch.alter_column("study_uid", server_default=None)
    with op.batch_alter_table("fetches") as batch:
        batch.add_column(_filled("errand", 16, "FETCH"))
        batch.add_column(sa.Column("moved_at", sa.DateTime(timezone=True), nullable=True))
    # The first revision left the constraint to be named by the database; SQLite does not name it at all.
    postgresql = op.get_bind().dialect.name == "postgresql"
    was = "fetches_active_study_key" if postgresql else "uq_fetches_active_study"
    names = {"uq": "uq_%(table_name)s_%(column_0_name)s"}
    with op.batch_alter_table("fetches", naming_convention=names) as batch:
        batch.alter_column("errand", server_default=None)
        batch.drop_constraint(was, type_="unique")
        batch.create_unique_constraint("fetches_active_study_errand_key", ["active_study", "errand"])


def _filled(name: str, length: int, value: str) -> sa.Column[str]:
    """A column that the rows of before have too."""
    return sa.Column(name, sa.String(length=length), nullable=False, server_default=value)
