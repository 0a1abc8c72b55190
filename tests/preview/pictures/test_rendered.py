"""Pictures that an archive drew: taken over with care, as our own."""

from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from samples import ct, frugal, received, sample

from preview.pictures.drawing import Drawers, DrawingKind


@pytest.fixture(scope="module")
def drawers():
    with Drawers(1) as drawers:
        drawers.submit(received(ct())).result()
        yield drawers


def encoded(picture, kind="PNG", **more):
    out = BytesIO()
    (picture if isinstance(picture, Image.Image) else Image.fromarray(picture)).save(out, kind, **more)
    return out.getvalue()


def rendered(picture, **facts):
    """With the header of an image; its pixels stay at the archive."""
    ds = ct(**({"Rows": 512, "Columns": 512} | facts))
    del ds.PixelData
    return replace(received(ds), rendered=picture)


def colours(width, height):
    picture = np.zeros((height, width, 3), "u1")
    picture[:, : width // 2] = (200, 40, 10)
    return picture


def seen(picture):
    return Image.open(BytesIO(picture.png))


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_an_archives_picture_becomes_one_of_ours(drawers, kind):
    drawn = drawers.submit(rendered(encoded(colours(256, 128), kind))).result()
    (picture,) = drawn.drawing.pictures
    assert (drawn.drawing.kind, drawn.drawing.frames, drawn.drawing.reason) == (DrawingKind.IMAGE, 1, None)
    assert (picture.frame, picture.size, picture.width, picture.height) == (1, 256, 256, 128)
    assert seen(picture).text == {"Disclaimer": "Not for diagnosis"}
    assert np.abs(np.asarray(seen(picture)).astype(int)[64, 30] - (200, 40, 10)).max() < 5
    assert drawn.header.instance_uid == ct().SOPInstanceUID
    assert drawn.header.patient.identity.patient_id == ct().PatientID


@pytest.mark.parametrize(
    ("side", "native", "sizes"),
    [
        (256, 512, [(256, 256)]),
        (640, 512, [(256, 256), (640, 384)]),
        (640, 2000, [(256, 256), (640, 640)]),
        (640, 300, [(256, 256)]),
        (200, 512, [(256, 200)]),
        (600, 2000, [(256, 256)]),
    ],
)
def test_it_is_never_enlarged(drawers, side, native, sizes):
    came = rendered(encoded(np.zeros((side, side), "u1")), Rows=native, Columns=native)
    pictures = drawers.submit(came, (256, 640)).result().drawing.pictures
    assert [(picture.size, picture.width) for picture in pictures] == sizes


def test_how_large_the_image_itself_could_be_shown_is_known_from_its_header(drawers):
    came = rendered(encoded(np.zeros((256, 256), "u1")))
    assert drawers.submit(came).result().drawing.largest == 384


@pytest.mark.parametrize(
    ("picture", "mode", "shade"),
    [
        (Image.new("1", (300, 300), 1), "L", 255),
        (Image.new("L", (300, 300), 77), "L", 77),
        (Image.new("LA", (300, 300), (77, 255)), "L", 77),
        (Image.new("RGBA", (300, 300), (77, 77, 77, 255)), "RGB", (77, 77, 77)),
        (Image.new("RGB", (300, 300), (77, 77, 77)).quantize(4), "RGB", (77, 77, 77)),
        (Image.fromarray(np.full((300, 300), 77 * 256, "u2")), "L", 77),
    ],
)
def test_whatever_its_colours_are_stored_as_they_are_the_same(drawers, picture, mode, shade):
    (ours,) = drawers.submit(rendered(encoded(picture))).result().drawing.pictures
    assert seen(ours).mode == mode
    assert seen(ours).getpixel((100, 100)) == shade


def test_one_picture_of_a_multi_frame_says_that_it_is_one_of_many(drawers):
    came = rendered(encoded(colours(256, 256)), NumberOfFrames=30)
    drawing = drawers.submit(came).result().drawing
    assert (drawing.kind, drawing.frames) == (DrawingKind.IMAGE, 30)
    assert drawing.reason == "1 of 30 frames are shown."


def test_a_picture_of_what_is_no_image_is_not_taken(drawers):
    report = sample("test-SR.dcm")
    came = replace(received(report), rendered=encoded(colours(256, 256)))
    assert drawers.submit(came).result().drawing.reason == "Structured report: not an image"


def bomb(side):
    """A picture of one shade compresses a thousand times and more."""
    return encoded(Image.new("L", (side, side)), compress_level=9)


@pytest.mark.parametrize(
    ("picture", "reason"),
    [
        (b"500", "The archive's own picture cannot be read."),
        (b"<html></html>", "The archive's own picture cannot be read."),
        (encoded(np.zeros((9, 9), "u1"), "GIF"), "The archive's own picture cannot be read."),
        (encoded(np.zeros((9, 9), "u1"), "TIFF"), "The archive's own picture cannot be read."),
        (encoded(colours(400, 400))[:300], "The archive's own picture cannot be read."),
        (encoded(colours(400, 400), "JPEG")[:900], "The archive's own picture cannot be read."),
        (bomb(4097), "The archive's own picture is too large for a preview."),
        (bomb(12_000), "The archive's own picture is too large for a preview."),
        (bomb(20_000), "The archive's own picture cannot be read."),
    ],
)
def test_what_is_no_picture_or_too_large_a_one_is_a_card(drawers, picture, reason):
    came = rendered(picture)
    with frugal(10):
        drawn = drawers.submit(came).result()
    assert (drawn.drawing.kind, drawn.drawing.reason) == (DrawingKind.CARD, reason)
    assert drawn.header is not None


def test_without_a_header_nobody_knows_whose_it_is(drawers):
    came = replace(rendered(encoded(colours(256, 256))), data=b"garbage")
    drawn = drawers.submit(came).result()
    assert drawn.unreadable
    assert drawn.drawing.kind is DrawingKind.CARD
