"""What the preview keeps in the database: who is looking, what was asked and fetched, and its pictures."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, BigInteger, Enum, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from fetch.records import Base, PatientColumns, StudyRow, new_key


class Role(StrEnum):
    """What somebody may see."""

    REFERRER = "referrer"
    RADIOLOGIST = "radiologist"
    STAFF = "staff"
    ADMIN = "admin"


class Errand(StrEnum):
    """What is done with a study in the background."""

    FETCH = "FETCH"
    """Its images come here and are drawn."""
    BRING = "BRING"
    """The source sends it to the viewer's archive."""
    ENLARGE = "ENLARGE"
    """The images around one that somebody looks at come once more, for larger pictures."""


class Scope(StrEnum):
    """How much of a study a fetch is to bring."""

    POSTERS = "POSTERS"
    """One picture a series, brought without a click."""
    ALL = "ALL"


class Outcome(StrEnum):
    """How a fetch ended; one that has none is wanted or under way."""

    COMPLETE = "COMPLETE"
    INCOMPLETE = "INCOMPLETE"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


class Arrival(StrEnum):
    """What became of one instance."""

    EXPECTED = "EXPECTED"
    PICTURE = "PICTURE"
    CARD = "CARD"
    WITHHELD = "WITHHELD"
    GIVEN_UP = "GIVEN_UP"
    """It was asked for until asking again would not help; ``reason`` says why."""


def _one_of(kind: type[StrEnum]) -> Enum:
    """Stored as text, so that a new member needs no change of the database's types."""
    return Enum(kind, native_enum=False, length=16)


class ContextRow(PatientColumns, Base):
    """One opening by one person, usually for one patient; its key stands in the path of every page."""

    __tablename__ = "contexts"

    key: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_key)
    role: Mapped[Role] = mapped_column(_one_of(Role))
    person: Mapped[str] = mapped_column(String(256), default="")
    code_hash: Mapped[str | None] = mapped_column(String(64), unique=True)
    """SHA-256 of the one-time code; gone once it was used."""
    session: Mapped[str | None] = mapped_column(String(64), index=True)
    """The browser session that used the code; no other may see this context."""
    made_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    start: Mapped[date | None]
    end: Mapped[date | None]
    """The range that the launch brought; both empty where it brought none."""
    accession: Mapped[str] = mapped_column(String(64), default="")
    study_uid: Mapped[str] = mapped_column(String(64), default="")
    """The study that the launch was about, if it named one."""


class LaunchRow(Base):
    """A token of a clinical application that was used, kept for as long as it would be good."""

    __tablename__ = "launches"

    mark: Mapped[str] = mapped_column(String(64), primary_key=True)
    """SHA-256 of the client and the token's id."""
    ends_at: Mapped[datetime] = mapped_column(index=True)


class AskRow(Base):
    """One question about the context's patient, put to every source."""

    __tablename__ = "asks"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_key)
    context: Mapped[str] = mapped_column(ForeignKey("contexts.key"), index=True)
    start: Mapped[date | None]
    end: Mapped[date | None]
    wanted_at: Mapped[datetime]
    rung_at: Mapped[datetime | None]
    """When the queue last heard of it."""
    begun_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None] = mapped_column(index=True)
    attempt: Mapped[int] = mapped_column(default=0)
    answers: Mapped[list["AnswerRow"]] = relationship(lazy="selectin")


class AnswerRow(Base):
    """What one source answered."""

    __tablename__ = "answers"
    __table_args__ = (Index("ix_answers_kind", "kind", "answered_at"),)

    ask: Mapped[str] = mapped_column(ForeignKey("asks.id"), primary_key=True)
    source: Mapped[str] = mapped_column(String(32), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str | None] = mapped_column(String(32))
    outside: Mapped[int] = mapped_column(default=0)
    answered_at: Mapped[datetime]


class FoundRow(Base):
    """A study that an ask found; whether it may be shown is judged at every look."""

    __tablename__ = "found"

    ask: Mapped[str] = mapped_column(ForeignKey("asks.id"), primary_key=True)
    study_row: Mapped[int] = mapped_column(ForeignKey("studies.id"), primary_key=True)
    study: Mapped[StudyRow] = relationship(lazy="joined")


class FetchRow(Base):
    """One errand for one study: wanted, begun, beating while it is under way, finished."""

    __tablename__ = "fetches"
    __table_args__ = (UniqueConstraint("active_study", "errand"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_key)
    study_row: Mapped[int] = mapped_column(ForeignKey("studies.id"), index=True)
    errand: Mapped[Errand] = mapped_column(_one_of(Errand), default=Errand.FETCH)
    active_study: Mapped[int | None]
    """The study again while the fetch is not finished: two people asking make one fetch."""
    wanted_at: Mapped[datetime]
    rung_at: Mapped[datetime | None]
    begun_at: Mapped[datetime | None]
    beat_at: Mapped[datetime | None]
    """Last sign of life; a state such as "stalled" is computed from it and never written."""
    moved_at: Mapped[datetime | None]
    """When something last arrived: a worker may live while its archive has fallen silent."""
    finished_at: Mapped[datetime | None] = mapped_column(index=True)
    attempt: Mapped[int] = mapped_column(default=0)
    """Fencing: whoever claimed an older attempt may no longer write."""
    scope: Mapped[Scope] = mapped_column(_one_of(Scope), default=Scope.ALL)
    """What is wanted now: a wish for everything widens one for posters that is under way."""
    tries: Mapped[int] = mapped_column(default=0)
    """Attempts that ended in an orderly way without success."""
    crashes: Mapped[int] = mapped_column(default=0)
    """Attempts, one after another, whose worker ended without a word and without a new picture."""
    next_try_at: Mapped[datetime | None]
    """A fetch that failed for now rests until then; it stays wanted."""
    around: Mapped[int | None]
    """The instance (its row) around which images are enlarged."""
    way: Mapped[str] = mapped_column(String(16), default="")
    """How images came: the value of a ``fetch.model.Way``."""
    outcome: Mapped[Outcome | None] = mapped_column(_one_of(Outcome))
    reason: Mapped[str | None] = mapped_column(String(32))
    expected: Mapped[int | None]
    arrived: Mapped[int] = mapped_column(default=0)
    drawn: Mapped[int] = mapped_column(default=0)
    withheld: Mapped[int] = mapped_column(default=0)
    brought: Mapped[int | None]
    """How many images its last try itself brought and drew, in ``seconds``; None where nobody counted."""
    first_thumbnail_s: Mapped[float | None]
    seconds: Mapped[float | None]
    cancel_at: Mapped[datetime | None]
    cancelled_by: Mapped[str] = mapped_column(String(256), default="")
    """The person who pressed Cancel, "" where the clinical application named nobody."""
    cancelled_in: Mapped[str | None] = mapped_column(String(32))
    """The key of the context in which it was pressed."""
    study: Mapped[StudyRow] = relationship(lazy="joined")


class NoteRow(Base):
    """One line of a fetch's log: a ``fetch.notes.Note`` by its code, and its facts."""

    __tablename__ = "fetch_notes"

    id: Mapped[int] = mapped_column(primary_key=True)
    fetch: Mapped[str] = mapped_column(ForeignKey("fetches.id", ondelete="CASCADE"), index=True)
    at: Mapped[datetime]
    code: Mapped[str] = mapped_column(String(32))
    facts: Mapped[dict[str, int | str]] = mapped_column(JSON, default=dict)


class SeriesRow(Base):
    """One series of a study, as the archive or its images describe it."""

    __tablename__ = "series"
    __table_args__ = (UniqueConstraint("study_row", "series_uid"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    study_row: Mapped[int] = mapped_column(ForeignKey("studies.id"), index=True)
    series_uid: Mapped[str] = mapped_column(String(64))
    number: Mapped[int | None]
    modality: Mapped[str] = mapped_column(String(16), default="")
    description: Mapped[str] = mapped_column(String(1024), default="")
    expected: Mapped[int | None]
    poster_position: Mapped[int | None]
    """Where its poster stands in it; empty until that was chosen out of what came."""


class InstanceRow(Base):
    """One instance: expected, or arrived and drawn."""

    __tablename__ = "instances"
    __table_args__ = (
        UniqueConstraint("study_row", "instance_uid"),
        Index("ix_instances_posters", "study_row", "poster"),  # a page looks for few among thousands
        Index("ix_instances_series_row", "series_row", "arrival"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    study_row: Mapped[int] = mapped_column(ForeignKey("studies.id"), index=True)
    series_row: Mapped[int | None] = mapped_column(ForeignKey("series.id"))
    instance_uid: Mapped[str] = mapped_column(String(64))
    number: Mapped[int | None]
    poster: Mapped[bool] = mapped_column(default=False)
    """Does it stand for its series? The middle of what is listed, until one is chosen out of what came."""
    arrival: Mapped[Arrival] = mapped_column(_one_of(Arrival), default=Arrival.EXPECTED)
    frames: Mapped[list[int]] = mapped_column(default=list)
    """The frames that were drawn, first to last, counted from 1."""
    frame_count: Mapped[int] = mapped_column(default=0)
    sizes: Mapped[list[int]] = mapped_column(default=list)
    largest: Mapped[int | None]
    """How long the longest side of a larger picture can be; 0 if there can be none, None if unknown."""
    window: Mapped[str] = mapped_column(String(64), default="")
    reason: Mapped[str] = mapped_column(String(256), default="")
    words: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    """Of a document: its "title" and its first "lines", without what says whose it is."""
    place: Mapped[float | None]
    """Millimetres along ``axis``."""
    axis: Mapped[list[float]] = mapped_column(JSON, default=list)
    """Which way the slice faces, three parts; empty where its place is not known."""
    poster_frame: Mapped[int | None]
    """Which of several frames stands for them."""
    detail: Mapped[float | None]
    """How much there is to see in it; None if unknown."""
    part_row: Mapped[int | None] = mapped_column(ForeignKey("study_parts.id"), index=True)
    """Of which part of the study it is, where its header names somebody else than the study does."""
    folder: Mapped[str] = mapped_column(String(32), default="")
    """Where its pictures are, if not in the study's folder."""
    aside: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    """What it would be, and in which series, if staff say that it is the same person's."""


class SelectedRow(Base):
    """What one key object selection of a study says of one image, be that here or not."""

    __tablename__ = "selected"

    study_row: Mapped[int] = mapped_column(ForeignKey("studies.id"), primary_key=True)
    document: Mapped[str] = mapped_column(String(64), primary_key=True)
    """The selection, by its SOP instance UID."""
    instance_uid: Mapped[str] = mapped_column(String(64), primary_key=True)
    frames: Mapped[list[int]] = mapped_column(default=list)
    """The frames that are meant, counted from 1; none where the image as a whole is."""
    rejects: Mapped[bool] = mapped_column(default=False)
    """Is it not to be looked at any more, instead of first?"""
    title: Mapped[str] = mapped_column(String(64), default="")


class ChangeRow(Base):
    """What was written last, in SQLite: triggers of the tables give ``mark`` another value.

    ``kind``: "fetches" for what fetches and probes write, "others" for all else that a page may rest on; who
    has an association, or waits for one, is neither.
    """

    __tablename__ = "changes"

    kind: Mapped[str] = mapped_column(String(16), primary_key=True)
    mark: Mapped[int] = mapped_column(BigInteger)
