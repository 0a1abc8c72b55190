"""The tiles of a slide put together to one picture, each decoded no larger than it is there."""

from collections.abc import Callable

from PIL import Image

from preview.pictures.pixels import CannotDrawError
from preview.pictures.slides import Level

_GLASS = 255
"""What lies where a slide has no tile: light shines through it."""


def composed(
    level: Level,
    tile_size: tuple[int, int],
    size: tuple[int, int],
    draw: Callable[[int, tuple[int, int]], Image.Image],
) -> tuple[Image.Image, int]:
    """The picture in this size, and how many tiles are missing in it. Raises CannotDrawError if all are.

    ``tile_size``: columns and rows of a tile. ``draw``: the frame with an index, from 0, in at least so many
    pixels.
    """
    across, down = size[0] / level.columns, size[1] / level.rows
    picture: Image.Image | None = None
    failures = []
    for tile in level.tiles:
        left, right = round(tile.column * across), round((tile.column + tile_size[0]) * across)
        top, bottom = round(tile.row * down), round((tile.row + tile_size[1]) * down)
        room = max(1, right - left), max(1, bottom - top)
        try:
            drawn = draw(tile.index, room)
        except CannotDrawError as why:
            failures.append(why)
            continue
        picture = picture or _empty(size, drawn.mode)
        picture.paste(drawn.resize(room, Image.Resampling.BILINEAR, reducing_gap=2.0), (left, top))
    if picture is None:
        raise failures[0]
    return picture, len(failures)


def _empty(size: tuple[int, int], mode: str) -> Image.Image:
    """In colours the slide is lit from below; in grey it shines by itself."""
    return Image.new(mode, size, (_GLASS,) * 3 if mode == "RGB" else 0)
