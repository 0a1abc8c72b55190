"""A whole imaging archive on a port of this machine: C-ECHO, C-FIND, C-GET, C-MOVE and C-STORE."""

import argparse
import signal
import threading
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self

from pydicom import Dataset
from pynetdicom import evt

from preview.demo import switches
from preview.demo.behaviour import slow, throttled
from preview.demo.conduct import Conduct, Guests, bent, cut_off_later, ordered, pace, refusal, repeated
from preview.demo.contexts import (
    MODELS,
    Doorman,
    application_entity,
    listen,
    offers_compressed_reports,
    send_at_once,
)
from preview.demo.holdings import (
    Held,
    Holdings,
    Mismatch,
    held_from_bytes,
    held_from_dataset,
    held_from_file,
    level_of,
    texts,
    unsupported_keys,
)
from preview.demo.matching import BadKey
from preview.demo.port import Port
from preview.demo.retrieving import CANCELLED, MISMATCH, PENDING, Retrieving, Sub
from preview.demo.sending import Address
from preview.demo.traits import REFUSED_FOR_NOW, WELL, Behaviour, Kind, Refusal

SLOW = slow(3.0) & throttled(20_000)
"""As `flask demo slow` has it."""
PENDING_UNSUPPORTED_KEYS, UNABLE_TO_PROCESS = 0xFF01, 0xC000


@dataclass(frozen=True)
class Asked:
    """One request as it came in; ``keys`` are texts by keyword, several values joined by a backslash."""

    kind: Kind
    level: str = ""
    keys: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    calling: str = ""


class Archive:
    """``with Archive("MAIN", folder=folder).start() as archive: ... archive.port``.

    ``peers`` are the move destinations; ``known_callers`` None lets everybody in. What is pushed to it
    stays in memory: nothing is ever written to ``folder``.
    """

    def __init__(
        self,
        aet: str,
        *,
        folder: Path | None = None,
        datasets: Iterable[Dataset] = (),
        peers: Mapping[str, Address] | None = None,
        known_callers: Collection[str] | None = None,
    ) -> None:
        self.aet = aet
        self.peers = dict(peers or {})
        self.port = 0
        self.requests: list[Asked] = []
        self.associations = 0
        self._known_callers = known_callers
        self._holdings = Holdings()
        self._conduct = Conduct()
        self._guests = Guests()
        self._retrieving = Retrieving(aet, self._holdings, self._conduct, self.peers)
        self._server: Doorman | None = None
        for path in sorted(folder.rglob("*.dcm")) if folder else ():
            self._holdings.add(held_from_file(path))
        for ds in datasets:
            self.add(ds)

    def add(self, ds: Dataset) -> None:
        self.hold(held_from_dataset(ds))

    def hold(self, held: Held) -> None:
        """Hold an instance whose bytes need not agree with its header."""
        self._holdings.add(held)

    def remove(self, study_uid: str) -> None:
        """Hold the study no longer."""
        self._holdings.remove(study_uid)

    @property
    def most_at_once(self) -> int:
        """How many associations were ever open at the same time."""
        return self._guests.most_at_once

    @property
    def sent(self) -> list[str]:
        """The instances that it sent or began to send, in this order."""
        return self._retrieving.sent

    def start(self, port: int = 0) -> Self:
        ae = application_entity(self.aet, self._known_callers)
        handlers: list[Any] = [
            (evt.EVT_CONN_OPEN, self._on_connection),
            (evt.EVT_REQUESTED, self._on_requested),
            (evt.EVT_C_ECHO, self._on_echo),
            (evt.EVT_C_FIND, self._on_find),
            (evt.EVT_C_GET, self._on_get),
            (evt.EVT_C_MOVE, self._on_move),
            (evt.EVT_C_STORE, self._on_store),
        ]
        self._server = listen(ae, port, handlers)
        self.port = int(self._server.server_address[1])
        return self

    @property
    def is_served(self) -> bool:
        """Does it listen?"""
        return self._server is not None

    def stop(self) -> None:
        """Abort what is under way and close the port; well-behaved again when it is started again."""
        if self._server is None:
            return
        server, self._server = self._server, None
        self.behave_well()
        server.shutdown()
        for assoc in server.ae.active_associations:
            assoc.abort()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def behave(self, how: Behaviour) -> None:
        """From now on; whoever hangs because of the behaviour before is let go (its line is cut)."""
        self._conduct.change(how)

    def behave_well(self) -> None:
        self.behave(WELL)

    def asked(self, kind: Kind) -> list[Asked]:
        return [request for request in self.requests if request.kind is kind]

    def _on_connection(self, event: Any) -> None:
        send_at_once(event)
        if rate := self._conduct.how.bytes_per_second:
            pace(event.assoc.dul.socket, rate)

    def _on_requested(self, event: Any) -> None:
        self.associations += 1
        how, assoc = self._conduct.towards(Kind.ASSOCIATION), event.assoc
        proposed = assoc.requestor.primitive.presentation_context_definition_list
        if how.hangs:
            self._conduct.hang(assoc, how)
        elif how.refusal:
            _reject(assoc, how.refusal)
        elif self._conduct.is_broken:
            _reject(assoc, REFUSED_FOR_NOW)
        elif how.shuns_compressed_reports and offers_compressed_reports(proposed):
            assoc.abort()
        elif not self._guests.enter(assoc, how.most_associations):
            _reject(assoc, REFUSED_FOR_NOW)
        else:
            refused = {MODELS[kind] for kind in how.refused_services}
            kept = [cx for cx in assoc.acceptor.supported_contexts if cx.abstract_syntax not in refused]
            assoc.acceptor.supported_contexts = kept
            cut_off_later(assoc, how)

    def _on_echo(self, event: Any) -> int:
        self._note(Kind.ECHO, event)
        return 0x0000

    def _on_store(self, event: Any) -> int:
        self._note(Kind.STORE, event, SOPInstanceUID=str(event.request.AffectedSOPInstanceUID))
        self._holdings.add(held_from_bytes(event.encoded_dataset()))
        return 0x0000

    def _on_find(self, event: Any) -> Iterator[Sub]:
        identifier, how = event.identifier, self._conduct.towards(Kind.FIND)
        self._note(Kind.FIND, event, identifier)
        status = refusal(Kind.FIND, how, identifier)
        if status is not None:
            yield status, None
            return
        try:
            yield from self._found(event, identifier, how)
        except Mismatch:
            yield MISMATCH, None
        except BadKey:
            yield UNABLE_TO_PROCESS, None

    def _found(self, event: Any, identifier: Dataset, how: Behaviour) -> Iterator[Sub]:
        level = level_of(identifier)
        pending = PENDING_UNSUPPORTED_KEYS if unsupported_keys(level, identifier) else PENDING
        if how.beginnings and identifier.get("PatientID"):
            identifier.PatientID += "*"
        rows = list(self._holdings.find(level, identifier, any_patient=how.any_patient))
        answers = [bent(row, how) for row in ordered(rows, how)[: how.cap]]
        for row in self._conduct.paced(event, Kind.FIND, how, repeated(answers, how)):
            yield (pending, row) if row else (CANCELLED, None)
        if how.cap is not None and how.cap_status is not None and len(rows) > how.cap:
            yield how.cap_status, None

    def _on_get(self, event: Any) -> Iterator[int | Sub]:
        self._note(Kind.GET, event, event.identifier)
        yield from self._retrieving.get(event)

    def _on_move(self, event: Any) -> Iterator[Any]:
        self._note(Kind.MOVE, event, event.identifier, MoveDestination=event.move_destination)
        yield from self._retrieving.move(event)

    def _note(self, kind: Kind, event: Any, identifier: Dataset | None = None, **keys: str) -> None:
        asked = identifier or Dataset()
        named = {elem.keyword: "\\".join(texts(asked, elem.keyword)) for elem in asked}
        level = named.pop("QueryRetrieveLevel", "")
        caller = str(event.assoc.requestor.ae_title).strip()
        self.requests.append(Asked(kind, level, MappingProxyType(named | keys), caller))


def _reject(assoc: Any, how: Refusal) -> None:
    assoc.acse.send_reject(*how)
    assoc.is_rejected = True  # else pynetdicom goes on to negotiate
    assoc.kill()


def _peer(text: str) -> tuple[str, Address]:
    aet, _, address = text.partition("=")
    host, _, port = address.rpartition(":")
    return aet, (host, int(port))


def _open(archive: Archive, port: Port) -> None:
    with port.lent() as number:
        archive.start(number)


def serve(argv: list[str] | None = None) -> None:
    """Serve a folder until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="python -m preview.demo.archive", description=__doc__)
    parser.add_argument("--aet", required=True)
    parser.add_argument("--port", type=int, required=True, help="0 for any free one")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--bytes-per-second", type=int, help="no more over each association")
    parser.add_argument("--switch", type=Path, help="a file that says up, down or slow")
    parser.add_argument("--peer", type=_peer, action="append", default=[], metavar="AET=HOST:PORT")
    chosen = parser.parse_args(argv)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    port = Port(chosen.port)
    with Archive(chosen.aet, folder=chosen.folder, peers=dict(chosen.peer)) as archive:
        usual = Behaviour(bytes_per_second=chosen.bytes_per_second)
        _open(archive, port)
        archive.behave(usual)
        print(f"archive {archive.aet} is ready on 127.0.0.1:{archive.port}", flush=True)

        def turn(state: str) -> None:
            if state == "down":
                archive.stop()
                return
            if not archive.is_served:
                _open(archive, port)
            archive.behave(SLOW if state == "slow" else usual)

        switches.follow(chosen.switch, stop.wait, turn)
    if chosen.switch:
        switches.release_redis(chosen.switch.parent.parent)


if __name__ == "__main__":
    serve()
