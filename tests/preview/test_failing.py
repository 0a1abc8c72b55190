"""What is shown when something cannot be shown: a sentence, what to do, and never a patient's data."""

import re

import pytest
from sqlalchemy import text
from support.inspecting import text_of
from support.studies import OKAFOR

from preview.records import Role

LEAKS = re.compile(r"OKAFOR|4471902|Traceback|LookupError|sqlite|\.py\b", re.IGNORECASE)


@pytest.fixture
def broken(site, client):
    """A patient's page whose row in the database cannot be read: our own fault, quoting a patient's name."""
    path = client.opened(site)
    with site.parts.records.engine.begin() as connection:
        connection.execute(text("UPDATE contexts SET role = 'OKAFOR^Adaeze'"))
    return path


def test_an_unexpected_error_has_a_reference_that_the_log_has_too(client, broken, caplog):
    response = client.get(broken)
    assert response.status_code == 500
    said = text_of(response.text)
    assert "Something went wrong here" in said
    assert "call the helpdesk and say the reference" in said
    assert "Helpdesk Radiology 2345" in said
    reference = re.search(r"Reference (E-[0-9A-F]{6})", said)[1]
    assert f"reference={reference} LookupError at " in caplog.text


def test_an_unexpected_error_leaks_nothing_into_page_or_log(client, broken, caplog, capfd):
    caplog.clear()
    response = client.get(broken)
    assert not LEAKS.search(response.text)
    assert not re.search(r"OKAFOR|4471902", caplog.text)
    assert not re.search(r"OKAFOR|4471902|Traceback", "".join(capfd.readouterr()))


def test_two_errors_have_two_references(client, broken):
    references = {re.search(r"E-[0-9A-F]{6}", client.get(broken).text)[0] for _ in range(3)}
    assert len(references) == 3


def test_a_file_that_is_no_database_leaks_nothing(site, client):
    path = client.opened(site)
    site.parts.records.engine.dispose()
    for file in site.folder.glob("preview.db*"):
        file.unlink()
    (site.folder / "preview.db").write_bytes(b"OKAFOR is no database " * 1000)
    response = client.get(path)
    assert response.status_code in (500, 503)
    assert not LEAKS.search(response.text)


@pytest.mark.parametrize("address", ["/nowhere", "/patients/x/y", "/assets/jquery.js", "/static/..%2fapp.py"])
def test_an_address_that_does_not_exist_says_what_to_do(client, address):
    response = client.get(address)
    assert response.status_code == 404
    assert "Nothing here" in text_of(response.text)
    assert "open the patient again from the clinical application" in text_of(response.text)


def test_a_wrong_method_says_which_is_right(site, client):
    path = client.opened(site)
    response = client.get(f"{path}/ask")
    assert response.status_code == 405
    assert "POST" in response.headers["Allow"]
    assert "This request could not be answered" in text_of(response.text)


def test_a_form_that_is_too_large_is_refused(site, client):
    path = client.opened(site)
    response = client.post(f"{path}/ask", data={"from": "x" * 100_000})
    assert response.status_code in (400, 413)
    assert "OKAFOR" not in response.text


def test_a_redirect_is_no_error(site, client):
    path = client.opened(site, OKAFOR, Role.STAFF)
    response = client.get("/unmatched")
    assert response.status_code == 303
    assert path.rpartition("/")[2] in response.headers["Location"]


def test_every_refusal_is_a_page_of_its_own(site, client):
    path = client.opened(site)
    pages = {
        404: client.get("/nowhere"),
        403: site.app.test_client().get(path),
        410: client.get("/open/used"),
        400: client.post(f"{path}/ask"),
        422: client.get(f"{path}?from=x"),
        405: client.post(path),
    }
    assert {code: page.status_code for code, page in pages.items()} == {code: code for code in pages}
    titles = {re.search(r"<h1>(.*?)</h1>", page.text)[1] for page in pages.values()}
    assert len(titles) == len(pages)
