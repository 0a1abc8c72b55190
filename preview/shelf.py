"""Where pictures are kept: PNG files only, in a folder of their own."""

import errno
import hashlib
import os
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from fetch.errors import trouble
from fetch.reasons import Reason

_HALF_WRITTEN_S = 60
"""No picture takes so long to write."""


@dataclass(frozen=True)
class Place:
    """One picture on the shelf, named by keys of our own."""

    study_key: str
    picture_key: str
    frame: int
    size: int

    def __str__(self) -> str:
        return f"{self.study_key}/{self.picture_key}-{self.frame}-{self.size}.png"


def picture_key(instance_uid: str) -> str:
    """A name for an instance's pictures: received text never becomes part of a path."""
    return hashlib.sha256(instance_uid.encode()).hexdigest()[:32]


class Shelf:
    """A folder of pictures. A picture is there whole or not at all."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def put(self, place: Place, png: bytes) -> None:
        """Raises a FetchError where there is no room: then it is tried again later."""
        try:
            self._put(place, png)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise trouble(Reason.NO_ROOM, f"errno {error.errno}") from None
            raise

    def _put(self, place: Place, png: bytes) -> None:
        target = self.path(place)
        temporary = target.with_name(f"{os.urandom(8).hex()}.part")
        with ExitStack() as unfinished:
            unfinished.callback(temporary.unlink, missing_ok=True)  # else a full disk stays full of these
            try:
                _write(temporary, png)
            except FileNotFoundError:  # the first of its study
                target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                _write(temporary, png)
            temporary.replace(target)
            unfinished.pop_all()

    def sweep(self, study_key: str) -> None:
        """Remove what somebody who was killed left half written; what is being written now is young."""
        latest = time.time() - _HALF_WRITTEN_S
        for part in (self._root / study_key).glob("*.part"):
            with suppress(FileNotFoundError):
                if part.stat().st_mtime < latest:
                    part.unlink()

    def path(self, place: Place) -> Path:
        return self._root / str(place)


def _write(path: Path, content: bytes) -> None:
    with open(path, "xb", opener=_for_this_user_only) as file:
        file.write(content)


def _for_this_user_only(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
