"""What a C-FIND asks, level by level: Study Root, hierarchical (PS3.4 C.6.2)."""

from pydicom.dataset import Dataset

from fetch.model import Share


def of_study(**matching: str) -> Dataset:
    """A STUDY level identifier: these keys match, the others are asked to be returned (PS3.4 C.6.2.1.2)."""
    ds = Dataset()
    ds.QueryRetrieveLevel = "STUDY"
    for keyword in _STUDY_KEYS:
        setattr(ds, keyword, "")
    for keyword, value in matching.items():
        setattr(ds, keyword, value)
    if not all(value.isascii() for value in matching.values()):
        ds.SpecificCharacterSet = "ISO_IR 192"
    return ds


_STUDY_KEYS = (
    "StudyDate",
    "StudyTime",
    "AccessionNumber",
    "ModalitiesInStudy",
    "ReferringPhysicianName",
    "StudyDescription",
    "PatientName",
    "PatientID",
    "IssuerOfPatientID",
    "PatientBirthDate",
    "PatientSex",
    "OtherPatientIDs",  # not the sequence, which old archives refuse; it is read where it comes
    "PatientBirthName",
    "StudyInstanceUID",
    "NumberOfStudyRelatedSeries",
    "NumberOfStudyRelatedInstances",
)


def of_series(study_uid: str, *, availability: bool = True) -> Dataset:
    """``availability``: ask also how soon they can be sent, which is optional (PS3.4 C.6.2.1.3)."""
    ds = Dataset()
    if availability:
        ds.InstanceAvailability = ""
    ds.QueryRetrieveLevel = "SERIES"
    ds.StudyInstanceUID = study_uid
    ds.SeriesInstanceUID = ds.Modality = ds.SeriesDescription = ""
    ds.SeriesNumber = ds.NumberOfSeriesRelatedInstances = None
    return ds


def of_images(study_uid: str, series_uid: str) -> Dataset:
    ds = Dataset()
    ds.QueryRetrieveLevel = "IMAGE"
    ds.StudyInstanceUID = study_uid
    ds.SeriesInstanceUID = series_uid
    ds.SOPInstanceUID = ds.SOPClassUID = ""
    ds.InstanceNumber = None
    return ds


def of_share(share: Share) -> Dataset:
    """What a retrieval asks for: the unique keys down to its level, images as a list (PS3.4 C.4.3.1.3)."""
    ds = Dataset()
    ds.QueryRetrieveLevel = str(share.level)
    ds.StudyInstanceUID = share.study_uid
    if share.series_uid:
        ds.SeriesInstanceUID = share.series_uid
    if share.instances:
        ds.SOPInstanceUID = [instance.instance_uid for instance in share.instances]
    return ds
