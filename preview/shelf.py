"""Where pictures are kept: PNG files only, in a folder of their own."""

import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path


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
        target = self.path(place)
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, temporary = tempfile.mkstemp(dir=target.parent, suffix=".part")
        with os.fdopen(handle, "wb") as file:
            file.write(png)
        Path(temporary).replace(target)

    def path(self, place: Place) -> Path:
        return self._root / str(place)
