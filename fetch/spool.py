"""The spool: where objects wait on disk until they are drawn, for the receiver and every worker of a host."""

import fcntl
import logging
import os
import re
import secrets
import shutil
import time
from collections.abc import Callable, Container, Iterator
from contextlib import contextmanager
from pathlib import Path

from fetch import elements
from fetch.elements import NotDicom
from fetch.locks import is_held
from fetch.model import Received
from fetch.moves import Moves, digest
from fetch.reasons import Reason

log = logging.getLogger(__name__)

RESERVE = 512 * 2**20
"""So many bytes of the disk are left to others: the database may stand beside us."""
PART = ".part"
TOLD = "~"
"""Between the digests of the studies of which an association has sent something and the rest of a name."""
_PUBLISHED, _ASIDE, _REFUSED = ".dcm", ".aside", ".refused"
_MOST_REFUSALS = 1000
_PART_AGE_S = 60.0
_SCRATCH_AGE_S = 3600.0
"""No object waits so long to be drawn, or makes no progress: whoever received it was killed."""
_ASIDE_AGE_S = _SCRATCH_FOLDER_AGE_S = 24 * 3600.0
_SERVED = "receiver.lock"
_STUDY = re.compile(r"[0-9a-f]{32}")
_SCRATCH = re.compile(r"[a-z0-9-]{1,64}")


class Spool:
    """A folder for this user only::

        incoming/                      what is still coming in
            <digests of studies>~<random>.part
        <digest of the study>/         what is here: on the disk for certain, and waiting to be drawn
            <digest of the instance>.<random>.dcm
        moves/                         which studies are being asked for by C-MOVE
        scratch/<name>.<random>/       large objects of other ways to retrieve

    Whoever has drawn a file deletes it. One instance that comes twice makes two files.
    """

    def __init__(self, folder: Path, reserve: int = RESERVE) -> None:
        self._folder = folder
        self._reserve = reserve
        self._moves = Moves(folder / "moves")

    @property
    def moves(self) -> Moves:
        _made(self._folder / "moves")
        return self._moves

    @property
    def incoming(self) -> Path:
        return _made(self._folder / "incoming")

    def free(self) -> int:
        """How many bytes may still come."""
        disk = os.statvfs(_made(self._folder))
        return disk.f_bavail * disk.f_frsize - self._reserve

    def has_room(self) -> bool:
        return self.free() > 0

    def place(self, study_uid: str, instance_uid: str) -> Path:
        """A path that nobody has yet, in a folder that exists for certain."""
        return self._study(digest(study_uid)) / f"{digest(instance_uid)}.{secrets.token_hex(4)}{_PUBLISHED}"

    def publish(self, part: Path, study_uid: str, instance_uid: str) -> Path:
        """Let a complete file be seen. When this returns it outlasts a crash of the machine.

        Raises an OSError, and the file is then not to be seen.
        """
        _sync(part)
        while True:
            place = self.place(study_uid, instance_uid)
            try:
                part.rename(place)
                _sync(place.parent)
            except FileNotFoundError:  # a sweep took the empty folder in this moment
                if not part.exists():
                    raise
                continue
            except OSError:
                place.unlink(missing_ok=True)
                raise
            return place

    def waiting(self, study_uid: str, known: Container[str] = ()) -> Iterator[Received]:
        """What is here of this study and is not ``known`` by its file's name, in no order."""
        for name in _names(self._folder / digest(study_uid)):
            if name.endswith(_PUBLISHED) and name not in known:
                received = _received(self._folder / digest(study_uid) / name)
                if received is not None:
                    yield received

    def refuse(self, study_uid: str, code: str) -> None:
        """Leave word for whoever fetches this study that an object of it was refused, and why."""
        self._mark(digest(study_uid), code)

    def refuse_message(self, study: str) -> None:
        """The same of what came as one of this study (its digest) and could not be read at all."""
        self._mark(study, Reason.GARBLED.code)

    def refuse_foreign(self, study: str, instance_uid: str, *, certain: bool = True) -> None:
        """The same of an object of another study, that came when this one (its digest) was asked for.

        ``certain``: because it was asked for, and not by chance at the same time.
        """
        reason = Reason.OTHER_STUDY if certain else Reason.NOT_REQUESTED
        self._mark(study, reason.code, digest(instance_uid))

    def _mark(self, study: str, code: str, instance: str = "") -> None:
        folder = self._study(study)
        if sum(name.endswith(_REFUSED) for name in _names(folder)) < _MOST_REFUSALS:
            (folder / f"{secrets.token_hex(4)}.{code}.{instance}{_REFUSED}").touch(mode=0o600)

    def refusals(self, study_uid: str) -> Iterator[tuple[str, str]]:
        """Why objects were refused since this was asked last, each with what stands for a foreign one."""
        folder = self._folder / digest(study_uid)
        for name in _names(folder):
            if name.endswith(_REFUSED):
                (folder / name).unlink(missing_ok=True)
                _, code, instance, _ = name.split(".")
                yield code, instance

    @contextmanager
    def served(self) -> Iterator[None]:
        """A receiver runs, for as long as the block does: the lock goes with the process, however it ends."""
        with (_made(self._folder) / _SERVED).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            os.utime(lock.fileno())
            yield

    def served_since(self) -> int | None:
        """When the receiver that runs was started, as a mark that is another one after every start."""
        if not self.is_served():
            return None
        return (self._folder / _SERVED).stat().st_mtime_ns

    def is_served(self) -> bool:
        """Does a receiver run? Without one nothing that an archive is asked to send would arrive."""
        return is_held(self._folder / _SERVED)

    def is_busy(self, study_uid: str, seconds: float = 2.0) -> bool:
        """Did part of an object come in within so many seconds that may be of this study?

        That is: over an association that has sent something of it, or of nothing yet.
        """
        since, study = time.time() - seconds, digest(study_uid)
        incoming = self._folder / "incoming"
        return any(
            _changed_at(incoming / name) >= since
            for name in _names(incoming)
            if name.endswith(PART) and _may_be_of(study, name)
        )

    @contextmanager
    def scratch(self, name: str) -> Iterator[Path]:
        """An empty folder that is gone at the end; what killed users of any have left is deleted.

        Of the same name that is everything: whoever else has it was taken for dead, and may write no more.
        """
        if not _SCRATCH.fullmatch(name):
            raise ValueError("a scratch folder has a name of lower-case letters, digits and hyphens")
        for folder in self._folder.glob(f"scratch/{name}.*"):
            shutil.rmtree(folder, ignore_errors=True)
        self._sweep_scratch()
        mine = _made(self._folder / "scratch" / f"{name}.{secrets.token_hex(4)}")
        try:
            yield mine
        finally:
            shutil.rmtree(mine, ignore_errors=True)

    def _sweep_scratch(self) -> int:
        """The folders are kept for longer: one in use may have been empty for hours."""
        swept = 0
        for folder in self._folder.glob("scratch/*"):
            swept += _delete_old(folder, _SCRATCH_AGE_S)
            if _changed_at(folder) <= time.time() - _SCRATCH_FOLDER_AGE_S:
                _remove_if_empty(folder)
        return swept

    def sweep(self, wanted: Callable[[str], bool], *, unwanted_age: float = 0.0) -> int:
        """Delete what nobody will come for; says how many files.

        That is: parts on which nobody writes, old scratch, and all of the studies that are not ``wanted``
        (asked with the digest), once it is ``unwanted_age`` seconds old.
        """
        swept = _delete_old(self._folder / "incoming", _PART_AGE_S) + self._sweep_scratch()
        self._moves.sweep(_PART_AGE_S)
        for folder in self._folder.iterdir() if self._folder.exists() else ():
            if _STUDY.fullmatch(folder.name):
                swept += _delete_old(folder, _PART_AGE_S, PART) + _delete_old(folder, _ASIDE_AGE_S, _ASIDE)
                if not wanted(folder.name):
                    swept += _delete_old(folder, unwanted_age)
                    _remove_if_empty(folder)
        return swept

    def _study(self, study: str) -> Path:
        folder = self._folder / study
        if not folder.is_dir():
            _made(folder)
            _sync(self._folder)
        return folder


def _made(folder: Path) -> Path:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def _sync(path: Path) -> None:
    """Have the disk keep what was written to this file, or which files this folder has."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _received(path: Path) -> Received | None:
    """As its file meta information says; None if it is gone, or is none of ours and was set aside."""
    try:
        with path.open("rb", buffering=4096) as file:
            sop_class, instance_uid, syntax = elements.file_meta(file)
    except FileNotFoundError:
        return None
    except NotDicom as wrong:
        log.warning("spool: a file is set aside: %s", wrong)
        path.rename(path.with_suffix(_ASIDE))
        return None
    return Received(sop_class, instance_uid, syntax, file=path)


def _names(folder: Path) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return [entry.name for entry in entries]
    except FileNotFoundError:
        return []


def _may_be_of(study: str, name: str) -> bool:
    """A part's name begins with the studies of its association, if that has sent of any."""
    studies, told, _ = name.rpartition(TOLD)
    return not told or study in studies


def _changed_at(path: Path) -> float:
    """Seconds of the clock; 0 for a file that is gone."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _delete_old(folder: Path, seconds: float, suffix: str = "") -> int:
    """Files at least so old; says how many."""
    old = [
        path
        for name in _names(folder)
        if name.endswith(suffix) and 0 < _changed_at(path := folder / name) <= time.time() - seconds
    ]
    for path in old:
        path.unlink(missing_ok=True)
    return len(old)


def _remove_if_empty(folder: Path) -> None:
    try:
        folder.rmdir()
    except OSError:  # it is not empty, or another sweep was faster
        return
