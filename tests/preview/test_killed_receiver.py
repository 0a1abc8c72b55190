"""SIGKILL of the receiver, or of the work-horse that takes from it, in the middle of a fetch by C-MOVE."""

import os
import signal

import pytest
from sqlalchemy import update
from support.installation import eventually, free_port, process, source_block, work_horse
from support.killing import fetch_of, noted_as_drawn
from support.studies import study

from fetch.find import find_study
from fetch.records import LineRow
from preview.demo.archive import Archive
from preview.demo.behaviour import Kind, slow
from preview.errands import wanting
from preview.errands.asking import note_study
from preview.errands.claim import SILENT
from preview.records import FetchRow, Outcome

IMAGES = 60


@pytest.fixture
def site(install):
    """An archive that sends to our receiver, an installation, and a wanted study."""
    port = free_port()
    datasets = study(images=IMAGES)
    with Archive("MAIN", datasets=datasets, peers={"PREVIEW": ("127.0.0.1", port)}).start() as archive:
        made = install(source_block("main", archive.port, aet="MAIN", retrieve="c-move"), local_port=port)
        found = find_study(made.settings.sources[0], made.settings.local, datasets[0].StudyInstanceUID)
        with made.parts.records.write() as session:
            made.row = note_study(session, found, made.parts.now)
        made.archive = archive
        yield made


def asked_for(site) -> list[list[str]]:
    """The images that each C-MOVE named; the last is of the one that was asked for last."""
    moves = site.archive.asked(Kind.MOVE)
    return [one.keys["SOPInstanceUID"].split("\\") for one in moves] or [[]]


def take_up_again(site) -> None:
    """As after half a minute of silence, or when the time of a rest is over."""
    long_ago = site.parts.now - SILENT * 2
    with site.parts.records.write() as session:
        stale = FetchRow.beat_at.is_not(None)
        session.execute(update(FetchRow).where(stale).values(beat_at=long_ago))
        session.execute(update(FetchRow).values(rung_at=long_ago, next_try_at=None))
    wanting.ring_if_forgotten(site.parts, fetch_of(site))


@pytest.mark.parametrize("after", [1, 5, 10, 20, 30])
def test_after_a_killed_receiver_the_fetch_completes_and_nothing_finished_comes_again(site, after):
    site.archive.behave(slow(0.03))
    with process(site, "worker", "fetches"):
        with process(site, "receiver") as receiver:
            eventually(site.parts.spool.is_served)
            wanting.want(site.parts, site.row)
            eventually(lambda: fetch_of(site).drawn >= after)
            receiver.send_signal(signal.SIGKILL)
            receiver.wait(10)
        eventually(lambda: fetch_of(site).next_try_at or fetch_of(site).finished_at, seconds=60)
        assert fetch_of(site).outcome is None  # it stays wanted
        finished = noted_as_drawn(site)
        assert len(finished) >= after
        site.archive.behave_well()
        site.archive.requests.clear()
        with process(site, "receiver"):
            eventually(site.parts.spool.is_served)
            take_up_again(site)
            eventually(lambda: fetch_of(site).finished_at)
    assert (fetch_of(site).outcome, len(noted_as_drawn(site))) == (Outcome.COMPLETE, IMAGES)
    moved = {uid for uids in asked_for(site) for uid in uids}
    assert not moved & finished
    assert not list((site.folder / "spool").rglob("*.dcm"))


@pytest.mark.parametrize(
    ("who", "after"),
    [("work-horse", 1), ("worker", 5), ("work-horse", 10), ("worker", 20), ("work-horse", 30)],
)
def test_after_a_killed_worker_the_fetch_completes_and_nothing_finished_comes_again(site, who, after):
    site.archive.behave(slow(0.03))
    with process(site, "receiver"):
        eventually(site.parts.spool.is_served)
        with process(site, "worker", "fetches") as worker:
            wanting.want(site.parts, site.row)
            eventually(lambda: fetch_of(site).drawn >= after)
            os.kill(work_horse(worker) if who == "work-horse" else worker.pid, signal.SIGKILL)
            finished = noted_as_drawn(site)
            site.archive.behave_well()
            site.archive.requests.clear()
            if who == "work-horse":
                free_its_lines(site)
                take_up_again(site)
                eventually(lambda: fetch_of(site).finished_at, seconds=60)
        if who == "worker":
            with process(site, "worker", "fetches"):
                free_its_lines(site)
                take_up_again(site)
                eventually(lambda: fetch_of(site).finished_at, seconds=60)
    assert (fetch_of(site).outcome, len(noted_as_drawn(site))) == (Outcome.COMPLETE, IMAGES)
    moved = {uid for uids in asked_for(site) for uid in uids}
    assert not moved & finished
    assert not list((site.folder / "spool").rglob("*.dcm"))


def free_its_lines(site) -> None:
    """As when the leases of a dead holder are over."""
    with site.parts.records.write() as session:
        session.execute(update(LineRow).values(until=site.parts.now - SILENT))


def test_what_was_answered_but_not_drawn_before_a_kill_is_drawn_and_not_asked_for_again(site):
    site.archive.behave(slow(0.1))
    with process(site, "receiver"):
        eventually(site.parts.spool.is_served)
        with process(site, "worker", "fetches") as worker:
            wanting.want(site.parts, site.row)
            # the first requests are small: a stopped horse asks for no other, so it must be at a large one
            eventually(lambda: len(asked_for(site)[-1]) >= IMAGES // 3)
            horse = work_horse(worker)
            os.kill(horse, signal.SIGSTOP)  # it draws no more, and the archive goes on sending
            eventually(lambda: len(list((site.folder / "spool").rglob("*.dcm"))) >= IMAGES // 4)
            os.kill(horse, signal.SIGKILL)
            site.archive.behave_well()
            site.archive.requests.clear()
            waiting = len(list((site.folder / "spool").rglob("*.dcm")))
            take_up_again(site)
            eventually(lambda: fetch_of(site).finished_at)
    assert (fetch_of(site).outcome, len(noted_as_drawn(site))) == (Outcome.COMPLETE, IMAGES)
    assert sum(map(len, asked_for(site))) <= IMAGES - waiting
    assert not list((site.folder / "spool").rglob("*.dcm"))
