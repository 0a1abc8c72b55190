"""SIGKILL at any point of a fetch over DICOMweb: it completes, nothing finished comes again, none is lost."""

import os
import signal

import pytest
from support.installation import eventually, process, source_block, work_horse
from support.killing import fetch_of, let_time_pass, noted_as_drawn
from support.studies import study
from support.web_archive import WebArchive

from fetch.find import find_study
from preview.errands import wanting
from preview.errands.asking import note_study
from preview.records import Outcome

IMAGES = 60


@pytest.fixture
def archive():
    with WebArchive(study(images=IMAGES)).running() as running:
        yield running


@pytest.fixture
def site(install, archive):
    address = f"http://127.0.0.1:{archive.port}/dicom-web"
    return install(source_block("main", 104, protocol="dicomweb", dicomweb=address))


@pytest.fixture
def held(site, archive):
    uid = next(iter(archive.held.values())).StudyInstanceUID
    found = find_study(site.settings.sources[0], site.settings.local, uid)
    with site.parts.records.write() as session:
        return note_study(session, found, site.parts.now)


@pytest.mark.parametrize("who", ["work-horse", "worker"])
@pytest.mark.parametrize("after", ["before the list", 1, 5, 12, 20])
def test_a_killed_fetch_is_taken_up_again_where_it_was(site, archive, held, who, after):
    archive.seconds = 0.1
    if isinstance(after, str):
        archive.listing.clear()
    archive.paths.clear()
    wanting.want(site.parts, held)
    with process(site, "worker", "fetches") as worker:
        if isinstance(after, str):
            eventually(lambda: archive.paths and fetch_of(site).beat_at)
        else:
            eventually(lambda: fetch_of(site).drawn >= after)
        os.kill(work_horse(worker) if who == "work-horse" else worker.pid, signal.SIGKILL)
        finished = noted_as_drawn(site)
        archive.behave_well()
        archive.sent.clear()
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
    assert not set(archive.sent) & finished
