"""What processes take: memory at its peak, and processor time."""

import os
import threading
from pathlib import Path

_LOOK_S = 0.1


class PeakMemory:
    """The largest sum of PSS over some processes and everything below them, looked at ten times a second."""

    def __init__(self, *pids: int) -> None:
        self.peak = 0
        """Bytes."""
        self._pids = pids
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    @property
    def mebibytes(self) -> float:
        return self.peak / 2**20

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(_LOOK_S):
            self.peak = max(self.peak, sum(_pss(pid) for one in self._pids for pid in family(one)))


def family(pid: int) -> list[int]:
    """The process and everything below it; threads may have children too."""
    below = []
    for task in _threads(pid):
        below += _text(f"{task}/children").split()
    return [pid, *(child for one in below for child in family(int(one)))]


def cpu_seconds(pid: int) -> float:
    """Of the process and everything below it that is alive, user and system."""
    return sum(_ticks(one) for one in family(pid)) / os.sysconf("SC_CLK_TCK")


def _ticks(pid: int) -> int:
    """Fields 14 and 15 of proc(5); the name before them may hold spaces."""
    rest = _text(f"/proc/{pid}/stat").rpartition(")")[2].split()
    return int(rest[11]) + int(rest[12]) if rest else 0


def _pss(pid: int) -> int:
    lines = _text(f"/proc/{pid}/smaps_rollup").splitlines()
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)


def _text(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError:
        return ""


def _threads(pid: int) -> list[Path]:
    try:
        return list(Path(f"/proc/{pid}/task").iterdir())
    except OSError:
        return []
