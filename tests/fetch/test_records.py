"""What archives write is kept as it is, as far as a column is long."""

import sqlite3
import threading
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import String, select
from sqlalchemy.orm import class_mapper
from support.studies import OKAFOR

from fetch.model import Patient, PatientIdentity, Study
from fetch.records import Base, Records, StudyRow, UnmatchedRow, open_database

NOW = datetime(2026, 11, 22, tzinfo=UTC)
LONG = "x" * 5000
PATIENT = ("patient_id", "issuer", "patient_name", "birth_date_text", "sex")
TALKATIVE = Patient(PatientIdentity(LONG, LONG), LONG, None, "SS", LONG)


@pytest.fixture
def records(tmp_path):
    engine = open_database(f"sqlite:///{tmp_path}/records.db")
    Base.metadata.create_all(engine, [StudyRow.__table__, UnmatchedRow.__table__])
    yield Records(engine)
    engine.dispose()


def kept(records, study):
    with records.write() as session:
        row = StudyRow(source=study.source, study_uid=study.study_uid)
        row.describe(study, NOW)
        session.add(row)
    with records.read() as session:
        return session.scalars(select(StudyRow)).one()


def lengths(row):
    """Each text column's value and the column's length, which SQLite does not enforce and PostgreSQL does."""
    columns = [column for column in class_mapper(type(row)).columns if isinstance(column.type, String)]
    return {column.key: (len(getattr(row, column.key) or ""), column.type.length) for column in columns}


def test_no_text_of_an_archive_is_longer_than_its_column(records):
    talkative = Study("main", "1.2.3", TALKATIVE, False, None, *[LONG] * 4, (LONG,) * 50, LONG)
    row = kept(records, talkative)
    written = lengths(row)
    assert [name for name, (length, longest) in written.items() if length > longest] == []
    own = {"key", "source", "study_uid"}
    assert {name for name, (length, longest) in written.items() if length == longest} >= set(written) - own


def test_no_text_of_a_patient_who_is_asked_for_is_longer_than_its_column():
    row = UnmatchedRow()
    row.patient = TALKATIVE
    written = lengths(row)
    assert all(written[name][0] == written[name][1] for name in PATIENT)


def test_what_fits_is_kept_whole(records):
    said = Study(
        "main",
        "1.2.3",
        OKAFOR,
        True,
        date(2026, 11, 1),
        "20261101",
        "101500",
        "CT Thorax",
        "A1",
        ("CT",),
        "X^Y",
    )
    assert kept(records, said).study == said


def test_a_new_database_that_somebody_else_opens_at_the_same_moment_is_waited_for(tmp_path):
    """Web server, workers and all the others begin at once; one that gave up would end them all."""
    path = tmp_path / "records.db"
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    done = threading.Timer(0.5, other.rollback)
    done.start()
    engine = open_database(f"sqlite:///{path}")
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
    engine.dispose()
    done.join()
    other.close()
