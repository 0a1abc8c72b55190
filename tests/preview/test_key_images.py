"""The images that a radiologist marked come first and are said to be key; what a note rejects never does."""

import re
from functools import partial

import numpy as np
import pytest
from pydicom import Dataset
from pydicom.uid import UltrasoundMultiFrameImageStorage, generate_uid
from sqlalchemy import delete, func, select
from support.inspecting import text_of
from support.studies import OKAFOR, STRANGER, study
from support.visits import UID, large, opened

from fetch.records import StudyRow
from preview.demo.behaviour import Kind
from preview.demo.headers import OF_INTEREST, REJECTED_FOR_QUALITY, SeriesHead, StudyHead, selection
from preview.errands import wanting
from preview.records import InstanceRow, Scope, SelectedRow
from preview.shelf import picture_key
from preview.studies import contents, posters

SAFETY = ("113037", "Rejected for Patient Safety Reasons")
MANIFEST = ("113030", "Manifest")


def selecting(images: list[Dataset], title=OF_INTEREST, *, patient=OKAFOR, frames=None) -> Dataset:
    """A selection in the study of these tests, as a radiologist's workstation stores it."""
    head = StudyHead(1, patient, None, "CT Thorax")
    ds = selection(SeriesHead(head, 90, "KO", "Key images"), title, images, "Look here.")
    ds.StudyInstanceUID, ds.SeriesInstanceUID = UID, generate_uid()
    ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    ds.StudyDate, ds.StudyTime, ds.AccessionNumber = "20261101", "101500", "A1"
    if frames:
        ds.ContentSequence[1].ReferencedSOPSequence[0].ReferencedFrameNumber = frames
    return ds


@pytest.fixture
def visit(site, client, archive):
    """Open the study of these instances."""
    return partial(opened, site, client, archive)


@pytest.fixture
def images() -> list[Dataset]:
    """Two series of five; of the second, somebody marks the fourth image."""
    return study(images=5, series=2, study_uid=UID)


def refetch(here) -> None:
    with here.site.parts.records.read() as session:
        row = session.scalars(select(StudyRow).where(StudyRow.study_uid == UID)).one()
    wanting.want(here.site.parts, row)
    here.site.fetch_all()


def card_posters(html: str) -> list[str]:
    listed = re.search(r'<ul class="posters">(.*?)</ul>', html, re.DOTALL)[1]
    return [text_of(item) for item in re.findall(r"<li>.*?</li>", listed, re.DOTALL)]


def key_nav(html: str) -> list[str]:
    """What is said of each picture that stands under "Key images"; none where there is no such heading."""
    nav = re.search(r'<nav class="keys".*?</nav>', html, re.DOTALL)
    return re.findall(r'alt="([^"]*)"', nav[0]) if nav else []


def marked_rows(site) -> int:
    with site.parts.records.read() as session:
        return session.scalar(select(func.count()).select_from(SelectedRow))


def test_a_key_image_is_the_poster_of_its_series_and_before_all(visit, images, client):
    here = visit([*images, selecting([images[8]])])
    html = here.fetch()
    on_card = card_posters(client.page(here.patient_page))
    assert on_card[0] == "★ Key image 4/5 Axial 2"
    assert on_card[1] == "3/5 Axial 1"
    assert key_nav(html) == ["Key image, Axial 2, image 4 of 5"]
    assert "★ Key image: Of Interest" in text_of(html)
    assert "Axial 2, image 4 of 5" in large(html)


def test_whoever_chooses_another_image_sees_that_one_and_the_way_to_the_key_images_stays(visit, images):
    here = visit([*images, selecting([images[8]])])
    html = here.fetch()
    other = re.findall(r'id="image-[^"]*" href="([^"]*)"', html)[0].replace("&amp;", "&")
    html = here.client.page(other)
    assert "image 1 of 5" in large(html)
    assert "Key image: Of Interest" not in text_of(html)
    link = re.search(r'id="key-[^"]*" href="([^"]*)"', html)[1].replace("&amp;", "&")
    assert "image 4 of 5" in large(here.client.page(link))


def test_several_selections_are_named_by_their_titles(visit, images):
    other = ("113003", "For Surgery")
    here = visit([*images, selecting(images[2:4]), selecting(images[3:4], other)])
    html = here.fetch()
    assert len(key_nav(html)) == 2
    pages = [here.client.page(link.replace("&amp;", "&")) for link in key_links(html)]
    said = [text_of(re.search(r'<span id="said">(.*?)</span></span>', page, re.DOTALL)[1]) for page in pages]
    assert ["For Surgery" in text for text in said] == [False, True]


def key_links(html: str) -> list[str]:
    return re.findall(r'id="key-[^"]*" href="([^"]*)"', html)


@pytest.mark.parametrize("title", [REJECTED_FOR_QUALITY, SAFETY])
def test_what_a_note_rejects_is_never_key_nor_a_poster_and_is_said_to_be_rejected(
    visit, images, client, title
):
    here = visit([*images[:5], selecting([images[2]], title)])
    html = here.fetch()
    assert key_nav(html) == []
    assert "Key image" not in text_of(client.page(here.patient_page)).replace("Key images", "")
    shown = card_posters(client.page(here.patient_page))
    assert shown
    assert not any(one.startswith("3/5") or "Rejected" in one for one in shown)
    third = re.findall(r'id="image-[^"]*" href="([^"]*)"', html)[2].replace("&amp;", "&")
    text = text_of(client.page(third))
    assert f"✕ Rejected image: {title[1]}" in text
    assert "A note in this study rejects this image. Do not rely on it." in text


def test_what_one_document_rejects_no_other_makes_key(visit, images):
    here = visit([*images[:5], selecting(images[1:3]), selecting([images[2]], SAFETY)])
    assert key_nav(here.fetch()) == ["Key image, Axial 1, image 2 of 5"]


def test_a_manifest_marks_nothing(visit, images, site):
    here = visit([*images[:5], selecting(images[:5], MANIFEST)])
    assert key_nav(here.fetch()) == []
    assert marked_rows(site) == 0


def test_a_selection_of_another_studys_images_marks_nothing(visit, images, archive, site):
    others = study(images=3, study_uid=generate_uid(), StudyDescription="Another")
    for ds in others:
        archive.add(ds)
    here = visit([*images[:5], selecting([others[1]])])
    html = here.client.page(here.patient_page)
    while "Not fetched yet" in text_of(html):
        here.client.press(html, "Fetch")
        site.fetch_all()
        html = here.client.page(here.patient_page)
    assert "★" not in html
    for key in re.findall(r'id="study-(\w+)"', html):
        assert key_nav(here.client.page(f"{here.patient_page}/studies/{key}")) == []


def test_a_selection_of_another_patient_marks_nothing(visit, images, site):
    here = visit([*images[:5], selecting([images[1]], patient=STRANGER)])
    assert key_nav(here.fetch()) == []
    assert marked_rows(site) == 0


def test_a_selection_that_comes_after_its_images_marks_them(visit, images, archive):
    here = visit(images[:5])
    assert key_nav(here.fetch()) == []
    archive.add(selecting([images[1]]))
    refetch(here)
    assert key_nav(here.html()) == ["Key image, Axial 1, image 2 of 5"]
    assert card_posters(here.client.page(here.patient_page))[0].startswith("★ Key image 2/5")


def test_an_image_that_comes_after_its_selection_is_marked(visit, images, archive, site):
    here = visit([*images[:4], selecting([images[4]])])
    assert key_nav(here.fetch()) == []
    archive.add(images[4])
    refetch(here)
    assert key_nav(here.html()) == ["Key image, Axial 1, image 5 of 5"]


def test_a_selection_that_is_drawn_again_says_what_it_says_now(visit, images, archive, site):
    document = selecting(images[:2])
    here = visit([*images[:5], document])
    assert len(key_nav(here.fetch())) == 2
    document.ContentSequence = document.ContentSequence[:2]
    archive.add(document)
    with site.parts.records.write() as session:
        session.execute(delete(InstanceRow).where(InstanceRow.instance_uid == document.SOPInstanceUID))
    refetch(here)
    assert key_nav(here.html()) == ["Key image, Axial 1, image 1 of 5"]


def test_a_study_that_is_forgotten_has_no_key_images(visit, images, site):
    here = visit([*images[:5], selecting(images[:2])])
    here.fetch()
    assert marked_rows(site) == 2
    with site.parts.records.write() as session:
        contents.forget(session, session.scalars(select(StudyRow)).one())
    assert marked_rows(site) == 0


def test_first_pictures_alone_say_what_is_key(visit, images, site, client):
    here = visit([*images[:5], selecting([images[2]])])
    with site.parts.records.read() as session:
        row = session.scalars(select(StudyRow)).one()
    wanting.want(site.parts, row, scope=Scope.POSTERS)
    site.fetch_all()
    first = card_posters(client.page(here.patient_page))[0]
    assert first.startswith("★ Key image 3/5")
    refetch(here)
    assert card_posters(client.page(here.patient_page))[0] == first


def test_what_a_selection_named_in_an_earlier_try_still_comes_first(visit, images, site, archive):
    document = selecting([images[8]])
    here = visit([*images, document])
    here.fetch()
    for picture in (site.folder / "shelf").rglob("*.png"):
        if picture_key(document.SOPInstanceUID) not in str(picture):
            picture.unlink()
    archive.requests.clear()
    refetch(here)
    asked = [one.keys["SOPInstanceUID"].split("\\") for one in archive.asked(Kind.GET)]
    assert document.SOPInstanceUID not in [uid for uids in asked for uid in uids]
    assert [images[8].SOPInstanceUID] in asked[:2]


def loop(frames=9) -> Dataset:
    pixels = np.stack([np.roll(np.tile(np.arange(64, dtype="u1") * 4, (64, 1)), k) for k in range(frames)])
    (ds,) = study(images=1, study_uid=UID, Modality="US", SOPClassUID=UltrasoundMultiFrameImageStorage)
    ds.NumberOfFrames, ds.Rows, ds.Columns = pixels.shape
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = 8, 8, 7
    ds.WindowCenter, ds.WindowWidth, ds.RescaleIntercept = 128, 256, 0
    ds.PixelData = pixels.tobytes()
    ds["PixelData"].VR = "OB"
    return ds


@pytest.mark.parametrize(("frames", "key"), [([7, 3], [3, 7]), (None, [5])])
def test_of_an_object_of_frames_the_marked_ones_are_key_else_the_informative_one(visit, client, frames, key):
    ds = loop()
    here = visit([ds, selecting([ds], frames=frames)])
    html = here.fetch()
    assert key_nav(html) == [f"Key image, Axial 1, image 1 of 1, frame {frame} of 9" for frame in key]
    assert f"frame {key[0]} of 9" in large(html)
    poster = re.search(r'<ul class="posters">.*?src="([^"]*)"', client.page(here.patient_page), re.DOTALL)[1]
    assert poster.endswith(f"-{key[0]}-256.png")


def test_a_marked_frame_is_drawn_however_many_others_there_are(visit):
    ds = loop(300)
    here = visit([ds, selecting([ds], frames=[150, 42])])
    assert key_nav(here.fetch()) == [
        f"Key image, Axial 1, image 1 of 1, frame {frame} of 300" for frame in (42, 150)
    ]


def test_a_selection_that_comes_after_a_long_film_has_its_frames_drawn(visit, archive, site):
    ds = loop(300)
    here = visit([ds])
    assert key_nav(here.fetch()) == []
    archive.add(selecting([ds], frames=[150, 42, 999]))
    refetch(here)
    assert key_nav(here.html()) == [
        f"Key image, Axial 1, image 1 of 1, frame {frame} of 300" for frame in (42, 150)
    ]
    archive.requests.clear()
    refetch(here)
    assert archive.asked(Kind.GET) == [], "and not again"


def test_the_card_of_the_document_says_what_it_is(visit, images):
    here = visit([*images[:5], selecting([images[2]], SAFETY)])
    here.fetch()
    with here.site.parts.records.read() as session:
        row = session.scalars(
            select(InstanceRow).where(InstanceRow.reason == "Key object selection: not an image")
        ).one()
    text = text_of(here.html(series=row.series_row))
    assert "Rejected for Patient Safety Reasons 1 image Key Object Description: Look here." in text
    assert "Its first lines, without what names somebody. Read the whole of it in the viewer." in text


def test_choosing_twice_changes_nothing(visit, images, site):
    visit([*images, selecting([images[8]])]).fetch()
    with site.parts.records.write() as session:
        row = session.scalars(select(StudyRow)).one()
        posters.choose(session, row.id, over=True)
        assert not any(session.is_modified(row) for row in session.dirty)
