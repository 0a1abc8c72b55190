"""Objects that are damaged, or made to do harm: each costs itself, and hardly any memory."""

import struct
import zlib
from dataclasses import replace

import numpy as np
import pytest
from pydicom.encaps import encapsulate
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian, RLELossless
from samples import ct, frugal, image, jpeg, jpeg_image, ramp, received, spooled, syntax_of

from fetch.model import Received
from preview.pictures.drawing import Drawers, DrawingKind

FOUR_GIB = struct.pack("<L", 0xFFFFFFFE)


@pytest.fixture(scope="module")
def drawers():
    with Drawers(1) as drawers:
        drawers.submit(received(ct())).result()
        yield drawers


@pytest.fixture(params=["memory", "file"])
def came(request, tmp_path):
    """How it came: in memory, or streamed to a file. The same must become of it."""

    def as_it_came(ds, change=lambda data: data):
        if request.param == "memory":
            there = received(ds, syntax_of(ds))
            return replace(there, data=change(there.data))
        there = spooled(ds, tmp_path / "x")
        there.file.write_bytes(change(there.file.read_bytes()))
        return there

    return as_it_came


def named(ds):
    ds.SOPInstanceUID = "1.2.3"
    return ds


@pytest.mark.parametrize("uid", ["../../../etc/passwd", "1.2.abc", "1.2.3\\1.2.4", "1.2.*", "1" * 64])
def test_a_uid_of_a_kind_that_there_is_not_is_told_as_it_is(drawers, came, uid):
    ds = named(ct())
    arrived = came(ds)
    ds.SOPInstanceUID = uid
    header = drawers.submit(replace(came(ds), instance_uid=arrived.instance_uid)).result().header
    assert header.instance_uid == uid
    assert header.meta_differs


def test_a_uid_that_is_too_long_is_none_rather_than_the_beginning_of_another(drawers, came):
    ds = ct(SOPInstanceUID="1" * 200, StudyInstanceUID="2" * 65, SeriesInstanceUID="3" * 64)
    header = drawers.submit(came(ds)).result().header
    assert (header.instance_uid, header.study_uid, header.series_uid) == ("", "", "3" * 64)


@pytest.mark.parametrize(
    ("told", "differs"),
    [(("", ""), False), (("1.2.840.10008.5.1.4.1.1.4", ""), True), (("", "1.2.3.9"), True)],
)
def test_a_transfer_that_named_something_else_is_noticed(drawers, told, differs):
    sop_class, instance_uid = told
    there = replace(received(named(ct())), sop_class=sop_class, instance_uid=instance_uid)
    assert drawers.submit(there).result().header.meta_differs is differs


@pytest.mark.parametrize(
    ("pixels", "reason"),
    [
        (b"", "The image came without its pixels."),
        (b"\0\0", "The pixels are incomplete or do not fit their description."),
        (bytes(256 * 256 * 2 - 2), "The pixels are incomplete or do not fit their description."),
    ],
)
def test_pixels_that_are_not_all_there_are_a_card(drawers, came, pixels, reason):
    drawn = drawers.submit(came(named(image(ramp(), PixelData=pixels)))).result()
    assert (drawn.drawing.kind, drawn.drawing.reason) == (DrawingKind.CARD, reason)
    assert drawn.header is not None


def test_frames_that_are_not_all_there_are_counted(drawers, came):
    ds = named(image(np.zeros((4, 16, 16), "u1")))
    ds.PixelData = ds.PixelData[:-10]
    drawing = drawers.submit(came(ds)).result().drawing
    assert drawing.frames == 3
    assert drawing.reason == "The object is incomplete: it has 3 of 4 frames."


def run_length_bomb(size, runs):
    """Runs of 128 equal pixels, two bytes each: 64 times as much when unpacked."""
    ds = named(image(np.zeros((4, 4), "u1")))
    ds.Rows = ds.Columns = size
    ds.file_meta.TransferSyntaxUID = RLELossless
    ds.PixelData = encapsulate([struct.pack("<16L", 1, 64, *[0] * 14) + b"\x81\x00" * runs])
    ds["PixelData"].is_undefined_length = True
    return ds


@pytest.mark.parametrize(
    ("size", "runs", "reason"),
    [
        (20_000, 20_000 * 20_000 // 128, "The image is too large for a preview."),
        (16, 3_000_000, "The compressed pixels (RLE) cannot be decoded."),
    ],
)
def test_a_bomb_of_run_lengths_is_not_unpacked(drawers, came, size, runs, reason):
    bomb = came(run_length_bomb(size, runs))
    with frugal(40):
        drawing = drawers.submit(bomb).result().drawing
    assert (drawing.kind, drawing.reason) == (DrawingKind.CARD, reason)


def test_a_deflated_bomb_is_not_unpacked(drawers, tmp_path):
    whole = received(named(image(ramp()))).data
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    packed = packer.compress(whole) + packer.compress(bytes(400 * 2**20)) + packer.flush()
    bomb = spooled(named(image(ramp())), tmp_path / "x", TransferSyntaxUID=DeflatedExplicitVRLittleEndian)
    bomb.file.write_bytes(bomb.file.read_bytes().removesuffix(whole) + packed)
    assert len(packed) < 10**6
    with frugal(5):
        in_a_file = drawers.submit(bomb).result()
        in_memory = drawers.submit(Received("", "", DeflatedExplicitVRLittleEndian, packed)).result()
    assert in_a_file.unreadable
    assert in_memory.unreadable
    assert in_a_file.drawing.reason == "Deflated objects are not accepted over the network."


@pytest.mark.parametrize(
    ("element", "longer"),
    [
        (b"\x08\x00\x70\x00LO\x06\x00GEMS  ", b"\x08\x00\x70\x00UT\x00\x00" + FOUR_GIB + b"GEMS  "),
        (b"\x10\x00\x20\x00LO\x04\x004711", b"\x10\x00\x20\x00UT\x00\x00" + FOUR_GIB + b"4711"),
        (b"\xe0\x7f\x10\x00OW\x00\x00\x00\x00\x02\x00", b"\xe0\x7f\x10\x00OW\x00\x00" + FOUR_GIB),
        (b"\xe0\x7f\x10\x00OW\x00\x00\x00\x00\x02\x00", b"\xe0\x7f\x10\x00OW\x00\x00\xff\xff\xff\xff"),
    ],
)
def test_a_length_of_four_gibibytes_is_only_a_claim(drawers, came, element, longer):
    ds = named(image(ramp(), Manufacturer="GEMS", PatientID="4711"))
    ds["PixelData"].VR = "OW"
    ds.add_new("Manufacturer", "LO", "GEMS  ")

    def claimed(data):
        assert element in data
        return data.replace(element, longer)

    arrived = came(ds, claimed)
    with frugal(20):
        drawn = drawers.submit(arrived).result()
    assert not drawn.crashed


@pytest.mark.parametrize("length", [b"\xff\xff\xff\xff", FOUR_GIB, b"\xff\xff\xff\x0f"])
def test_a_fragment_of_four_gibibytes_is_not_there(drawers, came, length):
    frame = jpeg((200, 10, 10))
    frame += bytes(len(frame) % 2)
    item = b"\xfe\xff\x00\xe0" + struct.pack("<L", len(frame)) + frame
    for table in (True, False):
        ds = named(jpeg_image([frame]))
        ds.PixelData = encapsulate([frame], has_bot=table)
        arrived = came(ds, lambda data: data.replace(item, b"\xfe\xff\x00\xe0" + length + frame))
        with frugal(20):
            drawing = drawers.submit(arrived).result().drawing
        assert drawing.reason == "The compressed pixels (JPEG) cannot be decoded."


def test_a_table_that_points_anywhere_is_not_believed(drawers, came):
    frames = [jpeg((200, 10, 10)), jpeg((10, 10, 200))]
    right = drawers.submit(came(named(jpeg_image(frames)))).result().drawing
    for offsets in ((0, 2**32 - 1), (7, 9), (2**31, 0)):
        ds = named(jpeg_image(frames))
        ds.PixelData = (
            struct.pack("<HHLLL", 0xFFFE, 0xE000, 8, *offsets) + encapsulate(frames, has_bot=False)[8:]
        )
        assert drawers.submit(came(ds)).result().drawing == right


def test_an_extended_table_that_points_anywhere_is_not_believed(drawers, came):
    frames = [jpeg((200, 10, 10)), jpeg((10, 10, 200))]
    ds = named(jpeg_image(frames))
    right = drawers.submit(came(ds)).result().drawing
    ds.PixelData = encapsulate(frames, has_bot=False)
    ds.ExtendedOffsetTable = struct.pack("<QQ", 0, 2**63)
    ds.ExtendedOffsetTableLengths = struct.pack("<QQ", 2**62, 2**64 - 1)
    assert drawers.submit(came(ds)).result().drawing == right


def test_compressed_pixels_that_are_called_uncompressed_are_not_drawn_as_noise(drawers, came):
    ds = named(image(np.zeros((4, 4), "u1")))
    ds.PixelData = encapsulate([bytes(range(256)) * 4])
    ds["PixelData"].is_undefined_length, ds["PixelData"].VR = True, "OB"
    assert "do not fit" in drawers.submit(came(ds)).result().drawing.reason


def test_run_lengths_that_leave_their_segment_do_not_end_the_process(drawers):
    for length in range(66, 90):
        ds = run_length_bomb(4, 0)
        ds.PixelData = encapsulate([struct.pack("<16L", 1, 64, *[0] * 14) + b"\x7f" * (length - 64)])
        assert not drawers.submit(received(ds, RLELossless)).result().crashed


def test_lengths_that_do_not_fit_their_values_do_not_end_the_process(drawers):
    ds = named(image(ramp()))
    data = received(ds).data.replace(
        b"\x28\x00\x10\x00US\x02\x00\x00\x01", b"\x28\x00\x10\x00US\x03\x00\x00\x01\x00"
    )
    drawn = drawers.submit(Received("", "", ExplicitVRLittleEndian, data)).result()
    assert (drawn.crashed, drawn.drawing.kind) == (False, DrawingKind.CARD)


def test_bytes_changed_anywhere_cost_no_process(drawers, came):
    """A small sample of what was tried for hours; the same every time."""
    random = np.random.default_rng(4)

    def changed(data):
        changed = bytearray(data)
        for place in random.integers(0, min(len(data), 3000), 8):
            changed[place] = random.choice([0, 255, random.integers(256)])
        return bytes(changed)

    for ds in [ct(), jpeg_image([jpeg((200, 10, 10))] * 3), run_length_bomb(16, 2)] * 20:
        assert not drawers.submit(came(named(ds), changed)).result().crashed
