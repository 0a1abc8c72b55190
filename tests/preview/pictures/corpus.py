"""Some hundreds of files: what pydicom ships, what DCMTK and imagecodecs make of some of them, edge cases."""

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import imagecodecs
import numpy as np
import pydicom.data
from edge_cases import edge_cases
from made import encoded, in_htj2k, in_jpeg_2000
from pydicom import Dataset, dcmread, uid

SAMPLES = Path(pydicom.data.__file__).parent / "test_files"
_NO_DICOM = {".txt", ".json", ".icc", ".dump", ".gz"}
_ALL_THE_SAME = "TINY_ALPHA"
"""A folder of fifty objects without pixels, of which three are enough."""


@dataclass(frozen=True)
class Entry:
    """A file; ``like``: the name of another that has to look the same, as it was made of that one."""

    name: str
    path: Path
    like: str = ""


def corpus(folder: Path) -> list[Entry]:
    shipped, made = list(samples()), list(_written(folder / "edge"))
    return [
        *shipped,
        *made,
        *_transcoded(folder / "transcoded", {one.name: one.path for one in shipped + made}),
    ]


def samples() -> Iterator[Entry]:
    tiny = 0
    for path in sorted(path for path in SAMPLES.rglob("*") if path.is_file()):
        name = str(path.relative_to(SAMPLES))
        if path.suffix in _NO_DICOM or path.name == "README":
            continue
        tiny += _ALL_THE_SAME in name
        if _ALL_THE_SAME not in name or tiny <= 3:
            yield Entry(name, path)


def _written(folder: Path) -> Iterator[Entry]:
    for name, ds in edge_cases():
        yield Entry(name, _saved(ds, folder / f"{name.replace('/', '-')}.dcm"))


def _saved(ds: Dataset, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    ds.SOPInstanceUID, ds.StudyInstanceUID, ds.SeriesInstanceUID = "1.2.3", "1.2", "1.2.1"
    ds.file_meta.MediaStorageSOPClassUID, ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPClassUID, "1.2.3"
    ds.save_as(path, enforce_file_format=True)
    return path


GREY = ("MR_small.dcm", "dicomdirtests/77654033/CT2/17106", "dicomdirtests/77654033/CR1/6154",
        "depths/8-in-8-unsigned-2", "depths/10-in-16-unsigned-1", "depths/16-in-16-signed-2")  # fmt: skip
COLOUR = ("colour/RGB-pixels", "colour/RGB-planes", "examples_rgb_color.dcm")

LOSSLESS = {
    "rle": ("dcmcrle",),
    "jpeg-lossless-sv1": ("dcmcjpeg", "+e1"),
    "jpeg-lossless": ("dcmcjpeg", "+el"),
    "jpeg-ls": ("dcmcjpls",),
    "implicit": ("dcmconv", "+ti"),
    "big-endian": ("dcmconv", "+tb"),
    "deflated": ("dcmconv", "+td"),
}
EXTENDED = {"jpeg-extended": ("dcmcjpeg", "+ee", "+q", "97")}
NEAR = {"jpeg-ls-near": ("dcmcjpls", "+en", "+md", "1")}
"""Only of values without a sign."""
LOSSY_8 = {
    "jpeg-baseline": ("dcmcjpeg", "+eb", "+q", "97"),
    "jpeg-progressive": ("dcmcjpeg", "+ep", "+q", "97"),
}
COLOUR_LOSSY = {
    "jpeg-444": ("dcmcjpeg", "+eb", "+q", "97", "+s4"),
    "jpeg-422": ("dcmcjpeg", "+eb", "+q", "97", "+s2"),
    "jpeg-rgb": ("dcmcjpeg", "+eb", "+q", "97", "+cr"),
}


def in_jpeg_2000_with_loss(samples, bits):
    return imagecodecs.jpeg2k_encode(samples, 95, codecformat="j2k", bitspersample=bits, reversible=False)


def in_htj2k_with_loss(samples, _):
    return imagecodecs.htj2k_encode(samples, reversible=False)


WAVELETS = {
    "j2k-lossless": (uid.JPEG2000Lossless, in_jpeg_2000, "YBR_RCT"),
    "j2k": (uid.JPEG2000, in_jpeg_2000_with_loss, "YBR_ICT"),
    "htj2k-lossless": (uid.HTJ2KLossless, in_htj2k, "YBR_RCT"),
    "htj2k-rpcl": (uid.HTJ2KLosslessRPCL, in_htj2k, "YBR_RCT"),
    "htj2k": (uid.HTJ2K, in_htj2k_with_loss, "YBR_ICT"),
}


def _transcoded(folder: Path, there: dict[str, Path]) -> Iterator[Entry]:
    folder.mkdir()
    for name in GREY:
        ds = dcmread(there[name])
        more = (LOSSY_8 if ds.BitsStored == 8 else {}) | ({} if ds.PixelRepresentation else NEAR)
        yield from _by_tools(folder, name, there[name], LOSSLESS | EXTENDED | more)
        yield from _by_wavelets(folder, name, there[name])
    for name in COLOUR:
        yield from _by_tools(folder, name, there[name], LOSSLESS | COLOUR_LOSSY)
        yield from _by_wavelets(folder, name, there[name])


def _by_tools(folder: Path, name: str, path: Path, commands: dict[str, tuple[str, ...]]) -> Iterator[Entry]:
    for label, command in commands.items():
        out = _place(folder, name, label)
        subprocess.run([*command, path, out], check=True, capture_output=True, timeout=30)
        yield Entry(f"{name} as {label}", out, name)


def _by_wavelets(folder: Path, name: str, path: Path) -> Iterator[Entry]:
    for label, (syntax, encode, meaning) in WAVELETS.items():
        ds = dcmread(path)
        values = np.ascontiguousarray(ds.pixel_array)
        if ds.SamplesPerPixel == 3:
            ds.PhotometricInterpretation, ds.PlanarConfiguration = meaning, 0
        encoded(ds, syntax, encode(values, ds.BitsStored))
        yield Entry(f"{name} as {label}", _saved(ds, _place(folder, name, label)), name)


def _place(folder: Path, name: str, label: str) -> Path:
    return folder / f"{name.replace('/', '-')}-{label}.dcm"
