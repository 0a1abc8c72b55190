"""One hostile object in a study, in every way to bring it: refused with its reason, and the rest intact."""

import resource
import struct
import zlib
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import partial

import pytest
from pydicom import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import DeflatedExplicitVRLittleEndian, RLELossless, generate_uid
from sqlalchemy import select
from support.installation import source_block
from support.pushing import encoded, file_of
from support.sending import sending_site
from support.studies import STRANGER, study
from support.web_archive import WebArchive

from fetch.find import find_study
from preview.demo.archive import Archive
from preview.demo.behaviour import wrong_uid
from preview.demo.holdings import held_from_dataset
from preview.errands import fetching, wanting
from preview.errands.asking import note_study
from preview.page import LogLine, told
from preview.records import Arrival, FetchRow, InstanceRow, NoteRow, Outcome

IMAGES = 5
PLACE = 2
"""Which of them is hostile."""
MOST = 64 * 2**10
"""KiB that it may cost this process; what draws has a limit of its own."""


@dataclass
class Ended:
    fetch: FetchRow
    log: list[tuple[str, dict]]
    arrivals: dict[str, Arrival]

    @property
    def said(self) -> str:
        return "\n".join(told(LogLine(None, note, tuple(facts.items()))) for note, facts in self.log)

    def says(self, code: str, **facts) -> bool:
        return any(note.code == code and facts.items() <= told.items() for note, told in self.log)


def fetched(site, row) -> Ended:
    """The study after one try, and the log of that."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    fetch_id = wanting.want(site.parts, row)
    fetching.fetch(site.parts, fetch_id)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - most < MOST
    with site.parts.records.read() as session:
        fetch = session.get_one(FetchRow, fetch_id)
        notes = session.scalars(select(NoteRow).where(NoteRow.fetch == fetch_id).order_by(NoteRow.id)).all()
        rows = session.scalars(select(InstanceRow).where(InstanceRow.study_row == row.id)).all()
    lines = [(fetching.Note.of(note.code), note.facts) for note in notes]
    return Ended(fetch, lines, {row.instance_uid: row.arrival for row in rows})


def noted(site, study_uid):
    found = find_study(site.settings.sources[0], site.settings.local, study_uid)
    with site.parts.records.write() as session:
        return note_study(session, found, site.parts.now)


def by_get(install, datasets, hostile, how=None) -> Ended:
    with Archive("MAIN", datasets=datasets).start() as archive:
        site = install(source_block("main", archive.port, aet="MAIN", retrieve="c-get"))
        row = noted(site, datasets[0].StudyInstanceUID)
        _bend(archive, hostile, how)
        return fetched(site, row)


def by_move(install, datasets, hostile, how=None) -> Ended:
    with sending_site(install, datasets) as site:
        _bend(site.archive, hostile, how)
        return fetched(site, site.row)


def _bend(archive, hostile, how) -> None:
    if hostile is not None:
        archive.hold(hostile)
    if how is not None:
        archive.behave(how)


def by_web(install, datasets, hostile) -> Ended:
    archive = WebArchive(datasets)
    archive.instead[datasets[PLACE].SOPInstanceUID] = hostile
    with archive.running():
        address = f"http://127.0.0.1:{archive.port}/dicom-web"
        site = install(source_block("main", 104, protocol="dicomweb", dicomweb=address))
        return fetched(site, noted(site, datasets[0].StudyInstanceUID))


BY_DIMSE = [pytest.param(by_get, id="c-get"), pytest.param(by_move, id="c-move")]
UNDER = ["../../etc/passwd", "letters"]


def the_rest_is_intact(ended, datasets) -> None:
    others = [ds.SOPInstanceUID for place, ds in enumerate(datasets) if place != PLACE]
    assert [ended.arrivals[uid] for uid in others] == [Arrival.PICTURE] * (IMAGES - 1)


# Under a UID that is none, or another


@pytest.mark.parametrize("uid", UNDER, ids=["path", "letters"])
@pytest.mark.parametrize("bring", BY_DIMSE)
def test_an_object_under_a_hostile_uid_is_refused(install, tmp_path, bring, uid):
    datasets = study(images=IMAGES)
    ended = bring(install, datasets, None, wrong_uid(uid))
    assert ended.says("refused", reason="wrong-uid")
    assert ended.fetch.outcome is not Outcome.COMPLETE
    assert uid not in ended.arrivals
    assert not [path for path in tmp_path.rglob("*") if "passwd" in path.name or "letters" in path.name]


@pytest.mark.parametrize("bring", BY_DIMSE)
def test_an_object_under_another_uid_than_was_asked_for_is_refused(install, bring):
    datasets = study(images=IMAGES)
    ended = bring(install, datasets, None, wrong_uid("1.2.3.4"))
    assert ended.says("refused") or ended.says("foreign", count=1)
    assert ended.fetch.outcome is not Outcome.COMPLETE
    assert ended.arrivals.get("1.2.3.4") in (None, Arrival.WITHHELD)


def other_inside(ds: Dataset) -> Dataset:
    """What it says of itself is another instance than its command, or its file meta."""
    other = deepcopy(ds)
    other.SOPInstanceUID = generate_uid()
    return other


@pytest.mark.parametrize("bring", BY_DIMSE)
def test_an_object_that_is_another_inside_is_withheld_or_refused(install, bring):
    datasets = study(images=IMAGES)
    held = held_from_dataset(datasets[PLACE])
    ended = bring(install, datasets, replace(held, origin=encoded(other_inside(datasets[PLACE]))))
    assert ended.says("foreign", count=1) or ended.says("refused", reason="wrong-uid")
    assert ended.fetch.outcome is not Outcome.COMPLETE
    the_rest_is_intact(ended, datasets)


# Files that come over the web


def file_with(ds: Dataset, **meta) -> bytes:
    """A file whose file meta says this; the data set behind it stays as it is."""
    whole = file_of(ds)
    for name, value in meta.items():
        was = str(getattr(ds.file_meta, name))
        assert len(value) <= len(was), "as long at most, so that the lengths stay"
        head, rest = whole[:600], whole[600:]
        whole = head.replace(was.encode(), value.encode().ljust(len(was), b"\0"), 1) + rest
    return whole


def without_meta(ds: Dataset) -> bytes:
    return bytes(128) + b"DICM" + encoded(ds)


def deflated_bomb(ds: Dataset) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    packed = packer.compress(encoded(ds)) + packer.compress(bytes(200 * 2**20)) + packer.flush()
    return file_of(_as(ds, DeflatedExplicitVRLittleEndian)).partition(b"\x08\x00\x05\x00CS")[0] + packed


def _as(ds: Dataset, syntax: str) -> Dataset:
    other = deepcopy(ds)
    other.file_meta.TransferSyntaxUID = syntax
    return other


@pytest.mark.parametrize(
    ("bend", "code", "reason"),
    [
        (lambda _: b"<html>Sign in</html>", "refused", "no-object"),
        (without_meta, "refused", "wrong-uid"),
        (partial(file_with, MediaStorageSOPInstanceUID="../../etc/passwd"), "refused", "wrong-uid"),
        (partial(file_with, MediaStorageSOPInstanceUID="letters"), "refused", "wrong-uid"),
        (partial(file_with, MediaStorageSOPInstanceUID="1.2.3.4"), "foreign", None),
        (partial(file_with, TransferSyntaxUID="1.2.3"), "refused", "syntax-not-taken"),
        (deflated_bomb, "refused", "syntax-not-taken"),
        (lambda ds: file_of(ds)[:200] + struct.pack("<I", 0xFFFFFFF0) * 50, "refused", None),
    ],
    ids=["page", "no meta", "path", "letters", "other", "private syntax", "deflated", "garbage"],
)
def test_a_file_that_is_none_is_refused_with_its_reason(install, bend, code, reason):
    datasets = study(images=IMAGES)
    ended = by_web(install, datasets, bend(datasets[PLACE]))
    assert ended.says(code, **({"reason": reason} if reason else {})), ended.said
    assert ended.fetch.outcome is not Outcome.COMPLETE
    the_rest_is_intact(ended, datasets)


def test_a_file_that_is_another_inside_is_withheld(install):
    datasets = study(images=IMAGES)
    inside = other_inside(datasets[PLACE])
    inside.file_meta = datasets[PLACE].file_meta
    ended = by_web(
        install, datasets, file_of(datasets[PLACE])[: -len(encoded(datasets[PLACE]))] + encoded(inside)
    )
    assert ended.says("foreign", count=1)
    the_rest_is_intact(ended, datasets)


# Pixels that are none, or far too many


def without_pixels(ds: Dataset) -> Dataset:
    other = _as(ds, ds.file_meta.TransferSyntaxUID)
    other.PixelData = b""
    return other


def run_length_bomb(ds: Dataset) -> Dataset:
    """Runs of 128 equal pixels, two bytes each: 64 times as much when unpacked."""
    other = _as(ds, RLELossless)
    other.Rows = other.Columns = 20_000
    other.BitsAllocated, other.BitsStored, other.HighBit = 8, 8, 7
    runs = 20_000 * 20_000 // 128
    other.PixelData = encapsulate([struct.pack("<16L", 1, 64, *[0] * 14) + b"\x81\x00" * runs])
    other["PixelData"].VR, other["PixelData"].is_undefined_length = "OB", True
    return other


PIXELS = [
    pytest.param(without_pixels, "The image came without its pixels.", id="none"),
    pytest.param(run_length_bomb, "The image is too large for a preview.", id="bomb"),
]


@pytest.mark.parametrize(("bend", "why"), PIXELS)
@pytest.mark.parametrize("bring", BY_DIMSE)
def test_pixels_that_cannot_be_drawn_are_a_card_and_the_log_says_why(install, bring, bend, why):
    datasets = study(images=IMAGES)
    ended = bring(install, datasets, held_from_dataset(bend(datasets[PLACE])))
    assert ended.says("card", count=1, why=why), ended.said
    assert ended.arrivals[datasets[PLACE].SOPInstanceUID] is Arrival.CARD
    assert ended.fetch.outcome is Outcome.COMPLETE
    the_rest_is_intact(ended, datasets)


@pytest.mark.parametrize(("bend", "why"), PIXELS)
def test_so_are_they_over_the_web(install, bend, why):
    datasets = study(images=IMAGES)
    ended = by_web(install, datasets, file_of(bend(datasets[PLACE])))
    assert ended.says("card", count=1, why=why), ended.said
    assert "1 image is shown as a card instead of a picture: " + why in ended.said
    the_rest_is_intact(ended, datasets)


@pytest.mark.parametrize("bring", BY_DIMSE)
def test_a_deflated_object_is_not_taken_and_this_is_said(install, bring):
    datasets = study(images=IMAGES)
    hostile = replace(
        held_from_dataset(datasets[PLACE]),
        transfer_syntax=DeflatedExplicitVRLittleEndian,
        origin=zlib.compress(bytes(200 * 2**20)),
    )
    ended = bring(install, datasets, hostile)
    assert ended.fetch.outcome is not Outcome.COMPLETE
    assert ended.says("reported-failed", count=1) or ended.says("not-sent", count=1), ended.said
    the_rest_is_intact(ended, datasets)


def test_somebody_elses_image_under_the_asked_uid_is_withheld_over_the_web(install):
    datasets = study(images=IMAGES)
    (strange,) = study(STRANGER, images=1, study_uid=datasets[0].StudyInstanceUID)
    strange.SOPInstanceUID = strange.file_meta.MediaStorageSOPInstanceUID = datasets[PLACE].SOPInstanceUID
    ended = by_web(install, datasets, file_of(strange))
    assert ended.says("foreign", count=1)
    assert ended.arrivals[strange.SOPInstanceUID] is Arrival.WITHHELD
    the_rest_is_intact(ended, datasets)
