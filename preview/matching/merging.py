"""Which patient an id means now: a prior id leads to the one that survived it (HL7 A40), and back again."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from fetch.model import Patient, PatientIdentity
from preview.matching import known, marks
from preview.matching.records import DecisionRow, MergeRow, Verdict

_LONGEST_CHAIN = 32


class WrongMerge(ValueError):
    """It cannot be done; the text says why, and quotes no id."""


def survivor(session: Session, identity: PatientIdentity) -> PatientIdentity:
    """Whom this id means now: itself, unless it was merged."""
    return survivors(session, [identity]).get(identity, identity)


def survivors(
    session: Session, identities: Iterable[PatientIdentity]
) -> dict[PatientIdentity, PatientIdentity]:
    """Of these identities those that mean another one now, each with that one."""
    step: dict[tuple[str, str], str] = {}
    asked = {(one.issuer, one.patient_id) for one in identities}
    looked_at, new = asked, asked
    while new:
        these = tuple_(MergeRow.issuer, MergeRow.prior).in_(new)
        rows = session.scalars(select(MergeRow).where(these, MergeRow.live.is_(True))).all()
        step |= {(row.issuer, row.prior): row.survivor for row in rows}
        new = {(row.issuer, row.survivor) for row in rows} - looked_at
        looked_at = looked_at | new
    led = [(issuer, prior) for issuer, prior in asked if (issuer, prior) in step]
    return {PatientIdentity(prior, issuer): _end(step, issuer, prior) for issuer, prior in led}


def all_of(session: Session, identity: PatientIdentity) -> frozenset[PatientIdentity]:
    """Every id that means the same patient now: the one that survived, and those that were merged into it."""
    root = survivor(session, identity)
    ids, new = {root.patient_id}, {root.patient_id}
    while new:
        into = select(MergeRow.prior).where(
            MergeRow.issuer == root.issuer, MergeRow.survivor.in_(new), MergeRow.live.is_(True)
        )
        new = set(session.scalars(into)) - ids
        ids |= new
    return frozenset(PatientIdentity(one, root.issuer) for one in ids)


def _end(step: dict[tuple[str, str], str], issuer: str, prior: str) -> PatientIdentity:
    for _ in range(_LONGEST_CHAIN):
        if (issuer, prior) not in step:
            break
        prior = step[issuer, prior]
    return PatientIdentity(prior, issuer)


def merge(
    session: Session, prior: PatientIdentity, into: PatientIdentity, person: str, now: datetime
) -> bool:
    """From now on the prior id means the other one; False if it does already."""
    if prior.issuer != into.issuer:
        raise WrongMerge("both ids have to be of one issuer")
    if not (prior.patient_id.strip() and into.patient_id.strip()):
        raise WrongMerge("an id is empty")
    held = _live(session, prior)
    if held is not None and held.survivor == into.patient_id:
        return False
    if held is not None:
        raise WrongMerge("the prior id is merged into another one already; unmerge it first")
    if prior in (into, survivor(session, into)):
        raise WrongMerge("an id cannot be merged into itself")
    decision = _decided(session, Verdict.MERGE, prior, into, person, now)
    row = MergeRow(
        issuer=prior.issuer,
        prior=prior.patient_id,
        survivor=into.patient_id,
        live=True,
        decision=decision.id,
        made_at=now,
    )
    session.add(row)
    session.flush()
    known.judge_again(session, all_of(session, into), now)
    return True


def unmerge(session: Session, prior: PatientIdentity, person: str, now: datetime) -> bool:
    """The prior id means its own patient again; False if it was not merged."""
    held = _live(session, prior)
    if held is None:
        return False
    known.judge_again(session, all_of(session, prior), now)
    into = PatientIdentity(held.survivor, held.issuer)
    _decided(session, Verdict.UNMERGE, prior, into, person, now, refers=held.decision)
    held.live, held.ended_at = None, now
    return True


def _live(session: Session, prior: PatientIdentity) -> MergeRow | None:
    these = select(MergeRow).filter_by(issuer=prior.issuer, prior=prior.patient_id, live=True)
    return session.scalar(these.with_for_update())


def _decided(
    session: Session,
    verdict: Verdict,
    prior: PatientIdentity,
    into: PatientIdentity,
    person: str,
    now: datetime,
    refers: int | None = None,
) -> DecisionRow:
    asked, found = (known.said_of(session, one) or Patient(one) for one in (into, prior))
    row = DecisionRow(
        at=now,
        verdict=verdict,
        person=person[:256],
        refers=refers,
        issuer=into.issuer,
        patient_id=into.patient_id,
        asked=marks.values(asked),
        found=marks.values(found),
    )
    session.add(row)
    session.flush()
    return row
