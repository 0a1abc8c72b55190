"""A name among a million known patients is found by looking through names alone, in their order."""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index("ix_known_patients_family", "known_patients")
    op.create_index("ix_known_patients_family", "known_patients", ["family", "words"])
