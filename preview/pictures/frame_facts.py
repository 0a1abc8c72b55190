"""What an object says about one of its frames, wherever it says it; nothing odd in it can raise."""

from math import isfinite
from typing import Any

from pydicom import Dataset
from pydicom.multival import MultiValue

from preview.pictures.pixels import BAD_INPUT


def functional_group(ds: Dataset, sequence: str, index: int) -> Dataset:
    """Where a frame's facts stand: its own functional group, the shared one, or the object itself."""
    for groups, place in (("PerFrameFunctionalGroupsSequence", index), ("SharedFunctionalGroupsSequence", 0)):
        try:
            found: Dataset = ds[groups].value[place][sequence].value[0]
        except BAD_INPUT:
            continue
        return found
    return ds


def first_number(item: Dataset, keyword: str) -> float | None:
    """The first value, or None when there is none that is a finite number."""
    try:
        value: Any = item.get(keyword)
        number = float(value[0] if isinstance(value, MultiValue | list) else value)
    except BAD_INPUT:
        return None
    return number if isfinite(number) else None
