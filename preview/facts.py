"""Reads from the database what a page is made from; decides nothing."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from fetch.model import AnswerKind, Source
from fetch.reasons import Reason
from fetch.records import StudyRow, UnmatchedRow
from preview import asking, showing, wanting
from preview.page import (
    AnswerFacts,
    AskFacts,
    FetchFacts,
    PatientFacts,
    Picture,
    Poster,
    Strip,
    StudyFacts,
    StudyPageFacts,
)
from preview.parts import Parts
from preview.progress import THUMBNAIL
from preview.records import Arrival, AskRow, ContextRow, FetchRow, FoundRow, InstanceRow, SeriesRow
from preview.shelf import Place, picture_key


def patient_facts(parts: Parts, context: ContextRow, ask: AskRow | None, modality: str) -> PatientFacts:
    """The patient's page for one ask; rings again for whatever nobody has taken up."""
    sources = parts.settings.sources
    with parts.records.read() as session:
        found = [row for row in _found(session, ask) if showing.listed(session, context, row)]
        certain = [row for row in found if showing.certain(session, context, row, sources)]
        withheld = [row.source for row in found if row not in certain]
        fetches = _latest_fetches(session, certain)
        studies = tuple(_study(session, parts, rows, fetches) for rows in _by_uid(parts, certain))
        answers = _answers(parts.settings.sources, ask, withheld)
    bell = _ring(parts, ask, fetches.values())
    return PatientFacts(
        role=context.role,
        patient=context.patient,
        ask=_ask(ask),
        answers=answers,
        studies=studies,
        bell=bell,
        modality=modality,
    )


def study_facts(
    parts: Parts, context: ContextRow, row: StudyRow, series_id: int | None, instance: int | None, frame: int
) -> StudyPageFacts:
    """The study page with every drawn picture of every series."""
    with parts.records.read() as session:
        fetches = _latest_fetches(session, [row])
        study = _study(session, parts, [row], fetches)
        strips = _strips(session, row)
    bell = _ring(parts, None, fetches.values())
    return StudyPageFacts(context.role, context.patient, study, strips, bell, series_id, instance, frame)


def last_ask(
    session: Session, context: ContextRow, span: tuple[date | None, date | None] | None
) -> AskRow | None:
    """The newest question of this context, for this range if one is given."""
    newest = select(AskRow).where(AskRow.context == context.key).order_by(AskRow.wanted_at.desc()).limit(1)
    if span is not None:
        newest = newest.where(
            AskRow.start.is_not_distinct_from(span[0]), AskRow.end.is_not_distinct_from(span[1])
        )
    return session.scalar(newest)


def open_unmatched(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(UnmatchedRow)) or 0


def _ring(parts: Parts, ask: AskRow | None, fetches: Iterable[FetchRow]) -> bool:
    """Is the queue there, where anything still depends on it?"""
    waiting = [fetch for fetch in fetches if not fetch.finished_at]
    unanswered = ask is not None and not ask.finished_at
    if not waiting and not unanswered:
        return True
    if not parts.bell.answers():
        return False
    if ask is not None and unanswered:
        asking.ring_if_forgotten(parts, ask)
    for fetch in waiting:
        wanting.ring_if_forgotten(parts, fetch)
    return True


def _found(session: Session, ask: AskRow | None) -> Sequence[StudyRow]:
    if ask is None:
        return ()
    named = select(StudyRow).join(FoundRow, FoundRow.study_row == StudyRow.id).where(FoundRow.ask == ask.id)
    return session.scalars(named).all()


def _by_uid(parts: Parts, rows: Iterable[StudyRow]) -> list[list[StudyRow]]:
    """One card a study UID; the source that stands first in the settings is fetched from."""
    order = {source.name: index for index, source in enumerate(parts.settings.sources)}
    groups: dict[str, list[StudyRow]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: order.get(row.source, len(order))):
        groups[row.study_uid].append(row)
    return list(groups.values())


def _study(
    session: Session, parts: Parts, rows: Sequence[StudyRow], fetches: dict[int, FetchRow]
) -> StudyFacts:
    first = rows[0]
    labels = {source.name: source.label for source in parts.settings.sources}
    fetch = fetches.get(first.id)
    return StudyFacts(
        key=first.key,
        study=first.study,
        labels=tuple(labels.get(row.source, row.source) for row in rows),
        fetch=_fetch(session, fetch) if fetch else None,
        posters=_posters(session, first) if fetch else (),
    )


def _latest_fetches(session: Session, rows: Iterable[StudyRow]) -> dict[int, FetchRow]:
    ids = [row.id for row in rows]
    fetches = session.scalars(
        select(FetchRow).where(FetchRow.study_row.in_(ids)).order_by(FetchRow.wanted_at)
    )
    return {fetch.study_row: fetch for fetch in fetches}


def _fetch(session: Session, row: FetchRow) -> FetchFacts:
    return FetchFacts(
        wanted_at=row.wanted_at,
        begun_at=row.begun_at,
        beat_at=row.beat_at,
        finished_at=row.finished_at,
        outcome=row.outcome,
        reason=Reason.of(row.reason),
        reference=f"F-{row.id[:6].upper()}",
        expected=row.expected,
        arrived=row.arrived,
        withheld=row.withheld,
        ahead=0 if row.begun_at else wanting.ahead(session, row),
        cancelling=row.cancel_at is not None,
    )


def _ask(ask: AskRow | None) -> AskFacts | None:
    return AskFacts(ask.start, ask.end, ask.wanted_at, ask.begun_at, ask.finished_at) if ask else None


def _answers(
    sources: Iterable[Source], ask: AskRow | None, withheld: Sequence[str]
) -> tuple[AnswerFacts, ...]:
    rows = {row.source: row for row in ask.answers} if ask else {}
    facts = []
    for source in sources:
        row = rows.get(source.name)
        facts.append(
            AnswerFacts(
                source=source.name,
                label=source.label,
                kind=AnswerKind(row.kind) if row else None,
                reason=Reason.of(row.reason) if row else None,
                outside=row.outside if row else 0,
                at=row.answered_at if row else None,
                withheld=withheld.count(source.name),
            )
        )
    return tuple(facts)


def _posters(session: Session, study: StudyRow) -> tuple[Poster, ...]:
    """One picture a series: its poster, or until that is there the first that is."""
    series = session.scalars(
        select(SeriesRow)
        .where(SeriesRow.study_row == study.id)
        .order_by(SeriesRow.number.is_(None), SeriesRow.number, SeriesRow.id)
    )
    ready = (InstanceRow.study_row == study.id) & InstanceRow.arrival.in_(_ON_SHELF)
    first = select(func.min(InstanceRow.id)).where(ready).group_by(InstanceRow.series_row)
    standing = select(InstanceRow).where(ready, InstanceRow.poster | InstanceRow.id.in_(first))
    shown = {row.series_row: row for row in session.scalars(standing.order_by(InstanceRow.poster))}
    return tuple(_poster(study, row, shown.get(row.id)) for row in series)


def _poster(study: StudyRow, series: SeriesRow, instance: InstanceRow | None) -> Poster:
    return Poster(
        series=series.series_uid,
        modality=series.modality,
        description=series.description,
        number=series.number,
        count=series.expected,
        picture=_path(study, instance, _middle(instance.frames)) if instance else "",
        position=_position(series, instance),
        series_id=series.id,
        frames=len(instance.frames) if instance else 0,
    )


def _position(series: SeriesRow, instance: InstanceRow | None) -> int:
    """Where the picture stands in its series; a poster is the middle of the list, whatever the numbers."""
    if instance is not None and not instance.poster and instance.number is not None:
        return instance.number
    return (series.expected or 0) // 2 + 1


_ON_SHELF = (Arrival.PICTURE, Arrival.CARD)


def _middle(frames: Sequence[int]) -> int:
    return frames[len(frames) // 2] if frames else 1


def _path(study: StudyRow, instance: InstanceRow, frame: int, size: int = THUMBNAIL) -> str:
    return str(Place(study.key, picture_key(instance.instance_uid), frame, size))


def _strips(session: Session, study: StudyRow) -> tuple[Strip, ...]:
    instances: dict[int | None, list[InstanceRow]] = defaultdict(list)
    drawn = (InstanceRow.study_row == study.id) & InstanceRow.arrival.in_(_ON_SHELF)
    ordered = select(InstanceRow).where(drawn).order_by(InstanceRow.number.is_(None), InstanceRow.number)
    for instance in session.scalars(ordered.order_by(InstanceRow.instance_uid)):
        instances[instance.series_row].append(instance)
    series = session.scalars(
        select(SeriesRow)
        .where(SeriesRow.study_row == study.id)
        .order_by(SeriesRow.number.is_(None), SeriesRow.number, SeriesRow.id)
    )
    return tuple(_strip(study, row, instances[row.id]) for row in series)


def _strip(study: StudyRow, series: SeriesRow, instances: Sequence[InstanceRow]) -> Strip:
    return Strip(
        series_id=series.id,
        number=series.number,
        modality=series.modality,
        description=series.description,
        expected=series.expected,
        pictures=tuple(
            _picture(study, instance, frame, position)
            for position, instance in enumerate(instances, 1)
            for frame in instance.frames
        ),
    )


def _picture(study: StudyRow, instance: InstanceRow, frame: int, position: int) -> Picture:
    largest = max(instance.sizes, default=THUMBNAIL)
    return Picture(
        instance=instance.id,
        frame=frame,
        path=_path(study, instance, frame),
        position=position,
        card=instance.arrival is Arrival.CARD,
        reason=instance.reason,
        window=instance.window,
        enlarged=_path(study, instance, frame, largest) if largest > THUMBNAIL else "",
    )
