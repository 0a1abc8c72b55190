"""What an archive left undone while it was away is begun again by itself, as soon as it is well."""

import logging
from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, exists, or_, select
from sqlalchemy.orm import Session, aliased

from fetch.model import AnswerKind
from fetch.reasons import Reason
from fetch.records import StudyRow
from preview.errands import wanting
from preview.errands.patience import AFTER_RECOVERY, rest
from preview.health import journal
from preview.health.records import HealthRow
from preview.health.standing import State, state_of
from preview.matching.records import StrangersRow
from preview.parts import Parts
from preview.records import AnswerRow, AskRow, ContextRow, Errand, FetchRow, FoundRow, Outcome, Scope

log = logging.getLogger(__name__)

_ASKED_WITHIN = timedelta(hours=12)
"""A question of yesterday is nobody's any more, although its page may still be open."""
_WANTED_WITHIN = timedelta(days=7)
_MOST = 50
"""So many in one round, the newest first; the others come in the next."""

Well = Mapping[str, HealthRow]
"""The sources that can be asked, by name."""


def go_on(parts: Parts) -> None:
    """Ask and want again what failed before its source was found to be well."""
    now = parts.now
    with parts.records.read() as session:
        rows = journal.rows_of(session)
    well = {
        name: row
        for name, row in rows.items()
        if state_of(row, now, parts.settings.app) in (State.UP, State.SLOW) and row.since is not None
    }
    if well:
        ask_again(parts, well)
        want_again(parts, well)


# Questions


def ask_again(parts: Parts, well: Well) -> int:
    """Put the newest question of each open page to the sources that could not be asked then. How many?"""
    now = parts.now
    with parts.records.read() as session:
        due = _due(session, well, now)
    asked = 0
    for ask_id, sources in list(due.items())[:_MOST]:
        with parts.records.write() as session:
            new = _asked_again(session, ask_id, sources, now)
        if new:
            parts.bell.ring("asks", new)
            asked += 1
            log.info("ask=%s is ask=%s again, for source=%s", new, ask_id, ",".join(sorted(sources)))
    return asked


def _due(session: Session, well: Well, now: datetime) -> dict[str, set[str]]:
    """The questions, newest first, each with the sources that are to be asked again."""
    unanswered = session.execute(
        select(AskRow, AnswerRow)
        .join(AnswerRow, AnswerRow.ask == AskRow.id)
        .join(ContextRow, ContextRow.key == AskRow.context)
        .where(AnswerRow.kind == AnswerKind.OUTAGE, AnswerRow.source.in_(well))
        .where(AskRow.finished_at.is_not(None), AskRow.wanted_at > now - _ASKED_WITHIN)
        .where(ContextRow.ends_at > now, ~_newer(AskRow))
        .order_by(AskRow.wanted_at.desc())
    )
    due: dict[str, set[str]] = defaultdict(set)
    for ask, answer in unanswered:
        if _is_due(session, ask, answer, well[answer.source], now):
            due[ask.id].add(answer.source)
    return due


def _newer(ask: type[AskRow]) -> ColumnElement[bool]:
    """Was the same asked again since, by a click or by us?"""
    later = aliased(AskRow)
    return exists().where(
        later.context == ask.context,
        later.start.is_not_distinct_from(ask.start),
        later.end.is_not_distinct_from(ask.end),
        later.wanted_at > ask.wanted_at,
    )


def _is_due(session: Session, ask: AskRow, answer: AnswerRow, health: HealthRow, now: datetime) -> bool:
    """At once if the source has been away; what fails while it is well rests longer each time."""
    if health.since is not None and answer.answered_at < health.since:
        return True
    reason = Reason.of(answer.reason)
    looked = health.checked_at is not None and health.checked_at > answer.answered_at
    if reason is None or not reason.retriable or not looked:
        return False
    return answer.answered_at + rest(_failures(session, ask, answer, health), 1.0) <= now


def _failures(session: Session, ask: AskRow, answer: AnswerRow, health: HealthRow) -> int:
    """How often this question failed there since the source is well."""
    failed = (
        select(AnswerRow)
        .join(AskRow, AskRow.id == AnswerRow.ask)
        .where(AskRow.context == ask.context, AnswerRow.source == answer.source)
        .where(AskRow.start.is_not_distinct_from(ask.start), AskRow.end.is_not_distinct_from(ask.end))
        .where(AnswerRow.kind == AnswerKind.OUTAGE, AnswerRow.answered_at >= health.since)
    )
    return len(session.scalars(failed).all())


def _asked_again(session: Session, ask_id: str, sources: set[str], now: datetime) -> str | None:
    """A new question that knows already what the others answered; None if it was asked meanwhile."""
    old = session.get_one(AskRow, ask_id)
    session.get_one(ContextRow, old.context, with_for_update=True)  # another host may be at this too
    if session.scalar(select(AskRow.id).where(AskRow.id == ask_id, _newer(AskRow))):
        return None
    new = AskRow(context=old.context, start=old.start, end=old.end, wanted_at=now, rung_at=now)
    session.add(new)
    session.flush()
    for answer in old.answers:
        if answer.source not in sources:
            session.add(_copy(answer, new.id))
    found = select(FoundRow.study_row).join(StudyRow, StudyRow.id == FoundRow.study_row)
    for study in session.scalars(found.where(FoundRow.ask == ask_id, StudyRow.source.not_in(sources))).all():
        session.add(FoundRow(ask=new.id, study_row=study))
    strangers = select(StrangersRow).where(StrangersRow.ask == ask_id, StrangersRow.source.not_in(sources))
    for row in session.scalars(strangers).all():
        session.add(StrangersRow(ask=new.id, source=row.source, count=row.count, at=row.at))
    return new.id


def _copy(answer: AnswerRow, ask_id: str) -> AnswerRow:
    return AnswerRow(
        ask=ask_id,
        source=answer.source,
        kind=answer.kind,
        reason=answer.reason,
        outside=answer.outside,
        answered_at=answer.answered_at,
    )


# Fetches


def want_again(parts: Parts, well: Well) -> int:
    """Want once more what ended because a setting was wrong, now that it is right. How many?"""
    now = parts.now
    with parts.records.read() as session:
        ended = session.scalars(_ended_by_a_setting(well, now)).all()
    for fetch in ended:
        wanting.want(parts, fetch.study, fetch.errand, fetch.scope)
        log.info("fetch=%s is wanted again: source=%s takes our requests", fetch.id, fetch.study.source)
    return len(ended)


def _ended_by_a_setting(well: Well, now: datetime) -> Select[FetchRow]:
    later = aliased(FetchRow)
    newer = exists().where(
        later.study_row == FetchRow.study_row,
        later.errand == FetchRow.errand,
        later.wanted_at > FetchRow.wanted_at,
    )
    before = [
        (StudyRow.source == name) & (FetchRow.finished_at < row.since)
        for name, row in well.items()
        if row.since is not None
    ]
    return (
        select(FetchRow)
        .join(StudyRow, StudyRow.id == FetchRow.study_row)
        .where(FetchRow.finished_at > now - _WANTED_WITHIN, or_(*before), ~newer)
        .where(FetchRow.outcome.in_((Outcome.FAILED, Outcome.INCOMPLETE)))
        .where(FetchRow.reason.in_([reason.code for reason in AFTER_RECOVERY]))
        .where(FetchRow.errand.in_((Errand.FETCH, Errand.BRING)), FetchRow.scope == Scope.ALL)
        .where(StudyRow.unlisted_at.is_(None))
        .order_by(FetchRow.wanted_at)
        .limit(_MOST)
    )
