"""How long a fetch will take: from its archive's usual speed at first, then from its own."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select
from support.inspecting import text_of
from support.visits import change_fetch, fetches, opened
from test_page import NOW, ago, fetching

from fetch.records import StudyRow
from preview.errands import wanting
from preview.health.speeds import Speeds, today, usual
from preview.page import progress_of
from preview.page.status import Slow
from preview.records import FetchRow, Outcome, Scope


def left(**more) -> int | None:
    return progress_of(fetching(moved_at=ago(1), **more), True, NOW).left


def slow(**more) -> Slow | None:
    return progress_of(fetching(moved_at=ago(1), **more), True, NOW).slow


# --- what is said, of facts and the clock


def test_at_first_it_is_told_from_the_usual_speed():
    assert left(arrived=0, speed=4.0) == 120
    assert left(arrived=4, speed=4.0) == 120
    assert left(arrived=4, speed=None) is None


def test_afterwards_it_is_told_from_this_fetch():
    assert left(arrived=120, speed=0.1, begun_at=ago(60)) == 180


def test_what_an_earlier_try_brought_says_nothing_of_the_speed_of_this_one():
    assert left(arrived=400, brought=2, speed=4.0, begun_at=ago(4)) == 20
    assert left(arrived=400, brought=10, speed=4.0, begun_at=ago(20)) == 160


def test_of_few_objects_what_is_usual_tells_nothing():
    """Four films of a tomosynthesis take three minutes where slices of a CT come by forty a second."""
    assert left(arrived=3, speed=40.0, expected=4, begun_at=ago(175)) is None
    assert slow(arrived=3, speed=40.0, expected=4, begun_at=ago(175)) is None
    assert left(arrived=6, speed=40.0, expected=12, begun_at=ago(60)) == 60


def test_once_what_is_usual_is_over_it_is_not_said_again():
    assert left(arrived=0, speed=4.0, begun_at=ago(90)) == 30
    assert left(arrived=0, speed=4.0, begun_at=ago(130)) is None


def test_by_a_clock_that_was_set_back_nothing_is_told():
    assert left(arrived=120, speed=None, begun_at=ago(-3600)) is None
    assert progress_of(fetching(moved_at=ago(-3600), begun_at=ago(-3600)), True, NOW).quiet is None


def test_of_an_archive_whose_number_is_not_known_nothing_is_guessed():
    assert left(arrived=3, speed=4.0, expected=None) is None


@pytest.mark.parametrize(
    ("seconds", "usual_speed", "says"),
    [
        (239, 4.0, None),
        (240, 4.0, Slow(120, 240)),
        (365, 4.0, Slow(120, 360)),
        (365, None, None),
        (65, 48.0, None),
        (71, 48.0, Slow(10, 60)),
    ],
)
def test_what_takes_twice_as_long_as_usual_is_slow(seconds, usual_speed, says):
    assert slow(begun_at=ago(seconds), speed=usual_speed) == says


def test_what_was_here_before_makes_no_try_slow_or_quick():
    assert slow(begun_at=ago(150), speed=4.0, arrived=430, brought=190) == Slow(60, 120)


def test_a_silent_archive_is_not_said_to_answer():
    progress = progress_of(fetching(begun_at=ago(600), moved_at=ago(30), speed=4.0), True, NOW)
    assert (progress.quiet, progress.slow) == (30, None)


# --- what it is taken from


@pytest.fixture
def here(site, client, archive):
    return opened(site, client, archive, images=4)


def past(here, days: float, drawn: int, seconds: float, **more) -> None:
    """A fetch that ended so long ago."""
    ended = here.site.parts.now - timedelta(days=days)
    with here.site.parts.records.write() as session:
        study = session.scalars(select(StudyRow.id)).one()
        values = {"outcome": Outcome.COMPLETE, "finished_at": ended, "wanted_at": ended, **more}
        session.add(FetchRow(study_row=study, drawn=drawn, seconds=seconds, **values))


def running(here, **more) -> str:
    with here.site.parts.records.read() as session:
        study = session.scalars(select(StudyRow)).one()
    wanting.want(here.site.parts, study)
    now = here.site.parts.now
    at = {"begun_at": now - timedelta(seconds=5), "beat_at": now, "moved_at": now}
    with here.site.parts.records.write() as session:
        row = session.scalars(select(FetchRow).where(FetchRow.finished_at.is_(None))).one()
        for name, value in (at | more).items():
            setattr(row, name, value)
    return text_of(here.html())


def test_the_page_says_so_before_anything_has_arrived(here):
    past(here, 3, drawn=100, seconds=50)
    past(here, 3, drawn=100, seconds=1, outcome=Outcome.FAILED)
    past(here, 40, drawn=1000, seconds=1)
    text = running(here, expected=480, arrived=0, brought=0)
    assert "0 of 480 images received." in text
    assert text[text.index("Started") :].split("left.")[0].endswith(", about 4 minutes ")


def test_a_slow_fetch_says_what_is_usual_and_can_be_cancelled(here):
    past(here, 3, drawn=400, seconds=100)
    begun = here.site.parts.now - timedelta(seconds=365)
    text = running(here, expected=480, arrived=120, brought=120, begun_at=begun)
    assert (
        "This is taking longer than usual (usual: 2 min, so far: 6 min). The archive still answers." in text
    )
    assert "about 18 minutes left." in text
    assert "Cancel" in text
    german = text_of(here.html(lang="de"))
    said = "Das dauert länger als üblich (üblich: 2 Min., bisher: 6 Min.). Das Archiv antwortet noch."
    assert said in german


def test_a_study_that_was_mostly_here_makes_its_archive_no_quicker(here):
    past(here, 3, drawn=480, brought=10, seconds=5)
    with here.site.parts.records.read() as session:
        assert usual(session, here.site.parts.now, here.site.settings.app.zone) == {"main": 2.0}


def test_a_try_counts_what_it_brought_itself(here, archive):
    here.fetch()
    assert fetches(here.site)[-1].brought == 4
    here.client.press(here.html(), "Fetch again")
    here.site.fetch_all()
    assert (fetches(here.site)[-1].drawn, fetches(here.site)[-1].brought) == (4, 0)


def test_a_source_that_is_new_is_measured_by_today(here):
    here.fetch()
    change_fetch(here.site, seconds=2.0)
    now, zone = here.site.parts.now, here.site.settings.app.zone
    with here.site.parts.records.read() as session:
        assert (usual(session, now, zone), today(session, now, zone)) == ({}, {"main": 2.0})
    assert Speeds(here.site.parts.records, zone).at(now) == {"main": 2.0}


def test_fetches_of_posters_do_not_make_an_archive_slower(here):
    now, zone = here.site.parts.now, here.site.settings.app.zone
    past(here, 2, drawn=480, seconds=12)
    for _ in range(40):
        past(here, 2, drawn=4, seconds=2, scope=Scope.POSTERS)
    with here.site.parts.records.read() as session:
        assert usual(session, now, zone) == {"main": 40.0}


def test_what_is_usual_is_looked_up_once_a_minute(here):
    speeds = Speeds(here.site.parts.records, here.site.settings.app.zone)
    noon = datetime.now(UTC).replace(hour=12, minute=0)
    assert speeds.at(noon) == {}
    past(here, 3, drawn=10, seconds=5)
    assert speeds.at(noon + timedelta(seconds=59)) == {}
    assert speeds.at(noon + timedelta(seconds=60)) == {"main": 2.0}


# --- when it begins


def waited(here, *seconds: float, **more) -> None:
    """Past fetches that were taken up after so long."""
    for one in seconds:
        begun = here.site.parts.now - timedelta(days=2)
        past(
            here,
            2,
            4,
            2,
            **{"wanted_at": begun - timedelta(seconds=one), "begun_at": begun, "attempt": 1, **more},
        )


def waiting(here, **more) -> str:
    return running(here, begun_at=None, beat_at=None, moved_at=None, **more)


def test_who_waits_reads_when_it_usually_starts(here):
    waited(here, 2, 3, 4, 5, 6, 7, 8, 50, 70, 3600)
    text = waiting(here)
    assert "Waiting to fetch this study. Usually starts within 2 minutes. You can leave this page;" in text
    assert "Beginnt meist binnen 2 Minuten." in text_of(here.html(lang="de"))


def test_a_night_without_a_worker_tells_nothing_of_the_next_fetch(here):
    waited(here, 2, 3, 4, 5, 6, 7, 8, 50, 3600, 3600)
    assert "Usually starts" not in waiting(here)


def test_where_it_is_quick_a_minute_is_said(here):
    waited(here, 1, 1, 1, 2, 2)
    assert "Usually starts within 1 minute." in waiting(here)


@pytest.mark.parametrize("more", [{"attempt": 2}, {"scope": "POSTERS"}, {"begun_at": None}])
def test_what_tells_nothing_of_a_wait_is_left_out(here, more):
    waited(here, 1, 1, 1, 2)
    waited(here, 1, 1, 1, 2, **more)
    assert "Usually starts" not in waiting(here)


def test_who_waits_longer_than_usual_is_not_told_so(here):
    waited(here, 1, 1, 1, 2, 2)
    past_it = here.site.parts.now - timedelta(seconds=61)
    assert "Usually starts" not in waiting(here, wanted_at=past_it)
