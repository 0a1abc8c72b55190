"""What the archive lists is written down when nobody waits for a picture."""

import time

import pytest
from support.studies import study

from fetch.find import find_study
from preview.demo.behaviour import hangs_in_get
from preview.errands import fetching, wanting
from preview.errands.asking import note_study
from preview.errands.progress import Progress
from preview.records import FetchRow, Outcome


@pytest.fixture
def written(monkeypatch):
    """When series were written down: how much was here, and the time."""
    moments, expect_series = [], Progress.expect_series

    def remembering(self, series):
        moments.append((len(self.held), time.monotonic()))
        expect_series(self, series)

    monkeypatch.setattr(Progress, "expect_series", remembering)
    return moments


@pytest.fixture
def fetched(site, archive):
    for ds in study(images=12, series=2, study_uid="1.1"):
        archive.add(ds)
    found = find_study(site.settings.sources[0], site.settings.local, "1.1")
    with site.parts.records.write() as session:
        row = note_study(session, found, site.parts.now)

    def fetch() -> FetchRow:
        fetch_id = wanting.want(site.parts, row)
        fetching.fetch(site.parts, fetch_id)
        with site.parts.records.read() as session:
            return session.get_one(FetchRow, fetch_id)

    return fetch


def test_the_first_picture_does_not_wait_until_the_list_is_written_down(fetched, written):
    fetch = fetched()
    assert [held > 0 for held, _ in written] == [True, True]
    assert (fetch.outcome, fetch.expected, fetch.drawn) == (Outcome.COMPLETE, 24, 24)


def test_where_no_picture_comes_the_list_is_written_down_meanwhile(fetched, archive, written):
    archive.behave(hangs_in_get())
    fetch = fetched()
    ended = time.monotonic()
    assert fetch.expected == 24
    assert [held for held, _ in written] == [0, 0]
    assert all(ended - at > 1 for _, at in written)
