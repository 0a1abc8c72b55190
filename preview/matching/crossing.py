"""Asks the cross-reference manager (PIXm), where there is one, and keeps what it said."""

import logging
from datetime import datetime, timedelta

from fetch.errors import FetchError
from fetch.model import PatientIdentity
from fetch.sources import pixm
from preview.matching.records import CrossReferenceRow
from preview.parts import Parts

log = logging.getLogger(__name__)

GOOD_FOR = timedelta(minutes=10)
REST = timedelta(minutes=1)
"""After a failure: whoever asks the archives meanwhile does not wait for it again."""


def refresh(parts: Parts, patient: PatientIdentity) -> None:
    """Ask, unless that was done just now. That it could not be checked leaves what it said before."""
    web = parts.settings.identity.pix_web
    if web is None or not _is_due(parts, patient):
        return
    now = parts.now
    try:
        said = pixm.known_as(web, patient, parts.settings.identity.systems)
    except FetchError as error:
        log.warning("pix: could not be checked: %s", error)
        _keep(parts, patient, {"failed_at": now, "failure": error.reason.code})
        return
    log.info("pix: %s", "not known" if said is None else f"ids={len(said)}")
    ids = [[one.issuer[:256], one.patient_id[:256]] for one in said or () if one != patient]
    answered = {"known": said is not None, "ids": ids, "answered_at": now}
    _keep(parts, patient, answered | {"failed_at": None, "failure": ""})


def _is_due(parts: Parts, patient: PatientIdentity) -> bool:
    with parts.records.read() as session:
        row = session.get(CrossReferenceRow, (patient.issuer, patient.patient_id))
    if row is None:
        return True
    return not (_since(row.answered_at, GOOD_FOR, parts.now) or _since(row.failed_at, REST, parts.now))


def _since(moment: datetime | None, how_long: timedelta, now: datetime) -> bool:
    return moment is not None and moment > now - how_long


def _keep(parts: Parts, patient: PatientIdentity, values: dict[str, object]) -> None:
    key = {"issuer": patient.issuer, "patient_id": patient.patient_id}
    with parts.records.write() as session:
        row = session.get(CrossReferenceRow, (patient.issuer, patient.patient_id))
        if row is None:
            session.merge(CrossReferenceRow(**key, known=False, ids=[], failure=""))
            row = session.get_one(CrossReferenceRow, (patient.issuer, patient.patient_id))
        for name, value in values.items():
            setattr(row, name, value)
