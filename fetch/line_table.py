"""Lines and wishes for them in the database: taking one is one transaction, alone for its source."""

import logging
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from fetch.leases import Clock, Lease
from fetch.model import Source
from fetch.precedence import Held, Turns, Wish
from fetch.records import LineRow, LineWishRow, Records, insert_new, touched

log = logging.getLogger(__name__)

_LOCK = 0x4C494E45
"""PostgreSQL's advisory locks for taking lines: the first of two numbers; the second is the source's."""


class LineTable:
    """Every transaction touches lines before wishes, so that no two can wait for each other."""

    def __init__(self, records: Records, clock: Clock, length: timedelta, wish_length: timedelta) -> None:
        self._records = records
        self._clock = clock
        self._length = length
        self._wish_length = wish_length

    @property
    def wish_rest_s(self) -> float:
        """Seconds for which a wish that was just written need not be written again."""
        return self._wish_length.total_seconds() / 3

    def take(self, source: Source, wish: Wish) -> Lease | None:
        """A line if it is this wish's turn; else the wish is written, or kept alive."""
        with self._alone(source.name) as session:
            now = self._clock()
            wishes = _wishes(session, source, now)
            turns = Turns(source.associations, _held(session, source, now), wishes)
            lease = Lease(wish.holder, now + self._length)
            if turns.is_next(wish) and _take_slot(session, source, turns, wish, now, lease.until):
                session.execute(delete(LineWishRow).where(LineWishRow.holder == wish.holder))
                return lease
            _write_wish(session, source.name, wish, now, self._wish_length)
            return None

    def turns(self, source: Source) -> Turns:
        """Who waits and who holds, as far as can be seen without disturbing anybody.

        Where nobody waits, who holds does not matter and is left out. A wish that comes true between the two
        queries is in both, which Turns knows.
        """
        with self._records.read() as session:
            now = self._clock()
            wishes = _wishes(session, source, now)
            return Turns(source.associations, _held(session, source, now) if wishes else (), wishes)

    def leave(self, holder: str) -> None:
        """Neither line nor wish any more. What cannot be deleted now ends by itself."""
        try:
            with self._records.write() as session:
                for table in (LineRow, LineWishRow):
                    session.execute(delete(table).where(table.holder == holder))
        except SQLAlchemyError as error:
            log.warning("a line could not be given back (%s): its lease will end", type(error).__name__)

    @contextmanager
    def _alone(self, name: str) -> Iterator[Session]:
        """Nobody else takes a line of this source meanwhile; the wait for that comes before all else."""
        with self._records.write() as session:
            session.connection()  # begins: SQLite then has no other writer
            if session.get_bind().dialect.name == "postgresql":
                number = zlib.crc32(name.encode()) - 2**31
                session.execute(select(func.pg_advisory_xact_lock(_LOCK, number)))
            yield session


def _wishes(session: Session, source: Source, now: datetime) -> tuple[Wish, ...]:
    alive = select(LineWishRow).where(LineWishRow.source == source.name, LineWishRow.until >= now)
    return tuple(Wish(row.holder, row.party, row.urgent, row.since) for row in session.scalars(alive))


def _held(session: Session, source: Source, now: datetime) -> tuple[Held, ...]:
    alive = select(LineRow).where(LineRow.source == source.name, LineRow.until >= now)
    return tuple(Held(row.slot, row.holder, row.party) for row in session.scalars(alive))


def _take_slot(
    session: Session, source: Source, turns: Turns, wish: Wish, now: datetime, until: datetime
) -> bool:
    used = {line.slot for line in turns.held}
    values = {"holder": wish.holder, "party": wish.party, "until": until}
    for slot in range(source.associations):
        key = {"source": source.name, "slot": slot}
        ended = update(LineRow).filter_by(**key).where(LineRow.until < now).values(values)
        if slot not in used and (
            touched(session.execute(ended)) or insert_new(session, LineRow, key | values)
        ):
            return True
    return False


def _write_wish(session: Session, name: str, wish: Wish, now: datetime, length: timedelta) -> None:
    alive = {"until": now + length}
    mine = update(LineWishRow).where(LineWishRow.holder == wish.holder).values(alive)
    if touched(session.execute(mine)):
        return
    dead = (LineWishRow.source == name) & (LineWishRow.until < now - length)
    session.execute(delete(LineWishRow).where(dead))
    said = {"urgent": wish.urgent, "party": wish.party, "since": wish.since}
    insert_new(session, LineWishRow, {"holder": wish.holder, "source": name} | said | alive)
