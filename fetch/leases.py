"""The leases of one process on lines of the database, renewed by one thread for as long as there are any."""

import logging
import os
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import update
from sqlalchemy.exc import SQLAlchemyError

from fetch.records import LineRow, Records

log = logging.getLogger(__name__)

Clock = Callable[[], datetime]
"""The time now, aware, in UTC."""

_AGAIN_S = 1.0


@dataclass
class Lease:
    """One line that we have ``until`` then; every renewal moves that. Once lost, it stays lost."""

    holder: str
    until: datetime
    lost: bool = False

    def holds(self, now: datetime) -> bool:
        """Judged by the same clock as those who wait for it to end."""
        self.lost = self.lost or now >= self.until
        return not self.lost


class Keeper:
    """Renews the leases that it was given. It belongs to the process that made it, not to a fork of it."""

    def __init__(self, records: Records, clock: Clock, length: timedelta, every: timedelta) -> None:
        self.pid = os.getpid()
        self._records = records
        self._clock = clock
        self._length = length
        self._every_s = every.total_seconds()
        self._leases: dict[str, Lease] = {}
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    @property
    def is_here(self) -> bool:
        """False in a child of the process that it belongs to: threads and locks do not survive a fork."""
        return self.pid == os.getpid()

    def keep(self, lease: Lease) -> None:
        with self._lock:
            self._leases[lease.holder] = lease
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="renew lines", daemon=True)
                self._thread.start()

    def drop(self, holder: str) -> None:
        with self._lock:
            self._leases.pop(holder, None)

    def _run(self) -> None:
        pause = self._every_s
        while leases := self._after(pause):
            pause = self._every_s if self._renewed(leases) else min(_AGAIN_S, self._every_s)

    def _after(self, pause: float) -> list[Lease]:
        """The leases to renew after this time; without any the thread ends, and the next lease starts one."""
        time.sleep(pause)
        with self._lock:
            if not self._leases:
                self._thread = None
            return list(self._leases.values())

    def _renewed(self, leases: Iterable[Lease]) -> bool:
        now = self._clock()
        holding = {lease.holder: lease for lease in leases if lease.holds(now)}
        if not holding:
            return True
        try:
            until = self._renew(holding)
        except SQLAlchemyError as error:
            log.warning("%d lines could not be renewed (%s)", len(holding), type(error).__name__)
            return False
        for holder, lease in holding.items():
            if holder in until:
                lease.until = until[holder]
            else:
                lease.lost = True
        return True

    def _renew(self, holders: Iterable[str]) -> dict[str, datetime]:
        """Which of them still had their line in the database, and until when they have it now."""
        with self._records.write() as session:
            session.connection()  # SQLite may let us wait here; only then is it known what time it is
            until = self._clock() + self._length
            mine = update(LineRow).where(LineRow.holder.in_(list(holders))).values(until=until)
            return dict.fromkeys(session.scalars(mine.returning(LineRow.holder)), until)
