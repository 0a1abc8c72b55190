"""Alembic's entry: runs the migrations on the connection it is given."""

from alembic import context

from fetch.records import Base
from preview import records  # noqa: F401 — its tables belong to Base
from preview.fallback import records as fallback  # noqa: F401
from preview.health import records as health  # noqa: F401
from preview.matching import records as matching  # noqa: F401

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
