"""What an object says it is and whose; reading it never fails, whatever is in it."""

from dataclasses import dataclass, replace

from pydicom import Dataset

from fetch.model import Patient, PatientIdentity, Received
from fetch.sources import reading
from preview.pictures.place import Place, place_of
from preview.pictures.references import references
from preview.pictures.selection import Purpose, Selection, selection

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
    references: tuple[str, ...] = ()
    """The instances that somebody is to look at first: a selection of key images or a presentation state
    points at them; at most 500."""
    selection: Selection | None = None
    """What it says of which images, if it is a key object selection."""
    place: Place | None = None
    """Where it lies along the axis of its series: in this order are its slices, whatever their numbers."""
    meta_differs: bool = False
    """What brought it (the transfer, the file around it) names another instance or SOP class than it does."""


def read_header(ds: Dataset, received: Received | None = None) -> Header:
    """Read as an archive's answer is read: the two are compared to tell whose the object is."""
    sop_class, instance_uid = reading.text(ds, "SOPClassUID"), reading.text(ds, "SOPInstanceUID")
    selected = selection(ds)
    is_key = selected is None or selected.purpose is Purpose.KEY
    return Header(
        study_uid=_uid(reading.text(ds, "StudyInstanceUID")),
        series_uid=_uid(reading.text(ds, "SeriesInstanceUID")),
        instance_uid=_uid(instance_uid),
        sop_class=sop_class[:_UID],
        series_number=reading.number(ds, "SeriesNumber"),
        instance_number=reading.number(ds, "InstanceNumber"),
        modality=reading.text(ds, "Modality")[:_UID],
        series_description=reading.text(ds, "SeriesDescription")[:_TEXT],
        patient=_bounded(reading.patient(ds)),
        references=references(ds, sop_class) if is_key else (),
        selection=selected,
        place=place_of(ds),
        meta_differs=_differs(ds, received, sop_class, instance_uid),
    )


def _uid(written: str) -> str:
    """None at all rather than the beginning of a longer one: that could be the name of something else."""
    return written if len(written) <= _UID else ""


def _differs(ds: Dataset, received: Received | None, sop_class: str, instance_uid: str) -> bool:
    around = getattr(ds, "file_meta", None) or Dataset()
    classes = [reading.text(around, "MediaStorageSOPClassUID"), received.sop_class if received else ""]
    instances = [
        reading.text(around, "MediaStorageSOPInstanceUID"),
        received.instance_uid if received else "",
    ]
    return _contradicts(classes, sop_class) or _contradicts(instances, instance_uid)


def _contradicts(told: list[str], written: str) -> bool:
    """Who says nothing contradicts nobody."""
    return bool(written) and any(one.strip(" \0") not in ("", written) for one in told)


def _bounded(patient: Patient) -> Patient:
    """What travels back for every image is small; a birth date that could be read needs no text."""
    identity = PatientIdentity(patient.identity.patient_id[:_TEXT], patient.identity.issuer[:_TEXT])
    written = "" if patient.birth_date else patient.birth_date_text[:_UID]
    sex = patient.sex if patient.sex in ("M", "F", "O") else ""
    name = patient.name[:_NAME]
    return replace(patient, identity=identity, name=name, sex=sex, birth_date_text=written)
