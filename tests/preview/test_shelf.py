"""Where pictures are kept."""

import os
import stat
from concurrent.futures import ThreadPoolExecutor

import pytest
from support.studies import OKAFOR

from fetch.errors import SourceRefused
from fetch.model import Study
from preview import shelf as shelves
from preview.errands import wanting
from preview.errands.asking import note_study
from preview.errands.claim import Claim
from preview.errands.progress import Progress
from preview.shelf import Place, Shelf, picture_key

KEY = "0" * 32


def test_a_picture_is_read_back_as_it_was_put(tmp_path):
    shelf, place = Shelf(tmp_path), Place(KEY, picture_key("1.2.3"), 1, 256)
    shelf.put(place, b"png")
    shelf.put(place, b"newer")
    assert shelf.path(place).read_bytes() == b"newer"


def test_nothing_but_whole_pictures_lies_on_the_shelf(tmp_path):
    shelf, place = Shelf(tmp_path), Place(KEY, picture_key("1.2.3"), 1, 256)
    pictures = [bytes([n]) * 200_000 for n in range(8)]
    with ThreadPoolExecutor(8) as pool:
        written = [pool.submit(shelf.put, place, picture) for picture in pictures]
        seen = {shelf.path(place).read_bytes() for _ in range(200) if shelf.path(place).exists()}
        for one in written:
            one.result()
    assert seen <= set(pictures)
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == [shelf.path(place).name]


def test_a_full_disk_leaves_no_half_of_a_picture(tmp_path, monkeypatch):
    shelf, place = Shelf(tmp_path), Place(KEY, picture_key("1.2.3"), 1, 256)
    shelf.put(place, b"png")

    def full(path, content):
        path.write_bytes(content[:1])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shelves, "_write", full)
    with pytest.raises(SourceRefused, match="no-room"):
        shelf.put(place, b"newer")
    assert [path.read_bytes() for path in tmp_path.rglob("*.p*")] == [b"png"]


def test_a_fetch_sweeps_what_a_killed_one_left_half_written(site):
    with site.parts.records.write() as session:
        row = note_study(session, Study("main", "1.2.3", OKAFOR), site.parts.now)
    folder = site.folder / "shelf" / row.key
    folder.mkdir(parents=True)
    old, young = folder / "0.part", folder / "1.part"
    for part in (old, young):
        part.write_bytes(b"p")
    os.utime(old, (0, 0))
    fetch_id = wanting.want(site.parts, row)
    Progress(site.parts, Claim.take(site.parts.records, fetch_id, site.parts.now)).begin()
    assert (old.exists(), young.exists()) == (False, True)  # somebody may be writing it


def test_only_this_user_may_look_at_the_shelf(tmp_path):
    shelf, place = Shelf(tmp_path / "shelf"), Place(KEY, picture_key("1.2.3"), 1, 256)
    shelf.put(place, b"png")
    assert stat.S_IMODE(shelf.path(place).stat().st_mode) == 0o600
    assert stat.S_IMODE(shelf.path(place).parent.stat().st_mode) == 0o700


def test_frames_and_sizes_are_pictures_of_their_own():
    places = {str(Place(KEY, "a", frame, size)) for frame in (1, 2) for size in (256, 640)}
    assert len(places) == 4


@pytest.mark.parametrize("uid", ["../../etc/passwd", "1.2/3", "", "1.2.3\0", "ü" * 9000])
def test_received_text_never_becomes_part_of_a_path(uid):
    assert set(picture_key(uid)) <= set("0123456789abcdef")
    assert len(picture_key(uid)) == 32


def test_two_instances_have_two_names():
    assert picture_key("1.2.3") != picture_key("1.2.4")
