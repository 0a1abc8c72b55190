"""Birth dates side by side, readable or not."""

from datetime import date, timedelta
from enum import Enum

from rapidfuzz.distance import OSA

from fetch.identity.placeholders import only_the_year
from fetch.model import Patient


class Births(Enum):
    """How two birth dates stand to each other."""

    SAME = "same"
    SWAPPED = "swapped"
    """Day and month."""
    SIMILAR = "similar"
    """One digit, two neighbours exchanged, the next day, or on one side only the year, or no century."""
    SAME_TEXT = "same-text"
    """The same on both sides, but no date."""
    DIFFERENT = "different"
    MISSING = "missing"


def compare_births(one: Patient, other: Patient) -> Births:
    ours, theirs = written(one), written(other)
    if not ours or not theirs:
        return Births.MISSING
    if one.birth_date and other.birth_date:
        if one.birth_date == other.birth_date:
            return Births.SAME
        return _near(one.birth_date, other.birth_date, ours, theirs)
    if ours == theirs:
        return Births.SAME_TEXT
    partly = min(len(ours), len(theirs)) >= 4 and (ours.startswith(theirs) or theirs.startswith(ours))
    near = partly or _without_century(ours, theirs) or _one_slip(ours, theirs) or _swapped(ours, theirs)
    return Births.SIMILAR if near else Births.DIFFERENT


def _near(one: date, other: date, ours: str, theirs: str) -> Births:
    if _swapped(ours, theirs):
        return Births.SWAPPED
    next_day = abs(one - other) == timedelta(days=1)  # of a time zone
    year = one.year == other.year and (only_the_year(one) or only_the_year(other))
    return Births.SIMILAR if next_day or year or _one_slip(ours, theirs) else Births.DIFFERENT


def _without_century(ours: str, theirs: str) -> bool:
    short, long = sorted((ours, theirs), key=len)
    return len(short) == 6 and len(long) == 8 and long.endswith(short)


def _swapped(ours: str, theirs: str) -> bool:
    return ours != theirs and len(ours) == 8 and ours == theirs[:4] + theirs[6:] + theirs[4:6]


def _one_slip(ours: str, theirs: str) -> bool:
    return OSA.distance(ours, theirs, score_cutoff=1) <= 1


def written(patient: Patient) -> str:
    """The digits of the birth date, also of one that does not exist."""
    if patient.birth_date:
        return f"{patient.birth_date.year:04d}{patient.birth_date:%m%d}"
    return "".join(c for c in patient.birth_date_text if c.isalnum())[:32]
