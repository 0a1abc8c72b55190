"""Whose a doubtful study may be: the known patients who come nearest to what the images say."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy.orm import Session

from fetch.identity import Context, Judgement, judge
from fetch.model import Patient, Source
from fetch.records import UnmatchedRow
from preview.matching import known, merging

MOST = 10


@dataclass(frozen=True)
class Candidate:
    """``is_asked``: the patient for whom the study was found."""

    patient: Patient
    judgement: Judgement
    is_asked: bool = False


def candidates(
    session: Session, row: UnmatchedRow, sources: Iterable[Source], most: int = MOST
) -> tuple[Candidate, ...]:
    """The best first; whoever was asked about is among them, however little speaks for it."""
    source = next((source for source in sources if source.name == row.study.source), None)
    if source is None:
        return ()
    found, asked = row.found, row.patient
    pool = {patient.identity: patient for patient in known.like(session, found)}
    gone = merging.survivors(session, pool)
    pool = {identity: patient for identity, patient in pool.items() if identity not in gone}
    if asked.identity.patient_id:
        pool[asked.identity] = asked
    context = Context.of(source, issuer_assumed=row.described.issuer_assumed)
    ranked = [
        Candidate(patient, judge(patient, found, context), identity == asked.identity)
        for identity, patient in pool.items()
    ]
    ranked.sort(key=_order)
    best = ranked[:most]
    if (mine := next((one for one in ranked if one.is_asked), None)) and mine not in best:
        best = [*best[: most - 1], mine]
    return tuple(best)


def _order(candidate: Candidate) -> tuple[int, float, bool, str]:
    judgement = candidate.judgement
    return (
        judgement.grade.rank,
        -judgement.score,
        not candidate.is_asked,
        candidate.patient.identity.patient_id,
    )
