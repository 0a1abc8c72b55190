"""Background work lets the pages go first: on one machine, a page must not wait for a fetch."""

import os
from contextlib import suppress
from pathlib import Path

NICENESS = 10
_AUTOGROUP = Path("/proc/self/autogroup")
"""Linux shares the processor among sessions first, and within each by niceness (sched(7)): where every
process has a session of its own, as under a process manager, only the niceness of the session counts."""


def yield_to_pages() -> None:
    """Give this process, and all it starts from now on, a low priority. Never raises."""
    os.setpriority(os.PRIO_PROCESS, 0, max(NICENESS, os.getpriority(os.PRIO_PROCESS, 0)))
    if os.getsid(0) == os.getpid():  # else it is somebody's terminal
        with suppress(OSError):  # there is none, or it may not be changed
            _AUTOGROUP.write_text(str(NICENESS))
