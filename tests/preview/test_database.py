"""The database makes and migrates itself, whoever starts first."""

import fcntl
import subprocess
import sys

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect, select, text
from support.installation import ROOT, source_block

from fetch.records import Base, Records, insert_new, open_database
from fetch.settings import load_settings
from preview.database import migrate
from preview.records import Errand, FetchRow

MIGRATE = """
import sys
from pathlib import Path
from fetch.records import Records, open_database
from fetch.settings import load_settings
from preview.database import migrate
settings = load_settings(Path(sys.argv[1]), {})
sys.stdin.readline()
migrate(Records(open_database(settings.app.database)), settings.app)
"""


@pytest.fixture
def site(install):
    return install(source_block("main", 1))


@pytest.fixture
def fresh(site):
    """The same installation before its first start."""
    site.parts.records.engine.dispose()
    for file in site.folder.glob("preview.db*"):
        file.unlink()
    return site


def schema(records: Records) -> list[str]:
    with records.engine.connect() as connection:
        rows = connection.execute(text("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name"))
        return list(rows.scalars())


def test_migrating_twice_changes_nothing(site):
    before = schema(site.parts.records)
    migrate(site.parts.records, site.settings.app)
    assert schema(site.parts.records) == before


A_STUDY = (
    "INSERT INTO studies VALUES (1, 'k', 'main', '1.2.3', 0, NULL, '', '', '', '', '[]', '', NULL, NULL,"
    " '2026-11-01', '1', 'HOSP', 'A^B', NULL, '', 'F')"
)
ITS_FETCH = (
    "INSERT INTO fetches (id, study_row, active_study, wanted_at, attempt, arrived, drawn, withheld)"
    " VALUES ('f', 1, 1, '2026-11-01', 0, 0, 0, 0)"
)


def test_a_database_of_the_first_version_keeps_what_it_holds(fresh):
    """The newer columns are filled, and one study may be fetched and brought at the same time."""
    records = Records(open_database(fresh.settings.app.database))
    config = Config()
    config.set_main_option("script_location", str(ROOT / "preview" / "migrations"))
    with records.engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.execute(text(A_STUDY))
        connection.execute(text(ITS_FETCH))
        connection.commit()
    migrate(records, fresh.settings.app)
    with records.write() as session:
        (fetch,) = session.scalars(select(FetchRow))
        assert fetch.errand is Errand.FETCH
        again = {"study_row": 1, "active_study": 1, "wanted_at": fetch.wanted_at}
        assert not insert_new(session, FetchRow, again)
        assert insert_new(session, FetchRow, {**again, "errand": Errand.BRING})


def test_the_migrated_schema_is_the_one_of_the_models(site):
    with site.parts.records.engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True}
        )
        assert compare_metadata(context, Base.metadata) == []


def test_two_processes_may_start_at_once(fresh):
    command = [sys.executable, "-c", MIGRATE, str(fresh.file)]
    starts = [
        subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    for start in starts:
        start.stdin.write("now\n")
        start.stdin.flush()
    complaints = [start.communicate(timeout=60)[1] for start in starts]
    assert [start.returncode for start in starts] == [0, 0, 0], complaints
    records = Records(open_database(fresh.settings.app.database))
    assert set(inspect(records.engine).get_table_names()) == {*Base.metadata.tables, "alembic_version"}
    with records.engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM alembic_version")).scalar() == 1
    records.engine.dispose()


def test_whoever_comes_second_waits_for_the_first(fresh):
    with (fresh.settings.app.var / "migration.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        second = subprocess.Popen(
            [sys.executable, "-c", MIGRATE, str(fresh.file)], cwd=ROOT, stdin=subprocess.PIPE, text=True
        )
        second.stdin.write("now\n")
        second.stdin.flush()
        with pytest.raises(subprocess.TimeoutExpired):
            second.wait(2)
    assert second.wait(30) == 0
    second.stdin.close()


def test_a_migrated_database_keeps_what_is_in_it(site):
    from support.studies import OKAFOR

    site.launch(OKAFOR)
    migrate(site.parts.records, load_settings(site.file, {}).app)
    with site.parts.records.engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM contexts")).scalar() == 1


def test_a_database_error_never_quotes_a_row(site):
    from sqlalchemy.exc import SQLAlchemyError

    statement = text("INSERT INTO contexts (patient_name) VALUES (:name)")
    with pytest.raises(SQLAlchemyError) as raised, site.parts.records.engine.connect() as connection:
        connection.execute(statement, {"name": "OKAFOR^Adaeze"})
    assert "OKAFOR" not in str(raised.value)
