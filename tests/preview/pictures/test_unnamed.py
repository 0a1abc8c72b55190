"""Files without preamble, prefix or file meta information: what is in them is drawn all the same."""

import struct
from pathlib import Path

import pytest
from made import by_dcmtk, colour_image, grey_image
from pydicom.data import get_testdata_file
from samples import jpeg_image, received

from preview.pictures.drawing import Drawers, DrawingKind
from preview.pictures.stored import Stored
from preview.pictures.unnamed import begins_at, compression_of

PLAIN = ("CT_small.dcm", "MR_small_implicit.dcm", "MR_small_bigendian.dcm")
COMPRESSED = ("MR_small_RLE.dcm", "JPEG2000.dcm", "SC_rgb_jpeg_dcmtk.dcm", "MR_small_jpeg_ls_lossless.dcm")
NO_META = {"data set": b"", "preamble and data set": bytes(128), "prefix and data set": bytes(128) + b"DICM"}


@pytest.fixture(scope="module")
def drawers():
    with Drawers(1) as drawers:
        yield drawers


def content(name):
    return Path(get_testdata_file(name, download=False)).read_bytes()


def data_set(file):
    (length,) = struct.unpack("<L", file[140:144])
    return file[144 + length :]


@pytest.fixture
def drawn(drawers, tmp_path):
    def drawn(file):
        (tmp_path / "file").write_bytes(file)
        return drawers.submit_file(tmp_path / "file").result()

    return drawn


@pytest.mark.parametrize("name", [*PLAIN, *COMPRESSED, "image_dfl.dcm"])
@pytest.mark.parametrize(
    "before", [b"", b"DICM", bytes(128), b"II*\0" * 32], ids=["none", "DICM", "128", "TIFF"]
)
def test_a_file_begins_where_its_meta_information_does(drawn, name, before):
    file = content(name)
    assert drawn(before + file[132:]).drawing == drawn(file).drawing
    assert drawn(file).drawing.kind is not DrawingKind.CARD


@pytest.mark.parametrize("before", NO_META.values(), ids=NO_META)
@pytest.mark.parametrize("name", [*PLAIN, *COMPRESSED])
def test_how_a_file_is_encoded_is_seen_where_nothing_says_it(drawn, name, before):
    file = content(name)
    assert drawn(before + data_set(file)).drawing == drawn(file).drawing


@pytest.mark.parametrize(
    "command",
    [
        ("dcmcjpeg", "+e1"),
        ("dcmcjpeg", "+el"),
        ("dcmcjpeg", "+ee"),
        ("dcmcjpeg", "+eb"),
        ("dcmcjpeg", "+ep"),
        ("dcmcjpls",),
        ("dcmcjpls", "+en"),
        ("dcmcrle",),
    ],
)
def test_every_codec_of_the_field_is_known_by_its_frames(drawn, tmp_path, command):
    ds = by_dcmtk(colour_image() if "+eb" in command else grey_image(8, "u1"), tmp_path, *command)
    bare = drawn(received(ds).data).drawing
    assert bare.kind is DrawingKind.IMAGE
    assert bare == drawn((tmp_path / "encoded.dcm").read_bytes()).drawing


def test_a_jpeg_with_fill_bytes_and_a_profile_is_known(drawn):
    (frame,) = [b"\xff\xd8\xff\xff\xff\xe2" + struct.pack(">H", 60000) + bytes(59998) + b"\xff\xc0\0\0"]
    item = b"\xfe\xff\x00\xe0" + bytes(4) + b"\xfe\xff\x00\xe0" + struct.pack("<L", len(frame)) + frame
    assert compression_of(Stored("PixelData", "OB", item, 0, len(item), undefined=True)).name.startswith(
        "JPEG Base"
    )


@pytest.mark.parametrize("frame", [b"\xff\xd8\xff", b"\xff\xd8\xff\xe0\0\0", b"nothing", bytes(64)])
def test_a_frame_of_nothing_known_has_no_syntax(drawn, frame):
    ds = jpeg_image([frame])
    file = received(ds).data
    assert drawn(file).drawing.reason == "The object does not say how its pixels are encoded."


@pytest.mark.parametrize(
    "file", [b"", b"DICM", b"DICM" + bytes(200), bytes(300), b"\2\0" * 3, b"PK\3\4" * 60]
)
def test_what_is_none_is_none(drawn, file):
    assert drawn(file).unreadable
    assert begins_at(file[:136]) in (0, 4)


def test_pixels_are_read_where_they_are_behind_what_was_left_out(drawn):
    """And what the file is too short for is missing."""
    file = content("CT_small.dcm")
    cut = drawn(bytes(128) + file[132:-1000]).drawing
    assert cut == drawn(file[:-1000]).drawing
    assert cut.reason == "The pixels are incomplete or do not fit their description."
