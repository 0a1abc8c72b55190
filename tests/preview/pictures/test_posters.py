"""Which frame stands for an object, where a slice lies in its series, and what of a slide is drawn."""

from dataclasses import replace

import numpy as np
import pytest
from pydicom import Dataset
from pydicom.uid import VLWholeSlideMicroscopyImageStorage
from samples import ct, image, ramp, received

from preview.pictures.drawing import Drawers
from preview.pictures.header import read_header
from preview.pictures.place import Place, place_of
from preview.pictures.thumbnail import DrawingKind, draw

EMPTY, FULL = np.full((64, 64), 100, "u1"), ramp(dtype="u1")[:64, ::4]


def frames(*pixels):
    return image(np.stack(pixels), WindowCenter=128, WindowWidth=256)


# The frame


@pytest.mark.parametrize(
    ("pixels", "poster"),
    [
        ([FULL] * 5, 3),
        ([FULL] * 4, 3),
        ([FULL, FULL, EMPTY, FULL, FULL], 2),
        ([EMPTY, EMPTY, EMPTY, EMPTY, FULL], 5),
        ([EMPTY] * 3, 2),
        ([FULL], 1),
    ],
)
def test_the_poster_is_near_the_middle_and_not_empty(pixels, poster):
    assert draw(frames(*pixels)).poster == poster


def test_the_poster_is_a_frame_that_is_drawn():
    drawing = draw(frames(*[FULL] * 100), max_frames=4)
    assert drawing.poster in [picture.frame for picture in drawing.pictures]


def test_an_empty_image_has_no_detail():
    assert draw(frames(EMPTY)).detail == 0
    assert draw(frames(FULL)).detail > 50
    assert draw(image(ramp(), PixelData=b"")).detail == 0


# Its place


def placed(position, orientation=(1, 0, 0, 0, 1, 0)):
    ds = Dataset()
    ds.ImagePositionPatient, ds.ImageOrientationPatient = list(position), list(orientation)
    return ds


@pytest.mark.parametrize(
    ("ds", "place"),
    [
        (placed((1, 2, 30.5)), 30.5),
        (placed((1, 2, 3), (0, 1, 0, 0, 0, -1)), -1.0),
        (placed((1, 2, 3), (1, 0, 0, 0, 0, -1)), 2.0),
        (placed((0, 0, 10), (1, 0, 0, 0, 0.6, 0.8)), 6.0),
        (placed((1, 2, 3), (1, 0, 0, 1, 0, 0)), None),
        (placed((1, 2, 3), (0, 0, 0, 0, 0, 0)), None),
        (placed((1, 2, 3), (1, 0, 0)), None),
        (placed((1, 2)), None),
        (placed((1, 2, float("nan"))), None),
        (Dataset(), None),
    ],
)
def test_a_slice_lies_where_its_position_is_along_the_normal(ds, place):
    found = place_of(ds)
    assert (found and found.along) == place


def test_an_object_of_frames_lies_where_its_first_frame_does():
    group, shared, ds = Dataset(), Dataset(), Dataset()
    group.PlanePositionSequence, shared.PlaneOrientationSequence = [placed((0, 0, 7))], [placed((0, 0, 0))]
    ds.PerFrameFunctionalGroupsSequence, ds.SharedFunctionalGroupsSequence = [group], [shared]
    assert place_of(ds) == Place(7.0, (0.0, 0.0, 1.0))


def test_the_header_tells_it():
    ds = ct()
    assert read_header(ds).place.along == pytest.approx(float(ds.ImagePositionPatient[2]), abs=0.001)
    with Drawers(1) as drawers:
        drawn = drawers.submit(replace(received(ds), instance_uid="")).result()
    assert drawn.header.place == read_header(ds).place


def test_which_way_a_slice_faces_is_told_as_well():
    assert place_of(placed((1, 2, 3), (1, 0, 0, 0, 0, -1))).normal == (0.0, 1.0, 0.0)


# The frame in the middle of where the frames lie


def enhanced(*heights, pixels=None):
    """An object whose frames lie at these heights, in the order of the frames."""
    ds = frames(*(pixels or [FULL] * len(heights)))
    groups = []
    for height in heights:
        group = Dataset()
        group.PlanePositionSequence = [placed((0, 0, height))]
        group.PlaneOrientationSequence = [placed((0, 0, height))]
        groups.append(group)
    ds.PerFrameFunctionalGroupsSequence = groups
    return ds


@pytest.mark.parametrize(
    ("heights", "poster"),
    [
        ([0, 10, 20, 30, 40], 3),
        ([20, 0, 40, 10, 30], 1),  # frames in any order
        ([0, 10, 20, 0, 10, 20], 5),  # a stack twice
        ([0, 0, 10, 10, 20, 20], 4),
        ([5, 5, 5, 5], 3),  # one place, at several times
    ],
)
def test_the_poster_of_frames_that_say_where_they_lie_is_in_the_middle_of_them(heights, poster):
    assert draw(enhanced(*heights)).poster == poster


def test_an_empty_frame_in_the_middle_gives_way_to_its_neighbour_in_space():
    pixels = [EMPTY, FULL, FULL, FULL, FULL]
    assert draw(enhanced(20, 0, 40, 10, 30, pixels=pixels)).poster == 4


# Slides


def slide(kind, tiles=1):
    ds = frames(*[FULL] * tiles)
    ds.SOPClassUID, ds.ImageType = VLWholeSlideMicroscopyImageStorage, ["ORIGINAL", "PRIMARY", kind, "NONE"]
    return ds


@pytest.mark.parametrize("kind", ["THUMBNAIL", "OVERVIEW", "VOLUME"])
def test_a_slide_in_one_piece_is_drawn(kind):
    assert draw(slide(kind)).kind is DrawingKind.IMAGE


def test_tiles_of_a_slide_are_a_card():
    drawing = draw(slide("VOLUME", 12))
    assert (drawing.kind, drawing.reason) == (
        DrawingKind.CARD,
        "A level of a slide in 12 tiles: only overviews are drawn.",
    )


def test_the_label_of_a_slide_is_a_card():
    assert draw(slide("LABEL")).reason == "The label of a slide is not drawn."


def test_other_objects_of_many_frames_are_no_slides():
    ds = frames(FULL, FULL)
    ds.ImageType = ["ORIGINAL", "PRIMARY", "LABEL"]
    assert draw(ds).kind is DrawingKind.MULTIFRAME
