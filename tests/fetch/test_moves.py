"""Which C-MOVEs are under way: one at a time for each study, known to other processes, gone with theirs."""

import os
import subprocess
import sys
import threading
import time
from contextlib import contextmanager

import pytest
from peers import LOCAL, of
from support.installation import eventually
from support.studies import study

from fetch.model import Instance, Local, Received, Timeouts, Way
from fetch.moves import Moves, digest
from fetch.retrieve import Means, Retrieval
from fetch.sources.receiver import Receiver
from fetch.spool import Spool
from preview.demo import behaviour
from preview.demo.archive import Archive

LASTING = Timeouts(connect=2, association=10, message=10, network=10)


def still_wanted():
    return False


@pytest.fixture
def moves(tmp_path):
    return Moves(tmp_path)


@contextmanager
def killed_at_its_end(tmp_path, code):
    """Another process that holds what this code takes, killed at the end of the block."""
    program = _OTHER.format(code)
    command = [sys.executable, "-c", program, str(tmp_path)]
    other = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert other.stdout.readline() == "held\n"
        yield
    finally:
        other.kill()
        other.wait(10)


_OTHER = """
import sys, time
from pathlib import Path
from fetch.moves import Moves
moves = Moves(Path(sys.argv[1]))
with {}:
    print("held", flush=True)
    time.sleep(60)
"""


def make_old(path, seconds):
    os.utime(path, (time.time() - seconds,) * 2)


# Alone


def test_the_second_waits_for_the_first(moves):
    order = []

    def second():
        with moves.alone("1.2", still_wanted):
            order.append("second")

    with moves.alone("1.2", still_wanted), moves.alone("1.3", still_wanted):
        thread = threading.Thread(target=second)
        thread.start()
        time.sleep(0.3)
        order.append("first")
    thread.join(5)
    assert order == ["first", "second"]


def test_whoever_is_not_wanted_any_more_does_not_wait(moves):
    began = time.monotonic()
    with moves.alone("1.2", still_wanted), moves.alone("1.2", lambda: time.monotonic() > began + 0.3):
        assert time.monotonic() - began < 2


def test_a_killed_process_holds_nothing(moves, tmp_path):
    with killed_at_its_end(tmp_path, "moves.alone('1.2', lambda: False), moves.under_way('main', '1.2')"):
        assert moves.asked_for(["main"], None) == digest("1.2")
        waiting = threading.Event()
        with moves.alone("1.2", lambda: waiting.wait(0.3) or True):
            pass
    assert moves.asked_for(["main"], None) == ""
    with moves.alone("1.2", still_wanted):
        pass


def test_a_sweep_takes_what_was_left_and_nothing_that_is_held(moves, tmp_path):
    with killed_at_its_end(tmp_path, "moves.under_way('main', '1.9')"):
        pass
    with moves.alone("1.2", still_wanted), moves.under_way("main", "1.2"):
        for path in tmp_path.iterdir():
            make_old(path, 61)
        moves.sweep(60)
        assert {path.name.split(".")[0] for path in tmp_path.iterdir()} == {digest("1.2")}
        assert moves.asked_for(["main"], None) == digest("1.2")
    for path in tmp_path.iterdir():
        make_old(path, 61)
    moves.sweep(60)
    assert list(tmp_path.iterdir()) == []


# Asked for


def test_by_its_message_id_a_study_is_known_among_several(moves):
    with moves.under_way("main", "1.2") as first, moves.under_way("main", "1.3") as second:
        assert moves.asked_for(["main"], first) == digest("1.2")
        assert moves.asked_for(["main"], second) == digest("1.3")
        assert moves.asked_for(["main"], None) == ""
        assert moves.asked_for(["other"], first) == ""


def test_without_one_it_is_known_if_there_is_no_other(moves):
    with moves.under_way("main", "1.2"), moves.under_way("other", "1.3"):
        assert moves.asked_for(["main"], None) == digest("1.2")
    assert moves.asked_for(["main"], None) == ""


# Two retrievals of one study


@pytest.fixture
def spool(tmp_path):
    return Spool(tmp_path / "spool", reserve=0)


@pytest.fixture
def datasets():
    return study(images=24)


@pytest.fixture
def home(spool, datasets):
    """An archive that holds the study and sends to our receiver."""
    with Archive("MAIN", datasets=datasets).start() as archive:
        main = of(archive, timeouts=LASTING)
        with (
            Receiver(Local("PREVIEW", 0), [main], spool, lambda *_: True).start() as receiver,
            spool.served(),
        ):
            archive.peers["PREVIEW"] = ("127.0.0.1", receiver.port)
            yield main, archive


def retrieval(home, spool, datasets, tick=0.1):
    only = [Instance(ds.SeriesInstanceUID, ds.SOPInstanceUID) for ds in datasets]
    means = Means((Way.MOVE,), spool=spool)
    return Retrieval(home[0], LOCAL, datasets[0].StudyInstanceUID, means, only=only, tick=tick)


def test_two_errands_of_one_study_do_not_take_each_others_images(home, spool, datasets):
    home[1].behave(behaviour.slow(0.05))
    parts, came = [datasets[:12], datasets[12:]], [[], []]

    def bring(number):
        with retrieval(home, spool, parts[number]) as brought:
            for event in brought:
                if isinstance(event, Received):
                    came[number].append(event.instance_uid)
                    event.file.unlink()

    threads = [threading.Thread(target=bring, args=(number,)) for number in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert [set(uids) for uids in came] == [{ds.SOPInstanceUID for ds in part} for part in parts]
    asked = [
        uid for one in home[1].asked(behaviour.Kind.MOVE) for uid in one.keys["SOPInstanceUID"].split("\\")
    ]
    assert len(asked) == 24


def test_whoever_waits_for_the_other_ends_at_once_when_somebody_cancels(home, spool, datasets):
    with (
        spool.moves.alone(datasets[0].StudyInstanceUID, still_wanted),
        retrieval(home, spool, datasets) as brought,
    ):
        waits = iter(brought)
        assert [event for event in (next(waits) for _ in range(5)) if isinstance(event, Received)] == []
        began = time.monotonic()
        brought.stop()
        assert not [event for event in waits if isinstance(event, Received)]
        assert time.monotonic() - began < 2
    assert home[1].asked(behaviour.Kind.MOVE) == []


def test_what_waits_to_be_drawn_outlasts_the_association_over_which_it_came(home, spool, datasets):
    home[1].behave(behaviour.first(1, behaviour.drops_after(6, behaviour.Kind.MOVE)))
    with retrieval(home, spool, datasets) as brought:
        arrived = [event for event in brought if isinstance(event, Received)]
    assert len(arrived) == 24
    assert all(received.file.exists() for received in arrived)


# Whoever leaves early


def test_large_objects_that_nobody_took_are_freed(spool):
    large = study(images=3)
    for ds in large:
        ds.Rows, ds.Columns, ds.PixelData = 4200, 4200, bytes(4200 * 4200 * 2)
    only = [Instance(ds.SeriesInstanceUID, ds.SOPInstanceUID) for ds in large]
    with Archive("MAIN", datasets=large).start() as archive, spool.scratch("f1") as scratch:
        one = of(archive, timeouts=LASTING, associations=1)
        means = Means((Way.GET,), scratch=scratch)
        with Retrieval(one, LOCAL, large[0].StudyInstanceUID, means, only=only):
            eventually(lambda: len(list(scratch.glob("*"))) == 3, 30)
            eventually(lambda: archive.asked(behaviour.Kind.GET), 5)
            time.sleep(0.5)
        assert list(scratch.iterdir()) == []


def test_what_waits_in_the_spool_stays_for_the_next_try(home, spool, datasets):
    with retrieval(home, spool, datasets):
        eventually(lambda: len(list(spool.waiting(datasets[0].StudyInstanceUID))) == 24, 30)
        time.sleep(0.5)
    assert len(list(spool.waiting(datasets[0].StudyInstanceUID))) == 24
