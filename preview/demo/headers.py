"""Fresh DICOM objects: who, which study, which series; then pixels of ours, or those of a sample file."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset, dcmread
from pydicom.data import get_testdata_file
from pydicom.dataset import FileMetaDataset
from pydicom.uid import (
    UID,
    BasicTextSRStorage,
    ComputedRadiographyImageStorage,
    CTImageStorage,
    DigitalMammographyXRayImageStorageForPresentation,
    ExplicitVRLittleEndian,
    KeyObjectSelectionDocumentStorage,
    MRImageStorage,
    UltrasoundMultiFrameImageStorage,
)

from fetch.model import Patient

ROOT = "1.2.826.0.1.3680043.10.1777"

SOP_CLASSES = {
    "CT": CTImageStorage,
    "MR": MRImageStorage,
    "CR": ComputedRadiographyImageStorage,
    "MG": DigitalMammographyXRayImageStorageForPresentation,
    "US": UltrasoundMultiFrameImageStorage,
    "SR": BasicTextSRStorage,
    "KO": KeyObjectSelectionDocumentStorage,
}


@dataclass(frozen=True)
class StudyHead:
    """One study; ``number`` makes its UID, ``day`` None leaves it undated."""

    number: int
    patient: Patient
    day: date | None
    description: str
    time: str = "101500"
    referrer: str = "Adeyemi^Ruth^^Dr"

    @property
    def uid(self) -> str:
        return f"{ROOT}.{self.number}"

    @property
    def charset(self) -> str | list[str]:
        if "=" in self.patient.name:
            return ["", "ISO 2022 IR 87"]
        return "ISO_IR 100" if self.patient.name.isascii() else "ISO_IR 192"


@dataclass(frozen=True)
class SeriesHead:
    """One series of a study."""

    study: StudyHead
    number: int
    modality: str
    description: str
    body_part: str = ""

    @property
    def uid(self) -> str:
        return f"{self.study.uid}.{self.number}"


def instance(series: SeriesHead, number: int, sop_class: str = "") -> Dataset:
    """Everything but the image: patient, study, series, and the UIDs."""
    ds = Dataset()
    ds.SpecificCharacterSet = series.study.charset
    ds.SOPClassUID = sop_class or SOP_CLASSES[series.modality]
    ds.SOPInstanceUID = f"{series.uid}.{number}"
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    ds.file_meta.ImplementationClassUID = UID(f"{ROOT}.0")
    _identify(ds, series.study)
    ds.SeriesInstanceUID, ds.SeriesNumber, ds.InstanceNumber = series.uid, series.number, number
    ds.Modality, ds.SeriesDescription = series.modality, series.description
    ds.Manufacturer = "Imaging Preview Demo"
    if series.body_part:
        ds.BodyPartExamined = series.body_part
    return ds


def _identify(ds: Dataset, study: StudyHead) -> None:
    patient = study.patient
    ds.PatientName = patient.name
    ds.PatientID, ds.IssuerOfPatientID = patient.identity.patient_id, patient.identity.issuer
    ds.PatientBirthDate = f"{patient.birth_date:%Y%m%d}" if patient.birth_date else ""
    ds.PatientSex = patient.sex
    ds.StudyInstanceUID, ds.StudyID = study.uid, str(study.number)
    ds.StudyDate = f"{study.day:%Y%m%d}" if study.day else ""
    ds.StudyTime = study.time if study.day else ""
    ds.ContentDate, ds.ContentTime = ds.StudyDate, ds.StudyTime
    ds.StudyDescription = study.description
    ds.AccessionNumber = f"A{20000 + study.number}"
    ds.ReferringPhysicianName = study.referrer


def with_grey(ds: Dataset, pixels: NDArray[Any], photometric: str = "MONOCHROME2") -> Dataset:
    """12 bits of grey, stored in 16."""
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, photometric
    ds.Rows, ds.Columns = pixels.shape
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 12, 11, 0
    ds.PixelData = pixels.astype("<u2").tobytes()
    ds["PixelData"].VR = "OW"
    return ds


def with_window(ds: Dataset, centre: float | list[float], width: float | list[float]) -> Dataset:
    ds.WindowCenter, ds.WindowWidth = centre, width
    return ds


def with_colour(ds: Dataset, frames: NDArray[np.uint8], milliseconds: float) -> Dataset:
    """Frames x rows x columns x RGB, shown one after another."""
    ds.SamplesPerPixel, ds.PhotometricInterpretation, ds.PlanarConfiguration = 3, "RGB", 0
    ds.NumberOfFrames, ds.Rows, ds.Columns = frames.shape[0], frames.shape[1], frames.shape[2]
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 8, 8, 7, 0
    ds.FrameTime, ds.FrameIncrementPointer = milliseconds, 0x00181063
    ds.PixelData = frames.tobytes()
    ds["PixelData"].VR = "OB"
    return ds


def placed(ds: Dataset, position: tuple[float, float, float], spacing: float, thickness: float) -> Dataset:
    """An axial section in the patient's space, in millimetres (PS3.3 C.7.6.2)."""
    ds.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    ds.ImagePositionPatient = [round(value, 3) for value in position]
    ds.SliceLocation = round(position[2], 3)
    ds.PixelSpacing, ds.SliceThickness = [spacing, spacing], thickness
    ds.FrameOfReferenceUID = f"{ds.StudyInstanceUID}.0"
    ds.PositionReferenceIndicator = ""
    ds.PatientPosition = "HFS"
    return ds


IMAGE_GROUPS = (0x0028, 0x7FE0)
KEPT_OF_SAMPLES = ("FrameTime", "SliceThickness", "ImagePositionPatient", "ImageOrientationPatient")


def from_sample(name: str, series: SeriesHead, number: int = 1) -> Dataset:
    """The image module of a sample in pydicom's wheel under a header of ours, its encoding untouched."""
    path = get_testdata_file(name, download=False)
    sample = dcmread(str(path))
    ds = instance(series, number, str(sample.SOPClassUID))
    ds.file_meta.TransferSyntaxUID = sample.file_meta.TransferSyntaxUID
    for elem in sample:
        if elem.tag.group in IMAGE_GROUPS or elem.keyword in KEPT_OF_SAMPLES:
            ds.add(elem)
    if "PixelData" in ds and ds.file_meta.TransferSyntaxUID.is_encapsulated:
        ds["PixelData"].is_undefined_length = True
    return ds


def report(series: SeriesHead, sentences: tuple[str, ...]) -> Dataset:
    """A Basic Text SR (PS3.3 A.35.1): a heading and some sentences."""
    ds = instance(series, 1)
    ds.CompletionFlag, ds.VerificationFlag = "COMPLETE", "UNVERIFIED"
    ds.ReferencedPerformedProcedureStepSequence = []
    ds.PerformedProcedureCodeSequence = []
    ds.ValueType, ds.ContinuityOfContent = "CONTAINER", "SEPARATE"
    ds.ConceptNameCodeSequence = [_code("18748-4", "LN", "Diagnostic imaging report")]
    ds.ContentSequence = [_sentence(text) for text in sentences]
    return ds


OF_INTEREST = ("113000", "Of Interest")
REJECTED_FOR_QUALITY = ("113001", "Rejected for Quality Reasons")


def selection(series: SeriesHead, title: tuple[str, str], images: Sequence[Dataset], words: str) -> Dataset:
    """A Key Object Selection Document (PS3.3 A.35.4) of some images of its study, with a sentence."""
    ds = instance(series, 1)
    ds.ReferencedPerformedProcedureStepSequence = []
    ds.ValueType, ds.ContinuityOfContent = "CONTAINER", "SEPARATE"
    ds.ConceptNameCodeSequence = [_code(title[0], "DCM", title[1])]
    description = _sentence(words)
    description.ConceptNameCodeSequence = [_code("113012", "DCM", "Key Object Description")]
    ds.ContentSequence = [description, *map(_chosen, images)]
    ds.CurrentRequestedProcedureEvidenceSequence = [_evidence(images)]
    return ds


def _chosen(image: Dataset) -> Dataset:
    item = Dataset()
    item.RelationshipType, item.ValueType = "CONTAINS", "IMAGE"
    item.ReferencedSOPSequence = [_referenced(image)]
    return item


def _evidence(images: Sequence[Dataset]) -> Dataset:
    study = Dataset()
    study.StudyInstanceUID = images[0].StudyInstanceUID
    study.ReferencedSeriesSequence = []
    for uid in dict.fromkeys(image.SeriesInstanceUID for image in images):
        of_series = Dataset()
        of_series.SeriesInstanceUID = uid
        theirs = [image for image in images if image.SeriesInstanceUID == uid]
        of_series.ReferencedSOPSequence = [_referenced(image) for image in theirs]
        study.ReferencedSeriesSequence.append(of_series)
    return study


def _referenced(image: Dataset) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = image.SOPClassUID, image.SOPInstanceUID
    return item


def _sentence(text: str) -> Dataset:
    item = Dataset()
    item.RelationshipType, item.ValueType, item.TextValue = "CONTAINS", "TEXT", text
    item.ConceptNameCodeSequence = [_code("121071", "DCM", "Finding")]
    return item


def _code(value: str, scheme: str, meaning: str) -> Dataset:
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, scheme, meaning
    return code
