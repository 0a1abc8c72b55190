"""SIGKILL at any point of a fetch: it completes, nothing finished comes again, nothing is lost."""

import os
import signal

import pytest
from support.installation import eventually, process, work_horse
from support.killing import fetch_of, let_time_pass, noted_as_drawn
from support.studies import study

from fetch.find import find_study
from preview.demo.behaviour import Kind, hangs_in_find, slow
from preview.errands import wanting
from preview.errands.asking import note_study
from preview.records import Outcome

IMAGES = 60


@pytest.fixture
def held(site, archive):
    datasets = study(images=IMAGES)
    for ds in datasets:
        archive.add(ds)
    found = find_study(site.settings.sources[0], site.settings.local, datasets[0].StudyInstanceUID)
    with site.parts.records.write() as session:
        return note_study(session, found, site.parts.now)


def asked_for(archive) -> set[str]:
    gets = archive.asked(Kind.GET)
    return {uid for one in gets for uid in one.keys.get("SOPInstanceUID", "").split("\\")} - {""}


@pytest.mark.parametrize("who", ["work-horse", "worker"])
@pytest.mark.parametrize("after", ["before the list", 1, 5, 12, 20])
def test_a_killed_fetch_is_taken_up_again_where_it_was(site, archive, held, who, after):
    archive.behave(hangs_in_find() if isinstance(after, str) else slow(0.08))
    wanting.want(site.parts, held)
    with process(site, "worker", "fetches") as worker:
        if isinstance(after, str):
            eventually(lambda: archive.asked(Kind.FIND) and fetch_of(site).beat_at)
        else:
            eventually(lambda: fetch_of(site).drawn >= after)
        os.kill(work_horse(worker) if who == "work-horse" else worker.pid, signal.SIGKILL)
        finished = noted_as_drawn(site)
        archive.behave_well()
        archive.requests.clear()
        if who == "work-horse":
            let_time_pass(site)
            eventually(lambda: fetch_of(site).finished_at)
    if who == "worker":
        with process(site, "worker", "fetches"):
            let_time_pass(site)
            eventually(lambda: fetch_of(site).finished_at)
    fetch = fetch_of(site)
    assert (fetch.outcome, fetch.drawn, fetch.attempt) == (Outcome.COMPLETE, IMAGES, 2)
    assert len(noted_as_drawn(site)) == IMAGES
    assert not asked_for(archive) & finished
