"""Which picture stands for a series and in which order its slices are shown, from the archive to the page."""

import re
import time
from functools import partial

import numpy as np
import pytest
from pydicom import Dataset
from pydicom.uid import EnhancedMRImageStorage, UltrasoundMultiFrameImageStorage, generate_uid
from sqlalchemy import select
from support.inspecting import text_of
from support.studies import study
from support.visits import UID, change_fetch, fetches, large, opened

from fetch.records import StudyRow
from preview.demo.behaviour import leaves_out
from preview.errands import enlarging, wanting
from preview.errands.claim import Claim
from preview.records import Errand, InstanceRow, Outcome, Scope, SeriesRow
from preview.studies.slices import as_shown

AXIAL, CORONAL = [1, 0, 0, 0, 1, 0], [1, 0, 0, 0, 0, -1]


def stack(*heights, orientation=AXIAL, numbers=None, **made) -> list[Dataset]:
    """A series whose slices lie at these heights, in the order of their numbers; None: nobody knows where."""
    datasets = study(images=len(heights), study_uid=UID, **made)
    for index, (ds, height) in enumerate(zip(datasets, heights, strict=True)):
        if height is not None:
            axis = 2 if orientation is AXIAL else 1
            ds.ImagePositionPatient = [height if part == axis else 0 for part in range(3)]
            ds.ImageOrientationPatient = orientation
        ds.InstanceNumber = numbers[index] if numbers else index + 1
    return datasets


def empty(ds: Dataset) -> Dataset:
    ds.PixelData = bytes(len(ds.PixelData))
    return ds


@pytest.fixture
def visit(site, client, archive):
    """Open the study of these instances."""
    return partial(opened, site, client, archive)


def found(site) -> StudyRow:
    with site.parts.records.read() as session:
        return session.scalars(select(StudyRow)).one()


def posters(site) -> list[InstanceRow]:
    with site.parts.records.read() as session:
        chosen = select(InstanceRow).where(InstanceRow.poster).order_by(InstanceRow.series_row)
        return list(session.scalars(chosen))


def numbers_in_order(here) -> list[int]:
    """The numbers of the images in the order in which the page steps through them."""
    with here.site.parts.records.read() as session:
        number = {row.id: row.number for row in session.scalars(select(InstanceRow))}
    return [number[int(row)] for row in re.findall(r'id="image-(\d+)-\d+"', here.html())]


def shown_on(html: str, within: str) -> str:
    """The address of the first picture in the part of the page that begins so."""
    return re.search(r'<img[^>]* src="([^"]+)"', html[html.index(within) :])[1]


# --- the poster


def test_the_poster_is_the_middle_of_where_the_slices_lie(visit, site):
    here = visit(stack(40, 0, 10, 30, 20))
    here.fetch()
    (poster,) = posters(site)
    assert (poster.number, poster.place) == (5, 20.0)
    html = here.client.page(here.patient_page)
    assert "3/5" in text_of(html)
    card = shown_on(html, 'class="posters"')
    assert card == shown_on(here.html(), '<nav class="strip"') == shown_on(here.html(), "<figure")
    assert "image 3 of 5" in large(here.html())


def test_an_empty_slice_is_not_the_poster(visit, site):
    datasets = stack(40, 0, 10, 30, 20)
    empty(datasets[4])
    visit(datasets).fetch()
    (poster,) = posters(site)
    assert (poster.place, poster.detail > 0) == (30.0, True)


@pytest.mark.parametrize(
    ("heights", "number"),
    [
        ((None,) * 5, 3),
        ((50, None, 40, 10, 30), 5),
        ((0, 10, 20, 0, 10, 20), 5),
        ((7,), 1),
    ],
)
def test_whatever_the_archive_has_a_series_has_one_poster(visit, site, heights, number):
    visit(stack(*heights)).fetch()
    (poster,) = posters(site)
    assert poster.number == number


def test_localizers_of_another_orientation_in_the_series_are_not_the_poster(visit, site):
    datasets = stack(5, 3, 1, 4, 2, 0, 6)
    for ds in datasets[2:4]:
        ds.ImageOrientationPatient = CORONAL
    visit(datasets).fetch()
    (poster,) = posters(site)
    assert poster.place == 3.0  # of 0, 2, 3, 5, 6


def test_while_more_is_to_come_the_poster_stays_and_at_the_end_it_is_chosen_once(visit, site, archive):
    here = visit(stack(40, 0, 10, 30, 20))
    archive.behave(leaves_out(1))
    here.fetch()
    assert fetches(site)[0].next_try_at  # it rests: an image lacks, and is asked for again
    assert [poster.number for poster in posters(site)] == [3]
    archive.behave_well()
    change_fetch(site, next_try_at=site.parts.now)
    site.fetch_all()
    assert [poster.number for poster in posters(site)] == [5]


def test_a_series_with_gaps_is_judged_by_what_came_and_that_stays_until_more_has_come(visit, site, archive):
    datasets = stack(40, 0, 10, 30, 20, 60, 50, 70)
    here = visit(datasets)
    archive.behave(leaves_out(1))
    here.fetch_to_the_end()
    assert fetches(site)[0].outcome is Outcome.INCOMPLETE
    with site.parts.records.read() as session:
        assert session.scalars(select(SeriesRow.poster_position)).one()
    (chosen,) = posters(site)
    here.client.press(here.html(), "Fetch the missing images")
    here.site.fetch_all()  # the archive still leaves one out: the fetch rests
    assert [poster.number for poster in posters(site)] == [chosen.number]
    archive.behave_well()
    change_fetch(site, next_try_at=site.parts.now)
    site.fetch_all()
    assert [poster.place for poster in posters(site)] == [40.0]


def test_first_pictures_alone_leave_the_middle_of_the_list(visit, site):
    visit(stack(40, 0, 10, 30, 20))
    wanting.want(site.parts, found(site), scope=Scope.POSTERS)
    site.fetch_all()
    assert [poster.number for poster in posters(site)] == [3]
    wanting.want(site.parts, found(site))
    site.fetch_all()
    assert [poster.number for poster in posters(site)] == [5]
    assert [poster.number for poster in posters(site)] == [5]


def test_a_better_poster_is_enlarged_by_whoever_looks_at_it(visit, site):
    here = visit(stack(*range(40, 50), 0, *range(1, 10), size=512))
    html = here.fetch()
    assert "the larger one is on its way" in text_of(html)
    site.fetch_all()
    assert "-640.png" in large(here.html())
    (poster,) = posters(site)
    with site.parts.records.read() as session:
        rows = session.scalars(select(InstanceRow).where(InstanceRow.sizes == [256, 640])).all()
    nearest = sorted(row.place for row in rows if row.number != 11)
    assert poster.place in nearest
    assert poster.number not in (10, 11)  # the middle of the list came larger anyway


# --- frames


def test_the_poster_of_frames_is_the_informative_one_on_both_pages(visit, site):
    """An ultrasound loop whose middle is empty, as after a frozen picture."""
    frames = np.zeros((9, 64, 64), "u1")
    frames[2] = np.linspace(0, 255, 64)
    (ds,) = study(images=1, study_uid=UID, Modality="US", SOPClassUID=UltrasoundMultiFrameImageStorage)
    of_frames(ds, frames)
    here = visit([ds])
    here.fetch()
    html, page = here.client.page(here.patient_page), here.html()
    assert shown_on(html, 'class="posters"').endswith("-3-256.png")
    assert shown_on(page, '<nav class="strip"').endswith("-3-256.png")
    assert "frame 3 of 9" in large(page)


def test_the_poster_of_frames_that_lie_somewhere_is_the_middle_of_the_stack(visit, site):
    frames = np.stack([np.roll(np.tile(np.arange(64, dtype="u1") * 4, (64, 1)), k) for k in range(5)])
    (ds,) = study(images=1, study_uid=UID, Modality="MR", SOPClassUID=EnhancedMRImageStorage)
    of_frames(ds, frames)
    ds.PerFrameFunctionalGroupsSequence = [lying_at(height) for height in (20, 0, 40, 10, 30)]
    here = visit([ds])
    assert "frame 1 of 5" in large(here.fetch())
    assert posters(site)[0].poster_frame == 1


def of_frames(ds: Dataset, frames) -> None:
    ds.NumberOfFrames, ds.Rows, ds.Columns = frames.shape
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = 8, 8, 7
    ds.WindowCenter, ds.WindowWidth, ds.RescaleIntercept = 128, 256, 0
    ds.PixelData = frames.tobytes()
    ds["PixelData"].VR = "OB"


def lying_at(height) -> Dataset:
    group, position, orientation = Dataset(), Dataset(), Dataset()
    position.ImagePositionPatient, orientation.ImageOrientationPatient = [0, 0, height], AXIAL
    group.PlanePositionSequence, group.PlaneOrientationSequence = [position], [orientation]
    return group


# --- the order


def test_the_page_steps_through_the_slices_as_they_lie(visit):
    here = visit(stack(0, 20, 40, 10, 30))
    html = here.fetch()
    assert numbers_in_order(here) == [1, 4, 2, 5, 3]
    alts = re.findall(r'id="image-[^>]*>.*?alt="([^"]*)"', html)
    assert alts == [f"image {place} of 5" for place in range(1, 6)]


def test_the_page_steps_by_number_where_the_places_say_no_order(visit):
    here = visit(stack(0, 20, None, 10, 30))
    here.fetch()
    assert numbers_in_order(here) == [1, 2, 3, 4, 5]


def test_while_an_image_lacks_the_order_is_that_of_the_numbers(visit, archive):
    here = visit(stack(*[40, 0, 10, 30, 20] * 2))
    archive.behave(leaves_out(1))
    here.fetch_to_the_end()
    numbers = numbers_in_order(here)
    assert numbers == sorted(numbers)


def test_what_is_enlarged_around_an_image_are_its_neighbours_in_the_patient(visit, site):
    """Odd slices first, then even ones: neighbours by number lie twice as far away."""
    heights = [*range(0, 40, 2), *range(1, 40, 2)]
    visit(stack(*heights, size=512)).fetch()
    with site.parts.records.read() as session:
        rows = session.scalars(select(InstanceRow)).all()
        middle = next(row for row in rows if row.place == 10.0)
    wanting.want(site.parts, found(site), Errand.ENLARGE, around=middle.id)
    (errand,) = [fetch for fetch in fetches(site) if fetch.errand is Errand.ENLARGE]
    claim = Claim.take(site.parts.records, errand.id, site.parts.now)
    with site.parts.records.read() as session:
        wanted = enlarging.around(session, claim)
    place = {row.instance_uid: row.place for row in rows}
    expected = [10.0, 9.0, 11.0, 8.0, 12.0, 7.0, 13.0, 6.0, 14.0]
    assert [place[one.instance_uid] for one in wanted][:9] == expected
    assert len(wanted) == 2 * enlarging.AROUND + 1


def test_a_study_of_two_series_has_a_poster_of_each(visit, site):
    first = stack(20, 0, 10)
    second = stack(5, 4, 3, 2, 1, SeriesNumber=2, SeriesInstanceUID=generate_uid())
    visit([*first, *second]).fetch()
    assert [poster.place for poster in posters(site)] == [10.0, 3.0]


def test_a_series_of_thousands_of_slices_is_put_in_order_in_a_moment():
    """Rows as a fetch leaves them; the page does this at every look."""
    heights = [*range(0, 5000, 2), *range(1, 5000, 2)]
    series = SeriesRow(expected=5000)
    rows = [
        InstanceRow(number=number, place=float(height), axis=[0.0, 0.0, 1.0])
        for number, height in enumerate(heights, 1)
    ]
    began = time.perf_counter()
    shown = as_shown(series, rows)
    assert [row.place for row in shown] == sorted(map(float, heights))
    assert time.perf_counter() - began < 1
