"""The grey values to show of an image that has no window: a range that suits what was measured.

Never a fixed window: it would be wrong for every image but one kind.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from pydicom import Dataset

from fetch.sources.reading import text
from preview.pictures.bad_input import BAD_INPUT

Floats = npt.NDArray[np.float64]
Range = tuple[float, float]

STORAGE = "1.2.840.10008.5.1.4.1.1."

_AIR = -900.0
"""HU; what a scanner measures beside the patient, and writes where it measured nothing."""

_LEAST_TISSUE = 0.02
"""Of the pixels: an image with less is shown with its air, there is nothing else."""

_AS_SHOWN_CLASSES = ("3.1", "6.1", "7", "77.1", "12.1", "12.2")
"""Ultrasound, screenshots, photographs, angiography: eight bits are what the machine's own screen showed."""

_AS_SHOWN_MODALITIES = ("US", "IVUS", "XA", "RF", "ES", "XC", "OP", "GM", "SM", "SC", "OT", "DOC")


def shown_range(ds: Dataset, values: Floats) -> Range:
    """From black to white, for modality values of this image, without padding: at least one of them."""
    low, high = _manner(ds)(values)
    return (low, high) if low < high else (float(values.min()), float(values.max()))


def shows_all(ds: Dataset, bits: int) -> bool:
    """Were its values made to be seen as they are? Stretching them would saturate an ultrasound."""
    if bits > 8:
        return False
    return _class_is(ds, *_AS_SHOWN_CLASSES) or text(ds, "Modality") in _AS_SHOWN_MODALITIES


def is_pet(ds: Dataset) -> bool:
    """PET itself (PS3.4 B.5), not a screenshot of one; clinics read it black on white."""
    return _class_is(ds, "128", "128.1", "130")


def is_ct(ds: Dataset) -> bool:
    """Does it measure Hounsfield units? Not a screenshot of one."""
    return text(ds, "Modality") == "CT" and not _class_is(ds, "7")


def _manner(ds: Dataset) -> Callable[[Floats], Range]:
    if is_pet(ds) or _class_is(ds, "20"):
        return _counts
    if _class_is(ds, "481.2"):
        return _dose
    return _tissue if is_ct(ds) else _middle


def _middle(values: Floats) -> Range:
    """From the 1st to the 99th percentile: a few hot or dead pixels change nothing."""
    low, high = np.percentile(values, (1, 99))
    return float(low), float(high)


def _tissue(values: Floats) -> Range:
    """Of CT what is not air, which may be most of the image and would leave little contrast to the rest."""
    patient = values[values > _AIR]
    return _middle(patient if patient.size > _LEAST_TISSUE * values.size else values)


def _counts(values: Floats) -> Range:
    """Of PET and nuclear medicine from nothing at all up to the hot spots, however small these are."""
    counted = values[values > 0]
    return (0.0, float(np.percentile(counted, 99))) if counted.size else (0.0, 0.0)


def _dose(values: Floats) -> Range:
    """To the maximum: it is what a dose distribution is looked at for."""
    return 0.0, float(values.max())


def _class_is(ds: Dataset, *classes: str) -> bool:
    """One of these, or a class below one of them."""
    sop_class = text(ds, "SOPClassUID").removeprefix(STORAGE)
    return any(sop_class == one or sop_class.startswith(one + ".") for one in classes)


def bits_of(ds: Dataset) -> int:
    """Bits of a stored value; 32 where the object does not say."""
    try:
        return int(ds.BitsStored)
    except BAD_INPUT:
        return 32
