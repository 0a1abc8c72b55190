"""Creates and migrates the database, once, whoever starts first."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from fetch.records import Records
from fetch.settings import App

_LOCK = 0x50524556
"""PostgreSQL's advisory lock for migrations: any number that is always the same."""


def migrate(records: Records, app: App) -> None:
    """Bring the database to the newest revision; web, workers and CLI may all start at the same time."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    newest = ScriptDirectory.from_config(config).get_current_head()
    with records.engine.connect() as connection:
        if _revision(connection) == newest:
            return
    engine = records.engine.execution_options(writes=True)
    with _alone(app), engine.connect() as connection, _without_references(connection):
        if connection.dialect.name == "postgresql":
            connection.execute(text("SET LOCAL lock_timeout = 0"))  # whoever migrates may take its time
            connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
        if _revision(connection) != newest:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
        connection.commit()


@contextmanager
def _without_references(connection: Connection) -> Iterator[None]:
    """SQLite changes a table by making it anew; whoever refers to it must not notice (lang_altertable, 7)."""
    if connection.dialect.name != "sqlite":
        yield
        return
    cursor = connection.connection.cursor()
    cursor.execute("PRAGMA foreign_keys=OFF")
    try:
        yield
    finally:
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.close()


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


@contextmanager
def _alone(app: App) -> Iterator[None]:
    app.var.mkdir(parents=True, exist_ok=True)
    with (app.var / "migration.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
