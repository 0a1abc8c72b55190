"""Whether a retrieval goes on: what it does to a time-out that an archive "pending" for ever never meets."""

import time

from pydicom.dataset import Dataset
from pynetdicom.dimse_primitives import C_GET


class Pace:
    """Since when a retrieval stands still: no instance came, and no counter of the archive went on.

    An archive that has nothing to send may report "pending" for ever (PS3.4 C.4.3.1.4). Counters only count
    the way they should go: one that goes to and fro is no progress.
    """

    def __init__(self) -> None:
        self._since = time.monotonic()
        self._done = -1
        self._remaining = 2**16  # one more than the greatest US

    @property
    def silent(self) -> float:
        """For how many seconds."""
        return time.monotonic() - self._since

    @property
    def begun(self) -> bool:
        """Has the archive counted anything as done?"""
        return self._done > 0

    def arrived(self) -> None:
        self._since = time.monotonic()

    def counted(self, status: Dataset | C_GET) -> None:
        """The sub-operations as a response counts them (PS3.7 9.1.3.1)."""
        done = sum(getattr(status, name, None) or 0 for name in _DONE)
        remaining = getattr(status, "NumberOfRemainingSuboperations", None) or 0
        if done > self._done or remaining < self._remaining:
            self.arrived()
        self._done, self._remaining = max(done, self._done), min(remaining, self._remaining)


_DONE = tuple(f"NumberOf{how}Suboperations" for how in ("Completed", "Failed", "Warning"))
