"""What staff decide of a study on the list, confirm, take back: it holds as soon as it is written."""

import time
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from fetch.identity import Doubt
from fetch.model import Patient, PatientIdentity
from fetch.records import PartRow, StudyRow, UnmatchedRow
from preview.matching import known, linking, listing, marks, placing, rejudging, splitting, unmatched
from preview.matching.bench import Bench
from preview.matching.records import LONGEST_REASON, DecisionRow, Verdict
from preview.matching.why import Why
from preview.parts import Parts
from preview.studies import contents

_AT_ONCE_S = 3.0
_FOREIGN = Doubt.FOREIGN_IMAGES.code
CHOICES = (Verdict.SAME, Verdict.OTHER, Verdict.UNSURE, Verdict.NOBODY)


class Refused(Exception):
    """Nothing was decided. ``why`` is a code; a page has the sentence."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True)
class Decided:
    """``waits``: it takes effect once somebody else has confirmed it."""

    decision: int
    waits: bool = False


def decide(
    parts: Parts,
    key: str,
    verdict: Verdict,
    *,
    person: str,
    seen: str,
    reason: str = "",
    patient: PatientIdentity | None = None,
) -> Decided:
    """Decide about one row of the list as it was ``seen``. ``patient``: the one chosen, else the row's own.

    Raises :class:`Refused`.
    """
    if verdict not in CHOICES:
        raise Refused("no-choice")
    with parts.records.write() as session:
        row = _held(session, key, seen)
        chosen = _chosen(session, row, verdict, patient)
        if verdict is Verdict.SAME:
            _refuse_to_release(parts, session, row, chosen)
        if needs_reason(parts, session, row, verdict, chosen) and not reason.strip():
            raise Refused("needs-reason")
        waits = parts.settings.identity.second_person and verdict is not Verdict.UNSURE
        decision = unmatched.decided(
            *(session, row, verdict, parts.now),
            person=person,
            reason=reason.strip()[:LONGEST_REASON],
            waits=waits,
            patient=chosen,
        )
        row.decision = decision.id
        row.proposed = decision.id if waits else None
        people = set() if waits else _take_effect(parts, session, row, decision, chosen)
    _judge_now(parts, people)
    return Decided(decision.id, waits)


def confirm(
    parts: Parts, key: str, *, person: str, seen: str, agree: bool = True, reason: str = ""
) -> Decided:
    """Somebody else confirms, or declines, what waits for a second person."""
    with parts.records.write() as session:
        row = _held(session, key, seen)
        if row.proposed is None:
            raise Refused("outdated")
        proposed = session.get_one(DecisionRow, row.proposed)
        if proposed.person == person[:256]:
            raise Refused("same-person")
        verdict = Verdict.CONFIRM if agree else Verdict.DECLINE
        chosen = marks.patient_of(proposed.asked)
        decision = unmatched.decided(
            *(session, row, verdict, parts.now),
            person=person,
            reason=reason.strip()[:LONGEST_REASON],
            refers=proposed.id,
            patient=chosen,
        )
        row.decision, row.proposed = decision.id, None
        people = _take_effect(parts, session, row, proposed, chosen) if agree else set()
    _judge_now(parts, people)
    return Decided(decision.id)


def undo(parts: Parts, key: str, *, person: str, seen: str, reason: str = "") -> Decided:
    """Take back the decision that holds about this row; what it settled waits again, unless it is certain."""
    with parts.records.write() as session:
        row = _held(session, key, seen)
        last = standing(session, row)
        if last is None:
            raise Refused("nothing-to-undo")
        chosen = marks.patient_of(last.asked)
        decision = unmatched.decided(
            *(session, row, Verdict.UNDO, parts.now),
            person=person,
            reason=reason.strip()[:LONGEST_REASON],
            refers=last.id,
            patient=chosen,
        )
        row.decision, row.proposed, row.unsure = decision.id, None, False
        people = set() if row.part else _undo(parts, session, row, last, decision, chosen)
        if row.part is not None:
            splitting.withhold(session, row.part)
            unmatched.rewrite(session, row, [_FOREIGN], parts.now, by=decision)
    _judge_now(parts, people)
    return Decided(decision.id)


def _undo(
    parts: Parts,
    session: Session,
    row: UnmatchedRow,
    last: DecisionRow,
    decision: DecisionRow,
    chosen: Patient,
) -> set[PatientIdentity]:
    """Whose studies have to be judged again?"""
    linking.take_back(session, last, parts.now)
    _bring_back(row, last)
    _judge_here(parts, session, row, decision)
    return _mark_others(session, row, chosen, parts.now)


def assign(parts: Parts, key: str, *, owner: str, seen: str) -> None:
    """Who of staff takes it on; "" for nobody."""
    with parts.records.write() as session:
        _held(session, key, seen).owner = owner[:256]


def history(session: Session, row: UnmatchedRow) -> list[DecisionRow]:
    """Everything that was decided about it, oldest first."""
    theirs = select(DecisionRow).where(DecisionRow.unmatched == row.id)
    return list(session.scalars(theirs.order_by(DecisionRow.id)))


def standing(session: Session, row: UnmatchedRow) -> DecisionRow | None:
    """The newest decision of staff about this row that nobody has taken back or declined."""
    rows = history(session, row)
    ended = {one.refers for one in rows if one.verdict in (Verdict.UNDO, Verdict.DECLINE)}
    return next((one for one in reversed(rows) if one.verdict in CHOICES and one.id not in ended), None)


def needs_reason(
    parts: Parts, session: Session, row: UnmatchedRow, verdict: Verdict, chosen: Patient
) -> bool:
    """Does something speak against it? Then it takes a reason."""
    if verdict is Verdict.UNSURE or _is_nameless(row):
        return False
    if not chosen.identity.patient_id:
        return verdict is Verdict.SAME
    bench = Bench(session, chosen, parts.settings.sources)
    if row.part is not None:
        doubts = bench.of_part(row.study, row.part).doubts
        return verdict is Verdict.SAME and any(one.is_conflict and one.code != _FOREIGN for one in doubts)
    finding = bench.finding(row.study)
    if verdict is not Verdict.SAME:
        return finding.judgement.certain
    ours = {why.code for why in (Why.LINKED_ELSEWHERE, Why.DECIDED_OTHERWISE, Doubt.SOURCES_DISAGREE)}
    return any(doubt.is_conflict for doubt in finding.judgement.doubts) or bool(ours & set(finding.doubts))


def _is_nameless(row: UnmatchedRow) -> bool:
    """Is it only about images inside of which nobody knows whom they name?"""
    return row.part is None and row.doubts == [_FOREIGN]


def _refuse_to_release(parts: Parts, session: Session, row: UnmatchedRow, chosen: Patient) -> None:
    """Images inside a study are its patient's at most: it has to be certain whose the study is."""
    if _is_nameless(row):
        raise Refused("images-of-another")
    if row.part is None:
        return
    whole = Bench(session, chosen, parts.settings.sources).finding(row.study)
    if not whole.certain:
        raise Refused("study-first")


# --- what a decision does


def _held(session: Session, key: str, seen: str) -> UnmatchedRow:
    """The row as it was seen, and nobody else decides about it until we commit."""
    found = listing.one(session, key)
    if found is None:
        raise Refused("gone")
    contents.reserve(session, StudyRow.id == found.study_row)
    these = select(UnmatchedRow).where(UnmatchedRow.id == found.id).with_for_update(of=UnmatchedRow)
    row = session.scalars(these.execution_options(populate_existing=True)).one()
    if listing.seen(row) != seen:
        raise Refused("outdated")
    return row


def chosen_patient(session: Session, row: UnmatchedRow, patient: PatientIdentity | None) -> Patient | None:
    """The record's side of a decision: this known patient, else whom it was found for; None if unknown."""
    if patient is None or patient == row.patient.identity:
        return row.patient
    return known.said_of(session, patient)


def _chosen(
    session: Session, row: UnmatchedRow, verdict: Verdict, patient: PatientIdentity | None
) -> Patient:
    said = chosen_patient(session, row, patient)
    if said is None:
        raise Refused("unknown-patient")
    if verdict is Verdict.SAME and not said.identity.patient_id:
        raise Refused("nobody-chosen")
    return said


def _take_effect(
    parts: Parts, session: Session, row: UnmatchedRow, decision: DecisionRow, chosen: Patient
) -> set[PatientIdentity]:
    """Whose studies have to be judged again?"""
    now = parts.now
    if decision.verdict is Verdict.UNSURE:
        row.unsure, row.owner = True, ""
        return set()
    if row.part is not None:
        _decide_part(session, row, row.part, decision, now)
        return set()
    found = row.study.patient
    if decision.verdict is Verdict.SAME:
        if not linking.link(session, found, chosen, decision, now):
            raise Refused("linked-elsewhere")
        placing.find_for(session, row.study, chosen.identity, now)
    elif not _is_nameless(row):  # those are withheld in any case; the study is not doubted
        linking.refuse(session, found, chosen, decision, now)
    _judge_here(parts, session, row, decision)
    return _mark_others(session, row, chosen, now)


def _decide_part(
    session: Session, row: UnmatchedRow, part: PartRow, decision: DecisionRow, now: datetime
) -> None:
    """About these images alone: whose any other study under what they name is stays as it is."""
    if decision.verdict is Verdict.SAME:
        splitting.release(session, part, decision.id)
    else:
        splitting.withhold(session, part)
        splitting.dismiss(part, decision.id)
    unmatched.rewrite(session, row, [], now, by=decision)


# --- what follows from it


def _judge_here(parts: Parts, session: Session, row: UnmatchedRow, decision: DecisionRow) -> None:
    """Does the row still wait for anything?"""
    seen_to = decision.verdict is not Verdict.UNDO
    if not row.patient.identity.patient_id:  # it was sent unasked
        unmatched.rewrite(session, row, [] if seen_to else row.doubts, parts.now, by=decision)
        return
    bench = Bench(session, row.patient, parts.settings.sources)
    finding = bench.finding(row.study)
    unmatched.keep_judgement(row, finding)
    others = [code for code in row.doubts if code in unmatched.NOT_OF_JUDGING]
    if seen_to:  # whose the study is says nothing of images inside it that name somebody else
        others = [_FOREIGN] if decision.verdict is Verdict.SAME and _FOREIGN in others else []
    unmatched.rewrite(session, row, [*finding.doubts, *others], parts.now, finding, by=decision)


def _bring_back(row: UnmatchedRow, last: DecisionRow) -> None:
    """What that decision had settled beside the two identities is open again."""
    before = [code for code in last.evidence.get("doubts", ()) if code in unmatched.NOT_OF_JUDGING]
    if row.study.unlisted_at is None:
        before = [code for code in before if code != Doubt.NO_LONGER_LISTED.code]
    row.doubts = list(dict.fromkeys([*row.doubts, *before]))


def _mark_others(session: Session, row: UnmatchedRow, chosen: Patient, now: datetime) -> set[PatientIdentity]:
    """Whoever else this identity was found for, and the chosen patient's other studies."""
    people = rejudging.concerned(session, row.study, chosen.identity)
    known.judge_again(session, people, now)
    return people


def _judge_now(parts: Parts, people: set[PatientIdentity]) -> None:
    """What is left, and what we leave if we die, the reconciler does: no page depends on it."""
    rejudging.judge_these(parts, people, time.monotonic() + _AT_ONCE_S)
