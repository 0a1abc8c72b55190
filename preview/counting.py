"""What earlier tries found out about a study: what comes first, and what need not be asked for as a whole."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from fetch.notes import Note, Noted, noted
from fetch.plan import CountedMore
from preview import selections
from preview.records import FetchRow, InstanceRow, NoteRow, SeriesRow


def key_images(session: Session, study_row: int) -> list[str]:
    """What the key object selections that are here name, and do not reject."""
    marked = selections.marked(session, [study_row])
    return [uid for (_, uid), one in marked.items() if not one.rejected]


def settled(session: Session, study_row: int, held: Collection[str]) -> dict[str, int]:
    """Series (UID) -> up to which count of the archive's nothing comes of asking for all of it.

    Because so many are here; or because all that it sent when it was asked for as a whole still are.
    """
    here, whole = _here(session, study_row, held)
    for facts in _counted_more(session, study_row):
        uid, counted, lacks = str(facts.get("of")), _number(facts.get("counted")), _number(facts.get("count"))
        if here[uid] >= counted - lacks:
            whole[uid] = max(counted, whole.get(uid, 0))
    return whole


def lines(found: Collection[CountedMore]) -> Iterator[Noted]:
    """For the log of a fetch, which remembers it for the next one."""
    for one in found:
        number = "–" if one.series.number is None else one.series.number
        counted = one.series.expected or 0
        yield noted(
            Note.COUNTED_MORE, series=number, count=one.lacks, counted=counted, of=one.series.series_uid
        )


def _here(session: Session, study_row: int, held: Collection[str]) -> tuple[Counter[str], dict[str, int]]:
    """How many images of each series are here, and this of those that are here whole."""
    here: Counter[str] = Counter()
    expected: dict[str, int | None] = {}
    theirs = select(SeriesRow.series_uid, SeriesRow.expected, InstanceRow.instance_uid).join(
        InstanceRow, InstanceRow.series_row == SeriesRow.id
    )
    for series_uid, count, instance_uid in session.execute(theirs.where(SeriesRow.study_row == study_row)):
        here[series_uid] += instance_uid in held
        expected[series_uid] = count
    counts = {uid: here[uid] for uid, count in expected.items() if count is not None and here[uid] >= count}
    return here, counts


def _counted_more(session: Session, study_row: int) -> Iterator[Mapping[str, int | str]]:
    said = select(NoteRow.facts).join(FetchRow, FetchRow.id == NoteRow.fetch)
    theirs = (FetchRow.study_row == study_row) & (NoteRow.code == Note.COUNTED_MORE.code)
    yield from session.scalars(said.where(theirs))


def _number(fact: int | str | None) -> int:
    return fact if isinstance(fact, int) else 0
