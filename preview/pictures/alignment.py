"""Grey values in words that are larger than they are (PS3.5 8.1.1), also where they stand in other bits."""

from preview.pictures.decoding import Decoded, aligned, fits
from preview.pictures.smoothness import Array, smoother


def grey_values(decoded: Decoded, bits: int, high_bit: int, *, has_graphics: bool) -> Decoded:
    """As whole words have them in the bits that the object says, unless it is plain to see that it is wrong.

    Where all of them end at the lowest bit, they do not end higher up, with something else below, unless that
    may be graphics. And where whole words change little from pixel to pixel, and their lower bits alone jump,
    they are the values.
    """
    samples, facts = decoded
    if high_bit >= bits and not has_graphics and _end_at_the_lowest(samples, bits, high_bit):
        high_bit = bits - 1
    stated = aligned(decoded, bits, high_bit)
    if stated[0] is samples or high_bit >= bits or smoother(stated[0], samples) != 1:
        return stated
    return samples, facts | {"bits_stored": 8 * samples.itemsize}


def _end_at_the_lowest(samples: Array, bits: int, high_bit: int) -> bool:
    below = (1 << (high_bit - bits + 1)) - 1
    return fits(samples, bits) and bool((samples & below).any())
