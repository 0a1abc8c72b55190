"""What somebody outlined or planned, by count and by its codes: what they called it may name the patient.

Such labels are a word or two (``PTV_LiW``); initials in them look like any other word, and nobody can tell.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from pydicom import Dataset

from fetch.sources.reading import text
from preview.pictures.frame_facts import first_number
from preview.pictures.sequences import items

Told = tuple[str, Iterator[str]]
"""A title, and lines below it."""

_LONGEST = 64
"""Characters of a code's meaning (LO)."""

_ROI_TYPES = {
    "EXTERNAL": "Outline of the body",
    "PTV": "Planning target volume (PTV)",
    "CTV": "Clinical target volume (CTV)",
    "GTV": "Gross tumor volume (GTV)",
    "TREATED_VOLUME": "Treated volume",
    "IRRAD_VOLUME": "Irradiated volume",
    "OAR": "Organ at risk",
    "BOLUS": "Bolus",
    "AVOIDANCE": "To be avoided",
    "ORGAN": "Organ",
    "MARKER": "Marker",
    "REGISTRATION": "Mark for registration",
    "ISOCENTER": "Isocenter",
    "CONTRAST_AGENT": "Contrast agent",
    "CAVITY": "Cavity",
    "BRACHY_CHANNEL": "Brachytherapy channel",
    "BRACHY_ACCESSORY": "Brachytherapy accessory",
    "BRACHY_SRC_APP": "Brachytherapy source applicator",
    "BRACHY_CHNL_SHLD": "Brachytherapy channel shield",
    "SUPPORT": "Patient support",
    "FIXATION": "Fixation",
    "DOSE_REGION": "Dose region",
    "CONTROL": "Control region",
    "DOSE_MEASUREMENT": "Dose measurement region",
    "DEVICE": "Device",
}
"""RT ROI interpreted types (PS3.3 C.8.8.8.1)."""


def counted(noun: str, sequence: str, codes: str) -> Callable[[Dataset], Told]:
    """Tells how many items a sequence has, and what their codes mean."""

    def told(ds: Dataset) -> Told:
        found = items(ds, sequence)
        return "", _lines(noun, len(found), (_meaning(item, codes) for item in found))

    return told


def structures(ds: Dataset) -> Told:
    """Of a radiotherapy structure set."""
    observed = items(ds, "RTROIObservationsSequence")
    names = (_meaning(one, "RTROIIdentificationCodeSequence") or _roi_type(one) for one in observed)
    return "", _lines("structure", len(items(ds, "StructureSetROISequence")), names)


def plan(ds: Dataset) -> Told:
    """Of a radiotherapy plan."""
    beams = len(items(ds, "BeamSequence")) + len(items(ds, "IonBeamSequence"))
    groups = (first_number(one, "NumberOfFractionsPlanned") for one in items(ds, "FractionGroupSequence"))
    fractions = sum(int(number or 0) for number in groups)
    return "", iter([_many(beams, "beam"), _many(fractions, "fraction")])


def _lines(noun: str, count: int, names: Iterable[str]) -> Iterator[str]:
    yield _many(count, noun)
    for name, times in Counter(filter(None, names)).items():
        yield f"{name} ({times})" if times > 1 else name


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}{'s' * (count != 1)}" if count > 0 else ""


def _meaning(item: Dataset, codes: str) -> str:
    """Of a code that is somebody's own the meaning may be anything (PS3.16 8): such schemes begin with 99, or
    are called L.
    """
    for code in items(item, codes)[:1]:
        scheme = text(code, "CodingSchemeDesignator").upper()
        if scheme and scheme != "L" and not scheme.startswith("99"):
            return text(code, "CodeMeaning")[:_LONGEST]
    return ""


def _roi_type(observation: Dataset) -> str:
    return _ROI_TYPES.get(text(observation, "RTROIInterpretedType"), "")
