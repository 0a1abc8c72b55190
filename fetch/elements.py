"""The first elements of an encoded data set, read one by one: bounded, and safe for any bytes."""

import os
import re
import struct
from collections.abc import Collection
from typing import BinaryIO

from pydicom.uid import PYDICOM_IMPLEMENTATION_UID

STUDY_INSTANCE_UID = 0x0020000D
SOP_INSTANCE_UID = 0x00080018
MEDIA_SOP_CLASS, MEDIA_SOP_INSTANCE, TRANSFER_SYNTAX = 0x00020002, 0x00020003, 0x00020010
_IMPLEMENTATION = 0x00020012

_MOST_ELEMENTS = 50_000
"""Looked at on the way, those within sequences included: whoever sends more hides something."""
_LONGEST_VALUE = 128
_UNDEFINED = 0xFFFFFFFF
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_LONG = {b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"}
"""Value representations whose length takes four bytes in explicit encoding (PS3.5 7.1.2)."""
_UID = re.compile(r"[0-9]+(\.[0-9]+)*")


class NotDicom(ValueError):
    """The bytes are no data set. The text says why, and quotes nothing."""


def is_uid(text: str) -> bool:
    """Digits and dots, 64 at most (PS3.5 9.1); components with leading zeros are common and do no harm."""
    return len(text) <= 64 and _UID.fullmatch(text) is not None


def file_meta(file: BinaryIO) -> tuple[str, str, str]:
    """Class, instance and transfer syntax as the file meta information has them (PS3.10 7.1).

    The file is then at its data set. Raises :class:`NotDicom`.
    """
    if file.read(132)[128:] != b"DICM":
        raise NotDicom("no DICOM preamble")
    wanted = (MEDIA_SOP_CLASS, MEDIA_SOP_INSTANCE, TRANSFER_SYNTAX)
    found = texts(file, wanted, until=0x0002FFFF, implicit=False)
    if len(found) < len(wanted):
        raise NotDicom("a UID is missing in the file meta information")
    return found[MEDIA_SOP_CLASS], found[MEDIA_SOP_INSTANCE], found[TRANSFER_SYNTAX]


def part_10(sop_class: str, instance_uid: str, transfer_syntax: str) -> bytes:
    """What stands before the data set in a DICOM file: preamble and file meta information (PS3.10 7.1)."""
    uids = (sop_class, instance_uid, transfer_syntax, str(PYDICOM_IMPLEMENTATION_UID))
    tags = (MEDIA_SOP_CLASS, MEDIA_SOP_INSTANCE, TRANSFER_SYNTAX, _IMPLEMENTATION)
    meta = struct.pack("<HH2sHLH", 2, 1, b"OB", 0, 2, 0x0100)
    for tag, uid in zip(tags, uids, strict=True):
        value = uid.encode("ascii") + b"\0" * (len(uid) % 2)
        meta += struct.pack("<HH2sH", tag >> 16, tag & 0xFFFF, b"UI", len(value)) + value
    return bytes(128) + b"DICM" + struct.pack("<HH2sHL", 2, 0, b"UL", 4, len(meta)) + meta


def texts(
    file: BinaryIO, wanted: Collection[int], *, until: int, implicit: bool, longest: int = _LONGEST_VALUE
) -> dict[int, str]:
    """The short values of these elements, little endian, from here to the last tag ``until``.

    Each byte of them is one letter, whatever the character set.

    Raises :class:`NotDicom`; the file is left at the first element after them.
    """
    walk, found = _Walk(file), {}
    while (header := walk.header(implicit=implicit)) is not None:
        tag, vr, length = header
        if tag > until:
            file.seek(walk.began)
            break
        if tag in wanted:
            found[tag] = walk.value(length, longest)
        elif length == _UNDEFINED:
            walk.skip_items(implicit=implicit or vr == b"UN")  # PS3.5 6.2.2
        else:
            walk.skip(length)
    return found


class _Walk:
    """Steps over elements; every step is counted, and none leads beyond the end."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._size = os.fstat(file.fileno()).st_size
        self._left = _MOST_ELEMENTS
        self.began = file.tell()
        """Where the element begins whose header was read last."""

    def header(self, *, implicit: bool) -> tuple[int, bytes, int] | None:
        """Tag, value representation ("" where none is written) and length; None at the end."""
        self._left -= 1
        if self._left < 0:
            raise NotDicom("too many elements")
        self.began = self._file.tell()
        read = self._file.read(8)
        if not read:
            return None
        if len(read) < 8:
            raise NotDicom("ends in an element")
        group, element, length = struct.unpack("<HHL", read)
        tag = group << 16 | element
        if implicit or group == 0xFFFE:
            return tag, b"", length
        return tag, read[4:6], self._explicit(read[4:6], read[6:8])

    def _explicit(self, vr: bytes, length: bytes) -> int:
        if not (vr.isalpha() and vr.isupper()):
            raise NotDicom("no value representation where one is due")
        if vr not in _LONG:
            return int.from_bytes(length, "little")
        four = self._file.read(4)
        if len(four) < 4:
            raise NotDicom("ends in an element")
        return int.from_bytes(four, "little")

    def value(self, length: int, longest: int) -> str:
        if length > longest:
            raise NotDicom("a value that is too long")
        read = self._file.read(length)
        if len(read) < length:
            raise NotDicom("ends in a value")
        return read.decode("latin-1").strip("\0 ")

    def skip(self, length: int) -> None:
        end = self._file.tell() + length
        if end > self._size:
            raise NotDicom("a value beyond the end")
        self._file.seek(end)

    def skip_items(self, *, implicit: bool) -> None:
        """The items of a sequence of undefined length, whatever they hold (PS3.5 7.5)."""
        inside = [(_SEQUENCE_END, implicit)]
        while inside:
            end, how = inside[-1]
            header = self.header(implicit=how)
            if header is None:
                raise NotDicom("a sequence without an end")
            tag, vr, length = header
            if tag == end:
                inside.pop()
            elif (tag == _ITEM) is not (end == _SEQUENCE_END):
                raise NotDicom("an item where none is due")
            elif length != _UNDEFINED:
                self.skip(length)
            else:
                inside.append((_ITEM_END, how) if tag == _ITEM else (_SEQUENCE_END, how or vr == b"UN"))
