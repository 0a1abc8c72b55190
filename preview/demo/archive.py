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

from preview.demo.behaviour import WELL, Behaviour, Kind
from preview.demo.conduct import Conduct, bent
from preview.demo.contexts import GET_MODEL, Doorman, application_entity, listen, send_at_once
from preview.demo.holdings import (
    Held,
    Holdings,
    Level,
    Mismatch,
    held_from_bytes,
    held_from_dataset,
    held_from_file,
    texts,
    unsupported_keys,
)
from preview.demo.matching import BadKey
from preview.demo.sending import Parcel, contexts_for, countable, parcels, sender

PENDING, PENDING_UNSUPPORTED_KEYS, CANCELLED = 0xFF00, 0xFF01, 0xFE00
MISMATCH, UNABLE_TO_PROCESS = 0xA900, 0xC000

Sub = tuple[int, Dataset | None]
Address = tuple[str, int]


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

    def start(self, port: int = 0) -> Self:
        ae = application_entity(self.aet, self._known_callers)
        handlers: list[Any] = [
            (evt.EVT_CONN_OPEN, send_at_once),
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

    def _on_requested(self, event: Any) -> None:
        self.associations += 1
        how, assoc = self._conduct.how, event.assoc
        if how.hangs:
            self._conduct.hang(assoc, how)
        elif how.refusal:
            assoc.acse.send_reject(*how.refusal)
            assoc.is_rejected = True  # else pynetdicom goes on to negotiate
            assoc.kill()
        elif how.refuses_get:
            kept = [cx for cx in assoc.acceptor.supported_contexts if cx.abstract_syntax != GET_MODEL]
            assoc.acceptor.supported_contexts = kept

    def _on_echo(self, event: Any) -> int:
        self._note(Kind.ECHO, event)
        return 0x0000

    def _on_store(self, event: Any) -> int:
        self._note(Kind.STORE, event, SOPInstanceUID=str(event.request.AffectedSOPInstanceUID))
        self._holdings.add(held_from_bytes(event.encoded_dataset()))
        return 0x0000

    def _on_find(self, event: Any) -> Iterator[Sub]:
        identifier, how = event.identifier, self._conduct.how
        self._note(Kind.FIND, event, identifier)
        status = how.final_status(Kind.FIND)
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
        level = _level(identifier)
        pending = PENDING_UNSUPPORTED_KEYS if unsupported_keys(level, identifier) else PENDING
        rows = list(self._holdings.find(level, identifier, any_patient=how.any_patient))
        for row in self._conduct.paced(event, Kind.FIND, how, rows[: how.cap]):
            yield (pending, bent(row, how)) if row else (CANCELLED, None)
        if how.cap is not None and how.cap_status is not None and len(rows) > how.cap:
            yield how.cap_status, None

    def _on_get(self, event: Any) -> Iterator[int | Sub]:
        self._note(Kind.GET, event, event.identifier)
        sent, status = self._to_send(event.identifier, Kind.GET)
        event.assoc.send_c_store = sender(event.assoc, sent)
        yield from self._delivered(event, Kind.GET, sent, status)

    def _on_move(self, event: Any) -> Iterator[Any]:
        self._note(Kind.MOVE, event, event.identifier, MoveDestination=event.move_destination)
        sent, status = self._to_send(event.identifier, Kind.MOVE)
        yield self._destination(event.move_destination, sent)
        yield from self._delivered(event, Kind.MOVE, sent, status)

    def _to_send(self, identifier: Dataset, kind: Kind) -> tuple[list[Parcel], int | None]:
        """What a retrieval sends, and the status that ends it before anything is sent."""
        how = self._conduct.how
        try:
            chosen = self._holdings.select(_level(identifier), identifier)
        except Mismatch:
            return [], MISMATCH
        sent = [] if how.sends_nothing else parcels(chosen, list(self._holdings), how)
        return sent, how.final_status(kind)

    def _delivered(
        self, event: Any, kind: Kind, sent: list[Parcel], status: int | None
    ) -> Iterator[int | Sub]:
        if status is not None:
            yield max(1, len(sent))
            yield status, None
            return
        yield len(sent)
        for parcel in self._conduct.paced(event, kind, self._conduct.how, sent):
            yield (PENDING, countable(parcel)) if parcel else (CANCELLED, None)

    def _destination(self, aet: str, sent: list[Parcel]) -> tuple[Any, ...]:
        """Where a move goes and how to send there; pynetdicom makes 0xA801 of None."""
        if aet not in self.peers:
            return None, None

        def on_established(event: Any) -> None:
            event.assoc.send_c_store = sender(event.assoc, sent)

        handlers = [(evt.EVT_CONN_OPEN, send_at_once), (evt.EVT_ESTABLISHED, on_established)]
        return *self.peers[aet], {"contexts": contexts_for(sent), "evt_handlers": handlers}

    def _note(self, kind: Kind, event: Any, identifier: Dataset | None = None, **keys: str) -> None:
        named = (
            {}
            if identifier is None
            else {e.keyword: "\\".join(texts(identifier, e.keyword)) for e in identifier}
        )
        level = named.pop("QueryRetrieveLevel", "")
        caller = str(event.assoc.requestor.ae_title).strip()
        self.requests.append(Asked(kind, level, MappingProxyType(named | keys), caller))


def _level(identifier: Dataset) -> Level:
    try:
        return Level(str(identifier.get("QueryRetrieveLevel", "")).strip())
    except ValueError as error:
        raise Mismatch("QueryRetrieveLevel") from error


def _peer(text: str) -> tuple[str, Address]:
    aet, _, address = text.partition("=")
    host, _, port = address.rpartition(":")
    return aet, (host, int(port))


def serve(argv: list[str] | None = None) -> None:
    """Serve a folder until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="python -m preview.demo.archive", description=__doc__)
    parser.add_argument("--aet", required=True)
    parser.add_argument("--port", type=int, required=True, help="0 for any free one")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--peer", type=_peer, action="append", default=[], metavar="AET=HOST:PORT")
    chosen = parser.parse_args(argv)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with Archive(chosen.aet, folder=chosen.folder, peers=dict(chosen.peer)).start(chosen.port) as archive:
        print(f"archive {archive.aet} is ready on 127.0.0.1:{archive.port}", flush=True)
        stop.wait()


if __name__ == "__main__":
    serve()
