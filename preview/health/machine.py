"""What this installation itself needs to work: database, Redis, room on the shelf, and workers that live."""

import os
import shutil
import tempfile
import time
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from preview.parts import Parts

ROOM = 64 * 1024 * 1024
"""Bytes: with less room on the shelf's disk it is said that there is none."""
OK = "ok"


_seen: dict[Path, tuple[float, bool]] = {}
"""When somebody last looked at the disk of each shelf, and whether there was room."""


def has_room(shelf: Path, within: float = 0.0) -> bool:
    """Is there room for more pictures, or was there (or not) so many seconds ago?"""
    at, room = _seen.get(shelf, (float("-inf"), False))
    now = time.monotonic()
    if now - at < within:
        return room
    room = _has_room(shelf)
    _seen[shelf] = now, room
    return room


def _has_room(shelf: Path) -> bool:
    """A shelf that is not there yet is made on the disk of its parent."""
    for folder in (shelf.absolute(), *shelf.absolute().parents):
        try:
            return shutil.disk_usage(folder).free >= ROOM
        except FileNotFoundError:
            continue
    return False


def readiness(parts: Parts, now: datetime) -> dict[str, str]:
    """Each part: "ok", or what is wrong with it. How the archives are is another matter."""
    return {
        "database": _database(parts),
        "redis": OK if parts.bell.answers() else "does not answer",
        "shelf": _shelf(parts.settings.app.shelf),
        "finder": _worker(parts, "asks", now),
        "worker": _worker(parts, "fetches", now),
    }


def is_ready(readings: Mapping[str, str]) -> bool:
    return all(reading == OK for reading in readings.values())


def _database(parts: Parts) -> str:
    try:
        with parts.records.read() as session:
            session.execute(text("SELECT 1"))
    except SQLAlchemyError as error:
        return type(error).__name__
    return OK


def _shelf(shelf: Path) -> str:
    try:
        shelf.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryFile(dir=shelf) as file:
            file.write(b"\0" * 4096)
    except OSError as error:
        return os.strerror(error.errno or 0)
    return OK if has_room(shelf) else "no room"


def _worker(parts: Parts, queue: str, now: datetime) -> str:
    return OK if parts.bell.is_attended(queue, now) else "no worker"
