"""What an object says about one of its frames, wherever it says it; nothing odd in it can raise."""

from math import isfinite
from typing import Any

from pydicom import Dataset
from pydicom.multival import MultiValue

from preview.pictures.bad_input import BAD_INPUT


def functional_groups(ds: Dataset, sequence: str, index: int) -> list[Dataset]:
    """Where a frame's facts may stand, the nearest first: its group, the shared one, the object itself."""
    places = []
    for groups, place in (("PerFrameFunctionalGroupsSequence", index), ("SharedFunctionalGroupsSequence", 0)):
        if groups not in ds:
            continue
        try:
            found: Dataset = ds[groups].value[place][sequence].value[0]
        except BAD_INPUT:
            continue
        places.append(found)
    return [*places, ds]


def functional_group(ds: Dataset, sequence: str, index: int, *keywords: str) -> Dataset:
    """The nearest place that says any of these; the object itself where none does."""
    places = functional_groups(ds, sequence, index)
    return (
        ds
        if len(places) == 1
        else next((place for place in places if any(_says(place, keyword) for keyword in keywords)), ds)
    )


def _says(place: Dataset, keyword: str) -> bool:
    try:
        return place.get(keyword) not in (None, "")
    except BAD_INPUT:
        return False


def first_number(item: Dataset, keyword: str) -> float | None:
    """The first value, or None when there is none that is a finite number."""
    return next(iter(numbers(item, keyword)), None)


def numbers(item: Dataset, keyword: str) -> list[float | None]:
    """All values in their order, None for those that are no finite number."""
    try:
        value: Any = item.get(keyword)
    except BAD_INPUT:
        return []
    return [_number(one) for one in (value if isinstance(value, MultiValue | list) else [value])]


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except BAD_INPUT:
        return None
    return number if isfinite(number) else None
