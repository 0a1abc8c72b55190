"""An asker of the demo archive, what it holds in these tests, and the words for both."""

import shutil
import subprocess
from contextlib import contextmanager

from pydicom import Dataset, dcmread
from pydicom.data import get_testdata_file
from pydicom.dataset import FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, MRImageStorage
from pynetdicom import AE, build_role, evt

from preview.demo.contexts import FIND_MODEL, GET_MODEL, MOVE_MODEL

VERIFICATION = "1.2.840.10008.1.1"
CT, MR = str(CTImageStorage), str(MRImageStorage)


def instance(
    study, series, number, *, patient="P1", name="OKAFOR^Adaeze", day="20260301", modality="CT", **more
):
    ds = Dataset()
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.SOPClassUID = CT if modality == "CT" else MR
    ds.SOPInstanceUID = f"1.2.{study}.{series}.{number}"
    ds.StudyInstanceUID, ds.SeriesInstanceUID = f"1.2.{study}", f"1.2.{study}.{series}"
    ds.PatientID, ds.IssuerOfPatientID, ds.PatientName, ds.StudyDate = patient, "HOSP", name, day
    ds.Modality, ds.InstanceNumber, ds.SeriesNumber = modality, number, series
    ds.Rows, ds.Columns, ds.SamplesPerPixel, ds.PhotometricInterpretation = 4, 4, 1, "MONOCHROME2"
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 12, 11, 0
    ds.PixelData = bytes([study, series, number, 0]) * 8
    ds["PixelData"].VR = "OW"
    for keyword, value in more.items():
        setattr(ds, keyword, value)
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.file_meta.MediaStorageSOPClassUID, ds.file_meta.MediaStorageSOPInstanceUID = (
        ds.SOPClassUID,
        ds.SOPInstanceUID,
    )
    return ds


def compressed():
    sample = dcmread(get_testdata_file("693_J2KI.dcm", download=False))
    ds = instance(9, 1, 1, patient="P9", name="LINDQVIST^Göran")
    ds.file_meta.TransferSyntaxUID = sample.file_meta.TransferSyntaxUID
    for elem in sample:
        if elem.tag.group in (0x0028, 0x7FE0):
            ds.add(elem)
    return ds


HELD = (
    *(instance(1, 1, n) for n in (1, 2, 3, 4)),
    *(instance(1, 2, n, modality="MR") for n in (1, 2)),
    instance(2, 1, 1, day="20250101"),
    instance(3, 1, 1, day=""),
    instance(4, 1, 1, patient="P2", name="Nakamura^Hanako=中村^花子=なかむら^はなこ", day="20260401"),
    compressed(),
)


def connect(port, contexts=(), handlers=(), aet="MAIN", calling="TESTER"):
    ae = AE(calling)
    ae.acse_timeout = ae.dimse_timeout = ae.network_timeout = 1.5
    for model in (VERIFICATION, FIND_MODEL, GET_MODEL, MOVE_MODEL):
        ae.add_requested_context(model)
    for sop_class, syntax in contexts:
        ae.add_requested_context(sop_class, syntax)
    roles = [build_role(uid, scp_role=True) for uid in {sop_class for sop_class, _ in contexts}]
    return ae.associate("127.0.0.1", port, ae_title=aet, ext_neg=roles, evt_handlers=list(handlers))


@contextmanager
def connected(archive, **options):
    assoc = connect(archive.port, **{"aet": archive.aet, **options})
    assert assoc.is_established
    yield assoc
    if assoc.is_established:
        assoc.release()


def keys(level, **values):
    ds = Dataset()
    ds.QueryRetrieveLevel = level
    ds.SpecificCharacterSet = "ISO_IR 192"
    for keyword, value in values.items():
        setattr(ds, keyword, value)
    return ds


def find(archive, level="STUDY", **values):
    """The answers and the final status (None when the line broke)."""
    with connected(archive) as assoc:
        replies = list(assoc.send_c_find(keys(level, **values), FIND_MODEL))
    return [row for _, row in replies if row is not None], replies[-1][0].get("Status")


def studies(archive, **values):
    rows, status = find(archive, **{"StudyInstanceUID": "", **values})
    assert status == 0x0000
    return {row.StudyInstanceUID.removeprefix("1.2.") for row in rows}


PLAIN = ((CT, ExplicitVRLittleEndian), (MR, ExplicitVRLittleEndian))


def get(archive, level="STUDY", contexts=PLAIN, **values):
    """What arrived as (instance UID of the command, syntax, data set), the replies, the last of them."""
    arrived = []

    def on_store(event):
        arrived.append(
            (str(event.request.AffectedSOPInstanceUID), event.context.transfer_syntax, event.dataset)
        )
        return 0x0000

    with connected(archive, contexts=contexts, handlers=[(evt.EVT_C_STORE, on_store)]) as assoc:
        replies = [status for status, _ in assoc.send_c_get(keys(level, **values), GET_MODEL)]
    return arrived, replies, replies[-1]


def rejection(assoc):
    assert assoc.is_rejected
    primitive = assoc.acceptor.primitive
    return primitive.result, primitive.result_source, primitive.diagnostic


def dcmtk(tool, port, *arguments, cwd=None):
    assert shutil.which(tool), f"{tool} is not installed; run: make test-packages"
    command = [tool, "-aec", "MAIN", *arguments, "127.0.0.1", str(port)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=20, cwd=cwd)
