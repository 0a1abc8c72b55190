"""What waits for staff, as they look through it: most urgent first, filtered, counted, as a table."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, Select, and_, cast, func, or_, select
from sqlalchemy.orm import Session
from sqlalchemy.types import String

from fetch.model import Patient
from fetch.records import StudyRow, UnmatchedRow
from preview.matching import marks
from preview.matching.records import StrangersRow
from preview.matching.why import sentence

MOST = 50
_MOST_COUNTED = 100


@dataclass(frozen=True)
class Filters:
    """What is looked for; all that is given holds. ``settled``: what is off the list, the newest first."""

    source: str = ""
    why: str = ""
    grade: str = ""
    owner: str | None = None
    """Whose; "" for nobody's, None for anybody's."""
    unsure: bool | None = None
    proposed: bool = False
    """Only what waits for a second person."""
    settled: bool = False

    @property
    def which(self) -> Sequence[ColumnElement[bool]]:
        settled = UnmatchedRow.settled_at
        which: list[ColumnElement[bool]] = [settled.is_not(None) if self.settled else settled.is_(None)]
        if self.source:
            which.append(StudyRow.source == self.source)
        if self.why.replace("-", "").isalnum():
            which.append(cast(UnmatchedRow.doubts, String).contains(f'"{self.why}"', autoescape=True))
        if self.grade:
            which.append(UnmatchedRow.grade == self.grade)
        if self.owner is not None:
            which.append(UnmatchedRow.owner == self.owner)
        if self.unsure is not None:
            which.append(UnmatchedRow.unsure.is_(self.unsure))
        if self.proposed:
            which.append(UnmatchedRow.proposed.is_not(None))
        return which


@dataclass(frozen=True)
class Listing:
    """``total``: how many there are on all pages. ``next``: where the next page begins; "" on the last."""

    rows: tuple[UnmatchedRow, ...]
    total: int
    next: str = ""


def listed(session: Session, filters: Filters, after: str = "", most: int = MOST) -> Listing:
    """One page of the list. ``after``: what the page before said of the next; anything else is the first."""
    these = _ordered(filters).where(*_behind(after, settled=filters.settled)).limit(most + 1)
    rows = session.scalars(these).all()
    following = _place(rows[most - 1], settled=filters.settled) if len(rows) > most else ""
    return Listing(tuple(rows[:most]), count(session, filters), following)


def count(session: Session, filters: Filters) -> int:
    """How many the filters let through."""
    these = select(func.count()).select_from(UnmatchedRow).join(StudyRow).where(*filters.which)
    return session.scalar(these) or 0


def _ordered(filters: Filters) -> Select[UnmatchedRow]:
    these = select(UnmatchedRow).join(StudyRow, StudyRow.id == UnmatchedRow.study_row).where(*filters.which)
    if filters.settled:
        return these.order_by(UnmatchedRow.settled_at.desc(), UnmatchedRow.id)
    return these.order_by(UnmatchedRow.urgency, UnmatchedRow.first_seen_at, UnmatchedRow.id)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LARGEST = 2**31 - 1


def _place(row: UnmatchedRow, *, settled: bool) -> str:
    """Where a row stands, in numbers: the list goes on behind it, whatever has left or joined it since."""
    moment = (row.settled_at if settled else None) or row.first_seen_at
    return f"{row.urgency}.{(moment - _EPOCH) // timedelta(microseconds=1)}.{row.id}"


def _behind(place: str, *, settled: bool) -> Sequence[ColumnElement[bool]]:
    urgency, moment, number = _read(place)
    if moment is None:
        return ()
    if settled:
        at = UnmatchedRow.settled_at
        return (or_(at < moment, and_(at == moment, UnmatchedRow.id > number)),)
    at = UnmatchedRow.first_seen_at
    same = or_(at > moment, and_(at == moment, UnmatchedRow.id > number))
    return (or_(UnmatchedRow.urgency > urgency, and_(UnmatchedRow.urgency == urgency, same)),)


def _read(place: str) -> tuple[int, datetime | None, int]:
    parts = place.split(".")
    if len(parts) != 3 or not all(part.isascii() and part.isdigit() and len(part) < 18 for part in parts):
        return 0, None, 0
    urgency, micros, number = map(int, parts)
    if urgency > _LARGEST or number > _LARGEST:
        return 0, None, 0
    return urgency, _EPOCH + timedelta(microseconds=micros), number


def open_count(session: Session) -> int:
    """The number that stands in the header of every page that staff see."""
    return session.scalar(_OPEN) or 0


_OPEN = select(func.count()).select_from(UnmatchedRow).where(UnmatchedRow.settled_at.is_(None))


def reasons(session: Session) -> Counter[str]:
    """For how many that wait each reason is given, by its code."""
    waiting = session.scalars(select(UnmatchedRow.doubts).where(UnmatchedRow.settled_at.is_(None)))
    return Counter(code for codes in waiting for code in codes)


def one(session: Session, key: str) -> UnmatchedRow | None:
    """The row of this key, on the list or off it."""
    readable = key.isalnum()  # PostgreSQL would refuse the question for a key with a NUL
    return session.scalar(select(UnmatchedRow).where(UnmatchedRow.key == key)) if readable else None


def seen(row: UnmatchedRow) -> str:
    """What somebody has seen who decides: nobody decides about something else."""
    shown = (
        marks.values(row.patient),
        marks.values(row.found),
        row.doubts,
        row.grade,
        row.owner,
        row.unsure,
        row.proposed,
        row.decision,
        row.settled_at is None,
    )
    return hashlib.sha256(json.dumps(shown).encode()).hexdigest()[:32]


def counted(session: Session, most: int = _MOST_COUNTED) -> list[StrangersRow]:
    """Answers that were certainly about other people, one number for each source and question: the newest
    first.
    """
    return list(session.scalars(select(StrangersRow).order_by(StrangersRow.at.desc()).limit(most)))


# --- as a table


HEAD = (
    *("waiting since", "source", "reasons", "grade", "owner", "handed on"),
    *("study date", "modalities", "description", "accession", "study uid"),
    *(
        f"{side} {field}"
        for side in ("images", "record")
        for field in ("name", "born", "sex", "id", "issuer")
    ),
)


def csv_rows(session: Session, filters: Filters, labels: Mapping[str, str]) -> Iterator[list[str]]:
    """Everything that the filters let through, as lines of a CSV file, the head first."""
    yield list(HEAD)
    rows = _ordered(filters).execution_options(yield_per=500)
    for row in session.scalars(rows):
        yield [_harmless(text) for text in _line(row, labels)]


def _line(row: UnmatchedRow, labels: Mapping[str, str]) -> list[str]:
    study = row.described
    reasons = [sentence(code) or code for code in row.doubts]
    return [
        row.first_seen_at.isoformat(timespec="seconds"),
        labels.get(study.source, study.source),
        " ".join(reasons),
        row.grade,
        row.owner,
        "yes" if row.unsure else "",
        study.study_date.isoformat() if study.study_date else study.study_date_text,
        " ".join(study.modalities),
        study.description,
        study.accession,
        study.study_uid,
        *_who(study.patient),
        *_who(row.patient),
    ]


def _who(patient: Patient) -> list[str]:
    born = patient.birth_date.isoformat() if patient.birth_date else patient.birth_date_text
    return [patient.name, born, patient.sex, patient.identity.patient_id, patient.identity.issuer]


def _harmless(text: str) -> str:
    """A spreadsheet takes a text with such a beginning for a formula, also behind a tab or a line's end."""
    return f"'{text}" if text.lstrip()[:1] in tuple("=+-@") or text[:1] in ("\t", "\r", "\n") else text
