"""What an archive sends when instances are asked for: the truth, or what its behaviour makes of it."""

import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from pydicom import Dataset

from preview.demo.conduct import ordered
from preview.demo.holdings import Held, Level
from preview.demo.traits import Behaviour, Pixels, Stranger

FAILED, DONE = 0xA700, 0x0000
MOST = 65535
"""Numbers of sub-operations are US (PS3.7 9.3.3.2)."""


@dataclass(frozen=True)
class Parcel:
    """One sub-operation: what the command calls it, and what is really inside."""

    instance_uid: str
    held: Held
    change: Callable[[Dataset], object] | None = None
    """What a lie does to the stored data set."""
    outcome: int | None = None
    """Counted with this status without being sent."""


def parcels(chosen: list[Held], everything: Iterable[Held], how: Behaviour) -> list[Parcel]:
    """What is sent when these instances are asked for."""
    sent = [_parcel(held, how) for held in ordered(chosen, how)]
    if not sent:
        return []
    if how.leaves_out:
        kept = max(0, len(sent) - how.leaves_out)
        outcome = FAILED if how.admits else DONE
        sent[kept:] = [replace(p, outcome=outcome) for p in sent[kept:]]
    middle = len(sent) // 2
    if how.wrong_uid:
        sent[middle] = replace(sent[middle], instance_uid=how.wrong_uid)
    if how.stranger:
        sent = _with_stranger(sent, list(everything), how.stranger)
    if how.foreign:
        sent[middle:middle] = _foreign(chosen[0], everything, how.foreign)
    return [parcel for parcel in sent for _ in range(1 + how.twice)][:MOST]


def endless(chosen: list[Held]) -> list[Parcel]:
    """Sub-operations that take hours, and of which nothing is ever sent."""
    return [Parcel("", chosen[0], outcome=DONE)] * MOST if chosen else []


def _parcel(held: Held, how: Behaviour) -> Parcel:
    change = {None: None, Pixels.MISSING: _without_pixels, Pixels.EMPTY: _with_no_pixel}[how.pixels]
    return Parcel(held.uid(Level.IMAGE), held, change)


def _without_pixels(ds: Dataset) -> None:
    ds.pop("PixelData", None)


def _with_no_pixel(ds: Dataset) -> None:
    if "PixelData" in ds:
        ds["PixelData"].value = b""
        ds["PixelData"].is_undefined_length = False


def _with_stranger(sent: list[Parcel], everything: list[Held], how: Stranger) -> list[Parcel]:
    """The middle one is somebody else's, as alike as can be found: the same kind of object first."""
    middle = len(sent) // 2
    asked = sent[middle].held
    others = [held for held in everything if held.header.PatientID != asked.header.PatientID]
    if not others:
        return sent
    other = min(others, key=lambda held: held.sop_class != asked.sop_class)
    if how is Stranger.EXTRA:
        return [*sent[:middle], Parcel(other.uid(Level.IMAGE), other), *sent[middle:]]
    uid = asked.uid(Level.IMAGE)

    def under_the_asked_uid(ds: Dataset) -> None:
        if how is Stranger.UNDER_THE_ASKED_UID:
            ds.SOPInstanceUID = uid

    return [*sent[:middle], Parcel(uid, other, under_the_asked_uid), *sent[middle + 1 :]]


def _foreign(asked: Held, everything: Iterable[Held], n: int) -> list[Parcel]:
    """Instances of other studies of the same patient."""
    study = asked.uid(Level.STUDY)
    others = (h for h in everything if h.header.PatientID == asked.header.PatientID)
    return [
        Parcel(held.uid(Level.IMAGE), held)
        for held in itertools.islice((h for h in others if h.uid(Level.STUDY) != study), n)
    ]


def countable(parcel: Parcel) -> Dataset:
    """The data set that pynetdicom counts; it names the failed ones by their instance UID."""
    ds = Dataset()
    ds.SOPInstanceUID = parcel.instance_uid
    return ds
