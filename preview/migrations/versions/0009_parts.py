"""Images inside a study that name somebody else: each of those whom they name is a part of it."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_NAMED = {"uq": "uq_%(table_name)s_%(column_0_N_name)s"}
"""SQLite knows no name of the constraint that is replaced."""


def upgrade() -> None:
    op.create_table(
        "study_parts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("study_row", sa.Integer(), nullable=False),
        sa.Column("print", sa.String(64), nullable=False),
        sa.Column("key", sa.String(32), nullable=False),
        sa.Column("issuer_assumed", sa.Boolean(), nullable=False),
        sa.Column("decision", sa.Integer(), nullable=True),
        sa.Column("released", sa.Boolean(), nullable=False),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("patient_id", sa.String(256), nullable=False),
        sa.Column("issuer", sa.String(256), nullable=False),
        sa.Column("patient_name", sa.String(1024), nullable=False),
        sa.Column("birth_date", sa.Date(), nullable=True),
        sa.Column("birth_date_text", sa.String(64), nullable=False),
        sa.Column("sex", sa.String(1), nullable=False),
        sa.ForeignKeyConstraint(["study_row"], ["studies.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("study_row", "print"),
    )
    op.create_index(op.f("ix_study_parts_key"), "study_parts", ["key"])
    _tell_parts_apart()
    with op.batch_alter_table("instances") as batch:
        batch.add_column(sa.Column("part_row", sa.Integer(), nullable=True))
        batch.add_column(sa.Column("folder", sa.String(32), nullable=False, server_default=""))
        batch.add_column(sa.Column("aside", sa.JSON(), nullable=False, server_default="{}"))
        batch.create_foreign_key("fk_instances_part_row", "study_parts", ["part_row"], ["id"])
        batch.create_index(op.f("ix_instances_part_row"), ["part_row"])
    with op.batch_alter_table("instances") as batch:
        batch.alter_column("folder", server_default=None)
        batch.alter_column("aside", server_default=None)


def _tell_parts_apart() -> None:
    before, after = ["study_row", "issuer", "patient_id"], ["study_row", "issuer", "patient_id", "part_row"]
    found = sa.inspect(op.get_bind()).get_unique_constraints("unmatched")
    name = next((one["name"] for one in found if one["column_names"] == before), None)
    with op.batch_alter_table("unmatched", naming_convention=_NAMED) as batch:
        batch.add_column(sa.Column("part_row", sa.Integer(), nullable=False, server_default="0"))
        batch.drop_constraint(name or f"uq_unmatched_{'_'.join(before)}", type_="unique")
        batch.create_unique_constraint("unmatched_of_part", after)
    with op.batch_alter_table("unmatched") as batch:
        batch.alter_column("part_row", server_default=None)
