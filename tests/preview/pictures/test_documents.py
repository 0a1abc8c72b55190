"""What is drawn of objects that are no images: pages, texts, and cards that say what they are."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import (
    BasicTextSRStorage,
    EncapsulatedPDFStorage,
    ExplicitVRLittleEndian,
    KeyObjectSelectionDocumentStorage,
)
from samples import received, sample

from preview.pictures import cards
from preview.pictures.drawing import Drawers
from preview.pictures.letters import legible
from preview.pictures.report import report
from preview.pictures.thumbnail import DrawingKind, draw


def seen(drawing, place=0):
    return np.asarray(Image.open(BytesIO(drawing.pictures[place].png))).astype(int)


def a(sop_class, **facts):
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.SOPClassUID, ds.SOPInstanceUID = sop_class, "1.2.3"
    for keyword, value in facts.items():
        setattr(ds, keyword, value)
    return ds


def having(**facts):
    ds = Dataset()
    for keyword, value in facts.items():
        setattr(ds, keyword, value)
    return ds


def code(meaning, value="1"):
    return [having(CodeValue=value, CodingSchemeDesignator="99X", CodeMeaning=meaning)]


def item(kind, name, relation="CONTAINS", value="1", **facts):
    return having(
        ValueType=kind, RelationshipType=relation, ConceptNameCodeSequence=code(name, value), **facts
    )


def measured(number, unit):
    return [having(NumericValue=number, MeasurementUnitsCodeSequence=code(unit, unit))]


def structured(*content, title="Chest CT report", **more):
    return a(BasicTextSRStorage, ConceptNameCodeSequence=code(title), ContentSequence=list(content), **more)


def pdf(pages=1, size=(200, 400), colour=(200, 30, 30)):
    out, sheet = BytesIO(), Image.new("RGB", size, colour)
    sheet.paste((255, 255, 255), (0, 0, size[0], size[1] // 2))
    sheet.save(out, "PDF", save_all=True, append_images=[Image.new("RGB", (50, 50))] * (pages - 1))
    return out.getvalue()


def document(content):
    return a(EncapsulatedPDFStorage, EncapsulatedDocument=content)


# PDF


def test_the_first_page_of_a_pdf_is_drawn_upright_and_in_its_shape():
    drawing = draw(document(pdf()))
    assert (drawing.kind, drawing.frames, drawing.reason) == (DrawingKind.IMAGE, 1, None)
    shown = seen(drawing)
    assert shown.shape == (256, 128, 3)
    assert np.abs(shown[40, 64] - (255, 255, 255)).max() <= 4
    assert np.abs(shown[220, 64] - (200, 30, 30)).max() <= 12


def test_further_pages_are_counted():
    assert draw(document(pdf(3))).reason == "The first of 3 pages is shown."


def test_a_page_can_be_enlarged_but_not_to_read_all_of_it():
    drawing = draw(document(pdf()), sizes=(256, 2000))
    assert [(p.width, p.height) for p in drawing.pictures] == [(128, 256), (384, 768)]
    assert drawing.largest == 768


@pytest.mark.parametrize("size", [(1, 3000), (3000, 1)])
def test_a_page_of_any_shape_costs_no_memory(size):
    assert max(seen(draw(document(pdf(size=size)))).shape[:2]) == 256


@pytest.mark.parametrize("box", [b"[0 0 9e9 9e9]", b"[0 0 0 0]", b"[0 0 -5 5]", b"[0 0 1e-9 1]", b"[a b]"])
def test_what_size_a_page_claims_costs_no_memory(box):
    content = pdf()
    begin = content.index(b"/MediaBox") + len(b"/MediaBox ")
    end = content.index(b"]", begin) + 1
    with Drawers(1) as drawers:
        drawn = drawers.submit(received(document(content[:begin] + box + content[end:]))).result()
    assert not drawn.crashed
    assert drawn.drawing.pictures


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "The document is missing, or too long for a preview."),
        (b"PK\3\4 something else", "The document is not a PDF."),
        (b"%PDF-1.4 and no more", "The document cannot be read: it is damaged or encrypted."),
        (pdf()[:400], "The document cannot be read: it is damaged or encrypted."),
    ],
)
def test_a_pdf_that_cannot_be_drawn_is_a_card_that_says_why(content, reason):
    drawing = draw(document(content))
    assert (drawing.kind, drawing.reason) == (DrawingKind.CARD, reason)
    assert seen(drawing).max() > 200


def test_a_pdf_goes_through_a_drawing_process_and_gives_the_same_bytes():
    with Drawers(1) as drawers:
        first, second = (drawers.submit(received(document(pdf()))).result() for _ in range(2))
    assert first.drawing == second.drawing == draw(document(pdf()))


# Reports


def test_a_report_tells_its_title_and_first_lines():
    told = report(
        structured(
            item(
                "CONTAINER", "Findings", ContentSequence=[item("TEXT", "Finding", TextValue="A mass\r\nof")]
            ),
            item("NUM", "Diameter", MeasuredValueSequence=measured("12.50", "mm")),
            item("NUM", "Ratio", MeasuredValueSequence=measured("0.4", "1")),
            item("CODE", "Site", ConceptCodeSequence=code("Right lung")),
        )
    )
    assert told.title == "Chest CT report"
    assert told.lines == (
        "Findings", "Finding: A mass of", "Diameter: 12.5 mm", "Ratio: 0.4", "Site: Right lung"
    )  # fmt: skip


def modifier(name, meaning, value="1", **facts):
    return item("CODE", name, "HAS CONCEPT MOD", value, ConceptCodeSequence=code(meaning), **facts)


def test_what_modifies_a_statement_is_told_with_it():
    """A verdict that was ruled out is the opposite of that verdict."""
    side = modifier("Laterality", "Left")
    told = report(
        structured(
            item(
                "CODE", "Verdict", ConceptCodeSequence=code("Malignant"),
                ContentSequence=[
                    modifier("Certainty", "Ruled out"),
                    modifier("Language", "English", "121049"),
                    item("TEXT", "Observer", relation="HAS OBS CONTEXT", TextValue="Dr. Who"),
                ],
            ),
            item(
                "NUM", "Diameter", MeasuredValueSequence=measured("12", "mm"),
                ContentSequence=[modifier("Site", "Lung", ContentSequence=[side]), side],
            ),
            item("CONTAINER", "Findings", ContentSequence=[item("DATE", "On", "HAS CONCEPT MOD"), side]),
            item("CODE", "Side", ConceptCodeSequence=code("x"), ContentSequence=[side] * 9),
            modifier("Procedure", "CT"),
        )
    )  # fmt: skip
    assert told.title == "Chest CT report (Procedure: CT)"
    assert told.lines == (
        "Verdict: Malignant (Certainty: Ruled out)",
        "Diameter: 12 mm (Site: Lung (Laterality: Left), Laterality: Left)",
        "Findings (…, Laterality: Left)",
        f"Side: x ({'Laterality: Left, ' * 8}…)",
    )


def test_a_modifier_that_names_somebody_takes_its_statement_with_it():
    whose = modifier("Of", "Zoe Sentinel")
    finding = item("CODE", "Finding", ConceptCodeSequence=code("Mass"), ContentSequence=[whose])
    assert report(structured(finding, PatientName="Sentinel^Zoe")).lines == ("…",)


def test_modifiers_without_end_end():
    nested = modifier("Of", "x")
    for _ in range(50):
        nested = modifier("Of", "x", ContentSequence=[nested] * 8)
    assert "(…)" in report(structured(item("CONTAINER", "A", ContentSequence=[nested] * 20))).lines[0]


@pytest.mark.parametrize(
    ("flags", "first"),
    [
        ({"VerificationFlag": "UNVERIFIED"}, "Unverified"),
        ({"CompletionFlag": "PARTIAL", "VerificationFlag": "UNVERIFIED"}, "Partial, unverified"),
        ({"CompletionFlag": "COMPLETE", "PreliminaryFlag": "PRELIMINARY"}, "Preliminary"),
        ({"CompletionFlag": "COMPLETE", "VerificationFlag": "VERIFIED"}, "Finding: A mass."),
    ],
)
def test_a_report_that_is_not_final_says_so_first(flags, first):
    assert report(structured(item("TEXT", "Finding", TextValue="A mass."), **flags)).lines[0] == first


def test_lines_that_cannot_be_written_leave_a_trace_among_others():
    written, unwritten = "Unverified", "\u80ba\u306b\u7d50\u7bc0"
    shown, wanted = (
        cards.page(256, "Report", "", lines)
        for lines in ([written, unwritten, unwritten, written], [written, "…", written])
    )
    assert np.array_equal(np.asarray(shown), np.asarray(wanted))


def test_nobody_is_named_by_a_report():
    told = report(
        structured(
            item("PNAME", "Subject", PersonName="Sentinel^Zoe"),
            item("TEXT", "Subject Name", value="121029", TextValue="somebody"),
            item("TEXT", "Observer", relation="HAS OBS CONTEXT", TextValue="Dr. Who"),
            item("DATE", "Date of birth", Date="19700102"),
            item("TEXT", "Finding", TextValue="Mrs. SENTINEL has a mass."),
            item("TEXT", "Finding", TextValue="Born on 02.01.1970."),
            item("TEXT", "Finding", TextValue="Number AB-4711x."),
            item("TEXT", "Finding", TextValue="A mass."),
            title="Report on Zoe",
            PatientName="Sentinel^Zoe=\u5c71\u7530^A",
            PatientID="AB-4711",
            PatientBirthDate="19700102",
        )
    )
    assert (told.title, told.lines) == ("", ("…", "Finding: A mass."))


def test_nobody_is_named_by_a_report_in_other_spellings():
    """More of them: test_mentions.py"""
    told = report(
        structured(
            item("TEXT", "Finding", TextValue="Frau MUELLER hat eine Raumforderung."),
            item("TEXT", "Finding", TextValue="Geboren am 2. Januar 1970."),
            item("TEXT", "Finding", TextValue="Nummer 4711."),
            item("CODE", "Subject", ConceptCodeSequence=code("Zoë Muller")),
            item("TEXT", "Finding", TextValue="Raumforderung."),
            title="Befund zoemueller",
            PatientName="Müller^Zoe",
            PatientID="00 004711",
            PatientBirthDate="19700102",
        )
    )
    assert (told.title, told.lines) == ("", ("…", "Finding: Raumforderung."))


def test_a_long_line_is_not_cut_within_a_word():
    told = report(structured(item("TEXT", "Finding", TextValue="x" * 395 + " Sentinel, and more")))
    assert told.lines == ("Finding: " + "x" * 395 + " …",)


def test_text_that_is_cut_off_says_so():
    """Half a sentence may mean its opposite."""
    whole = [f"Finding {number}" for number in range(40)]
    font = cards._font(12)
    assert cards._first(whole, 3, font, 200) == ["Finding 0", "Finding 1", "Finding 2 …"]
    assert cards._first(["no sign of", "anything"], 1, font, font.getlength("no sign of")) == ["no sign …"]
    assert cards._first(whole[:2], 2, font, 200) == whole[:2]
    assert cards._first(whole, 0, font, 200) == []


def test_a_word_that_is_longer_than_a_line_is_broken():
    font = cards._font(12)
    lines = cards._wrapped("Segmentation_of_the_left_lung_by_somebody is here", font, 100)
    assert "".join(lines).replace(" ", "") == "Segmentation_of_the_left_lung_by_somebodyishere"
    assert all(font.getlength(line) <= 100 for line in lines)
    assert cards._wrapped("m", font, 1) == ["m"]


def test_a_report_is_drawn_with_its_words():
    plain = draw(structured(title=""))
    drawing = draw(structured(item("TEXT", "Finding", TextValue="A mass. " * 40)))
    assert (drawing.kind, drawing.frames) == (DrawingKind.CARD, 0)
    assert drawing.reason == "Structured report: not an image"
    assert np.count_nonzero(seen(drawing) > 100) > 2 * np.count_nonzero(seen(plain) > 100)
    assert seen(drawing)[-4:].max() == 0, "nothing is cut off at the edge"


def test_content_without_end_ends():
    nested = item("TEXT", "Finding", TextValue="x")
    for _ in range(50):
        nested = item("CONTAINER", "More", ContentSequence=[nested] * 2)
    assert len(report(structured(nested)).lines) <= 40


@pytest.mark.parametrize("keyword", ["ContentSequence", "ConceptNameCodeSequence"])
def test_a_sequence_that_is_none_says_nothing(keyword):
    ds = structured(item("TEXT", "Finding", TextValue="x"))
    ds.add_new(keyword, "LO", "1.2.3")
    assert draw(ds).kind is DrawingKind.CARD


# Other kinds


@pytest.mark.parametrize(
    ("ds", "title", "lines"),
    [
        (
            a(
                KeyObjectSelectionDocumentStorage,
                ConceptNameCodeSequence=code("Of Interest"),
                ContentSequence=[
                    item("IMAGE", "", ReferencedSOPSequence=[having(ReferencedSOPInstanceUID="1.2.9")]),
                    item("TEXT", "Key Object Description", TextValue="Look here"),
                ],
            ),
            "Of Interest",
            ("1 image", "Key Object Description: Look here"),
        ),
        (sample("waveform_ecg.dcm"), "", ("12 channels, 10 s", "12 channels, 1.2 s")),
        (a("1.2.840.10008.5.1.4.1.1.2", ContentLabel="an image"), "", ()),
        (Dataset(), "", ()),
    ],
)
def test_a_card_says_what_is_in_the_object(ds, title, lines):
    told = report(ds)
    assert (told.title, told.lines) == (title, lines)


@pytest.mark.parametrize(
    ("written", "drawn"),
    [
        ("Müller-Größe Ødem", "Muller-Grosse Odem"),
        ("5 µm ± 2 °C", "5 um ± 2 °C"),
        ("Really?", "Really?"),
        ("所見 肺", ""),
        ("가슴", ""),
        ("Заключение: без особенностей", "Zaklyuchenie: bez osobennostey"),
        ("Ευρήματα 5 μm", "Eyrimata 5 um"),
        ("2½ × 10² mm → ﬁne", "2 1/2 * 10^2 mm -> fine"),
        ("Kidney size \u80be", "Kidney size ?"),
        ("5 μ; 5 µ; 5 \u00b5l", "5 u; 5 u; 5 ul"),
        ("5‰", "5 per mille"),
        ("∆ 5 mm, Δp", "delta 5 mm, deltap"),
        ("☐ nein", "[ ] nein"),
        ("Kontrolle ☑ ja", "Kontrolle [x] ja"),
        ("x ≠ y, x ≤ y, −12, 10⁻³", "x =/= y, x <= y, -12, 10^-^3"),
        ("Ø 12 mm, Ødem", "diameter 12 mm, Odem"),
        ("37℃, 37º, 20′5″", "37°C, 37°, 20'5\""),
        ("↑ ♂ 5 kΩ 1⁄4", "(up) (male) 5 kOhm 1⁄4"),
        ("a mass ✗ and another", "a mass ? and another"),
        ("evi\u00addence of 1\u00a0000", "evidence of 1 000"),
        ("mean x\u0304 5㎜ （a）", "mean x 5mm (a)"),
    ],
)
def test_letters_that_the_typeface_lacks_are_spelt_or_left_out(written, drawn):
    assert legible(written) == drawn


def test_a_report_in_letters_that_cannot_be_written_here_says_so():
    unwritten = draw(structured(item("TEXT", "\u6240\u898b", TextValue="\u80ba\u306b\u7d50\u7bc0"), title=""))
    assert not np.array_equal(seen(unwritten), seen(draw(structured(title=""))))
    assert np.array_equal(seen(unwritten), np.asarray(cards.card(256, "Structured report", cards._ILLEGIBLE)))


def test_a_class_that_nobody_knows_is_a_card_with_a_name():
    drawing = draw(a("1.2.3.4.5"))
    assert (drawing.kind, drawing.reason) == (DrawingKind.CARD, "Unknown kind of object: not an image")
