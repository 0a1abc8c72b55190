"""One encoded frame to samples: by the first decoder that takes it, and no larger than it is wanted."""

from typing import Any, BinaryIO

import numpy.typing as npt
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import UID

from preview.pictures import codestreams, plugins
from preview.pictures.codestreams import Codestream
from preview.pictures.decoders import DECODINGS, Decoder, Decoding
from preview.pictures.encapsulation import one_frame
from preview.pictures.scans import with_height

plugins.register()

Decoded = tuple[npt.NDArray[Any], dict[str, str | int]]
"""The samples and what pydicom says of them."""

_CONTINUOUS = {"MONOCHROME1", "MONOCHROME2", "RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT"}
"""Between two values of these lies a third; the one between two places in a palette is any colour."""

_TO_SPARE = 1.25
"""How much larger than wanted a wavelet's lower resolution of grey values has to be: along an edge it swings
beyond the values, which shows as a dotted rim unless pixels are averaged afterwards.
"""

_ONE_SAMPLE = {"samples_per_pixel": 1, "photometric_interpretation": "MONOCHROME2"}

PARTIAL = "YBR_PARTIAL_422"


def uncompressed(source: memoryview | BinaryIO, index: int, syntax: UID, options: dict[str, Any]) -> Decoded:
    if options["photometric_interpretation"] != PARTIAL:
        return get_decoder(syntax).as_array(source, index=index, raw=True, **options)
    # Pydicom does not know it: the samples lie as those of YBR_FULL_422, their range is another.
    alike = options | {"photometric_interpretation": "YBR_FULL_422"}
    samples, facts = get_decoder(syntax).as_array(source, index=index, raw=True, **alike)
    return samples, facts | {"photometric_interpretation": PARTIAL}


def aligned(decoded: Decoded, bits: int, high_bit: int) -> Decoded:
    """Whole words to the values in them, whose highest bit is this one (PS3.5 8.1.1).

    Pydicom takes every value to end at the lowest bit, as it has to since 2014, and copies all of them twice
    to clear the other bits, which are clear already in nearly every image.
    """
    samples, facts = decoded
    if high_bit != bits - 1 or not fits(samples, bits):
        above = 8 * samples.itemsize - 1 - high_bit
        samples = samples << above >> (8 * samples.itemsize - bits)
    return samples, facts | {"bits_stored": bits}


def fits(samples: npt.NDArray[Any], bits: int) -> bool:
    """Is each value one of so many bits?"""
    low = -(1 << (bits - 1)) if samples.dtype.kind == "i" else 0
    return bool(low <= samples.min() and samples.max() < low + (1 << bits))


def compressed(
    encoded: bytes,
    syntax: UID,
    options: dict[str, Any],
    wanted: tuple[int, int] | None,
    failures: tuple[type[BaseException], ...],
    most: int,
) -> Decoded:
    """Raises what the last decoder raised; ``failures`` are what the others may raise.

    MemoryError, and no decoder sees it, where no size has at most so many bytes.
    """
    decoding = DECODINGS[syntax]
    if not decoding.decoders:
        return uncompressed(memoryview(encoded), 0, decoding.like or syntax, options)
    if decoding.header is codestreams.jpeg:
        encoded = with_height(encoded)
    stream = decoding.header(encoded) if decoding.header else None
    if stream and (stream.columns, stream.rows) != (options["columns"], options["rows"]):
        raise ValueError("the stream is not as large as the object says")  # and no decoder unpacks it
    if stream and stream.samples == 1 and options["samples_per_pixel"] == 3:
        options = {
            key: value for key, value in options.items() if key != "planar_configuration"
        } | _ONE_SAMPLE
        return _grey_as_colours(compressed(encoded, syntax, options, wanted, failures, most))
    failure: BaseException = MemoryError()
    for decoder, changes in _attempts(decoding, stream, options, wanted):
        if _bytes(options | changes) > most:
            continue
        try:
            samples, facts = _by(decoder, encoded, decoding.like or syntax, options | changes)
        except failures as error:
            failure = error
        else:
            # Whatever the object calls them: of what else the components were made, the stream says.
            return samples, facts | ({"photometric_interpretation": "RGB"} if _is_undone(stream) else {})
    raise failure


def _grey_as_colours(decoded: Decoded) -> Decoded:
    """Of an object in colours whose encoder saw that there are none: as bright as each of them would be."""
    samples, facts = decoded
    return samples, facts | {"photometric_interpretation": "RGB"}


def _bytes(options: dict[str, Any]) -> int:
    samples = options["rows"] * options["columns"] * options["samples_per_pixel"]
    return int(samples * options["bits_allocated"] // 8)


def _is_undone(stream: Codestream | None) -> bool:
    """Did the decoder itself turn luminance and colours into red, green and blue (PS3.5 8.2.4)?"""
    return stream is not None and stream.transformed and stream.samples == 3


def _attempts(
    decoding: Decoding, stream: Codestream | None, options: dict[str, Any], wanted: tuple[int, int] | None
) -> list[tuple[Decoder, dict[str, Any]]]:
    attempts: list[tuple[Decoder, dict[str, Any]]] = [(decoder, {}) for decoder in decoding.decoders]
    if wanted and decoding.smaller is Decoder.SMALLER_JPEG_2000 and options["samples_per_pixel"] == 1:
        wanted = int(wanted[0] * _TO_SPARE), int(wanted[1] * _TO_SPARE)
    times = halvings(stream, options, wanted) if stream and wanted and decoding.smaller else 0
    if stream and decoding.smaller and times:
        columns, rows = stream.halved(times)
        attempts.insert(0, (decoding.smaller, {"columns": columns, "rows": rows, plugins.HALVINGS: times}))
    return attempts


def halvings(stream: Codestream, options: dict[str, Any], wanted: tuple[int, int]) -> int:
    """How often the frame can be halved and still be as large as wanted.

    Not at all where its samples are no amounts that a decoder may average: places in a palette, or negative
    values that the encoder took for large positive ones. Nor where Pillow makes eight bits of deeper colours:
    it rounds the brightest up to 256, which is black.
    """
    is_grey = options["samples_per_pixel"] == 1
    if not is_grey and stream.bits > 8:
        return 0
    averages = str(options["photometric_interpretation"]) in _CONTINUOUS
    if not averages or stream.bits > 16 or (is_grey and stream.signed != options.get("pixel_representation")):
        return 0
    return max(t for t in range(stream.reductions + 1) if t == 0 or _enough(stream.halved(t), wanted))


def _enough(size: tuple[int, int], wanted: tuple[int, int]) -> bool:
    return size[0] >= wanted[0] and size[1] >= wanted[1]


def _by(decoder: Decoder, encoded: bytes, syntax: UID, options: dict[str, Any]) -> Decoded:
    options = options | {plugins.STATED_COLOURS: options["photometric_interpretation"]}
    return get_decoder(syntax).as_array(
        one_frame(encoded), index=0, raw=True, decoding_plugin=decoder, **options
    )
