"""Frames found among fragments, also where a table of them is wrong (PS3.5 A.4), seen in the pictures."""

import struct
from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from pydicom.encaps import encapsulate, encapsulate_extended, generate_frames
from pydicom.uid import RLELossless
from samples import image, jpeg, jpeg_image

from preview.pictures.thumbnail import DrawingKind, draw

COLOURS = [(200, 10, 10), (10, 200, 10), (10, 10, 200)]
FRAMES = [jpeg(colour) for colour in COLOURS]


def item(content):
    content += bytes(len(content) % 2)
    return struct.pack("<HHL", 0xFFFE, 0xE000, len(content)) + content


def fragments(*contents, table=()):
    return item(struct.pack(f"<{len(table)}L", *table)) + b"".join(map(item, contents))


def lying(pixels, frames=3, **more):
    ds = jpeg_image(FRAMES)
    ds.PixelData, ds.NumberOfFrames = pixels, frames
    for keyword, value in more.items():
        setattr(ds, keyword, value)
    return ds


def halves(frame):
    middle = len(frame) // 4 * 2
    return frame[:middle], frame[middle:]


def colours(drawing):
    """Which of the frames each picture shows."""
    shown = [np.asarray(Image.open(BytesIO(one.png)))[100, 100].astype(int) for one in drawing.pictures]
    return [int(np.argmin([np.abs(one - colour).sum() for colour in COLOURS])) for one in shown]


PLACES = [0, len(item(FRAMES[0])), len(item(FRAMES[0])) + len(item(FRAMES[1]))]


@pytest.mark.parametrize(
    "table",
    [
        PLACES,
        [8, *PLACES[1:]],
        [place + 8 for place in PLACES],
        [PLACES[0], PLACES[2], PLACES[1]],
        [PLACES[1], PLACES[2], PLACES[2] + 100],
        [0, 0, 0],
        [0, PLACES[1] + 2, PLACES[2]],
        [0, PLACES[1], 2**32 - 2],
        [0],
        [0, PLACES[2]],
        [0, *range(2, 40, 2)],
    ],
)
@pytest.mark.parametrize("stated", [3, None])
def test_a_table_is_believed_only_where_it_can_be_right(table, stated):
    drawing = draw(lying(fragments(*FRAMES, table=table), stated))
    assert colours(drawing) == [0, 1, 2]
    assert drawing.reason == (
        None if stated else "The object does not say how many frames it has: 3 were found."
    )


@pytest.mark.parametrize("table", [(), (0, 4, 8), (4, 8, 12)])
def test_frames_in_several_fragments_are_put_together(table):
    pieces = [piece for frame in FRAMES for piece in halves(frame)]
    assert colours(draw(lying(fragments(*pieces, table=table)))) == [0, 1, 2]


def test_a_table_that_has_frames_begin_inside_others_is_not_believed():
    """It has as many as there should be, and all of them at items."""
    first, second = halves(FRAMES[0])
    table = [0, len(item(first)), len(item(first)) + len(item(second))]
    drawing = draw(lying(fragments(first, second, FRAMES[1], FRAMES[2], table=table)))
    assert colours(drawing) == [0, 1, 2]


def test_one_frame_in_many_fragments_is_one():
    for stated in (1, None):
        drawing = draw(lying(fragments(*halves(FRAMES[1])), stated))
        assert (colours(drawing), drawing.reason) == ([1], None)


def test_a_frame_that_lost_its_end_does_not_swallow_the_next():
    pieces = [*halves(FRAMES[0])[:1], *halves(FRAMES[1]), *halves(FRAMES[2])]
    drawing = draw(lying(fragments(*pieces)))
    assert [one.frame for one in drawing.pictures] == [2, 3]
    assert colours(drawing) == [1, 2]


def test_a_table_that_was_left_out_costs_no_frame():
    assert colours(draw(lying(b"".join(map(item, FRAMES))))) == [0, 1, 2]


@pytest.mark.parametrize(
    "offsets",
    [PLACES, [8, *PLACES[1:]], [0, PLACES[2], PLACES[1]], [0, PLACES[1] + 4, PLACES[2]], [0], [0, 2**63]],
)
def test_so_is_an_extended_table(offsets):
    pixels, _, _ = encapsulate_extended(FRAMES)
    lengths = struct.pack(f"<{len(offsets)}Q", *[7] * len(offsets))
    table = struct.pack(f"<{len(offsets)}Q", *offsets)
    ds = lying(pixels, ExtendedOffsetTable=table, ExtendedOffsetTableLengths=lengths)
    assert (colours(draw(ds)), draw(ds).reason) == ([0, 1, 2], None)


@pytest.mark.parametrize("stated", [1, 2, 5])
def test_as_many_frames_are_drawn_as_there_are(stated):
    for pixels in (encapsulate(FRAMES), encapsulate(FRAMES, has_bot=False)):
        drawing = draw(lying(pixels, stated))
        assert (drawing.kind, drawing.frames, colours(drawing)) == (DrawingKind.MULTIFRAME, 3, [0, 1, 2])
        assert (
            drawing.reason
            == {
                1: "The object says it has 1 frame: 3 were found.",
                2: "The object says it has 2 frames: 3 were found.",
                5: "The object is incomplete: it has 3 of 5 frames.",
            }[stated]
        )


@pytest.mark.parametrize("stated", [2, 1, None])
@pytest.mark.parametrize("table", [True, False])
def test_run_lengths_are_a_frame_a_fragment(stated, table):
    ds = image(
        np.stack([np.full((8, 8), shade, "u1") for shade in (50, 200)]), WindowCenter=128, WindowWidth=256
    )
    ds.compress(RLELossless, generate_instance_uid=False)
    ds.NumberOfFrames = stated
    if not table:
        ds.PixelData = encapsulate(list(generate_frames(ds.PixelData, number_of_frames=2)), has_bot=False)
    drawing = draw(ds)
    shades = [int(np.asarray(Image.open(BytesIO(one.png)))[9, 9]) for one in drawing.pictures]
    assert shades == [50, 200]
    assert (drawing.reason is None) == (stated == 2)
