"""What the demo archive can speak: its presentation contexts, and the server that offers them."""

import threading
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from socket import IPPROTO_TCP, TCP_NODELAY
from typing import Any

from pydicom import uid
from pynetdicom import AE, AllStoragePresentationContexts, _config
from pynetdicom.sop_class import (  # type: ignore[attr-defined]
    StudyRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelGet,
    StudyRootQueryRetrieveInformationModelMove,
    Verification,
)
from pynetdicom.transport import ThreadedAssociationServer

from fetch.sources.turnstile import Turnstile
from preview.demo.traits import Kind

# Identifiers are patient data, and the message loggers cost more than the messages.
_config.LOG_REQUEST_IDENTIFIERS = False
_config.LOG_RESPONSE_IDENTIFIERS = False
_config.LOG_HANDLER_LEVEL = "none"

FIND_MODEL = StudyRootQueryRetrieveInformationModelFind
GET_MODEL = StudyRootQueryRetrieveInformationModelGet
MOVE_MODEL = StudyRootQueryRetrieveInformationModelMove
MODELS = {Kind.FIND: FIND_MODEL, Kind.GET: GET_MODEL, Kind.MOVE: MOVE_MODEL}

UNCOMPRESSED = (uid.ExplicitVRLittleEndian, uid.ImplicitVRLittleEndian)
COMPRESSED = (
    uid.JPEGBaseline8Bit,
    uid.JPEGExtended12Bit,
    uid.JPEGLossless,
    uid.JPEGLosslessSV1,
    uid.JPEGLSLossless,
    uid.JPEGLSNearLossless,
    uid.JPEG2000Lossless,
    uid.JPEG2000,
    uid.RLELossless,
    uid.MPEG2MPML,
    uid.MPEG4HP41,
)
"""Without Deflated (bombs) and Big Endian (retired), both of which pynetdicom offers by default."""


def application_entity(aet: str, known_callers: Collection[str] | None) -> AE:
    ae = AE(ae_title=aet)
    for service in (Verification, FIND_MODEL, GET_MODEL, MOVE_MODEL):
        ae.add_supported_context(service, list(UNCOMPRESSED))
    for cx in AllStoragePresentationContexts:
        # Both roles: images come in by C-STORE, and go out over the asker's own association by C-GET.
        syntaxes = [*UNCOMPRESSED, *COMPRESSED]
        ae.add_supported_context(str(cx.abstract_syntax), syntaxes, scu_role=True, scp_role=True)
    ae.require_called_aet = True
    ae.require_calling_aet = sorted(known_callers) if known_callers is not None else []
    ae.maximum_pdu_size = 0
    ae.maximum_associations = 100
    ae.dimse_timeout = 300  # who receives a giant, or is not ready for the next one, may take its time
    return ae


def offers_compressed_reports(proposed: Iterable[Any]) -> bool:
    """Is a compressed syntax proposed for an object that is no image?"""
    objects = (cx for cx in proposed if "Storage" in uid.UID(cx.abstract_syntax).name)
    return any(
        set(cx.transfer_syntax) & set(COMPRESSED)
        for cx in objects
        if "Image" not in uid.UID(cx.abstract_syntax).name
    )


class Doorman(ThreadedAssociationServer):
    """The server of pynetdicom, which otherwise looks only twice a second whether it should stop."""

    def serve_forever(self, poll_interval: float = 0.02) -> None:
        super().serve_forever(poll_interval)

    def shutdown(self) -> None:
        self.ae._servers.append(self)  # noqa: SLF001  it takes itself off a list that we never put it on
        super().shutdown()


def listen(ae: AE, port: int, handlers: list[Any]) -> Doorman:
    server = Doorman(ae, ("127.0.0.1", port), ae.ae_title, ae.supported_contexts, evt_handlers=handlers)
    threading.Thread(target=server.serve_forever, name=f"archive {ae.ae_title}", daemon=True).start()
    return server


def send_at_once(event: Any) -> None:
    """Without it each message waits for the acknowledgement of the one before (Nagle's algorithm)."""
    event.assoc.dul.socket.socket.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
    if event.assoc.is_requestor:  # of others, the thread itself sends
        event.assoc._reactor_checkpoint = Turnstile()  # noqa: SLF001 — it does not run yet


@contextmanager
def wide_awake(assoc: Any) -> Iterator[None]:
    """Look for what is to be done ten times as often as pynetdicom does: each instance waits for that."""
    usual, assoc.dul._run_loop_delay = assoc.dul._run_loop_delay, 0.0001  # noqa: SLF001
    try:
        yield
    finally:
        assoc.dul._run_loop_delay = usual  # noqa: SLF001
