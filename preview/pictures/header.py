"""What an object says it is and whose; reading it never fails, whatever is in it."""

from dataclasses import dataclass, replace

from pydicom import Dataset

from fetch.model import Patient, PatientIdentity
from fetch.sources import reading

_UID, _TEXT, _NAME = 64, 256, 512
"""The most characters kept: of UIDs and codes, of texts, of person names (three groups of them)."""


@dataclass(frozen=True)
class Header:
    """Read from the data set in the drawing process: "" or None for what is missing or unreadable."""

    study_uid: str
    series_uid: str
    instance_uid: str
    sop_class: str
    series_number: int | None
    instance_number: int | None
    modality: str
    series_description: str
    patient: Patient


def read_header(ds: Dataset) -> Header:
    """Read as an archive's answer is read: the two are compared to tell whose the object is."""
    return Header(
        study_uid=reading.text(ds, "StudyInstanceUID")[:_UID],
        series_uid=reading.text(ds, "SeriesInstanceUID")[:_UID],
        instance_uid=reading.text(ds, "SOPInstanceUID")[:_UID],
        sop_class=reading.text(ds, "SOPClassUID")[:_UID],
        series_number=reading.number(ds, "SeriesNumber"),
        instance_number=reading.number(ds, "InstanceNumber"),
        modality=reading.text(ds, "Modality")[:_UID],
        series_description=reading.text(ds, "SeriesDescription")[:_TEXT],
        patient=_bounded(reading.patient(ds)),
    )


def _bounded(patient: Patient) -> Patient:
    """What travels back for every image is small; a birth date that could be read needs no text."""
    identity = PatientIdentity(patient.identity.patient_id[:_TEXT], patient.identity.issuer[:_TEXT])
    written = "" if patient.birth_date else patient.birth_date_text[:_UID]
    sex = patient.sex if patient.sex in ("M", "F", "O") else ""
    name = patient.name[:_NAME]
    return replace(patient, identity=identity, name=name, sex=sex, birth_date_text=written)
