"""What is left of a study once it is drawn: pictures, and nothing of the objects; and what its page says."""

import re

import pytest
from support.inspecting import text_of
from support.installation import source_block
from support.sending import sending_site
from support.studies import study
from support.visits import opened
from support.web_archive import WebArchive

from fetch.find import find_study
from preview.demo.archive import Archive
from preview.errands import fetching, wanting
from preview.errands.asking import note_study
from preview.records import FetchRow, Outcome

MARK = b"\xfe\xed\xbe\xef\x0b\xad" * 6
"""Pixels that nothing else has."""


def marked(images=4, size=32):
    datasets = study(images=images, size=size)
    for ds in datasets:
        ds.PixelData = ds.PixelData[: -len(MARK)] + MARK
    return datasets


def fetched(site, row) -> FetchRow:
    fetch_id = wanting.want(site.parts, row)
    fetching.fetch(site.parts, fetch_id)
    with site.parts.records.read() as session:
        return session.get_one(FetchRow, fetch_id)


def noted(site, study_uid):
    found = find_study(site.settings.sources[0], site.settings.local, study_uid)
    with site.parts.records.write() as session:
        return note_study(session, found, site.parts.now)


def by_get(install, datasets):
    with Archive("MAIN", datasets=datasets).start() as archive:
        site = install(source_block("main", archive.port, aet="MAIN", retrieve="c-get"))
        return site, fetched(site, noted(site, datasets[0].StudyInstanceUID))


def by_move(install, datasets):
    with sending_site(install, datasets) as site:
        return site, fetched(site, site.row)


def by_web(install, datasets):
    with WebArchive(datasets).running() as archive:
        address = f"http://127.0.0.1:{archive.port}/dicom-web"
        site = install(source_block("main", 104, protocol="dicomweb", dicomweb=address))
        return site, fetched(site, noted(site, datasets[0].StudyInstanceUID))


@pytest.mark.parametrize(("images", "size"), [(4, 32), (1, 4200)], ids=["small", "larger than memory takes"])
@pytest.mark.parametrize("bring", [by_get, by_move, by_web], ids=["c-get", "c-move", "wado"])
def test_of_the_objects_nothing_is_left_once_they_are_drawn(install, bring, images, size):
    site, fetch = bring(install, marked(images, size))
    assert (fetch.outcome, fetch.drawn) == (Outcome.COMPLETE, images)
    files = [path for path in site.folder.rglob("*") if path.is_file()]
    assert [path for path in files if path.suffix == ".png"]
    assert [path for path in files if MARK in (whole := path.read_bytes()) or whole[128:132] == b"DICM"] == []


def test_what_is_complete_says_as_of_when(site, client, archive):
    html = opened(site, client, archive).fetch()
    assert re.search(r"Complete, 3 of 3 images as of \d\d:\d\d", text_of(html))
