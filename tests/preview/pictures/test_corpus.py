"""Some hundreds of files: each is drawn or says why not, and looks as in DCMTK or as somebody has seen it."""

import subprocess
from io import BytesIO

import numpy as np
import pytest
from corpus import corpus
from golden import GOLDEN, SIZES, is_wanted, path_of, strip, told_contrast
from likeness import ssim
from PIL import Image
from pydicom import dcmread

from preview.pictures.drawing import Drawers, DrawingKind
from preview.pictures.shape import scaled

LIKE_DCMTK, LIKE_THE_ORIGINAL, LIKE_BEFORE = 0.98, 0.97, 0.98

DIFFERENT = {
    "padded/value-1": "We are right: padding is excluded from the grey scale pipeline (PS3.3 C.7.5.1.1.2); "
    "DCMTK inverts it, and it shines.",
    "padded/above-the-bits-stored": "We are right, as above; DCMTK cuts padding to the bits of the values "
    "and shows it as one of them.",
    **dict.fromkeys(
        ("windows/identity-presentation-1", "windows/inverse-presentation-2"),
        "We are right: the photometric interpretation says what is white (PS3.3 C.7.6.3.1.2), and the shape "
        "of the presentation look-up table only repeats it (C.8.11.3, which forbids these pairs). DCMTK "
        "believes the shape; so did dcm4chee, until X-ray images came out inverted "
        "(dcm4chee-arc-light#3155).",
    ),
    **dict.fromkeys(
        ("dicomdirtests/77654033/CT2/17166", "dicomdirtests/77654033/CT2/17196"),
        "DCMTK's is what the standard says, and even white: their window lies outside all values. Ours shows "
        "what there is, and says that it does not use the window.",
    ),
    **dict.fromkeys(
        ("graphics/beside-6000", "graphics/beside-6002", "graphics/in-bit-12", "graphics/in-bit-0"),
        "Both are right: how a graphic looks is not standardised (PS3.3 C.9.2). Ours has a dark edge, "
        "to be seen on white.",
    ),
}
"""Where DCMTK's picture is another, why, and which of the two is right by the standard."""

BY_OTHERS_ONLY = (
    *("1.2.840.10008.1.2.4.9", "1.2.840.10008.1.2.4.20"),  # JPEG 2000, HTJ2K
    "1.2.840.10008.1.2.4.50",  # one file without an end: SC_rgb_jpeg.dcm
)
"""Transfer syntaxes (how their UIDs begin) with files that this DCMTK cannot read."""

CARDS = {
    "not an image": (
        *("ExplVR_BigEndNoMeta.dcm", "ExplVR_LitEndNoMeta.dcm", "empty_charset_LEI.dcm"),
        *("liver_1frame.dcm", "liver_expb_1frame.dcm"),
        *("reportsi.dcm", "reportsi_with_empty_number_tags.dcm", "rtplan.dcm", "rtplan_truncated.dcm"),
        *("rtstruct.dcm", "test-SR.dcm", "waveform_ecg.dcm", "none/presentation-state"),
        *("none/key-object-selection", "none/structured-report", "none/segmentation"),
        *("none/radiotherapy-structure-set", "none/spatial-registration", "none/raw-data"),
        *("none/unknown-kind-of-object", "dicomdirtests/TINY_ALPHA/DICOMDIR", "dicomdirtests/DICOMDIR"),
        *(f"dicomdirtests/DICOMDIR-{kind}" for kind in ("bigEnd", "empty.dcm", "implicit", "nooffset")),
        *(f"dicomdirtests/DICOMDIR-{kind}" for kind in ("nopatient", "reordered")),
    ),
    "does not say how large": (
        *("meta_missing_tsyntax.dcm", "nested_priv_SQ.dcm", "none/no-size", "UN_sequence.dcm"),
        *("no_meta_group_length.dcm", "priv_SQ.dcm"),
        *(f"dicomdirtests/TINY_ALPHA/PT000000/ST000000/SE000000/IM00000{number}" for number in range(2)),
    ),
    "incomplete": ("MR_truncated.dcm", "none/half-of-the-pixels", "none/enormous"),
    "cannot be decoded": ("JPEG2000-embedded-sequence-delimiter.dcm",),
    "not a DICOM file": ("no_meta.dcm",),
    "film": ("none/syntax-100", "none/syntax-102", "none/syntax-107"),
    "cannot be drawn yet": ("none/syntax-66",),
    "without its pixels": ("none/no-pixels",),
    "too large": ("none/enormous-in-runs",),
}
"""All that cannot be drawn, by a word of the reason that it gives."""


@pytest.fixture(scope="module")
def entries(tmp_path_factory):
    return {entry.name: entry for entry in corpus(tmp_path_factory.mktemp("corpus"))}


@pytest.fixture(scope="module")
def drawn(entries):
    with Drawers(2) as drawers:
        futures = {name: drawers.submit_file(entry.path, SIZES) for name, entry in entries.items()}
        return {name: future.result() for name, future in futures.items()}


@pytest.fixture(scope="module")
def drawings(drawn):
    """Of what is no card."""
    return {name: one.drawing for name, one in drawn.items() if one.drawing.kind is not DrawingKind.CARD}


def seen(drawing):
    """The first frame at 256 pixels."""
    return Image.open(BytesIO(next(one.png for one in drawing.pictures if one.size == 256)))


def by_dcmtk(entry, folder, contrast):
    """Its first frame as it is stored; None where DCMTK cannot read it."""
    syntax = dcmread(entry.path, force=True, stop_before_pixels=True).file_meta.get("TransferSyntaxUID", "")
    tool = "dcml2pnm" if syntax.startswith("1.2.840.10008.1.2.4.8") else "dcmj2pnm"
    out = folder / "dcmtk.ppm"
    ran = subprocess.run(
        [tool, *contrast, "+op", entry.path, out], capture_output=True, check=False, timeout=30
    )
    if ran.returncode:
        assert syntax.startswith(BY_OTHERS_ONLY) or entry.name == "palettes/segmented", ran.stderr[-200:]
        return None
    return Image.open(out).copy()


def test_there_are_enough_files_and_every_way_to_encode_them(entries):
    assert len(entries) >= 150
    syntaxes = {
        dcmread(entry.path, force=True, stop_before_pixels=True).file_meta.get("TransferSyntaxUID")
        for entry in entries.values()
    }
    assert len(syntaxes) >= 20


def test_every_file_is_drawn_or_says_why_not(drawn):
    cards = {name: one.drawing.reason for name, one in drawn.items() if one.drawing.kind is DrawingKind.CARD}
    wrong = [
        (name, cards.get(name))
        for reason, names in CARDS.items()
        for name in names
        if reason not in cards.get(name, "")
    ]
    assert wrong == []
    assert cards.keys() == {name for names in CARDS.values() for name in names}
    assert not [name for name, one in drawn.items() if one.crashed or not one.drawing.pictures]


def test_what_tells_its_contrast_or_has_colours_looks_as_dcmtk_draws_it(entries, drawings, tmp_path):
    likeness = {}
    for name, drawing in drawings.items():
        ds = dcmread(entries[name].path, force=True, stop_before_pixels=True)
        contrast = told_contrast(ds)
        if contrast is None and str(ds.PhotometricInterpretation).startswith("MONOCHROME"):
            continue
        theirs = by_dcmtk(entries[name], tmp_path, contrast or ())
        if theirs is not None:
            ours = seen(drawing)
            likeness[name] = ssim(ours, scaled(theirs, *ours.size))
    assert len(likeness) >= 200
    assert {name: value for name, value in likeness.items() if value < LIKE_DCMTK}.keys() == DIFFERENT.keys()


def test_what_was_transcoded_looks_as_before(entries, drawings):
    """Without loss to the last bit, also in the syntaxes that DCMTK cannot read."""
    compared = [entry for entry in entries.values() if entry.like]
    assert len(compared) >= 100
    different = {}
    for entry in compared:
        ours, original = drawings[entry.name], drawings[entry.like]
        likeness = ssim(seen(ours), seen(original))
        is_lossy = dcmread(entry.path, stop_before_pixels=True).get("LossyImageCompression") == "01"
        loses = is_lossy or entry.name.endswith((" j2k", " htj2k"))
        if likeness < LIKE_THE_ORIGINAL or (ours.pictures != original.pictures and not loses):
            different[entry.name] = likeness
    assert different == {}


def test_what_has_no_window_looks_as_somebody_has_seen_it(entries, drawings):
    wanted = {name: drawings[name] for name in drawings if is_wanted(entries[name])}
    assert {path_of(name) for name in wanted} == set(GOLDEN.iterdir())
    different = {}
    for name, drawing in wanted.items():
        ours, before = strip(drawing), np.asarray(Image.open(path_of(name)))
        if ours.shape != before.shape or ssim(ours, before) < LIKE_BEFORE:
            different[name] = ours.shape
        elif np.abs(ours.astype(int) - before).mean() > 2:
            different[name] = "shades"
    assert different == {}


def test_the_pictures_that_were_looked_at_are_few_bytes():
    assert sum(path.stat().st_size for path in GOLDEN.iterdir()) < 500_000


def test_pictures_that_differ_are_not_called_alike():
    """A mirrored, a turned, an inverted, a shifted and a brighter picture are noticed."""
    picture = np.asarray(Image.open(path_of("CT_small.dcm"))).astype(int)
    brighter = np.minimum(picture * 3, 255)
    for other in (picture[::-1], picture[:, ::-1], picture.T, 255 - picture, np.roll(picture, 2), brighter):
        assert ssim(picture, other) < LIKE_DCMTK
    assert ssim(picture, picture) == 1
