"""Many patients, and for each identity found the ones whom it may be."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from fetch.identity import ids
from fetch.identity.context import Context
from fetch.identity.grades import Agreement, Grade, Judgement
from fetch.identity.judging import judge
from fetch.identity.names import given_names
from fetch.identity.ranking import MOST_CANDIDATES
from fetch.identity.scoring import SAME_ID
from fetch.identity.shortlist import Shortlist
from fetch.model import Patient

_MOST_OF_ONE_ORDER = 20


@dataclass(frozen=True)
class Entry:
    """A patient, or an identity found, by whatever its table calls it, with the accession number."""

    key: str
    patient: Patient
    accession: str = ""


@dataclass(frozen=True)
class Match:
    """What came of one identity found: the best judgement, and the patients it may be, best first."""

    found: Entry
    judgement: Judgement
    candidates: tuple[Entry, ...]
    grades: tuple[Grade, ...]
    """Of each candidate."""

    @property
    def linked(self) -> Entry | None:
        return self.candidates[0] if self.judgement.certain else None


class Register:
    """``trusted``: issuers whose ids may identify a patient where the identities were found."""

    def __init__(self, entries: Iterable[Entry], trusted: Iterable[str], today: date | None = None) -> None:
        self._entries = list(entries)
        given = frozenset(way for entry in self._entries for way in given_names(entry.patient))
        self._context = Context(frozenset(trusted), names_in_use=given, today=today or date.today())
        self._shortlist = Shortlist([entry.patient for entry in self._entries])
        self._by_id: dict[str, list[int]] = defaultdict(list)
        self._by_accession: dict[str, list[int]] = defaultdict(list)
        for place, entry in enumerate(self._entries):
            self._by_id[ids.normal(entry.patient.identity.patient_id)].append(place)
            self._by_accession[_number(entry.accession)].append(place)

    def match(self, found: Iterable[Entry]) -> Iterator[Match]:
        """Each in turn; ``found`` may be endless. Where two patients would be certain, none is."""
        rest = iter(found)
        while some := list(islice(rest, self._shortlist.at_once)):
            scores = self._shortlist.scores([entry.patient for entry in some])
            for entry, bits in zip(some, scores, strict=True):
                yield self._match(entry, bits)

    def _match(self, found: Entry, bits: NDArray[np.float32]) -> Match:
        """Whoever could be certain is judged, among the first or not; of several holders of an id none is."""
        holders, ordered = self._holders(found.patient), self._ordered(found)
        bits[ordered] += np.float32(SAME_ID)
        places = {*_highest(bits, MOST_CANDIDATES), *holders[:2], *ordered}
        carried = found.accession if ordered else ""
        context = replace(self._context, holders=len(holders), accession_carried=carried)
        judged = {place: self._judge(place, found, context) for place in places}
        certain = sum(judgement.certain for judgement in judged.values())
        if certain > 1:
            context = replace(context, qualifying=certain)
            judged = {place: self._judge(place, found, context) for place in places}
        order = sorted(places, key=lambda place: (-bits[place], place))
        best = min(order, key=lambda place: judged[place].grade.rank)
        order = [best, *(place for place in order if place != best)]
        first = order[:MOST_CANDIDATES]
        grades = tuple(judged[place].grade for place in first)
        return Match(found, judged[best], tuple(self._entries[place] for place in first), grades)

    def _judge(self, place: int, found: Entry, context: Context) -> Judgement:
        asked = self._entries[place]
        if context.accession_carried:
            context = replace(context, accession_brought=asked.accession)
        return judge(asked.patient, found.patient, context)

    def _holders(self, found: Patient) -> list[int]:
        """Those who have the very id."""
        if not ids.names_somebody(found.identity.patient_id):
            return []
        issuer = found.identity.issuer
        return [
            place
            for place in self._by_id.get(ids.normal(found.identity.patient_id), ())
            if ids.compare_issuers(self._entries[place].patient.identity.issuer, issuer) is Agreement.AGREE
        ]

    def _ordered(self, found: Entry) -> list[int]:
        """Those with its accession number; one that so many have is no order's."""
        number = _number(found.accession)
        places = self._by_accession.get(number, []) if number else []
        return places if len(places) <= _MOST_OF_ONE_ORDER else []


def _number(accession: str) -> str:
    return accession.strip().casefold()


def _highest(bits: NDArray[np.float32], most: int) -> list[int]:
    if len(bits) <= most:
        return list(range(len(bits)))
    return [int(place) for place in np.argpartition(bits, len(bits) - most)[-most:]]
