"""What staff decide takes effect in every tab that is open already, also in one that waits for nothing."""

import re
from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import update
from support.hospital import SECRET
from support.inspecting import panel_polls, polled_address, text_of
from support.studies import OKAFOR, study

from fetch.model import PatientIdentity
from preview.matching import deciding, known, listing, merging, rejudging
from preview.matching.records import Verdict
from preview.records import ContextRow

HX = {"HX-Request": "true"}
MISTYPED = replace(OKAFOR, identity=PatientIdentity("4471920", "HOSP"))


class Tab:
    """A browser's tab that stays open; it asks as often as its page tells it to."""

    def __init__(self, clinic, path: str) -> None:
        self.client = clinic.client
        self.html = self.panel = self.client.page(path)

    def polls(self) -> str:
        """What it shows after its next poll."""
        response = self.client.get(polled_address(self.html), headers=HX)
        if response.status_code != 204 and 'id="panel"' in response.text:
            self.html = self.panel = response.text
        return self.panel


def decide(clinic, row, verdict, **how) -> None:
    deciding.decide(clinic.parts, row.key, verdict, person="Sam", seen=listing.seen(row), reason="x", **how)


def undo(clinic, row) -> None:
    with clinic.parts.records.read() as session:
        row = listing.one(session, row.key)
    deciding.undo(clinic.parts, row.key, person="Sam", seen=listing.seen(row))


def study_page(html: str) -> str:
    return re.search(r'href="(/patients/\w+/studies/\w+)"', html)[1]


def note(clinic, patient) -> None:
    """The record says this from now on."""
    with clinic.parts.records.write() as session:
        known.note(session, [patient], clinic.parts.now)
    rejudging.judge_waiting(clinic.parts)


@pytest.fixture
def certain(clinic):
    """Tabs of a patient and her study that is certain by its id, fetched whole; none waits for anything."""
    clinic.hold(OKAFOR, clinic.archive)
    path = clinic.opened()
    clinic.client.press(clinic.client.page(path), "Fetch")
    clinic.site.fetch_all()
    tab = Tab(clinic, path)
    assert SECRET in tab.panel
    assert not panel_polls(tab.panel)
    return tab, Tab(clinic, study_page(tab.html))


def test_a_tab_that_waits_for_nothing_still_asks_and_is_told_nothing_new(clinic, certain):
    for tab in certain:
        response = clinic.client.get(polled_address(tab.html), headers=HX)
        assert (response.status_code, response.data) == (204, b"")


def test_what_a_changed_record_makes_doubtful_vanishes_from_tabs_that_wait_for_nothing(clinic, certain):
    note(clinic, replace(OKAFOR, birth_date=date(1957, 7, 14)))
    patient, one = certain
    assert SECRET not in patient.polls()
    assert "may belong to this patient" in text_of(patient.panel)
    assert SECRET not in one.polls()
    assert "This is no longer shown." in text_of(one.panel)


def test_what_staff_say_is_somebody_elses_vanishes_though_it_was_certain_by_itself(clinic):
    clinic.hold(OKAFOR, clinic.archive)
    mistaken = replace(OKAFOR, birth_date=date(1957, 7, 14))
    clinic.opened(mistaken)
    note(clinic, OKAFOR)
    (row,) = clinic.waiting(settled=True)
    tab = Tab(clinic, clinic.opened())
    assert SECRET in tab.panel
    decide(clinic, row, Verdict.OTHER)
    assert SECRET not in tab.polls()
    undo(clinic, row)
    assert SECRET in tab.polls()


def test_what_was_said_to_be_somebody_elses_comes_back_by_undo_into_a_tab_that_had_nothing(clinic):
    clinic.hold()
    tab = Tab(clinic, clinic.opened())
    row = clinic.row()
    decide(clinic, row, Verdict.OTHER)
    assert "may belong" not in text_of(tab.polls())
    undo(clinic, row)
    assert "may belong to this patient" in text_of(tab.polls())


def test_what_was_found_for_another_appears_in_a_tab_that_had_nothing(clinic):
    brown = replace(OKAFOR, name="BROWN^Jon", sex="M", identity=PatientIdentity("5550001", "HOSP"))
    clinic.hold()
    clinic.opened()
    tab = Tab(clinic, clinic.opened(replace(brown, birth_date=date(1950, 1, 2))))
    assert SECRET not in tab.panel
    decide(clinic, clinic.row(), Verdict.SAME, patient=brown.identity)
    assert SECRET in tab.polls()


def test_what_a_merge_brought_vanishes_with_it(clinic):
    prior = replace(OKAFOR, identity=PatientIdentity("8830175", "HOSP"))
    clinic.hold(prior, clinic.archive)
    with clinic.parts.records.write() as session:
        merging.merge(session, prior.identity, OKAFOR.identity, "Sam", clinic.parts.now)
    tab = Tab(clinic, clinic.opened())
    assert SECRET in tab.panel
    with clinic.parts.records.write() as session:
        merging.unmerge(session, prior.identity, "Sam", clinic.parts.now)
    assert SECRET not in tab.polls()


def test_released_images_inside_a_study_come_into_its_tab_and_vanish_with_undo(clinic):
    for patient, images in ((OKAFOR, 3), (MISTYPED, 2)):
        for ds in study(patient, images=images, study_uid="1.2.826.99.1"):
            clinic.archive.add(ds)
    path = clinic.opened()
    clinic.client.press(clinic.client.page(path), "Fetch")
    clinic.site.fetch_all()
    tab = Tab(clinic, study_page(clinic.client.page(path)))
    own = set(re.findall(r'src="([^"]+-256\.png)"', tab.panel))
    (row,) = clinic.waiting()
    decide(clinic, row, Verdict.SAME)
    assert "Complete, 5 of 5 images" in text_of(tab.polls())
    released = set(re.findall(r'src="([^"]+-256\.png)"', tab.panel)) - own
    undo(clinic, row)
    assert "2 images are withheld" in text_of(tab.polls())
    assert not released & set(re.findall(r'src="([^"]+-256\.png)"', tab.panel))


def test_a_tab_whose_session_has_ended_is_told_so_and_asks_about_no_patient_any_more(clinic, certain):
    tab, _ = certain
    with clinic.parts.records.write() as session:
        session.execute(update(ContextRow).values(ends_at=clinic.parts.now))
    assert "Your session has ended." in text_of(tab.polls())
    assert polled_address(tab.html).startswith("/banner/updates")
