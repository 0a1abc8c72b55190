"""Decoders of our own in the form that pydicom calls (``function(encoded, runner) -> pixels``).

Pydicom stays in charge of what the values mean: signs, unused bits, the order of samples. A decoder tells it
where its output is not what the object says.
"""

from collections.abc import Callable
from functools import partial
from io import BytesIO
from typing import Any

import imagecodecs
import numpy as np
import numpy.typing as npt
from PIL.Jpeg2KImagePlugin import Jpeg2KImageFile
from PIL.JpegImagePlugin import JpegImageFile
from pydicom.pixels.decoders.base import DecodeRunner, get_decoder

from preview.pictures import codestreams
from preview.pictures.decoders import DECODINGS, OWN
from preview.pictures.restarts import has_all_restarts
from preview.pictures.scans import BLOCK, has_all_scans, in_arithmetic, in_several_scans, made_of_zeros

HALVINGS = "halvings"
"""The option that says how often to halve the size; rows and columns are then those that come out."""
STATED_COLOURS = "stated_colours"
"""The option with the photometric interpretation as it is in the object."""

DECODER_DEPENDENCIES: dict[str, tuple[str, ...]] = {}
"""Pydicom asks for it: nothing of ours is optional."""

_AHEAD = 16
"""Bytes: more than a decoder reads before it uses them."""
_NO_CODE = b"\xff\x00" * _AHEAD
"""Ones only, which are no Huffman code (T.81 C): no block takes fewer bits of what cannot be one."""
_ONE, _OTHER = bytes(range(1, 65)), bytes(range(193, 129, -1))
"""Neither repeats itself: what does may be decoded to blocks that are as dark as those of another."""
_LAST = 3
"""Pixels of a row: fewer are alike by chance too often, which costs two decodings, and nobody misses them."""

_RGB_LETTERS = ([82, 71, 66], [114, 103, 98])
"""Component identifiers that say so themselves (as libjpeg takes them)."""


def is_available(_: str) -> bool:
    return True


def register() -> None:
    """Make them known to pydicom, once."""
    for syntax, decoding in DECODINGS.items():
        known = get_decoder(decoding.like or syntax)
        for decoder in OWN.intersection((*decoding.decoders, decoding.smaller)):
            if decoder not in known.available_plugins:
                known.add_plugin(decoder, (__name__, decoder))


def jpeg(encoded: bytes, runner: DecodeRunner) -> memoryview:
    # In passes it is decoded when its end has come; and arithmetic makes many pixels of a few bytes.
    needs_end = in_several_scans(encoded) or in_arithmetic(encoded)
    if needs_end:
        encoded = _ended(encoded)
        _check_scans(encoded)
    elif not has_all_restarts(encoded):  # a decoder goes on behind the next one, and fills what is missing
        raise ValueError("pixels are missing")
    # Image.open refuses what is large, however small it is wanted.
    image = JpegImageFile(BytesIO(encoded if needs_end else _endless(encoded)))
    times = runner.get_option(HALVINGS, 0)
    as_stored = runner.samples_per_pixel == 3 and _hides_rgb(image, runner)
    # What is drafted as YCbCr is not converted at all if the decoder believes that this is what it has.
    image.draft("YCbCr" if as_stored else None, (image.width >> times, image.height >> times))
    if runner.samples_per_pixel == 3:
        runner.set_option("photometric_interpretation", "RGB")
        runner.set_option("bits_stored", 8)
    return _pixels(np.asarray(image), runner)


def _endless(encoded: bytes) -> bytes:
    """What lacks pixels, and ends as it should, would be filled with one colour: without its end it is found
    to be too short. What lacks none needs a few bytes to be read ahead.
    """
    encoded = _ended(encoded)
    return encoded[: encoded.rfind(codestreams.END)] + _NO_CODE


def _ended(encoded: bytes) -> bytes:
    """With the end that some encoders leave out: whether pixels are missing, the pixels tell."""
    return encoded if codestreams.is_whole(encoded) else encoded + codestreams.END


def _hides_rgb(image: JpegImageFile, runner: DecodeRunner) -> bool:
    """The object says RGB and nothing in the stream contradicts, though decoders take it for YCbCr.

    Where the stream says what its colours are, that counts: it was written by the one who knew. Nobody has
    two of them in fewer pixels than the third, unless they are differences.
    """
    markers = image.info.keys() & {"jfif", "adobe_transform"}
    letters = [component[0] for component in image.layer] in _RGB_LETTERS
    is_subsampled = len({tuple(component[1:3]) for component in image.layer}) > 1
    return runner.photometric_interpretation == "RGB" and not (markers or letters or is_subsampled)


def _check_scans(encoded: bytes) -> None:
    """Of what is told in several passes all must be there, and the last of them whole."""
    if (
        not has_all_scans(encoded)
        or not has_all_restarts(encoded)
        or _reads_on(imagecodecs.jpeg8_decode, encoded)
    ):
        raise ValueError("pixels are missing")


def any_jpeg(encoded: bytes, runner: DecodeRunner) -> memoryview:
    encoded = _ended(encoded)
    is_lossless = not codestreams.jpeg(encoded).reductions
    if not has_all_restarts(encoded):
        raise ValueError("pixels are missing")
    if not is_lossless and (in_several_scans(encoded) or in_arithmetic(encoded)):
        _check_scans(encoded)
    unconverted = "RGB" if runner.samples_per_pixel == 3 else None
    decode = partial(imagecodecs.jpeg8_decode, colorspace=unconverted, outcolorspace=unconverted)
    samples = decode(encoded)
    in_doubt = _may_be_foretold(samples, made_of_zeros(encoded)) if is_lossless else _may_be_filled(samples)
    blank = samples if is_lossless else None
    if in_doubt and _reads_on(decode, encoded, blank):  # what is missing would be grey
        raise ValueError("pixels are missing")
    return _lossless(samples, runner) if is_lossless else _pixels(samples, runner)


def _may_be_filled(samples: npt.NDArray[Any]) -> bool:
    """What is seen of the last block of cosines is all the same."""
    rows, columns = ((side - 1) // BLOCK * BLOCK for side in samples.shape[:2])
    pixels = samples[rows:, columns:].reshape(-1, *samples.shape[2:])
    return bool((pixels == pixels[-1]).all())


def _may_be_foretold(samples: npt.NDArray[Any], zeros: frozenset[int]) -> bool:
    """Does the last row hold what a decoder makes of nothing (T.81 H.1.2.1)?

    Zeros are read to the end of the row in which a stream breaks off; in each that follows nothing differs
    from what the predictor (table H.1) foretells.
    """
    if min(samples.shape[:2]) <= _LAST:
        return True
    above, here = samples[-2:].astype(np.int64)
    left, corner, above, here = here[:-1], above[:-1], above[1:], here[1:]
    whole = (left, above, corner, left + above - corner)
    halves = (left + (above - corner >> 1), above + (left - corner >> 1), left + above >> 1)
    values = 1 << 8 * samples.itemsize
    # What overflows has lost its highest bits here, and not while it was foretold: a half may be off then.
    differences = [*((here - one, values) for one in whole), *((here - one, values >> 1) for one in halves)]
    return any(
        not (one % most).any() or np.isin(one[-_LAST:] % most, [zero % most for zero in zeros]).all()
        for one, most in differences
    )


def _reads_on(
    decode: Callable[[bytes], npt.NDArray[Any]], encoded: bytes, blank: npt.NDArray[Any] | None = None
) -> bool:
    """Does something behind the last pixel become pixels? Then it was not the last one.

    ``blank``: what becomes of nothing, where that is another picture than what becomes of something.
    """
    scan = encoded[: encoded.rfind(codestreams.END)].rstrip(b"\xff")  # fill bytes may come before a marker
    if in_arithmetic(encoded):
        scan += bytes(_AHEAD)  # an encoder leaves zeros at the end out (T.81 D.1.8)
    one = decode(scan + _ONE + codestreams.END) if blank is None else blank
    return not np.array_equal(one, decode(scan + _OTHER + codestreams.END))


def lossless_jpeg(encoded: bytes, runner: DecodeRunner) -> memoryview:
    encoded = _ended(encoded)
    if _reads_on(imagecodecs.jpegsof3_decode, encoded):
        raise ValueError("pixels are missing")
    return _lossless(imagecodecs.jpegsof3_decode(encoded), runner)


def _lossless(samples: npt.NDArray[Any], runner: DecodeRunner) -> memoryview:
    """Nobody converts colours and calls it lossless: the JFIF marker that pydicom believes is mere habit."""
    runner.set_option("photometric_interpretation", runner.get_option(STATED_COLOURS))
    return _pixels(samples, runner)


def jpeg_ls(encoded: bytes, runner: DecodeRunner) -> memoryview:
    return _pixels(imagecodecs.jpegls_decode(encoded), runner)


def jpeg_2000(encoded: bytes, runner: DecodeRunner) -> memoryview:
    return _wavelets(imagecodecs.jpeg2k_decode(encoded, numthreads=1), runner)


def smaller_jpeg_2000(encoded: bytes, runner: DecodeRunner) -> memoryview:
    image = _Halved(encoded, runner.get_option(HALVINGS, 0))
    if runner.samples_per_pixel == 3:
        runner.set_option("bits_stored", 8)  # Pillow has no more of colours
        return _wavelets(np.asarray(image), runner)
    return _wavelets(_as_stored(np.asarray(image), codestreams.jpeg_2000(encoded)), runner)


class _Halved(Jpeg2KImageFile):
    """Pillow rounds a side of 250.25 to 250, where the standard has 251 (ITU-T T.800 B.5), and then finds
    that too much comes: made a little larger before, it arrives at the right size.
    """

    def __init__(self, encoded: bytes, times: int) -> None:
        super().__init__(BytesIO(encoded))
        self._reduce = times
        width, height = (-(-side >> times) << times for side in self.size)
        self._size = width, height


def _as_stored(samples: npt.NDArray[Any], stream: codestreams.Codestream) -> npt.NDArray[Any]:
    """Pillow scales grey values up to 8 or 16 bits, and adds a half of the range to those with a sign."""
    values = samples.astype(np.int32) >> (8 * samples.itemsize - stream.bits)
    if stream.signed:
        values -= 1 << (stream.bits - 1)
    return values.astype(f"{'i' if stream.signed else 'u'}{samples.itemsize}")


def _wavelets(samples: npt.NDArray[Any], runner: DecodeRunner) -> memoryview:
    if str(runner.photometric_interpretation) in ("YBR_ICT", "YBR_RCT"):  # decoders take the transform back
        runner.set_option("photometric_interpretation", "RGB")
    return _pixels(samples, runner)


def _pixels(samples: npt.NDArray[Any], runner: DecodeRunner) -> memoryview:
    """In the shape and of the depth that pydicom expects, or not at all."""
    colours = runner.samples_per_pixel
    shape = (runner.rows, runner.columns, *((colours,) if colours > 1 else ()))
    if samples.shape != shape or 8 * samples.itemsize > runner.bits_allocated:
        raise ValueError("the stream is not what the object says")
    runner.set_option("bits_allocated", 8 * samples.itemsize)
    runner.set_option("planar_configuration", 0)
    return np.ascontiguousarray(samples).data.cast("B")  # a copy would cost as much as a table look-up
