"""Small studies for an archive of the tests, in one line each."""

from datetime import date

import numpy as np
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

from fetch.model import Patient, PatientIdentity

OKAFOR = Patient(PatientIdentity("4471902", "HOSP"), "OKAFOR^Adaeze", date(1975, 7, 14), "F")
STRANGER = Patient(PatientIdentity("9990001", "HOSP"), "STRANGER^Sam", date(1931, 1, 31), "M")


def study(
    patient: Patient = OKAFOR,
    *,
    day: str = "20261101",
    images: int = 3,
    series: int = 1,
    size: int = 32,
    study_uid: str = "",
    **more: object,
) -> list[Dataset]:
    """The instances of one CT study, ``images`` in each of its ``series``; ``more`` overrides any element."""
    study_uid = study_uid or generate_uid()
    made = []
    for number in range(1, series + 1):
        series_uid = generate_uid()
        made += [image(patient, study_uid, series_uid, number, i + 1, day, size, more) for i in range(images)]
    return made


def image(patient, study_uid, series_uid, series_number, number, day, size, more) -> Dataset:
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.SOPClassUID, ds.SOPInstanceUID = CTImageStorage, generate_uid()
    ds.StudyInstanceUID, ds.SeriesInstanceUID = study_uid, series_uid
    ds.PatientID, ds.PatientName = patient.identity.patient_id, patient.name
    ds.IssuerOfPatientID = patient.identity.issuer
    ds.PatientBirthDate = f"{patient.birth_date:%Y%m%d}" if patient.birth_date else ""
    ds.PatientSex = patient.sex
    ds.StudyDate, ds.StudyTime, ds.AccessionNumber, ds.StudyID = day, "101500", "A1", "1"
    ds.StudyDescription, ds.SeriesDescription = "CT Thorax", f"Axial {series_number}"
    ds.Modality, ds.SeriesNumber, ds.InstanceNumber = "CT", series_number, number
    ramp = np.linspace(0, 4095, size * size).astype("<u2")
    ds.Rows, ds.Columns, ds.SamplesPerPixel, ds.PhotometricInterpretation = size, size, 1, "MONOCHROME2"
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 12, 11, 0
    ds.RescaleSlope, ds.RescaleIntercept, ds.WindowCenter, ds.WindowWidth = 1, -1024, 40, 400
    ds.PixelData = np.roll(ramp, number).tobytes()
    ds["PixelData"].VR = "OW"
    for keyword, value in more.items():
        setattr(ds, keyword, value)
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    return ds
