"""The way in, and who may see what: one test for each person who tries."""

import re
from datetime import timedelta
from itertools import product

import pytest
from flask import Flask
from sqlalchemy import select, update
from support.inspecting import polled_address, text_of
from support.installation import Installation, context_key
from support.studies import OKAFOR, STRANGER, study

from app import create_app
from fetch.settings import load_settings
from preview.entrance import access
from preview.records import AskRow, ContextRow, FetchRow, Role
from preview.shelf import Place, picture_key


def token(html: str) -> str:
    return re.search(r'name="csrf_token" value="([^"]*)"', html)[1]


def study_key(html: str) -> str:
    return re.search(r'id="study-(\w+)"', html)[1]


def end(site, path: str) -> None:
    """The session of this path's context runs out."""
    with site.parts.records.write() as session:
        mine = update(ContextRow).where(ContextRow.key == context_key(path))
        session.execute(mine.values(ends_at=site.parts.now))


@pytest.fixture
def opened(site, client, archive):
    """A patient's page with one study."""
    for ds in study():
        archive.add(ds)
    return client.opened(site)


@pytest.fixture
def addresses(site, client, opened):
    """Everything there is to see of the patient: page, poll, study, its poll, and a picture."""
    key = study_key(client.page(opened))
    picture = Place(key, picture_key("1.2.3"), 1, 256)
    site.parts.shelf.put(picture, b"\x89PNG")
    return {
        "page": opened,
        "poll": f"{opened}/updates",
        "study": f"{opened}/studies/{key}",
        "study poll": f"{opened}/studies/{key}/updates",
        "picture": f"{opened}/pictures/{picture}",
    }


# --- the one-time code


def test_a_code_opens_the_patient_and_asks_for_the_last_year(site, client):
    response = client.get(site.launch(OKAFOR))
    assert response.status_code == 303
    assert re.fullmatch(r"/patients/[0-9a-f]{32}", response.headers["Location"])
    with site.parts.records.read() as session:
        (ask,) = session.scalars(select(AskRow))
    assert ask.end - ask.start == timedelta(days=365)


def test_a_code_works_once(site, client):
    address = site.launch(OKAFOR)
    assert client.get(address).status_code == 303
    response = client.get(address)
    assert response.status_code == 410
    assert "This link cannot be used" in text_of(response.text)
    assert "Open the patient again from the clinical application." in text_of(response.text)


def test_a_code_that_was_used_opens_nothing_in_a_second_browser(site, client):
    address = site.launch(OKAFOR)
    path = client.get(address).headers["Location"]
    second = site.app.test_client()
    assert second.get(address).status_code == 410
    assert second.get(path).status_code == 403


def test_a_code_expires(site, client):
    address = site.launch(OKAFOR)
    with site.parts.records.write() as session:
        session.execute(update(ContextRow).values(ends_at=site.parts.now))
    assert client.get(address).status_code == 410


def test_a_code_lives_fifteen_minutes(site):
    site.launch(OKAFOR)
    with site.parts.records.read() as session:
        context = session.scalars(select(ContextRow)).one()
    assert context.ends_at - context.made_at == timedelta(minutes=15)


@pytest.mark.parametrize("code", ["x", "A" * 32, "%00", "..", "' OR 1=1 --"])
def test_a_guessed_code_opens_nothing(site, client, code):
    site.launch(OKAFOR)
    assert client.get(f"/open/{code}").status_code in (404, 410)


def test_the_code_itself_is_not_kept(site):
    code = site.launch(OKAFOR).removeprefix("/open/")
    site.parts.records.engine.dispose()
    assert code.encode() not in b"".join(f.read_bytes() for f in site.folder.glob("preview.db*"))


def test_no_patient_data_stands_in_any_address(site, client, addresses):
    for address in (site.launch(OKAFOR), *addresses.values()):
        assert not re.search(r"OKAFOR|4471902|1975", address)


def test_a_referrer_needs_a_patient(site):
    with pytest.raises(ValueError, match="needs a patient"):
        site.launch(None, Role.REFERRER)


def test_the_home_page_says_where_to_begin(client):
    assert "Open a patient in the clinical application" in text_of(client.page("/"))


# --- other people


def test_who_opened_the_patient_sees_it(client, addresses):
    assert {client.get(address).status_code for address in addresses.values()} == {200}


def test_another_browser_is_refused(site, addresses):
    for address in addresses.values():
        response = site.app.test_client().get(address)
        assert response.status_code == 403
        assert "This page is not open for you" in text_of(response.text)
        assert "OKAFOR" not in response.text


def test_another_browser_with_a_context_of_its_own_is_refused_too(site, addresses):
    colleague = site.app.test_client()
    colleague.opened(site, OKAFOR)
    assert {colleague.get(address).status_code for address in addresses.values()} == {403}


def test_another_patients_context_does_not_open_the_study(site, client, addresses):
    """Also not for somebody who has both patients open."""
    other = client.opened(site, STRANGER)
    for what in ("study", "study poll", "picture"):
        response = client.get(addresses[what].replace(addresses["page"], other))
        assert response.status_code == 404
        assert "OKAFOR" not in response.text
        assert client.get(addresses[what]).status_code == 200


def test_another_patients_study_can_neither_be_fetched_nor_cancelled(site, client, addresses):
    other = client.opened(site, STRANGER)
    address = addresses["study"].replace(addresses["page"], other)
    form = {"csrf_token": token(client.page(other))}
    for action in ("fetch", "cancel"):
        assert client.post(f"{address}/{action}", data=form).status_code == 404


def test_two_patients_in_two_tabs_do_not_touch_each_other(site, client, archive):
    for ds in (*study(StudyDescription="Study of hers"), *study(STRANGER, StudyDescription="Study of his")):
        archive.add(ds)
    hers, his = client.opened(site), client.opened(site, STRANGER)
    for path, theirs, others in (
        (hers, "of hers", "of his"),
        (his, "of his", "of hers"),
        (hers, "of hers", "of his"),
    ):
        html = client.page(path)
        assert theirs in html
        assert others not in html
    end(site, hers)
    assert client.get(hers).status_code == 403
    assert client.get(his).status_code == 200


def test_a_session_ends(site, client, addresses):
    end(site, addresses["page"])
    assert {client.get(address).status_code for address in addresses.values()} == {403}


# --- staff


def test_a_referrer_does_not_see_the_unmatched_list(client, opened):
    response = client.get(f"/staff/{context_key(opened)}/unmatched")
    assert response.status_code == 403
    assert "Only imaging staff see this page" in text_of(response.text)
    assert client.get("/unmatched").status_code == 403
    assert "Unmatched studies" not in client.page(opened)


@pytest.mark.parametrize("role", [Role.REFERRER, Role.RADIOLOGIST])
def test_only_staff_have_the_list_in_their_header(site, client, role):
    assert "/unmatched" not in client.page(client.opened(site, role=role))


@pytest.mark.parametrize("role", access.STAFF)
def test_staff_see_the_list_with_and_without_a_patient(site, client, role):
    path = client.opened(site, None, role)
    assert re.fullmatch(r"/staff/[0-9a-f]{32}/unmatched", path)
    assert "Nothing waits here" in text_of(client.page(path))
    assert client.get("/unmatched").headers["Location"] == path
    html = client.page(client.opened(site, OKAFOR, role))
    assert "Unmatched studies 0" in text_of(html)


def test_staff_without_a_patient_have_no_patients_page(site, client):
    path = client.opened(site, None, Role.STAFF)
    assert client.get(path.replace("/staff/", "/patients/").removesuffix("/unmatched")).status_code == 404


def test_the_unmatched_list_needs_a_session(site):
    response = site.app.test_client().get("/unmatched")
    assert response.status_code == 403
    assert "This page is not open for you" in text_of(response.text)


def test_the_unmatched_list_of_another_browser_is_refused(site, client):
    path = client.opened(site, None, Role.STAFF)
    assert site.app.test_client().get(path).status_code == 403


# --- forms


def test_a_form_without_its_token_changes_nothing(site, client, opened):
    study_page = f"{opened}/studies/{study_key(client.page(opened))}"
    forms = [{}, {"csrf_token": "guessed"}]
    for address, form in product((f"{opened}/ask", f"{study_page}/fetch", f"{study_page}/cancel"), forms):
        response = client.post(address, data=form)
        assert response.status_code == 400
        assert "This form has expired Nothing was changed." in text_of(response.text)
    with site.parts.records.read() as session:
        assert len(session.scalars(select(AskRow)).all()) == 1
        assert session.scalars(select(FetchRow)).all() == []


def test_another_browsers_token_does_not_open_the_form(site, client, opened):
    other = site.app.test_client()
    theirs = token(other.page(other.opened(site, STRANGER)))
    assert client.post(f"{opened}/ask", data={"csrf_token": theirs}).status_code == 400


def test_a_form_of_another_browser_is_refused_even_with_a_token(site, opened):
    other = site.app.test_client()
    theirs = token(other.page(other.opened(site, STRANGER)))
    assert other.post(f"{opened}/ask", data={"csrf_token": theirs}).status_code == 403


# --- cookies and headers


def cookie(app: Flask, address: str, **more) -> str:
    return app.test_client().get(address, **more).headers["Set-Cookie"]


def test_the_cookie_is_kept_from_scripts_and_other_sites(site):
    flags = cookie(site.app, site.launch(OKAFOR)).split("; ")
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(flags)
    assert "Secure" not in flags  # plain http on this machine only


def test_under_https_the_cookie_is_secure(site: Installation):
    settings = load_settings(site.file, {"PREVIEW_APP__URL": "https://preview.hospital.example"})
    app = create_app(settings)
    assert "; Secure" in cookie(app, site.launch(OKAFOR), base_url="https://preview.hospital.example")
    app.extensions["preview"].records.engine.dispose()


def test_the_cookie_says_nothing_of_the_patient(site, client):
    client.page(client.opened(site))
    with client.session_transaction() as kept:
        assert set(kept) == {"browser", "csrf_token", "_permanent"}


EVERY_KIND = [
    "/",
    "/nowhere",
    "/open/x",
    "/unmatched",
    "/static/preview.css",
    "/assets/htmx.js",
    "/patients/x",
]


@pytest.mark.parametrize("address", EVERY_KIND)
def test_every_kind_of_answer_has_the_strict_headers(client, address):
    headers = client.get(address).headers
    policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["frame-ancestors"] == policy["script-src"] == policy["style-src"] == "'self'"
    assert policy["base-uri"] == "'none'"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "Cookie" in headers["Vary"]
    assert "HX-Request" in headers["Vary"]


def test_pages_with_patient_data_are_not_stored(client, addresses):
    for what in ("page", "poll", "study", "study poll"):
        response = client.get(addresses[what])
        assert response.headers["Cache-Control"] == "no-store"
        assert "Content-Security-Policy" in response.headers


# --- pictures


def test_a_picture_may_be_kept_by_its_reader_but_is_asked_for_each_time(client, addresses):
    response = client.get(addresses["picture"])
    assert response.mimetype == "image/png"
    assert response.headers["Cache-Control"] == "private, no-cache"
    assert response.headers["Content-Security-Policy"]
    etag = response.headers["ETag"]
    again = client.get(addresses["picture"], headers={"If-None-Match": etag})
    assert (again.status_code, again.data) == (304, b"")
    assert again.headers["Cache-Control"] == "private, no-cache"
    other = client.get(addresses["picture"], headers={"If-None-Match": '"other"'})
    assert (other.status_code, other.data) == (200, response.data)


def test_access_is_checked_before_every_304(site, client, addresses):
    etag = {"If-None-Match": client.get(addresses["picture"]).headers["ETag"]}
    stranger = site.app.test_client()
    assert stranger.get(addresses["picture"], headers=etag).status_code == 403
    other = client.opened(site, STRANGER)
    theirs = addresses["picture"].replace(addresses["page"], other)
    assert client.get(theirs, headers=etag).status_code == 404
    end(site, addresses["page"])
    assert client.get(addresses["picture"], headers=etag).status_code == 403


HOSTILE_NAMES = [
    "..",
    "../secret",
    "..%2f..%2fsecret",
    "%2e%2e%2f%2e%2e%2fsecret",
    "..%5c..%5csecret",
    "%2fetc%2fpasswd",
    "....//secret",
    "x.png",
    "",
    "%00.png",
    "0" * 32 + "-1-256.png",
    "0" * 32 + "-1-256.png.part",
    "0" * 32 + "-1-256.png%0a",
]


def test_a_hostile_picture_name_is_nothing(client, addresses):
    folder = addresses["picture"].rpartition("/")[0]
    for name in HOSTILE_NAMES:
        response = client.get(f"{folder}/{name}")
        assert response.status_code == 404, name
        assert b"PNG" not in response.data


def test_only_pictures_are_handed_out_of_a_studys_folder(site, client, addresses):
    folder = addresses["picture"].rpartition("/")[0]
    picture = site.folder / "shelf" / addresses["picture"].split("/pictures/")[1]
    for name in ("notes.txt", f"{picture.name}.part", picture.name.replace("-1-", "-x-")):
        (picture.parent / name).write_text("no picture")
        assert client.get(f"{folder}/{name}").status_code == 404, name


def test_a_hostile_study_key_is_nothing(client, opened):
    for key in ("..", "%2e%2e", "..%2f..", "%00"):
        assert client.get(f"{opened}/pictures/{key}/secret").status_code == 404


def test_the_poll_address_of_one_page_serves_only_its_browser(site, client, archive):
    for ds in study():
        archive.add(ds)
    html = client.page(client.opened(site, ask=False))
    assert site.app.test_client().get(polled_address(html)).status_code == 403
    assert client.get(polled_address(html)).status_code == 204


@pytest.mark.parametrize("address", ["/downtime", "/admin/notices", "/admin/fallback", "/archives"])
def test_whoever_lacks_the_role_is_told_so_and_led_back(client, opened, address):
    response = client.get(address)
    assert response.status_code == 403
    said = text_of(response.text)
    assert "Only imaging staff see this page You are signed in, but your role does not include it." in said
    assert "session has ended" not in said
    assert f'href="{opened}"' in response.text


def test_staff_are_told_what_only_an_administrator_may_do(site, client):
    key = context_key(client.get(site.launch(None, Role.STAFF)).headers["Location"])
    response = client.get(f"/admin/{key}/fallback/edit")
    assert response.status_code == 403
    assert "Only an administrator may do this" in text_of(response.text)
