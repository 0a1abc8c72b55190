"""SQLite says which kind of thing was written last: what nobody has changed need not be read again."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_OF_FETCHES = ("fetches", "fetch_notes", "series", "instances", "selected", "source_health", "outages")
_OF_OTHERS = (
    *("contexts", "launches", "asks", "answers", "found", "studies", "study_parts", "unmatched"),
    *("decisions", "accesses", "links", "refusals", "merges", "known_patients", "former_holders"),
    *("cross_references", "to_judge", "strangers", "judged_under"),
    *("fallback_plans", "notices", "downtime_log"),
)


def upgrade() -> None:
    changes = op.create_table(
        "changes",
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("mark", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("kind"),
    )
    op.bulk_insert(changes, [{"kind": kind, "mark": 0} for kind in ("fetches", "others")])
    if op.get_bind().dialect.name != "sqlite":  # PostgreSQL's triggers are not asked in the order of commits
        return
    for kind, tables in (("fetches", _OF_FETCHES), ("others", _OF_OTHERS)):
        for table in tables:
            _note_changes(table, kind)


def _note_changes(table: str, kind: str) -> None:
    """By chance, not by a counter: a copy that is put back and written to never has a mark of before."""
    noted = f"UPDATE changes SET mark = random() WHERE kind = '{kind}'"  # noqa: S608 — a word of ours
    for event in ("INSERT", "UPDATE", "DELETE"):
        name = f"{table}_{event.lower()}_is_a_change"
        op.execute(f"CREATE TRIGGER {name} AFTER {event} ON {table} BEGIN {noted}; END")
