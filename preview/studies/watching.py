"""What a page rests on: equal marks mean that nothing else may be shown of this patient than before."""

from collections.abc import Sequence
from hashlib import blake2b

from sqlalchemy import select
from sqlalchemy.orm import Session

from fetch.model import Source
from fetch.records import StudyRow
from preview.kept import Look
from preview.matching import splitting
from preview.records import AskRow, ContextRow, FoundRow
from preview.studies import showing


def mark(session: Session, context: ContextRow, sources: Sequence[Source], look: Look) -> str:
    """Of everything that was ever found for this patient: is it listed, whose is it thought to be, and which
    images inside it have staff released?
    """
    rows = _found(session, context)
    sight = showing.Sight(session, context, sources, look)
    sight.look_at(rows)
    findings = [(row, sight.finding(row)) for row in rows]
    said = [
        (row.id, sight.listed(row), one.certain, bool(one.doubts), one.again, one.confirmed)
        for row, one in findings
    ]
    released = [part.id for part in splitting.released_parts(session, [row.id for row in rows])]
    return blake2b(repr((said, released)).encode(), digest_size=8).hexdigest()


def _found(session: Session, context: ContextRow) -> Sequence[StudyRow]:
    """By this context's questions, and by everybody's before who had the same patient open."""
    identity = context.patient.identity
    theirs = ContextRow.key == context.key
    if identity.patient_id:
        theirs |= (ContextRow.patient_id == identity.patient_id) & (ContextRow.issuer == identity.issuer)
    found = (
        select(FoundRow.study_row)
        .join(AskRow, AskRow.id == FoundRow.ask)
        .join(ContextRow, ContextRow.key == AskRow.context)
        .where(theirs)
    )
    return session.scalars(select(StudyRow).where(StudyRow.id.in_(found)).order_by(StudyRow.id)).all()
