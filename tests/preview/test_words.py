"""How names, dates and times are written for people."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from flask_babel import Babel
from support.studies import OKAFOR

from fetch.model import Patient, PatientIdentity, Study
from preview import words

LONDON = ZoneInfo("Europe/London")


@pytest.fixture(autouse=True)
def reader():
    """Somebody who reads English."""
    app = Flask(__name__)
    Babel(app)
    with app.test_request_context():
        yield


def born_on(day: date | None, text: str = "") -> str:
    return words.born(Patient(PatientIdentity("1", "HOSP"), "A^B", day, "F", text))


def taken(day: date | None = None, time: str = "", text: str = "") -> str:
    return words.study_when(
        Study("main", "1.2", OKAFOR, study_date=day, study_time=time, study_date_text=text)
    )


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("OKAFOR^Adaeze", "OKAFOR, Adaeze"),
        ("OKAFOR^Adaeze^Ngozi^Dr^PhD", "OKAFOR, Adaeze Ngozi PhD (Dr)"),
        ("OKAFOR", "OKAFOR"),
        ("^Adaeze", "Adaeze"),
        (" OKAFOR ^ Adaeze ", "OKAFOR, Adaeze"),
        ("NAKAMURA^Hanako=中村^花子=なかむら^はなこ", "NAKAMURA, Hanako (中村, 花子 · なかむら, はなこ)"),
        ("=中村^花子", "中村, 花子"),
        ("", "Name not known"),
        ("^^^^", "Name not known"),
        ("A^B^C^D^E^F^G", "A, B C E (D)"),
    ],
)
def test_a_person_is_family_then_given(name, written):
    assert words.person(name) == written


def test_a_day_names_its_month():
    assert words.day(date(2026, 11, 22)) == '<time datetime="2026-11-22">22-Nov-2026</time>'


def test_a_moment_of_today_is_its_time_in_the_zone_of_the_site():
    now = datetime.now(UTC)
    local = now.astimezone(LONDON)
    assert words.clock(now, LONDON).endswith(f">{local:%H:%M}</time>")
    assert local.isoformat(timespec="seconds") in words.clock(now, LONDON)


def test_a_moment_of_another_day_has_its_date():
    summer = datetime(2025, 7, 1, 13, 5, tzinfo=UTC)
    assert words.clock(summer, LONDON).endswith(">01-Jul-2025 14:05</time>")


def test_an_age_counts_birthdays_only():
    today = datetime.now().astimezone().date()
    birthday = today.replace(year=today.year - 40, day=min(today.day, 28))
    assert "(40y)" in born_on(birthday)
    assert "(39y)" in born_on(birthday + timedelta(days=6))


@pytest.mark.parametrize("day", [date(1850, 1, 1), date(2999, 1, 1)])
def test_an_impossible_age_is_not_written(day):
    assert "y)" not in born_on(day)
    assert str(day.year) in born_on(day)


def test_a_birth_date_that_cannot_be_read_is_shown_as_it_is_written():
    assert born_on(None, "1975") == "1975"
    assert born_on(None) == "Not known"
    assert born_on(None, "<b>") == "&lt;b&gt;"


@pytest.mark.parametrize(
    ("code", "written"),
    [("F", "Female"), ("M", "Male"), ("O", "Other"), ("", "Not known"), ("X", "Not known")],
)
def test_a_sex_is_a_word(code, written):
    assert words.sex(code) == written


def test_a_study_has_its_own_time_without_conversion():
    assert taken(date(2026, 7, 1), "101500.123") == '<time datetime="2026-07-01">01-Jul-2026</time> 10:15'


@pytest.mark.parametrize("time", ["", "10", "10:15", "ab15", "9999", "²²²²"])
def test_a_time_that_cannot_be_read_is_left_out(time):
    assert taken(date(2026, 7, 1), time) == '<time datetime="2026-07-01">01-Jul-2026</time>'


def test_an_undated_study_says_so_or_shows_what_is_written():
    assert taken() == "Date unknown"
    assert taken(text="<2026>") == "&lt;2026&gt;"


@pytest.mark.parametrize(
    ("code", "written"), [("CR", "X-ray (CR)"), ("US", "Ultrasound"), ("CT", "CT"), ("<b>", "<b>")]
)
def test_a_modality_has_a_name(code, written):
    assert words.modality_name(code) == written
