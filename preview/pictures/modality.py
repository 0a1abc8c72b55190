"""From stored grey values to those that were measured: a look-up table or a rescale (PS3.3 C.11.1)."""

from dataclasses import dataclass

from pydicom import Dataset

from preview.pictures.bad_input import BAD_INPUT
from preview.pictures.frame_facts import first_number, functional_group
from preview.pictures.lookup_table import Floats, LookupTable
from preview.pictures.pixels import Array
from preview.pictures.sequences import items

_XRAY_PROJECTIONS = ("1.2.840.10008.5.1.4.1.1.12.1", "1.2.840.10008.5.1.4.1.1.12.2")


@dataclass(frozen=True)
class Modality:
    """What becomes of the stored values of one frame."""

    slope: float = 1.0
    intercept: float = 0.0
    table: LookupTable | None = None
    is_damaged: bool = False
    """There was a table that cannot be read: what comes out is as it is stored, and in no unit."""

    def __call__(self, stored: Array) -> Floats:
        if self.table:
            return self.table.look_up(stored.astype(float))
        return stored.astype(float) * self.slope + self.intercept

    @property
    def goes_below_zero(self) -> bool:
        """For unsigned values; signed ones do, unless there is a table."""
        return self.table is None and (self.slope < 0 or self.intercept < 0)


def modality_of(ds: Dataset, index: int, *, signed: bool) -> Modality:
    """Of the frame with this index, from 0. ``signed``: are the stored values?"""
    item = functional_group(ds, "PixelValueTransformationSequence", index, "RescaleSlope", "RescaleIntercept")
    slope, intercept = first_number(item, "RescaleSlope"), first_number(item, "RescaleIntercept")
    tables = [] if _is_for_subtraction(ds) else items(ds, "ModalityLUTSequence")[:1]
    for table in tables:
        try:
            return Modality(table=LookupTable.of(table, ds, signed=signed))
        except BAD_INPUT:
            continue
    is_damaged = bool(tables) and slope is None and intercept is None
    return Modality(slope or 1.0, intercept or 0.0, is_damaged=is_damaged)


def _is_for_subtraction(ds: Dataset) -> bool:
    """Of angiography the table leads back to the dose: what is stored was seen (PS3.3 C.8.7.1.1.2)."""
    seen = str(ds.get("PixelIntensityRelationship")).strip().upper() in ("LOG", "DISP")
    return seen and str(ds.get("SOPClassUID")) in _XRAY_PROJECTIONS
