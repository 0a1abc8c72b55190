"""Grey values in words that are larger than they are (PS3.5 8.1.1), also where they stand in other bits."""

from preview.pictures.decoding import Decoded, aligned, fits
from preview.pictures.padding import Range, with_padding
from preview.pictures.smoothness import Array, smoother


def grey_values(
    decoded: Decoded, bits: int, high_bit: int, *, has_graphics: bool, hidden: Range | None = None
) -> Decoded:
    """As whole words have them in the bits that the object says, unless it is plain to see that it is wrong.

    Where all of them end at the lowest bit, they do not end higher up, with something else below, unless that
    may be graphics. And where whole words change little from pixel to pixel, and their lower bits alone jump,
    they are the values. ``hidden``: words that are padding, which are left as they are.
    """
    samples, facts = decoded
    if not has_graphics:
        high_bit = highest_bit(samples, bits, high_bit)
    stated = aligned(decoded, bits, high_bit)
    if stated[0] is samples or high_bit >= bits or smoother(stated[0], samples) != 1:
        return with_padding(stated[0], samples, bits, hidden), stated[1]
    return samples, facts | {"bits_stored": 8 * samples.itemsize}


def highest_bit(samples: Array, bits: int, high_bit: int) -> int:
    """Of the values in these whole words, beside which there are no graphics: the one that the object says,
    unless all of them end at the lowest.
    """
    below = (1 << (high_bit - bits + 1)) - 1
    ends_at_lowest = high_bit >= bits and fits(samples, bits) and bool((samples & below).any())
    return bits - 1 if ends_at_lowest else high_bit
