"""What is open, and what ended when, is found without looking through everything that ever was."""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_contexts_session", "contexts", ["session"])
    op.create_index("ix_asks_finished_at", "asks", ["finished_at"])
    op.create_index("ix_answers_kind", "answers", ["kind", "answered_at"])
    op.create_index("ix_fetches_finished_at", "fetches", ["finished_at"])
