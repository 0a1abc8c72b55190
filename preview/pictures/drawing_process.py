"""What runs inside a drawing process: one task in, one answer out, until the parent closes the pipe."""

import gc
import logging
import os
import signal
import warnings
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from mmap import mmap
from multiprocessing.connection import Connection
from pathlib import Path

from fetch.model import Received
from preview.pictures import limits
from preview.pictures.files import GoneError, local, spooled
from preview.pictures.header import Header, read_header
from preview.pictures.kinds import kind_name
from preview.pictures.parsing import Parsed, UnreadableError, be_lenient, parse
from preview.pictures.pixels import Pixels
from preview.pictures.thumbnail import Drawing, Picture, card_drawing, draw, draw_rendered

_TRAY = 8 * 2**20
"""Bytes: larger objects are few, and go through the pipe."""

_GONE = "This could not be drawn: its file is no longer there."

_MOST_TIMES = 10
"""However many frames an object has, it gets the time of so many: most frames need little of theirs."""


@dataclass(frozen=True)
class Task:
    """One object to draw, still encoded, or the file it is in."""

    source: Received | Path
    sizes: tuple[int, ...]
    max_frames: int
    seconds: float
    """Of processor time, for one frame."""
    charset: str = ""
    on_tray: tuple[int, int] | None = None
    """From where to where it lies on the tray, in bytes; None: it comes through the pipe."""
    named: tuple[int, ...] = ()
    """Frames, from 1, that are drawn whichever others are."""
    stem: Path | None = None
    """Where the pictures of several frames are written, each as soon as it is drawn: all of a long film have
    no room in memory. None: they come through the pipe.
    """

    @property
    def most_seconds(self) -> float:
        """By the clock, for reading it and for as many frames as it may have, on the busiest machine."""
        return limits.PATIENCE * self.seconds * (1 + min(self.max_frames, _MOST_TIMES))

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
    """The drawing process died or overran its time, or a file was gone: no word on whether it is DICOM."""

    @property
    def unreadable(self) -> bool:
        """It came, it did no harm, and it is no DICOM object."""
        return self.header is None and not self.crashed


def new_tray() -> mmap:
    """Memory that a process shares with those it forks: half a megabyte goes through it at a tenth of what a
    pipe costs. It has two places: for what is being drawn, and for what is drawn next.
    """
    return mmap(-1, 2 * _TRAY)


def hand_over(pipe: "Connection[Task, Drawn]", task: Task, tray: mmap | None, place: int = 0) -> None:
    """To the drawing process: the object's bytes by themselves, in this place of the tray if they fit."""
    if isinstance(task.source, Path):
        pipe.send(task)
        return
    data, first = task.source.data, place * _TRAY
    on_tray = (first, first + len(data)) if tray is not None and len(data) <= _TRAY else None
    if tray is not None and on_tray:
        tray[slice(*on_tray)] = data
    pipe.send(replace(task, source=replace(task.source, data=b""), on_tray=on_tray))
    if on_tray is None:
        pipe.send_bytes(data)


def take_over(pipe: "Connection[Drawn, Task]", tray: mmap | None) -> Task:
    """What ``hand_over`` sent. Raises EOFError once nobody sends any more."""
    task = pipe.recv()
    if isinstance(task.source, Path):
        return task
    data = tray[slice(*task.on_tray)] if tray is not None and task.on_tray else pipe.recv_bytes()
    return replace(task, source=replace(task.source, data=data))


def draw_task(task: Task) -> Drawn:
    try:
        with _parsed(task.source, task.charset) as parsed:
            return _draw(task, parsed)
    except UnreadableError as why:
        return Drawn(None, card_drawing(task.name, str(why), task.sizes))
    except GoneError:
        return Drawn(None, card_drawing(task.name, _GONE, task.sizes), crashed=True)


def _parsed(source: Received | Path, charset: str) -> AbstractContextManager[Parsed]:
    if isinstance(source, Path):
        return local(source)
    return spooled(source.file, charset) if source.file else nullcontext(parse(source, charset))


def _draw(task: Task, parsed: Parsed) -> Drawn:
    received = task.source if isinstance(task.source, Received) else None
    header = read_header(parsed.ds, received)
    if received and received.rendered:
        return Drawn(header, draw_rendered(parsed.ds, received.rendered, task.sizes))
    pixels = Pixels(parsed.ds, parsed.stored, parsed.left_out)
    limits.allow(task.seconds * min(pixels.count, task.max_frames, _MOST_TIMES))
    keep = partial(_written, task.stem, pixels.count > 1) if task.stem else None
    return Drawn(header, draw(parsed.ds, task.sizes, task.max_frames, pixels, keep, task.named))


def _written(stem: Path, is_one_of_several: bool, picture: Picture) -> Picture:
    if not is_one_of_several:
        return picture
    frame_path(stem, picture.frame).write_bytes(picture.png)
    return replace(picture, png=b"")


def frame_path(stem: Path, frame: int) -> Path:
    """Where one of several frames (from 1) is written."""
    return stem.with_name(f"{stem.name}-{frame:04d}.png")


def draw_until_closed(
    pipe: "Connection[Drawn, Task]",
    inherited: "Iterable[Connection[Task, Drawn]]" = (),
    tray: mmap | None = None,
) -> None:
    """The whole life of a drawing process. ``inherited``: ends of pipes that fork copied and are not ours.

    As long as a sibling holds a copy of the parent's end, this process would not notice the parent's death.
    """
    for other in inherited:
        other.close()
    _settle_in()
    while True:
        try:
            task = take_over(pipe, tray)
            limits.allow(task.seconds)
            drawn = draw_task(task)
            limits.allow(0)
            pipe.send(drawn)
        except (EOFError, ConnectionError):
            return


def _settle_in() -> None:
    gc.freeze()  # what fork copied is not looked through again, which would make every page our own
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's business
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    limits.set_limits()
    _fall_silent()
    be_lenient()


def _fall_silent() -> None:
    """Pydicom's warnings, and whatever C libraries print, quote values: patient data."""
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    os.close(nowhere)
