"""The carriers of one way: threads that each hold one association and bring one share after another."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field

from fetch.allowance import Allowance, Line
from fetch.carrying import Bring, Deliver, Opened
from fetch.errors import FetchError, trouble
from fetch.model import Received, Reported, Share, Way
from fetch.model import Source as Archive
from fetch.notes import Note, Noted, noted
from fetch.plan import Planner
from fetch.reasons import Reason, Trouble

log = logging.getLogger(__name__)

Open = Callable[[frozenset[str], Deliver, Opened], AbstractContextManager[Bring]]
"""Opens an association for these SOP classes (none: for all); what it yields brings a share."""

_FOR_EVER = 7 * 24 * 3600.0
_LOOK_S = 0.1
_LINGER_S = 0.5
"""So long an association is held while there is nothing to ask for yet."""
_MOST_LOSSES = 2
"""Connections that one carrier may lose one after another, without an object in between."""
_MOST_EMPTY = 2
"""Requests that a way may answer with success and nothing, before another way is tried."""
_PER_CARRIER = 8
"""Fewer images than this are not worth an association more."""


@dataclass
class Desk:
    """What the threads of a retrieval share; ``turn`` guards the planner and wakes who waits for a share."""

    source: Archive
    planner: Planner
    allowance: Allowance
    party: str
    deliver: Callable[[Received, Share], None]
    note: Callable[[Noted], None]
    turn: threading.Condition = field(default_factory=threading.Condition)
    stopped: bool = False
    classes: set[str] = field(default_factory=set)
    _aborts: dict[int, Callable[[], None]] = field(default_factory=dict)

    def stop(self) -> None:
        """End every association at once; whoever waits for a share or a line gives up."""
        with self.turn:
            self.stopped = True
            self.turn.notify_all()
            aborts = list(self._aborts.values())
        for abort in aborts:
            abort()

    @contextmanager
    def ending(self) -> Iterator[Opened]:
        """Something that ``stop`` has to end: hand the function for it to what is yielded."""
        mine = threading.get_ident()

        def opened(abort: Callable[[], None]) -> None:
            with self.turn:
                self._aborts[mine] = abort
                stopped = self.stopped
            if stopped:
                abort()

        try:
            yield opened
        finally:
            with self.turn:
                self._aborts.pop(mine, None)

    def is_stopped(self) -> bool:
        return self.stopped


class Crew:
    """Brings what the planner still wants in one way, with as many associations as are worth it."""

    def __init__(self, desk: Desk, way: Way, open_: Open, most: int, *, share: int, others: bool) -> None:
        self._desk = desk
        self._way = way
        self._open = open_
        self._most = most
        self._share = share
        self._others = others
        """Is there another way, should this one bring nothing?"""
        self._living = 0
        self._empty = 0
        self._failed = self._completed = 0
        """By the archive's own counts."""
        self.brought = 0
        self.error: FetchError | None = None

    @property
    def nothing_but_failed(self) -> bool:
        """Did the archive try to send, and fail with every single image?"""
        return self._failed > 0 and not (self._completed or self.brought)

    def run(self) -> None:
        """Until there is nothing to ask for any more, or ``error`` says why this way does not go on."""
        threads: list[threading.Thread] = []
        while not self._is_over():
            with self._desk.turn:
                wanted = self._worth()
                if self._living < wanted:
                    self._living += 1
                    threads.append(
                        threading.Thread(target=self._work, name=f"carry {len(threads)}", daemon=True)
                    )
                    threads[-1].start()
                    continue
                self._desk.turn.wait(_LOOK_S)
        for thread in threads:
            thread.join()

    def _is_over(self) -> bool:
        with self._desk.turn:
            if self._desk.stopped or self.error:
                return True
            return self._living == 0 and not self._desk.planner.waits and self._desk.planner.idle

    def _worth(self) -> int:
        """How many carriers: one at first, more when there is more to bring than one does in a moment."""
        planner = self._desk.planner
        if not planner.waits:
            return self._living
        missing = max(1, planner.listed - len(planner.arrived))
        return min(self._most, 1 + missing // _PER_CARRIER)

    # --- one carrier

    def _work(self) -> None:
        """Until there is nothing more to bring; a fault of our own ends the way instead of being repeated."""
        ended: FetchError | None = trouble(Reason.UNEXPECTED, "a carrier stopped")
        try:
            ended = self._carry()
        finally:
            self._leave(ended)

    def _carry(self) -> FetchError | None:
        """Hold one line after another; the error over which this carrier gives up."""
        losses = 0
        while not self._desk.stopped and not self.error and self._wait_for_share():
            before = self.brought
            error = self._hold_one_line()
            losses = 0 if self.brought > before else losses + bool(error)
            if error is not None and (losses >= _MOST_LOSSES or not self._goes_on(error)):
                return error
        return None

    def _leave(self, error: FetchError | None) -> None:
        """The last one to leave in distress says why nothing goes on; others leave their part to the rest."""
        with self._desk.turn:
            self._living -= 1
            if error is not None and self._living:
                self._most = max(1, self._living)
                if error.reason in _TOO_MANY:
                    self._desk.note(noted(Note.FEWER_LINES, reason=error.reason.code))
            elif error is not None:
                self.error = self.error or error
            self._desk.turn.notify_all()

    def _goes_on(self, error: FetchError) -> bool:
        """One image too many for an archive that sends others, or a line that was lost, ends nothing more."""
        passing = error.reason is Reason.OUT_OF_RESOURCES and self.brought > 0
        odd = error.reason is Reason.GARBLED or self._is_of_one(error)
        return error.reason.trouble is Trouble.UNREACHABLE or passing or odd

    def _is_of_one(self, error: FetchError) -> bool:
        """Some say that they do not know us when we take none of the kinds in which they have this image."""
        return error.reason is Reason.RECEIVER_UNKNOWN and bool(self._desk.planner.arrived)

    def _wait_for_share(self) -> bool:
        """Until there may be something to ask for; False if there is nothing more."""
        with self._desk.turn:
            while not self._desk.planner.waits:
                if self._desk.stopped or self.error or self._desk.planner.idle:
                    return False
                self._desk.turn.wait(_LOOK_S)
        return True

    def _hold_one_line(self) -> FetchError | None:
        """Bring share after share over one association, until it ends or has to be given back."""
        desk = self._desk
        classes = frozenset() if "" in desk.classes else frozenset(desk.classes)
        current: list[Share] = []
        try:
            with (
                desk.allowance.line(
                    desk.source, party=desk.party, patience=_FOR_EVER, unwanted=desk.is_stopped
                ) as line,
                desk.ending() as opened,
                self._open(classes, lambda received: self._arrived(received, current[-1]), opened) as bring,
            ):
                while (share := self._next(classes, line)) is not None:
                    current.append(share)
                    reported = bring(share)
                    self._ended(share, reported)
                    current.clear()
        except FetchError as error:
            return self._broke(error, current.pop() if current else None)
        finally:
            if current:  # a fault of our own: what it had in hand is not lost with it
                self._broke(trouble(Reason.UNEXPECTED, "a carrier stopped"), current.pop())
        return None

    def _next(self, classes: frozenset[str], line: Line) -> Share | None:
        """The next share for this association; None if it has to be closed."""
        patience = time.monotonic() + _LINGER_S
        with self._desk.turn:
            while not (self._desk.stopped or self.error or line.wanted_back() or not line.is_ours()):
                share = self._desk.planner.next_share(self._share)
                if share is not None and classes and not self._classes(share) <= classes:
                    self._desk.planner.put_back(share)
                    return None
                if share is not None:
                    return share
                if self._desk.planner.idle or time.monotonic() >= patience:
                    return None
                self._desk.turn.wait(_LOOK_S)
        return None

    def _classes(self, share: Share) -> set[str]:
        """The SOP classes that a share needs: of a whole series, all that are known of the study."""
        return {instance.sop_class for instance in share.instances} or self._desk.classes

    def _arrived(self, received: Received, share: Share) -> None:
        self.brought += 1
        self._desk.deliver(received, share)

    def _ended(self, share: Share, reported: Reported) -> None:
        with self._desk.turn:
            self._desk.planner.ended(share, reported)
            self._failed += reported.failed or 0
            self._completed += reported.completed or 0
            self._desk.turn.notify_all()
            self._empty += not self.brought
            if not self.brought and self._empty >= _MOST_EMPTY and self._others:
                nowhere = Reason.MOVED_NOWHERE if self._way is Way.MOVE else Reason.NOTHING_SENT
                self.error = trouble(nowhere, f"{self._empty} requests without an image")

    def _broke(self, error: FetchError, share: Share | None) -> FetchError | None:
        """Only the part of this association is lost; None if it was only asked in a way that is not taken."""
        desk = self._desk
        with desk.turn:
            if share is None or desk.stopped:
                if share is not None:
                    desk.planner.put_back(share)
                return error
            if error.reason.trouble is not Trouble.UNREACHABLE and desk.planner.postpone(share):
                desk.note(noted(Note.NO_WHOLE, reason=error.reason.code))
                desk.turn.notify_all()
                return None
            before = desk.planner.level, desk.planner.takes_lists
            if error.reason in _NOT_TAKEN and desk.planner.refused(share):
                if before != (desk.planner.level, desk.planner.takes_lists):
                    desk.note(noted(Note.NO_LISTS, instead=_instead(desk.planner)))
                desk.turn.notify_all()
                return None
            reason = Reason.REPORTED_FAILED if self._is_of_one(error) else error.reason
            desk.planner.broke(share, reason)
            desk.note(noted(Note.LINE_LOST, reason=reason.code))
            desk.turn.notify_all()
        return error


_TOO_MANY = (Reason.BUSY, Reason.TURNED_AWAY)
_NOT_TAKEN = (Reason.REQUEST_FAILED,)
"""What an archive answers to a list of images, or to a level, that it does not take."""


def _instead(planner: Planner) -> str:
    return {"IMAGE": "single images", "SERIES": "whole series", "STUDY": "the whole study"}[
        str(planner.level)
    ]
