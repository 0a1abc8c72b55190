"""What holds now of what staff have said: which source identities are a patient, and which are not."""

from datetime import datetime

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from fetch.model import Patient, PatientIdentity
from fetch.records import insert_new
from preview.matching import marks, merging
from preview.matching.records import DecisionRow, LinkRow, RefusalRow, Verdict


def link(session: Session, found: Patient, patient: Patient, decision: DecisionRow, now: datetime) -> bool:
    """This patient it is. False: it is linked to another one, who has to be undone first.

    One live link for a source identity: who comes second is told, by the database itself. What was confirmed
    of the same patient before, with other values, stands beside it.
    """
    mark = marks.mark(found)
    held = session.scalar(select(LinkRow).filter_by(mark=mark, live=True).with_for_update())
    if held is not None:
        if not _mean_one(session, held.patient.identity, patient.identity):
            return False
        held.live, held.beside = None, True
        session.flush()
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


def refuse(session: Session, found: Patient, patient: Patient, decision: DecisionRow, now: datetime) -> None:
    """This patient's it is not; what is nobody's is not any patient's."""
    nobody = decision.verdict is Verdict.NOBODY or not patient.identity.patient_id
    refused = Patient(PatientIdentity("", "")) if nobody else patient
    _end_refusals(session, _about(found, refused), now)
    mine = LinkRow.mark == marks.mark(found)
    if not nobody:
        same = merging.all_of(session, patient.identity)
        mine &= LinkRow.issuer == patient.identity.issuer
        mine &= LinkRow.patient_id.in_([one.patient_id for one in same])
    _end_links(session, mine, now)
    row = RefusalRow(print=marks.exact_print(found), live=True, decision=decision.id, made_at=now)
    row.patient = refused
    session.add(row)
    session.flush()


def take_back(session: Session, decision: DecisionRow, now: datetime) -> None:
    """What it said holds no longer; what other decisions said of the same identity does."""
    _end_refusals(session, RefusalRow.decision == decision.id, now)
    _end_links(session, LinkRow.decision == decision.id, now)
    linked = select(LinkRow.mark).where(LinkRow.decision == decision.id)
    theirs = select(LinkRow).where(LinkRow.mark.in_(linked))
    if session.scalar(theirs.where(LinkRow.live.is_(True))) is not None:
        return
    next_one = session.scalar(theirs.where(LinkRow.beside.is_(True)).order_by(LinkRow.id.desc()).limit(1))
    if next_one is not None:
        next_one.live, next_one.beside = True, False


def _about(found: Patient, patient: Patient) -> ColumnElement[bool]:
    identity = patient.identity
    exactly = RefusalRow.print == marks.exact_print(found)
    return exactly & (RefusalRow.issuer == identity.issuer) & (RefusalRow.patient_id == identity.patient_id)


def _end_refusals(session: Session, which: ColumnElement[bool], now: datetime) -> None:
    ended = update(RefusalRow).where(which, RefusalRow.live.is_(True)).values(live=None, ended_at=now)
    session.execute(ended)


def _end_links(session: Session, which: ColumnElement[bool], now: datetime) -> None:
    ended = update(LinkRow).where(which, LinkRow.stands()).values(live=None, beside=False, ended_at=now)
    session.execute(ended)


def _mean_one(session: Session, one: PatientIdentity, other: PatientIdentity) -> bool:
    return merging.survivor(session, one) == merging.survivor(session, other)
