"""The list of studies that staff resolve: what is doubted of each, by whom, and how it leaves the list."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from fetch.identity import RULES_VERSION, Doubt
from fetch.model import Patient, PatientIdentity, Source
from fetch.records import PartRow, StudyRow, UnmatchedRow, insert_once, new_key
from preview.matching import marks, splitting
from preview.matching.bench import Bench, Finding
from preview.matching.records import DecisionRow, Verdict
from preview.matching.why import Why, urgency
from preview.records import AskRow, ContextRow, FoundRow

_SEEN_IN_IMAGES = (Doubt.FOREIGN_IMAGES.code,)
"""What a fetch saw in the images, only a fetch takes back, or staff."""
NOT_OF_JUDGING = (*_SEEN_IN_IMAGES, Doubt.NO_LONGER_LISTED.code, Why.SENT_UNASKED.code)


def judge(session: Session, row: StudyRow, asked: Patient, bench: Bench, now: datetime) -> Finding:
    """Judge the study for this patient: what is doubtful goes onto the list, once for each patient it was
    found for; what is certain now leaves it, and that is a decision too.
    """
    finding = bench.finding(row)
    held = _whole(session, row)
    unmatched = next((one for one in held if one.patient.identity == asked.identity), None)
    if finding.certain:
        _take_back(session, held, (Why.SENT_UNASKED.code,), now)
        _keep_to(session, row, bench, now)
    if not bench.knows(row.source) or (unmatched is None and not finding.doubts):
        return finding
    if unmatched is None:
        unmatched = _row(session, row, asked, now)
    unmatched.patient = bench.patient
    unmatched.last_seen_at = now
    keep_judgement(unmatched, finding)
    rewrite(session, unmatched, [*_of_judging(unmatched, finding), *_others(unmatched)], now, finding)
    return finding


def _of_judging(unmatched: UnmatchedRow, finding: Finding) -> Sequence[str]:
    """What was doubted before does not go by itself because it has become unlikely."""
    waits = unmatched.settled_at is None and bool(set(unmatched.doubts) - set(NOT_OF_JUDGING))
    return (Why.UNLIKELY.code,) if waits and finding.is_out_of_question else finding.doubts


def keep_judgement(unmatched: UnmatchedRow, finding: Finding) -> None:
    unmatched.grade = finding.judgement.grade.value
    unmatched.evidence = finding.judgement.as_data()
    unmatched.rules = RULES_VERSION


def rewrite(
    session: Session,
    unmatched: UnmatchedRow,
    doubts: Sequence[str],
    now: datetime,
    finding: Finding | None = None,
    by: DecisionRow | None = None,
) -> None:
    """From now on it waits for these reasons. Without any it is off the list: ``by`` a decision of staff, or
    because the facts have made it certain, and then that is written down.
    """
    was = unmatched.doubts
    unmatched.doubts = list(dict.fromkeys(doubts))
    unmatched.urgency = urgency(unmatched.doubts, unmatched.grade, unmatched.evidence)
    if doubts and unmatched.settled_at is not None:
        unmatched.settled_at = None
        if by is None:
            by = decided(session, unmatched, Verdict.REOPEN, now, refers=unmatched.decision)
        unmatched.decision = by.id
    elif not doubts and unmatched.settled_at is None:
        standing = finding.decision if finding else None
        if by is None:
            by = decided(session, unmatched, Verdict.AUTO, now, refers=standing, doubts=was)
        unmatched.decision, unmatched.settled_at = by.id, now
        unmatched.unsure, unmatched.proposed = False, None


def decided(
    session: Session,
    unmatched: UnmatchedRow,
    verdict: Verdict,
    now: datetime,
    *,
    person: str = "",
    reason: str = "",
    refers: int | None = None,
    waits: bool = False,
    patient: Patient | None = None,
    doubts: Sequence[str] | None = None,
) -> DecisionRow:
    """Write down what was decided, with both sides as they are."""
    asked, study = patient or unmatched.patient, unmatched.study
    row = DecisionRow(
        at=now,
        verdict=verdict,
        person=person[:256],
        unmatched=unmatched.id,
        refers=refers,
        waits=waits,
        source=study.source,
        study_uid=study.study_uid,
        mark=marks.mark(unmatched.found),
        issuer=asked.identity.issuer,
        patient_id=asked.identity.patient_id,
        asked=marks.values(asked),
        found=marks.values(unmatched.found),
        grade=unmatched.grade,
        evidence={**unmatched.evidence, "doubts": list(unmatched.doubts if doubts is None else doubts)},
        rules=unmatched.rules,
        reason=reason,
    )
    session.add(row)
    session.flush()
    return row


# --- what is seen elsewhere than in the two identities


def note_foreign(session: Session, row: StudyRow, asked: Patient, now: datetime) -> None:
    """Images of which nobody knows whom they name were inside: that too is for staff, besides whatever asking
    doubts.

    ``asked``: whom the fetch was for. Where that is nobody who was asked about, because staff only look at
    the study, it is said where the study waits.
    """
    held = _whole(session, row)
    mine = [one for one in held if one.patient.identity == asked.identity]
    waiting = [one for one in held if one.settled_at is None]
    for unmatched in mine or waiting or [_row(session, row, asked, now)]:
        rewrite(session, unmatched, [*_without(unmatched, _SEEN_IN_IMAGES), *_SEEN_IN_IMAGES], now)


def note_parts(
    session: Session, row: StudyRow, parts: Sequence[PartRow], sources: Iterable[Source], now: datetime
) -> None:
    """Images inside name somebody else than the study does: each of those whom they name is for staff."""
    if not parts:
        return
    known_sources = list(sources)
    asked = _owner(session, row, known_sources)
    bench = Bench(session, asked, known_sources)
    for part in parts:
        unmatched = _of_part(session, row, asked, part, now)
        judged = bench.of_part(row, part)
        unmatched.grade, unmatched.evidence = judged.grade.value, judged.as_data()
        unmatched.rules = RULES_VERSION
        rewrite(session, unmatched, _SEEN_IN_IMAGES, now)


def _of_part(session: Session, row: StudyRow, asked: Patient, part: PartRow, now: datetime) -> UnmatchedRow:
    """One row for each part, whoever the study turns out to be of."""
    held = next((one for one in _all(session, row) if one.part_row == part.id), None)
    if held is None:
        return _row(session, row, asked, now, part.id)
    held.patient, held.last_seen_at = asked, now
    return held


def _owner(session: Session, row: StudyRow, sources: Sequence[Source]) -> Patient:
    """Whose the study certainly is; else for whom it waits; else who it says that it is of."""
    held = [one for one in _whole(session, row) if one.patient.identity.patient_id]
    opened = select(ContextRow).join(AskRow, AskRow.context == ContextRow.key)
    opened = opened.join(FoundRow, FoundRow.ask == AskRow.id).where(FoundRow.study_row == row.id)
    newest = session.scalars(opened.order_by(ContextRow.made_at.desc()).limit(_MOST_OWNERS))
    people = {one.patient.identity: one.patient for one in (*held, *newest)}
    for patient in people.values():
        bench = Bench(session, patient, sources)
        if bench.finding(row).certain:
            return bench.patient
    return next((one.patient for one in held if one.settled_at is None), row.patient)


_MOST_OWNERS = 10


def _keep_to(session: Session, row: StudyRow, bench: Bench, now: datetime) -> None:
    """What staff have released was released to one patient: shown to another, it waits again."""
    for part in splitting.released_parts(session, [row.id]):
        decision = session.get_one(DecisionRow, part.decision)
        if not bench.means(PatientIdentity(decision.patient_id, decision.issuer)):
            splitting.withhold(session, part)
            note_parts(session, row, [part], bench.sources, now)


def clear_nameless(session: Session, row: StudyRow, now: datetime) -> None:
    """Of every image that is somebody else's it is known whom it names."""
    _take_back(session, _whole(session, row), _SEEN_IN_IMAGES, now)


def clear_foreign(session: Session, row: StudyRow, now: datetime) -> None:
    """Every image of the study was fetched anew and none is a stranger's, whoever it was found for."""
    _take_back(session, _all(session, row), _SEEN_IN_IMAGES, now)


def foreign_stands(session: Session, study_row: int) -> bool:
    """Do images of somebody else in this study still wait for staff?"""
    these = select(UnmatchedRow).where(UnmatchedRow.study_row == study_row, UnmatchedRow.part_row == 0)
    rows = session.scalars(these)
    return any(set(_SEEN_IN_IMAGES) & set(unmatched.doubts) for unmatched in rows)


def note_unlisted(session: Session, row: StudyRow, asked: Patient, now: datetime) -> None:
    """Its source does not list it any more, besides whatever else is doubted."""
    unmatched = _row(session, row, asked, now)
    code = Doubt.NO_LONGER_LISTED.code
    of_images = [one for one in unmatched.doubts if one in _SEEN_IN_IMAGES]
    others = _without(unmatched, (code, *_SEEN_IN_IMAGES))
    rewrite(session, unmatched, [*others, code, *of_images], now)


def clear_unlisted(session: Session, row: StudyRow, now: datetime) -> None:
    """Its source lists it again, for whomever."""
    _take_back(session, _all(session, row), (Doubt.NO_LONGER_LISTED.code,), now)


def note_unasked(session: Session, row: StudyRow, now: datetime) -> None:
    """Its source sent of it by itself; nobody was asked about, so the patient's side is empty."""
    if not _whole(session, row):
        unmatched = _row(session, row, Patient(PatientIdentity("", "")), now)
        rewrite(session, unmatched, [Why.SENT_UNASKED.code], now)


def _all(session: Session, row: StudyRow) -> Sequence[UnmatchedRow]:
    """Whomever it was found for; nobody else may change them until we commit."""
    these = select(UnmatchedRow).where(UnmatchedRow.study_row == row.id).order_by(UnmatchedRow.id)
    return session.scalars(these.with_for_update(of=UnmatchedRow)).all()


def _whole(session: Session, row: StudyRow) -> Sequence[UnmatchedRow]:
    """Those about the study, not about a part of it."""
    return [one for one in _all(session, row) if not one.part_row]


def _take_back(session: Session, held: Iterable[UnmatchedRow], codes: Sequence[str], now: datetime) -> None:
    for unmatched in held:
        if set(codes) & set(unmatched.doubts):
            rewrite(session, unmatched, _without(unmatched, codes), now)


def _without(unmatched: UnmatchedRow, codes: Iterable[str]) -> list[str]:
    return [code for code in unmatched.doubts if code not in codes]


def _others(unmatched: UnmatchedRow) -> list[str]:
    return [code for code in unmatched.doubts if code in NOT_OF_JUDGING]


def _row(session: Session, row: StudyRow, asked: Patient, now: datetime, part: int = 0) -> UnmatchedRow:
    """The row of this study, or of a part of it, for this patient; a new one waits for no reason yet."""
    key = _found_for(row, asked) | {"part_row": part}
    new = key | {"key": new_key(), "doubts": [], "first_seen_at": now, "last_seen_at": now}
    insert_once(session, UnmatchedRow, new)
    unmatched = session.scalars(select(UnmatchedRow).filter_by(**key).with_for_update(of=UnmatchedRow)).one()
    unmatched.patient = asked
    unmatched.last_seen_at = now
    return unmatched


def _found_for(row: StudyRow, asked: Patient) -> dict[str, object]:
    identity = asked.identity
    return {"study_row": row.id, "issuer": identity.issuer, "patient_id": identity.patient_id}
