"""How an archive behaves at the moment: the pace of its answers, and when it hangs or drops the line."""

import threading
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

from pydicom import Dataset

from preview.demo.behaviour import WELL, Behaviour, Kind

LOOK_AGAIN_SECONDS = 0.1

Thing = TypeVar("Thing")


class Conduct:
    """The behaviour in force. Whoever hangs is let go, with the line cut, as soon as another one is."""

    def __init__(self) -> None:
        self.how = WELL
        self._changed = threading.Condition()

    def change(self, how: Behaviour) -> None:
        with self._changed:
            self.how = how
            self._changed.notify_all()

    def hang(self, assoc: Any, how: Behaviour) -> None:
        while self.how is how and _peer_waits(assoc):
            self._wait(how, LOOK_AGAIN_SECONDS)
        assoc.abort()

    def paced(
        self, event: Any, kind: Kind, how: Behaviour, things: Iterable[Thing]
    ) -> Iterator[Thing | None]:
        """The things one by one as the behaviour has it; None, and no more, when the asker cancels."""
        for number, thing in enumerate(things):
            self._wait(how, how.seconds_per_message)
            if event.is_cancelled:
                yield None
                return
            if self._interrupted(event.assoc, kind, how, number):
                return
            yield thing
        self._interrupted(event.assoc, kind, how, None)

    def _interrupted(self, assoc: Any, kind: Kind, how: Behaviour, number: int | None) -> bool:
        """Before thing ``number``, or (None) before the final answer, if fewer things came than n."""
        if _due(how.hangs_after, kind, number):
            self.hang(assoc, how)
        elif _due(how.drops_after, kind, number):
            assoc.abort()
        return not assoc.is_established

    def _wait(self, how: Behaviour, seconds: float) -> None:
        if seconds:
            with self._changed:
                self._changed.wait_for(lambda: self.how is not how, seconds)


def bent(row: Dataset, how: Behaviour) -> Dataset:
    """An answer as the behaviour has it."""
    for name in how.omits:
        if name in row:
            delattr(row, name)
    if how.issuer is not None:
        row.IssuerOfPatientID = how.issuer
    return row


def _due(after: tuple[Kind, int] | None, kind: Kind, number: int | None) -> bool:
    return after is not None and after[0] is kind and (number is None or number >= after[1])


def _peer_waits(assoc: Any) -> bool:
    return assoc.dul.is_alive() and not assoc.acse.is_aborted()
