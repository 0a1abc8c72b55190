"""The files that pictures are drawn of in the benchmark: one kind of image in one transfer syntax each."""

import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from io import BytesIO
from pathlib import Path

import imagecodecs
import numpy as np
from PIL import Image
from pydicom import Dataset, uid
from pydicom.dataset import FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import UID, generate_uid

from bench.hospital import PATIENT, slice_of_body
from bench.reduced import breast

_MANY, _FEW = 10, 3
Encode = Callable[[np.ndarray, int], bytes]


@dataclass(frozen=True)
class Kind:
    """``encode`` makes frames of a syntax, ``tool`` is DCMTK's for one; neither for what is uncompressed."""

    name: str
    make: Callable[[int], np.ndarray]
    bits: int = 12
    syntax: UID = uid.ExplicitVRLittleEndian
    encode: Encode | None = None
    tool: tuple[str, ...] = ()
    frames: int = 1
    many: int = _MANY
    facts: dict[str, object] = field(default_factory=dict)
    why_not: str = "nothing is known to be in the way."
    """Should a peer be faster."""

    @property
    def contrast(self) -> tuple[str, ...]:
        return () if "SamplesPerPixel" in self.facts else ("+Wi", "1")

    def files(self, folder: Path) -> list[Path]:
        folder.mkdir(exist_ok=True)
        return [self._file(folder, number) for number in range(self.many)]

    def _file(self, folder: Path, number: int) -> Path:
        path = folder / f"{self.name.replace(' ', '-').replace('/', '-')}-{number}.dcm"
        frames = [self.make(number * self.frames + frame) for frame in range(self.frames)]
        ds = _image(frames, self.bits, self.facts)
        if self.encode:
            ds.file_meta.TransferSyntaxUID = self.syntax
            ds.PixelData = encapsulate([self.encode(frame, self.bits) for frame in frames])
            ds["PixelData"].VR, ds["PixelData"].is_undefined_length = "OB", True
        ds.save_as(path, enforce_file_format=True)
        if self.tool:
            plain = path.rename(path.with_suffix(".plain"))
            subprocess.run([*self.tool, plain, path], check=True, capture_output=True)
        return path


def _image(frames: list[np.ndarray], bits: int, facts: dict[str, object]) -> Dataset:
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = uid.ExplicitVRLittleEndian
    ds.PatientName, ds.PatientID = str(PATIENT.name), PATIENT.identity.patient_id
    ds.SOPClassUID, ds.SOPInstanceUID = (
        uid.MultiFrameGrayscaleWordSecondaryCaptureImageStorage,
        generate_uid(),
    )
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    ds.StudyInstanceUID, ds.SeriesInstanceUID = generate_uid(), generate_uid()
    ds.Modality, ds.NumberOfFrames = "OT", len(frames)
    ds.Rows, ds.Columns = frames[0].shape[:2]
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = 8 * frames[0].itemsize, bits, bits - 1
    ds.PixelRepresentation, ds.WindowCenter, ds.WindowWidth = 0, 2 ** (bits - 1), 0.8 * 2**bits
    ds.PixelData = b"".join(frame.tobytes() for frame in frames)
    for keyword, value in facts.items():
        setattr(ds, keyword, value)
    return ds


def _slice(number: int) -> np.ndarray:
    return slice_of_body(512, number)


def _small(number: int) -> np.ndarray:
    return slice_of_body(256, number)


@cache
def _chest(_: int) -> np.ndarray:
    return np.ascontiguousarray(_breast()[:2048, :2048])


@cache
def _breast(_: int = 0) -> np.ndarray:
    return breast()


def _breast_8(_: int) -> np.ndarray:
    return (_breast() >> 4).astype("u1")


def _eight(number: int) -> np.ndarray:
    return (slice_of_body(640, number)[80:560] >> 4).astype("u1")


def _colours(number: int) -> np.ndarray:
    """As an ultrasound with flow: mostly grey, some of it in colour."""
    grey = _eight(number)
    picture = np.stack([grey] * 3, -1)
    picture[200:280, 250:400, 2] //= 3
    return picture


def _jpeg(frame: np.ndarray, _: int) -> bytes:
    out = BytesIO()
    Image.fromarray(frame).save(out, "JPEG", quality=92)
    return out.getvalue()


def _jpeg_ls(frame: np.ndarray, _: int) -> bytes:
    return imagecodecs.jpegls_encode(frame)


def _lossless(frame: np.ndarray, bits: int) -> bytes:
    return imagecodecs.jpeg8_encode(frame, lossless=True, bitspersample=bits)


def _j2k(frame: np.ndarray, bits: int) -> bytes:
    return imagecodecs.jpeg2k_encode(frame, 0, codecformat="j2k", bitspersample=bits, resolutions=6)


def _htj2k(frame: np.ndarray, _: int) -> bytes:
    return imagecodecs.htj2k_encode(frame, reversible=True)


_WHOLE = "the stream has no smaller size: to decode every pixel takes most of the time, whoever does it."
_HALF = (
    "the smaller size in the stream is no larger than the picture, and along edges it swings, which shows: "
    "every pixel is decoded. Orthanc uses all cores for that (35 ms of processor time a picture); ours uses "
    "one, and draws another picture on the next."
)
_COLOUR = {"SamplesPerPixel": 3, "PlanarConfiguration": 0, "PhotometricInterpretation": "RGB"}
_YBR = _COLOUR | {"PhotometricInterpretation": "YBR_FULL_422"}

KINDS = (
    Kind("CT 512, uncompressed", _slice),
    Kind("CT 512, RLE", _slice, syntax=uid.RLELossless, tool=("dcmcrle",)),
    Kind("CT 512, JPEG lossless", _slice, syntax=uid.JPEGLosslessSV1, encode=_lossless, why_not=_WHOLE),
    Kind("CT 512, JPEG-LS", _slice, syntax=uid.JPEGLSLossless, encode=_jpeg_ls, why_not=_WHOLE),
    Kind("CT 512, JPEG 2000", _slice, syntax=uid.JPEG2000Lossless, encode=_j2k, why_not=_HALF),
    Kind("CT 512, HTJ2K", _slice, syntax=uid.HTJ2KLossless, encode=_htj2k),
    Kind("MR 256, uncompressed", _small),
    Kind("chest 2048 x 2048, uncompressed", _chest, many=_FEW),
    Kind(
        "chest 2048 x 2048, JPEG lossless",
        _chest,
        syntax=uid.JPEGLosslessSV1,
        encode=_lossless,
        many=_FEW,
        why_not=_WHOLE,
    ),
    Kind("breast 3000 x 2500, uncompressed", _breast, many=_FEW),
    Kind(
        "breast 3000 x 2500, JPEG-LS",
        _breast,
        syntax=uid.JPEGLSLossless,
        encode=_jpeg_ls,
        many=_FEW,
        why_not=_WHOLE,
    ),
    Kind("breast 3000 x 2500, JPEG 2000", _breast, syntax=uid.JPEG2000Lossless, encode=_j2k, many=_FEW),
    Kind("breast 3000 x 2500, HTJ2K", _breast, syntax=uid.HTJ2KLossless, encode=_htj2k, many=_FEW),
    Kind("breast 3000 x 2500 in 8 bits, JPEG", _breast_8, 8, uid.JPEGBaseline8Bit, _jpeg, many=_FEW),
    Kind("ultrasound in grey, JPEG", _eight, 8, uid.JPEGBaseline8Bit, _jpeg),
    Kind("ultrasound in colour, uncompressed", _colours, 8, facts=_COLOUR),
    Kind("ultrasound in colour, JPEG", _colours, 8, uid.JPEGBaseline8Bit, _jpeg, facts=_YBR),
    Kind("20 frames of 512, a frame, uncompressed", _slice, frames=20, many=_FEW),
    Kind(
        "20 frames of 512, a frame, JPEG 2000",
        _slice,
        syntax=uid.JPEG2000Lossless,
        encode=_j2k,
        frames=20,
        many=1,
        why_not=_HALF,
    ),
)
