"""A DICOM file (PS3.10 7) as it comes over HTTP: its file meta is judged, the data set stays encoded."""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from io import BytesIO
from pathlib import Path

from pydicom.dataset import Dataset
from pydicom.filereader import read_dataset
from pydicom.tag import BaseTag

from fetch.model import Received
from fetch.reasons import Reason
from fetch.sources import reading
from fetch.sources.paths import is_plain

IN_MEMORY = 32 * 2**20
"""Bytes; what is larger goes to a file."""
LONGEST = 8 * 2**30
_HEAD = 64 * 2**10
"""Preamble and file meta are within so many bytes."""
_META_BEGINS = 132

_SYNTAXES = "1.2.840.10008.1.2"  # PS3.6 A.1: what begins otherwise is private
_NEVER = {
    "1.2.840.10008.1.2.1.99",  # Deflated: a few kilobytes can unpack to gigabytes
    "1.2.840.10008.1.2.4.95",  # JPIP Referenced Deflate
    "1.2.840.10008.1.2.4.205",  # JPIP HTJ2K Referenced Deflate
    "1.2.840.10008.1.2.2",  # Big Endian, retired
}


class Refused(Exception):
    """It is no object that we take. Says why, for engineers: no patient data.

    ``instance_uid``: which one it is, where it says so.
    """

    def __init__(self, reason: Reason, why: str, instance_uid: str = "") -> None:
        super().__init__(why)
        self.reason = reason
        self.instance_uid = instance_uid


def receive(pieces: Iterator[bytes], folder: Path | None) -> Received:
    """The object that comes in pieces; a large one in a file (0600) in ``folder``, None for the system's.

    Raises :class:`Refused`; whatever ``pieces`` raises passes through, and leaves no file behind.
    """
    head = b""
    while len(head) < _HEAD and (piece := next(pieces, b"")):
        head += piece
    received, begins = _judged(head)
    kept, size = [head[begins:]], len(head)
    for piece in pieces:
        kept.append(piece)
        size += len(piece)
        if size > IN_MEMORY:
            kept[0] = head
            return replace(received, file=_spooled(kept, pieces, folder, received.instance_uid))
    return replace(received, data=b"".join(kept))


def _judged(head: bytes) -> tuple[Received, int]:
    """What the file meta says, and where the data set begins."""
    if head[128:_META_BEGINS] != b"DICM":
        raise Refused(Reason.NO_OBJECT, "no DICOM")
    source = BytesIO(head[_META_BEGINS:_HEAD])
    try:
        meta = read_dataset(source, is_implicit_VR=False, is_little_endian=True, stop_when=_is_after)
    except reading.WRONG_VALUE:
        raise Refused(Reason.NO_OBJECT, "no file meta") from None
    begins = _META_BEGINS + source.tell()
    if begins >= min(len(head), _HEAD):
        raise Refused(Reason.NO_OBJECT, "a file meta that does not end")
    return _named(meta), begins


def _is_after(tag: BaseTag, _vr: str | None, _length: int) -> bool:
    return tag.group != 0x0002


def _named(meta: Dataset) -> Received:
    names = "MediaStorageSOPClassUID", "MediaStorageSOPInstanceUID", "TransferSyntaxUID"
    sop_class, instance_uid, syntax = (reading.text(meta, name) for name in names)
    if not all(map(is_plain, (sop_class, instance_uid, syntax))):
        raise Refused(Reason.WRONG_UID, "a file meta without the UIDs it must have")
    if not syntax.startswith(_SYNTAXES) or syntax in _NEVER:
        raise Refused(Reason.SYNTAX_NOT_TAKEN, f"transfer syntax {syntax}", instance_uid)
    return Received(sop_class, instance_uid, syntax)


def _spooled(kept: list[bytes], pieces: Iterator[bytes], folder: Path | None, instance_uid: str) -> Path:
    with ExitStack() as unfinished:
        try:
            handle, name = tempfile.mkstemp(".dcm", "object-", folder)
            path = Path(name)
            unfinished.callback(path.unlink, missing_ok=True)
            with os.fdopen(handle, "wb") as file:
                size = _fill(file.write, kept, pieces)
        except OSError as full:
            raise Refused(Reason.NOT_KEPT, f"cannot be kept, errno {full.errno}", instance_uid) from None
        if size > LONGEST:
            raise Refused(Reason.TOO_LARGE, f"more than {LONGEST} bytes", instance_uid)
        unfinished.pop_all()
    return path


def _fill(write: Callable[[bytes], int], kept: list[bytes], pieces: Iterator[bytes]) -> int:
    """How many bytes were written: more than are taken, if there are more."""
    size = 0
    while kept:
        size += write(kept.pop(0))  # what is written leaves the memory
    for piece in pieces:
        size += write(piece)
        if size > LONGEST:
            break
    return size
