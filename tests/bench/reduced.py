"""A mammogram of 3000 x 2500 pixels, by transfer syntax: its thumbnail against decoding it in full."""

import time
from collections.abc import Callable
from io import BytesIO

import imagecodecs
import numpy as np
from PIL import Image
from pydicom import Dataset, uid
from pydicom.dataset import FileMetaDataset
from pydicom.encaps import encapsulate

from bench.figures import figure
from preview.pictures.pixels import Frame, Pixels
from preview.pictures.thumbnail import draw

ROWS, COLUMNS, RUNS = 3000, 2500, 5


class _InFull(Pixels):
    """As if no codec could leave anything out."""

    def decode(self, index: int, wanted: tuple[int, int] | None = None) -> Frame:
        return super().decode(index)


def main() -> None:
    for name, syntax, frame, bits in _encoded(breast()):
        ds = _mammogram(syntax, frame, bits)
        full = _milliseconds(lambda ds=ds: Pixels(ds).decode(0))
        whole = _milliseconds(lambda ds=ds: draw(ds, pixels=_InFull(ds)))
        thumbnail = _milliseconds(lambda ds=ds: draw(ds))
        poster = _milliseconds(lambda ds=ds: draw(ds, (256, 640)))
        goal = None if "always" in name else 1 / 8
        figure(f"{name}, 256 pixels", thumbnail, "ms", peer=full, of="decoded in full", goal=goal)
        figure("  the same", thumbnail, "ms", peer=whole, of="drawn from all pixels")
        figure("  256 and 640 pixels, as of a poster", poster, "ms", peer=full, of="decoded in full")
        if syntax == uid.JPEGBaseline8Bit:
            _say_why_not(frame, full)


def _say_why_not(frame: bytes, full: float) -> None:
    """Where the time goes: the smallest size needs no arithmetic, only the bits."""

    def smallest() -> None:
        with Image.open(BytesIO(frame)) as image:
            image.draft(None, (COLUMNS // 8, ROWS // 8))
            image.load()

    bits = _milliseconds(smallest)
    print(
        f"    Missed: the bits of a baseline JPEG can only be read one by one (ITU-T T.81\n"
        f"    F.2.2), for any size: {bits:.1f} of the {full:.1f} ms. The rest is little, so\n"
        f"    no size is much faster. The same file beside DCMTK and Orthanc: python -m bench pictures."
    )


def breast() -> np.ndarray:
    down, across = np.mgrid[0 : 1 : ROWS * 1j, 0 : 1 : COLUMNS * 1j]
    inside = (across / 0.8) ** 2 + ((down - 0.5) / 0.45) ** 2 < 1
    tissue = 0.5 + 0.15 * np.sin(across * 40) * np.cos(down * 33) + 0.1 * np.sin(down * across * 90)
    noise = np.random.default_rng(1).normal(0, 0.008, tissue.shape)
    return (np.clip(inside * (tissue + noise), 0, 0.999) * 4096).astype("<u2")


def _encoded(values: np.ndarray) -> list[tuple[str, uid.UID, bytes, int]]:
    eight, baseline = (values >> 4).astype("u1"), BytesIO()
    Image.fromarray(eight).save(baseline, "JPEG", quality=92)
    how = {"codecformat": "j2k", "bitspersample": 12, "resolutions": 6}
    return [
        ("JPEG 2000 lossless", uid.JPEG2000Lossless, imagecodecs.jpeg2k_encode(values, 0, **how), 12),
        ("JPEG 2000", uid.JPEG2000, imagecodecs.jpeg2k_encode(values, 45, reversible=False, **how), 12),
        ("HTJ2K lossless", uid.HTJ2KLossless, imagecodecs.htj2k_encode(values, reversible=True), 12),
        ("HTJ2K", uid.HTJ2K, imagecodecs.htj2k_encode(values, reversible=False), 12),
        ("JPEG baseline", uid.JPEGBaseline8Bit, baseline.getvalue(), 8),
        ("JPEG-LS (always in full)", uid.JPEGLSLossless, imagecodecs.jpegls_encode(values), 12),
        (
            "JPEG lossless (always in full)",
            uid.JPEGLosslessSV1,
            imagecodecs.jpeg8_encode(values, lossless=True, bitspersample=12),
            12,
        ),
    ]


def _mammogram(syntax: uid.UID, frame: bytes, bits: int) -> Dataset:
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = syntax
    ds.SOPClassUID, ds.Modality = uid.DigitalMammographyXRayImageStorageForPresentation, "MG"
    ds.Rows, ds.Columns, ds.SamplesPerPixel, ds.PhotometricInterpretation = ROWS, COLUMNS, 1, "MONOCHROME2"
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = (8 if bits == 8 else 16), bits, bits - 1
    ds.PixelRepresentation, ds.WindowCenter, ds.WindowWidth = 0, 2 ** (bits - 1), 2**bits
    ds.PixelData = encapsulate([frame])
    ds["PixelData"].VR, ds["PixelData"].is_undefined_length = "OB", True
    return ds


def _milliseconds(work: Callable[[], object]) -> float:
    """The best of some: what it costs when nothing else runs."""
    took = []
    for _ in range(RUNS):
        began = time.perf_counter()
        work()
        took.append(time.perf_counter() - began)
    return 1000 * min(took)


if __name__ == "__main__":
    main()
