"""How an archive answers a C-GET and a C-MOVE."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydicom import Dataset
from pynetdicom import evt

from preview.demo.conduct import Conduct, refusal
from preview.demo.contexts import send_at_once, wide_awake
from preview.demo.holdings import Held, Holdings, Level, Mismatch, level_of
from preview.demo.parcels import DONE, Parcel, countable, endless, parcels
from preview.demo.reporting import bend_reports
from preview.demo.sending import Address, contexts_for, send_later, sender
from preview.demo.traits import Behaviour, Kind

PENDING, CANCELLED, MISMATCH = 0xFF00, 0xFE00, 0xA900

Sub = tuple[int, Dataset | None]


@dataclass(frozen=True)
class Errand:
    """What one request makes the archive do."""

    kind: Kind
    how: Behaviour
    sent: list[Parcel]
    status: int | None
    """What ends it before anything is sent."""


class Retrieving:
    """``peers`` are the move destinations by their AE title."""

    def __init__(self, aet: str, holdings: Holdings, conduct: Conduct, peers: Mapping[str, Address]) -> None:
        self._aet, self._holdings, self._conduct, self._peers = aet, holdings, conduct, peers
        self.sent: list[str] = []
        """What it set about sending, one C-STORE after another."""

    def get(self, event: Any) -> Iterator[int | Sub]:
        errand = self._errand(event, Kind.GET)
        event.assoc.send_c_store = sender(event.assoc, errand.sent, errand.how)
        yield from self._delivered(event, errand)

    def move(self, event: Any) -> Iterator[Any]:
        errand, late = _halved(self._errand(event, Kind.MOVE))
        yield self._destination(event.move_destination, errand)
        yield from self._delivered(event, errand)
        if late:
            address = self._peers[event.move_destination]
            send_later(self._aet, event.move_destination, address, late, errand.how)

    def _errand(self, event: Any, kind: Kind) -> Errand:
        identifier, how = event.identifier, self._conduct.towards(kind)
        status = refusal(kind, how, identifier)
        try:
            chosen = self._holdings.select(level_of(identifier), identifier)
        except Mismatch:
            chosen, status = [], status or MISMATCH
        bend_reports(event.assoc, how, len(chosen))
        return Errand(kind, how, self._sent(kind, how, chosen), status)

    def _sent(self, kind: Kind, how: Behaviour, chosen: list[Held]) -> list[Parcel]:
        if kind in how.endless:
            return endless(chosen)
        nobody = how.moves_to_nobody and kind is Kind.MOVE
        offline = bool(chosen) and self._conduct.is_offline(how, chosen[0].uid(Level.STUDY))
        if how.sends_nothing or nobody or offline:
            return []
        return parcels(chosen, self._holdings, how)

    def _delivered(self, event: Any, errand: Errand) -> Iterator[int | Sub]:
        if errand.status is not None:
            yield max(1, len(errand.sent))
            yield errand.status, None
            return
        yield len(errand.sent)
        with wide_awake(event.assoc):
            for parcel in self._conduct.paced(event, errand.kind, errand.how, errand.sent):
                if parcel:
                    self.sent.append(parcel.instance_uid)
                yield (PENDING, countable(parcel)) if parcel else (CANCELLED, None)

    def _destination(self, aet: str, errand: Errand) -> tuple[Any, ...]:
        """Where a move goes and how to send there; pynetdicom makes 0xA801 of None."""
        if aet not in self._peers:
            return (None, None) if not errand.how.moves_to_nobody else ("127.0.0.1", 9)

        def on_established(event: Any) -> None:
            event.assoc.send_c_store = sender(event.assoc, errand.sent, errand.how)

        handlers = [(evt.EVT_CONN_OPEN, send_at_once), (evt.EVT_ESTABLISHED, on_established)]
        return *self._peers[aet], {"contexts": contexts_for(errand.sent), "evt_handlers": handlers}


def _halved(errand: Errand) -> tuple[Errand, list[Parcel]]:
    """What is sent in time, where the behaviour leaves the second half for later: it counts as sent."""
    if errand.how.late_seconds is None:
        return errand, []
    half = (len(errand.sent) + 1) // 2
    now, late = errand.sent[:half], errand.sent[half:]
    return replace(errand, sent=[*now, *(replace(p, outcome=DONE) for p in late)]), late
