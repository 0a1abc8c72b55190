"""What stands beside the picture: the words of a document as text, and the patient's other studies."""

import re
from datetime import date
from functools import partial
from io import BytesIO

import pytest
from PIL import Image
from pydicom.uid import EncapsulatedPDFStorage, generate_uid
from sqlalchemy import select, update
from support.inspecting import text_of
from support.studies import OKAFOR, study
from support.visits import UID, opened

from preview.demo.headers import SeriesHead, StudyHead, report
from preview.page import Other, ViewerFacts
from preview.records import Arrival, InstanceRow

SENTENCES = ("No pleural effusion.", "Adaeze Okafor was told.", "Heart of normal size.")


def a_report():
    head = StudyHead(1, OKAFOR, date(2026, 11, 1), "CT Thorax")
    ds = report(SeriesHead(head, 9, "SR", "Findings"), SENTENCES)
    ds.StudyInstanceUID, ds.SeriesInstanceUID = UID, generate_uid()
    ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    return ds


def a_pdf():
    page = BytesIO()
    Image.new("RGB", (200, 300), "white").save(page, "PDF")
    (ds,) = study(
        images=1,
        study_uid=UID,
        SOPClassUID=EncapsulatedPDFStorage,
        SeriesNumber=8,
        SeriesDescription="Scanned",
        Modality="DOC",
        DocumentTitle="Consent form",
        EncapsulatedDocument=page.getvalue(),
        MIMETypeOfEncapsulatedDocument="application/pdf",
    )
    del ds.PixelData
    return ds


@pytest.fixture
def visit(site, client, archive):
    return partial(opened, site, client, archive)


def series_page(here, description: str) -> str:
    """The study page at the series of this description."""
    strip = re.search(r'<nav class="strip".*?</nav>', here.html(), re.DOTALL)[0]
    link = next(one for one in re.findall(r"<a .*?</a>", strip, re.DOTALL) if description in one)
    return here.html(series=int(re.search(r'id="series-(\d+)"', link)[1]))


def article(html: str) -> str:
    found = re.search(r'<article class="report.*?</article>', html, re.DOTALL)
    return text_of(found[0]) if found else ""


def test_the_words_of_a_report_are_text_on_the_page_and_name_nobody(visit):
    here = visit([*study(study_uid=UID), a_report()])
    here.fetch()
    assert article(here.html()) == ""
    html = series_page(here, "Findings")
    said = article(html)
    assert said.startswith("Diagnostic imaging report Unverified")
    assert "No pleural effusion." in said
    assert "Heart of normal size." in said
    assert "Its first lines, without what names somebody." in said
    assert "Adaeze" not in said
    assert "…" in said
    strip = text_of(re.search(r'<nav class="strip".*?</nav>', html, re.DOTALL)[0])
    assert "Findings Diagnostic imaging report SR S:9" in strip


def test_the_first_page_of_a_pdf_has_its_title(visit):
    here = visit([*study(study_uid=UID), a_pdf()])
    here.fetch()
    html = series_page(here, "Scanned")
    caption = text_of(re.search(r"<figcaption>.*?</figcaption>", html, re.DOTALL)[0])
    assert "Consent form" in caption
    assert article(html) == ""


def test_words_of_what_is_withheld_are_not_on_the_page(visit, site):
    here = visit([*study(study_uid=UID), a_report()])
    here.fetch()
    with site.parts.records.write() as session:
        rows = session.scalars(select(InstanceRow)).all()
        (told,) = [row.id for row in rows if row.words]
        withheld = {"arrival": Arrival.WITHHELD}
        session.execute(update(InstanceRow).where(InstanceRow.id == told).values(**withheld))
    assert "No pleural effusion." not in here.text() + text_of(series_page(here, "Findings"))


def test_other_studies_of_the_same_part_of_the_body_are_listed_first_and_open(visit, archive):
    for description, day in (
        ("Thorax prior", "20260301"),
        ("MR knee", "20260201"),
        ("Chest film", "20251224"),
    ):
        for ds in study(images=1, day=day, StudyDescription=description, Modality="MR"):
            archive.add(ds)
    here = visit()
    listing = here.client.page(here.patient_page)
    key = re.findall(r'id="study-(\w+)"', listing)[0]
    path = f"{here.patient_page}/studies/{key}"
    html = here.client.page(path)
    priors = re.search(r'<nav class="priors".*?</nav>', html, re.DOTALL)[0]
    assert text_of(priors) == (
        "Same part of the body 2 MR Thorax prior 01-Mar-2026 10:15 MR Chest film 24-Dec-2025 10:15 "
        "Other studies 1 MR MR knee 01-Feb-2026 10:15"
    )
    for address in re.findall(r'href="([^"]*)"', priors):
        there = here.client.page(address)
        assert path in there, "the way back"


def test_where_no_part_of_the_body_is_named_the_series_may_tell(facts_of):
    page = facts_of("Follow-up", strip="Lung 1.0", others=("CT chest", "MR head"))
    assert [(one.study.description, one.same_part) for one in page.priors] == [
        ("CT chest", True),
        ("MR head", False),
    ]
    page = facts_of("Follow-up", strip="Axial", others=("CT chest", "MR head"))
    assert not any(one.same_part for one in page.priors)


@pytest.fixture
def facts_of():
    """The study page of a study of these words."""
    from datetime import UTC, datetime

    from fetch.model import Study
    from preview.page import Strip, StudyFacts, StudyPageFacts, describe_study
    from preview.records import Role

    def described(description: str) -> Study:
        return Study(source="main", study_uid="1.2", patient=OKAFOR, description=description)

    def page(description: str, strip: str, others: tuple[str, ...]):
        return describe_study(
            StudyPageFacts(
                role=Role.REFERRER,
                patient=OKAFOR,
                study=StudyFacts("0" * 32, described(description), ("Main",), None),
                strips=(Strip(1, 1, "CT", strip, 1, ()),),
                bell=True,
                others=tuple(Other(described(one), ViewerFacts(), "1" * 32) for one in others),
            ),
            datetime(2026, 11, 22, tzinfo=UTC),
        )

    return page
