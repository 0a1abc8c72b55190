"""What was judged before is judged again when the rules or the record change, whoever dies in between."""

from dataclasses import replace

import pytest
from sqlalchemy import select, update
from support.hospital import OUTSIDE, SECRET
from support.inspecting import text_of
from support.studies import OKAFOR

from fetch.model import PatientIdentity
from fetch.records import UnmatchedRow
from preview.matching import deciding, known, listing, rejudging
from preview.matching.records import KnownRow, RulesRow, ToJudgeRow, Verdict
from preview.records import ContextRow


def under_rules(clinic, mark: str = "of long ago") -> None:
    """As an installation whose rules were others when everything was judged last."""
    with clinic.parts.records.write() as session:
        session.merge(RulesRow(id=1, mark=mark, at=clinic.parts.now))


def with_settings(clinic, before: str, after: str) -> None:
    """Change a line of the settings and start anew."""
    file = clinic.site.file
    assert before in file.read_text()
    file.write_text(file.read_text().replace(before, after))
    parts = replace(clinic.parts, settings=clinic.site.settings)
    clinic.site.app.extensions["preview"] = parts


def test_under_new_rules_what_no_longer_holds_goes_onto_the_list(clinic):
    """Everything that was shown under a simpler rule is judged again, and nobody has to open it for that."""
    clinic.hold(replace(OKAFOR, sex="M"), clinic.archive)
    clinic.opened()
    with clinic.parts.records.write() as session:  # the older rule did not look at the sex
        session.delete(session.scalars(select(UnmatchedRow)).one())
    under_rules(clinic)
    rejudging.keep_up(clinic.parts)
    (row,) = clinic.waiting()
    assert row.doubts == ["sex-differs"]
    with clinic.parts.records.read() as session:
        assert session.get(RulesRow, 1).mark == rejudging.rules_mark(clinic.parts.settings)


def test_under_the_same_rules_nothing_is_judged_again(clinic):
    clinic.hold()
    clinic.opened()
    rejudging.keep_up(clinic.parts)
    with clinic.parts.records.write() as session:
        session.execute(update(UnmatchedRow).values(grade="untouched"))
    rejudging.keep_up(clinic.parts)
    assert clinic.row().grade == "untouched"


def test_an_issuer_that_is_trusted_now_makes_certain_what_waited(clinic):
    clinic.hold(replace(OKAFOR, identity=OKAFOR.identity), StudyDescription=SECRET)
    clinic.opened()
    rejudging.keep_up(clinic.parts)
    (row,) = clinic.waiting()
    assert "issuer-untrusted" in row.doubts
    with_settings(clinic, 'name = "outside"', 'name = "outside"\ntrusts = ["HOSP"]')
    rejudging.keep_up(clinic.parts)
    assert clinic.waiting() == []
    assert clinic.verdicts() == [Verdict.AUTO]


def test_whoever_dies_after_the_decision_leaves_the_rest_to_the_reconciler(clinic, monkeypatch):
    for day in ("20261101", "20261102"):
        clinic.hold(day=day)
    path = clinic.opened()
    row = clinic.waiting()[0]

    def killed(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(rejudging, "judge_these", killed)
    with pytest.raises(KeyboardInterrupt):
        deciding.decide(clinic.parts, row.key, Verdict.SAME, person="Sam", seen=listing.seen(row))
    monkeypatch.undo()
    assert clinic.client.page(path).count(f"{SECRET}\n") == 2  # no page waits for that
    assert len(clinic.waiting()) == 1
    rejudging.keep_up(clinic.parts)
    assert clinic.waiting() == []
    with clinic.parts.records.read() as session:
        assert session.scalars(select(ToJudgeRow)).all() == []


def test_patients_who_were_launched_before_anybody_was_kept_are_known_after_the_first_round(clinic):
    clinic.opened()

    with clinic.parts.records.write() as session:
        session.delete(session.scalars(select(KnownRow)).one())
    under_rules(clinic)
    rejudging.keep_up(clinic.parts)
    with clinic.parts.records.read() as session:
        assert known.said_of(session, OKAFOR.identity) is not None


# --- the other roads to certain


def test_the_accession_number_that_the_launch_brought_makes_it_certain_on_every_page_of_hers(clinic):
    clinic.hold(OUTSIDE, AccessionNumber="ORDER-4711")
    path = clinic.opened()
    assert SECRET not in clinic.client.page(path)
    with clinic.parts.records.write() as session:
        session.execute(update(ContextRow).values(accession="ORDER-4711"))
    assert SECRET in clinic.client.page(path)
    clinic.again(path)
    assert clinic.waiting() == []
    assert clinic.verdicts() == [Verdict.AUTO]


def test_that_accession_number_on_a_strangers_study_proves_nothing(clinic):
    clinic.hold(replace(OUTSIDE, name="OKAFOR^Brigitte"), AccessionNumber="ORDER-4711")
    path = clinic.opened()
    with clinic.parts.records.write() as session:
        session.execute(update(ContextRow).values(accession="ORDER-4711"))
    clinic.again(path)
    assert SECRET not in clinic.client.page(path)
    assert "Staff are checking." in text_of(clinic.client.page(path))


def test_two_sources_that_disagree_are_both_shown_once_staff_have_confirmed_the_doubtful_one(clinic):
    uid = "1.2.77"
    clinic.hold(OKAFOR, clinic.archive, study_uid=uid)
    clinic.hold(replace(OUTSIDE, sex="M"), study_uid=uid)
    path = clinic.opened()
    assert SECRET not in clinic.client.page(path)
    assert len(clinic.waiting()) == 2
    (row,) = [row for row in clinic.waiting() if row.study.source == "outside"]
    how = {"person": "Sam", "reason": "The sex was typed wrongly there", "seen": listing.seen(row)}
    deciding.decide(clinic.parts, row.key, Verdict.SAME, **how)
    assert SECRET in clinic.client.page(path)
    assert clinic.waiting() == []


def test_an_identity_without_an_id_is_kept_apart_by_what_else_it_says(clinic):
    nobody = replace(OUTSIDE, identity=PatientIdentity("UNKNOWN", "RIVERSIDE"))
    clinic.hold(nobody)
    clinic.hold(replace(nobody, name="OKAFOR^Adaez"), StudyDescription="Another")
    path = clinic.opened()
    (row,) = [row for row in clinic.waiting() if row.study.description == SECRET]
    deciding.decide(clinic.parts, row.key, Verdict.SAME, person="Sam", seen=listing.seen(row), reason="Seen")
    html = clinic.client.page(path)
    assert SECRET in html
    assert "Another" not in html
