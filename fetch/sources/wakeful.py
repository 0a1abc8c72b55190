"""The thread below an association sleeps until something comes, and what is said is sent at once."""

import ssl
from collections.abc import Callable
from select import select
from typing import Any

from pynetdicom.association import Association
from pynetdicom.pdu import P_DATA_TF
from pynetdicom.pdu_primitives import P_DATA

_ESTABLISHED = "Sta6"  # PS3.8 9.2.1
_LOOK_S = 0.01
"""So often it looks for what others want of it: to release, to abort."""
_AT_ONCE = 16
"""Times that it reads before pynetdicom's own round, in which others get the processor twice."""


def wake_when_needed(assoc: Association) -> None:
    """Let pynetdicom's thread wait for the line, and whoever has a message send it.

    It would look a thousand times a second whether there is anything to read or to send. With TLS it does:
    no two threads may use a line of OpenSSL's at once.
    """
    dul: Any = assoc.dul
    usual_look, usual_send, usual_delay = dul._is_transport_event, dul.send_pdu, dul._run_loop_delay  # noqa: SLF001

    def line() -> Any:
        """The socket, if this association is one that we see to; else None."""
        wire = dul.socket.socket if dul.socket and dul.state_machine.current_state == _ESTABLISHED else None
        return None if isinstance(wire, ssl.SSLSocket) else wire

    def look() -> bool:
        wire = line()
        dul._run_loop_delay = 0 if wire else usual_delay  # noqa: SLF001
        if not wire or not dul.event_queue.empty():
            return bool(usual_look())
        return _read(dul, wire, lambda: line() is wire)

    def send(primitive: Any) -> None:
        if not isinstance(primitive, P_DATA):
            usual_send(primitive)
        elif assoc._sent_abort:  # noqa: SLF001 — its thread would end over a message behind an abort
            return
        elif line():
            dul._send(P_DATA_TF(primitive))  # noqa: SLF001
        else:
            usual_send(primitive)

    dul._is_transport_event, dul.send_pdu = look, send  # noqa: SLF001


def _read(dul: Any, wire: Any, is_ours: Callable[[], bool]) -> bool:
    """What came, and what comes meanwhile, until somebody has something else to be done; False if nothing."""
    for turn in range(_AT_ONCE):
        if not _something_came(wire):
            return turn > 0
        dul._read_pdu_data()  # noqa: SLF001
        is_quiet = dul.event_queue.empty() and dul.to_provider_queue.empty() and not dul._kill_thread  # noqa: SLF001
        if not is_quiet or not is_ours():
            break
    return True


def _something_came(wire: Any) -> bool:
    """Within a moment; the end of the line is something too."""
    try:
        return bool(select([wire], [], [], _LOOK_S)[0])
    except (OSError, ValueError):  # it was closed meanwhile
        return False
