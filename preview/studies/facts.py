"""Reads from the database what a page is made from; decides nothing."""

from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session, aliased

from fetch.model import AnswerKind, PatientQuery, Source
from fetch.reasons import Reason
from fetch.records import StudyRow
from preview.errands import asking, wanting
from preview.errands.facts import Errands, Stored, held_up_of, stored
from preview.health import journal
from preview.kept import Look
from preview.matching import rejudging
from preview.page import (
    AnswerFacts,
    AskFacts,
    Choice,
    FetchFacts,
    Meant,
    Other,
    PatientFacts,
    Poster,
    Strip,
    StudyFacts,
    StudyPageFacts,
    ViewerFacts,
    slice_of,
)
from preview.parts import Parts
from preview.range import Span
from preview.records import AnswerRow, AskRow, ContextRow, Errand, FetchRow, FoundRow
from preview.studies import gallery, showing
from preview.viewer.links import NOT_CHECKED, Held


def patient_facts(
    parts: Parts, look: Look, context: ContextRow, span: Span | None, choice: Choice
) -> PatientFacts:
    """The patient's page for the newest question (for this range); rings again for what nobody took up.

    What it withholds and staff have not heard of is put before them.

    Of a long list only what the page shows has its posters read, and the viewer asked about it.
    """
    bell = parts.bell.answers(within=_BELL_S)
    key = ("patient", context.key, context.patient, span, bell)
    seen = look.lasting.get(key, lambda: _read_patient(parts, look.lasting, context, span))
    if seen.unheard:
        rejudging.want(parts, context.patient.identity)
    kept = _errands(parts, look, seen.certain)
    errands = kept.at(parts, context)
    groups = showing.by_uid(seen.certain, parts.settings.sources, kept.fetched)
    held_up = held_up_of(journal.seen(parts.records, look), parts.now, parts.settings.app)
    listed = tuple(
        replace(
            _study(parts, rows, errands, {}, {}),
            seen=tuple((row.source, row.seen_at) for row in rows),
            confirmed=any(row.id in seen.confirmed for row in rows),
        )
        for rows in groups
    )
    meant = Meant(context.accession, context.study_uid)
    begins = seen.found.get(choice.after)
    after = begins.study if begins else None
    shown = {one.key for one in slice_of(listed, choice, meant, after).studies}
    rows = [rows[0] for rows in groups if rows[0].key in shown]
    filled = _filled(parts, look, rows, errands)
    bell = ring(parts, seen.ask, errands.unfinished)
    return PatientFacts(
        role=context.role,
        patient=context.patient,
        ask=_ask(seen.ask),
        answers=tuple(replace(one, held_up=held_up.get(one.source)) for one in seen.answers),
        studies=tuple(replace(one, **filled.get(one.key, {})) for one in listed),
        bell=bell,
        choice=choice,
        meant=meant,
        after=after,
    )


def chosen_studies(parts: Parts, rows: Sequence[StudyRow]) -> tuple[StudyFacts, ...]:
    """These studies, each as its own source has it; who may see them was asked before."""
    look = parts.kept.look()
    errands = _errands(parts, look, rows).at(parts)
    filled = _filled(parts, look, rows, errands)
    return tuple(replace(_study(parts, [row], errands, {}, {}), **filled[row.key]) for row in rows)


def _filled(
    parts: Parts, look: Look, rows: Sequence[StudyRow], errands: Errands
) -> dict[str, dict[str, Any]]:
    """The posters of each of these studies, by its key, and what the viewer has of it."""
    held = _held(parts, rows, errands)
    fetched = [row for row in rows if errands.get(row, Errand.FETCH)]
    key = ("views", tuple(row.id for row in fetched))

    def read() -> dict[int, tuple[Poster, ...]]:
        with parts.records.read() as session:
            return gallery.views(session, fetched, gallery.posters(session, fetched))

    posters = look.get(key, read)
    return {
        row.key: {
            "posters": posters.get(row.id, ()),
            "viewer": _viewer(parts, row, errands.get(row, Errand.BRING), held),
        }
        for row in rows
    }


@dataclass(frozen=True)
class _SeenOfPatient:
    """What the database says for the patient's page, whatever the time, and whatever is being fetched."""

    ask: AskRow | None
    answers: tuple[AnswerFacts, ...]
    certain: list[StudyRow]
    """What may be shown."""
    confirmed: frozenset[int]
    """What may be shown because staff have said so, by its row."""
    found: Mapping[str, StudyRow]
    """Also what may not be shown, by its key: where a page begins stays known when its study is gone."""
    unheard: bool
    """Something is withheld of which staff do not know."""


def _read_patient(parts: Parts, look: Look, context: ContextRow, span: Span | None) -> _SeenOfPatient:
    sources = parts.settings.sources
    with parts.records.read() as session:
        sight = showing.Sight(session, context, sources, look)
        ask = sight.last_ask(span)
        found = _found(session, sight, ask, sources, _silent(parts, ask))
        listed = list(filter(sight.listed, found))
        sight.look_at(listed)
        certain = list(filter(sight.certain, listed))
        waiting = [row for row in listed if sight.finding(row).doubts]
        withheld = Counter(row.source for row in waiting)
        again = Counter(row.source for row in waiting if sight.finding(row).again)
        unlisted = Counter(row.source for row in found if row.unlisted_at)
        answers = _answers(sources, ask, sight.counted_before(ask) if ask else {})
        failed = sight.failed_before(ask) if ask else {}
        answers = tuple(
            replace(
                one,
                withheld=withheld[one.source],
                again=again[one.source],
                unlisted=unlisted[one.source],
                failed_at=failed.get(one.source),
            )
            for one in answers
        )
        confirmed = frozenset(row.id for row in certain if sight.finding(row).confirmed)
        unheard = rejudging.is_unheard(session, context.patient, waiting)
    by_key = {row.key: row for row in found}
    return _SeenOfPatient(ask, answers, certain, confirmed, by_key, unheard)


def _errands(parts: Parts, look: Look, studies: Iterable[StudyRow]) -> Stored:
    """They are the same for whoever watches these studies."""
    ids = tuple(sorted(row.id for row in studies))

    def read() -> Stored:
        with parts.records.read() as session:
            return stored(session, ids, look)

    return look.get(("errands", ids), read)


def study_facts(
    parts: Parts,
    look: Look,
    context: ContextRow,
    row: StudyRow,
    series_id: int | None,
    instance: int | None,
    frame: int,
) -> StudyPageFacts:
    """The study page with every drawn picture of every series."""
    bell = parts.bell.answers(within=_BELL_S)
    key = ("study", context.key, context.patient, row.id, row.study, bell)
    seen = look.lasting.get(key, lambda: _read_study(parts, look.lasting, context, row))
    others = seen.others
    errands = _errands(parts, look, [row]).at(parts, context)
    drawn = look.get(("drawn", row.id), lambda: _read_drawn(parts, row))
    held = _held(parts, [row, *others], errands)
    posters = {row.id: drawn.posters} if row.id in errands.fetched else {}
    study = replace(_study(parts, [row], errands, held, posters), confirmed=seen.confirmed)
    bell = ring(parts, None, errands.unfinished)
    return StudyPageFacts(
        role=context.role,
        patient=context.patient,
        study=study,
        strips=drawn.strips,
        bell=bell,
        series_id=series_id,
        instance=instance,
        frame=frame,
        others=tuple(Other(other.study, _viewer(parts, other, None, held), other.key) for other in others),
        enlarging=errands.get(row, Errand.ENLARGE),
    )


@dataclass(frozen=True)
class _SeenOfStudy:
    """What the database says for the study page, whatever the time, and whatever is being fetched."""

    others: list[StudyRow]
    confirmed: bool


def _read_study(parts: Parts, look: Look, context: ContextRow, row: StudyRow) -> _SeenOfStudy:
    with parts.records.read() as session:
        sight = showing.Sight(session, context, parts.settings.sources, look)
        return _SeenOfStudy(_others(session, parts, sight, row), sight.finding(row).confirmed)


@dataclass(frozen=True)
class _Drawn:
    """The pictures of one study, for whoever watches it."""

    posters: tuple[Poster, ...]
    strips: tuple[Strip, ...]


def _read_drawn(parts: Parts, row: StudyRow) -> _Drawn:
    with parts.records.read() as session:
        return _Drawn(gallery.posters(session, [row]).get(row.id, ()), gallery.strips(session, row))


def _others(session: Session, parts: Parts, sight: showing.Sight, row: StudyRow) -> list[StudyRow]:
    """The patient's other studies that the newest question found, newest first, one for each study UID."""
    sources = parts.settings.sources
    ask = sight.last_ask(None)
    found = _found(session, sight, ask, sources, _silent(parts, ask))
    others = [other for other in found if other.study_uid != row.study_uid and sight.listed(other)]
    sight.look_at(others)
    groups = showing.by_uid(filter(sight.certain, others), sources, ())
    return sorted((rows[0] for rows in groups), key=lambda o: o.study_date or date.min, reverse=True)[:_MOST]


_MOST = 50
"""Studies that are offered to compare with, and that the viewer is asked about."""


def _held(parts: Parts, rows: Iterable[StudyRow], errands: Errands) -> dict[str, Held]:
    """What the viewer has of each; an answer from before it was brought there is too old.

    It is not asked about more than the newest few dozen, for every look would be as many questions.
    """
    newest = sorted(rows, key=lambda row: row.study_date or date.max, reverse=True)
    uids = dict.fromkeys(row.study_uid for row in newest)
    asked = list(uids)[:_MOST]
    return dict.fromkeys(uids, NOT_CHECKED) | parts.viewer.look(asked, errands.ended(Errand.BRING))


def _viewer(parts: Parts, row: StudyRow, bring: FetchFacts | None, held: Mapping[str, Held]) -> ViewerFacts:
    source = parts.settings.source(row.source)
    return ViewerFacts(
        held=held.get(row.study_uid, NOT_CHECKED),
        data_source=source.viewer_source if source else "",
        exists=not parts.settings.viewer.missing,
        reachable_by_move=parts.settings.viewer.aet is not None,
        bring=bring,
    )


_BELL_S = 1.0
"""Two hundred pages that are watched need not ask two hundred times a second whether the queue is there."""


def ring(parts: Parts, ask: AskRow | None, unfinished: Sequence[FetchRow]) -> bool:
    """Is the queue there, where anything still depends on it?"""
    unanswered = ask is not None and not ask.finished_at
    if not unfinished and not unanswered:
        return True
    if not parts.bell.answers(within=_BELL_S):
        return False
    if ask is not None and unanswered:
        asking.ring_if_forgotten(parts, ask)
    for fetch in unfinished:
        wanting.ring_if_forgotten(parts, fetch)
    return True


def _silent(parts: Parts, ask: AskRow | None) -> set[str]:
    """The sources that are not going to answer this question soon: they failed, or it cannot be passed on."""
    if ask is None:
        return set()
    failed = {answer.source for answer in ask.answers if AnswerKind(answer.kind) is AnswerKind.OUTAGE}
    if ask.finished_at or ask.begun_at or parts.bell.answers(within=_BELL_S):
        return failed
    return {source.name for source in parts.settings.sources}


def _found(
    session: Session,
    sight: showing.Sight,
    ask: AskRow | None,
    sources: Iterable[Source],
    silent: Container[str],
) -> Sequence[StudyRow]:
    """What the question found; of a source that has not answered it, what the context knew before.

    Of one that is ``silent``, also what was found when anybody else asked for the same patient.
    """
    if ask is None:
        return ()
    now = sight.found_by(ask)
    answered = _answered(ask)
    if answered >= {source.name for source in sources}:
        return now
    earlier = session.scalars(_FOUND_IN_CONTEXT, {"context": ask.context}).all()
    by_others = session.scalars(_FOUND_OF_PATIENT, {"context": ask.context})
    earlier = [*earlier, *(row for row in by_others if row.source in silent)]
    kept = [row for row in earlier if row.source not in answered and _covers(ask, row)]
    return list({row.id: row for row in [*now, *kept]}.values())


# Put together once: a page is asked for several times a second, and that costs more than the answer.
_FOUND = select(StudyRow).join(FoundRow, FoundRow.study_row == StudyRow.id)
_FOUND_IN_CONTEXT = _FOUND.join(AskRow, AskRow.id == FoundRow.ask).where(
    AskRow.context == bindparam("context")
)

_THIS, _SAME = aliased(ContextRow), aliased(ContextRow)
_FOUND_OF_PATIENT = (
    _FOUND.join(AskRow, AskRow.id == FoundRow.ask)
    .join(_SAME, _SAME.key == AskRow.context)
    .join(_THIS, (_THIS.patient_id == _SAME.patient_id) & (_THIS.issuer == _SAME.issuer))
    .where(_THIS.key == bindparam("context"), _THIS.patient_id != "")
)


def _answered(ask: AskRow) -> set[str]:
    """The sources whose answer to this question says what they hold."""
    return {answer.source for answer in ask.answers if AnswerKind(answer.kind) is not AnswerKind.OUTAGE}


def _covers(ask: AskRow, row: StudyRow) -> bool:
    return PatientQuery(row.patient, ask.start, ask.end).covers(row.study_date)


def _study(
    parts: Parts,
    rows: Sequence[StudyRow],
    errands: Errands,
    held: Mapping[str, Held],
    posters: Mapping[int, tuple[Poster, ...]],
) -> StudyFacts:
    first = rows[0]
    labels = {source.name: source.label for source in parts.settings.sources}
    fetch = errands.get(first, Errand.FETCH)
    return StudyFacts(
        key=first.key,
        study=first.study,
        labels=tuple(labels.get(row.source, row.source) for row in rows),
        fetch=fetch,
        posters=posters.get(first.id, ()),
        viewer=_viewer(parts, first, errands.get(first, Errand.BRING), held),
    )


def _ask(ask: AskRow | None) -> AskFacts | None:
    return AskFacts(ask.start, ask.end, ask.wanted_at, ask.begun_at, ask.finished_at) if ask else None


def _answers(
    sources: Iterable[Source], ask: AskRow | None, before: Mapping[str, AnswerRow]
) -> tuple[AnswerFacts, ...]:
    """``before``: what each counted outside the dates when it last answered the same question."""
    rows = {row.source: row for row in ask.answers} if ask else {}
    facts = []
    for source in sources:
        row = rows.get(source.name)
        silent = row is None or AnswerKind(row.kind) is AnswerKind.OUTAGE
        counted = before.get(source.name) if silent else row
        facts.append(
            AnswerFacts(
                source=source.name,
                label=source.label,
                kind=AnswerKind(row.kind) if row else None,
                reason=Reason.of(row.reason) if row else None,
                outside=counted.outside if counted else 0,
                outside_at=counted.answered_at if counted and silent else None,
                at=row.answered_at if row else None,
            )
        )
    return tuple(facts)
