"""What an archive holds: every instance with its place in the hierarchy, its bytes kept as they came."""

from collections.abc import Iterable, Iterator
from copy import copy
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import Any

from pydicom import Dataset, dcmread
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.multival import MultiValue
from pydicom.uid import UID
from pynetdicom.dsutils import split_dataset

from preview.demo.matching import matches


class Level(StrEnum):
    """Levels of the Study Root model (PS3.4 C.6.2)."""

    STUDY = "STUDY"
    SERIES = "SERIES"
    IMAGE = "IMAGE"

    @property
    def unique_key(self) -> str:
        return UNIQUE_KEYS[self]

    @property
    def above(self) -> tuple["Level", ...]:
        return tuple(Level)[: list(Level).index(self)]


UNIQUE_KEYS = {
    Level.STUDY: "StudyInstanceUID",
    Level.SERIES: "SeriesInstanceUID",
    Level.IMAGE: "SOPInstanceUID",
}

OF_PATIENT = ["PatientName", "PatientID", "IssuerOfPatientID", "PatientBirthDate", "PatientSex"]
OF_STUDY = ["StudyID", "StudyDate", "StudyTime", "StudyDescription", "AccessionNumber"]
OF_SERIES = ["SeriesNumber", "SeriesDescription", "Modality", "BodyPartExamined", "Laterality"]
OF_IMAGE = ["SOPClassUID", "InstanceNumber", "NumberOfFrames", "Rows", "Columns", "BitsAllocated"]

KEPT = {
    Level.STUDY: [*OF_PATIENT, "StudyInstanceUID", *OF_STUDY, "ReferringPhysicianName"],
    Level.SERIES: ["SeriesInstanceUID", *OF_SERIES],
    Level.IMAGE: ["SOPInstanceUID", *OF_IMAGE],
}

COUNTED = {
    Level.STUDY: [
        "ModalitiesInStudy",
        "NumberOfStudyRelatedSeries",
        "NumberOfStudyRelatedInstances",
        "InstanceAvailability",
    ],
    Level.SERIES: ["NumberOfSeriesRelatedInstances", "InstanceAvailability"],
    Level.IMAGE: ["InstanceAvailability"],
}

HEADER_TAGS = ["SpecificCharacterSet", *(name for names in KEPT.values() for name in names)]


class Mismatch(ValueError):
    """The identifier does not fit the model (0xA900): a level or a unique key above it is missing."""


def level_of(identifier: Dataset) -> Level:
    try:
        return Level(str(identifier.get("QueryRetrieveLevel", "")).strip())
    except ValueError as error:
        raise Mismatch("QueryRetrieveLevel") from error


@dataclass(frozen=True, eq=False)
class Held:
    """One instance. ``origin`` is the file and the offset of the data set, or the data set itself."""

    header: Dataset
    transfer_syntax: UID
    origin: tuple[Path, int] | bytes

    @property
    def file(self) -> tuple[Path, int] | None:
        """The file and the offset of the data set in it, if it lies in one."""
        return None if isinstance(self.origin, bytes) else self.origin

    @property
    def data(self) -> bytes:
        """The data set alone, encoded, without preamble and file meta information."""
        if isinstance(self.origin, bytes):
            return self.origin
        path, offset = self.origin
        with path.open("rb") as file:
            file.seek(offset)
            return file.read()

    @cached_property
    def sop_class(self) -> UID:
        return UID(str(self.header.SOPClassUID))

    def uid(self, level: Level) -> str:
        return str(self.header[level.unique_key].value)


def held_from_file(path: Path) -> Held:
    header = dcmread(path, stop_before_pixels=True, specific_tags=HEADER_TAGS)
    return Held(header, UID(header.file_meta.TransferSyntaxUID), (path, split_dataset(path)[1]))


def held_from_bytes(part10: bytes) -> Held:
    """From a complete DICOM file in memory."""
    file = BytesIO(part10)
    header = dcmread(file, stop_before_pixels=True, specific_tags=HEADER_TAGS)
    # The group length counts from the element after it (PS3.10 7.1): preamble, "DICM", 12 bytes, group.
    offset = 128 + 4 + 12 + int(header.file_meta.FileMetaInformationGroupLength)
    return Held(header, UID(header.file_meta.TransferSyntaxUID), part10[offset:])


def held_from_dataset(ds: Dataset) -> Held:
    file = BytesIO()
    ds.save_as(file, enforce_file_format=True)
    return held_from_bytes(file.getvalue())


Tree = dict[str, dict[str, dict[str, Held]]]
"""Study, series and instance UID."""


class Holdings:
    """The index; a second copy of an instance replaces the first."""

    def __init__(self) -> None:
        self._tree: Tree = {}

    def add(self, held: Held) -> None:
        study, series, instance = (held.uid(level) for level in Level)
        self._tree.setdefault(study, {}).setdefault(series, {})[instance] = held

    def remove(self, study_uid: str) -> None:
        self._tree.pop(study_uid, None)

    def __iter__(self) -> Iterator[Held]:
        return iter(_leaves(self._tree))

    def select(self, level: Level, identifier: Dataset) -> list[Held]:
        """The instances that a retrieval of this level asks for; the last unique key may be a list."""
        wanted = [uid for uid in dict.fromkeys(texts(identifier, level.unique_key)) if uid]
        if not wanted:
            raise Mismatch(level.unique_key)
        place = self._below(level, identifier)
        return [held for uid in wanted if uid in place for held in _leaves(place[uid])]

    def find(self, level: Level, identifier: Dataset, *, any_patient: bool = False) -> Iterator[Dataset]:
        """One answer for each entity of this level that matches, with the return keys asked for."""
        ignored = {"PatientID", "IssuerOfPatientID"} if any_patient else set()
        names = _keywords(identifier)
        for group in self._groups(level, identifier):
            row = _row(level, group, names)
            if _matches_all(row, identifier, [name for name in names if name in row and name not in ignored]):
                yield row

    def _groups(self, level: Level, identifier: Dataset) -> Iterable[list[Held]]:
        """The entities below those that the unique keys above this level name (PS3.4 C.4.1.3.1.1)."""
        place = self._below(level, identifier)
        named = texts(identifier, level.unique_key)
        branches = [place[uid] for uid in named if uid in place] if named else list(place.values())
        return map(_leaves, branches)

    def _below(self, level: Level, identifier: Dataset) -> dict[str, Any]:
        """What lies at this level, by UID."""
        place: dict[str, Any] = self._tree
        for upper in level.above:
            place = place.get(_single(identifier, upper), {})
        return place


def unsupported_keys(level: Level, identifier: Dataset) -> bool:
    """Is a key to be matched that this archive does not know? Then answers come with 0xFF01."""
    known = {*KEPT[level], *COUNTED[level], *(upper.unique_key for upper in level.above)}
    return any(name not in known and texts(identifier, name) for name in _keywords(identifier))


def texts(ds: Dataset, keyword: str) -> tuple[str, ...]:
    """The values of an element as text; none when it is absent or empty."""
    value = ds.get(keyword)
    if value is None or value == "":
        return ()
    return tuple(str(v) for v in value) if isinstance(value, MultiValue | list) else (str(value),)


def _keywords(identifier: Dataset) -> list[str]:
    own = {"QueryRetrieveLevel", "SpecificCharacterSet", "RetrieveAETitle", ""}
    return [elem.keyword for elem in identifier if elem.keyword not in own and elem.VR != "SQ"]


def _single(identifier: Dataset, level: Level) -> str:
    uids = texts(identifier, level.unique_key)
    if len(uids) != 1:
        raise Mismatch(level.unique_key)
    return uids[0]


def _leaves(branch: Held | dict[str, Any]) -> list[Held]:
    if isinstance(branch, Held):
        return [branch]
    return [held for below in list(branch.values()) for held in _leaves(below)]


def _row(level: Level, group: list[Held], names: Iterable[str]) -> Dataset:
    row, header = Dataset(), group[0].header
    row.SpecificCharacterSet = header.get("SpecificCharacterSet", "ISO_IR 6")
    row.QueryRetrieveLevel = str(level)
    known = {*KEPT[level], *(upper.unique_key for upper in level.above)}
    for name in {*names, level.unique_key, *(upper.unique_key for upper in level.above)}:
        if name in COUNTED[level]:
            setattr(row, name, _counted(name, group))
        elif name in known and name in header:
            row[name] = copy(header[name])  # whoever bends an answer leaves what is held alone
        elif name in known:
            row.add_new(tag_for_keyword(name) or 0, dictionary_VR(name), None)
    return row


def _counted(name: str, group: list[Held]) -> int | str | list[str]:
    if name == "ModalitiesInStudy":
        return sorted({str(held.header.get("Modality", "")) for held in group} - {""})
    if name == "InstanceAvailability":
        return "ONLINE"
    if name == "NumberOfStudyRelatedSeries":
        return len({held.uid(Level.SERIES) for held in group})
    return len(group)


def _matches_all(row: Dataset, identifier: Dataset, names: list[str]) -> bool:
    return all(matches(name, "\\".join(texts(identifier, name)), texts(row, name)) for name in names)
