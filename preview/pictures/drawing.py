"""The seam: encoded bytes go in, pictures come out of separate processes, and a crash costs one object."""

from concurrent.futures import CancelledError, Future
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.context import ForkContext, SpawnContext
from multiprocessing.process import BaseProcess
from pathlib import Path
from threading import Lock, Thread
from types import TracebackType
from typing import Self

from fetch.model import Received
from preview.pictures.drawing_process import Drawn, Task, draw_until_closed, frame_path, hand_over, new_tray
from preview.pictures.header import Header
from preview.pictures.limits import TIMED_OUT
from preview.pictures.thumbnail import Drawing, DrawingKind, Picture, card_drawing
from preview.pictures.waiting import Waiting

__all__ = ["Drawers", "Drawing", "DrawingKind", "Drawn", "Header", "Picture", "frame_path"]

_GRACE = 15.0
"""Seconds beyond the limit: for a new process to start, and for one whose own alarm does not go off."""

_CRASHED = "This could not be drawn: the decoder crashed."
_TOO_LONG = "This could not be drawn: the decoder took too long."
_NO_PROCESS = "This could not be drawn: no drawing process could be started."

_SMALL = 2 * 2**20
"""Bytes. While an object of no more is drawn, another of no more is handed over already: its turn comes soon,
and the process need not wait for us."""

_Job = tuple[Future[Drawn], Task]
_Taken = tuple[_Job, int]


class Drawers:
    """Owns ``count`` drawing processes for as long as its context lasts.

    The first ones are forked, so enter it before starting threads: they are warm at once. ``submit`` blocks
    while ``waiting`` objects wait, or ``most_bytes`` of them wait or are being drawn, which bounds the
    memory; an object larger than that is let through alone. ``seconds`` of processor time are for a frame;
    by the clock it may take ten times as long. Leaving the context normally finishes what was
    submitted; leaving it with an exception, or after ``drop``, drops it (its futures are cancelled). No
    process outlives it.
    """

    def __init__(
        self,
        count: int = 2,
        max_frames: int = 64,
        seconds: float = 30.0,
        waiting: int = 32,
        most_bytes: int = 96 * 2**20,
    ) -> None:
        self._count = count
        self._max_frames = max_frames
        self._seconds = seconds
        self._waiting: Waiting[_Job] = Waiting(waiting, most_bytes)
        self._easels: list[_Easel] = []
        self._threads: list[Thread] = []
        self._inside = False

    def submit(
        self,
        received: Received,
        sizes: tuple[int, ...] = (256,),
        charset: str = "",
        named: tuple[int, ...] = (),
    ) -> Future[Drawn]:
        """Draw an object that came over the network. The future never has a decoder's exception.

        A ``received.file`` has to stay until then. ``charset``: what its texts are written in, where it
        does not say so itself. ``named``: frames, from 1, that are drawn whichever others are. Any thread may
        call this; one that is held up when the work is dropped gets a cancelled future.
        """
        task = Task(received, tuple(sizes), self._max_frames, self._seconds, charset, named=named)
        return self._put(task, received.size)

    def has_room(self, received: Received, seconds: float) -> bool:
        """Would ``submit`` not block? Waits for that at most so long: who alone submits can look around."""
        return self._waiting.has_room(received.size, seconds)

    def drop(self) -> None:
        """Nothing that is not drawn yet is wanted any more: it is not waited for at the end."""
        for future, _ in self._waiting.drop():
            future.cancel()
        for easel in self._easels:
            easel.stop()

    def submit_file(
        self, path: Path, sizes: tuple[int, ...] = (256,), stem: Path | None = None
    ) -> Future[Drawn]:
        """Draw a file; what cannot be read is ``unreadable`` and has a card with the reason.

        With ``stem`` a frame has one picture, in the last of ``sizes`` that it can have; those of several
        frames have no ``png``, but are files (``frame_path``).
        """
        return self._put(Task(path, tuple(sizes), self._max_frames, self._seconds, stem=stem), 0)

    def __enter__(self) -> Self:
        for _ in range(self._count):
            others = [easel.pipe for easel in self._easels]
            self._easels.append(_Easel(others))
        self._waiting.open()
        self._threads = [Thread(target=self._serve, args=(easel,), daemon=True) for easel in self._easels]
        for thread in self._threads:
            thread.start()
        self._inside = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._inside = False
        if kind is None:
            self._waiting.close()
        else:
            self.drop()
        for thread in self._threads:
            thread.join()

    def _put(self, task: Task, size: int) -> Future[Drawn]:
        if not self._inside:
            raise RuntimeError("Drawers draw only inside their context.")
        future: Future[Drawn] = Future()
        if not self._waiting.put((future, task), size):
            future.cancel()
        return future

    def _serve(self, easel: "_Easel") -> None:
        """The life of one dispatcher thread."""
        taken = self._next()
        while taken:
            following = self._following(taken)
            self._draw(easel, taken, following)
            taken = following  # not to hold an object that is drawn while waiting for the next one
            taken = taken or self._next()
        easel.end()

    def _next(self) -> _Taken | None:
        while taken := self._waiting.take():
            if self._is_wanted(taken):
                return taken
        return None

    def _following(self, taken: _Taken) -> _Taken | None:
        """What the same process draws next, if both are drawn soon and no other has nothing to do."""
        following = self._waiting.take_early(_is_small) if _is_small(taken[0]) else None
        return following if following and self._is_wanted(following) else None

    def _is_wanted(self, taken: _Taken) -> bool:
        """Has nobody cancelled it? From now on nobody can."""
        (future, _), size = taken
        is_wanted = future.set_running_or_notify_cancel()
        if not is_wanted:
            self._waiting.done(size)
        return is_wanted

    def _draw(self, easel: "_Easel", taken: _Taken, following: _Taken | None) -> None:
        (future, task), size = taken
        _answer(future, easel.draw(task, following[0][1] if following else None))
        self._waiting.done(size)


def _is_small(job: _Job) -> bool:
    source = job[1].source
    return isinstance(source, Received) and 0 < source.size <= _SMALL and not source.rendered


def _answer(future: Future[Drawn], drawn: Drawn | None) -> None:
    if drawn is None:
        future.set_exception(CancelledError())
    else:
        future.set_result(drawn)


class _Easel:
    """One place to draw at: a process and our end of its pipe, replaced whenever the process dies.

    One dispatcher thread works at it; only ``stop`` may be called from another.
    """

    def __init__(self, others: "list[Connection[Task, Drawn]]") -> None:
        self._lock = Lock()
        self._stopped = False
        self._place = 0
        self._over_there: Task | None = None
        self._start(get_context("fork"), others)

    def draw(self, task: Task, following: Task | None = None) -> Drawn | None:
        """None only when stopped. A card, if the process dies over it or takes too long.

        ``following``: what has to be drawn next. The process has it by then, unless it dies before.
        """
        is_there, self._over_there = self._over_there is task, None
        try:
            if not is_there:
                self._be_ready()
        except OSError:
            return _failed(task, _NO_PROCESS)
        try:
            if not is_there:
                self._hand_over(task)
            if following is not None and self._tray is not None:  # a pipe might not take it before the answer
                self._hand_over(following)
                self._over_there = following
            if self.pipe.poll(task.most_seconds + _GRACE):
                drawn: Drawn = self.pipe.recv()
                return drawn
        except (EOFError, OSError):
            self.end()
            too_long = self._process.exitcode in TIMED_OUT
        else:
            self.end()
            too_long = True
        self._over_there = None
        return None if self._stopped else _failed(task, _TOO_LONG if too_long else _CRASHED)

    def stop(self) -> None:
        """For good. Whoever is in ``draw`` finds the pipe closed at the other end, and gets None."""
        with self._lock:
            self._stopped = True
            self._process.kill()

    def end(self) -> None:
        self._process.kill()
        self._process.join()
        self.pipe.close()

    def _hand_over(self, task: Task) -> None:
        self._place = 1 - self._place
        hand_over(self.pipe, task, self._tray, self._place)

    def _be_ready(self) -> None:
        with self._lock:
            if not self._stopped and not self._process.is_alive():
                self.pipe.close()
                # Threads run by now: a fork could copy a lock that one of them holds.
                self._start(get_context("spawn"), [])

    def _start(self, context: ForkContext | SpawnContext, others: "list[Connection[Task, Drawn]]") -> None:
        self.pipe, theirs = context.Pipe()
        # A forked process has copies of our ends and must close them; a spawned one is given none.
        forked = isinstance(context, ForkContext)
        copied = [self.pipe, *others] if forked else []
        self._tray = new_tray() if forked else None
        self._process: BaseProcess = context.Process(
            target=draw_until_closed, args=(theirs, copied, self._tray), daemon=True, name="drawing"
        )
        self._process.start()
        theirs.close()


def _failed(task: Task, reason: str) -> Drawn:
    return Drawn(None, card_drawing(task.name, reason, task.sizes), crashed=True)
