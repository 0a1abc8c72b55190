"""Locks on files, by which the processes of a host know of each other: they go with their process."""

import fcntl
from pathlib import Path


def is_held(path: Path) -> bool:
    """Does a process live that has locked this file?"""
    try:
        with path.open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # there is none
        return False
    return False
