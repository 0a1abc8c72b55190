"""Puts onto the list what a source sent to our receiver by itself: which study, and whose it says it is."""

import logging

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from fetch.identity import same_person
from fetch.model import Received, Study
from fetch.records import StudyRow
from fetch.sources.unasked import claimed
from preview.errands import asking
from preview.matching import unmatched
from preview.parts import Parts
from preview.records import FoundRow

log = logging.getLogger(__name__)


def note(parts: Parts, source_name: str, study_uid: str, received: Received) -> None:
    """The object itself is refused and stays where it is; that it was sent is not forgotten."""
    source = parts.settings.source(source_name)
    if source is None:
        return
    study = claimed(received, source, study_uid)
    try:
        with parts.records.write() as session:
            row = _held(session, study)
            if row is None:
                row = asking.note_study(session, study, parts.now)
            elif _is_no_news(session, row, study):
                return
            unmatched.note_unasked(session, row, parts.now)
    except SQLAlchemyError as failed:
        log.warning(
            "receiver: source=%s what came unasked was not noted (%s)", source_name, type(failed).__name__
        )
        return
    log.info("receiver: source=%s a study came unasked", source_name)


def _held(session: Session, study: Study) -> StudyRow | None:
    these = select(StudyRow).filter_by(source=study.source, study_uid=study.study_uid)
    return session.scalar(these.with_for_update(key_share=True))


def _is_no_news(session: Session, row: StudyRow, study: Study) -> bool:
    """Was it found by asking, and described as the same person's?"""
    found = session.scalar(select(FoundRow.study_row).where(FoundRow.study_row == row.id).limit(1))
    return found is not None and same_person(row.patient, study.patient)
