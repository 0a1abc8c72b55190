"""The demo studies: what lies in the hospital's archive, and what an outside provider has."""

import tempfile
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from functools import partial
from pathlib import Path

from pydicom import Dataset

from preview.demo import people
from preview.demo.headers import (
    OF_INTEREST,
    REJECTED_FOR_QUALITY,
    SeriesHead,
    StudyHead,
    from_sample,
    report,
    selection,
)
from preview.demo.phantoms import Weighting
from preview.demo.series import chest_films, cine, ct_series, hand_film, mammogram, mr_series, scouts

VERSION = 3
STAMP = ".demo-studies"

SAMPLES = (
    ("examples_jpeg2k.dcm", "US", "JPEG 2000 lossless, colour"),
    ("693_J2KI.dcm", "CT", "JPEG 2000"),
    ("JPEG2000.dcm", "NM", "JPEG 2000, 16 bits"),
    ("MR_small_RLE.dcm", "MR", "RLE lossless"),
    ("examples_ybr_color.dcm", "US", "JPEG baseline, 30 frames"),
    ("SC_rgb_rle_2frame.dcm", "OT", "RLE lossless, colour, 2 frames"),
    ("SC_rgb_jpeg_dcmtk.dcm", "OT", "JPEG baseline, colour"),
    ("MR_small_jpeg_ls_lossless.dcm", "MR", "JPEG-LS lossless"),
    ("JPGExtended.dcm", "NM", "JPEG extended, 12 bits"),
)
"""File in pydicom's wheel, modality, description. For the last two no decoder is installed: on purpose."""

FINDINGS = (
    "Phantom of a chest. Lungs clear, no effusion. Heart of normal size.",
    "Written by nobody about nobody: demonstration only.",
)


def make_main(folder: Path, today: date | None = None) -> Path:
    """Write the hospital's studies into ``folder`` unless this month's are there already."""
    day = today or date.today()
    return _make(folder, day, partial(main_studies, day))


def make_outside(folder: Path, today: date | None = None) -> Path:
    """The same for Riverside Radiology."""
    day = today or date.today()
    return _make(folder, day, partial(outside_studies, day))


def main_studies(today: date) -> Iterator[Dataset]:
    yield from _okafor(today)
    yield from _lindqvist(today)
    yield from _nakamura(today)
    yield from _brown(today)


def _okafor(today: date) -> Iterator[Dataset]:
    ct = StudyHead(1, people.OKAFOR, _ago(today, 3), "CT chest with contrast", "143205")
    yield from scouts(SeriesHead(ct, 1, "CT", "Scout", "CHEST"))
    axial = list(ct_series(SeriesHead(ct, 2, "CT", "Chest axial 2.5 mm", "CHEST"), 120))
    yield from axial
    yield report(SeriesHead(ct, 3, "SR", "Report"), FINDINGS)
    key = [axial[46], axial[83]]
    yield selection(SeriesHead(ct, 4, "KO", "Key images"), OF_INTEREST, key, "Two slices to look at first.")
    films = StudyHead(2, people.OKAFOR, _ago(today, 41), "CR chest", "082210")
    yield from chest_films(SeriesHead(films, 1, "CR", "Chest PA", "CHEST"))
    abdomen = StudyHead(3, people.OKAFOR, _ago(today, 152), "US abdomen", "111730")
    yield from cine(SeriesHead(abdomen, 1, "US", "Aorta, colour Doppler", "ABDOMEN"))
    breast = StudyHead(4, people.OKAFOR, _ago(today, 290), "Mammography", "093000")
    yield from mammogram(SeriesHead(breast, 1, "MG", "L CC", "BREAST"))
    prior = StudyHead(5, people.OKAFOR, _ago(today, 758), "CT chest", "160455")
    yield from ct_series(SeriesHead(prior, 1, "CT", "Chest axial 7.5 mm", "CHEST"), 40, phase=500)
    undated = StudyHead(6, people.OKAFOR, None, "MR head (from a disc, no date)")
    yield from mr_series(SeriesHead(undated, 1, "MR", "T2 axial", "HEAD"), 12, Weighting.T2)


def _lindqvist(today: date) -> Iterator[Dataset]:
    head = StudyHead(7, people.LINDQVIST, _ago(today, 12), "MR head", "075840", "Sjögren^Åsa^^Dr")
    for number, weighting in enumerate(Weighting, 1):
        series = SeriesHead(head, number, "MR", f"{weighting} axial", "HEAD")
        slices = list(mr_series(series, 24, weighting, interleaved=True))
        yield from slices
    rejection = SeriesHead(head, 4, "KO", "Rejected images")
    yield selection(rejection, REJECTED_FOR_QUALITY, slices[:1], "The patient moved.")
    mixed = StudyHead(8, people.LINDQVIST, _ago(today, 200), "Compressed images of many kinds", "120000")
    for number, (file, modality, description) in enumerate(SAMPLES, 1):
        yield from_sample(file, SeriesHead(mixed, number, modality, description))


def _nakamura(today: date) -> Iterator[Dataset]:
    film = StudyHead(9, people.NAKAMURA, _ago(today, 25), "CR hand right", "174512")
    yield from hand_film(SeriesHead(film, 1, "CR", "Hand AP", "HAND"))
    ct = StudyHead(10, people.NAKAMURA, _ago(today, 401), "CT head", "101933")
    yield from_sample("CT_small.dcm", SeriesHead(ct, 1, "CT", "Single slice"))


def _brown(today: date) -> Iterator[Dataset]:
    own = StudyHead(11, people.BROWN, _ago(today, 60), "CR chest", "132000")
    yield from chest_films(SeriesHead(own, 1, "CR", "Chest PA", "CHEST"), noise=7)
    other = StudyHead(12, people.BROWN_BORN_OTHERWISE, _ago(today, 90), "CT chest", "091210")
    yield from ct_series(SeriesHead(other, 1, "CT", "Chest axial", "CHEST"), 16, phase=700)
    green = StudyHead(13, people.GREEN_UNDER_BROWNS_ID, _ago(today, 130), "US neck", "151500")
    yield from_sample("examples_rgb_color.dcm", SeriesHead(green, 1, "US", "Thyroid"))


def outside_studies(today: date) -> Iterator[Dataset]:
    shared = StudyHead(2, people.OKAFOR_OUTSIDE, _ago(today, 41), "Chest X-ray", "082210")
    yield from chest_films(SeriesHead(shared, 1, "CR", "Chest PA", "CHEST"))
    swapped = StudyHead(101, people.OKAFOR_OUTSIDE_SWAPPED, _ago(today, 220), "CT thorax", "140100")
    yield from ct_series(SeriesHead(swapped, 1, "CT", "Thorax", "CHEST"), 20, phase=900)
    head = StudyHead(102, people.LINDQVIST_OUTSIDE, _ago(today, 330), "MRI brain", "083000")
    yield from mr_series(SeriesHead(head, 1, "MR", "FLAIR", "HEAD"), 16, Weighting.FLAIR)
    twin = StudyHead(103, people.BROWNS_TWIN, _ago(today, 75), "Chest X-ray", "101500")
    yield from chest_films(SeriesHead(twin, 1, "CR", "Chest PA", "CHEST"), noise=9)
    disc = StudyHead(104, people.NAKAMURA_OUTSIDE, _ago(today, 310), "X-ray hand (from a disc)", "093500")
    yield from hand_film(SeriesHead(disc, 1, "CR", "Hand AP", "HAND"))


def _ago(today: date, days: int) -> date:
    return today - timedelta(days=days)


def _make(folder: Path, today: date, studies: Callable[[], Iterator[Dataset]]) -> Path:
    """Written beside and renamed at the end: an interrupted start leaves no half set behind."""
    stamp = f"{VERSION} {today:%Y-%m}\n"
    if _stamp_of(folder) == stamp:
        return folder
    _refuse_strangers(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as beside:
        fresh = Path(beside) / "new"
        fresh.mkdir()
        for ds in studies():
            _write(fresh, ds)
        (fresh / STAMP).write_text(stamp)
        if folder.exists():
            folder.rename(Path(beside) / "old")
        fresh.rename(folder)
    return folder


def _stamp_of(folder: Path) -> str:
    stamp = folder / STAMP
    return stamp.read_text() if stamp.is_file() else ""


def _refuse_strangers(folder: Path) -> None:
    """A folder of somebody's own must not be replaced by ours."""
    if folder.exists() and any(folder.iterdir()) and not _stamp_of(folder):
        raise FileExistsError(f"{folder} is neither empty nor a set of demo studies")


def _write(folder: Path, ds: Dataset) -> None:
    place = folder / f"study-{ds.StudyID}" / f"series-{ds.SeriesNumber}"
    place.mkdir(parents=True, exist_ok=True)
    ds.save_as(place / f"{ds.InstanceNumber:04d}.dcm", enforce_file_format=True)
