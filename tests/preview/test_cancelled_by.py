"""Who cancelled a fetch: "you" where that is certain, the name for staff and under the same login."""

import re

import pytest
from support.inspecting import text_of
from support.people import as_person
from support.studies import OKAFOR
from support.visits import opened

from preview.records import Role


@pytest.fixture
def cancelled(site, archive):
    """The page of whoever comes in under a name, after Dr Adams has cancelled the fetch."""

    def page(person: str, role: Role, **query: str) -> str:
        client = site.app.test_client()
        key = as_person(site, client, person, role, OKAFOR)
        path = "/patients/" + key + here.path[here.path.index("/studies/") :]
        return client.page(path + "".join(f"?{name}={value}" for name, value in query.items()))

    here = opened(site, site.app.test_client(), archive, images=4)
    adams = site.app.test_client()
    key = as_person(site, adams, "Dr Adams", Role.REFERRER, OKAFOR)
    site.ask_all()
    study = f"/patients/{key}" + here.path[here.path.index("/studies/") :]
    adams.press(adams.page(study), "Fetch")
    adams.press(adams.page(study), "Cancel")
    page.own = lambda: adams.page(study)
    page.site = site
    return page


def said(html: str) -> str:
    return re.search(r"(Fetch cancelled|Abruf abgebrochen).*? \d\d:\d\d", text_of(html))[0][:-6]


def test_the_person_reads_of_themselves(cancelled):
    assert said(cancelled.own()) == "Fetch cancelled by you at"


def test_a_login_that_several_persons_may_share_is_named_and_not_called_you(cancelled):
    cancelled("Dr Adams", Role.REFERRER)
    cancelled.site.ask_all()
    assert said(cancelled("Dr Adams", Role.REFERRER)) == "Fetch cancelled by Dr Adams at"


@pytest.mark.parametrize("role", [Role.STAFF, Role.ADMIN])
def test_staff_read_the_name(cancelled, role):
    cancelled("Sam Patel", role)
    cancelled.site.ask_all()
    html = cancelled("Sam Patel", role)
    assert said(html) == "Fetch cancelled by Dr Adams at"
    german = cancelled("Sam Patel", role, lang="de")
    assert said(german) == "Abruf abgebrochen von Dr Adams um"


@pytest.mark.parametrize(
    ("person", "words"), [("Dr Brown", "Fetch cancelled by somebody else at"), ("", "Fetch cancelled at")]
)
def test_another_reader_is_told_no_name(cancelled, person, words):
    cancelled(person, Role.REFERRER)
    cancelled.site.ask_all()
    html = cancelled(person, Role.REFERRER)
    assert said(html) == words
    assert "Adams" not in html
