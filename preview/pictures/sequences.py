"""The items of a sequence, of which an object may claim any number, or none that can be read."""

from pydicom import Dataset

from preview.pictures.bad_input import BAD_INPUT

_MOST = 5000


def items(ds: Dataset, sequence: str) -> list[Dataset]:
    """At most five thousand of them; none where the element is no sequence."""
    try:
        found = [item for item in ds.get(sequence) or () if isinstance(item, Dataset)]
    except BAD_INPUT:
        return []
    return found[:_MOST]
