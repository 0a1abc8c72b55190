"""Pictures somebody has looked at, of the files without a window: what a drawing must go on looking like.

``PYTHONPATH=.:tests/preview/pictures python -m golden FOLDER`` draws those that are missing, with a sheet of
them all to look at, before they are moved to the folder beside this file.
"""

import re
import sys
import tempfile
from io import BytesIO
from pathlib import Path

import numpy as np
from corpus import Entry, corpus
from PIL import Image, ImageDraw
from pydicom import Dataset, dcmread

from preview.pictures.drawing import Drawers, Drawing, DrawingKind

GOLDEN = Path(__file__).with_name("golden")
SIZE, MOST_FRAMES = 64, 4
SIZES = (SIZE, 256)
"""What is drawn; the smaller one is kept."""


def path_of(name: str) -> Path:
    return GOLDEN / f"{re.sub(r'[^A-Za-z0-9]+', '-', name)}.png"


def is_wanted(entry: Entry) -> bool:
    """Of what is drawn without a window, and not made of another file."""
    if entry.like:
        return False
    return told_contrast(dcmread(entry.path, force=True, stop_before_pixels=True)) is None


def told_contrast(ds: Dataset) -> list[str] | None:
    """How DCMTK is asked for the contrast that the object itself tells; None if it tells none."""
    if not str(ds.get("PhotometricInterpretation")).startswith("MONOCHROME"):
        return None
    if ds.get("WindowCenter") is not None:
        return ["+Wi", "1"]
    return ["+Wl", "1"] if ds.get("VOILUTSequence") else None


def strip(drawing: Drawing, size: int = SIZE) -> np.ndarray:
    """The first frames beside one another."""
    pictures = [one for one in drawing.pictures if one.size == size][:MOST_FRAMES]
    return np.concatenate([np.asarray(Image.open(BytesIO(one.png))) for one in pictures], axis=1)


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as made, Drawers(2) as drawers:
        wanted = [entry for entry in corpus(Path(made)) if is_wanted(entry)]
        drawn = [drawers.submit_file(entry.path, SIZES).result().drawing for entry in wanted]
    new = []
    for entry, drawing in zip(wanted, drawn, strict=True):
        if drawing.kind is not DrawingKind.CARD and not path_of(entry.name).exists():
            new.append((entry.name, Image.fromarray(strip(drawing))))
            new[-1][1].save(folder / path_of(entry.name).name, optimize=True)
    _sheet(new).save(folder / "sheet.png")


def _sheet(pictures: list[tuple[str, Image.Image]], columns: int = 4, width: int = 290) -> Image.Image:
    sheet = Image.new("RGB", (columns * width, -(-len(pictures) // columns) * 90), "navy")
    pen = ImageDraw.Draw(sheet)
    for number, (name, picture) in enumerate(pictures):
        place = (number % columns * width, number // columns * 90)
        pen.text((place[0] + 2, place[1]), name[-44:], fill="white")
        sheet.paste(picture.convert("RGB"), (place[0] + 4, place[1] + 16))
    return sheet


if __name__ == "__main__":
    main(Path(sys.argv[1]))
