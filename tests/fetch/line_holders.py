"""Processes that compete for lines, and a monitor that sees who really has one at the same time."""

import multiprocessing
import os
import signal
import socket
import threading
import time
from contextlib import contextmanager, suppress
from datetime import timedelta

from fetch.counted_lines import CountedLines
from fetch.model import Source
from fetch.records import Base, LineRow, LineWishRow, Records, open_database

SHORT = {
    "length": timedelta(seconds=3),
    "renewed_every": timedelta(seconds=0.5),
    "wish_length": timedelta(seconds=3),
}
"""Leases that a test can wait for."""
_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(["fetch.counted_lines", "psycopg"])


class Monitor:
    """Whoever has a line connects, and says good-bye before it gives it back: the kernel sees the dead."""

    def __init__(self) -> None:
        self.most = 0
        self.entered: list[str] = []
        self.pids: dict[str, int] = {}
        self._present = 0
        self._changed = threading.Condition()
        self._listening = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def port(self) -> int:
        return self._listening.getsockname()[1]

    def wait_for(self, count: int, seconds: float = 30) -> None:
        """Until so many have come."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.entered) >= count, seconds), self.entered

    def close(self) -> None:
        self._listening.close()

    def _accept(self) -> None:
        while True:
            try:
                visitor, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._watch, args=(visitor,), daemon=True).start()

    def _watch(self, visitor: socket.socket) -> None:
        with visitor, suppress(ConnectionError):
            name, pid = _line(visitor).split()
            self._come(name, int(pid))
            try:
                visitor.sendall(b"seen\n")
                _line(visitor)
            finally:
                self._go()
            visitor.sendall(b"gone\n")

    def _come(self, name: str, pid: int) -> None:
        with self._changed:
            self._present += 1
            self.most = max(self.most, self._present)
            self.entered.append(name)
            self.pids[name] = pid
            self._changed.notify_all()

    def _go(self) -> None:
        with self._changed:
            self._present -= 1


@contextmanager
def monitoring():
    monitor = Monitor()
    try:
        yield monitor
    finally:
        monitor.close()


@contextmanager
def seen_as(name: str, port: int):
    """In the eyes of the monitor we have a line while the block runs."""
    with socket.create_connection(("127.0.0.1", port)) as wire:
        wire.sendall(f"{name} {os.getpid()}\n".encode())
        _line(wire)
        yield wire
        wire.sendall(b"bye\n")
        _line(wire)


def _line(wire: socket.socket) -> str:
    """What the other side says next, or nothing if it is gone."""
    said = b""
    while not said.endswith(b"\n") and (more := wire.recv(100)):
        said += more
    return said.decode()


@contextmanager
def recording(url: str):
    """A database with the tables of lines."""
    engine = open_database(url)
    Base.metadata.create_all(engine, [LineRow.__table__, LineWishRow.__table__])
    try:
        yield Records(engine)
    finally:
        engine.dispose()


@contextmanager
def lines_at(url: str):
    """As a process of its own has them."""
    engine = open_database(url)
    try:
        yield CountedLines(Records(engine), **SHORT)
    finally:
        engine.dispose()


# --- what the processes do


def compete(url: str, source: Source, name: str, port: int, times: int, *, urgent: bool) -> None:
    """Take a line so many times, each for a moment."""
    with lines_at(url) as lines:
        for _ in range(times):
            with lines.line(source, party=name, urgent=urgent, patience=60), seen_as(name, port):
                time.sleep(0.1)


def hold(url: str, source: Source, name: str, port: int) -> None:
    """Take a line and keep it until killed."""
    with lines_at(url) as lines, lines.line(source, party=name), seen_as(name, port):
        time.sleep(60)


def hold_and_fork(url: str, source: Source, name: str, port: int) -> None:
    """Take a line and leave a child behind that lives on when we are killed."""
    with lines_at(url) as lines, lines.line(source, party=name), seen_as(name, port) as wire:
        if os.fork() == 0:
            wire.close()
            with seen_as(f"{name}-child", port):
                time.sleep(30)
            os._exit(0)
        time.sleep(60)


def wait_in_vain(url: str, source: Source, name: str) -> None:
    """Wait for a line, urgently, until killed."""
    with lines_at(url) as lines, lines.line(source, party=name, urgent=True, patience=60):
        pass


@contextmanager
def running(*tasks):
    """These, each ``(function, arguments, keywords)``, in processes of their own; none outlives the block."""
    processes = [_PROCESSES.Process(target=what, args=args, kwargs=more) for what, args, more in tasks]
    for process in processes:
        process.start()
    try:
        yield processes
    finally:
        for process in processes:
            process.kill()
            process.join(10)


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
