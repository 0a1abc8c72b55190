"""Everything that breaks, by name: entered while fetches are under way, healed when it is left."""

import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass

from faults import kills
from faults.clinic import Clinic
from preview.demo import behaviour as b
from preview.demo.traits import Behaviour

Breaks = Callable[[Clinic], AbstractContextManager[None]]


@dataclass(frozen=True)
class Fault:
    """``lasts``: seconds. ``by_chance``: may be drawn for a sequence; what ends a fetch for good may not.

    ``needs``: how the clinic must be made for it; ``on_postgresql``: with its rows there.
    """

    name: str
    breaks: Breaks
    lasts: float = 3.0
    by_chance: bool = True
    needs: tuple[tuple[str, bool], ...] = ()
    on_postgresql: bool = False


def _behaves(how: Behaviour) -> Breaks:
    @contextmanager
    def broken(clinic: Clinic) -> Iterator[None]:
        clinic.archive.behave(how)
        yield
        clinic.archive.behave_well()

    return broken


def _line(**toxics: float) -> Breaks:
    @contextmanager
    def broken(clinic: Clinic) -> Iterator[None]:
        clinic.line.set(**toxics)
        yield
        clinic.line.heal()

    return broken


def _killed(*names: str) -> Breaks:
    @contextmanager
    def broken(clinic: Clinic) -> Iterator[None]:
        killed = [name for name in names if name in clinic.processes]
        for name in killed:
            clinic.kill(name)
        yield
        for name in killed:
            clinic.start(name)

    return broken


@contextmanager
def _horse_killed(clinic: Clinic) -> Iterator[None]:
    if "worker" in clinic.processes:
        clinic.kill_horse()
    yield


@contextmanager
def _deployed(clinic: Clinic) -> Iterator[None]:
    """A new version: every process is told to stop, and started again."""
    clinic.stop_all(signal.SIGTERM)
    yield
    clinic.start_all()


@contextmanager
def _archive_away(clinic: Clinic) -> Iterator[None]:
    port = clinic.archive.port
    clinic.archive.stop()
    yield
    clinic.archive.start(port)


def _redis_away(how: signal.Signals) -> Breaks:
    @contextmanager
    def broken(clinic: Clinic) -> Iterator[None]:
        clinic.redis.stop(how)
        yield
        clinic.redis.start()

    return broken


@contextmanager
def _redis_silent(clinic: Clinic) -> Iterator[None]:
    with clinic.redis.silent():
        yield


@contextmanager
def _redis_emptied(clinic: Clinic) -> Iterator[None]:
    clinic.redis.empty()
    yield


@contextmanager
def _database_away(clinic: Clinic) -> Iterator[None]:
    """Somebody else writes, and does not come to an end."""
    if clinic.server is not None:
        with clinic.server.stopped():
            yield
        return
    held = sqlite3.connect(clinic.folder / "preview.db", timeout=20, isolation_level=None)
    held.execute("BEGIN IMMEDIATE")
    yield
    held.rollback()
    held.close()


@contextmanager
def _database_silent(clinic: Clinic) -> Iterator[None]:
    assert clinic.server is not None
    with clinic.server.silent():
        yield


@contextmanager
def _killed_before_it_is_written(clinic: Clinic) -> Iterator[None]:
    """What was drawn waits for the database, and its work-horse dies meanwhile."""
    with _database_away(clinic):
        time.sleep(1)
        with _horse_killed(clinic):
            pass
        yield


@contextmanager
def _disk_full(clinic: Clinic) -> Iterator[None]:
    filler = clinic.shelf / "filler"
    with filler.open("wb") as file, suppress(OSError):
        while True:
            file.write(b"\0" * 65536)
            file.flush()
    yield
    filler.unlink()


def _clock(seconds: int) -> Breaks:
    @contextmanager
    def broken(clinic: Clinic) -> Iterator[None]:
        assert clinic.clock is not None
        clinic.clock.jump(seconds)
        yield
        clinic.clock.jump(0)

    return broken


def _wanted_by(people: int) -> Breaks:
    """All at once, and many the same: one errand for each study."""

    @contextmanager
    def broken(clinic: Clinic) -> Iterator[None]:
        with ThreadPoolExecutor(people) as pool:
            wishes = [pool.submit(clinic.want_one, number) for number in range(people)]
        for wish in wishes:
            wish.result()
        yield

    return broken


def _together(*some: Breaks) -> Breaks:
    @contextmanager
    def broken(clinic: Clinic) -> Iterator[None]:
        with ExitStack() as stack:
            for breaks in some:
                stack.enter_context(breaks(clinic))
            yield

    return broken


@contextmanager
def _wanted_twice(clinic: Clinic) -> Iterator[None]:
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(clinic.want_one, [0, 0]))
    yield


AT_THE_ARCHIVE = (
    Fault("archive: no longer there", _archive_away),
    Fault("archive: takes the connection and is silent", _behaves(b.hangs()), 6),
    Fault("archive: silent in the middle of a list", _behaves(b.hangs_in_find()), 6),
    Fault("archive: silent in the middle of a transfer", _behaves(b.hangs_in_get(1)), 6),
    Fault("archive: drops the line after one image", _behaves(b.drops_after(1))),
    Fault("archive: breaks down after one image", _behaves(b.breaks_down_after(1))),
    Fault("archive: no room for now (0xA700)", _behaves(b.answers(0xA700))),
    Fault("archive: rejects, local limit exceeded", _behaves(b.refuses_association("busy"))),
    Fault("archive: does not know our AE title", _behaves(b.refuses_association("calling")), by_chance=False),
    Fault(
        "archive: is called by a wrong AE title", _behaves(b.refuses_association("called")), by_chance=False
    ),
    Fault("archive: three images fail (0xB000)", _behaves(b.fails_some(3))),
    Fault("archive: success with 0 of 0", _behaves(b.claims_success_but_sends_nothing())),
    Fault("archive: sends everything twice", _behaves(b.sends_twice())),
    Fault("archive: counts change between tries", _behaves(b.counts_wrong(2))),
    Fault(
        "archive: another patient's image besides", _behaves(b.sends_foreign_instances(1)), by_chance=False
    ),
)
ON_THE_LINE = (
    Fault("line: reset after 20 kB", _line(reset_peer=20_000)),
    Fault("line: 1 kB a second", _line(bandwidth=1000), 6),
    Fault("line: forwards nothing", _line(timeout=True), 6),
    Fault("line: pieces of 100 bytes", _line(slicer=100)),
    Fault("line: 300 ms each way", _line(latency=300)),
)
AT_HOME = (
    Fault("kill -9: the work-horse", _horse_killed, 0.5),
    Fault("kill -9: the worker", _killed("worker"), 1),
    Fault("kill -9: the work-horse before it has written", _killed_before_it_is_written, 1),
    Fault("kill -9: everything", _killed("worker", "finder", "reconciler"), 1),
    Fault("a new version in the middle of it", _deployed, 0.5),
    Fault("Redis: killed, nothing kept", _redis_away(signal.SIGKILL)),
    Fault("Redis: stopped and started", _redis_away(signal.SIGTERM)),
    Fault("Redis: FLUSHALL", _redis_emptied, 0.5),
    Fault("database: locked, or PostgreSQL stopped", _database_away, 8),
)
BESIDES = (
    Fault("Redis: takes the connection and is silent", _redis_silent, 6, by_chance=False),
    Fault("PostgreSQL: stopped", _database_away, 8, by_chance=False, on_postgresql=True),
    Fault("PostgreSQL: is silent", _database_silent, 12, by_chance=False, on_postgresql=True),
    Fault("two people want the same study at once", _wanted_twice, 0.5, by_chance=False),
    Fault("fifty people want a few studies at once", _wanted_by(50), 0.5, by_chance=False),
    Fault("disk: full", _disk_full, 6, by_chance=False, needs=(("disk", True),)),
    Fault("clock: an hour ahead, and back", _clock(3600), 8, by_chance=False, needs=(("jumps", True),)),
    Fault(
        "clock: an hour behind, and right again", _clock(-3600), 8, by_chance=False, needs=(("jumps", True),)
    ),
    Fault("receiver: killed", _killed("receiver"), 2, by_chance=False, needs=(("moves", True),)),
    Fault(
        "C-MOVE: kill -9 of everything",
        _killed("worker", "finder", "reconciler", "receiver"),
        1,
        by_chance=False,
        needs=(("moves", True),),
    ),
    Fault(
        "C-MOVE: the line is reset after 2 kB",
        _line(reset_peer=2_000),
        by_chance=False,
        needs=(("moves", True),),
    ),
)
_KEPT = (("keeps", True),)
AT_A_MOMENT = tuple(
    Fault(f"kill -9: {whom}, {when}", breaks(kill), 1, by_chance=False)
    for when, breaks in (("before a list has come", kills.in_a_list), ("in a transfer", kills.in_a_transfer))
    for whom, kill in (
        ("the work-horse", kills.horse),
        ("the worker alone", kills.worker_alone),
        ("worker and work-horse", kills.worker),
        ("everything", kills.everything),
    )
)
LONG = (
    Fault("Redis: killed, kept in its file", _redis_away(signal.SIGKILL), by_chance=False, needs=_KEPT),
    Fault("Redis: stopped and started, kept in its file", _redis_away(signal.SIGTERM), 3, False, _KEPT),
    Fault(
        "archive and Redis: away together",
        _together(_archive_away, _redis_away(signal.SIGKILL)),
        20,
        by_chance=False,
    ),
    Fault("database: locked for a minute", _database_away, 60, by_chance=False),
    Fault("PostgreSQL: stopped for a minute", _database_away, 60, by_chance=False, on_postgresql=True),
    Fault("PostgreSQL: stands still for a minute", _database_silent, 60, by_chance=False, on_postgresql=True),
)
EVERY = (*AT_THE_ARCHIVE, *ON_THE_LINE, *AT_HOME, *BESIDES, *AT_A_MOMENT, *LONG)
BY_CHANCE = tuple(fault for fault in EVERY if fault.by_chance)
