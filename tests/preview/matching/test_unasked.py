"""What a source sends to our receiver by itself: refused, and on the list."""

import logging
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError
from support.hospital import SECRET
from support.pushing import push
from support.studies import OKAFOR, STRANGER, study

from fetch.model import PatientIdentity
from fetch.records import StudyRow
from fetch.sources.receiver import Receiver
from preview.matching import candidates, deciding, listing, unasked
from preview.matching.deciding import Refused
from preview.matching.records import Verdict

UNWANTED = 0x0124


@contextmanager
def receiving(clinic, wants=lambda _source, _study: False):
    local = replace(clinic.parts.settings.local, port=0)
    told = partial(unasked.note, clinic.parts)
    with Receiver(local, clinic.parts.settings.sources, clinic.parts.spool, wants, told).start() as receiver:
        yield receiver.port


def test_it_is_on_the_list_once_with_whose_it_says_that_it_is(clinic):
    theirs = study(STRANGER, images=3, StudyDescription=SECRET)
    with receiving(clinic) as port:
        assert push(port, *theirs) == [UNWANTED] * 3
        assert push(port, theirs[0]) == [UNWANTED]
    (row,) = clinic.waiting()
    assert row.doubts == ["sent-unasked"]
    assert row.patient.identity == PatientIdentity("", "")
    assert (row.study.source, row.study.patient.name) == ("main", STRANGER.name)
    assert row.study.patient.identity == STRANGER.identity
    assert (row.study.description, row.study.study_date.isoformat()) == (SECRET, "2026-11-01")
    assert not list(clinic.parts.spool.incoming.iterdir())


@pytest.mark.parametrize("written", ["ISO_IR 192", "ISO_IR 100"])
def test_a_name_is_read_in_its_own_letters(clinic, written):
    theirs = study(replace(STRANGER, name="MÜLLER^Jürgen"), images=1, SpecificCharacterSet=written)
    with receiving(clinic) as port:
        push(port, *theirs)
    (row,) = clinic.waiting()
    assert row.study.patient.name == "MÜLLER^Jürgen"


def test_the_patient_has_to_be_chosen_and_has_it_at_once_then(clinic):
    path = clinic.opened()
    theirs = study(OKAFOR, StudyDescription=SECRET, PatientID="")
    with receiving(clinic) as port:
        push(port, *theirs)
    (row,) = clinic.waiting()
    with clinic.parts.records.read() as session:
        best = candidates.candidates(session, row, clinic.parts.settings.sources)[0]
    assert best.patient.identity == OKAFOR.identity
    how = {"person": "Sam", "seen": listing.seen(row)}
    with pytest.raises(Refused, match="nobody-chosen"):
        deciding.decide(clinic.parts, row.key, Verdict.SAME, **how)
    deciding.decide(clinic.parts, row.key, Verdict.SAME, patient=OKAFOR.identity, **how)
    assert SECRET in clinic.client.page(path)
    assert clinic.waiting() == []
    (row,) = clinic.waiting(settled=True)
    deciding.undo(clinic.parts, row.key, person="Sam", seen=listing.seen(row))
    assert SECRET not in clinic.client.page(path)
    assert ["sent-unasked"] in [row.doubts for row in clinic.waiting()]


def test_once_it_is_found_and_certain_it_leaves_the_list_by_itself(clinic):
    theirs = study(OKAFOR)
    with receiving(clinic) as port:
        push(port, *theirs)
    assert len(clinic.waiting()) == 1
    for ds in theirs:
        clinic.archive.add(ds)
    clinic.opened()
    assert clinic.waiting() == []
    assert clinic.verdicts() == [Verdict.AUTO]


def test_what_was_found_before_and_is_sent_again_is_no_news(clinic):
    uid = "1.2.77"
    clinic.hold(OKAFOR, clinic.archive, study_uid=uid)
    clinic.opened()
    with receiving(clinic) as port:
        push(port, *study(OKAFOR, study_uid=uid, images=1))
        assert clinic.waiting() == []
        push(port, *study(STRANGER, study_uid=uid, images=1))
    (row,) = clinic.waiting()  # but that it comes as somebody else's is
    assert row.doubts == ["sent-unasked"]
    with clinic.parts.records.read() as session:
        assert session.scalars(select(StudyRow)).one().patient.name == OKAFOR.name


def test_what_is_wanted_is_taken_and_not_listed(clinic):
    with receiving(clinic, wants=lambda _source, _study: True) as port:
        assert push(port, *study(OKAFOR)) == [0x0000] * 3
    assert clinic.waiting() == []


def test_a_database_that_is_away_ends_no_connection(clinic, monkeypatch, caplog):
    def away(*_args, **_how):
        raise OperationalError("", {}, RuntimeError())

    monkeypatch.setattr(unasked, "_held", away)
    with caplog.at_level(logging.WARNING), receiving(clinic) as port:
        assert push(port, *study(STRANGER)) == [UNWANTED] * 3
    assert "what came unasked was not noted (OperationalError)" in caplog.text
    assert "STRANGER" not in caplog.text
