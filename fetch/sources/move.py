"""C-MOVE: a source is asked to send a study to somebody else, or to our own receiver (PS3.4 C.4.2)."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from pydicom.dataset import Dataset
from pynetdicom import evt
from pynetdicom.association import Association
from pynetdicom.presentation import build_context
from pynetdicom.sop_class import StudyRootQueryRetrieveInformationModelMove  # type: ignore[attr-defined]

from fetch.carrying import Bring, Deliver, Opened, Refused
from fetch.errors import FetchError, refuse_unsafe_uid, trouble
from fetch.model import Local, Reported, Share, Source
from fetch.reasons import Reason
from fetch.sources import contexts, identifiers, reading
from fetch.sources.arrivals import Arrivals
from fetch.sources.association import (
    PENDING,
    SUCCESS,
    WARNING,
    abort,
    associate,
    failure,
    lost,
    nothing_but_failures,
)
from fetch.sources.pace import Pace
from fetch.sources.silence import Silence
from fetch.spool import Spool

STILL_S = 30.0
"""Images may come after the final response; so long none may come before no more are waited for."""
_UNCOUNTED_S = 3.0
"""As ``STILL_S``, of an archive that never says how many images it sends."""
_ON_ITS_WORD = 5
"""So many times longer nothing need come while its counters go on: they prove nothing."""
_DESTINATION_UNKNOWN = 0xA801
_LOOK_S = 0.02
_FOR_EVER_S = 7 * 24 * 3600.0
_KEEP_ALIVE = ((socket.TCP_KEEPIDLE, 30), (socket.TCP_KEEPINTVL, 10), (socket.TCP_KEEPCNT, 3))
"""Seconds and tries after which a host that has vanished is noticed, however silent archives may be."""


@dataclass(frozen=True)
class Moved:
    """What the source says of its sub-operations so far; None where it does not count."""

    completed: int | None
    failed: int | None
    remaining: int | None
    status: int


def move(
    source: Source,
    local: Local,
    study_uid: str,
    destination: str,
    tell: Callable[[Moved], None],
    opened: Opened = lambda _abort: None,
) -> Moved:
    """Have the whole study sent to the AE ``destination``; ``tell`` hears every count on the way.

    ``opened`` is given a function with which another thread may abort the association. Raises
    :class:`FetchError` when the source does not, cannot or may not send.
    """
    refuse_unsafe_uid(study_uid)
    model = build_context(StudyRootQueryRetrieveInformationModelMove, contexts.PLAIN)
    handlers = [(evt.EVT_CONN_OPEN, lambda event: opened(partial(abort, event.assoc)))]
    identifier = Dataset()
    identifier.QueryRetrieveLevel = "STUDY"
    identifier.StudyInstanceUID = study_uid
    with associate(source, local, [model], handlers=handlers) as association:
        if not association.accepted_contexts:
            raise trouble(Reason.NOT_SUPPORTED, "C-MOVE not accepted")
        began = time.monotonic()
        for status, _ in association.send_c_move(
            identifier, destination, StudyRootQueryRetrieveInformationModelMove
        ):
            if "Status" not in status:
                raise lost(source, time.monotonic() - began)
            moved = _moved(status)
            if moved.status in (SUCCESS, WARNING):
                return moved
            if moved.status == _DESTINATION_UNKNOWN:
                raise trouble(Reason.DESTINATION_UNKNOWN, f"status 0x{moved.status:04X}")
            if moved.status not in PENDING:
                raise failure(moved.status)
            tell(moved)
            began = time.monotonic()
        raise lost(source, time.monotonic() - began)


def _moved(status: Dataset) -> Moved:
    return Moved(
        completed=status.get("NumberOfCompletedSuboperations"),
        failed=status.get("NumberOfFailedSuboperations"),
        remaining=status.get("NumberOfRemainingSuboperations"),
        status=status.Status,
    )


@contextmanager
def carrying(
    source: Source,
    local: Local,
    spool: Spool,
    study_uid: str,
    deliver: Deliver,
    opened: Opened = lambda _abort: None,
    *,
    still: float = STILL_S,
    silence: Silence | None = None,
    refused: Refused = lambda _reason, _object: None,
    known: set[str] | None = None,
    expected: Callable[[str], bool] = lambda _instance: True,
) -> Iterator[Bring]:
    """One association over which shares of one study are asked for, to be sent to our own receiver.

    What is yielded asks for a share, and returns when all of it has come, or nothing more for ``still``
    seconds after the archive's final response. ``deliver`` is called in the thread that asks, once for
    each file that appears in the spool meanwhile, or waits there already. ``refused`` hears why the
    receiver refused an object. ``opened`` is given a function with which another thread ends it at once.
    ``expected``: may this instance be delivered yet? Else its file waits.
    ``known``: names of files that were delivered before, over other associations; those of now are added.
    Raises a :class:`FetchError`, also where nothing comes and no counter goes on for as long as ``silence``
    allows; the archive's own time-out for messages makes that longer.
    Only one at a time may carry a study (``Moves.alone``): each would deliver the other's files.
    """
    refuse_unsafe_uid(study_uid)
    stopped = threading.Event()
    model = build_context(StudyRootQueryRetrieveInformationModelMove, contexts.PLAIN)
    handlers = [(evt.EVT_CONN_OPEN, partial(_connected, opened, stopped))]
    with (
        spool.moves.under_way(source.name, study_uid) as number,
        associate(_with_patience(source), local, [model], handlers=handlers) as association,
    ):
        if not association.accepted_contexts:
            raise trouble(Reason.NOT_SUPPORTED, "C-MOVE not accepted")
        arrivals = Arrivals(spool, study_uid, deliver, refused, set() if known is None else known, expected)
        limits = (silence or Silence()).at_least(source.timeouts.message)
        yield _Carrier(_Question(association, local.aet, number), arrivals, stopped, limits, still).bring


def _connected(opened: Opened, stopped: threading.Event, event: evt.Event) -> None:
    _keep_alive(event.assoc.dul.socket)

    def stop() -> None:
        stopped.set()
        abort(event.assoc)

    opened(stop)


def _with_patience(source: Source) -> Source:
    """Without time-outs of pynetdicom's for messages: it knows nothing of the files that come meanwhile."""
    return replace(source, timeouts=replace(source.timeouts, message=_FOR_EVER_S, network=_FOR_EVER_S))


def _keep_alive(wire: Any) -> None:
    wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in _KEEP_ALIVE:
        wire.socket.setsockopt(socket.IPPROTO_TCP, option, value)


@dataclass(frozen=True)
class _Question:
    """How shares are asked for. By the message id the receiver knows what comes because of it."""

    association: Association
    destination: str
    message_id: int

    def put(self, identifier: Dataset) -> Iterator[tuple[Dataset, Dataset | None]]:
        model = StudyRootQueryRetrieveInformationModelMove
        return self.association.send_c_move(identifier, self.destination, model, msg_id=self.message_id)


class _Asking(threading.Thread):
    """One C-MOVE request and its responses, in a thread: between two of them files have to be delivered."""

    def __init__(self, question: _Question, identifier: Dataset) -> None:
        super().__init__(name="move", daemon=True)
        self._question = question
        self._identifier = identifier
        self.over = threading.Event()
        self.pace = Pace()
        self.all_sent = False
        """By its own count nothing remains to be sent."""
        self.final: tuple[Dataset, Dataset | None] | None = None

    def run(self) -> None:
        try:
            for status, identifier in self._question.put(self._identifier):
                if status.get("Status", SUCCESS) not in PENDING:
                    self.final = (status, identifier) if "Status" in status else None
                else:
                    self.pace.counted(status)
                    self.all_sent = status.get("NumberOfRemainingSuboperations") == 0
        except RuntimeError:  # the association has ended: pynetdicom's word for it
            return
        finally:
            self.over.set()


class _Carrier:
    def __init__(
        self,
        question: _Question,
        arrivals: Arrivals,
        stopped: threading.Event,
        silence: Silence,
        still: float,
    ) -> None:
        self._question = question
        self._arrivals = arrivals
        self._stopped = stopped
        self._silence = silence
        self._still = still

    def bring(self, share: Share) -> Reported:
        """What waits in the spool already is delivered, and not asked for."""
        here = set(self._arrivals.collect())
        left = tuple(i for i in share.instances if i.instance_uid not in here)
        if share.instances and not left:
            return Reported(len(share.instances), 0)
        identifier = identifiers.of_share(replace(share, instances=left))
        asking = _Asking(self._question, identifier)
        asking.start()
        try:
            came = self._meanwhile(asking, {i.instance_uid for i in left})
        finally:
            if asking.is_alive():
                abort(self._question.association)
                asking.join()
        status, named = self._final(asking)
        reported = _reported(status, named)
        if reported.status not in (SUCCESS, WARNING) and not nothing_but_failures(status, named):
            raise failure(reported.status)
        self._wait({i.instance_uid for i in left} - set(reported.failed_uids), came, reported.completed)
        return reported

    def _meanwhile(self, asking: _Asking, wanted: set[str]) -> list[str]:
        """Deliver until the final response. All that the archive sent before it is in the spool by then."""
        came: list[str] = []
        while not asking.over.wait(_LOOK_S):
            came += self._arrivals.collect()
            nothing_came = time.monotonic() - self._arrivals.last
            silent = max(min(asking.pace.silent, nothing_came), nothing_came / _ON_ITS_WORD)
            done = asking.all_sent or (bool(wanted) and wanted <= set(came))
            if silent >= self._silence.longest(begun=bool(came) or asking.pace.begun, done=done):
                raise _silent(silent, begun=bool(came))
        return came + self._arrivals.collect()

    def _final(self, asking: _Asking) -> tuple[Dataset, Dataset | None]:
        if asking.final is None or self._stopped.is_set():
            raise trouble(Reason.CONNECTION_LOST, "association aborted")
        return asking.final

    def _wait(self, wanted: set[str], came: list[str], sent: int | None) -> None:
        """Until all is here, or nothing more comes; ``sent``: how many images the archive says it sent.

        What only comes in, and may be of anything, is not waited for longer than for a silent archive.
        """
        whole = self._arrivals.last = time.monotonic()
        limit = self._still if wanted or sent is not None else min(self._still, _UNCOUNTED_S)
        while _may_come(wanted, came, sent) and time.monotonic() - self._arrivals.last < limit:
            if self._stopped.wait(_LOOK_S):
                raise trouble(Reason.CONNECTION_LOST, "aborted by us")
            new = self._arrivals.collect()
            whole = time.monotonic() if set(new).difference(came) else whole
            if time.monotonic() - whole >= self._silence.longest(begun=True, done=False):
                return
            came += new


def _silent(seconds: float, *, begun: bool) -> FetchError:
    reason = Reason.FELL_SILENT if begun else Reason.NO_ANSWER
    return trouble(reason, f"C-MOVE silent for {seconds:.0f} s")


def _may_come(wanted: set[str], came: list[str], sent: int | None) -> bool:
    if wanted and wanted <= set(came):
        return False
    return sent is None or len(came) < sent


def _reported(status: Dataset, named: Dataset | None) -> Reported:
    """What was stored with a warning is stored (PS3.7 9.1.4.1.8)."""
    done = [status.get(f"NumberOf{how}Suboperations") for how in ("Completed", "Warning")]
    return Reported(
        completed=None if done[0] is None else done[0] + (done[1] or 0),
        failed=status.get("NumberOfFailedSuboperations"),
        status=status.Status,
        failed_uids=reading.texts(named, "FailedSOPInstanceUIDList") if named else (),
    )
