"""Matching: known patients, decisions, links, merges, cross-references; the list keeps its history."""

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_index("ix_studies_patient", "studies", ["issuer", "patient_id"])
    _widen_unmatched()
    _create_decisions()
    _create_links()
    _create_refusals()
    _create_merges()
    _create_known_patients()
    op.create_table(
        "cross_references",
        sa.Column("issuer", sa.String(256), nullable=False),
        sa.Column("patient_id", sa.String(256), nullable=False),
        sa.Column("known", sa.Boolean(), nullable=False),
        sa.Column("ids", sa.JSON(), nullable=False),
        sa.Column("answered_at", _TIME, nullable=True),
        sa.Column("failed_at", _TIME, nullable=True),
        sa.Column("failure", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("issuer", "patient_id"),
    )
    op.create_index("ix_contexts_patient", "contexts", ["issuer", "patient_id"])
    op.create_table(
        "strangers",
        sa.Column("ask", sa.String(32), nullable=False),
        sa.Column("source", sa.String(32), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.ForeignKeyConstraint(["ask"], ["asks.id"]),
        sa.PrimaryKeyConstraint("ask", "source"),
    )
    op.create_index(op.f("ix_strangers_at"), "strangers", ["at"])
    op.create_table(
        "to_judge",
        sa.Column("issuer", sa.String(256), nullable=False),
        sa.Column("patient_id", sa.String(256), nullable=False),
        sa.Column("since", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("issuer", "patient_id"),
    )
    op.create_table(
        "judged_under",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("mark", sa.String(128), nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )


def _widen_unmatched() -> None:
    filled = {
        "grade": (sa.String(16), ""),
        "evidence": (sa.JSON(), "{}"),
        "rules": (sa.String(32), ""),
        "urgency": (sa.Integer(), "9"),
        "owner": (sa.String(256), ""),
        "unsure": (sa.Boolean(), sa.false()),
    }
    empty = {"proposed": sa.Integer(), "decision": sa.Integer(), "settled_at": _TIME, "key": sa.String(32)}
    with op.batch_alter_table("unmatched") as batch:
        for name, (kind, value) in filled.items():
            batch.add_column(sa.Column(name, kind, nullable=False, server_default=value))
        for name, kind in empty.items():
            batch.add_column(sa.Column(name, kind, nullable=True))
    unmatched = sa.table("unmatched", sa.column("id"), sa.column("key"))
    connection = op.get_bind()
    for row in connection.execute(sa.select(unmatched.c.id)).all():
        named = sa.update(unmatched).where(unmatched.c.id == row.id).values(key=secrets.token_hex(16))
        connection.execute(named)
    with op.batch_alter_table("unmatched") as batch:
        for name in filled:
            batch.alter_column(name, server_default=None)
        batch.alter_column("key", existing_type=sa.String(32), nullable=False)
        batch.create_unique_constraint("unmatched_key_key", ["key"])
    op.create_index("ix_unmatched_open", "unmatched", ["settled_at", "urgency", "first_seen_at"])
    op.create_index("ix_unmatched_patient", "unmatched", ["issuer", "patient_id"])


def _create_decisions() -> None:
    op.create_table(
        "decisions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("verdict", sa.String(16), nullable=False),
        sa.Column("person", sa.String(256), nullable=False),
        sa.Column("unmatched", sa.Integer(), nullable=True),
        sa.Column("refers", sa.Integer(), nullable=True),
        sa.Column("waits", sa.Boolean(), nullable=False),
        sa.Column("source", sa.String(32), nullable=False),
        sa.Column("study_uid", sa.String(64), nullable=False),
        sa.Column("mark", sa.String(64), nullable=False),
        sa.Column("issuer", sa.String(256), nullable=False),
        sa.Column("patient_id", sa.String(256), nullable=False),
        sa.Column("asked", sa.JSON(), nullable=False),
        sa.Column("found", sa.JSON(), nullable=False),
        sa.Column("grade", sa.String(16), nullable=False),
        sa.Column("evidence", sa.JSON(), nullable=False),
        sa.Column("rules", sa.String(32), nullable=False),
        sa.Column("reason", sa.String(1024), nullable=False),
        sa.ForeignKeyConstraint(["unmatched"], ["unmatched.id"]),
        sa.ForeignKeyConstraint(["refers"], ["decisions.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_decisions_unmatched"), "decisions", ["unmatched"])
    op.create_index(op.f("ix_decisions_mark"), "decisions", ["mark"])
    op.create_index("ix_decisions_patient", "decisions", ["issuer", "patient_id"])
    _forbid_changes()


def _forbid_changes() -> None:
    """A decision stands as it was made, whatever program has a hand on the database."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION decisions_stay() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN RAISE EXCEPTION 'a decision is never changed'; END $$"
        )
        op.execute(
            "CREATE TRIGGER decisions_stay BEFORE UPDATE OR DELETE ON decisions"
            " FOR EACH ROW EXECUTE FUNCTION decisions_stay()"
        )
        return
    for event in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER decisions_stay_{event.lower()} BEFORE {event} ON decisions"
            " BEGIN SELECT RAISE(ABORT, 'a decision is never changed'); END"
        )


def _who() -> list[sa.Column[object]]:
    """The columns of a patient."""
    return [
        sa.Column("patient_id", sa.String(256), nullable=False),
        sa.Column("issuer", sa.String(256), nullable=False),
        sa.Column("patient_name", sa.String(1024), nullable=False),
        sa.Column("birth_date", sa.Date(), nullable=True),
        sa.Column("birth_date_text", sa.String(64), nullable=False),
        sa.Column("sex", sa.String(1), nullable=False),
    ]


def _held() -> list[sa.Column[object]]:
    """Since when, until when, and by which decision something holds."""
    return [
        sa.Column("live", sa.Boolean(), nullable=True),
        sa.Column("decision", sa.Integer(), nullable=False),
        sa.Column("made_at", _TIME, nullable=False),
        sa.Column("ended_at", _TIME, nullable=True),
    ]


def _create_links() -> None:
    op.create_table(
        "links",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("mark", sa.String(64), nullable=False),
        sa.Column("found_issuer", sa.String(256), nullable=False),
        sa.Column("found_id", sa.String(256), nullable=False),
        sa.Column("found", sa.JSON(), nullable=False),
        *_held(),
        *_who(),
        sa.ForeignKeyConstraint(["decision"], ["decisions.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("mark", "live"),
    )
    op.create_index("ix_links_patient", "links", ["issuer", "patient_id"])
    op.create_index("ix_links_found", "links", ["found_issuer", "found_id"])


def _create_refusals() -> None:
    op.create_table(
        "refusals",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("print", sa.String(64), nullable=False),
        *_held(),
        *_who(),
        sa.ForeignKeyConstraint(["decision"], ["decisions.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("print", "issuer", "patient_id", "live"),
    )


def _create_merges() -> None:
    op.create_table(
        "merges",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("issuer", sa.String(256), nullable=False),
        sa.Column("prior", sa.String(256), nullable=False),
        sa.Column("survivor", sa.String(256), nullable=False),
        *_held(),
        sa.ForeignKeyConstraint(["decision"], ["decisions.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("issuer", "prior", "live"),
    )
    op.create_index("ix_merges_survivor", "merges", ["issuer", "survivor"])


def _create_known_patients() -> None:
    op.create_table(
        "known_patients",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("family", sa.String(256), nullable=False),
        sa.Column("words", sa.String(1024), nullable=False),
        sa.Column("said_at", _TIME, nullable=False),
        *_who(),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("issuer", "patient_id"),
    )
    op.create_index("ix_known_patients_number", "known_patients", ["patient_id"])
    op.create_index("ix_known_patients_birth_date", "known_patients", ["birth_date"])
    op.create_index("ix_known_patients_family", "known_patients", ["family"])
