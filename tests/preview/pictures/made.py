"""Images with something in them, and what encoders of the field make of them: DCMTK, imagecodecs."""

import subprocess

import imagecodecs
import numpy as np
from pydicom import dcmread, uid
from pydicom.encaps import encapsulate
from samples import image


def shades(bits, dtype, shape=(90, 70)):
    """Soft hills from one end of the range to the other, with some noise: what encoders are made for."""
    down, across = np.mgrid[0 : shape[0], 0 : shape[1]]
    hills = (np.sin(across / 9) + np.cos(down / 13)) / 4 + 0.5
    values = hills * 2**bits + np.random.default_rng(1).integers(0, 2 ** (bits - 5) + 1, shape)
    low = -(2 ** (bits - 1)) if np.dtype(dtype).kind == "i" else 0
    return np.clip(values + low, low, low + 2**bits - 1).astype(dtype)


def colours(dtype="u1"):
    bits = 8 * np.dtype(dtype).itemsize
    grey = shades(bits, dtype)
    return np.stack([grey, grey[::-1], grey[:, ::-1]], -1)


def grey_image(bits=12, dtype="<u2"):
    return image(shades(bits, dtype), BitsStored=bits, HighBit=bits - 1)


def colour_image(samples=None, **more):
    samples = colours() if samples is None else samples
    ds = image(samples[..., 0], SamplesPerPixel=3, PlanarConfiguration=0, PhotometricInterpretation="RGB")
    ds.PixelData = samples.tobytes()
    for keyword, value in more.items():
        setattr(ds, keyword, value)
    return ds


def encoded(ds, syntax, *frames):
    """The same image with these frames instead of its pixels."""
    ds.file_meta.TransferSyntaxUID = uid.UID(syntax)
    ds.PixelData = encapsulate(list(frames))
    ds["PixelData"].VR, ds["PixelData"].is_undefined_length = "OB", True
    return ds


def by_dcmtk(ds, folder, *command):
    """As one of DCMTK's tools encodes it."""
    ds.SOPInstanceUID, ds.StudyInstanceUID, ds.SeriesInstanceUID = "1.2.3", "1.2", "1.2.1"
    ds.file_meta.MediaStorageSOPClassUID, ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPClassUID, "1.2.3"
    ds.save_as(folder / "plain.dcm", enforce_file_format=True)
    subprocess.run(
        [*command, folder / "plain.dcm", folder / "encoded.dcm"], check=True, capture_output=True, timeout=30
    )
    return dcmread(folder / "encoded.dcm")


def in_jpeg_2000(samples, bits):
    return imagecodecs.jpeg2k_encode(samples, 0, codecformat="j2k", bitspersample=bits, reversible=True)


def in_htj2k(samples, _):
    return imagecodecs.htj2k_encode(samples, reversible=True)
