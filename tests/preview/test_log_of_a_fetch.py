"""The log of a fetch, in words: one image is one image, and a page never fails over a line of it."""

import re
from datetime import UTC, datetime

import pytest
from sqlalchemy import select
from support.inspecting import text_of
from support.visits import fetches, opened

from fetch.notes import Note
from preview.demo.behaviour import leaves_out
from preview.page import LogLine, told
from preview.records import NoteRow

COUNTING = [note for note in Note if note.many]


def line(note: Note, **facts) -> LogLine:
    return LogLine(datetime.now(UTC), note, tuple(facts.items()))


def test_every_sentence_that_counts_images_has_both_numbers():
    assert {note for note in Note if "%(count)s images" in note.many + note.sentence} == set(COUNTING)


@pytest.mark.parametrize("note", COUNTING)
def test_one_image_is_spoken_of_as_one(note):
    said = told(line(note, count=1, series=1))
    assert re.search(r"\b1 image\b", said)
    assert not re.search(r"\bthey\b", said)


@pytest.mark.parametrize("count", [0, 2, 480])
@pytest.mark.parametrize("note", COUNTING)
def test_any_other_number_of_images_is_spoken_of_as_many(note, count):
    assert f"{count} images" in told(line(note, count=count, series=1))


@pytest.mark.parametrize("note", Note)
def test_a_line_that_lacks_its_facts_is_told_all_the_same(note):
    assert told(line(note))
    assert told(line(note, count=1))


def test_the_page_tells_one_and_many(site, client, archive):
    here = opened(site, client, archive)
    here.fetch()
    (fetch,) = fetches(site)
    with site.parts.records.write() as session:
        for count in (1, 12):
            row = NoteRow(fetch=fetch.id, at=site.parts.now, code="resumed", facts={"count": count})
            lost = NoteRow(fetch=fetch.id, at=site.parts.now, code="listed", facts={"count": count})
            session.add_all((row, lost))
    said = text_of(here.html())
    assert "1 image was here already; it is not asked for again." in said
    assert "12 images were here already; they are not asked for again." in said
    assert "The archive lists 1 image in – series." in said


def last_line(site) -> tuple[str, dict]:
    with site.parts.records.read() as session:
        row = session.scalars(select(NoteRow).order_by(NoteRow.id.desc()).limit(1)).one()
    return row.code, row.facts


def test_the_last_line_says_how_it_ended(site, client, archive):
    here = opened(site, client, archive)
    here.fetch()
    code, facts = last_line(site)
    assert code == "ended"
    assert float(facts.pop("seconds")) >= 0
    assert facts == {"outcome": "COMPLETE", "way": "c-get", "held": 3, "expected": 3}
    assert re.search(
        r"Ended, complete: 3 of 3 images are here, after [\d.]+ s \(C-GET\)", text_of(here.html())
    )


def test_of_what_is_tried_again_it_says_how_much_is_here_so_far(site, client, archive):
    here = opened(site, client, archive, images=9)
    archive.behave(leaves_out(1))
    here.fetch()
    code, facts = last_line(site)
    assert code == "so-far"
    assert 0 < facts["held"] < facts["expected"] == 9


def test_a_number_that_nobody_knows_is_called_so():
    facts = {"held": 3, "expected": "unknown", "seconds": "1.0", "way": "wado", "outcome": "INCOMPLETE"}
    assert told(line(Note.ENDED, **facts)) == (
        "Ended, with gaps: 3 of an unknown number of images are here, after 1.0 s (WADO-RS)."
    )
