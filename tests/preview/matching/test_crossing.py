"""PIXm: what a cross-reference manager says of a patient, and what it costs when it says nothing."""

import time
from contextlib import contextmanager
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import select, update
from support.hospital import OUTSIDE, SECRET
from support.inspecting import text_of
from support.pix_manager import manager, outcome, parameters
from support.studies import OKAFOR

from fetch.errors import FetchError
from fetch.model import PatientIdentity, Web
from fetch.sources.pixm import PIX_S, known_as
from preview.demo.behaviour import Kind
from preview.matching.records import CrossReferenceRow

SYSTEMS = {"HOSP": "urn:oid:1.2.3", "RIVERSIDE": "urn:oid:1.2.4"}


HERS = parameters(("urn:oid:1.2.4", "RR-20931"), ("urn:oid:9.9", "Z-1"))


def ask(server, patient: PatientIdentity = OKAFOR.identity):
    return known_as(Web(server.url), patient, SYSTEMS)


# --- the question and its answer (ITI-83)


def test_it_is_asked_by_issuer_and_id_and_its_answer_names_our_issuers():
    with manager(200, HERS) as server:
        assert ask(server) == (
            PatientIdentity("RR-20931", "RIVERSIDE"),
            PatientIdentity("Z-1", "urn:oid:9.9"),
        )
        ((path, headers),) = server.asked
    assert urlsplit(path).path == "/fhir/Patient/$ihe-pix"
    assert parse_qs(urlsplit(path).query) == {"sourceIdentifier": ["urn:oid:1.2.3|4471902"]}
    assert headers["Accept"] == "application/fhir+json"


def test_whom_the_manager_does_not_know_it_does_not_know():
    with manager(404, outcome("not-found")) as server:
        assert ask(server) is None
    with manager(200, parameters()) as server:
        assert ask(server) == ()


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (404, b"<html>no such page</html>"),
        (404, outcome("not-supported")),
        (400, outcome("code-invalid")),
        (403, outcome("code-invalid")),
        (401, b""),
        (500, b""),
        (302, b""),
        (200, b"<html>sign in</html>"),
        (200, b"[]"),
        (200, b"[" * 100_000),
        (200, {"resourceType": "Bundle"}),
        (200, b" " * (2 * 2**20)),
    ],
)
def test_whatever_else_it_answers_could_not_be_checked(status, body):
    with manager(status, body) as server, pytest.raises(FetchError):
        ask(server)


def test_odd_entries_are_passed_over():
    odd = parameters(("urn:oid:1.2.4", "RR-20931"), ("urn:oid:1.2.4", ""), ("urn:oid:1.2.4", "A\nB"))
    odd["parameter"] += [7, {"name": "targetIdentifier"}, {"name": "targetIdentifier", "valueIdentifier": {}}]
    odd["parameter"].append({"name": "targetIdentifier", "valueIdentifier": {"system": 1, "value": ["x"]}})
    with manager(200, odd) as server:
        assert ask(server) == (PatientIdentity("RR-20931", "RIVERSIDE"),)


# --- in the clinic


@contextmanager
def crossed(clinic, *answer, **how):
    """The clinic with a cross-reference manager that answers so."""
    with manager(*answer, **how) as server:
        systems = "\n".join(f'{issuer} = "{system}"' for issuer, system in SYSTEMS.items())
        lines = f'\n[identity]\npix = "{server.url}"\n[identity.systems]\n{systems}\n'
        clinic.site.file.write_text(clinic.site.file.read_text() + lines)
        clinic.site.app.extensions["preview"] = replace(clinic.parts, settings=clinic.site.settings)
        yield server


def test_an_id_that_the_manager_names_is_asked_by_and_makes_it_certain(clinic):
    clinic.hold()
    with crossed(clinic, 200, HERS):
        path = clinic.opened()
    assert {one.keys["PatientID"] for one in clinic.outside.asked(Kind.FIND)} == {"RR-20931"}
    assert SECRET in clinic.client.page(path)
    assert clinic.waiting() == []


def test_whose_demographics_contradict_is_not_hers_whatever_the_manager_says(clinic):
    clinic.hold(replace(OUTSIDE, name="BROWN^Brigitte", sex="M"))
    with crossed(clinic, 200, HERS):
        path = clinic.opened()
    assert SECRET not in clinic.client.page(path)


def test_that_the_manager_is_away_holds_up_no_page_and_is_no_answer(clinic):
    clinic.hold()
    with crossed(clinic, 200, HERS, pause=PIX_S + 2):
        path = clinic.opened(ask=False)
        began = time.monotonic()
        clinic.client.page(path)
        assert time.monotonic() - began < 1
        began = time.monotonic()
        clinic.site.ask_all()
        assert time.monotonic() - began < PIX_S + 8
        began = time.monotonic()
        clinic.again(path)
        assert time.monotonic() - began < PIX_S  # and is not waited for again
    with clinic.parts.records.read() as session:
        (row,) = session.scalars(select(CrossReferenceRow))
    assert (row.known, row.answered_at, row.failure) == (False, None, "no-answer")
    assert "Staff are checking." in text_of(clinic.client.page(path))


def test_what_it_said_before_counts_while_it_is_away(clinic):
    clinic.hold()
    with crossed(clinic, 200, HERS):
        path = clinic.opened()
    with clinic.parts.records.write() as session:
        session.execute(update(CrossReferenceRow).values(answered_at=None))
    clinic.again(path)
    assert SECRET in clinic.client.page(path)
    with clinic.parts.records.read() as session:
        (row,) = session.scalars(select(CrossReferenceRow))
    assert (row.known, row.failure) == (True, "connection-refused")


def test_no_id_of_it_is_in_a_log(clinic, caplog):
    clinic.hold()
    with caplog.at_level("DEBUG"), crossed(clinic, 200, HERS):
        clinic.opened()
    assert "pix: ids=2" in caplog.text
    for theirs in ("RR-20931", "4471902", "OKAFOR"):
        assert theirs not in caplog.text
