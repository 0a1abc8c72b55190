"""One process of the Procfile: started in a session of its own, listened to, and cleared up after."""

import ctypes
import os
import signal
import time
from collections.abc import Mapping
from contextlib import suppress
from subprocess import Popen

import honcho.process

WELL_S = 30.0
"""Who has run for so long ran well: wrong settings and a taken port are found sooner."""
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 30.0
_MOST_DOUBLINGS = 10
"""More make no difference, and a thousand are more than a float can hold."""
_LONGEST_LINE = 1 << 16
"""Bytes. What is longer is cut: whoever never breaks a line would fill the memory."""
_HAS_ENDED = os.WEXITED | os.WNOHANG | os.WNOWAIT
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)


class Supervised:
    """What is known of it, whether it runs, rests before it is started again, or is over."""

    def __init__(self, name: str, command: str, environment: Mapping[str, str] | None) -> None:
        self.name = name
        self._command, self._environment = command, environment
        self._child: Popen[bytes] | None = None
        self._began = 0.0
        self._unread = b""
        self._starts = 0
        self.failures = 0
        """How often in a row it ended without having run well."""
        self.due: float | None = None
        """When it is started again, by the monotonic clock."""
        self.last = ""
        """What it said last."""

    @property
    def is_over(self) -> bool:
        return self._child is None and self.due is None

    @property
    def pid(self) -> int | None:
        """Also its process group; None unless it runs."""
        return self._child.pid if self._child else None

    @property
    def output(self) -> int | None:
        """The descriptor to listen to; None while nothing can come from it."""
        pipe = self._child.stdout if self._child else None
        return None if pipe is None or pipe.closed else pipe.fileno()

    def start(self) -> None:
        """May fail as ``Popen`` does, with an OSError: a machine that lacks memory refuses to fork."""
        self._began, self._unread, self.last, self.due = time.monotonic(), b"", "", None
        self._starts += 1
        self._child = honcho.process.Popen(
            self._command, env=self._environment, preexec_fn=_end_with_supervisor, bufsize=0
        )
        if (output := self.output) is not None:
            os.set_blocking(output, False)

    def lines(self) -> list[str]:
        """What it has said since somebody asked, line by line. It may close its output and live on.

        Not more than a pipe holds: whoever says more is listened to again, after the others.
        """
        if self._child is None or self._child.stdout is None or self._child.stdout.closed:
            return []
        with suppress(BlockingIOError):
            if said := os.read(self._child.stdout.fileno(), _LONGEST_LINE):
                self._unread += said
            else:
                self._child.stdout.close()
        *whole, self._unread = self._unread.split(b"\n")
        if len(self._unread) >= _LONGEST_LINE:
            whole.append(self._unread[:_LONGEST_LINE])
            self._unread = self._unread[_LONGEST_LINE:]
        return self._heard(whole)

    def clear_up(self) -> tuple[int, list[str]] | None:
        """Once it has ended: its exit code (of a signal: minus its number) and its last lines. Else None.

        Whoever is left of its process group is killed: it would work on unwatched, and hold the port.
        """
        if self._child is None or os.waitid(os.P_PID, self._child.pid, _HAS_ENDED) is None:
            return None
        self.tell(signal.SIGKILL)  # while nobody else can have its number
        said = [*self.lines(), *self._heard([self._unread])]
        if self._child.stdout is not None:
            self._child.stdout.close()
        code, self._child = self._child.wait(), None
        self.failures = 0 if self._ran_well() else self.failures + 1
        return code, said

    def is_wrong_from_the_start(self, code: int) -> bool:
        """Did it end at once, by itself, when it was started for the first time?"""
        return self._starts == 1 and code >= 0 and self.failures > 0

    def rest(self) -> float:
        """Have it started again after a pause, the longer the more often it failed. How many seconds?"""
        pause = min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2.0 ** min(self.failures, _MOST_DOUBLINGS))
        self.due = time.monotonic() + pause
        return pause

    def tell(self, what: signal.Signals) -> None:
        """To it and its process group."""
        if self._child is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._child.pid, what)

    def _ran_well(self) -> bool:
        return time.monotonic() - self._began >= WELL_S

    def _heard(self, lines: list[bytes]) -> list[str]:
        heard = [text for line in lines if (text := line.decode(errors="replace").rstrip())]
        self.last = heard[-1].strip() if heard else self.last
        return heard


def _end_with_supervisor() -> None:
    """Were that killed, nobody would start this again, stop it, or read what it says."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
