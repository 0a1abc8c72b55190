"""The Storage SCP (PS3.4 B): what archives push to us after a C-MOVE goes to the spool; nothing else does."""

import logging
import socket
import ssl
import threading
import time
from collections.abc import Iterable
from types import TracebackType
from typing import Any, Self, cast

from pynetdicom import AE, _config
from pynetdicom.transport import RequestHandler, ThreadedAssociationServer

from fetch.model import Local, Source
from fetch.sources import tls
from fetch.sources.callers import MOST_LINES, Callers, plain
from fetch.sources.line import ANNOUNCED_PDU
from fetch.sources.pushing import House, Pushing, Unasked, Wants, Wishes
from fetch.spool import Spool

log = logging.getLogger(__name__)

# pynetdicom would otherwise write patients' names into the log at level INFO
_config.LOG_HANDLER_LEVEL = "none"

_IDLE_S = 600.0
"""Between two objects an archive may have to fetch the next one from tape."""
_LOOK_UP_S = 60.0
_END_S = 3.0


class Receiver:
    """``with Receiver(local, sources, spool, wants).start() as receiver: ...``.

    Takes objects from the sources only, from their addresses and under their AE titles, and of studies
    only that somebody ``wants``; ``unasked`` is told of others. Answers success when an object is on the disk
    for certain.
    """

    def __init__(
        self,
        local: Local,
        sources: Iterable[Source],
        spool: Spool,
        wants: Wants,
        unasked: Unasked = lambda *_: None,
    ) -> None:
        self._local = local
        self._house = House(Callers(sources), spool, Wishes(wants), unasked)
        self._server: _Server | None = None
        self._over = threading.Event()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1]) if self._server else self._local.port

    def start(self) -> Self:
        """Raises an OSError where it cannot listen, a SetupFault where TLS has a file that is none."""
        encryption = tls.server_context(self._local.tls) if self._local.tls else None
        self._house.callers.look_up()
        self._server = _Server(self._local, self._house, encryption)
        listening = (self._server.serve_forever, (0.05,))
        for name, (work, told) in {"receiver": listening, "look up": (self._look_up, ())}.items():
            threading.Thread(target=work, args=told, name=name, daemon=True).start()
        return self

    def stop(self) -> None:
        """Take no more, and end what is under way: it was not answered, so the archive has it still."""
        server, self._server = self._server, None
        if server is None:
            return
        self._over.set()
        server.shutdown()
        lines = server.active_associations
        endings = [threading.Thread(target=assoc.abort, name="abort", daemon=True) for assoc in lines]
        for ending in endings:
            ending.start()
        end = time.monotonic() + _END_S
        for thread in (*endings, *lines):
            thread.join(max(0.0, end - time.monotonic()))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _look_up(self) -> None:
        while not self._over.wait(_LOOK_UP_S):
            self._house.callers.look_up()


class _Server(ThreadedAssociationServer):
    """pynetdicom's, with limits before the first byte, and a handshake of TLS that holds up nobody else."""

    daemon_threads = True
    request_queue_size = MOST_LINES

    def __init__(self, local: Local, house: House, encryption: ssl.SSLContext | None) -> None:
        self.house = house
        self._encryption = encryption
        self._groups: dict[Any, str] = {}
        entity = _entity(local, house.callers.opening)
        super().__init__(entity, (local.listen, local.port), local.aet, [], request_handler=_Line)
        entity._servers.append(self)  # noqa: SLF001 — it takes itself off this list when it is shut down

    def get_request(self) -> tuple[socket.socket, Any]:
        return cast(socket.socket, self.socket).accept()

    def verify_request(self, _request: Any, client_address: Any) -> bool:
        address = plain(client_address[0])
        group = self.house.callers.enters(address)
        if group is not None:
            self._groups[client_address] = group
        elif self.house.seldom.now(address):
            log.warning("receiver: refused address=%s too many connections", address)
        return group is not None

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """The whole life of one connection."""
        try:
            line = self._encrypted(request, plain(client_address[0]))
            if line is not None:
                self.finish_request(line, client_address)
                self.shutdown_request(line)
        finally:
            self.shutdown_request(request)
            self.house.callers.leaves(self._groups.pop(client_address))

    def _encrypted(self, line: socket.socket, address: str) -> socket.socket | None:
        if self._encryption is None:
            return line
        try:
            line.settimeout(self.house.callers.opening)
            return self._encryption.wrap_socket(line, server_side=True)
        except OSError as failed:
            if self.house.seldom.now(address):
                log.warning("receiver: refused address=%s %s", address, tls.fault(failed).detail)
            return None


def _entity(local: Local, opening: float) -> AE:
    entity = AE(ae_title=local.aet)
    entity.acse_timeout = opening
    entity.network_timeout = _IDLE_S
    entity.maximum_pdu_size = ANNOUNCED_PDU
    entity.maximum_associations = MOST_LINES + 1  # connections are counted before, from the first byte on
    return entity


class _Line(RequestHandler):
    def handle(self) -> None:
        house = cast(_Server, self.server).house
        Pushing(self._create_association(), house, plain(self.client_address[0])).run()
