"""Which decoder serves which transfer syntax, and what it falls back to: one table, and nothing else.

No decoder here is under a licence that asks for the source of whoever uses it: pylibjpeg-libjpeg
is not needed. Pillow, libjpeg-turbo, CharLS, OpenJPEG and the rest are free of that.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from pydicom import uid
from pydicom.uid import UID

from preview.pictures import codestreams
from preview.pictures.codestreams import Codestream


class Decoder(StrEnum):
    """By its label among pydicom's plugins."""

    PYLIBJPEG = "pylibjpeg"
    """OpenJPEG and a run-length decoder in Rust, as pydicom brings them in."""
    PYDICOM = "pydicom"
    """In Python: slow, for what the other one does not take."""

    # Those that follow are functions of preview/pictures/plugins.py.
    JPEG = "jpeg"
    """Pillow: eight bits, at a half, a quarter or an eighth of the size if that is enough."""
    ANY_JPEG = "any_jpeg"
    """libjpeg-turbo: all processes that are not hierarchical, 2 to 16 bits, as they are stored."""
    LOSSLESS_JPEG = "lossless_jpeg"
    """jpegsof3: three times as slow, for what the other one does not take."""
    JPEG_LS = "jpeg_ls"
    """CharLS"""
    JPEG_2000 = "jpeg_2000"
    """OpenJPEG, a newer one."""
    SMALLER_JPEG_2000 = "smaller_jpeg_2000"
    """Pillow's OpenJPEG, which leaves out the finest resolutions; it reads high-throughput streams, too."""


OWN = frozenset(Decoder) - {Decoder.PYLIBJPEG, Decoder.PYDICOM}


@dataclass(frozen=True)
class Decoding:
    """How frames of one transfer syntax become pixels."""

    decoders: tuple[Decoder, ...]
    """In the order in which they are tried; none where frames are not compressed."""
    header: Callable[[bytes], Codestream] | None = None
    smaller: Decoder | None = None
    """Decodes at half the size, a quarter and so on."""
    like: UID | None = None
    """The syntax that pydicom knows with the same frames, where it does not know this one."""


_CLASSIC = Decoding((Decoder.JPEG, Decoder.ANY_JPEG), codestreams.jpeg, smaller=Decoder.JPEG)
_RETIRED = Decoding(_CLASSIC.decoders, codestreams.jpeg, smaller=Decoder.JPEG, like=uid.JPEGExtended12Bit)
_LOSSLESS = Decoding((Decoder.ANY_JPEG, Decoder.LOSSLESS_JPEG), codestreams.jpeg)
_JPEG_LS = Decoding((Decoder.JPEG_LS,), codestreams.jpeg)
_WAVELETS = Decoding(
    (Decoder.PYLIBJPEG, Decoder.JPEG_2000), codestreams.jpeg_2000, smaller=Decoder.SMALLER_JPEG_2000
)
"""Of high throughput or not: OpenJPEG reads both.

OpenJPH would be twice as fast with the former, but as imagecodecs 2026.3 calls it, it is not safe to look at:
what lossy streams and reduced resolutions have beyond the range loses its highest bits (the whitest pixels
are black), and of a damaged stream it returns memory as it found it, with no word that anything is missing.
"""

_SPECTRAL, _PROGRESSIVE = UID("1.2.840.10008.1.2.4.53"), UID("1.2.840.10008.1.2.4.55")
"""JPEG processes 6 and 8, 10 and 12: no longer in the standard, still in old archives."""
_UNCOMPRESSED = UID("1.2.840.10008.1.2.1.98")
"""Encapsulated uncompressed (PS3.5 A.4.11)."""

DECODINGS: Mapping[UID, Decoding] = MappingProxyType(
    {
        uid.RLELossless: Decoding((Decoder.PYLIBJPEG, Decoder.PYDICOM)),
        uid.JPEGBaseline8Bit: _CLASSIC,
        uid.JPEGExtended12Bit: _CLASSIC,
        _SPECTRAL: _RETIRED,
        _PROGRESSIVE: _RETIRED,
        uid.JPEGLossless: _LOSSLESS,
        uid.JPEGLosslessSV1: _LOSSLESS,
        uid.JPEGLSLossless: _JPEG_LS,
        uid.JPEGLSNearLossless: _JPEG_LS,
        uid.JPEG2000Lossless: _WAVELETS,
        uid.JPEG2000: _WAVELETS,
        uid.HTJ2KLossless: _WAVELETS,
        uid.HTJ2KLosslessRPCL: _WAVELETS,
        uid.HTJ2K: _WAVELETS,
        _UNCOMPRESSED: Decoding((), like=uid.ExplicitVRLittleEndian),
    }
)
"""Of every syntax with encapsulated frames that can be drawn; all others are cards with their names."""
