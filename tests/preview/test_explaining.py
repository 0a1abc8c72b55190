"""What an administrator is to be told names the site's own AE title, host and port."""

import re
from dataclasses import replace
from types import SimpleNamespace

import pytest
from flask import Flask
from flask_babel import Babel
from support.inspecting import text_of
from support.installation import ROOT, free_port, source_block

from fetch.model import Local, Source, Web
from fetch.reasons import Reason, Trouble
from preview.errands.explaining import explain, explained, register, without_addresses
from preview.records import Role

HERE = Local("PREVIEW", 11112, "10.0.0.5")
SOMEWHERE = Local("PREVIEW", 11112)
MAIN = Source("main", "Main archive", "127.0.0.1", 104, "PACS", "HOSP", trusted=True)


def test_the_administrator_is_told_what_to_add_and_where():
    assert explained(Reason.CALLING_AET_UNKNOWN, HERE, MAIN) == (
        "The archive does not know our AE title PREVIEW."
        " Ask the archive's administrator to add our AE title PREVIEW at 10.0.0.5:11112."
    )


def test_where_nobody_named_our_host_the_port_is_named_all_the_same():
    said = explained(Reason.RECEIVER_UNKNOWN, SOMEWHERE, MAIN)
    assert "to add our AE title PREVIEW at our host, port 11112." in said


def test_an_address_of_ipv6_stands_in_brackets():
    assert explain("%(address)s", Local("US", 104, "fd00::1")) == "[fd00::1]:104"


def test_the_archives_own_title_is_named_where_it_is_in_question():
    assert "does not answer to the AE title PACS in our settings" in explained(
        Reason.CALLED_AET_UNKNOWN, HERE, MAIN
    )
    assert "the AE title – in our settings" in explained(Reason.CALLED_AET_UNKNOWN, HERE)


OF_SET_UP = {reason for reason in Reason if reason.trouble is Trouble.SETUP}
NOT_OF_THE_LINE = {
    *(Reason.SOURCE_GONE, Reason.NO_ID, Reason.IGNORED_KEY),
    *(Reason.OTHER_ISSUER, Reason.NAME_ONLY, Reason.DESTINATION_UNKNOWN),
}
"""No setting of the line between this archive and us."""


@pytest.mark.parametrize("reason", sorted(OF_SET_UP - NOT_OF_THE_LINE, key=lambda reason: reason.code))
def test_whoever_has_to_set_something_right_is_told_at_which_host_and_port(reason):
    said = explained(reason, HERE, MAIN)
    assert re.search(r"10\.0\.0\.5:11112|127\.0\.0\.1:104", said), said
    assert "%(" not in said


def test_of_an_archive_of_the_web_its_host_is_named_and_nothing_else_of_its_address():
    web = Web("https://somebody:secret@web.example/dicom-web")
    one = replace(MAIN, host="", port=0, aet="", protocol="dicomweb", web=web)
    said = explained(Reason.UNAUTHORIZED, HERE, one)
    assert "the administrator of web.example:443" in said
    assert "secret" not in said


@pytest.mark.parametrize(
    "text",
    [
        "",
        "100 %",
        "50 %d of %s",
        "%",
        "%(",
        "%(aet",
        "%(other)s",
        "%(aet)d",
        "100%% sure",
        "{aet}",
        "%(AET)s",
    ],
)
def test_a_text_without_places_stays_as_it_is_whatever_it_holds(text):
    assert explain(text, HERE, MAIN) == text


def test_what_a_value_holds_is_never_taken_for_a_place():
    assert explain("%(aet)s", Local("%(port)s\\1", 104)) == "%(port)s\\1"


@pytest.mark.parametrize("reason", Reason)
@pytest.mark.parametrize("local", [HERE, SOMEWHERE])
def test_every_reason_is_explained_to_the_end(reason, local):
    said = explained(reason, local, MAIN)
    assert not re.search(r"%\(|–|  ", said)


@pytest.mark.parametrize(
    "reason",
    [
        Reason.CALLING_AET_UNKNOWN,
        Reason.TURNED_AWAY,
        Reason.REJECTED,
        Reason.NOT_SUPPORTED,
        Reason.RECEIVER_UNKNOWN,
        Reason.MOVED_NOWHERE,
    ],
)
def test_what_is_about_us_names_us(reason):
    assert "PREVIEW" in explained(reason, HERE, MAIN)


VIEWER_LINES = 'url = "http://127.0.0.1:3000/viewer"\naet = "VIEWER"\n'


@pytest.mark.parametrize(
    ("lines", "where"),
    [
        ('host = "10.0.0.9"\nport = 4242', "10.0.0.9:4242"),
        ("", "the host and port where the viewer's archive takes images"),
    ],
)
def test_the_destination_that_is_not_known_is_the_viewers_and_named_with_its_address(install, lines, where):
    settings = install(source_block("main", 104), viewer_lines=VIEWER_LINES + lines).settings
    app = Flask(__name__)
    Babel(app)
    register(app, settings)
    said = "{{ reason.sentence | explained('main') }} {{ reason.next_step | explained('main') }}"
    with app.test_request_context():
        page = app.jinja_env.from_string(said)
        told = page.render(reason=Reason.DESTINATION_UNKNOWN, context=SimpleNamespace(role=Role.ADMIN))
        told = told.replace("&#39;", "'")
    assert "does not know the viewer's AE title VIEWER as a place to send to." in told
    assert f"to add the viewer's AE title VIEWER at {where}." in told
    assert "PREVIEW" not in told


def test_a_template_translates_and_fills_and_escapes(install):
    app = Flask(__name__)
    Babel(app)
    register(app, install(source_block("main", 104, aet="PA<CS")).settings)
    with app.test_request_context():
        page = app.jinja_env.from_string("{{ text | explained('main') }}, {{ text | explained }}")
        assert page.render(text="the AE title %(called)s") == "the AE title PA&lt;CS, the AE title –"


@pytest.mark.parametrize("reason", Reason)
@pytest.mark.parametrize("local", [HERE, SOMEWHERE])
def test_whoever_is_not_of_the_staff_reads_names_in_place_of_hosts_and_ports(reason, local):
    text = f"{reason.sentence} {reason.next_step}"
    said = explain(without_addresses(text, "City Hospital", MAIN), local, MAIN)
    assert not re.search(r"10\.0\.0\.5|127\.0\.0\.1|:104|:11112|%\(|–|  ", said), said


@pytest.mark.parametrize(
    ("role", "is_told"), [(Role.REFERRER, False), (Role.STAFF, True), (Role.ADMIN, True)]
)
def test_a_page_names_host_and_port_of_an_archive_that_is_down_to_staff_only(install, role, is_told):
    port = free_port()
    site = install(source_block("main", port))
    client = site.app.test_client()
    path = client.opened(site, role=role)
    site.ask_all()
    text = text_of(client.page(path))
    assert "Nothing answers at the archive's address" in text
    assert (f"127.0.0.1:{port}" in text) is is_told
    assert ("check host and port of this archive in the settings" in text) is is_told
    assert "administrator" not in text or is_told
    assert (
        "It is asked again by itself as soon as it answers. For urgent images, call Radiology 2345." in text
    )


ADVICE = re.compile(r"settings|%\(|administrator|looks after")


@pytest.mark.parametrize("reason", [one for one in Reason if one.for_administrators], ids=lambda r: r.code)
def test_a_referrer_is_not_told_what_administrators_are_to_do(install, reason):
    app = Flask(__name__)
    Babel(app)
    register(app, install(source_block("main", 104)).settings)
    page = app.jinja_env.from_string("{{ reason.next_step | explained('main') }}")
    with app.test_request_context():
        told = page.render(reason=reason, context=SimpleNamespace(role=Role.REFERRER))
        assert told in ("", "Try again in a few minutes; if it lasts, call Radiology 2345.")
        assert ADVICE.search(
            page.render(reason=reason, context=SimpleNamespace(role=Role.STAFF)) + reason.next_step
        )


RAW = re.compile(r"\b_\(\s*[\w.]*reason\.(?:sentence|next_step)")
"""A reason that is translated but not filled in."""


@pytest.mark.parametrize("template", sorted((ROOT / "templates").glob("*.html")), ids=lambda path: path.name)
def test_no_page_shows_a_reason_without_filling_it_in(template):
    assert not RAW.findall(template.read_text())
