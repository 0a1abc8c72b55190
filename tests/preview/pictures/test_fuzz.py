"""Objects that were changed at random: none takes a drawing process over its limits, or the others with it.

Hypothesis chooses the same ones every time; ``FUZZ=5000`` in the environment chooses so many new ones.
"""

import multiprocessing
import os
import resource
import time
from dataclasses import replace
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made import colour_image, colours, encoded, grey_image, in_htj2k, in_jpeg_2000, shades
from pydicom import uid
from pydicom.dataset import FileMetaDataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_file_meta_info
from samples import ct, image, jpeg, jpeg_image, received, sample, syntax_of

from preview.pictures.drawing import Drawers, DrawingKind
from preview.pictures.pixels import MOST_BYTES

EXAMPLES = int(os.environ.get("FUZZ", "0"))
SECONDS = 5.0
MEBIBYTE = 2**20


def originals():
    """One of every codec and kind."""
    twelve = shades(12, "<u2")
    yield ct()
    yield sample("MR_small_RLE.dcm")
    yield jpeg_image([jpeg((200, 10, 10))] * 3)
    yield colour_image()
    yield image(np.stack([twelve] * 4), BitsStored=12, HighBit=11)
    for syntax, frame in (
        (uid.JPEG2000Lossless, in_jpeg_2000(twelve, 12)),
        (uid.HTJ2KLossless, in_htj2k(twelve, 12)),
        (uid.HTJ2K, imagecodecs.htj2k_encode(twelve, reversible=False)),
        (uid.JPEGLSLossless, imagecodecs.jpegls_encode(twelve)),
        (uid.JPEGLosslessSV1, imagecodecs.jpeg8_encode(twelve, lossless=True, bitspersample=12)),
        (uid.JPEGExtended12Bit, imagecodecs.jpeg8_encode(twelve, 95, bitspersample=12)),
    ):
        yield encoded(grey_image(), syntax, frame)
    yield encoded(colour_image(), uid.JPEG2000, in_jpeg_2000(colours(), 8))
    for name in ("examples_palette.dcm", "test-SR.dcm", "liver_1frame.dcm", "rtdose.dcm", "waveform_ecg.dcm"):
        yield sample(name)


ORIGINALS = [received(ds, syntax_of(ds)) for ds in originals()]

NUMBERS = st.sampled_from([0, 1, 2, 3, 7, 8, 9, 12, 15, 16, 17, 24, 32, 64, 255, 4096, 32767, 32768, 65535])
ELEMENTS = st.sampled_from(
    [
        *(b"\x28\x00\x02\x00", b"\x28\x00\x06\x00", b"\x28\x00\x10\x00", b"\x28\x00\x11\x00"),
        *(b"\x28\x00\x00\x01", b"\x28\x00\x01\x01", b"\x28\x00\x02\x01", b"\x28\x00\x03\x01"),
        *(b"\x28\x00\x01\x11", b"\x28\x00\x20\x01"),
    ]
)
"""Samples, planes, rows, columns, bits allocated and stored, high bit, sign, palette, padding: all US."""


def flipped(data, places):
    changed = bytearray(data)
    for share, value in places if data else ():
        changed[int(share * (len(changed) - 1))] = value
    return bytes(changed)


def in_a_file(original):
    """With a preamble and file meta information (PS3.10 7.1), which may be changed as well."""
    about = FileMetaDataset()
    about.MediaStorageSOPClassUID, about.MediaStorageSOPInstanceUID = (
        original.sop_class,
        original.instance_uid,
    )
    about.TransferSyntaxUID = original.transfer_syntax
    out = DicomBytesIO(bytes(128) + b"DICM")
    out.seek(0, 2)
    write_file_meta_info(out, about, enforce_standard=False)
    return out.getvalue() + original.data


def cut(data, share):
    return data[: int(share * len(data)) // 2 * 2]


def with_number(data, element, number):
    """The value of an element of two bytes; the data as they are where it is not there."""
    head = element + b"US\x02\x00"
    place = data.find(head)
    if place < 0:
        return data
    return data[: place + 8] + number.to_bytes(2, "little") + data[place + 10 :]


def with_frames(data, digits):
    place = data.find(b"\x28\x00\x08\x00IS")
    if place < 0:
        return data
    length = int.from_bytes(data[place + 6 : place + 8], "little")
    return data[: place + 6] + len(digits).to_bytes(2, "little") + digits + data[place + 8 + length :]


def twice(data, first, length):
    """A piece of it once more, where it does not belong."""
    start = int(first * len(data))
    return data[:start] + data[start : start + length] + data[start:]


SHARES = st.floats(0, 1)
HEADS = st.floats(0, 0.05)
CHANGES = st.one_of(
    st.tuples(st.just(flipped), st.lists(st.tuples(SHARES, st.integers(0, 255)), min_size=1, max_size=20)),
    st.tuples(st.just(flipped), st.lists(st.tuples(HEADS, st.integers(0, 255)), min_size=1, max_size=6)),
    st.tuples(st.just(cut), SHARES),
    st.tuples(st.just(with_number), ELEMENTS, NUMBERS),
    st.tuples(st.just(with_frames), st.sampled_from([b"0 ", b"-1", b"2000000000", b"x ", b"1e999 ", b""])),
    st.tuples(st.just(twice), SHARES, st.integers(1, 4000)),
)


@pytest.fixture(scope="module")
def drawers():
    with Drawers(1, seconds=SECONDS) as drawers:
        yield drawers


@pytest.fixture(scope="module")
def usual(drawers):
    return drawers.submit(received(ct())).result().drawing


def process():
    """The drawing process that there is now."""
    (process,) = [one for one in multiprocessing.active_children() if one.name == "drawing"]
    return process.pid


def limit_of(pid, what):
    return resource.prlimit(pid, what)[0]


def peak_of(pid):
    """Bytes of memory that it has ever had mapped (VmPeak) and used (VmHWM)."""
    lines = dict(line.split(":") for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return tuple(int(lines[name].split()[0]) * 1024 for name in ("VmPeak", "VmHWM"))


@settings(
    max_examples=EXAMPLES or 150,
    derandomize=not EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.sampled_from(ORIGINALS),
    st.sampled_from(["in memory", "streamed to a file", "a file"]),
    st.lists(CHANGES, min_size=1, max_size=3),
)
def test_whatever_was_changed_costs_one_picture_at_most(drawers, usual, tmp_path, original, came, changes):
    data = original.data if came == "in memory" else in_a_file(original)
    for change, *how in changes:
        data = change(data, *how)
    file = tmp_path / "x.dcm"
    file.write_bytes(data)
    began = time.monotonic()
    if came == "a file":
        drawn = drawers.submit_file(file).result(timeout=120)
    elif came == "in memory":
        drawn = drawers.submit(replace(original, data=data)).result(timeout=120)
    else:
        drawn = drawers.submit(replace(original, data=b"", file=file)).result(timeout=120)
    assert time.monotonic() - began < 11 * SECONDS + 20
    assert drawn.drawing.pictures, "a picture, or a card"
    assert drawn.drawing.kind is not DrawingKind.CARD or drawn.drawing.reason
    again = drawers.submit(received(ct())).result(timeout=60)
    assert again.drawing == usual, "and the next one is as always"
    mapped, used = peak_of(process())
    assert mapped <= limit_of(process(), resource.RLIMIT_AS)
    assert used < 6 * MOST_BYTES
    assert drawn.crashed is False or "could not be drawn: the decoder" in drawn.drawing.reason


def test_a_drawing_process_has_a_limit_of_memory_and_leaves_no_core(drawers, usual):
    mapped, _ = peak_of(process())
    assert mapped < limit_of(process(), resource.RLIMIT_AS) < mapped + 2048 * MEBIBYTE
    assert limit_of(process(), resource.RLIMIT_CORE) == 0


def test_the_largest_frame_that_is_decoded_in_one_piece_fits_into_the_memory():
    """Of 256 MB, in two sizes; a larger one is refused before any decoder sees it."""
    side = 11_585
    assert 0 <= MOST_BYTES - side * side * 2 < MOST_BYTES // 100
    stream = imagecodecs.jpegls_encode(np.zeros((side, side), "<u2"))
    largest = encoded(image(np.zeros((2, 2), "<u2"), Rows=side, Columns=side), uid.JPEGLSLossless, stream)
    larger = encoded(image(np.zeros((2, 2), "<u2"), Rows=side + 1, Columns=side), uid.JPEGLSLossless, stream)
    with Drawers(1) as drawers:
        drawn = drawers.submit(received(largest, uid.JPEGLSLossless), (256, 640)).result()
        refused = drawers.submit(received(larger, uid.JPEGLSLossless)).result()
    assert (drawn.crashed, drawn.drawing.kind) == (False, DrawingKind.IMAGE)
    assert "too large" in refused.drawing.reason
