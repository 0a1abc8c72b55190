"""Elements of more bytes than others may have: read if a picture needs them, and else it is said."""

from contextlib import contextmanager
from io import BytesIO

import numpy as np
import pypdfium2
import pytest
from PIL import Image
from pydicom import Dataset, Sequence
from pydicom.uid import BasicTextSRStorage
from samples import image, received, spooled

from preview.pictures import files, parsing
from preview.pictures.parsing import LONGEST_ELEMENT
from preview.pictures.pdf import ENCAPSULATED_PDF
from preview.pictures.pixels import Pixels
from preview.pictures.thumbnail import DrawingKind, draw


@pytest.fixture(params=["memory", "file"])
def drawn(request, tmp_path):
    """What becomes of an object that came in memory, or was streamed to a file."""

    @contextmanager
    def parsed(ds):
        if request.param == "memory":
            yield parsing.parse(received(ds))
        else:
            with files.spooled(spooled(ds, tmp_path / "x").file) as there:
                yield there

    def drawing(ds):
        ds.SOPInstanceUID = "1.2.3"
        with parsed(ds) as there:
            return draw(there.ds, pixels=Pixels(there.ds, there.stored, there.left_out))

    return drawing


def shown(drawing):
    return np.asarray(Image.open(BytesIO(drawing.pictures[0].png))).astype(int)


def grey(frames=1):
    return image(np.full((frames, 256, 256), 100, "u1"), WindowCenter=128, WindowWidth=256)


def with_a_window_for_each_frame(more):
    ds, groups = grey(2), []
    for centre in (50, 60):
        window, group = Dataset(), Dataset()
        window.WindowCenter, window.WindowWidth = centre, 20
        group.FrameVOILUTSequence = Sequence([window])
        group.private_block(0x0029, "MANY FACTS", create=True).add_new(1, "OB", bytes(more // 4 * 2))
        groups.append(group)
    del ds.WindowCenter, ds.WindowWidth
    ds.PerFrameFunctionalGroupsSequence = Sequence(groups)
    return ds


def with_graphics(longer):
    """A square on the first frame, and more bytes than the frames have."""
    ds, bits = grey(), np.zeros((256, 256), "u1")
    bits[100:140, 100:140] = 1
    for element, vr, value in ((0x10, "US", 256), (0x11, "US", 256), (0x40, "CS", "G"), (0x50, "SS", [1, 1])):
        ds.add_new((0x6000, element), vr, value)
    ds.add_new((0x6000, 0x3000), "OW", np.packbits(bits, bitorder="little").tobytes() + bytes(longer))
    return ds


def document(longer):
    with pypdfium2.PdfDocument.new() as pdf:
        pdf.new_page(200, 400)
        out = BytesIO()
        pdf.save(out)
    ds = Dataset()
    ds.SOPClassUID = ENCAPSULATED_PDF
    ds.add_new("EncapsulatedDocument", "OB", out.getvalue() + b" " * (longer + len(out.getvalue()) % 2))
    return ds


def test_what_is_said_of_each_frame_counts_however_long_it_is(drawn):
    drawing = drawn(with_a_window_for_each_frame(LONGEST_ELEMENT + 100))
    assert (drawing.window, drawing.reason) == ("50 / 20", None)


def test_graphics_are_drawn_however_many_there_are(drawn):
    assert shown(drawn(with_graphics(LONGEST_ELEMENT)))[120, 120] == 255


def test_a_long_document_shows_its_first_page(drawn):
    assert drawn(document(LONGEST_ELEMENT)).kind is DrawingKind.IMAGE


def test_what_is_longer_still_is_left_out_and_that_is_said(drawn, monkeypatch):
    monkeypatch.setattr(parsing, "MOST_NEEDED", LONGEST_ELEMENT + 50)
    framed = drawn(with_a_window_for_each_frame(LONGEST_ELEMENT + 100))
    assert framed.reason == "What the object says of its frames is too long to be read."
    marked = drawn(with_graphics(LONGEST_ELEMENT))
    assert (shown(marked)[120, 120], marked.reason) == (100, "The graphics are too long to be read.")
    assert drawn(document(LONGEST_ELEMENT)).reason == "The document is missing, or too long for a preview."


def structured_report(longer):
    ds, item, name = Dataset(), Dataset(), Dataset()
    ds.SOPClassUID = BasicTextSRStorage
    name.CodeValue, name.CodingSchemeDesignator, name.CodeMeaning = "18748-4", "LN", "Imaging Report"
    ds.ConceptNameCodeSequence = Sequence([name])
    item.RelationshipType, item.ValueType = "CONTAINS", "TEXT"
    item.TextValue = "Nothing of note." + " " * longer
    ds.ContentSequence = Sequence([item])
    return ds


def test_a_report_with_too_much_content_says_so_on_its_card(drawn):
    whole, longer = drawn(structured_report(0)), drawn(structured_report(LONGEST_ELEMENT))
    assert whole.reason == "Structured report: not an image"
    assert longer.reason == "Its content is too long to be read here: open it in the viewer."
    assert longer.about.title == whole.about.title == "Imaging Report"
    assert longer.about.lines == (longer.reason,)
    assert longer.pictures != whole.pictures
