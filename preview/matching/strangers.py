"""Images of somebody else in a study: what was seen of them, remembered until it is disproved."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from preview.errands.claim import Claim
from preview.matching import unmatched
from preview.records import Errand, FetchRow
from preview.studies import contents


def nameless(count: int) -> set[str]:
    """What stands for so many that our receiver refused: nothing is kept of them, not even a UID."""
    return {f"refused {n}" for n in range(1, count + 1)}


def remembered(session: Session, claim: Claim, *, anew: bool) -> set[str]:
    """The strangers that were seen before, by UID as far as they had one.

    What an earlier try of this fetch saw, also one whose worker was killed before it told staff; and what
    earlier fetches saw, while it waits for staff. Nothing else would say that they are there: what is held
    is not asked for again, and so what came with it does not come again either. ``anew``: nothing is held,
    so everything is asked for again, and what earlier fetches saw comes or is gone.
    """
    count = session.get_one(FetchRow, claim.fetch_id).withheld
    if not anew and not count and unmatched.foreign_stands(session, claim.study_row):
        count = _last_count(session, claim) or 1
    if not count:
        return set()
    named = contents.strangers(session, claim.study_row)
    return named | nameless(count - len(named))


def _last_count(session: Session, claim: Claim) -> int | None:
    """How many the newest fetch withheld that withheld any."""
    theirs = (FetchRow.study_row == claim.study_row) & (FetchRow.errand == Errand.FETCH)
    counts = select(FetchRow.withheld).where(theirs, FetchRow.withheld > 0)
    return session.scalar(counts.order_by(FetchRow.wanted_at.desc()).limit(1))
