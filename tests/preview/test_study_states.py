"""How a study page says where a fetch stands: posters only, gaps, rests, and what happened meanwhile."""

import re
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import delete, func, select, update
from support.inspecting import paces, panel_polls, text_of
from support.visits import change_fetch, fetches, opened

from fetch.reasons import Reason
from fetch.records import StudyRow
from preview.errands import wanting
from preview.health.records import Condition, HealthRow
from preview.records import Arrival, InstanceRow, NoteRow, Scope, SeriesRow


@pytest.fixture
def visit(site, client, archive):
    """Open the study that ``study(…)`` makes of the arguments."""
    return partial(opened, site, client, archive)


def put(site, *rows) -> None:
    with site.parts.records.write() as session:
        session.add_all(rows)


def resting(here, **more) -> str:
    """The page of a fetch that failed for now."""
    here.client.press(here.html(), "Fetch")
    soon = here.site.parts.now + timedelta(minutes=2)
    usual = {"next_try_at": soon, "tries": 1, "reason": "no-answer", "begun_at": here.site.parts.now}
    change_fetch(here.site, **usual | more)
    return here.html()


def assert_sentences_stand_apart(html: str) -> None:
    """As a browser shows them: between two tags there may be no space."""
    without_values = re.sub(r'"[^"]*"', '""', html)
    assert re.findall(r"[a-z]\.(?:</?\w[^>]*>)*[A-Z]\w*", without_values) == []


def test_a_fetch_that_rests_says_why_and_when_it_is_tried_again(visit):
    here = visit()
    html = resting(here)
    assert "The study could not be fetched. The archive did not answer in time." in text_of(html)
    assert re.search(r"in time. \( \d\d:\d\d \) Next try \d\d:\d\d \(2nd\).", text_of(html))
    assert paces(html) == [pytest.approx(5, rel=0.15)]
    here.client.press(html, "Try now")
    assert "Waiting to fetch this study." in here.text()


def test_who_stops_trying_is_not_shown_a_next_try(visit):
    here = visit()
    here.client.press(resting(here), "Stop trying")
    html = here.html()
    assert "Fetch cancelled by you at" in text_of(html)
    assert "Next try" not in html
    assert not panel_polls(html)


def test_a_fetch_that_rests_with_something_here_says_how_much(visit):
    here = visit()
    text = text_of(resting(here, expected=480, arrived=468, tries=2))
    assert "Fetched with gaps so far: 468 of 480 images." in text
    assert "(3rd)" in text


def test_a_fetch_with_gaps_says_which_series_lack_what(visit):
    here = visit(series=7, images=1)
    here.fetch()
    (fetch,) = fetches(here.site)
    with here.site.parts.records.write() as session:
        session.execute(update(SeriesRow).values(expected=SeriesRow.number + 1))
        session.execute(update(SeriesRow).where(SeriesRow.number == 1).values(expected=1))
        session.execute(update(SeriesRow).values(description=""))
        session.execute(update(SeriesRow).where(SeriesRow.number == 3).values(description="Axial 2.5 mm"))
    unsent = {"arrival": Arrival.GIVEN_UP, "reason": "reported-failed", "study_row": fetch.study_row}
    put(here.site, *(InstanceRow(instance_uid=f"1.2.{n}", **unsent) for n in range(2)))
    change_fetch(here.site, outcome="INCOMPLETE", expected=34, reason="some-missing")
    assert_sentences_stand_apart(here.html())
    text = here.text()
    assert "Fetched with gaps: 7 of 34 images. Series 2 lacks 2 images." in text
    assert "Series 3 (Axial 2.5 mm) lacks 3 images." in text
    assert "Series 6 lacks 6 images. Images of 1 more series lack." in text
    assert "The archive reported that it could not send 2 images." in text
    soon = here.site.parts.now + timedelta(minutes=2)
    change_fetch(here.site, outcome=None, finished_at=None, next_try_at=soon, tries=1)
    with here.site.parts.records.write() as session:
        session.execute(update(InstanceRow).values(poster=False))  # more than first pictures came
    assert_sentences_stand_apart(here.html())
    assert "Fetched with gaps so far: 7 of 34 images. Series 2 lacks 2 images." in here.text()


@pytest.fixture
def peeked(visit):
    """A study of which only the posters were fetched, as a worker notes it."""
    here = visit(images=4)
    here.fetch()
    first = select(func.min(InstanceRow.id)).scalar_subquery()
    with here.site.parts.records.write() as session:
        nothing = {"arrival": Arrival.EXPECTED, "frames": [], "sizes": []}
        session.execute(update(InstanceRow).where(InstanceRow.id != first).values(nothing))
    change_fetch(here.site, scope=Scope.POSTERS, arrived=1, drawn=1)
    return here


def test_where_only_posters_are_here_the_page_says_that_the_rest_is_not(peeked):
    for html in (peeked.html(), peeked.client.page(peeked.patient_page)):
        assert "Showing 1 of 4 images. The rest has not been fetched." in text_of(html)
        assert not panel_polls(html)
    peeked.client.press(peeked.html(), "Fetch all")
    peeked.site.fetch_all()
    assert "Complete, 4 of 4 images" in peeked.text()


@pytest.mark.parametrize("waits", ["rests", "held up"])
def test_while_the_rest_waits_first_pictures_are_not_called_a_study_with_gaps(peeked, waits):
    now = peeked.site.parts.now
    rests = {"next_try_at": now + timedelta(minutes=2)} if waits == "rests" else {}
    change_fetch(peeked.site, scope=Scope.ALL, outcome=None, finished_at=None, beat_at=None, **rests)
    with peeked.site.parts.records.write() as session:
        first = select(func.min(InstanceRow.id)).scalar_subquery()
        session.execute(update(InstanceRow).values(poster=InstanceRow.id == first))
        session.execute(update(SeriesRow).values(expected=4))
        if waits == "held up":
            session.execute(update(HealthRow).values(condition=Condition.DOWN, since=now, checked_at=now))
    text = peeked.text()
    assert "Showing 1 of 4 images. The rest has not been fetched." in text
    assert ("Waiting for the archive." in text) is (waits == "held up")
    assert "gaps" not in text
    assert "lacks" not in text


def test_where_the_total_is_not_known_the_page_does_not_guess_it(peeked):
    change_fetch(peeked.site, expected=None)
    with peeked.site.parts.records.write() as session:
        session.execute(update(StudyRow).values(instance_count=None))
    assert "Showing 1 image; the rest has not been fetched." in peeked.text()


def test_what_the_archive_counts_now_is_the_total_of_posters(peeked):
    with peeked.site.parts.records.write() as session:
        session.execute(update(StudyRow).values(instance_count=900))
    assert "Showing 1 of 900 images." in peeked.text()


def test_while_posters_come_the_page_is_quiet_and_offers_the_whole_study(visit):
    here = visit()
    here.client.press(here.html(), "Fetch")
    now = here.site.parts.now
    change_fetch(here.site, scope=Scope.POSTERS, begun_at=now, beat_at=now, arrived=1)
    html = here.html()
    assert "Fetching the first pictures." in text_of(html)
    assert "<progress" not in html
    assert "Cancel" not in text_of(html)
    here.client.press(html, "Fetch all")
    assert fetches(here.site)[0].scope is Scope.ALL
    assert "Fetching study, please wait." in here.text()


def test_posters_that_could_not_be_fetched_say_why(visit):
    here = visit()
    text = text_of(resting(here, scope=Scope.POSTERS))
    assert "The first pictures could not be fetched: The archive did not answer in time. Next try" in text
    ended = {"outcome": "FAILED", "finished_at": here.site.parts.now, "active_study": None}
    change_fetch(here.site, **ended, next_try_at=None)
    html = here.html()
    said = "The first pictures could not be fetched: The archive did not answer in time. Try again in a few"
    assert said in text_of(html)
    assert not panel_polls(html)
    assert here.client.press(html, "Fetch all").status_code == 303


@pytest.mark.parametrize(
    ("arrived", "says"), [(0, "0 of 4 images were kept."), (1, "1 of 4 images were kept.")]
)
def test_posters_that_were_cancelled_while_they_rested_say_so_and_can_be_fetched_again(visit, arrived, says):
    here = visit(images=4)
    resting(here, scope=Scope.POSTERS, arrived=arrived, expected=4)
    wanting.cancel(here.site.parts, fetches(here.site)[0].study)
    html = here.html()
    assert re.search(rf"Fetch cancelled at \d\d:\d\d . {says}", text_of(html))
    assert "did not answer" not in re.sub("<details.*?</details>", "", html, flags=re.DOTALL)
    assert not panel_polls(html)
    here.client.press(html, "Fetch again")
    assert "Waiting to fetch this study." in here.text()
    assert fetches(here.site)[-1].scope is Scope.ALL


def test_posters_that_are_widened_while_they_rest_wait_and_fail_like_what_somebody_asked_for(visit):
    here = visit(images=4)
    here.client.press(resting(here, scope=Scope.POSTERS, tries=2), "Fetch all")
    html = here.html()
    assert "Waiting to fetch this study." in text_of(html)
    assert "Next try" not in text_of(html)
    change_fetch(here.site, next_try_at=here.site.parts.now + timedelta(minutes=2), tries=1)
    html = here.html()
    assert "The study could not be fetched. The archive did not answer in time." in text_of(html)
    assert "(2nd)" in text_of(html)
    assert "Try now" in text_of(html)
    here.client.press(html, "Stop trying")
    assert "Fetch cancelled by you at" in here.text()


def test_a_fetch_that_was_cancelled_does_not_say_that_it_goes_on(visit):
    here = visit(images=4)
    here.client.press(here.html(), "Fetch")
    now = here.site.parts.now
    change_fetch(here.site, scope=Scope.POSTERS, begun_at=now, beat_at=now, cancel_at=now)
    assert "Fetching the first pictures." not in here.text()
    assert "Cancelling." in here.text()
    silent = now - timedelta(minutes=1)
    reader = here.path.split("/")[2]
    change_fetch(
        here.site, scope=Scope.ALL, cancelled_in=reader, begun_at=silent, beat_at=silent, wanted_at=silent
    )
    assert "It starts again" not in here.text()
    assert "You have cancelled it; it ends by itself within a minute." in here.text()


def test_a_study_that_has_grown_or_shrunk_at_the_archive_says_by_how_much(visit):
    here = visit()
    here.fetch()
    with here.site.parts.records.write() as session:
        session.execute(update(StudyRow).values(instance_count=423))
    html = here.html()
    assert re.search(r"The archive has 420 more images since \d\d:\d\d .", text_of(html))
    with here.site.parts.records.write() as session:
        session.execute(update(StudyRow).values(instance_count=2))
    text = here.text()
    assert "Complete, 3 of 3 images" in text
    assert re.search(r"The archive lists 1 image fewer than were fetched at \d\d:\d\d .", text)


# --- the log of a fetch


def test_the_log_of_a_fetch_is_told_in_plain_words(visit):
    here = visit()
    here.fetch()
    (fetch,) = fetches(here.site)
    now = here.site.parts.now
    with here.site.parts.records.write() as session:
        session.execute(delete(NoteRow))
    lines = [
        *(("refused", {"reason": "wrong-uid"}) for _ in range(40)),
        ("fell-back", {"way": "c-move", "reason": "moved-nowhere"}),
        ("of another version", {}),
        ("way", {"way": "wado"}),
    ]
    put(here.site, *(NoteRow(fetch=fetch.id, at=now, code=code, facts=facts) for code, facts in lines))
    for html in (here.html(), here.client.page(here.patient_page)):
        history = re.search(r"<details.*?</details>", html[html.index('class="history"') - 20 :], re.DOTALL)[
            0
        ]
        told = [text_of(line) for line in re.findall(r"<li>.*?</li>", history, re.DOTALL)]
        assert text_of(history).startswith("What happened")
        assert len(told) <= 30
        assert re.fullmatch(r"\d\d:\d\d Images are brought by WADO-RS.", told[-1])
        assert f"C-MOVE does not work with this archive: {Reason.MOVED_NOWHERE.sentence}" in told[-2]
        assert f"An object was refused: {Reason.WRONG_UID.sentence}" in told[0]
