"""Notices and planned work: by staff, from their first to their last minute."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from support.inspecting import text_of
from support.people import as_person

from preview.fallback.notices import active_notices, local_moment
from preview.fallback.records import NoticeRow, Urgency
from preview.records import Role

LONDON = ZoneInfo("Europe/London")


@pytest.fixture
def staff(site, client):
    return client, f"/admin/{as_person(site, client, 'Sam', Role.STAFF)}/notices"


def local(site, hours: float) -> str:
    moment = site.parts.now.astimezone(site.settings.app.zone) + timedelta(hours=hours)
    return moment.replace(tzinfo=None).isoformat(timespec="minutes")


def announce(site, staff, text="Scanner 2 is serviced", begins=-1.0, ends=1.0, **more):
    client, path = staff
    values = {"text": text, "urgency": "PLANNED", "from": local(site, begins), "to": local(site, ends)}
    return client.press(client.page(path), "Show it to everybody", **(values | more))


def active(site, hours: float = 0) -> list[str]:
    with site.parts.records.read() as session:
        return [row.text for row in active_notices(session, site.parts.now + timedelta(hours=hours))]


def test_a_notice_is_active_from_its_first_to_its_last_minute(site, staff):
    assert announce(site, staff, begins=2, ends=4).status_code == 303
    assert active(site) == []
    assert active(site, 3) == ["Scanner 2 is serviced"]
    assert active(site, 5) == []


def test_the_most_urgent_comes_first(site, staff):
    for urgency in ("INFO", "OUTAGE", "PLANNED", "WARNING"):
        announce(site, staff, text=urgency, urgency=urgency)
    assert active(site) == ["OUTAGE", "WARNING", "PLANNED", "INFO"]


def test_the_list_says_where_each_stands_and_who_wrote_it(site, staff):
    client, path = staff
    announce(site, staff, "now")
    announce(site, staff, "later", begins=2, ends=3)
    with site.parts.records.write() as session:
        past = {
            "starts_at": site.parts.now - timedelta(days=2),
            "ends_at": site.parts.now - timedelta(days=1),
        }
        session.add(
            NoticeRow(urgency=Urgency.INFO, text="before", made_at=site.parts.now, made_by="", **past)
        )
    cards = re.findall(r"<article.*?</article>", client.page(path), re.DOTALL)
    said = [text_of(card) for card in cards]
    assert [re.search(r"(Will be shown|Stands on every page now|Is over)", one)[1] for one in said] == [
        "Will be shown",
        "Stands on every page now",
        "Is over",
    ]
    assert "written by Sam" in said[0]
    assert ["Withdraw" in one for one in said] == [True, True, False]


def test_a_withdrawn_notice_is_gone_at_once_and_stays_in_the_list(site, staff):
    client, path = staff
    announce(site, staff)
    assert client.press(client.page(path), "Withdraw").status_code == 303
    assert active(site) == []
    assert "Was withdrawn" in text_of(client.page(path))


WRONG = [
    {"text": "  \n "},
    {"text": "x" * 401},
    {"urgency": "FIRE"},
    {"from": "soon"},
    {"to": ""},
    {"to": "2026-11-25T10:00+05:00"},
    {"to": "0001-01-01T00:00"},
    {"to": "9999-12-31T23:59"},
]


@pytest.mark.parametrize("wrong", WRONG)
def test_what_cannot_be_a_notice_is_handed_back_as_it_was_typed(site, staff, wrong):
    response = announce(site, staff, **({"text": "Kept as typed"} | wrong))
    assert response.status_code == 422
    assert "Nothing was saved." in text_of(response.text)
    assert "text" in wrong or "Kept as typed" in response.text
    assert active(site) == []


@pytest.mark.parametrize(("begins", "ends"), [(2, 1), (1, 1), (-3, -1), (0, 24 * 93)])
def test_it_ends_after_it_begins_after_now_and_within_three_months(site, staff, begins, ends):
    assert announce(site, staff, begins=begins, ends=ends).status_code == 422
    assert active(site, begins) == []


def test_hostile_text_is_text_and_one_line(site, staff):
    client, path = staff
    announce(site, staff, "a\r\n<script>alert(1)</script>\x00\u202e%(x)s")
    assert active(site) == ["a <script>alert(1)</script> %(x)s"]
    assert "<script>alert" not in client.page(path)


def test_times_are_the_sites_whatever_the_season():
    assert local_moment("2026-07-01T12:00", LONDON) == datetime(2026, 7, 1, 11, tzinfo=UTC)
    assert local_moment("2026-12-01T12:00", LONDON) == datetime(2026, 12, 1, 12, tzinfo=UTC)
    assert local_moment("2026-12-01", LONDON) == datetime(2026, 12, 1, tzinfo=UTC)
    assert local_moment("x", LONDON) is None


def test_only_staff_write_notices_and_only_with_the_forms_token(site, client, staff):
    _, path = staff
    doctor = site.app.test_client()
    key = doctor.opened(site).split("/")[2]
    assert doctor.get(f"/admin/{key}/notices").status_code == 403
    assert doctor.get(path).status_code == 403
    assert doctor.get("/admin/notices").status_code == 403
    announce(site, staff)
    number = re.search(r"/notices/(\d+)/withdraw", client.page(path))[1]
    values = {"text": "x", "urgency": "INFO", "from": local(site, -1), "to": local(site, 1)}
    assert client.post(path, data=values).status_code == 400
    assert client.post(f"{path}/{number}/withdraw").status_code == 400
    assert active(site) == ["Scanner 2 is serviced"]
    assert client.get("/admin/notices").headers["Location"] == path
