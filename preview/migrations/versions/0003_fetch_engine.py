"""The fetch engine: associations that are counted, what sources can do, tries, logs."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "lines",
        sa.Column("source", sa.String(length=32), nullable=False),
        sa.Column("slot", sa.Integer(), nullable=False),
        sa.Column("holder", sa.String(length=32), nullable=False),
        sa.Column("party", sa.String(length=32), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("source", "slot"),
    )
    op.create_table(
        "line_wishes",
        sa.Column("holder", sa.String(length=32), nullable=False),
        sa.Column("source", sa.String(length=32), nullable=False),
        sa.Column("urgent", sa.Boolean(), nullable=False),
        sa.Column("party", sa.String(length=32), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("holder"),
    )
    op.create_index(op.f("ix_line_wishes_source"), "line_wishes", ["source"], unique=False)
    op.create_table(
        "profiles",
        sa.Column("source", sa.String(length=32), nullable=False),
        sa.Column("settings", sa.String(length=64), nullable=False),
        sa.Column("learned_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("source"),
    )
    op.create_table(
        "fetch_notes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("fetch", sa.String(length=32), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("code", sa.String(length=32), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["fetch"], ["fetches.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_fetch_notes_fetch"), "fetch_notes", ["fetch"], unique=False)
    op.create_index("ix_instances_posters", "instances", ["study_row", "poster"], unique=False)
    op.create_index("ix_instances_series_row", "instances", ["series_row", "arrival"], unique=False)
    with op.batch_alter_table("studies") as batch:
        batch.add_column(sa.Column("unlisted_at", sa.DateTime(timezone=True), nullable=True))
    with op.batch_alter_table("instances") as batch:
        batch.add_column(sa.Column("largest", sa.Integer(), nullable=True))
    with op.batch_alter_table("fetches") as batch:
        batch.add_column(_filled("scope", sa.String(length=16), "ALL"))
        batch.add_column(_filled("way", sa.String(length=16), ""))
        batch.add_column(_filled("tries", sa.Integer(), "0"))
        batch.add_column(_filled("crashes", sa.Integer(), "0"))
        batch.add_column(sa.Column("next_try_at", sa.DateTime(timezone=True), nullable=True))
        batch.add_column(sa.Column("around", sa.Integer(), nullable=True))
    with op.batch_alter_table("fetches") as batch:
        for name in ("scope", "way", "tries", "crashes"):
            batch.alter_column(name, server_default=None)


def _filled(name: str, kind: sa.types.TypeEngine[object], value: str) -> sa.Column[object]:
    """A column that the rows of before have too."""
    return sa.Column(name, kind, nullable=False, server_default=value)
