"""Objects to draw: small, and unlike any patient's; as data sets, as they come over a network, as files."""

import multiprocessing
from contextlib import contextmanager
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image
from pydicom import Dataset, dcmread
from pydicom.data import get_testdata_file
from pydicom.dataset import FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset, write_file_meta_info
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, JPEGBaseline8Bit

from fetch.model import Received


def sample(name):
    return dcmread(get_testdata_file(name, download=False), force=True)


def ct(**more):
    ds = sample("CT_small.dcm")
    for keyword, value in more.items():
        setattr(ds, keyword, value)
    return ds


def image(pixels, **more):
    """A CT image of these grey values, unlike any patient's."""
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.SOPClassUID = CTImageStorage
    ds.Rows, ds.Columns = pixels.shape[-2:]
    ds.SamplesPerPixel = 1
    ds.PhotometricInterpretation = "MONOCHROME2"
    ds.BitsAllocated = ds.BitsStored = pixels.dtype.itemsize * 8
    ds.HighBit = ds.BitsStored - 1
    ds.PixelRepresentation = int(pixels.dtype.kind == "i")
    ds.NumberOfFrames = pixels.shape[0] if pixels.ndim == 3 else 1
    ds.PixelData = pixels.tobytes()
    for keyword, value in more.items():
        setattr(ds, keyword, value)
    return ds


def ramp(low=0, high=255, dtype="<i2"):
    """256 x 256 values that rise from left to right."""
    return np.tile(np.linspace(low, high, 256).astype(dtype), (256, 1))


def jpeg(colour):
    out = BytesIO()
    Image.new("RGB", (16, 16), colour).save(out, "JPEG", quality=95)
    return out.getvalue()


def jpeg_image(frames):
    ds = image(np.zeros((16, 16), "u1"))
    ds.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    ds.SamplesPerPixel, ds.PlanarConfiguration, ds.PhotometricInterpretation = 3, 0, "YBR_FULL_422"
    ds.NumberOfFrames = len(frames)
    ds.PixelData = encapsulate(frames)
    ds["PixelData"].is_undefined_length = True
    return ds


def received(ds, syntax=ExplicitVRLittleEndian):
    """As it comes from an archive: the data set alone, encoded."""
    out = DicomBytesIO()
    out.is_little_endian, out.is_implicit_VR = True, False
    write_dataset(out, ds)
    return Received(str(ds.get("SOPClassUID", "")), str(ds.get("SOPInstanceUID", "")), syntax, out.getvalue())


def spooled(ds, path: Path, **meta):
    """As it comes from an archive into a file; ``meta`` overrides what the file says of it."""
    about = FileMetaDataset()
    about.MediaStorageSOPClassUID = ds.get("SOPClassUID", "")
    about.MediaStorageSOPInstanceUID = ds.get("SOPInstanceUID", "")
    about.TransferSyntaxUID = syntax_of(ds)
    for keyword, value in meta.items():
        setattr(about, keyword, value)
    came = received(ds, about.TransferSyntaxUID)
    out = DicomBytesIO(bytes(128) + b"DICM")
    out.seek(0, 2)
    write_file_meta_info(out, about, enforce_standard=False)
    path.write_bytes(out.getvalue() + came.data)
    return replace(came, data=b"", file=path)


def syntax_of(ds):
    """What it is encoded in here: with explicit VRs, and its pixels as they are."""
    syntax = ds.file_meta.get("TransferSyntaxUID") if hasattr(ds, "file_meta") else None
    return syntax if syntax and syntax.is_encapsulated else ExplicitVRLittleEndian


@contextmanager
def frugal(mebibytes):
    """No drawing process takes more memory than this beyond what it has, whatever it is given to draw."""
    processes = [process.pid for process in multiprocessing.active_children()]
    for pid in processes:
        Path(f"/proc/{pid}/clear_refs").write_text("5")  # proc(5): its peak is what it has now
    before = {pid: _mebibytes(pid, "VmRSS") for pid in processes}
    yield
    for pid in processes:
        assert _mebibytes(pid, "VmHWM") - before[pid] < mebibytes


def _mebibytes(pid, what):
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith(what + ":"))
