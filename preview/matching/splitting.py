"""A study that holds images of several people is split: what names somebody else is a part by itself."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from fetch.model import Patient, PatientIdentity
from fetch.reasons import Reason
from fetch.records import PartRow, StudyRow, insert_once
from preview.matching import marks
from preview.pictures.drawing import Header
from preview.records import Arrival, Errand, FetchRow, InstanceRow, Outcome, Scope, SeriesRow

_ABSENT = (Arrival.EXPECTED, Arrival.GIVEN_UP)


def folder(study_key: str, claimed: Patient) -> str:
    """Where the pictures of such images are: who was let through to the study alone does not get there."""
    return hashlib.sha256(f"{study_key}\n{marks.exact_print(claimed)}".encode()).hexdigest()[:32]


def part_of(session: Session, study: StudyRow, claimed: Patient, issuer: str, now: datetime) -> PartRow:
    """The part of the study that names this patient; ``issuer`` stands in where the header names none."""
    key = {"study_row": study.id, "print": marks.exact_print(claimed)}
    place = folder(study.key, claimed)
    insert_once(session, PartRow, key | {"key": place, "first_seen_at": now})
    part = session.scalars(select(PartRow).filter_by(**key).with_for_update()).one()
    part.key = place
    part.issuer_assumed = not claimed.identity.issuer.strip()
    named = claimed.identity.issuer if not part.issuer_assumed else issuer
    part.patient = Patient(
        PatientIdentity(claimed.identity.patient_id, named),
        claimed.name,
        claimed.birth_date,
        claimed.sex,
        claimed.birth_date_text,
    )
    return part


def set_aside(row: InstanceRow, part: PartRow, arrival: Arrival, header: Header) -> None:
    """Note what the instance would be; it is that at once where staff have released its part."""
    row.part_row, row.folder = part.id, part.key
    row.aside = {
        "arrival": str(arrival),
        "series_uid": header.series_uid,
        "number": header.series_number,
        "modality": header.modality[:16],
        "description": header.series_description,
        "instance_number": header.instance_number,
    }
    row.arrival = Arrival.WITHHELD


def waiting(session: Session, study_row: int) -> list[PartRow]:
    """The parts of which something is withheld, and staff have not decided yet."""
    theirs = (InstanceRow.study_row == study_row) & (InstanceRow.arrival == Arrival.WITHHELD)
    held = select(InstanceRow.part_row).where(theirs, InstanceRow.part_row.is_not(None))
    these = select(PartRow).where(PartRow.id.in_(held), PartRow.decision.is_(None)).order_by(PartRow.id)
    return list(session.scalars(these))


def named(session: Session, study_row: int) -> set[str]:
    """The withheld instances of which it is known whom they name."""
    theirs = (InstanceRow.study_row == study_row) & (InstanceRow.arrival == Arrival.WITHHELD)
    these = select(InstanceRow.instance_uid).where(theirs, InstanceRow.part_row.is_not(None))
    return set(session.scalars(these))


def released(session: Session, study_row: int) -> set[str]:
    """The instances that staff have released."""
    parts = select(PartRow.id).where(PartRow.study_row == study_row, PartRow.released)
    these = select(InstanceRow.instance_uid).where(InstanceRow.part_row.in_(parts))
    return set(session.scalars(these))


def count(session: Session, part: PartRow) -> int:
    """How many images it has."""
    theirs = select(func.count()).select_from(InstanceRow).where(InstanceRow.part_row == part.id)
    return session.scalar(theirs) or 0


# --- what staff decide


def release(session: Session, part: PartRow, decision: int) -> None:
    """The same person: from now on these images are the study's own, pictures included."""
    part.decision, part.released = decision, True
    show(session, part)


def show(session: Session, part: PartRow) -> None:
    """What was set aside of a released part takes its place."""
    rows = [row for row in _instances(session, part) if row.arrival is Arrival.WITHHELD]
    series: dict[str, SeriesRow] = {}
    for row in rows:
        row.arrival = Arrival(row.aside["arrival"])
        if row.series_row is None:
            row.series_row = _series_of(session, row, series).id
        if row.number is None:
            row.number = row.aside["instance_number"]
    session.flush()
    _recount(session, part.study_row, len(rows))


def dismiss(part: PartRow, decision: int) -> None:
    """Somebody else's, or nobody's: they stay withheld, and nobody is asked again."""
    part.decision, part.released = decision, False


def withhold(session: Session, part: PartRow) -> None:
    """What was decided is taken back: nothing of them is shown from now on."""
    was, part.decision, part.released = part.released, None, False
    if not was:
        return
    rows = [row for row in _instances(session, part) if row.arrival is not Arrival.WITHHELD]
    for row in rows:
        row.arrival, row.poster = Arrival.WITHHELD, False
    session.flush()
    _recount(session, part.study_row, -len(rows))


def forget(session: Session, study_row: int) -> None:
    """The study is said to be another patient's: what was decided of its parts was about the first."""
    undecided = {"decision": None, "released": False}
    session.execute(update(PartRow).where(PartRow.study_row == study_row).values(undecided))


def released_parts(session: Session, studies: Iterable[int]) -> Sequence[PartRow]:
    these = select(PartRow).where(PartRow.study_row.in_(list(studies)), PartRow.released)
    return session.scalars(these.order_by(PartRow.id)).all()


def is_released(session: Session, study_row: int, folder_key: str) -> bool:
    these = select(PartRow.id).where(PartRow.study_row == study_row, PartRow.key == folder_key)
    return session.scalar(these.where(PartRow.released).limit(1)) is not None


def study_of(session: Session, folder_key: str) -> str:
    """The key of the study whose released part has its pictures in this folder; "" if there is none."""
    if not folder_key.isalnum():  # PostgreSQL would refuse the question for a key with a NUL
        return ""
    of_part = select(StudyRow.key).join(PartRow, PartRow.study_row == StudyRow.id)
    return session.scalar(of_part.where(PartRow.key == folder_key, PartRow.released)) or ""


def _instances(session: Session, part: PartRow) -> Sequence[InstanceRow]:
    return session.scalars(select(InstanceRow).where(InstanceRow.part_row == part.id)).all()


def _series_of(session: Session, row: InstanceRow, found: dict[str, SeriesRow]) -> SeriesRow:
    """Of what the archive does not list: the series that the header names."""
    said: Mapping[str, Any] = row.aside
    uid = said["series_uid"]
    if uid not in found:
        insert_once(session, SeriesRow, {"study_row": row.study_row, "series_uid": uid})
        key = {"study_row": row.study_row, "series_uid": uid}
        found[uid] = session.scalars(select(SeriesRow).filter_by(**key)).one()
        if not found[uid].modality:
            found[uid].number, found[uid].modality = said["number"], said["modality"]
            found[uid].description = said["description"]
        session.flush()
    return found[uid]


def _recount(session: Session, study_row: int, more: int) -> None:
    """What the newest fetch says of the study is what there is now: ``more`` images are shown of it."""
    theirs = (FetchRow.study_row == study_row) & (FetchRow.errand == Errand.FETCH)
    newest = select(FetchRow).where(theirs).order_by(FetchRow.wanted_at.desc()).limit(1)
    fetch = session.scalar(newest.with_for_update(of=FetchRow))
    if fetch is None or not more:
        return
    fetch.drawn = max(0, fetch.drawn + more)
    fetch.withheld = max(0, fetch.withheld - more)
    if fetch.finished_at is None:
        return
    if fetch.withheld:
        fetch.outcome = Outcome.INCOMPLETE if fetch.drawn else Outcome.FAILED
        fetch.reason = Reason.SOME_WITHHELD.code
    elif fetch.reason == Reason.SOME_WITHHELD.code:
        fetch.outcome, fetch.reason = _ended(session, fetch)


def _ended(session: Session, fetch: FetchRow) -> tuple[Outcome, str | None]:
    absent = (InstanceRow.study_row == fetch.study_row) & InstanceRow.arrival.in_(_ABSENT)
    lacks = session.scalar(select(InstanceRow.id).where(absent).limit(1)) is not None
    if fetch.scope is Scope.ALL and (lacks or fetch.drawn < (fetch.expected or 0)):
        return Outcome.INCOMPLETE, Reason.SOME_MISSING.code
    return Outcome.COMPLETE, None
