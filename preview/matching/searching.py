"""Finds rows of the list by what somebody knows of a study: parts of a name, an id, a date, an accession."""

from collections.abc import Iterator, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from fetch.identity.ids import normal
from fetch.model import Patient
from fetch.records import UnmatchedRow
from preview.matching import marks
from preview.matching.listing import MOST, Listing

_MOST_WORDS = 8


def search(session: Session, typed: str, most: int = MOST) -> Listing:
    """What waits first, then what is settled. Every word typed has to be found on either side.

    Looked through here: no database folds names as we do, and a name must not reach its log.
    """
    wanted = typed.split()[:_MOST_WORDS]
    if not wanted:
        return Listing((), 0)
    every = select(UnmatchedRow).order_by(
        UnmatchedRow.settled_at.is_not(None),
        UnmatchedRow.urgency,
        UnmatchedRow.first_seen_at,
        UnmatchedRow.id,
    )
    found: list[UnmatchedRow] = []
    total = 0
    for row in session.scalars(every.execution_options(yield_per=500)):
        if _fits(row, wanted):
            total += 1
            found += [row] if total <= most else []
    return Listing(tuple(found), total)


def _fits(row: UnmatchedRow, wanted: Sequence[str]) -> bool:
    names = [word for patient in (row.found, row.patient) for word in marks.words(patient.name)]
    exact = {one.casefold() for one in _exact(row) if one}
    return all(_is_there(word, names, exact) for word in wanted)


def _exact(row: UnmatchedRow) -> Iterator[str]:
    """What is only found as a whole."""
    for patient in (row.found, row.patient):
        yield from _of(patient)
    yield row.study.accession.strip()
    yield row.study.study_uid


def _of(patient: Patient) -> Iterator[str]:
    yield patient.identity.patient_id.strip()
    yield normal(patient.identity.patient_id)
    if patient.birth_date:
        yield patient.birth_date.isoformat()
        yield f"{patient.birth_date:%Y%m%d}"


def _is_there(word: str, names: Sequence[str], exact: set[str]) -> bool:
    if word.casefold() in exact or normal(word).casefold() in exact:
        return True
    return any(name.startswith(folded) for folded in marks.words(word) for name in names)
