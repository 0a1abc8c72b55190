"""The graphics of the overlay planes (PS3.3 C.9.2), drawn over a picture: marks, measures, letters."""

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter
from pydicom import Dataset
from pydicom.tag import Tag

from preview.pictures.bad_input import BAD_INPUT
from preview.pictures.fringe import grown

Bits = npt.NDArray[np.bool_]

_GROUPS = range(0x6000, 0x6020, 2)
_DATA, _ROWS, _COLUMNS, _FRAMES, _ORIGIN, _FIRST_FRAME = 0x3000, 0x0010, 0x0011, 0x0015, 0x0050, 0x0051
_POSITION = 0x0102
_TAGS = {group: Tag(group, _DATA) for group in _GROUPS}
_POSITIONS = {group: Tag(group, _POSITION) for group in _GROUPS}

_ANY = (*_TAGS.values(), *_POSITIONS.values())

_MOST_COVERED = 0.5
"""Of a plane that covers more of the image, and would hide it, only the edge is drawn."""
_EDGE = 256
"""An edge is one pixel wide for as many of the image's, so that it is seen in a thumbnail."""

_FAINTEST = 4
"""A line keeps its brightness until the picture has a fourth of the image's pixels a side."""

_HALO = 0.6
"""How much of the image the dark edge around a graphic hides: white on white would not be seen."""


def graphics(ds: Dataset, index: int, words: Callable[[int], bytes]) -> Image.Image | None:
    """Where graphics lie over the frame with this index, from 0: white on black.

    ``words``: the frames as they are stored, where older objects have graphics beside the values.
    """
    if ds.keys().isdisjoint(_ANY):
        return None  # nearly always, and found out in a moment
    planes = [
        *(plane for group in _GROUPS if _TAGS[group] in ds for plane in _sparse(_plane, ds, group, index)),
        *(
            plane
            for group in _GROUPS
            if _POSITIONS[group] in ds and _TAGS[group] not in ds
            for plane in _sparse(_embedded, ds, group, words, index)
        ),
    ]
    if not planes:
        return None
    return Image.fromarray(np.logical_or.reduce(planes).astype(np.uint8) * np.uint8(255))


def marked(picture: Image.Image, layer: Image.Image) -> Image.Image:
    """The picture with these graphics in white, however many of the image's pixels became one of its own."""
    thin = layer.resize(picture.size, Image.Resampling.BOX)
    white = thin.point([min(255, level * _FAINTEST) for level in range(256)])
    halo = white.filter(ImageFilter.MaxFilter(3)).point([int(level * _HALO) for level in range(256)])
    drawn = picture.copy()
    drawn.paste(_shade(drawn, 0), mask=halo)
    drawn.paste(_shade(drawn, 255), mask=white)
    return drawn


def _shade(picture: Image.Image, level: int) -> int | tuple[int, int, int]:
    return level if picture.mode == "L" else (level, level, level)


def _sparse(read: Callable[..., Bits | None], *where: object) -> Iterator[Bits]:
    """One plane or none: what cannot be read costs a graphic, not the picture."""
    try:
        plane = read(*where)
    except BAD_INPUT:
        return
    covered = 0 if plane is None else np.count_nonzero(plane)
    if plane is not None and covered:
        yield plane if covered <= _MOST_COVERED * plane.size else _edge(plane)


def _edge(plane: Bits) -> Bits:
    """Where it ends within the image; nothing at all of a plane that covers everything."""
    beyond = ~plane
    for _ in range(max(1, max(plane.shape) // _EDGE)):
        beyond = grown(beyond)
    return plane & beyond


def _embedded(ds: Dataset, group: int, words: Callable[[int], bytes], index: int) -> Bits | None:
    """In a bit above or below the values of a frame (retired: PS3.5 8.1.2 of 2004).

    Of a compressed one where the compression kept whole words, as run lengths do.
    """
    position, allocated, high = int(ds[_POSITIONS[group]].value), int(ds.BitsAllocated), int(ds.HighBit)
    stored = words(index)
    is_value = high - int(ds.BitsStored) < position <= high
    if is_value or not 0 <= position < allocated or allocated not in (8, 16) or not stored:
        return None
    order = "<" if ds.file_meta.TransferSyntaxUID.is_little_endian else ">"
    values = np.frombuffer(stored, f"{order}u{allocated // 8}").reshape(int(ds.Rows), int(ds.Columns))
    beside: Bits = (values >> position & 1).astype(bool)
    return beside


def _plane(ds: Dataset, group: int, index: int) -> Bits | None:
    """As large as the image, whatever the overlay's own size and origin (from 1, may lie outside)."""
    rows, columns = (int(ds[group, element].value) for element in (_ROWS, _COLUMNS))
    frame = index - (_number(ds, group, _FIRST_FRAME, 1) - 1)
    if not 0 <= frame < _number(ds, group, _FRAMES, 1):
        # One plane alone lies over every frame, unless it says which one it belongs to.
        if (group, _FRAMES) in ds or (group, _FIRST_FRAME) in ds:
            return None
        frame = 0
    bits = _bits(ds, group, frame * rows * columns, rows * columns).reshape(rows, columns)
    top, left = (int(place) - 1 for place in (ds[group, _ORIGIN].value if (group, _ORIGIN) in ds else (1, 1)))
    whole = np.zeros((int(ds.Rows), int(ds.Columns)), bool)
    inside = bits[max(0, -top) : whole.shape[0] - top, max(0, -left) : whole.shape[1] - left]
    whole[max(0, top) :, max(0, left) :][: inside.shape[0], : inside.shape[1]] = inside
    return whole


def _bits(ds: Dataset, group: int, first: int, count: int) -> Bits:
    """Packed without gaps, the lowest bit first (PS3.5 8.1.2); frames do not begin at a byte."""
    data = ds[_TAGS[group]].value
    if not ds.file_meta.TransferSyntaxUID.is_little_endian and ds[_TAGS[group]].VR == "OW":
        data = np.frombuffer(data, ">u2").astype("<u2").tobytes()
    start, end = first // 8, (first + count + 7) // 8
    packed = np.frombuffer(data[start:end], np.uint8)
    unpacked = np.unpackbits(packed, bitorder="little")[first % 8 :]
    if not count or unpacked.size < count:
        raise ValueError("fewer bits than the overlay has")
    return unpacked[:count].astype(bool)


def _number(ds: Dataset, group: int, element: int, otherwise: int) -> int:
    return int(ds[group, element].value or otherwise) if (group, element) in ds else otherwise
