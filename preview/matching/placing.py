"""Puts a study onto the pages of its patient that are open already: no question of theirs has found it."""

from datetime import datetime

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from fetch.model import PatientIdentity, PatientQuery
from fetch.records import StudyRow, insert_once
from preview.matching import merging
from preview.records import AskRow, ContextRow, FoundRow


def find_for(session: Session, study: StudyRow, patient: PatientIdentity, now: datetime) -> None:
    """Every question of this patient's open pages that asks for its date has found it now."""
    if study.unlisted_at is not None:
        return
    every = [(one.issuer, one.patient_id) for one in merging.all_of(session, patient)]
    theirs = tuple_(ContextRow.issuer, ContextRow.patient_id).in_(every) & (ContextRow.ends_at > now)
    asks = session.scalars(select(AskRow).join(ContextRow, ContextRow.key == AskRow.context).where(theirs))
    asked = [ask for ask in asks if PatientQuery(study.patient, ask.start, ask.end).covers(study.study_date)]
    insert_once(session, FoundRow, *({"ask": ask.id, "study_row": study.id} for ask in asked))
