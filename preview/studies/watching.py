"""What a page rests on: equal marks mean that nothing else may be shown of this patient than before."""

from collections.abc import Sequence
from hashlib import blake2b

from sqlalchemy.orm import Session

from fetch.model import Source
from preview.kept import Look
from preview.matching import splitting
from preview.records import ContextRow
from preview.studies import showing


def mark(session: Session, context: ContextRow, sources: Sequence[Source], look: Look) -> str:
    """Of everything that was ever found for this patient: is it listed, whose is it thought to be, and which
    images inside it have staff released?
    """
    sight = showing.Sight(session, context, sources, look)
    rows = sight.ever_found()
    sight.look_at(rows)
    findings = [(row, sight.finding(row)) for row in rows]
    said = [
        (row.id, sight.listed(row), one.certain, bool(one.doubts), one.again, one.confirmed)
        for row, one in findings
    ]
    released = [part.id for part in splitting.released_parts(session, [row.id for row in rows])]
    return blake2b(repr((said, released)).encode(), digest_size=8).hexdigest()
