"""Judges again what was judged before, once the record, a merge, a decision or the rules have changed."""

import hashlib
import logging
import time
from collections.abc import Iterable, Sequence

from sqlalchemy import ColumnElement, delete, select, union
from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import Session

from fetch.identity import RULES_VERSION
from fetch.model import Patient, PatientIdentity
from fetch.records import StudyRow, UnmatchedRow
from fetch.settings import Settings
from preview.matching import known, marks, unmatched
from preview.matching.bench import Bench
from preview.matching.records import RulesRow, ToJudgeRow
from preview.parts import Parts
from preview.records import AskRow, ContextRow, FoundRow
from preview.studies import contents

log = logging.getLogger(__name__)

_AT_ONCE = 50
"""Studies that are held for others while they are judged."""
_PATIENTS = 100
_BUDGET_S = 10.0


def concerned(session: Session, study: StudyRow, patient: PatientIdentity) -> set[PatientIdentity]:
    """This patient, and everybody for whom anything of the study's identity was ever found."""
    same = select(StudyRow.id).where(_of_same_identity(study))
    waiting = select(UnmatchedRow.issuer, UnmatchedRow.patient_id).where(UnmatchedRow.study_row.in_(same))
    found = (
        select(ContextRow.issuer, ContextRow.patient_id)
        .join(AskRow, AskRow.context == ContextRow.key)
        .join(FoundRow, FoundRow.ask == AskRow.id)
        .where(FoundRow.study_row.in_(same))
    )
    rows = session.execute(union(waiting, found))
    people = {PatientIdentity(row.patient_id, row.issuer) for row in rows} | {patient}
    return {one for one in people if one.patient_id}


def _of_same_identity(study: StudyRow) -> ColumnElement[bool]:
    same = (StudyRow.issuer == study.issuer) & (StudyRow.patient_id == study.patient_id)
    return same if marks.has_id(study.patient) else same & (StudyRow.patient_name == study.patient_name)


def keep_up(parts: Parts, seconds: float = _BUDGET_S) -> None:
    """What the reconciler does in every round: everything anew under new rules, else whatever waits."""
    _note_rules(parts)
    judge_waiting(parts, seconds)


def judge_waiting(parts: Parts, seconds: float = _BUDGET_S) -> None:
    """Judge the patients of whom something has changed, for so long; whoever is left waits for the next."""
    end, count = time.monotonic() + seconds, 0
    while time.monotonic() < end and (some := _longest_waiting(parts)):
        count += judge_these(parts, some, end)
    if count:
        log.info("judged again patients=%d", count)


def _longest_waiting(parts: Parts) -> list[PatientIdentity]:
    with parts.records.read() as session:
        rows = session.scalars(select(ToJudgeRow).order_by(ToJudgeRow.since).limit(_PATIENTS))
        return [PatientIdentity(row.patient_id, row.issuer) for row in rows]


def judge_these(parts: Parts, people: Iterable[PatientIdentity], end: float) -> int:
    """Judge these until then (monotonic), and say how many; what changes meanwhile is judged once more."""
    count = 0
    for one in people:
        if time.monotonic() >= end:
            break
        began = parts.now
        judge_patient(parts, one)
        with parts.records.write() as session:
            mine = (ToJudgeRow.issuer == one.issuer) & (ToJudgeRow.patient_id == one.patient_id)
            session.execute(delete(ToJudgeRow).where(mine, ToJudgeRow.since <= began))
        count += 1
    return count


def judge_patient(parts: Parts, identity: PatientIdentity) -> None:
    """Judge every study that was ever found for this patient; doing it twice does no harm."""
    with parts.records.read() as session:
        asked = _asked(session, identity)
        studies = sorted(_found_for(session, identity))
    for first in range(0, len(studies), _AT_ONCE):
        _judge(parts, asked, studies[first : first + _AT_ONCE])


def _judge(parts: Parts, asked: Patient, studies: Sequence[int]) -> None:
    with parts.records.write() as session:
        rows = contents.reserve(session, StudyRow.id.in_(studies))
        bench = Bench(session, asked, parts.settings.sources)
        bench.look_at(rows)
        for row in rows:
            unmatched.judge(session, row, asked, bench, parts.now)


def _asked(session: Session, identity: PatientIdentity) -> Patient:
    said = known.said_of(session, identity)
    if said is not None:
        return said
    theirs = (ContextRow.issuer == identity.issuer) & (ContextRow.patient_id == identity.patient_id)
    newest = select(ContextRow).where(theirs).order_by(ContextRow.made_at.desc()).limit(1)
    context = session.scalar(newest)
    return context.patient if context is not None else Patient(identity)


def _found_for(session: Session, identity: PatientIdentity) -> set[int]:
    theirs = (ContextRow.issuer == identity.issuer) & (ContextRow.patient_id == identity.patient_id)
    found = (
        select(FoundRow.study_row)
        .join(AskRow, AskRow.id == FoundRow.ask)
        .join(ContextRow, ContextRow.key == AskRow.context)
        .where(theirs)
    )
    mine = (UnmatchedRow.issuer == identity.issuer) & (UnmatchedRow.patient_id == identity.patient_id)
    waiting = select(UnmatchedRow.study_row).where(mine)
    return {*session.scalars(found), *session.scalars(waiting)}


# --- what a page withholds


def is_unheard(session: Session, patient: Patient, withheld: Iterable[StudyRow]) -> bool:
    """Does a page withhold something of which staff have nothing on their list, nor are about to?

    What another patient, another order or another source brings makes a study doubtful at every look; it is
    on the list once it is judged. Not where the page was opened before the record changed: what only its own
    words make doubtful is in no doubt for the record, by which staff judge.
    """
    studies = {row.id for row in withheld}
    if not studies or not known.says(session, patient):
        return False
    one = patient.identity
    whose = (UnmatchedRow.issuer == one.issuer) & (UnmatchedRow.patient_id == one.patient_id)
    open_rows = select(UnmatchedRow.study_row).where(whose, UnmatchedRow.study_row.in_(studies))
    listed = open_rows.where(UnmatchedRow.part_row == 0, UnmatchedRow.settled_at.is_(None))
    if studies <= set(session.scalars(listed)):
        return False
    return session.get(ToJudgeRow, (one.issuer, one.patient_id)) is None


def want(parts: Parts, patient: PatientIdentity) -> None:
    """The reconciler judges this patient in its next round; what cannot be noted now is at the next look."""
    try:
        with parts.records.write() as session:
            known.judge_again(session, [patient], parts.now)
    except DatabaseError as error:  # a page that was read is shown, also while nothing can be written
        log.warning("a patient is to be judged again and that was not noted (%s)", type(error).__name__)


# --- new rules


def _note_rules(parts: Parts) -> None:
    """Under other rules, or other trusted issuers, everybody is judged anew."""
    mark = rules_mark(parts.settings)
    with parts.records.read() as session:
        last = session.get(RulesRow, 1)
    if last is not None and last.mark == mark:
        return
    with parts.records.write() as session:
        people = _everybody(session)
        known.note(session, _unknown(session, people), parts.now)
        known.judge_again(session, people, parts.now)
        session.merge(RulesRow(id=1, mark=mark, at=parts.now))
    log.info("everything is judged again under rules=%s patients=%d", RULES_VERSION, len(people))


def rules_mark(settings: Settings) -> str:
    """What stands for the rules and for the settings that they use."""
    trusts = sorted((s.name, s.issuer, *sorted(s.trusted_issuers)) for s in settings.sources)
    return f"{RULES_VERSION} {hashlib.sha256(repr(trusts).encode()).hexdigest()[:32]}"


def _everybody(session: Session) -> set[PatientIdentity]:
    launched = select(ContextRow.issuer, ContextRow.patient_id)
    waiting = select(UnmatchedRow.issuer, UnmatchedRow.patient_id)
    people = {
        PatientIdentity(row.patient_id, row.issuer) for row in session.execute(union(launched, waiting))
    }
    return {one for one in people if one.patient_id}


def _unknown(session: Session, people: Iterable[PatientIdentity]) -> list[Patient]:
    """Who was launched before we kept whom we know."""
    return [_asked(session, one) for one in people if known.said_of(session, one) is None]
