"""A confirmed id that does not hold for a study: has something changed since, or did it never hold?"""

from dataclasses import replace
from datetime import date

import pytest

from fetch.identity import Context, Doubt, Link, judge
from fetch.model import Patient, PatientIdentity

ASKED = Patient(PatientIdentity("4471902", "HOSP"), "OKAFOR^Adaeze", date(1975, 7, 14), "F")
FOUND = replace(ASKED, identity=PatientIdentity("RR-20931", "RIVERSIDE"))
OTHER_BIRTH, OTHER_NAME = replace(FOUND, birth_date=date(1957, 7, 14)), replace(FOUND, name="BROWN^Brigitte")
LAPSED, CONTRADICTED = Doubt.LINK_LAPSED, Doubt.LINK_CONTRADICTED


def told(asked: Patient, found: Patient, *, of_another: bool) -> set[Doubt]:
    link = Link(ASKED, FOUND, of_another)
    said = set(judge(asked, found, Context(link=link, today=date(2026, 11, 25))).doubts)
    return said & {LAPSED, CONTRADICTED}


@pytest.mark.parametrize("found", [OTHER_BIRTH, OTHER_NAME, replace(FOUND, sex="M")])
def test_only_of_the_study_that_was_confirmed_it_has_lapsed_when_the_images_say_something_else(found):
    assert told(ASKED, found, of_another=False) == {LAPSED}
    assert told(ASKED, found, of_another=True) == {CONTRADICTED}


@pytest.mark.parametrize("of_another", [False, True])
def test_of_every_study_that_agreed_it_has_lapsed_when_the_record_says_something_else(of_another):
    asked = replace(ASKED, birth_date=date(1931, 1, 31))
    assert told(asked, FOUND, of_another=of_another) == {LAPSED}


def test_another_study_that_contradicted_before_the_record_changed_was_never_confirmed():
    asked = replace(ASKED, name="OKAFOR-BELL^Adaeze")
    assert told(asked, OTHER_BIRTH, of_another=True) == {CONTRADICTED}


def test_what_agrees_is_certain_whichever_study_was_confirmed():
    for of_another in (False, True):
        context = Context(link=Link(ASKED, FOUND, of_another), today=date(2026, 11, 25))
        assert judge(ASKED, FOUND, context).certain
