"""The database: what must survive a restart. Tables of what archives said, and the door to them."""

import secrets
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import cache, partial
from pathlib import Path
from typing import Any, cast

from sqlalchemy import (
    JSON,
    Connection,
    CursorResult,
    DateTime,
    Engine,
    ForeignKey,
    Index,
    Result,
    String,
    TypeDecorator,
    UniqueConstraint,
    create_engine,
    make_url,
)
from sqlalchemy import event as db_event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, class_mapper, mapped_column, relationship
from sqlalchemy.pool import ConnectionPoolEntry

from fetch import silent_server
from fetch.model import Aliases, Patient, PatientIdentity, Study
from fetch.turns import Turns


def new_key() -> str:
    """An opaque name for a URL, a folder or a log line: it says nothing of anybody (and holds no dot)."""
    return secrets.token_hex(16)


class Moment(TypeDecorator[datetime]):
    """An aware UTC time; SQLite would otherwise hand it back without its zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        return value.astimezone(UTC) if value else None

    def process_result_value(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        return value.replace(tzinfo=UTC) if value and value.tzinfo is None else value


class Base(DeclarativeBase):
    type_annotation_map = {datetime: Moment, list[str]: JSON, list[int]: JSON}  # noqa: RUF012 — SQLAlchemy's own convention


def _write(row: object, **texts: str) -> None:
    for name, text in _cut(type(row), **texts).items():
        setattr(row, name, text)


def _cut(table: Any, **texts: str) -> dict[str, str]:
    """Each cut to the length of its column: an over-long text would make PostgreSQL refuse the row."""
    lengths = _lengths(table)
    return {name: text[: lengths[name]] for name, text in texts.items()}


@cache
def _lengths(table: type[object]) -> dict[str, int | None]:
    texts = ((column.key, column.type) for column in class_mapper(table).columns)
    return {name: kind.length for name, kind in texts if isinstance(kind, String)}


def columns_of(table: type[object], patient: Patient) -> dict[str, Any]:
    """What a row of a table with :class:`PatientColumns` says of somebody."""
    texts = _cut(
        table,
        patient_id=patient.identity.patient_id,
        issuer=patient.identity.issuer,
        patient_name=patient.name,
        birth_date_text=patient.birth_date_text,
        sex=patient.sex,
    )
    others = {"aliases": _written(patient.aliases)} if hasattr(table, "aliases") else {}
    return {"birth_date": patient.birth_date, **texts, **others}


class PatientColumns:
    """Who somebody is, as columns."""

    patient_id: Mapped[str] = mapped_column(String(256), default="")
    issuer: Mapped[str] = mapped_column(String(256), default="")
    patient_name: Mapped[str] = mapped_column(String(1024), default="")
    birth_date: Mapped[date | None]
    birth_date_text: Mapped[str] = mapped_column(String(64), default="")
    sex: Mapped[str] = mapped_column(String(1), default="")

    @property
    def patient(self) -> Patient:
        return Patient(
            PatientIdentity(self.patient_id, self.issuer),
            self.patient_name,
            self.birth_date,
            self.sex,
            self.birth_date_text,
            _aliases(getattr(self, "aliases", None) or {}),
        )

    @patient.setter
    def patient(self, patient: Patient) -> None:
        for name, value in columns_of(type(self), patient).items():
            setattr(self, name, value)


_LONGEST_ALIAS = 256


def _aliases(kept: Mapping[str, Any]) -> Aliases:
    ids = (PatientIdentity(number, issuer) for issuer, number in kept.get("ids", ()))
    return Aliases(tuple(ids), tuple(kept.get("names", ())))


def _written(aliases: Aliases) -> dict[str, Any]:
    ids = [[one.issuer[:_LONGEST_ALIAS], one.patient_id[:_LONGEST_ALIAS]] for one in aliases.ids]
    return {"ids": ids, "names": [name[:_LONGEST_ALIAS] for name in aliases.names]}


class StudyRow(PatientColumns, Base):
    """One study as one source last described it."""

    __tablename__ = "studies"
    __table_args__ = (
        UniqueConstraint("source", "study_uid"),
        Index("ix_studies_patient", "issuer", "patient_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(32), unique=True, default=new_key)
    source: Mapped[str] = mapped_column(String(32))
    study_uid: Mapped[str] = mapped_column(String(64), index=True)
    issuer_assumed: Mapped[bool] = mapped_column(default=False)
    aliases: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    """Under what else the source knows the patient."""
    study_date: Mapped[date | None]
    study_date_text: Mapped[str] = mapped_column(String(64), default="")
    study_time: Mapped[str] = mapped_column(String(32), default="")
    description: Mapped[str] = mapped_column(String(1024), default="")
    accession: Mapped[str] = mapped_column(String(64), default="")
    modalities: Mapped[list[str]] = mapped_column(default=list)
    referrer: Mapped[str] = mapped_column(String(1024), default="")
    series_count: Mapped[int | None]
    instance_count: Mapped[int | None]
    seen_at: Mapped[datetime]
    unlisted_at: Mapped[datetime | None]
    """Since when the source no longer lists it, though it was asked; None while it does."""

    def describe(self, study: Study, now: datetime) -> None:
        """Take over what the source says of this study now."""
        self.patient = study.patient
        self.issuer_assumed = study.issuer_assumed
        self.study_date = study.study_date
        _write(
            self,
            study_date_text=study.study_date_text,
            study_time=study.study_time,
            description=study.description,
            accession=study.accession,
            referrer=study.referrer,
        )
        self.modalities = [modality[:16] for modality in study.modalities[:16]]
        self.series_count, self.instance_count = study.series_count, study.instance_count
        self.seen_at = now
        self.unlisted_at = None

    @property
    def study(self) -> Study:
        return Study(
            source=self.source,
            study_uid=self.study_uid,
            patient=self.patient,
            issuer_assumed=self.issuer_assumed,
            study_date=self.study_date,
            study_date_text=self.study_date_text,
            study_time=self.study_time,
            description=self.description,
            accession=self.accession,
            modalities=tuple(self.modalities),
            referrer=self.referrer,
            series_count=self.series_count,
            instance_count=self.instance_count,
        )


class PartRow(PatientColumns, Base):
    """Images inside a study that name somebody else than the study does: the columns here, as their own
    headers say. They are withheld until staff have said that it is the same person.
    """

    __tablename__ = "study_parts"
    __table_args__ = (UniqueConstraint("study_row", "print"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    study_row: Mapped[int] = mapped_column(ForeignKey("studies.id"))
    print: Mapped[str] = mapped_column(String(64))
    """Stands for what the headers say of the patient."""
    key: Mapped[str] = mapped_column(String(32), index=True)
    """Names the folder of its pictures: not that of the study's."""
    issuer_assumed: Mapped[bool] = mapped_column(default=False)
    decision: Mapped[int | None]
    """What staff have decided about it; None while they have not, or have taken it back."""
    released: Mapped[bool] = mapped_column(default=False)
    """By that decision they are the study's own: the same person."""
    first_seen_at: Mapped[datetime]


class UnmatchedRow(PatientColumns, Base):
    """A study that was found for a patient (the columns here) but is not provably that patient's.

    The patient's columns are empty for what nobody was asked about: a source sent it by itself. A row stays
    when it is settled: its history is how that can be undone.
    """

    __tablename__ = "unmatched"
    __table_args__ = (
        UniqueConstraint("study_row", "issuer", "patient_id", "part_row"),
        Index("ix_unmatched_open", "settled_at", "urgency", "first_seen_at"),
        Index("ix_unmatched_patient", "issuer", "patient_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(32), unique=True, default=new_key)
    study_row: Mapped[int] = mapped_column(ForeignKey("studies.id"))
    part_row: Mapped[int] = mapped_column(default=0)
    """Which part of the study it is about: 0 for the study as a whole."""
    doubts: Mapped[list[str]]
    """Why it waits, by codes; what staff have settled is no doubt any more."""
    grade: Mapped[str] = mapped_column(String(16), default="")
    evidence: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    """The judgement when it was last judged, field by field."""
    rules: Mapped[str] = mapped_column(String(32), default="")
    """The version of the rules that it was judged by."""
    urgency: Mapped[int] = mapped_column(default=9)
    """The most urgent have the lowest."""
    owner: Mapped[str] = mapped_column(String(256), default="")
    """Who of staff has taken it on."""
    unsure: Mapped[bool] = mapped_column(default=False)
    """Somebody could not tell and handed it on."""
    proposed: Mapped[int | None]
    """The decision that waits for a second person."""
    decision: Mapped[int | None]
    """The newest decision about it."""
    settled_at: Mapped[datetime | None]
    """Since when it is off the list; None while it waits."""
    first_seen_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    study: Mapped[StudyRow] = relationship(lazy="joined")
    part: Mapped[PartRow | None] = relationship(
        primaryjoin="foreign(UnmatchedRow.part_row) == PartRow.id", lazy="joined", viewonly=True
    )

    @property
    def described(self) -> Study:
        """What it is about, with whoever the images themselves name where they are a part of it."""
        if self.part is None:
            return self.study.study
        patient, assumed = self.part.patient, self.part.issuer_assumed
        return replace(self.study.study, patient=patient, issuer_assumed=assumed)

    @property
    def found(self) -> Patient:
        """The images' side."""
        return self.part.patient if self.part is not None else self.study.patient


class LineRow(Base):
    """One of the associations that a source allows us; whoever ``holder`` names has it ``until`` then."""

    __tablename__ = "lines"

    source: Mapped[str] = mapped_column(String(32), primary_key=True)
    slot: Mapped[int] = mapped_column(primary_key=True)
    holder: Mapped[str] = mapped_column(String(32))
    party: Mapped[str] = mapped_column(String(32))
    """What it is used for: the associations of one fetch are of one party."""
    until: Mapped[datetime]


class LineWishRow(Base):
    """Somebody who waits for an association of a source; who dies waits only until ``until``."""

    __tablename__ = "line_wishes"

    holder: Mapped[str] = mapped_column(String(32), primary_key=True)
    source: Mapped[str] = mapped_column(String(32), index=True)
    urgent: Mapped[bool]
    """A question or a probe, which is over soon; a fetch gives way to it."""
    party: Mapped[str] = mapped_column(String(32))
    since: Mapped[datetime]
    until: Mapped[datetime]


class ProfileRow(Base):
    """What a source was seen to do when images were brought from it."""

    __tablename__ = "profiles"

    source: Mapped[str] = mapped_column(String(32), primary_key=True)
    settings: Mapped[str] = mapped_column(String(64))
    """A mark of the settings under which it was learned; under others it is learned anew."""
    learned_at: Mapped[datetime]
    facts: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)


def open_database(url: str) -> Engine:
    """An engine for SQLite or PostgreSQL; the folder of an SQLite file is made. It never logs values."""
    if url.startswith("sqlite:///"):
        Path(url.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
    # hide_parameters: an exception would otherwise quote the row, and rows are patients' data
    address = make_url(url)
    waits = {} if address.get_backend_name() == "sqlite" else silent_server.options(address)
    engine = create_engine(address, hide_parameters=True, connect_args=waits)
    if engine.dialect.name != "sqlite":
        silent_server.guard(engine)
    else:
        turns = Turns(Path(engine.url.database)) if engine.url.database else None
        db_event.listen(engine, "connect", _tune_sqlite)
        db_event.listen(engine, "begin", partial(_begin_sqlite, turns))
    return engine


_BUSY_S = 10
"""How long we wait for whoever else has SQLite's file."""


def _tune_sqlite(connection: Any, _record: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # we say ourselves how a transaction begins
    cursor = connection.cursor()
    for pragma in (f"busy_timeout={_BUSY_S * 1000}", "synchronous=NORMAL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    _write_ahead(cursor)
    cursor.close()


def _write_ahead(cursor: Any) -> None:
    """Several may open a new database at once. For this change SQLite does not wait as it does for others."""
    end = time.monotonic() + _BUSY_S
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as failed:
            if failed.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                raise
            time.sleep(0.01)
        else:
            return


def _begin_sqlite(turns: Turns | None, connection: Connection) -> None:
    """Whoever will write says so at once: SQLite never makes a writer of an old reader."""
    writes = connection.get_execution_options().get("writes", False)
    with turns.next() if writes and turns else nullcontext():
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


class Records:
    """The door to the database: sessions that commit at the end, or roll back."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._writing = engine.execution_options(writes=True)

    @contextmanager
    def write(self) -> Iterator[Session]:
        with Session(self._writing, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def read(self) -> Iterator[Session]:
        with Session(self.engine, expire_on_commit=False) as session:
            yield session


def touched(result: Result[Any]) -> int:
    """How many rows an update changed: the way to claim something that several may want."""
    return cast(CursorResult[Any], result).rowcount


def insert_once(session: Session, table: type[Base], *rows: Mapping[str, object]) -> None:
    """Insert rows unless their unique key is there already, also when two do so in the same moment."""
    if not rows:
        return
    # Into the table: for the class, SQLAlchemy's unit of work would look at each row by itself.
    only_once = _insert(session)(table.__table__).on_conflict_do_nothing()
    session.execute(only_once, [dict(row) for row in rows])


def insert_missing(
    session: Session, table: type[Base], rows: Sequence[Mapping[str, object]], *keys: str
) -> set[tuple[Any, ...]]:
    """Insert rows unless their unique key is there already; the ``keys`` of those that were inserted."""
    if not rows:
        return set()
    columns = [table.__table__.c[key] for key in keys]
    only_once = _insert(session)(table.__table__).on_conflict_do_nothing().returning(*columns)
    return {tuple(row) for row in session.execute(only_once, [dict(row) for row in rows])}


def insert_new(session: Session, table: type[Base], row: Mapping[str, object]) -> bool:
    """Insert one row; False if its key is there already. Of several who try, exactly one is told yes."""
    only_once = _insert(session)(table).values(dict(row)).on_conflict_do_nothing()
    # Not by the count of rows: psycopg says -1 of such a statement, whether it inserted anything or not.
    return session.execute(only_once.returning(*class_mapper(table).primary_key)).first() is not None


def _insert(session: Session) -> Callable[..., Any]:
    return postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
