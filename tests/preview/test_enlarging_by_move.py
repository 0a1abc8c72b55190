"""Larger pictures by C-MOVE: what comes for two errands of a study goes to one place; each takes its own."""

import pytest
from sqlalchemy import select
from support.pushing import file_of
from support.sending import sending_site
from support.studies import study

from preview.demo.behaviour import Kind
from preview.errands import enlarging, fetching, wanting
from preview.records import Errand, FetchRow, InstanceRow, Outcome


@pytest.fixture
def site(install):
    """An archive that sends to our receiver, and a study of it that was fetched."""
    with sending_site(install, study(images=20, size=400)) as made:
        fetching.fetch(made.parts, wanting.want(made.parts, made.row))
        yield made


def enlarged(site, place: int) -> FetchRow:
    """The errand of enlarging around the image in this place."""
    with site.parts.records.read() as session:
        rows = session.scalars(select(InstanceRow).order_by(InstanceRow.number)).all()
    wanted = wanting.want(site.parts, site.row, Errand.ENLARGE, around=rows[place].id)
    enlarging.enlarge(site.parts, wanted)
    with site.parts.records.read() as session:
        return session.get_one(FetchRow, wanted)


def in_spool(site) -> list:
    return list((site.folder / "spool").rglob("*.dcm"))


def test_what_a_killed_fetch_has_left_is_left_to_it(site):
    far = site.datasets[15]
    part = site.parts.spool.incoming / "x.part"
    part.write_bytes(file_of(far))
    left = site.parts.spool.publish(part, far.StudyInstanceUID, far.SOPInstanceUID)
    site.archive.requests.clear()
    enlarge = enlarged(site, 1)  # the first has its larger picture, so eight that follow are wanted besides
    assert (enlarge.outcome, enlarge.drawn) == (Outcome.COMPLETE, 9)
    assert in_spool(site) == [left]
    asked = [uid for one in site.archive.asked(Kind.MOVE) for uid in one.keys["SOPInstanceUID"].split("\\")]
    assert len(asked) == 9
    assert far.SOPInstanceUID not in asked


def test_a_shelf_that_takes_nothing_leaves_no_file_behind(site, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(enlarging, "put_on_shelf", full)
    with pytest.raises(OSError, match="No space"):
        enlarged(site, 1)
    assert in_spool(site) == []
