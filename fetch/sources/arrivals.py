"""What the receiver puts into the spool while a study is asked for, handed on file by file."""

import time
from collections.abc import Callable

from fetch.carrying import Deliver, Refused
from fetch.model import Received
from fetch.reasons import Reason
from fetch.spool import Spool


class Arrivals:
    """The files of one study that appear in the spool, each handed on once and then ``known`` by its name."""

    def __init__(
        self,
        spool: Spool,
        study_uid: str,
        deliver: Deliver,
        refused: Refused,
        known: set[str],
        expected: Callable[[str], bool] = lambda _instance: True,
    ) -> None:
        """``expected``: what is not yet stays where it is, and is looked at again."""
        self._spool = spool
        self._study_uid = study_uid
        self._deliver = deliver
        self._refused = refused
        self._known = known
        self._expected = expected
        self._early: dict[str, Received] = {}
        self.last = time.monotonic()
        """When something came, or came in."""

    def collect(self) -> list[str]:
        """Deliver what is new; the instances that it is."""
        came = []
        for received in self._new():
            self._known.add(_name(received))
            self._deliver(received)
            came.append(received.instance_uid)
        for code, instance in self._spool.refusals(self._study_uid):
            self._refused(Reason.of(code) or Reason.UNEXPECTED, instance)
        if came or self._spool.is_busy(self._study_uid):
            self.last = time.monotonic()
        return came

    def _new(self) -> list[Received]:
        """What is to be delivered now; of the rest it is remembered what it is."""
        seen = self._known | self._early.keys()
        self._early |= {_name(one): one for one in self._spool.waiting(self._study_uid, seen)}
        new = [one for one in self._early.values() if self._expected(one.instance_uid)]
        for one in new:
            del self._early[_name(one)]
        return new


def _name(received: Received) -> str:
    return received.file.name if received.file else ""
