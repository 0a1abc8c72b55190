"""The C-MOVEs that are under way on this host: one at a time for each study, and what each is known by."""

import fcntl
import hashlib
import os
import secrets
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path

from fetch.locks import is_held

_LOCK, _MOVE = ".lock", ".move"
_LOOK_S = 0.1
_MOST_MESSAGE_ID = 65535  # US, PS3.7 9.1.4.1.1


def digest(uid: str) -> str:
    """What stands for a UID in a name: it says nothing of anybody, and leads nowhere else."""
    return hashlib.sha256(uid.encode()).hexdigest()[:32]


class Moves:
    """A folder of locked files, whose locks go with the process, however it ends::

        <digest of the study>.lock                                              who may ask for it
        <digest of the study>.<digest of the source>.<message id>.move          what is asked of whom

    The receiver reads the second kind: it is another process, and has to know for whom something came.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def alone(self, study_uid: str, unwanted: Callable[[], bool]) -> Iterator[None]:
        """For the only one that asks for this study: what comes of it goes to one place, for whoever looks.

        Waits for another one, until ``unwanted``; then nothing is held, and nothing may be asked for.
        """
        path = self._folder / f"{digest(study_uid)}{_LOCK}"
        while not unwanted():
            with path.open("w") as file:
                if _locked(file) and _is_at(file, path):
                    yield
                    return
            time.sleep(_LOOK_S)
        yield

    @contextmanager
    def under_way(self, source: str, study_uid: str) -> Iterator[int]:
        """This source is being asked for this study, with the message id that is yielded."""
        number = secrets.randbelow(_MOST_MESSAGE_ID) + 1
        path = self._folder / f"{digest(study_uid)}.{digest(source)}.{number}{_MOVE}"
        with path.open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            try:
                yield number
            finally:
                path.unlink(missing_ok=True)

    def asked_for(self, sources: Collection[str], number: int | None) -> str:
        """The study (its digest) that one of these sources was asked for with this message id.

        None: the source does not say which, and it can only be told if there is no other. "" if it cannot.
        """
        theirs = set(map(digest, sources))
        studies = {
            study
            for study, source, its, path in self._moves()
            if source in theirs and number in (None, its) and is_held(path)
        }
        return studies.pop() if len(studies) == 1 else ""

    def sweep(self, age: float) -> None:
        """Delete what processes have left that were killed, once it is ``age`` seconds old."""
        for path in self._folder.iterdir() if self._folder.exists() else ():
            try:
                with path.open("r") as file:
                    if os.fstat(file.fileno()).st_mtime <= time.time() - age and _locked(file):
                        path.unlink(missing_ok=True)
            except FileNotFoundError:  # its process has just ended
                continue

    def _moves(self) -> Iterator[tuple[str, str, int, Path]]:
        for path in self._folder.glob(f"*{_MOVE}"):
            study, source, number = path.stem.split(".")
            yield study, source, int(number), path


def _locked(file: TextIOWrapper) -> bool:
    """Is it locked by us from now on?"""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_at(file: TextIOWrapper, path: Path) -> bool:
    """Is it still the file of this name? A sweep may have deleted it before it was locked."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False
