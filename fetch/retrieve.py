"""Bring one study: an iterator over its instances, and at the end what the archive said of them."""

import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Self

from fetch.errors import FetchError, refuse_unsafe_uid, trouble
from fetch.model import Local, Received, Source
from fetch.reasons import Reason
from fetch.sources import dimse
from fetch.sources.dimse import Reported

_WAITING = 16
"""Instances that may wait for us before the archive has to: bounds memory."""


class Retrieval:
    """One C-GET association in a thread of its own; iterate to receive.

    ::

        with Retrieval(source, local, study_uid, classes) as retrieval:
            for received in retrieval:
                ...  # a Received, or None about every ``tick`` seconds in which nothing came
        retrieval.reported  # what the archive said at the end

    The iterator raises the :class:`FetchError` that ended the association, after everything that arrived
    before it. Leaving the block early aborts the association.
    """

    def __init__(
        self,
        source: Source,
        local: Local,
        study_uid: str,
        classes: Iterable[str] = (),
        tick: float = 0.5,
    ) -> None:
        refuse_unsafe_uid(study_uid)
        self.reported: Reported | None = None
        self._tick = tick
        self._asked = (source, local, study_uid, tuple(classes))
        self._arrived: queue.Queue[Received | None] = queue.Queue(_WAITING)
        self._error: FetchError | None = None
        self._stop = threading.Event()
        self._abort: Callable[[], None] = lambda: None
        self._thread = threading.Thread(target=self._run, name="retrieve", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        while self._thread.is_alive():
            self._abort()
            self._thread.join(0.05)

    def __iter__(self) -> Iterator[Received | None]:
        while True:
            try:
                received = self._arrived.get(timeout=self._tick)
            except queue.Empty:
                yield None
                continue
            if received is None:
                break
            yield received
        if self._error:
            raise self._error
        if self.reported is None:  # a fault of our own ended the thread; nobody shall wait for it
            raise trouble(Reason.CONNECTION_LOST, "the retrieval ended without a report")

    def _run(self) -> None:
        source, local, study_uid, classes = self._asked
        try:
            self.reported = dimse.get(source, local, study_uid, classes, self._hand_over, self._opened)
        except FetchError as error:
            self._error = error
        finally:
            self._hand_over(None)

    def _opened(self, abort: Callable[[], None]) -> None:
        self._abort = abort

    def _hand_over(self, received: Received | None) -> None:
        """Wait for room; once nobody wants the rest, let it go."""
        while not self._stop.is_set():
            try:
                self._arrived.put(received, timeout=0.2)
            except queue.Full:
                continue
            return
