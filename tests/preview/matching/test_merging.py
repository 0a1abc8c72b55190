"""Merged patients: the prior id means the survivor, every link is judged again, and back again."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import select
from support.hospital import SECRET
from support.studies import OKAFOR, STRANGER

from fetch.model import PatientIdentity
from preview.matching import deciding, listing, merging, rejudging
from preview.matching.merging import WrongMerge
from preview.matching.records import MergeRow, Verdict

PRIOR = replace(OKAFOR, identity=PatientIdentity("8830175", "HOSP"))


def merge(clinic, prior=PRIOR, into=OKAFOR, *, undo=False) -> bool:
    with clinic.parts.records.write() as session:
        if undo:
            done = merging.unmerge(session, prior.identity, "Sam", clinic.parts.now)
        else:
            done = merging.merge(session, prior.identity, into.identity, "Sam", clinic.parts.now)
    rejudging.judge_waiting(clinic.parts)
    return done


def test_the_survivor_has_the_studies_of_the_prior_id_until_it_is_unmerged(clinic):
    clinic.hold(PRIOR, clinic.archive)
    path = clinic.opened()
    assert SECRET not in clinic.client.page(path)
    assert merge(clinic)
    clinic.again(path)
    assert SECRET in clinic.client.page(path)
    assert merge(clinic, undo=True)
    assert SECRET not in clinic.client.page(path)
    (row,) = clinic.waiting()
    assert "id-differs" in row.doubts
    assert clinic.verdicts()[:2] == [Verdict.MERGE, Verdict.UNMERGE]


def test_whoever_opens_the_prior_id_sees_the_survivors_studies(clinic):
    clinic.hold(OKAFOR, clinic.archive)
    merge(clinic)
    assert SECRET in clinic.client.page(clinic.opened(PRIOR))


def test_what_staff_confirmed_for_the_prior_id_holds_for_the_survivor(clinic):
    clinic.hold()
    clinic.opened(PRIOR)
    row = clinic.row()
    deciding.decide(clinic.parts, row.key, Verdict.SAME, person="Sam", seen=listing.seen(row))
    path = clinic.opened()
    assert SECRET not in clinic.client.page(path)
    merge(clinic)
    clinic.again(path)
    assert SECRET in clinic.client.page(path)
    merge(clinic, undo=True)
    assert SECRET not in clinic.client.page(path)


def test_a_merge_with_somebody_whose_demographics_differ_proves_nothing(clinic):
    clinic.hold(STRANGER, clinic.archive)
    path = clinic.opened()
    merge(clinic, STRANGER)
    clinic.again(path)
    assert SECRET not in clinic.client.page(path)
    (row,) = clinic.waiting()
    assert {"id-reused", "name-differs"} <= set(row.doubts)


def test_merges_are_followed_to_their_end(clinic):
    first, second = (replace(OKAFOR, identity=PatientIdentity(n, "HOSP")) for n in ("1", "2"))
    merge(clinic, first, second)
    merge(clinic, second, OKAFOR)
    with clinic.parts.records.read() as session:
        assert merging.survivor(session, first.identity) == OKAFOR.identity
        every = {one.patient_id for one in merging.all_of(session, first.identity)}
    assert every == {"1", "2", OKAFOR.identity.patient_id}


def test_a_merge_that_cannot_be_is_refused_and_one_that_is_there_changes_nothing(clinic):
    assert merge(clinic)
    assert not merge(clinic)
    elsewhere = replace(OKAFOR, identity=PatientIdentity("3", "RIVERSIDE"))
    for prior, into in ((OKAFOR, OKAFOR), (OKAFOR, PRIOR), (elsewhere, OKAFOR), (PRIOR, STRANGER)):
        with pytest.raises(WrongMerge):
            merge(clinic, prior, into)
    assert merge(clinic, undo=True)
    assert not merge(clinic, undo=True)
    assert len(clinic.decisions()) == 2


def test_of_several_who_merge_at_once_one_does(clinic):
    start = threading.Barrier(4)

    def one(_number) -> bool:
        start.wait(10)
        return merge(clinic)

    with ThreadPoolExecutor(4) as threads:
        assert sorted(threads.map(one, range(4))) == [False, False, False, True]
    with clinic.parts.records.read() as session:
        assert len(session.scalars(select(MergeRow)).all()) == 1
