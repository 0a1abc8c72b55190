"""Keeps the Procfile's processes running: what ends unasked, after it ran well, is started again.

honcho reads the Procfile and writes the lines. Its own manager is left out: it stops everything as soon as
one has ended, and takes a killed process for alive while a child of it still holds its output. This is one
loop, with neither a thread nor a second process for each.
"""

import errno
import os
import select
import signal
import time
from collections.abc import Mapping
from datetime import datetime
from types import FrameType
from typing import Any

from honcho.colour import get_colours
from honcho.printer import Message

from preview.supervised import WELL_S, Supervised

PATIENCE_S = 20.0
"""For whoever was told to stop: at a low priority beside a busy machine that takes long."""
_NEEDED = "redis."
"""How it is called whom the others still need to stop: without it they would try again for ten seconds."""
OFTEN = 5
"""Who ends so often in a row without having run well will hardly mend itself."""
_LOOK_S = 0.1
_OURS = "system"
_NOBODY_READS = (errno.EPIPE, errno.EIO)
"""A pipe, or a terminal, whose other end is gone."""


class Supervisor:
    """What honcho's command asks of a manager: ``add_process``, ``loop`` and then ``returncode``."""

    def __init__(self, printer: Any) -> None:
        """``printer``: honcho's."""
        self.returncode = 0
        self._printer = printer
        self._printer.width = len(_OURS)
        self._colours = get_colours()
        self._processes: list[Supervised] = []
        self._looks: dict[str, Any] = {}
        self._quiet: set[str] = set()
        self._told: signal.Signals | None = None
        self._culprit: Supervised | None = None
        self._kill_at: float | None = None
        """When whoever has not stopped by then is killed; None before the end, and after that."""
        self._is_ending = False
        self._stopping: list[Supervised] = []
        """Who has been told to."""

    def add_process(
        self, name: str, cmd: str, *, quiet: bool = False, env: Mapping[str, str] | None = None
    ) -> None:
        self._processes.append(Supervised(name, cmd, env))
        self._looks[name] = next(self._colours)
        self._printer.width = max(self._printer.width, len(name))
        if quiet:
            self._quiet.add(name)

    def loop(self) -> None:
        """Until told to stop, or until one that never ran well has ended by itself."""
        for told in (signal.SIGTERM, signal.SIGINT):
            signal.signal(told, self._note)
        for process in self._processes:
            self._start(process)
        while not all(process.is_over for process in self._processes):
            self._listen()
            self._obey()
            for process in self._processes:
                self._look_after(process)
        if self._culprit:
            self._say(f"{self._culprit.name} ended, so everything was stopped. {_last_words(self._culprit)}")

    def _note(self, signum: int, _frame: FrameType | None) -> None:
        self._told = signal.Signals(signum)

    def _listen(self) -> None:
        by_output = {output: one for one in self._processes if (output := one.output) is not None}
        for output in select.select(list(by_output), [], [], _LOOK_S)[0]:
            self._write(by_output[output], by_output[output].lines())

    def _obey(self) -> None:
        if self._told and not self._is_ending:
            self._say(f"{self._told.name} received")
            self._end_all()
        if self._kill_at is not None and time.monotonic() > self._kill_at:
            self._kill_at = None
            self._tell(self._stopping, signal.SIGKILL)
        if self._is_ending and all(process.is_over for process in self._stopping):
            self._stop([process for process in self._processes if not process.is_over])

    def _look_after(self, process: Supervised) -> None:
        if (end := process.clear_up()) is not None:
            code, said = end
            self._write(process, said)
            self._say(f"{process.name} stopped (rc={code})")
            self._ended(process, code)
        elif process.due is not None and time.monotonic() > process.due:
            self._start(process)

    def _ended(self, process: Supervised, code: int) -> None:
        if self._is_ending:
            return
        if process.is_wrong_from_the_start(code):
            self._culprit, self.returncode = process, code or 1
            self._end_all()
            return
        self._start_later(process, signal.Signals(-code).name if code < 0 else f"exit code {code}")

    def _start_later(self, process: Supervised, how: str) -> None:
        pause = f"{process.rest():.0f} s"
        often = (
            f"{process.name} has ended {process.failures} times in a row, each time within {WELL_S:.0f} s; "
            f"everything else goes on. It is tried again in {pause}."
        )
        once = f"{process.name} ended unasked ({how}) and is started again in {pause}."
        self._say(f"{often if process.failures >= OFTEN else once} {_last_words(process)}")

    def _start(self, process: Supervised) -> None:
        try:
            process.start()
        except OSError as refused:
            process.failures += 1
            self._start_later(process, f"{refused.strerror}")
        else:
            self._say(f"{process.name} started (pid={process.pid})")

    def _end_all(self) -> None:
        self._is_ending = True
        for process in self._processes:
            process.due = None
        self._stop([process for process in self._processes if not process.name.startswith(_NEEDED)])

    def _stop(self, processes: list[Supervised]) -> None:
        self._stopping, self._kill_at = processes, time.monotonic() + PATIENCE_S
        self._tell(processes, signal.SIGTERM)

    def _tell(self, processes: list[Supervised], what: signal.Signals) -> None:
        for process in processes:
            if process.pid is not None:
                self._say(f"sending {what.name} to {process.name} (pid {process.pid})")
                process.tell(what)

    def _write(self, process: Supervised, lines: list[str]) -> None:
        if process.name not in self._quiet:
            for line in lines:
                self._print(process.name, line, self._looks[process.name])

    def _say(self, line: str) -> None:
        self._print(_OURS, line, None)

    def _print(self, name: str, line: str, colour: Any) -> None:
        now = datetime.now().astimezone()
        try:
            self._printer.write(Message(type="line", data=line, time=now, name=name, colour=colour))
        except OSError as failed:  # also where the log's disk is full: the processes go on
            if failed.errno in _NOBODY_READS:
                stop_unheard()


def stop_unheard(*_: object) -> None:
    """Stop everything, and say so to nobody: writing where nobody reads any more fails."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nowhere, stream)
    os.close(nowhere)
    signal.raise_signal(signal.SIGTERM)


def _last_words(process: Supervised) -> str:
    return f"It said last: {process.last or 'nothing'}"
