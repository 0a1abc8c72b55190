"""What holds now of what staff have said: which source identities are a patient, and which are not."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from fetch.identity import Grade
from fetch.model import Patient, PatientIdentity
from fetch.records import insert_new
from preview.matching import marks, merging
from preview.matching.records import DecisionRow, LinkRow, RefusalRow, Verdict


def link(session: Session, found: Patient, patient: Patient, decision: DecisionRow, now: datetime) -> bool:
    """This patient it is. False: it is linked to another one, who has to be undone first.

    One live link for a source identity: who comes second is told, by the database itself. What was confirmed
    of other studies of the same patient before, with other values, stands beside it.
    """
    mark = marks.mark(found)
    standing = _standing(session, mark)
    before = [one for one in standing if one.live or _is_exactly(one, found)]
    if not all(_mean_one(session, one.patient.identity, patient.identity) for one in before):
        return False
    _replace(session, standing, decision, now)
    _end_refusals(session, _about(found, patient), now)
    row = LinkRow(mark=mark, live=True, beside=False, decision=decision.id, made_at=now)
    row.patient = patient
    values = {
        column.key: getattr(row, column.key)
        for column in LinkRow.__table__.columns
        if column.key not in ("id", "ended_at")
    }
    values |= {
        "found_issuer": found.identity.issuer,
        "found_id": found.identity.patient_id if marks.has_id(found) else "",
        "found": marks.values(found),
    }
    return insert_new(session, LinkRow, values)


def _replace(session: Session, standing: Sequence[LinkRow], decision: DecisionRow, now: datetime) -> None:
    """What was confirmed of this very study is over; of others it steps aside."""
    of_study = select(DecisionRow.id).filter_by(source=decision.source, study_uid=decision.study_uid)
    same = set(session.scalars(of_study))
    for one in standing:
        one.live, one.beside = None, one.decision not in same
        one.ended_at = None if one.beside else now
    session.flush()


def refuse(session: Session, found: Patient, patient: Patient, decision: DecisionRow, now: datetime) -> None:
    """This patient's it is not; what is nobody's is not any patient's.

    A link by which it was certain is wrong, then; what contradicted it says nothing of what staff have
    confirmed of others under its id.
    """
    nobody = decision.verdict is Verdict.NOBODY or not patient.identity.patient_id
    refused = Patient(PatientIdentity("", "")) if nobody else patient
    _end_refusals(session, _about(found, refused), now)
    same = {patient.identity, *merging.all_of(session, patient.identity)}
    mark, was_certain = marks.mark(found), decision.grade == Grade.CERTAIN.value
    for one in _standing(session, mark):
        if (nobody or one.patient.identity in same) and (was_certain or _is_exactly(one, found)):
            one.live, one.beside, one.ended_at = None, False, now
    _have_one_live(session, mark)
    row = RefusalRow(print=marks.exact_print(found), live=True, decision=decision.id, made_at=now)
    row.patient = refused
    session.add(row)
    session.flush()


def take_back(session: Session, decision: DecisionRow, now: datetime) -> None:
    """What it said holds no longer; what other decisions said of the same identity does."""
    _end_refusals(session, RefusalRow.decision == decision.id, now)
    linked = select(LinkRow.mark).where(LinkRow.decision == decision.id, LinkRow.stands())
    for mark in session.scalars(linked).all():
        for one in _standing(session, mark):
            if one.decision == decision.id:
                one.live, one.beside, one.ended_at = None, False, now
        _have_one_live(session, mark)


def _standing(session: Session, mark: str) -> Sequence[LinkRow]:
    """All of a source identity, newest first; nobody else changes any of them until we commit."""
    theirs = select(LinkRow).where(LinkRow.mark == mark, LinkRow.stands()).order_by(LinkRow.id.desc())
    return session.scalars(theirs.with_for_update().execution_options(populate_existing=True)).all()


def _have_one_live(session: Session, mark: str) -> None:
    session.flush()
    standing = _standing(session, mark)
    if standing and not any(one.live for one in standing):
        standing[0].live, standing[0].beside = True, False
        session.flush()


def _is_exactly(one: LinkRow, found: Patient) -> bool:
    return marks.exact_print(marks.patient_of(one.found)) == marks.exact_print(found)


def _about(found: Patient, patient: Patient) -> ColumnElement[bool]:
    identity = patient.identity
    exactly = RefusalRow.print == marks.exact_print(found)
    return exactly & (RefusalRow.issuer == identity.issuer) & (RefusalRow.patient_id == identity.patient_id)


def _end_refusals(session: Session, which: ColumnElement[bool], now: datetime) -> None:
    ended = update(RefusalRow).where(which, RefusalRow.live.is_(True)).values(live=None, ended_at=now)
    session.execute(ended)


def _mean_one(session: Session, one: PatientIdentity, other: PatientIdentity) -> bool:
    return merging.survivor(session, one) == merging.survivor(session, other)
