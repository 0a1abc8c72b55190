"""How many associations a source allows us, and who has them: everybody who connects takes a line first."""

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Protocol

from fetch.errors import trouble
from fetch.model import Source
from fetch.precedence import Held, Turns, Wish, party_of
from fetch.reasons import Reason

PATIENCE_S = 20.0
"""How long a question waits for a line before it is said that all are taken."""
_LOOK_S = 0.05


class Line(Protocol):
    """One association that we may have open."""

    def wanted_back(self) -> bool:
        """Does somebody wait for it who goes before us? Asked between two requests; cheap."""

    def is_ours(self) -> bool:
        """Is it still? A holder that was silent too long has lost it and must hang up."""


class Allowance(Protocol):
    """Hands out lines, at most ``source.associations`` of each source at a time."""

    def line(
        self,
        source: Source,
        *,
        party: str = "",
        urgent: bool = False,
        patience: float = PATIENCE_S,
        unwanted: Callable[[], bool] = lambda: False,
    ) -> AbstractContextManager[Line]:
        """A line for as long as the block runs.

        ``party``: whose it is; lines of one party share their turns. ``urgent``: a question or probe, for
        which a fetch gives way. Raises SourceRefused(LINES_TAKEN) after ``patience`` seconds without one,
        or at once when ``unwanted`` turns true.
        """


class LocalAllowance:
    """Counts within this process only: for scripts and tests without a database."""

    def __init__(self) -> None:
        self._turn = threading.Condition()
        self._places: dict[str, _Place] = defaultdict(_Place)
        self._numbers = count()

    @contextmanager
    def line(
        self,
        source: Source,
        *,
        party: str = "",
        urgent: bool = False,
        patience: float = PATIENCE_S,
        unwanted: Callable[[], bool] = lambda: False,
    ) -> Iterator[Line]:
        holder = f"holder {next(self._numbers)}"
        wish = Wish(holder, party_of(party, holder, urgent=urgent), urgent, datetime.now(UTC))
        end = time.monotonic() + patience
        with self._turn:
            place = self._places[source.name]
        try:
            with self._turn:
                while not place.take(wish, source.associations):
                    if unwanted() or time.monotonic() >= end:
                        raise trouble(Reason.LINES_TAKEN)
                    self._turn.wait(_LOOK_S)
            yield _LocalLine(self._turn, place, holder, source.associations)
        finally:
            with self._turn:
                place.leave(holder)
                self._turn.notify_all()


@dataclass
class _Place:
    """The lines of one source, and who waits for them."""

    held: dict[str, Held] = field(default_factory=dict)
    wishes: dict[str, Wish] = field(default_factory=dict)

    def turns(self, allowed: int) -> Turns:
        return Turns(allowed, tuple(self.held.values()), tuple(self.wishes.values()))

    def take(self, wish: Wish, allowed: int) -> bool:
        self.wishes[wish.holder] = wish
        if not self.turns(allowed).is_next(wish):
            return False
        used = {line.slot for line in self.held.values()}
        slot = next(number for number in count() if number not in used)
        self.held[wish.holder] = Held(slot, wish.holder, wish.party)
        del self.wishes[wish.holder]
        return True

    def leave(self, holder: str) -> None:
        self.held.pop(holder, None)
        self.wishes.pop(holder, None)


@dataclass(frozen=True)
class _LocalLine:
    turn: threading.Condition
    place: _Place
    holder: str
    allowed: int

    def wanted_back(self) -> bool:
        with self.turn:
            return self.place.turns(self.allowed).gives_way(self.holder)

    def is_ours(self) -> bool:
        return True
