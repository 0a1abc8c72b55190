"""An installation at work: the processes of the Procfile, an archive behind a line, what people want."""

import os
import re
import shlex
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from support.installation import BIN, ROOT, Installation, below, free_port, source_block
from support.postgresql import OnPostgreSQL, PostgreSQL
from support.studies import OKAFOR, study
from support.tcp_proxy import TcpProxy

from faults.clock import Clock
from faults.redis_server import RedisServer
from fetch.find import find_study
from fetch.model import Timeouts
from fetch.records import StudyRow
from preview.demo.archive import Archive, Asked
from preview.errands import wanting
from preview.errands.asking import note_study
from preview.records import Arrival, FetchRow, InstanceRow, Outcome

BUSY = ("finder", "worker", "reconciler")
_LOOK_S = 0.1


@dataclass(frozen=True)
class Result:
    """What became of what was wanted. ``lost``: neither complete nor with a reason that says why not."""

    wanted: int
    complete: int
    explained: int
    doubled: int
    seconds: float

    @property
    def lost(self) -> int:
        return self.wanted - self.complete - self.explained


class Clinic:
    """``with Clinic(folder).open() as clinic: clinic.want(); …; clinic.result(60)``.

    ``images`` in each of so many ``studies``; ``keeps``: Redis writes what it holds to a file; ``server``:
    the database is one of PostgreSQL's, else SQLite; ``moves``: images come by C-MOVE, to our receiver;
    ``disk``: the shelf has a small one of its own (as root only); ``jumps``: the processes' clock may jump.
    """

    def __init__(
        self,
        folder: Path,
        *,
        studies: int = 20,
        images: int = 3,
        keeps: bool = False,
        server: PostgreSQL | None = None,
        processes: tuple[str, ...] = BUSY,
        moves: bool = False,
        disk: bool = False,
        jumps: bool = False,
    ) -> None:
        folder.mkdir()
        self.folder, self.server, self._moves, self._has_disk = folder, server, moves, disk
        self._names = (*processes, "receiver") if moves else processes
        self.clock = Clock(folder) if jumps else None
        self._held = [study(OKAFOR, images=images) for _ in range(studies)]
        self.archive = Archive("MAIN", datasets=[ds for held in self._held for ds in held])
        self.redis = RedisServer(folder / "redis", keeps=keeps)
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.wanted: set[str] = set()
        self.doubled = 0
        self.refused = 0
        """Clicks that were answered with a sentence that nothing was saved."""

    @contextmanager
    def open(self) -> Iterator["Clinic"]:
        with ExitStack() as stack:
            stack.enter_context(self.archive.start())
            self.line = stack.enter_context(TcpProxy(self.archive.port))
            stack.callback(self.redis.stop)
            self.redis.start()
            self.site = self._installed()
            stack.callback(self.site.parts.records.engine.dispose)
            if self._has_disk:
                stack.enter_context(_small_disk(self.shelf))
            self.studies = [self._found(held[0].StudyInstanceUID) for held in self._held]
            self.archive.requests = _Watched(self)
            stack.callback(self.stop_all)
            self.start_all()
            yield self

    def _installed(self) -> Installation:
        port, way = free_port(), {"retrieve": "c-move"} if self._moves else {}
        self.archive.peers["PREVIEW"] = ("127.0.0.1", port)
        block = source_block("main", self.line.port, aet="MAIN", **way)
        made, more = (self.folder, [block], self.redis.url), {"local_port": port}
        if self.server:
            return OnPostgreSQL(*made, database=self.server.new_database(), **more)
        return Installation(*made, **more)

    @property
    def shelf(self) -> Path:
        return self.site.settings.app.shelf

    def _found(self, study_uid: str) -> StudyRow:
        (source,) = self.site.settings.sources
        patient = replace(source, timeouts=Timeouts(30, 30, 30, 30))  # the machine may be busy
        found = find_study(patient, self.site.settings.local, study_uid)
        with self.site.parts.records.write() as session:
            return note_study(session, found, self.site.parts.now)

    # Its processes

    def start_all(self) -> None:
        for name in self._names:
            self.start(name)

    def start(self, name: str) -> None:
        if name in self.processes:
            return
        with (self.folder / "processes.log").open("ab") as log:
            environment = self.site.environment | (self.clock.environment if self.clock else {})
            self.processes[name] = subprocess.Popen(
                _commands()[name], env=environment, cwd=ROOT, stdout=log, stderr=log
            )

    def stop_all(self, how: signal.Signals = signal.SIGTERM) -> None:
        """All at once, as on the day of a new version."""
        for running in self.processes.values():
            running.send_signal(how)
        for running in self.processes.values():
            _end(running)
        self.processes.clear()

    def _supervise(self) -> None:
        """Start again what ended by itself, as whoever runs this for good lets a supervisor do.

        A process that starts while the database is away says so, and ends.
        """
        for name in [name for name, running in self.processes.items() if running.poll() is not None]:
            del self.processes[name]
            self.start(name)

    def kill(self, name: str, *, alone: bool = False) -> None:
        """SIGKILL, and whatever it has started, unless ``alone``."""
        running = self.processes.pop(name)
        children = [] if alone else below(running.pid)
        running.kill()
        running.wait()
        for child in children:
            _kill(child)

    def kill_horse(self) -> None:
        """SIGKILL the work-horse, if there is one."""
        for child in below(self.processes["worker"].pid):
            _kill(child)

    # What people want

    def want(self) -> None:
        """Every study, as a click does."""
        self.wanted |= {wanting.want(self.site.parts, row) for row in self.studies}

    def want_one(self, number: int) -> None:
        """As one of many, who presses once more when told that nothing was saved."""
        row = self.studies[number % len(self.studies)]
        for _ in range(5):
            try:
                self.wanted.add(wanting.want(self.site.parts, row))
            except SQLAlchemyError:
                self.refused += 1
            else:
                return

    def fetches(self) -> list[FetchRow]:
        with self.site.parts.records.read() as session:
            return list(session.scalars(select(FetchRow).where(FetchRow.id.in_(self.wanted))))

    def drawn(self) -> set[str]:
        """The instances of which a picture is noted."""
        with self.site.parts.records.read() as session:
            theirs = select(InstanceRow.instance_uid).where(InstanceRow.arrival == Arrival.PICTURE)
            return set(session.scalars(theirs))

    def when_drawn(self, least: int, seconds: float = 30) -> None:
        """Wait until so many images are there."""
        end = time.monotonic() + seconds
        while len(self.drawn()) < least and time.monotonic() < end:
            time.sleep(_LOOK_S)

    def result(self, within: float) -> Result:
        """As soon as everything has ended, or after so many seconds."""
        began = time.monotonic()
        while not (ended := self._ended()) and time.monotonic() < began + within:
            self._supervise()
            time.sleep(_LOOK_S)
        fetches = self.fetches() if ended else self._fetches_or_none()
        by = Counter(fetch.outcome for fetch in fetches)
        explained = sum(1 for fetch in fetches if fetch.outcome is not Outcome.COMPLETE and fetch.reason)
        return Result(
            len(self.wanted), by[Outcome.COMPLETE], explained, self.doubled, time.monotonic() - began
        )

    def _ended(self) -> bool:
        return all(fetch.finished_at for fetch in self._fetches_or_none() or [FetchRow()])

    def _fetches_or_none(self) -> list[FetchRow]:
        try:
            return self.fetches()
        except SQLAlchemyError:
            return []


class _Watched(list[Asked]):
    """What the archive is asked: an image of which a picture is noted already must not be among it."""

    def __init__(self, clinic: Clinic) -> None:
        super().__init__()
        self._clinic = clinic

    def append(self, asked: Asked) -> None:
        super().append(asked)
        uids = set(asked.keys.get("SOPInstanceUID", "").split("\\")) - {""}
        if uids and asked.kind in ("C-GET", "C-MOVE"):
            try:
                self._clinic.doubled += len(uids & self._clinic.drawn())
            except SQLAlchemyError:  # the database is what is broken just now
                return


@contextmanager
def _small_disk(shelf: Path) -> Iterator[None]:
    shelf.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=80m", "tmpfs", str(shelf)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(shelf)], check=True)


def _commands() -> dict[str, list[str]]:
    """The Procfile's, without what belongs to the demo."""
    lines = re.findall(r"^(\w+): exec \.venv/bin/(.+)$", (ROOT / "Procfile").read_text(), re.MULTILINE)
    return {name: [str(BIN / words[0]), *words[1:]] for name, line in lines if (words := shlex.split(line))}


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _end(running: subprocess.Popen[bytes]) -> None:
    try:
        running.wait(20)
    except subprocess.TimeoutExpired:
        running.kill()
        running.wait()
