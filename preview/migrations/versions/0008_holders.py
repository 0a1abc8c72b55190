"""Known patients by number and given name; who had an id before it was given out again."""

import sqlalchemy as sa
from alembic import op

from fetch.identity.ids import normal
from fetch.identity.names import given_names
from fetch.model import Patient, PatientIdentity

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_AT_ONCE = 1_000


def upgrade() -> None:
    with op.batch_alter_table("known_patients") as batch:
        batch.add_column(sa.Column("number", sa.String(256), nullable=False, server_default=""))
        batch.add_column(sa.Column("given", sa.String(256), nullable=False, server_default=""))
    _fill()
    with op.batch_alter_table("known_patients") as batch:
        batch.alter_column("number", server_default=None)
        batch.alter_column("given", server_default=None)
        batch.drop_index("ix_known_patients_number")
        batch.create_index("ix_known_patients_number", ["number"])
        batch.create_index("ix_known_patients_given", ["given"])
    op.create_table(
        "former_holders",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("print", sa.String(64), nullable=False),
        sa.Column("number", sa.String(256), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("patient_id", sa.String(256), nullable=False),
        sa.Column("issuer", sa.String(256), nullable=False),
        sa.Column("patient_name", sa.String(1024), nullable=False),
        sa.Column("birth_date", sa.Date(), nullable=True),
        sa.Column("birth_date_text", sa.String(64), nullable=False),
        sa.Column("sex", sa.String(1), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("print"),
    )
    op.create_index(op.f("ix_former_holders_number"), "former_holders", ["number"])


def _fill() -> None:
    """Batch by batch: there may be millions."""
    columns = [sa.column(name) for name in ("id", "patient_id", "patient_name", "number", "given")]
    known = sa.table("known_patients", *columns)
    connection, last = op.get_bind(), 0
    some = sa.select(known.c.id, known.c.patient_id, known.c.patient_name).order_by(known.c.id)
    while rows := connection.execute(some.where(known.c.id > last).limit(_AT_ONCE)).all():
        last = rows[-1].id
        values = [
            {"key": row.id, "number": normal(row.patient_id)[:256], "given": _given(row.patient_name)}
            for row in rows
        ]
        filled = {name: sa.bindparam(name) for name in ("number", "given")}
        connection.execute(sa.update(known).where(known.c.id == sa.bindparam("key")).values(filled), values)


def _given(name: str) -> str:
    return min(given_names(Patient(PatientIdentity("", ""), name)), default="")[:256]
