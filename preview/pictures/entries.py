"""The entries of a look-up table or a palette, as often written otherwise than its descriptor says."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom import Dataset

Words = npt.NDArray[np.uint16]


def entries(written: Sequence[bytes], count: int, bits: int) -> Words:
    """Of tables that belong together, one a column: at most ``count`` of ``bits`` each.

    In words, or in bytes, two to a word (PS3.3 C.7.6.3.1.6): how long they are tells which, also where the
    descriptor has it wrong. The standard itself knows of entries of eight bits that have a word each. Fewer
    than ``count`` where they end before. Raises ValueError where nobody can tell, or nothing is there.
    """
    (size,) = {len(table) for table in written}
    words = np.stack([_words(table) for table in written], axis=1)
    read = _bytes if _are_bytes(size, words, count, bits) else _words
    return np.stack([read(table)[:count] for table in written], axis=1)


def data(item: Dataset, keyword: str, ds: Dataset) -> bytes:
    """In words of which the lower byte comes first. Raises one of BAD_INPUT where they cannot be read."""
    element = item[keyword]
    value: Any = element.value
    if not isinstance(value, bytes):
        return (np.atleast_1d(np.asarray(value, np.int64)) & 0xFFFF).astype("<u2").tobytes()
    if element.VR == "OB" or ds.file_meta.TransferSyntaxUID.is_little_endian:
        return value
    return np.frombuffer(value[: len(value) // 2 * 2], ">u2").astype("<u2").tobytes()


def _are_bytes(size: int, words: Words, count: int, bits: int) -> bool:
    """Of tables of so many bytes each, which would be these words."""
    in_bytes, in_words = size in (count, count + 1), size >= 2 * count
    if bits > 8:
        return in_bytes and not in_words and not _hold_bytes(words)
    if in_bytes or (size and size < count and not _hold_bytes(words)):
        return True
    if size == 2 * count and _hold_bytes(words):
        return False
    raise ValueError("more or fewer entries than there should be")


def _bytes(written: bytes) -> Words:
    return np.frombuffer(written, np.uint8).astype(np.uint16)


def _words(written: bytes) -> Words:
    return np.frombuffer(written[: len(written) // 2 * 2], "<u2").astype(np.uint16)


def _hold_bytes(words: Words) -> bool:
    """Does each have eight bits: below, above, or both, as if multiplied by 257?"""
    high, low = words >> 8, words & 0xFF
    return not high.any() or not low.any() or bool((high == low).all())
