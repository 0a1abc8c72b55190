"""What a key object selection says of which images: these are key, these are rejected, or only a list."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice

from pydicom import Dataset
from pydicom.uid import KeyObjectSelectionDocumentStorage

from fetch.sources.reading import text, texts
from preview.pictures.references import is_uid
from preview.pictures.sequences import items

_MOST = 500
_MOST_LOOKED_AT = 5000
_DEEPEST = 8
_LONGEST = 64
_MOST_FRAMES = 64


def _(words: str) -> str:
    """Marks a title for translation."""
    return words


class Purpose(StrEnum):
    """Why images were selected."""

    KEY = "KEY"
    """To be looked at first."""
    REJECTED = "REJECTED"
    """Not to be looked at any more (IHE IOCM)."""
    LIST = "LIST"
    """To say what there is; it tells nothing of any of them."""


_TITLES = {
    "113000": (_("Of Interest"), Purpose.KEY),
    "113001": (_("Rejected for Quality Reasons"), Purpose.REJECTED),
    "113002": (_("For Referring Provider"), Purpose.KEY),
    "113003": (_("For Surgery"), Purpose.KEY),
    "113004": (_("For Teaching"), Purpose.KEY),
    "113005": (_("For Conference"), Purpose.KEY),
    "113006": (_("For Therapy"), Purpose.KEY),
    "113007": (_("For Patient"), Purpose.KEY),
    "113008": (_("For Peer Review"), Purpose.KEY),
    "113009": (_("For Research"), Purpose.KEY),
    "113010": (_("Quality Issue"), Purpose.LIST),
    "113013": (_("Best In Set"), Purpose.KEY),
    "113018": (_("For Printing"), Purpose.KEY),
    "113020": (_("For Report Attachment"), Purpose.KEY),
    "113021": (_("For Litigation"), Purpose.KEY),
    "113030": (_("Manifest"), Purpose.LIST),
    "113031": (_("Signed Manifest"), Purpose.LIST),
    "113032": (_("Complete Study Content"), Purpose.LIST),
    "113033": (_("Signed Complete Study Content"), Purpose.LIST),
    "113034": (_("Complete Acquisition Content"), Purpose.LIST),
    "113035": (_("Signed Complete Acquisition Content"), Purpose.LIST),
    "113036": (_("Group of Frames for Display"), Purpose.LIST),
    "113037": (_("Rejected for Patient Safety Reasons"), Purpose.REJECTED),
    "113038": (_("Incorrect Modality Worklist Entry"), Purpose.REJECTED),
    "113039": (_("Data Retention Policy Expired"), Purpose.REJECTED),
}
"""Document titles (PS3.16 CID 7010) by their code of the scheme DCM."""


@dataclass(frozen=True)
class Selected:
    """One image, by its SOP instance UID."""

    instance_uid: str
    frames: tuple[int, ...] = ()
    """The frames that are meant, from 1; none where the image as a whole is."""


@dataclass(frozen=True)
class Selection:
    """``title`` in English where it is one of the standard's, else as its author wrote it; "" for none."""

    title: str
    purpose: Purpose
    images: tuple[Selected, ...]

    @property
    def key_frames(self) -> dict[str, tuple[int, ...]]:
        """By SOP instance UID, the frames from 1 that are to be looked at first."""
        named = self.images if self.purpose is Purpose.KEY else ()
        return {image.instance_uid: image.frames for image in named if image.frames}


def selection(ds: Dataset) -> Selection | None:
    """None for any other kind of object; nothing odd in it can raise. At most 500 images, in its order."""
    if text(ds, "SOPClassUID") != KeyObjectSelectionDocumentStorage:
        return None
    title, purpose = titled(ds)
    frames: dict[str, tuple[int, ...]] = {}
    for one in islice(_chosen(ds), _MOST_LOOKED_AT):
        if is_uid(one.instance_uid) and (one.instance_uid in frames or len(frames) < _MOST):
            frames[one.instance_uid] = (frames.get(one.instance_uid, ()) + one.frames)[:_MOST_FRAMES]
    return Selection(title, purpose, tuple(Selected(uid, found) for uid, found in frames.items()))


def titled(ds: Dataset) -> tuple[str, Purpose]:
    """The title of a selection, and what it makes of its images; one of somebody's own makes them key."""
    for code in items(ds, "ConceptNameCodeSequence")[:1]:
        if text(code, "CodingSchemeDesignator") in ("DCM", "") and text(code, "CodeValue") in _TITLES:
            return _TITLES[text(code, "CodeValue")]
        return text(code, "CodeMeaning")[:_LONGEST], Purpose.KEY
    return "", Purpose.KEY


def _chosen(ds: Dataset, depth: int = 0) -> Iterator[Selected]:
    """What its author chose (PS3.16 TID 2010); what is beside that, such as presentation states, is not."""
    for item in items(ds, "ContentSequence"):
        if text(item, "ValueType") in ("IMAGE", ""):
            for image in items(item, "ReferencedSOPSequence"):
                yield Selected(text(image, "ReferencedSOPInstanceUID"), _frames(image))
        if depth < _DEEPEST:
            yield from _chosen(item, depth + 1)


def _frames(image: Dataset) -> tuple[int, ...]:
    named = texts(image, "ReferencedFrameNumber")[:_MOST_FRAMES]
    return tuple(int(frame) for frame in named if frame.isdecimal() and len(frame) < 7)
