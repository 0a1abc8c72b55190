"""Reads from the database what a page is made from; decides nothing."""

from collections import defaultdict
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from fetch.model import AnswerKind, PatientQuery, Source
from fetch.reasons import Reason
from fetch.records import StudyRow, UnmatchedRow
from preview import asking, gallery, showing, wanting
from preview.page import (
    AnswerFacts,
    AskFacts,
    FetchFacts,
    Other,
    PatientFacts,
    StudyFacts,
    StudyPageFacts,
    ViewerFacts,
)
from preview.parts import Parts
from preview.records import AskRow, ContextRow, Errand, FetchRow, FoundRow
from preview.viewer import NOT_CHECKED, Held


def patient_facts(parts: Parts, context: ContextRow, ask: AskRow | None, modality: str) -> PatientFacts:
    """The patient's page for one ask; rings again for whatever nobody has taken up."""
    sources = parts.settings.sources
    with parts.records.read() as session:
        found = [row for row in _found(session, ask) if showing.listed(session, context, row)]
        certain = [row for row in found if showing.certain(session, context, row, sources)]
        withheld = [row.source for row in found if row not in certain]
        errands = _latest_errands(session, certain)
        held = _held(parts, certain, errands)
        groups = _by_uid(parts, certain, errands)
        answered = _answered(ask) if ask else set()
        studies = tuple(
            replace(_study(session, parts, rows, errands, held), as_of=_as_of(rows[0], answered))
            for rows in groups
        )
        answers = _answers(parts.settings.sources, ask, withheld)
    bell = _ring(parts, ask, errands.values())
    return PatientFacts(
        role=context.role,
        patient=context.patient,
        ask=_ask(ask),
        answers=answers,
        studies=studies,
        bell=bell,
        modality=modality,
        accession=context.accession,
        study_uid=context.study_uid,
    )


def study_facts(
    parts: Parts, context: ContextRow, row: StudyRow, series_id: int | None, instance: int | None, frame: int
) -> StudyPageFacts:
    """The study page with every drawn picture of every series."""
    with parts.records.read() as session:
        others = _others(session, parts, context, row)
        errands = _latest_errands(session, [row])
        held = _held(parts, [row, *others], errands)
        study = _study(session, parts, [row], errands, held)
        strips = gallery.strips(session, row)
    bell = _ring(parts, None, errands.values())
    return StudyPageFacts(
        role=context.role,
        patient=context.patient,
        study=study,
        strips=strips,
        bell=bell,
        series_id=series_id,
        instance=instance,
        frame=frame,
        others=tuple(Other(other.study, _viewer(parts, other, {}, held)) for other in others),
    )


def _others(session: Session, parts: Parts, context: ContextRow, row: StudyRow) -> list[StudyRow]:
    """The patient's other studies that the newest question found, newest first, one for each study UID."""
    found = _found(session, last_ask(session, context, None))
    shown = [
        other
        for other in found
        if other.study_uid != row.study_uid
        and showing.listed(session, context, other)
        and showing.certain(session, context, other, parts.settings.sources)
    ]
    groups = _by_uid(parts, shown, {})
    return sorted((rows[0] for rows in groups), key=lambda o: o.study_date or date.min, reverse=True)[:_MOST]


_MOST = 50
"""Studies that are offered to compare with, and that the viewer is asked about."""


def _held(
    parts: Parts, rows: Iterable[StudyRow], errands: Mapping[tuple[int, Errand], FetchRow]
) -> dict[str, Held]:
    """What the viewer has of each; an answer from before it was brought there is too old.

    It is not asked about more than the newest few dozen, for every look would be as many questions.
    """
    brought = {}
    newest = sorted(rows, key=lambda row: row.study_date or date.max, reverse=True)
    uids = dict.fromkeys(row.study_uid for row in newest)
    for (_, errand), row in errands.items():
        if errand is Errand.BRING and row.finished_at:
            brought[row.study.study_uid] = row.finished_at
    asked = list(uids)[:_MOST]
    return dict.fromkeys(uids, NOT_CHECKED) | parts.viewer.look(asked, brought)


def _viewer(
    parts: Parts,
    row: StudyRow,
    errands: Mapping[tuple[int, Errand], FetchRow],
    held: Mapping[str, Held],
    session: Session | None = None,
) -> ViewerFacts:
    source = parts.settings.source(row.source)
    bring = errands.get((row.id, Errand.BRING))
    return ViewerFacts(
        held=held[row.study_uid],
        data_source=source.viewer_source if source else "",
        exists=not parts.settings.viewer.missing,
        reachable_by_move=parts.settings.viewer.aet is not None,
        bring=_fetch(session, parts, bring) if bring and session else None,
    )


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


def _as_of(row: StudyRow, answered: Container[str]) -> datetime | None:
    """When the source last spoke of the study, where it has not answered this question."""
    return None if row.source in answered else row.seen_at


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
    """What the question found; of a source that has not answered it, what the context knew before."""
    if ask is None:
        return ()
    found = select(StudyRow).join(FoundRow, FoundRow.study_row == StudyRow.id)
    now = session.scalars(found.where(FoundRow.ask == ask.id)).all()
    earlier = found.join(AskRow, AskRow.id == FoundRow.ask).where(AskRow.context == ask.context)
    answered = _answered(ask)
    kept = [row for row in session.scalars(earlier) if row.source not in answered and _covers(ask, row)]
    return list({row.id: row for row in [*now, *kept]}.values())


def _answered(ask: AskRow) -> set[str]:
    """The sources whose answer to this question says what they hold."""
    return {answer.source for answer in ask.answers if AnswerKind(answer.kind) is not AnswerKind.OUTAGE}


def _covers(ask: AskRow, row: StudyRow) -> bool:
    return PatientQuery(row.patient, ask.start, ask.end).covers(row.study_date)


def _by_uid(
    parts: Parts, rows: Iterable[StudyRow], errands: Mapping[tuple[int, Errand], FetchRow]
) -> list[list[StudyRow]]:
    """One card a study UID. The first source of each is fetched from: the one that has most of the study.

    Where they have the same, it is the one that was fetched from before, then the first of the settings.
    """
    order = {source.name: index for index, source in enumerate(parts.settings.sources)}

    def preference(row: StudyRow) -> tuple[int, bool, int]:
        fetched = (row.id, Errand.FETCH) in errands
        return -(row.instance_count or 0), not fetched, order.get(row.source, len(order))

    groups: dict[str, list[StudyRow]] = defaultdict(list)
    for row in sorted(rows, key=preference):
        groups[row.study_uid].append(row)
    return list(groups.values())


def _study(
    session: Session,
    parts: Parts,
    rows: Sequence[StudyRow],
    errands: Mapping[tuple[int, Errand], FetchRow],
    held: Mapping[str, Held],
) -> StudyFacts:
    first = rows[0]
    labels = {source.name: source.label for source in parts.settings.sources}
    fetch = errands.get((first.id, Errand.FETCH))
    return StudyFacts(
        key=first.key,
        study=first.study,
        labels=tuple(labels.get(row.source, row.source) for row in rows),
        fetch=_fetch(session, parts, fetch) if fetch else None,
        posters=gallery.posters(session, first) if fetch else (),
        viewer=_viewer(parts, first, errands, held, session),
    )


def _latest_errands(session: Session, rows: Iterable[StudyRow]) -> dict[tuple[int, Errand], FetchRow]:
    """The newest of each kind for each study."""
    ids = [row.id for row in rows]
    newest_last = select(FetchRow).where(FetchRow.study_row.in_(ids)).order_by(FetchRow.wanted_at)
    return {(row.study_row, row.errand): row for row in session.scalars(newest_last)}


def _fetch(session: Session, parts: Parts, row: FetchRow) -> FetchFacts:
    waits = not row.begun_at
    return FetchFacts(
        wanted_at=row.wanted_at,
        begun_at=row.begun_at,
        beat_at=row.beat_at,
        finished_at=row.finished_at,
        outcome=row.outcome,
        reason=Reason.of(row.reason),
        reference=f"F-{row.id[:6].upper()}",
        expected=row.expected if row.expected is not None or row.outcome else row.study.instance_count,
        arrived=row.arrived,
        withheld=row.withheld,
        ahead=wanting.ahead(session, row) if waits else 0,
        moved_at=row.moved_at,
        attended=not waits or wanting.attended(session, parts.now),
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
