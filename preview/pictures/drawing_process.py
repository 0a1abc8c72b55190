"""What runs inside a drawing process: one task in, one answer out, until the parent closes the pipe."""

import logging
import os
import resource
import signal
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from pydicom import Dataset

from fetch.model import Received
from preview.pictures.header import Header, read_header
from preview.pictures.kinds import kind_name
from preview.pictures.parsing import UnreadableError, be_lenient, parse, parse_file
from preview.pictures.pixels import BAD_INPUT, frame_count
from preview.pictures.thumbnail import Drawing, card_drawing, draw

_ADDRESS_SPACE = 4 * 2**30
"""Bytes one process may map: room for the largest frame in a few copies, not for a decompression bomb."""


_MOST_TIMES = 10
"""However many frames an object has, it gets the time of so many: most frames need little of theirs."""


@dataclass(frozen=True)
class Task:
    """One object to draw, still encoded, or the file it is in."""

    source: Received | Path
    sizes: tuple[int, ...]
    max_frames: int
    seconds: float
    """The time for one frame."""
    charset: str = ""

    @property
    def most_seconds(self) -> float:
        """The time for reading it and for as many frames as it may have."""
        return self.seconds * (1 + min(self.max_frames, _MOST_TIMES))

    @property
    def name(self) -> str:
        """What a card may call it before anything of it has been read."""
        return kind_name(self.source.sop_class) if isinstance(self.source, Received) else "Not readable"


@dataclass(frozen=True)
class Drawn:
    """``header`` is None when nothing could be read; ``drawing`` is then a card that says why."""

    header: Header | None
    drawing: Drawing
    crashed: bool = False
    """The drawing process died or overran its time: this says nothing about whether it is DICOM."""

    @property
    def unreadable(self) -> bool:
        """It came, it did no harm, and it is no DICOM object."""
        return self.header is None and not self.crashed


def draw_task(task: Task) -> Drawn:
    try:
        ds = parse_file(task.source) if isinstance(task.source, Path) else parse(task.source, task.charset)
    except UnreadableError as why:
        return Drawn(None, card_drawing(task.name, str(why), task.sizes))
    header = read_header(ds)
    signal.setitimer(signal.ITIMER_REAL, task.seconds * min(_frames(ds), task.max_frames, _MOST_TIMES))
    return Drawn(header, draw(ds, task.sizes, task.max_frames))


def _frames(ds: Dataset) -> int:
    try:
        return frame_count(ds)
    except BAD_INPUT:
        return 1


def draw_until_closed(
    pipe: "Connection[Drawn, Task]", inherited: "Iterable[Connection[Task, Drawn]]" = ()
) -> None:
    """The whole life of a drawing process. ``inherited``: ends of pipes that fork copied and are not ours.

    As long as a sibling holds a copy of the parent's end, this process would not notice the parent's death.
    """
    for other in inherited:
        other.close()
    _settle_in()
    while True:
        try:
            task: Task = pipe.recv()
            signal.setitimer(signal.ITIMER_REAL, task.seconds)
            drawn = draw_task(task)
            signal.setitimer(signal.ITIMER_REAL, 0)
            pipe.send(drawn)
        except (EOFError, ConnectionError):
            return


def _settle_in() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's business
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    # The alarm kills a decoder that overruns even in C code, and even when nobody is left to watch.
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    _limit(resource.RLIMIT_AS, _ADDRESS_SPACE)
    _limit(resource.RLIMIT_CORE, 0)  # a core file would hold patient data
    _fall_silent()
    be_lenient()


def _limit(kind: int, most: int) -> None:
    _, hard = resource.getrlimit(kind)
    resource.setrlimit(kind, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def _fall_silent() -> None:
    """Pydicom's warnings, and whatever C libraries print, quote values: patient data."""
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    os.close(nowhere)
