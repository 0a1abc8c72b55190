"""The few of many patients who have most in common with an identity: everybody is looked at."""

from collections import Counter
from collections.abc import Sequence
from math import log2

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import OSA, JaroWinkler
from rapidfuzz.process import cdist

from fetch.identity import ids
from fetch.identity.dates import written
from fetch.identity.letters import foldings, guess, is_latin
from fetch.identity.names import Name, read
from fetch.identity.scoring import SAME_ID, SIMILAR_BIRTH, SIMILAR_ID, birth_bits, name_bits
from fetch.model import Patient

_Floats = NDArray[np.float32]
_CELLS = 2_000_000
_MOST_AT_ONCE = 1_000
"""Pairs, and identities, looked at in one go: so much memory is needed, however many there are in all."""
_NAME_BITS = np.array([name_bits(hundredth / 100, 99.0) for hundredth in range(101)], np.float32)
_BIRTH_BITS = np.array([birth_bits(same) for same in range(9)], np.float32)
_ID_BITS = np.array([SAME_ID, SIMILAR_ID, 0], np.float32)
_RAREST = 13.0
_SHORTEST_ID = 5


class Shortlist:
    """Patients, made ready to be compared with many identities by the arithmetic of ``scoring``.

    Here it is known how many have a name, so that a rare one says more than a common one.
    """

    def __init__(self, patients: Sequence[Patient]) -> None:
        self._families, self._givens = _parts(patients)
        self._rare_families, self._rare_givens = _rarity(self._families), _rarity(self._givens)
        self._births = _births(patients)
        self._ids = [_id(patient) for patient in patients]

    @property
    def at_once(self) -> int:
        """For how many identities to ask in one go."""
        return min(_MOST_AT_ONCE, max(1, _CELLS // max(1, len(self._ids))))

    def scores(self, found: Sequence[Patient]) -> _Floats:
        """A row for each identity found: what each patient has in common with it, in bits."""
        return self._names(found) + self._births_alike(found) + self._ids_alike(found)

    def _names(self, found: Sequence[Patient]) -> _Floats:
        """In the better order of the two parts."""
        families, givens = _parts(found)
        straight = _alike(families, self._families, self._rare_families)
        straight += _alike(givens, self._givens, self._rare_givens)
        crossed = _alike(families, self._givens, self._rare_givens)
        crossed += _alike(givens, self._families, self._rare_families)
        return np.maximum(straight, crossed - 1)

    def _births_alike(self, found: Sequence[Patient]) -> _Floats:
        theirs = _births(found)
        same = np.zeros((len(theirs), len(self._births)), np.uint8)
        swapped = np.zeros_like(same)
        for place, other in enumerate((0, 1, 2, 3, 6, 7, 4, 5)):
            same += theirs[:, place, None] == self._births[None, :, place]
            swapped += theirs[:, place, None] == self._births[None, :, other]
        bits: _Floats = _BIRTH_BITS[same]
        bits[(swapped == 8) & (same < 8)] = SIMILAR_BIRTH
        bits[(theirs[:, 0] == 0)] = 0
        bits[:, self._births[:, 0] == 0] = 0
        return bits

    def _ids_alike(self, found: Sequence[Patient]) -> _Floats:
        theirs = [_id(patient) for patient in found]
        off = cdist(theirs, self._ids, scorer=OSA.distance, score_cutoff=1, dtype=np.uint8, workers=-1)
        bits: _Floats = _ID_BITS[np.minimum(off, 2)]
        short = [len(one) < _SHORTEST_ID for one in theirs]
        bits[short] = np.where(off[short] == 0, np.float32(SAME_ID), np.float32(0))
        bits[[not one for one in theirs]] = 0
        bits[:, [not one for one in self._ids]] = 0
        return bits


def _parts(patients: Sequence[Patient]) -> tuple[list[str], list[str]]:
    names = [_spelled(patient) for patient in patients]
    return [_word(name.family) for name in names], [_word(name.given) for name in names]


def _spelled(patient: Patient) -> Name:
    return next((name for name in read(patient.name).groups if not name.empty), Name())


def _word(words: tuple[str, ...]) -> str:
    """One writing for the comparison of many; who is among the few is compared in all of them."""
    joined = "".join(words)
    if joined.isascii():
        return joined
    return min(foldings(joined)) if is_latin(joined) else guess(joined) or joined


def _id(patient: Patient) -> str:
    written_id = patient.identity.patient_id
    return ids.normal(written_id) if ids.names_somebody(written_id) else ""


def _births(patients: Sequence[Patient]) -> NDArray[np.uint8]:
    """Eight characters each; zeros for who has none."""
    rows = [written(patient).encode("ascii", "replace")[:8] for patient in patients]
    return np.frombuffer(b"".join(row.ljust(8, b"\0") for row in rows), np.uint8).reshape(-1, 8)


def _rarity(words: list[str]) -> _Floats:
    """Bits that an equal name is worth: one that half of all have is worth one."""
    count = Counter(words)
    bits = [min(_RAREST, log2(len(words) / count[word]) + 1) for word in words]
    return np.array(bits, np.float32)


def _alike(ours: list[str], theirs: list[str], rarity: _Floats) -> _Floats:
    """Bits for every pair; none where one side has nothing."""
    ratios = cdist(ours, theirs, scorer=JaroWinkler.similarity, dtype=np.float32, workers=-1)
    hundredths = (ratios * 100 + 1e-3).astype(np.uint8)
    bits: _Floats = np.minimum(_NAME_BITS[hundredths], rarity[None, :])
    bits[[not one for one in ours]] = 0
    bits[:, [not one for one in theirs]] = 0
    return bits
