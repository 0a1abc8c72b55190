"""An admin writes the plan, a second person approves it, and only then does everybody see it."""

import re
from datetime import date, timedelta

import pypdfium2
import pytest
from sqlalchemy import update
from support.inspecting import text_of
from support.people import as_person
from support.studies import OKAFOR

from preview.fallback import upkeep
from preview.fallback.records import PlanRow
from preview.records import Role


@pytest.fixture
def writer(site, client):
    """Dr Adams, an admin: her browser, and the path of the pages of the plan."""
    return client, f"/admin/{as_person(site, client, 'Dr Adams')}/fallback"


@pytest.fixture
def second(site):
    """Dr Brown, of the staff, at another workstation."""
    client = site.app.test_client()
    return client, f"/admin/{as_person(site, client, 'Dr Brown', Role.STAFF)}/fallback"


def write(person, **texts: str):
    """Fill in the form as it stands and save it."""
    client, path = person
    return client.press(client.page(f"{path}/edit"), "Save this version for approval", **form(texts))


def form(texts: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", ".") if name != "review_due" else name: text for name, text in texts.items()}


def approve(person):
    client, path = person
    return client.press(client.page(path), "Approve, and show it to everybody")


def seen(client) -> str:
    return text_of(client.page("/fallback"))


def test_a_version_is_shown_once_a_second_person_has_approved_it(site, client, writer, second):
    assert write(writer, call_pacs_day="1111").status_code == 303
    assert approve(second).status_code == 303
    assert "Version 1 by Dr Adams, approved by Dr Brown on" in seen(client)
    assert write(writer, call_pacs_day="2222").status_code == 303
    assert "1111" in seen(client)  # what is approved stands until the next is
    assert "2222" not in seen(client)
    overview = text_of(second[0].page(second[1]))
    assert "Version 2 waits for approval" in overview
    assert "PACS administrator: telephone in hours 1111 2222" in overview
    approve(second)
    assert "2222" in seen(client)
    printed = pypdfium2.PdfDocument(client.get("/fallback.pdf").data)
    assert "2222" in printed[0].get_textpage().get_text_range()


def test_until_the_first_approval_everybody_sees_what_was_written_and_that_nobody_approved_it(client, writer):
    write(writer, call_pacs_day="1111")
    assert "Version 1 by Dr Adams: NOT YET APPROVED" in seen(client)
    assert "1111" in seen(client)
    write(writer, call_pacs_day="2222")
    assert "2222" in seen(client)


@pytest.mark.parametrize("name", ["Dr Adams", " dr adams ", ""])
def test_nobody_approves_their_own_version_nor_somebody_without_a_name(site, client, writer, name):
    write(writer, call_pacs_day="1111")
    same = site.app.test_client()
    path = f"/admin/{as_person(site, same, name)}/fallback"
    html = same.page(path)
    assert "Approve, and show it" not in html
    assert "Somebody else of the staff must approve it, under their own name." in text_of(html)
    token = re.search(r'csrf_token" value="([^"]*)"', same.page(f"{path}/edit"))[1]
    response = same.post(f"{path}/versions/1/approve", data={"csrf_token": token})
    assert response.status_code == 409
    assert "NOT YET APPROVED" in seen(client)


def test_an_admin_without_a_name_saves_nothing(site, client):
    path = f"/admin/{as_person(site, client, '')}/fallback"
    response = write((client, path))
    assert response.status_code == 422
    assert "did not say who you are" in text_of(response.text)
    assert "Shipped template" in seen(client)


def test_two_who_write_at_the_same_time_do_not_overwrite_each_other(site, client, writer):
    other = site.app.test_client()
    path = f"/admin/{as_person(site, other, 'Dr Cole')}/fallback"
    begun = other.page(f"{path}/edit")
    write(writer, call_pacs_day="1111")
    response = other.press(begun, "Save this version for approval", **{"call.pacs.day": "3333"})
    assert response.status_code == 422
    assert "Somebody else has saved a version meanwhile." in text_of(response.text)
    assert 'value="3333"' in response.text  # nothing that was typed is lost
    assert "3333" not in seen(client)


def test_only_the_newest_version_can_be_approved_and_only_once(site, client, writer, second):
    write(writer, call_pacs_day="1111")
    before = second[0].page(second[1])
    write(writer, call_pacs_day="2222")
    assert second[0].press(before, "Approve, and show it to everybody").status_code == 409
    html = second[0].page(second[1])
    assert second[0].press(html, "Approve, and show it to everybody").status_code == 303
    assert second[0].press(html, "Approve, and show it to everybody").status_code == 409
    assert "Version 2 by Dr Adams, approved by Dr Brown" in seen(client)


def test_every_version_stays_readable_with_who_and_when(client, writer, second):
    write(writer, call_pacs_day="1111")
    approve(second)
    write(writer, call_pacs_day="2222")
    approve(second)
    html = second[0].page(second[1])
    assert re.findall(r"Version (\d)</a>", html) == ["2", "1"]
    first = second[0].get(f"{second[1]}/versions/1")
    assert "1111" in first.text
    assert "2222" not in first.text
    assert second[0].get(f"{second[1]}/versions/1.pdf").data.startswith(b"%PDF")
    assert second[0].get(f"{second[1]}/versions/3").status_code == 404
    assert second[0].get(f"{second[1]}/versions/99999999999999999999").status_code == 404


def test_after_an_approval_staff_are_told_to_print(writer, second):
    write(writer)
    page = second[0].page(approve(second).headers["Location"])
    assert "Approved. Now print it." in text_of(page)


def test_what_is_left_empty_is_a_blank_and_is_named(client, writer):
    write(writer, works="", call_pacs_name="Ann")
    overview = writer[0].page(writer[1])
    labels = re.findall(r"<li>(.*?)</li>", overview)
    assert "What still works" in labels
    assert "PACS administrator: name" not in labels
    assert re.search(r"<b>What still works: </b><span class=\"blank\">", client.page("/fallback"))


def test_what_does_not_fit_is_handed_back_and_nothing_is_saved(client, writer):
    """What fits depends on how wide the letters are, so no length of a field alone can say it."""
    levels = {f"level_{level}": 160 for level in "abcde"}
    names = {f"call_{role}_name": 60 for role in ("pacs", "radiology", "desk", "vendor", "lead", "privacy")}
    lengths = {"works": 240, "works_not": 200} | levels | names
    narrow, wide = ({field: letter * most for field, most in lengths.items()} for letter in "iW")
    assert write(writer, **narrow).status_code == 303
    response = write(writer, **wide)
    assert response.status_code == 422
    assert "more than two pages hold" in text_of(response.text)
    assert "W" * 160 in response.text
    assert "WWW" not in seen(client)


@pytest.mark.parametrize("days", [-1, 0, 732])
def test_a_review_is_due_after_today_and_within_two_years(site, client, writer, days):
    today = site.parts.now.astimezone(site.settings.app.zone).date()
    response = write(writer, review_due=(today + timedelta(days=days)).isoformat())
    assert response.status_code == 422
    assert "The review must be due after today and within two years." in text_of(response.text)
    assert write(writer, review_due="tomorrow").status_code == 422


def test_an_overdue_review_is_said_on_the_plan_and_to_staff(site, client, writer, second):
    write(writer)
    approve(second)
    file = site.settings.app.fallback_folder / "fallback.html"
    due = re.search(r'name="review-due" content="(.*?)"', file.read_text())[1]
    assert date.fromisoformat(due) > date.today()
    file.write_text(file.read_text().replace(f'content="{due}"', 'content="2025-01-31"'))
    assert '<p id="overdue" class="warning">' in client.page("/fallback")
    assert "The review of the plan is overdue since 31-Jan-2025 ." in text_of(second[0].page(second[1]))
    path = client.opened(site, OKAFOR, Role.STAFF)
    assert "review overdue" in client.page(path)
    doctor = site.app.test_client()
    assert "review overdue" not in doctor.page(doctor.opened(site))


def test_the_file_that_another_web_server_shows_says_by_itself_that_its_review_is_overdue(
    site, client, writer, second
):
    write(writer)
    approve(second)
    known = upkeep.keep_up(site.app, site.parts, None)
    file = site.settings.app.fallback_folder / "fallback.html"
    assert '<p id="overdue" hidden' in file.read_text()
    with site.parts.records.write() as session:
        session.execute(update(PlanRow).values(review_due=date.today() - timedelta(days=1)))
    upkeep.keep_up(site.app, site.parts, known)
    assert '<p id="overdue" class="warning">' in file.read_text()
    assert '<p id="overdue" class="warning">' in client.page("/fallback")


def test_a_second_person_whose_name_cannot_be_printed_is_told_so(site, client, writer):
    write(writer, call_pacs_day="1111")
    other = site.app.test_client()
    response = approve((other, f"/admin/{as_person(site, other, 'Dr 東', Role.STAFF)}/fallback"))
    assert response.status_code == 422
    assert "These characters cannot be printed: 東" in text_of(response.text)
    assert "NOT YET APPROVED" in seen(client)


def test_a_version_whose_font_is_gone_can_still_be_read(site, writer):
    write(writer, call_pacs_day="1111")
    with site.parts.records.write() as session:
        session.execute(update(PlanRow).values(author="Dr 東"))
    client, path = writer
    assert "1111" in client.page(f"{path}/versions/1")
    assert client.get(f"{path}/versions/1.pdf").status_code == 404


def test_hostile_texts_are_shown_as_text_to_those_who_write_and_approve(client, writer, second):
    hostile = "<script>alert(1)</script></textarea>"
    write(writer, works=hostile, viewer=hostile)
    shown = "&lt;script&gt;alert(1)&lt;/script&gt;&lt;/textarea&gt;"
    for html in (writer[0].page(f"{writer[1]}/edit"), second[0].page(second[1]), client.page("/fallback")):
        assert "<script>alert" not in html
        assert html.count(shown) == 2


def test_control_characters_and_overlong_texts_are_cut(client, writer):
    write(writer, call_pacs_name="A\x00n\u202en\x1b[31m", copies="y" * 500)
    html = writer[0].page(f"{writer[1]}/edit")
    assert 'value="Ann[31m"' in html
    assert "y" * 120 in html
    assert "y" * 121 not in html


def test_a_full_disk_approves_nothing(site, client, writer, second):
    write(writer, call_pacs_day="1111")
    approve(second)
    write(writer, call_pacs_day="2222")
    folder = site.settings.app.fallback_folder
    moved = folder.rename(folder.with_name("elsewhere"))
    folder.write_text("not a folder")
    response = approve(second)
    folder.unlink()
    moved.rename(folder)
    assert response.status_code == 503
    assert "so it was not approved" in text_of(response.text)
    assert "1111" in seen(client)
    approve(second)
    assert "2222" in seen(client)


PLACES = ("", "/edit", "/versions/1", "/versions/1.pdf")


def test_doctors_see_nothing_behind_the_plan_and_staff_do_not_write(site, client, writer, second):
    write(writer)
    doctor = site.app.test_client()
    key = doctor.opened(site).split("/")[2]
    for place in PLACES:
        assert doctor.get(f"/admin/{key}/fallback{place}").status_code == 403
        assert doctor.get(f"{writer[1]}{place}").status_code == 403  # somebody else's key
    assert second[0].get(f"{second[1]}/edit").status_code == 403
    token = re.search(r'csrf_token" value="([^"]*)"', second[0].page(second[1]))[1]
    for browser, path in ((doctor, f"/admin/{key}/fallback"), second):
        response = browser.post(f"{path}/edit", data={"csrf_token": token, "based_on": "1"})
        assert response.status_code in (400, 403)
    assert "Write a new version" not in second[0].page(second[1])


def test_without_its_token_no_form_is_taken(writer, second):
    client, path = writer
    write(writer)
    assert client.post(f"{path}/edit", data={"based_on": "1", "review_due": "2027-01-01"}).status_code == 400
    assert second[0].post(f"{second[1]}/versions/1/approve").status_code == 400
    assert "Version 1 waits for approval" in text_of(second[0].page(second[1]))


def test_the_short_address_leads_to_the_pages_of_whoever_is_staff(site, client, writer):
    assert client.get("/admin/fallback").headers["Location"] == writer[1]
    doctor = site.app.test_client()
    doctor.opened(site)
    assert doctor.get("/admin/fallback").status_code == 403


def test_the_command_puts_the_approved_plan_into_a_new_folder(site, client, writer, second):
    write(writer, call_pacs_day="1111")
    approve(second)
    folder = site.settings.app.fallback_folder
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    for file in folder.iterdir():
        file.unlink()
    ran = site.flask("export-fallback")
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.strip() == str(folder)
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before


def test_what_was_approved_on_another_host_comes_into_this_ones_folder(site, client, writer, second):
    write(writer, call_pacs_day="1111")
    approve(second)
    folder = site.settings.app.fallback_folder
    known = upkeep.keep_up(site.app, site.parts, None)
    here = {file.name: file.read_bytes() for file in folder.iterdir()}
    write(writer, call_pacs_day="2222")
    approve(second)
    for name, content in here.items():  # as on a host on which nobody approved anything
        (folder / name).write_bytes(content)
    assert "1111" in seen(client)
    known = upkeep.keep_up(site.app, site.parts, known)
    assert "2222" in seen(client)
    (folder / "fallback.html").write_bytes(here["fallback.html"])
    upkeep.keep_up(site.app, site.parts, known)
    assert "1111" in seen(client), "nothing changed, so nothing is made anew"
