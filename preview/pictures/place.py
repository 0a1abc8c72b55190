"""Where a slice lies along the axis of its series: the order of slices, which their numbers need not have."""

from math import isclose, isfinite
from typing import NamedTuple

from pydicom import Dataset

from preview.pictures.bad_input import BAD_INPUT
from preview.pictures.frame_facts import functional_group

Vector = tuple[float, float, float]


class Place(NamedTuple):
    """A slice in the patient's space."""

    along: float
    """Millimetres along ``normal``."""
    normal: Vector
    """Which way its plane faces; only slices that face alike can be put in an order."""


def place_of(ds: Dataset, frame: int = 0) -> Place | None:
    """Along the normal of the image plane (PS3.3 C.7.6.2.1.1), of one of its frames, counted from 0.

    None where the object does not say where it lies, or says it in a way that cannot be.
    """
    where = functional_group(ds, "PlanePositionSequence", frame, "ImagePositionPatient")
    how = functional_group(ds, "PlaneOrientationSequence", frame, "ImageOrientationPatient")
    try:
        x, y, z = (float(number) for number in where.ImagePositionPatient)
        cosines = [float(number) for number in how.ImageOrientationPatient]
        normal = _cross((cosines[0], cosines[1], cosines[2]), (cosines[3], cosines[4], cosines[5]))
        length = sum(part * part for part in normal) ** 0.5
        along = x * normal[0] + y * normal[1] + z * normal[2]
    except BAD_INPUT:
        return None
    upright = isclose(length, 1.0, rel_tol=0.05)  # directions that are not at right angles are none
    return Place(round(along, 3), _rounded(normal)) if upright and isfinite(along) else None


def _cross(a: Vector, b: Vector) -> Vector:
    return a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]


def _rounded(normal: Vector) -> Vector:
    return round(normal[0], 5), round(normal[1], 5), round(normal[2], 5)
