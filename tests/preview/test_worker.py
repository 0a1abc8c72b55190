"""Workers that are told to stop, or killed, while a fetch runs: nothing of them is left at work."""

import signal
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import select
from support.installation import BIN, ROOT
from support.studies import study

from preview.demo.behaviour import WELL, hangs_in_get, slow
from preview.records import FetchRow


@pytest.fixture
def chest(archive):
    datasets = study(images=4)
    for ds in datasets:
        archive.add(ds)
    return datasets[0].StudyInstanceUID


@contextmanager
def worker(site):
    """A worker in a process group of its own, as honcho starts it."""
    process = subprocess.Popen(
        [str(BIN / "flask"), "--app", str(ROOT / "app.py"), "worker", "fetches"],
        env=site.environment,
        cwd=ROOT,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def descendants(pid):
    """Process ids below this one: work-horse and drawing processes."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in children] + [
        below for child in children for below in descendants(int(child))
    ]


def runs(pid):
    """A zombie does not run any more."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def eventually(true, seconds=45):
    end = time.monotonic() + seconds
    while not (found := true()) and time.monotonic() < end:
        time.sleep(0.05)
    assert found
    return found


def at_work(site, process, chest):
    """The processes below a worker that has begun to fetch."""
    site.flask("fetch", "--source", "main", "--study", chest)
    eventually(lambda: fetch_row(site).begun_at)
    return eventually(lambda: len(found := descendants(process.pid)) >= 3 and found)


def fetch_row(site):
    with site.parts.records.read() as session:
        return session.scalars(select(FetchRow)).one()


@pytest.mark.parametrize("behaviour", [slow(0.5), hangs_in_get()], ids=["slow", "hangs"])
@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
def test_a_worker_that_is_told_to_stop_does_not_wait_for_its_fetch(site, archive, chest, behaviour, sent):
    with worker(site) as process:
        eventually(lambda: site.parts.bell.has_worker("fetches"))
        archive.behave(behaviour)
        below = at_work(site, process, chest)
        began = time.monotonic()
        process.send_signal(sent)
        assert process.wait(30) == 0
        assert time.monotonic() - began < 15  # 2 s where nothing else runs; after 5 honcho would kill it
        eventually(lambda: not any(map(runs, below)), seconds=5)
    assert not site.parts.bell.has_worker("fetches")
    assert fetch_row(site).finished_at is None


def test_a_killed_worker_leaves_no_work_horse_and_no_drawing_process(site, archive, chest):
    archive.behave(hangs_in_get())
    with worker(site) as process:
        below = at_work(site, process, chest)
        horse = max(below, key=lambda pid: len(descendants(pid)))
        family = [horse, *descendants(horse)]
        assert len(family) >= 3
        process.send_signal(signal.SIGKILL)
        process.wait(5)
        eventually(lambda: not any(map(runs, family)), seconds=3)


def test_a_fetch_whose_worker_was_stopped_is_done_by_the_next(site, archive, chest):
    archive.behave(hangs_in_get())
    with worker(site) as process:
        at_work(site, process, chest)
        process.terminate()
        process.wait(10)
    archive.behave(WELL)
    with site.parts.records.write() as session:  # half a minute later
        session.scalars(select(FetchRow)).one().beat_at = None
    with worker(site):
        eventually(lambda: fetch_row(site).finished_at)
    assert fetch_row(site).drawn == 4
