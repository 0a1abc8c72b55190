"""What earlier tries found out about a study: what comes first, and what need not be asked for as a whole."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from fetch.model import Instance
from fetch.notes import Note, Noted, noted
from fetch.plan import CountedMore
from fetch.wholes import BroughtWhole
from preview.records import Arrival, FetchRow, InstanceRow, NoteRow, SeriesRow
from preview.studies import selections


def key_images(session: Session, study_row: int) -> list[str]:
    """What the key object selections that are here name, and do not reject."""
    marked = selections.marked(session, [study_row])
    return [uid for (_, uid), one in marked.items() if not one.rejected]


def settled(session: Session, study_row: int) -> dict[str, int]:
    """Series (UID) -> up to which count of the archive's nothing comes of asking for all of it.

    Because so many are known by name, or because all are that it sent when it was asked for as a whole.
    """
    here, whole = _here(session, study_row)
    for facts in _said(session, study_row, Note.COUNTED_MORE):
        uid, counted, lacks = str(facts.get("of")), _number(facts.get("counted")), _number(facts.get("count"))
        if here[uid] >= counted - lacks:
            whole[uid] = max(counted, whole.get(uid, 0))
    return whole


def brought(session: Session, study_row: int, counted: int | None) -> set[str]:
    """The series, and "" for the study, of which earlier tries brought all that no list names.

    ``counted``: how many images the archive counts in the study now; what has grown is asked for anew.
    """
    known = Counter(one.series_uid for one in session.execute(_names(study_row)))
    if counted is not None:
        return {""} | set(known) if known.total() >= counted else set()
    said = _said(session, study_row, Note.WHOLE)
    came = {str(facts.get("of", "")): _number(facts.get("count")) for facts in said}
    here = known | Counter({"": known.total()})
    return {uid for uid, count in came.items() if 0 < count <= here[uid]}


def known(session: Session, study_row: int, held: Collection[str]) -> list[Instance]:
    """What is known by name and not here: an archive may list less than it did, or than it sends."""
    named = session.execute(_names(study_row))
    return [Instance(one[0], one[1], number=one[2]) for one in named if one[1] not in held]


def _names(study_row: int) -> Select[str, str, int | None]:
    return (
        select(SeriesRow.series_uid, InstanceRow.instance_uid, InstanceRow.number)
        .join(InstanceRow, InstanceRow.series_row == SeriesRow.id)
        .where(SeriesRow.study_row == study_row, InstanceRow.arrival != Arrival.WITHHELD)
    )


def of_wholes(found: Collection[BroughtWhole]) -> Iterator[Noted]:
    """For the log of a fetch, which remembers for the next one what came of more than is listed."""
    for one in found:
        if not one.short:
            yield noted(Note.WHOLE, count=one.came, of=one.series_uid)
    if any(one.short for one in found):
        yield noted(Note.NAMELESS)


def lines(found: Collection[CountedMore]) -> Iterator[Noted]:
    """For the log of a fetch, which remembers it for the next one."""
    for one in found:
        number = "–" if one.series.number is None else one.series.number
        counted = one.series.expected or 0
        yield noted(
            Note.COUNTED_MORE, series=number, count=one.lacks, counted=counted, of=one.series.series_uid
        )


def _here(session: Session, study_row: int) -> tuple[Counter[str], dict[str, int]]:
    """How many images of each series are known by name, and this of those of which all are."""
    here = Counter(one.series_uid for one in session.execute(_names(study_row)))
    theirs = select(SeriesRow.series_uid, SeriesRow.expected).where(SeriesRow.study_row == study_row)
    expected = {one.series_uid: one.expected for one in session.execute(theirs)}
    counts = {uid: here[uid] for uid, count in expected.items() if count is not None and here[uid] >= count}
    return here, counts


def _said(session: Session, study_row: int, note: Note) -> Iterator[Mapping[str, int | str]]:
    """The facts of every such line, the oldest first."""
    said = select(NoteRow.facts).join(FetchRow, FetchRow.id == NoteRow.fetch)
    theirs = (FetchRow.study_row == study_row) & (NoteRow.code == note.code)
    yield from session.scalars(said.where(theirs).order_by(NoteRow.id))


def _number(fact: int | str | None) -> int:
    return fact if isinstance(fact, int) else 0
