"""Processes that are killed at a chosen moment: before a study is listed, in the middle of a transfer."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from faults.clinic import BUSY, Clinic
from preview.demo import behaviour as b
from preview.demo.traits import Behaviour, Kind

Kill = Callable[[Clinic], None]
Breaks = Callable[[Clinic], AbstractContextManager[None]]
_MOMENT_S = 20.0
_LEVELS = {"SERIES", "IMAGE"}


def in_a_list(kill: Kill) -> Breaks:
    """While an errand waits for the list of a study's images: nothing of it has come."""
    return _in(b.hangs_in_find(), Kind.FIND, kill)


def in_a_transfer(kill: Kill) -> Breaks:
    """While an association is open, and one image of it has come."""
    return _in(b.hangs_in_get(1), Kind.GET, kill)


def _in(silence: Behaviour, kind: Kind, kill: Kill) -> Breaks:
    @contextmanager
    def broken(clinic: Clinic) -> Iterator[None]:
        before = _asked(clinic, kind)
        clinic.archive.behave(silence)
        end = time.monotonic() + _MOMENT_S
        while _asked(clinic, kind) == before and time.monotonic() < end:
            time.sleep(0.02)
        time.sleep(0.3)  # the image that comes before it falls silent
        kill(clinic)
        clinic.archive.behave_well()
        yield
        clinic.start_all()

    return broken


def _asked(clinic: Clinic, kind: Kind) -> int:
    """How often an errand has; a probe's list is one of studies."""
    theirs = (asked for asked in clinic.archive.requests if asked.kind == kind)
    return sum(asked.level in _LEVELS or kind is not Kind.FIND for asked in theirs)


def horse(clinic: Clinic) -> None:
    clinic.kill_horse()


def worker(clinic: Clinic) -> None:
    """With its work-horse."""
    clinic.kill("worker")


def worker_alone(clinic: Clinic) -> None:
    """Its work-horse is left to itself."""
    clinic.kill("worker", alone=True)


def everything(clinic: Clinic) -> None:
    for name in BUSY:
        clinic.kill(name)
