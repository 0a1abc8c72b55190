"""Objects that were streamed to a file: drawn from there, frame by frame."""

import struct

import numpy as np
import pytest
from pydicom import Dataset
from pydicom.encaps import encapsulate, encapsulate_extended
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    JPEG2000Lossless,
    MRImageStorage,
    RLELossless,
)
from samples import ct, frugal, image, jpeg, jpeg_image, ramp, received, sample, spooled, syntax_of

from preview.pictures.drawing import Drawers, DrawingKind

GIBIBYTE = 2**30


@pytest.fixture(scope="module")
def drawers():
    with Drawers(1) as drawers:
        drawers.submit(received(ct())).result()
        yield drawers


def named(ds, uid="1.2.3"):
    ds.SOPInstanceUID = uid
    return ds


@pytest.mark.parametrize(
    "name",
    [
        "CT_small.dcm",
        "MR_small_RLE.dcm",
        "MR_small_jp2klossless.dcm",
        "SC_rgb_rle_2frame.dcm",
        "SC_ybr_full_422_uncompressed.dcm",
        "examples_palette.dcm",
        "examples_ybr_color.dcm",
        "liver_1frame.dcm",
        "test-SR.dcm",
    ],
)
def test_a_file_gives_the_same_pictures_as_its_bytes(drawers, tmp_path, name):
    ds = sample(name)
    in_memory = drawers.submit(received(ds, syntax_of(ds))).result()
    in_a_file = drawers.submit(spooled(ds, tmp_path / "x")).result()
    assert in_a_file == in_memory


def gigantic(path, frames=2048):
    """A file of a gibibyte, nearly all of it a hole; every 64th frame has something in it."""
    ds = image(np.zeros((512, 512), "<u2"), NumberOfFrames=frames, PixelData=b"")
    ds["PixelData"].VR = "OW"
    described = spooled(named(ds), path)
    shown, size = ramp(0, 4095, "<u2").repeat(2, 0).repeat(2, 1).tobytes(), 512 * 512 * 2
    with path.open("r+b") as file:
        start = file.seek(0, 2)
        file.seek(start - 4)
        file.write(struct.pack("<L", frames * size))
        file.truncate(start + frames * size)
        for frame in range(0, frames, 64):
            file.seek(start + frame * size)
            file.write(shown)
    return described


def test_a_multi_frame_of_a_gibibyte_takes_hardly_any_memory(drawers, tmp_path):
    giant = gigantic(tmp_path / "giant")
    assert giant.file.stat().st_size > GIBIBYTE
    with frugal(100):
        drawn = drawers.submit(giant).result()
    assert (drawn.drawing.kind, drawn.drawing.frames) == (DrawingKind.MULTIFRAME, 2048)
    assert drawn.drawing.reason == "64 of 2048 frames are shown."
    assert len({picture.png for picture in drawn.drawing.pictures}) > 1


@pytest.mark.parametrize("table", ["none", "basic", "extended"])
def test_compressed_frames_of_a_large_file_are_found_without_reading_it(drawers, tmp_path, table):
    frames = [jpeg((200, 10, 10)), *[jpeg((10, 10, 10)) + bytes(2**21) for _ in range(62)], jpeg((9, 9, 200))]
    ds = named(jpeg_image(frames))
    if table == "extended":
        ds.PixelData, ds.ExtendedOffsetTable, ds.ExtendedOffsetTableLengths = encapsulate_extended(frames)
    else:
        ds.PixelData = encapsulate(frames, has_bot=table == "basic")
    giant = spooled(ds, tmp_path / "giant")
    with frugal(40):
        drawing = drawers.submit(giant).result().drawing
    # A frame is no longer than its pixels: what is, is padded to do harm.
    assert [picture.frame for picture in drawing.pictures] == [1, 64]
    assert drawing.reason == "62 of 64 frames could not be drawn."


@pytest.mark.parametrize("has_table", [True, False])
def test_a_frame_may_come_in_several_fragments(drawers, tmp_path, has_table):
    frames = [jpeg((200, 10, 10)), jpeg((10, 200, 10)), jpeg((10, 10, 200))]
    whole, ds = named(jpeg_image(frames)), named(jpeg_image(frames))
    ds.PixelData = encapsulate(frames, fragments_per_frame=2, has_bot=has_table)
    pictures = drawers.submit(spooled(ds, tmp_path / "x")).result().drawing.pictures
    assert len(pictures) == 3
    assert pictures == drawers.submit(received(whole, syntax_of(whole))).result().drawing.pictures


def test_a_table_that_names_only_the_first_frame_is_not_believed(drawers, tmp_path):
    frames = [jpeg((200, 10, 10)), jpeg((10, 200, 10)), jpeg((10, 10, 200))]
    ds = named(jpeg_image(frames))
    ds.PixelData = (
        b"\xfe\xff\x00\xe0\x04\x00\x00\x00\x00\x00\x00\x00" + encapsulate(frames, has_bot=False)[8:]
    )
    assert drawers.submit(spooled(ds, tmp_path / "x")).result().drawing.frames == 3


def test_a_document_or_a_private_element_is_passed_over_however_long_it_is(drawers, tmp_path):
    ds = named(image(ramp()))
    ds.private_block(0x0009, "HUGE", create=True).add_new(1, "OB", bytes(200 * 2**20))
    huge = spooled(ds, tmp_path / "huge")
    del ds
    with frugal(20):
        drawn = drawers.submit(huge).result()
    assert drawn.drawing.kind is DrawingKind.IMAGE


@pytest.mark.parametrize(
    ("syntax", "name"), [(DeflatedExplicitVRLittleEndian, "Deflated"), (ExplicitVRBigEndian, "Big-endian")]
)
def test_a_file_in_an_encoding_that_nobody_needs_is_refused_unread(drawers, tmp_path, syntax, name):
    came = spooled(named(image(ramp())), tmp_path / "x", TransferSyntaxUID=syntax)
    drawn = drawers.submit(came).result()
    assert drawn.unreadable
    assert drawn.drawing.reason == f"{name} objects are not accepted over the network."


@pytest.mark.parametrize(
    ("meta", "differs"),
    [
        ({}, False),
        ({"MediaStorageSOPInstanceUID": "1.2.4"}, True),
        ({"MediaStorageSOPClassUID": MRImageStorage}, True),
        ({"MediaStorageSOPInstanceUID": ""}, False),
        ({"MediaStorageSOPInstanceUID": "../../x"}, True),
    ],
)
def test_file_meta_information_that_names_something_else_is_noticed(drawers, tmp_path, meta, differs):
    header = drawers.submit(spooled(named(ct()), tmp_path / "x", **meta)).result().header
    assert header.meta_differs is differs
    assert header.instance_uid == "1.2.3"


@pytest.mark.parametrize("syntax", [JPEG2000Lossless, RLELossless])
def test_a_file_that_lies_about_its_encoding_is_a_card(drawers, tmp_path, syntax):
    came = spooled(named(image(ramp())), tmp_path / "x", TransferSyntaxUID=syntax)
    assert "cannot be decoded" in drawers.submit(came).result().drawing.reason


def test_a_file_that_is_no_longer_there_says_nothing_about_the_object(drawers, tmp_path):
    came = spooled(named(ct()), tmp_path / "x")
    came.file.unlink()
    drawn = drawers.submit(came).result()
    assert (drawn.crashed, drawn.unreadable) == (True, False)
    assert str(tmp_path) not in repr(drawn)


@pytest.mark.parametrize(
    "content", [b"", b"garbage", bytes(1000), bytes(128) + b"DICM", b"\x08\x00\x05\x00" * 99]
)
def test_a_file_of_garbage_becomes_a_card(drawers, tmp_path, content):
    came = spooled(named(ct()), tmp_path / "x")
    came.file.write_bytes(content)
    drawn = drawers.submit(came).result()
    assert drawn.unreadable
    assert drawn.drawing.reason == "The object is damaged and cannot be read."


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9, 0.999])
@pytest.mark.parametrize(
    "name", ["CT_small.dcm", "MR_small_RLE.dcm", "examples_ybr_color.dcm", "rtstruct.dcm"]
)
def test_a_file_that_breaks_off_anywhere_is_a_card_or_a_part(drawers, tmp_path, name, share):
    came = spooled(sample(name), tmp_path / "x")
    content = came.file.read_bytes()
    came.file.write_bytes(content[: int(len(content) * share)])
    assert not drawers.submit(came).result().crashed


def test_of_a_file_that_breaks_off_the_whole_frames_are_drawn(drawers, tmp_path):
    for has_table in (True, False):
        ds = named(jpeg_image([]))
        ds.NumberOfFrames = 3
        ds.PixelData = encapsulate(
            [jpeg((200, 10, 10)), jpeg((10, 200, 10)), jpeg((9, 9, 200))], has_bot=has_table
        )
        came = spooled(ds, tmp_path / "x")
        came.file.write_bytes(came.file.read_bytes()[:-100])
        drawing = drawers.submit(came).result().drawing
        assert [picture.frame for picture in drawing.pictures] == [1, 2]
        assert "1 of 3 frames could not" in drawing.reason or "it has 2 of 3 frames" in drawing.reason


def test_the_facts_of_thousands_of_frames_are_read(drawers, tmp_path):
    ds = named(image(np.zeros((2000, 4, 4), "u1")))
    ds.PerFrameFunctionalGroupsSequence = [Dataset() for _ in range(2000)]
    for centre, group in enumerate(ds.PerFrameFunctionalGroupsSequence):
        voi = Dataset()
        voi.WindowCenter, voi.WindowWidth = centre - 1000, 2
        group.FrameVOILUTSequence = [voi]
    with frugal(40):
        drawing = drawers.submit(spooled(ds, tmp_path / "x")).result().drawing
    assert drawing.window == "-1000 / 2"
    assert len({picture.png for picture in drawing.pictures}) == 2
