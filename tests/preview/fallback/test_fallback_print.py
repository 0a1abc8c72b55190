"""The plan on paper: two pages whatever is written into it, in every letter, and no text becomes markup."""

import re
from datetime import date
from pathlib import Path

import pypdfium2
import pytest
from playwright.sync_api import sync_playwright
from support.browser import launched
from support.installation import source_block

from preview.fallback import publishing, qr
from preview.fallback.fields import every_field
from preview.fallback.plan import Plan
from preview.fallback.publishing import LOG_PDF, PAGE, PLAN_PDF, NotPrintable, made

CJK = Path("/usr/share/fonts/truetype/droid/DroidSansFallbackFull.ttf")
"""As a site would name it; tests/debian-packages brings it."""
HOSTILE = (
    "</p></style></title><script>alert(1)</script><img src=x onerror=alert(1)>&amp;{{ 7 * 7 }}\"'%s%(x)s"
)


@pytest.fixture
def asked(site):
    """As in a request, whose language the plan is written in."""
    with site.app.test_request_context():
        yield site


def plan(texts=None, **more) -> Plan:
    usual = {"version": 3, "author": "Dr Müller", "approved_by": "Dr Novák", "approved_on": date(2026, 11, 1)}
    due = {"review_due": date(2027, 11, 1)}
    return Plan("City Hospital", "Radiology 2345", texts or {}, **(usual | due | more))


def filled_with(text: str) -> dict[str, str]:
    """Every blank, as full as it may be."""
    keys = every_field("Radiology 2345")
    return {field.key: (text * field.longest)[: field.longest].strip() for field in keys}


def words(content: bytes) -> str:
    """What a reader of the PDF can search for and copy, white space folded."""
    pages = pypdfium2.PdfDocument(content)
    return re.sub(r"\s+", " ", " ".join(page.get_textpage().get_text_range() for page in pages))


def darkness(content: bytes, page: int = 0) -> float:
    """The share of dark points on a page."""
    drawn = pypdfium2.PdfDocument(content)[page].render(scale=1).to_numpy()
    return float((drawn[:, :, 0] < 128).mean())


@pytest.mark.parametrize("text", ["Größe ", "Mond ", "1234 567 ", "abcdefghij", "日本語の文", "Ж", "W"])
def test_a_plan_that_can_be_saved_is_two_pages(asked, text):
    try:
        files = made(plan(filled_with(text), font=CJK))
    except NotPrintable as refused:
        assert "more than two pages" in str(refused)  # a sentence, never a third page
        assert text in ("日本語の文", "Ж", "W", "abcdefghij")
        return
    assert len(pypdfium2.PdfDocument(files[PLAN_PDF])) == 2
    assert len(pypdfium2.PdfDocument(files[LOG_PDF])) == 1


def test_every_word_that_was_filled_in_is_on_paper(asked):
    texts = {field.key: f"W{number}x" for number, field in enumerate(every_field("Radiology 2345"))}
    files = made(plan(texts))
    printed = words(files[PLAN_PDF])
    page = files[PAGE].decode()
    for text in texts.values():
        assert text in printed
        assert f">{text}<" in page or f"{text}</p>" in page, text


def test_type_is_as_large_as_two_pages_allow(asked):
    def size(texts) -> int:
        return int(re.search(r'<body class="size-(\d+)"', made(plan(texts))[PAGE].decode())[1])

    assert size({}) == 110
    assert 80 <= size(filled_with("Größe ")) < 110


ADDRESS = "https://imaging.hospital.example/preview/fallback"
SIDE = 44


def code_on(content: bytes, page: int, modules: int) -> list[list[bool]]:
    """What is printed where the code stands: the middle of each of its modules."""
    drawn = pypdfium2.PdfDocument(content)[page].render(scale=4).to_numpy()[:, :, 0]
    right, top, side = drawn.shape[1] - 4 * 34, 4 * 34, 4 * SIDE / modules
    places = [(number + 0.5) * side for number in range(modules)]
    left = right - 4 * SIDE
    return [
        [bool(drawn[round(top + down), round(left + across)] < 128) for across in places] for down in places
    ]


def test_a_code_on_each_page_leads_to_the_newest_version(asked):
    content = made(plan({"copies": "Ward 5, theatre, emergency department"}, address=ADDRESS))[PLAN_PDF]
    wanted = qr.modules(ADDRESS)
    assert code_on(content, 0, len(wanted)) == code_on(content, 1, len(wanted)) == wanted


def test_the_code_gives_way_to_words(asked):
    texts = {"copies": "Where the paper hangs, and whom it tells. " * 3}
    content = made(plan(texts, address=ADDRESS))[PLAN_PDF]
    assert code_on(content, 0, 33) != qr.modules(ADDRESS)
    assert "whom it tells. Where" in words(content)


def test_letters_of_many_languages_are_printed(asked):
    texts = {
        "works": "Größe Ärztin Łódź Čeština İstanbul",
        "works.not": "Ελληνικά Кириллица",
        "units": "東京病院へ電話 はい",
        "announcement": "放射科电话",
    }
    content = made(plan(texts, font=CJK))[PLAN_PDF]
    printed = words(content).replace(" ", "")
    for text in texts.values():
        assert text.replace(" ", "") in printed
    assert b"/FontFile2" in content
    assert fonts_inside(content) == {"DejaVuSansCondensed", "DejaVuSansCondensed-Bold", "DroidSansFallback"}


def test_asian_letters_are_drawn_and_broken_into_lines(asked):
    """Without spaces, and with no font but the one inside."""
    without, with_it = (
        made(plan({"units": text}, font=CJK))[PLAN_PDF] for text in ("x", "東京病院へ電話" * 40)
    )
    assert darkness(with_it, 1) > 1.1 * darkness(without, 1)
    right_edge = pypdfium2.PdfDocument(with_it)[1].render(scale=1).to_numpy()[:, -20:, 0]
    assert right_edge.min() == 255


def test_latin_fonts_are_inside_the_file_and_nothing_runs(asked):
    content = made(plan())[PLAN_PDF]
    assert fonts_inside(content) == {"DejaVuSansCondensed", "DejaVuSansCondensed-Bold"}
    assert b"/JavaScript" not in content
    assert b"/OpenAction" not in content


def fonts_inside(content: bytes) -> set[str]:
    """Whose outlines the file carries; every font that it uses must be among them."""
    used = set(re.findall(rb"/FontName\s*/[A-Z]+\+([A-Za-z-]+)", content))
    assert len(used) == content.count(b"/FontFile2") == content.count(b"/Type /FontDescriptor")
    return {name.decode() for name in used}


def test_a_font_that_is_none_is_refused_in_a_sentence(asked, tmp_path):
    (tmp_path / "none.ttf").write_bytes(b"no font")
    with pytest.raises(NotPrintable, match=r"font of the settings cannot be used: none\.ttf"):
        made(plan(font=tmp_path / "none.ttf"))


@pytest.mark.parametrize("text", ["مستشفى", "עברית", "ภาษา", "東", "e\u0301"])
def test_what_cannot_be_printed_is_refused_with_the_letters(asked, text):
    """Also what our font has, but would be put down in the wrong order or place."""
    with pytest.raises(NotPrintable, match=re.escape(text[-1])):
        made(plan({"works": text}))


def test_a_site_with_such_a_name_has_the_page_all_the_same(install):
    site = install(source_block("main", 1))
    site.file.write_text(site.file.read_text().replace("City Hospital", "東京病院"))
    from app import create_app

    client = create_app(site.settings).test_client()
    assert "Fallback plan for imaging, 東京病院" in client.get("/fallback").text
    assert client.get("/fallback.pdf").status_code == 404


def test_hostile_texts_are_text_in_both(asked):
    files = made(plan({"works": HOSTILE, "call.pacs.name": HOSTILE[:60]}, author="<i>A</i>"))
    page = files[PAGE].decode()
    assert "<script" not in page
    assert "<img" not in page
    assert "<i>" not in page
    assert page.count("</style>") == page.count("</title>") == 1
    printed = words(files[PLAN_PDF]).replace(" ", "")
    assert HOSTILE.replace(" ", "") in printed
    assert "49" not in words(files[PLAN_PDF]).split("What does not")[0]


def test_the_same_plan_is_the_same_file_whenever_it_is_made(asked):
    assert made(plan()) == made(plan())


def test_a_browser_prints_two_pages_and_the_log_alone_on_one(asked, tmp_path):
    with sync_playwright() as playwright:
        browser = launched(playwright)
        for texts in ({}, filled_with("Größe "), filled_with("1234 567 ")):
            publishing.publish(tmp_path, made(plan(texts)))
            page = browser.new_page()
            for fragment, count in (("", 2), ("#log", 1)):
                page.goto("about:blank")
                page.goto(f"file://{tmp_path}/{PAGE}{fragment}")
                printed = pypdfium2.PdfDocument(page.pdf(prefer_css_page_size=True))
                assert len(printed) == count
                assert round(max(printed[0].get_size())) == 842
                if not fragment:
                    assert "11 Drills" in re.sub(" +", " ", printed[1].get_textpage().get_text_range())
            page.close()
        browser.close()
