"""Counts the associations of a source across all workers and hosts that share one database.

1. A source has ``associations`` slots. Whoever has a slot's row in the database (LineRow) has a line.
2. A row is a lease: a thread renews those of its process every 5 s for 20 s more; the block's end deletes it.
3. A dead holder's lease so ends within 20 s, and whoever waits sees that within half a second.
4. Taking one is one transaction that is alone for its source: it reads who holds and who waits, and decides.
   SQLite has one writer anyway (BEGIN IMMEDIATE), PostgreSQL an advisory lock: none is handed out twice.
5. Who gets none writes a wish (LineWishRow, a lease too) and looks again after 50 to 300 ms.
6. Urgent wishes go first, then the party with the fewest lines, then whoever came first (``precedence.py``).
7. A holder asks ``wanted_back`` between two requests and closes its line if it is the one to give way.
8. A lease that could not be renewed in time is lost: ``is_ours`` says so, and its holder hangs up.
9. A fork has none of its parent's leases: it neither renews nor frees them.
10. The clocks of the hosts may differ by less than 15 s, which is what a living lease always has left.
"""

import logging
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

from sqlalchemy.exc import SQLAlchemyError

from fetch.allowance import PATIENCE_S, Line
from fetch.errors import trouble
from fetch.leases import Clock, Keeper, Lease
from fetch.line_table import LineTable
from fetch.model import Source
from fetch.precedence import NOBODY, Turns, Wish, party_of
from fetch.reasons import Reason
from fetch.records import Records, new_key

log = logging.getLogger(__name__)

LENGTH = timedelta(seconds=20)
RENEWED_EVERY = timedelta(seconds=5)
WISH_LENGTH = timedelta(seconds=10)
LONGEST_PAUSE_S = 0.3
_SHORTEST_PAUSE_S, _LONGEST_URGENT_PAUSE_S = 0.05, 0.1
_AFTER_FAULT_S = 1.0
_LOOK_S = 0.3
_MOST_PARTIES = 1000


class CountedLines:
    """The :class:`~fetch.allowance.Allowance` of an installation, for all threads of a process.

    A database that cannot be reached is asked again while patience lasts; then its error is raised.
    """

    def __init__(
        self,
        records: Records,
        *,
        clock: Clock = lambda: datetime.now(UTC),
        length: timedelta = LENGTH,
        renewed_every: timedelta = RENEWED_EVERY,
        wish_length: timedelta = WISH_LENGTH,
    ) -> None:
        self._clock = clock
        self._table = LineTable(records, clock, length, wish_length)
        self._new_keeper = partial(Keeper, records, clock, length, renewed_every)
        self._last_keeper = self._new_keeper()
        self._came: dict[str, datetime] = {}
        self._seen: dict[tuple[str, int], tuple[float, Turns]] = {}

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
        keeper, wish = self._keeper(), self._wish(party, urgent=urgent)
        try:
            lease = _Wait(self._table, source, wish).over(time.monotonic() + patience, unwanted)
            keeper.keep(lease)
            yield _CountedLine(self, source, wish.party, lease, keeper)
        finally:
            if keeper.is_here:
                keeper.drop(wish.holder)
                self._table.leave(wish.holder)

    def holds(self, lease: Lease) -> bool:
        return lease.holds(self._clock())

    def gives_way(self, source: Source, holder: str) -> bool:
        """Does this holder have to close its line? All threads share what one of them saw a moment ago."""
        key = source.name, source.associations
        seen_at, turns = self._seen.get(key, (float("-inf"), None))
        if turns is None or time.monotonic() - seen_at >= _LOOK_S:
            turns = self._look(source)
            self._seen[key] = time.monotonic(), turns
        return turns.gives_way(holder)

    def _look(self, source: Source) -> Turns:
        try:
            return self._table.turns(source)
        except SQLAlchemyError as error:
            log.warning("source=%s nobody knows who waits (%s)", source.name, type(error).__name__)
            return Turns(source.associations, (), ())

    def _keeper(self) -> Keeper:
        """The one of this process. After a fork two threads may make one each; then both do their work."""
        keeper = self._last_keeper
        if not keeper.is_here:
            keeper = self._last_keeper = self._new_keeper()
        return keeper

    def _wish(self, party: str, *, urgent: bool) -> Wish:
        holder, now = new_key(), self._clock()
        whose = party_of(party[:32], holder, urgent=urgent)
        return Wish(holder, whose, urgent, self._since(whose, now) if party and not urgent else now)

    def _since(self, party: str, now: datetime) -> datetime:
        """When it first came: whoever gave way does not lose its place in the queue."""
        if len(self._came) >= _MOST_PARTIES:
            self._came.clear()
        return self._came.setdefault(party, now)


@dataclass
class _Wait:
    """Somebody waits for a line."""

    table: LineTable
    source: Source
    wish: Wish
    written: float = float("-inf")
    """When the wish was last written, on the monotonic clock."""
    fault: SQLAlchemyError | None = None
    """Why the last look failed."""

    def over(self, end: float, unwanted: Callable[[], bool]) -> Lease:
        """The line. Raises SourceRefused(LINES_TAKEN), or the database's error if that came last."""
        pause, longest = _SHORTEST_PAUSE_S, _LONGEST_URGENT_PAUSE_S if self.wish.urgent else LONGEST_PAUSE_S
        while (lease := self._look()) is None:
            if unwanted() or time.monotonic() >= end:
                raise self.fault or trouble(Reason.LINES_TAKEN)
            rest = _AFTER_FAULT_S if self.fault else pause * random.uniform(0.5, 1)  # noqa: S311
            time.sleep(max(0, min(rest, end - time.monotonic())))
            pause = min(longest, pause * 1.3)
        return lease

    def _look(self) -> Lease | None:
        self.fault = None
        try:
            return self._take_if_next()
        except SQLAlchemyError as error:
            self.fault = error
            log.warning("source=%s no line could be asked for (%s)", self.source.name, type(error).__name__)
            return None

    def _take_if_next(self) -> Lease | None:
        fresh = time.monotonic() - self.written < self.table.wish_rest_s
        if fresh and not self.table.turns(self.source).is_next(self.wish):
            return None
        lease = self.table.take(self.source, self.wish)
        self.written = time.monotonic()
        return lease


@dataclass(frozen=True)
class _CountedLine:
    lines: CountedLines
    source: Source
    party: str
    lease: Lease
    keeper: Keeper

    def wanted_back(self) -> bool:
        return self.party != NOBODY and self.lines.gives_way(self.source, self.lease.holder)

    def is_ours(self) -> bool:
        return self.keeper.is_here and self.lines.holds(self.lease)
