"""Levels of a slide: put together of their tiles where these are few, else a card."""

from io import BytesIO

import numpy as np
import pytest
from made import encoded
from PIL import Image
from pydicom import Dataset, uid
from pydicom.uid import VLWholeSlideMicroscopyImageStorage
from samples import image

from preview.pictures.order import standing
from preview.pictures.pixels import Pixels
from preview.pictures.thumbnail import DrawingKind, draw

TILE = 100


def slide(columns, rows, *, picture=None, planes=1, **more):
    """In colours, as TILED_FULL: every tile has its place by its number (C.7.6.17.3)."""
    picture = gradient(columns, rows) if picture is None else picture
    across, down = -(-columns // TILE), -(-rows // TILE)
    whole = np.zeros((down * TILE, across * TILE, 3), "u1")
    whole[:rows, :columns] = picture
    tiles = [
        whole[row * TILE : (row + 1) * TILE, column * TILE : (column + 1) * TILE]
        for row in range(down)
        for column in range(across)
    ]
    ds = image(tiles[0][..., 0], SamplesPerPixel=3, PlanarConfiguration=0, PhotometricInterpretation="RGB")
    ds.PixelData = b"".join(tile.tobytes() for tile in tiles) * planes
    ds.NumberOfFrames = len(tiles) * planes
    ds.SOPClassUID, ds.ImageType = (
        VLWholeSlideMicroscopyImageStorage,
        ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"],
    )
    ds.TotalPixelMatrixColumns, ds.TotalPixelMatrixRows = columns, rows
    for keyword, value in more.items():
        setattr(ds, keyword, value)
    return ds


def gradient(columns, rows):
    down, across = np.mgrid[0:rows, 0:columns]
    return np.stack([across * 255 // columns, down * 255 // rows, np.full_like(down, 90)], -1).astype("u1")


def seen(drawing):
    return np.asarray(Image.open(BytesIO(drawing.pictures[0].png))).astype(int)


def in_one_piece(picture):
    whole = image(picture[..., 0], SamplesPerPixel=3, PlanarConfiguration=0, PhotometricInterpretation="RGB")
    whole.PixelData = picture.tobytes()
    return whole


@pytest.mark.parametrize(("columns", "rows"), [(800, 800), (750, 333), (101, 100), (333, 790)])
def test_a_level_of_few_tiles_is_one_picture(columns, rows):
    """Also where the last tiles reach beyond it."""
    picture = gradient(columns, rows)
    drawing = draw(slide(columns, rows), (256, 1000))
    assert (drawing.kind, drawing.frames, drawing.reason) == (DrawingKind.IMAGE, 1, None)
    whole = draw(in_one_piece(picture), (256, 1000))
    assert [(p.frame, p.size, p.width, p.height) for p in drawing.pictures] == [
        (p.frame, p.size, p.width, p.height) for p in whole.pictures
    ]
    assert drawing.largest == whole.largest
    assert np.abs(seen(drawing) - seen(whole)).max() <= 4


def test_an_overview_stands_for_the_slide_before_any_other_level():
    overview, thumbnail, volume = (
        draw(slide(200, 200, ImageType=["ORIGINAL", "PRIMARY", flavour, "NONE"])).detail
        for flavour in ("OVERVIEW", "THUMBNAIL", "VOLUME")
    )
    assert overview == thumbnail
    assert standing([None] * 3, [volume, volume, overview]) == 2
    assert standing([None] * 3, [volume, volume, volume]) == 1


def test_more_than_64_tiles_are_a_card():
    drawing = draw(slide(900, 800))
    assert (drawing.kind, drawing.reason) == (
        DrawingKind.CARD,
        "A level of a slide in 72 tiles: only overviews are drawn.",
    )


def test_of_several_depths_the_middle_one_is_shown():
    shallow, middle = (np.full((200, 200, 3), level, "u1") for level in (10, 200))
    ds = slide(200, 200, planes=3, TotalPixelMatrixFocalPlanes=3)
    ds.PixelData = b"".join(slide(200, 200, picture=one).PixelData for one in (shallow, middle, shallow))
    assert (seen(draw(ds)) == 200).all()


def placed(ds, *places):
    ds.PerFrameFunctionalGroupsSequence = []
    for column, row in places:
        group, place = Dataset(), Dataset()
        place.ColumnPositionInTotalImagePixelMatrix, place.RowPositionInTotalImagePixelMatrix = column, row
        group.PlanePositionSlideSequence = [place]
        ds.PerFrameFunctionalGroupsSequence.append(group)
    return ds


def test_tiles_that_say_where_they_lie_are_put_there():
    """In any order, with gaps where there is nothing but glass (TILED_SPARSE)."""
    ds = placed(slide(200, 200), (101, 101), (101, 1), (1, 101))
    ds.NumberOfFrames, ds.PixelData = 3, b"".join(bytes([level]) * TILE * TILE * 3 for level in (10, 20, 30))
    shown = seen(draw(ds))
    assert [shown[place].tolist() for place in ((50, 50), (50, 200), (200, 50), (200, 200))] == [
        [255] * 3, [20] * 3, [30] * 3, [10] * 3
    ]  # fmt: skip


def test_a_tile_that_cannot_be_decoded_is_glass_and_counted():
    tiles = [jpeg(level) for level in (10, 60, 110, 160)]
    tiles[1] = b"\xff\xd8\xff\xd9"
    shown = draw(encoded(slide(200, 200), uid.JPEGBaseline8Bit, *tiles))
    assert (shown.kind, shown.reason) == (DrawingKind.IMAGE, "1 of 4 tiles could not be drawn.")
    assert [seen(shown)[place][0] for place in ((50, 50), (50, 200), (200, 50), (200, 200))] == [
        10,
        255,
        110,
        160,
    ]


def test_where_no_tile_can_be_decoded_there_is_a_card():
    drawing = draw(encoded(slide(200, 200), uid.JPEGBaseline8Bit, *[b"\xff\xd8\xff\xd9"] * 4))
    assert (drawing.kind, drawing.reason) == (
        DrawingKind.CARD,
        "The compressed pixels (JPEG) cannot be decoded.",
    )


def jpeg(level):
    out = BytesIO()
    Image.new("RGB", (TILE, TILE), (level,) * 3).save(out, "JPEG")
    return out.getvalue()


def test_a_slide_in_grey_shines_by_itself():
    ds = image(np.full((2, TILE, TILE), 200, "u1"), WindowCenter=128, WindowWidth=256)
    ds.SOPClassUID, ds.TotalPixelMatrixColumns, ds.TotalPixelMatrixRows = (
        VLWholeSlideMicroscopyImageStorage,
        200,
        200,
    )
    shown = seen(draw(placed(ds, (1, 1), (101, 101))))
    assert [int(shown[place]) for place in ((50, 50), (50, 200), (200, 200))] == [200, 0, 200]


@pytest.mark.parametrize(
    "facts",
    [
        {"TotalPixelMatrixColumns": None},
        {"TotalPixelMatrixRows": 0},
        {"TotalPixelMatrixRows": 150_000},
        {"TotalPixelMatrixColumns": 300},
        {"ConcatenationFrameOffsetNumber": 0},
    ],
)
def test_what_does_not_fit_together_is_a_card(facts):
    drawing = draw(slide(200, 200, **facts))
    assert drawing.reason == "A level of a slide in 4 tiles: only overviews are drawn."


def refused(*_):
    raise AssertionError


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"ConcatenationFrameOffsetNumber": 7}, "A piece of a level of a slide: only overviews are drawn."),
        ({"TotalPixelMatrixRows": 90_000}, "A piece of a level of a slide: only overviews are drawn."),
        (
            dict.fromkeys(("Rows", "Columns", "TotalPixelMatrixRows", "TotalPixelMatrixColumns"), 8200),
            "A level of a slide in full resolution: only overviews are drawn.",
        ),
    ],
)
def test_one_tile_of_many_and_a_level_in_one_piece_reach_no_decoder(facts, reason, monkeypatch):
    monkeypatch.setattr(Pixels, "decode", refused)
    drawing = draw(encoded(slide(TILE, TILE, **facts), uid.JPEGBaseline8Bit, jpeg(90)))
    assert (drawing.kind, drawing.reason) == (DrawingKind.CARD, reason)


def test_a_few_giant_tiles_reach_no_decoder(monkeypatch):
    monkeypatch.setattr(Pixels, "decode", refused)
    ds = encoded(slide(200, 200), uid.JPEGBaseline8Bit, *[jpeg(90)] * 4)
    ds.Rows = ds.Columns = 5000
    ds.TotalPixelMatrixColumns = ds.TotalPixelMatrixRows = 10_000
    assert draw(ds).reason == "A level of a slide in 4 tiles: only overviews are drawn."


def test_an_overview_in_one_piece_is_drawn():
    drawing = draw(slide(TILE, TILE, ImageType=["ORIGINAL", "PRIMARY", "OVERVIEW", "NONE"]))
    assert (drawing.kind, drawing.reason) == (DrawingKind.IMAGE, None)


@pytest.mark.parametrize("places", [[(0, 0)] * 4, [(None, 1)] * 4, [(10**9, 10**9)] * 4])
def test_tiles_in_senseless_places_cost_nothing(places):
    assert draw(placed(slide(200, 200), *places)).pictures


def test_large_tiles_are_decoded_no_larger_than_they_are_there():
    """64 tiles of 1024 x 1024 in the time of some thumbnails."""
    tile = BytesIO()
    Image.new("RGB", (1024, 1024), (120, 60, 90)).save(tile, "JPEG")
    ds = encoded(slide(200, 200), uid.JPEGBaseline8Bit, *[tile.getvalue()] * 64)
    ds.Rows = ds.Columns = 1024
    ds.NumberOfFrames, ds.TotalPixelMatrixColumns, ds.TotalPixelMatrixRows = 64, 8192, 8192
    drawing = draw(ds)
    assert drawing.kind is DrawingKind.IMAGE
    assert np.abs(seen(drawing) - (120, 60, 90)).max() <= 3
