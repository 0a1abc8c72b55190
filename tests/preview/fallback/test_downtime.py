"""After an outage: what was wanted, what has arrived, what is still missing; and the paper log."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from pydicom.uid import generate_uid
from sqlalchemy import select, update
from support.inspecting import text_of
from support.installation import source_block
from support.people import as_person
from support.studies import OKAFOR, STRANGER, study

from preview.demo.behaviour import leaves_out, takes_at_most
from preview.records import FetchRow, Role


@pytest.fixture
def staff(site):
    client = site.app.test_client()
    return client, f"/staff/{as_person(site, client, 'Sam', Role.STAFF)}/downtime"


def rows(html: str) -> list[str]:
    """One line for each study that was wanted."""
    return [text_of(row) for row in re.findall(r'<tr id="wanted-.*?</tr>', html, re.DOTALL)]


def total(html: str) -> str:
    return text_of(re.search(r'<p class="sum".*?</p>', html, re.DOTALL)[0])


def want(client, path: str, name: str) -> None:
    """Press Fetch, or what it is called by now, on the card of this study."""
    html = client.page(path)
    card = next(c for c in re.findall(r"<article.*?</article>", html, re.DOTALL) if name in c)
    button = text_of(re.search(r'<button id="fetch-.*?</button>', card)[0])
    assert client.press(card, button).status_code == 303


@pytest.fixture
def outage(site, client, archive):
    """Three studies were wanted: one before the archive went away, two while it was; all but one failed."""
    for name in ("First", "Second", "Third"):
        for ds in study(study_uid=generate_uid(), StudyDescription=name):
            archive.add(ds)
    path = client.opened(site)
    want(client, path, "First")
    site.fetch_all()
    archive.behave(takes_at_most(0))
    want(client, path, "Second")
    want(client, path, "Third")
    site.fetch_all()
    return path


def let_them_rest_no_longer(site) -> None:
    with site.parts.records.write() as session:
        session.execute(update(FetchRow).values(next_try_at=site.parts.now))


def test_what_was_wanted_is_listed_with_where_it_stands(site, outage, staff):
    client, path = staff
    html = client.page(path)
    assert total(html) == "3 wanted, 1 arrived, 2 still missing"
    said = rows(html)
    assert ["Still missing, tried again by itself" in row for row in said] == [True, True, False]
    assert "✓ Arrived" in said[2]
    assert all("OKAFOR, Adaeze" in row and "4471902 issued by HOSP" in row for row in said)
    assert all("Main archive" in row for row in said)


def test_after_recovery_it_all_arrives_without_a_click_and_the_list_says_so(site, archive, outage, staff):
    archive.behave_well()
    let_them_rest_no_longer(site)
    site.fetch_all()
    html = staff[0].page(staff[1])
    assert total(html) == "3 wanted, 3 arrived, 0 still missing"
    assert "Fetch again what is missing" not in html


def give_up(site) -> None:
    """As the fetches end whose fault does not pass by itself."""
    with site.parts.records.write() as session:
        session.execute(
            update(FetchRow)
            .where(FetchRow.finished_at.is_(None))
            .values(finished_at=site.parts.now, outcome="FAILED", active_study=None, next_try_at=None)
        )


def test_what_failed_for_good_is_fetched_again_by_one_button(site, archive, outage, staff):
    client, path = staff
    give_up(site)
    archive.behave_well()
    html = client.page(path)
    assert [row.startswith("✕ Still missing") for row in rows(html)] == [True, True, False]
    response = client.press(html, "Fetch again what is missing (2)")
    assert response.status_code == 303
    assert "Still missing, tried again" in text_of(client.page(response.headers["Location"]))
    site.fetch_all()
    html = client.page(response.headers["Location"])
    assert total(html) == "3 wanted, 3 arrived, 0 still missing"


def test_a_later_fetch_of_the_same_study_counts_also_if_somebody_else_wanted_it(site, archive, outage, staff):
    give_up(site)
    ended = site.parts.now
    archive.behave_well()
    colleague = site.app.test_client()
    want(colleague, colleague.opened(site), "Second")
    site.fetch_all()
    with site.parts.records.write() as session:  # and that after the period that is looked at
        newest = session.scalars(select(FetchRow).order_by(FetchRow.wanted_at.desc())).first()
        newest.wanted_at = ended + timedelta(minutes=30)
    client, path = staff
    zone = site.settings.app.zone
    end = (ended + timedelta(minutes=1)).astimezone(zone).replace(tzinfo=None)
    start = end - timedelta(hours=1)
    html = client.page(f"{path}?start={start.isoformat('T', 'minutes')}&end={end.isoformat('T', 'minutes')}")
    assert total(html) == "3 wanted, 2 arrived, 1 still missing"


def test_a_study_that_came_in_part_is_missing_and_one_that_a_person_ended_is_not(
    site, archive, outage, staff
):
    with site.parts.records.read() as session:
        ids = session.scalars(select(FetchRow.id).where(FetchRow.finished_at.is_(None))).all()
    for one, outcome in zip(ids, ("INCOMPLETE", "CANCELLED"), strict=True):
        with site.parts.records.write() as session:
            done = {"finished_at": site.parts.now, "active_study": None, "next_try_at": None}
            session.execute(
                update(FetchRow)
                .where(FetchRow.id == one)
                .values(outcome=outcome, arrived=2, expected=3, **done)
            )
    html = staff[0].page(staff[1])
    assert total(html) == "3 wanted, 1 arrived, 1 still missing"
    part, ended, _arrived = rows(html)
    assert part.startswith("▲ Only in part 2 of 3 images here")
    assert ended.startswith("○ Ended by a person")
    assert "Fetch again what is missing (1)" in html


def test_a_partial_study_is_never_counted_as_arrived(site, client, archive, staff):
    for ds in study():
        archive.add(ds)
    path = client.opened(site)
    archive.behave(leaves_out(1))
    want(client, path, "CT Thorax")
    site.fetch_all()
    assert ", 0 arrived, 1 still missing" in total(staff[0].page(staff[1]))


def test_the_period_may_be_chosen_and_nothing_outside_it_is_listed(site, outage, staff):
    client, path = staff
    assert rows(client.page(f"{path}?start=2026-01-01T00:00&end=2026-01-02T00:00")) == []
    for wrong in ("start=x&end=", "start=2026-01-02T00:00&end=2026-01-01T00:00"):
        client.page(f"{path}?{wrong}", 422)


def test_posters_that_nobody_asked_for_are_not_on_the_list(site, client, archive, outage, staff):
    with site.parts.records.write() as session:
        session.execute(update(FetchRow).values(scope="POSTERS"))
    assert rows(staff[0].page(staff[1])) == []


def unanswered(html: str) -> list[str]:
    found = re.search(r"Archives that could not be asked</h2>(.*?)</table>", html, re.DOTALL)
    return [text_of(row) for row in re.findall(r"<tr><td>.*?</tr>", found[1], re.DOTALL)] if found else []


def test_a_patient_about_whom_an_archive_could_not_be_asked_is_named_until_it_answers(site, archive, staff):
    client, path = staff
    archive.behave(takes_at_most(0))
    doctor = site.app.test_client()
    doctor.opened(site)
    doctor.opened(site, STRANGER)
    said = unanswered(client.page(path))
    assert [name in row for name, row in zip(("OKAFOR", "STRANGER"), said, strict=True)] == [True, True]
    assert all("Main archive" in row for row in said)
    archive.behave_well()
    site.app.test_client().opened(site)  # a colleague opens one of them again
    (left,) = unanswered(client.page(path))
    assert "STRANGER" in left
    assert "1 question not answered" in total(client.page(path))


def test_an_answer_about_fewer_dates_or_another_patient_does_not_settle_a_question(site, archive, staff):
    archive.behave(takes_at_most(0))
    doctor = site.app.test_client()
    doctor.opened(site)
    archive.behave_well()
    other = replace(OKAFOR, identity=replace(OKAFOR.identity, issuer="RIVERSIDE"))
    site.app.test_client().opened(site, other)
    narrow = site.app.test_client()
    page = narrow.opened(site, ask=False)
    html = narrow.page(page)
    with site.parts.records.write() as session:  # the question of the last year is not put again
        from preview.records import AskRow

        newest = session.scalars(select(AskRow).order_by(AskRow.wanted_at.desc())).first()
        newest.start = newest.end = site.parts.now.date()
    assert "OKAFOR" in html
    site.ask_all()
    assert ["OKAFOR" in row for row in unanswered(staff[0].page(staff[1]))] == [True]


def test_a_source_that_is_not_there_at_all_is_named_for_each_patient(install, archive):
    site = install(source_block("main", archive.port, aet="MAIN"), source_block("other", 1))
    site.app.test_client().opened(site)
    client = site.app.test_client()
    key = as_person(site, client, "Sam", Role.STAFF)
    (row,) = unanswered(client.page(f"/staff/{key}/downtime"))
    assert "Other archive" in row


# The paper log

ROW = {
    "patient_name": "Okafor, Adaeze",
    "birth_date_text": "14-Jul-1975",
    "patient_id": "4471902",
    "issuer": "HOSP",
    "study": "CT head",
    "holder": "Riverside",
    "asked_by": "Dr Lee",
    "urgency": "now",
    "solved": "disc by runner",
    "initials": "SM",
}


def enter(site, staff, **more):
    client, path = staff
    now = site.parts.now.astimezone(site.settings.app.zone) - timedelta(minutes=5)
    time = now.replace(tzinfo=None).isoformat(timespec="minutes")
    return client.press(client.page(path), "Enter this row", **({"time": time} | ROW | more))


def test_a_row_of_the_paper_log_is_entered_as_it_was_written_and_settled(site, staff):
    client, path = staff
    response = enter(site, staff)
    assert response.status_code == 303
    html = client.page(response.headers["Location"])
    card = text_of(re.search(r'<article class="card" id="row-.*?</article>', html, re.DOTALL)[0])
    for text in ROW.values():
        assert text in card
    assert client.press(html, "Nothing of it is open any more").status_code == 303
    assert re.search(r"Settled \S+ Sam", text_of(client.page(path)))


def test_an_open_row_is_listed_however_old_the_outage_is(site, staff):
    client, path = staff
    enter(site, staff, time="2026-01-01T10:00")
    assert "Okafor, Adaeze" in client.page(path)
    client.press(client.page(path), "Nothing of it is open any more")
    assert "Okafor, Adaeze" not in client.page(path)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"patient_name": " "}, "Still missing: Patient."),
        ({"study": ""}, "Still missing: Study wanted."),
        ({"birth_date_text": "", "patient_id": ""}, "Still missing: Born, Id."),
        ({"time": "yesterday"}, "a date and time that has been"),
        ({"time": "2999-01-01T10:00"}, "a date and time that has been"),
    ],
)
def test_a_row_without_two_identifiers_is_handed_back_as_it_was_typed(site, staff, wrong, said):
    response = enter(site, staff, **wrong)
    assert response.status_code == 422
    assert said in text_of(response.text)
    assert 'value="disc by runner"' in response.text
    assert 'id="row-' not in staff[0].page(staff[1])


def test_hostile_rows_are_shown_as_text_and_cut(site, staff):
    enter(site, staff, patient_name="<script>alert(1)</script>", solved="s" * 900)
    html = staff[0].page(staff[1])
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert(1)" in html
    assert "s" * 201 not in html


def test_only_staff_see_and_change_it_and_only_with_the_forms_token(site, client, staff, outage):
    _, path = staff
    enter(site, staff)
    key = outage.split("/")[2]
    for address in (path, f"/staff/{key}/downtime", "/downtime"):
        assert client.get(address).status_code == 403
    number = re.search(r"/rows/(\d+)/settle", staff[0].page(path))[1]
    for address in ("again", "rows", f"rows/{number}/settle"):
        assert staff[0].post(f"{path}/{address}", data=ROW).status_code == 400
    assert "Nothing of it is open any more" in staff[0].page(path)
    assert staff[0].get("/downtime").headers["Location"] == path


def test_the_outages_of_the_last_weeks_are_offered_and_the_last_is_shown(site, outage, staff):
    from preview.health.records import Condition, OutageRow

    client, path = staff
    now = site.parts.now
    ago = {name: now - timedelta(hours=hours) for name, hours in (("a", 30), ("b", 28), ("c", 3), ("d", 2))}
    with site.parts.records.write() as session:
        for begin, end in (("a", "b"), ("c", "d")):
            row = OutageRow(source="main", condition=Condition.DOWN, began_at=ago[begin], ended_at=ago[end])
            session.add(row)
    html = client.page(path)
    assert total(html).startswith("0 wanted"), "ordinary fetches of the day are none of the outage's"
    periods = re.search(r'(?s)<nav[^>]*id="periods".*?</nav>', html)[0]
    links = re.findall(r'href="([^"]+)"', periods)
    assert len(links) == 2
    assert periods.index('aria-current="true"') < periods.index(links[1])
    with site.parts.records.write() as session:
        session.execute(update(FetchRow).values(wanted_at=ago["a"] + timedelta(minutes=1)))
        session.execute(update(FetchRow).values(finished_at=ago["a"] + timedelta(minutes=2)))
    from html import unescape

    assert total(client.page(unescape(links[1]))).startswith("3 wanted")
