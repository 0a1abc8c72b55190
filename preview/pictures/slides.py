"""Whole-slide microscopy (PS3.3 C.8.12.4): which of the many objects of a slide make a picture."""

from pydicom import Dataset

from fetch.sources.reading import text, texts

_SLIDES = "1.2.840.10008.5.1.4.1.1.77.1.6"


def why_not_drawn(ds: Dataset, frames: int) -> str | None:
    """Why this part of a slide is none: only what shows the slide in one piece is. None for all else.

    A level of full resolution has thousands of tiles (C.8.12.4.1.1: VOLUME), each of which shows nothing
    that anybody would recognise; the photograph of the label has only words.
    """
    if text(ds, "SOPClassUID") != _SLIDES:
        return None
    if "LABEL" in texts(ds, "ImageType")[2:3]:
        return "The label of a slide is not drawn."
    if frames > 1:
        return f"A level of a slide in {frames} tiles: only overviews in one piece are drawn."
    return None
