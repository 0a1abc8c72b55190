"""What a drawing process may take: memory, processor time, and the patience of whoever waits for it."""

import ctypes
import resource
import signal
from pathlib import Path

PATIENCE = 10
"""How many times its processor time a task may take by the clock: a busy machine has others to serve."""

TIMED_OUT = (-signal.SIGPROF, -signal.SIGALRM)
"""The exit codes of a process that took more than it was allowed."""

_ROOM = 3 * 2**29
"""Bytes one process may map beyond what it has: for the largest frame in a few copies, not for a bomb."""

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # malloc.h


def set_limits() -> None:
    """For the rest of this process's life."""
    # Both signals kill a decoder that overruns even in C code, and even when nobody is left to watch.
    for overrun in (signal.SIGPROF, signal.SIGALRM):
        signal.signal(overrun, signal.SIG_DFL)
    _limit(resource.RLIMIT_AS, _mapped() + _ROOM)
    _limit(resource.RLIMIT_CORE, 0)  # a core file would hold patient data
    _give_memory_back()


def allow(seconds: float) -> None:
    """So much processor time from now on, of all its threads; 0 for any. What hangs needs none: it is ended
    by the clock.
    """
    signal.setitimer(signal.ITIMER_PROF, seconds)
    signal.setitimer(signal.ITIMER_REAL, PATIENCE * seconds)


def _give_memory_back() -> None:
    """What an X-ray image takes is kept for the next, which saves a quarter of the time it takes to draw one;
    of what larger ones take the C library would keep all, unless it is told not to.
    """
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):  # glibc
        libc.mallopt(_M_MMAP_THRESHOLD, 16 * 2**20)
        libc.mallopt(_M_TRIM_THRESHOLD, 24 * 2**20)


def _mapped() -> int:
    """Bytes of address space that this process has; fork copies all of its parent's."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    except OSError:
        return _ROOM


def _limit(kind: int, most: int) -> None:
    _, hard = resource.getrlimit(kind)
    resource.setrlimit(kind, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))
