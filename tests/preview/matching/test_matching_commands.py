"""What staff do from a shell: the list, a decision, its undo, files of patients, merges."""

import json

import pytest
from support.hospital import SECRET
from support.studies import OKAFOR

from preview.matching.records import Verdict


def run(clinic, *arguments, code=0):
    done = clinic.site.flask(*arguments)
    assert done.returncode == code, (done.stdout, done.stderr)
    assert "Traceback" not in done.stderr
    return done


def test_the_list_a_decision_and_its_undo(clinic):
    clinic.hold()
    path = clinic.opened()
    (line,) = run(clinic, "unmatched", "list", "--json").stdout.splitlines()
    row = json.loads(line)
    assert (row["source"], row["grade"], row["settled"]) == ("outside", "probable", False)
    said = run(clinic, "unmatched", "list").stdout
    assert "images: OKAFOR^Adaeze born 1975-07-14 F RR-20931 (RIVERSIDE)" in said
    assert "1 of 1" in said
    assert len(run(clinic, "unmatched", "list", "--csv").stdout.splitlines()) == 2
    run(clinic, "unmatched", "resolve", row["key"], "--as", "same", "--person", "Sam", "--yes")
    assert SECRET in clinic.client.page(path)
    assert run(clinic, "unmatched", "list", "--json").stdout == ""
    run(clinic, "unmatched", "undo", row["key"], "--person", "Sam", "--yes")
    assert SECRET not in clinic.client.page(path)
    assert clinic.verdicts() == [Verdict.SAME, Verdict.UNDO]


def test_nothing_is_decided_before_somebody_has_said_yes(clinic):
    clinic.hold()
    clinic.opened()
    key = clinic.row().key
    run(clinic, "unmatched", "resolve", key, "--as", "same", "--person", "Sam", code=1)
    assert clinic.decisions() == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("undo", "f" * 32, "--person", "Sam", "--yes"), "there is no such row"),
        (("resolve", "f" * 32, "--as", "same", "--person", "Sam", "--yes"), "there is no such row"),
    ],
)
def test_what_cannot_be_done_says_why(clinic, arguments, said):
    assert said in run(clinic, "unmatched", *arguments, code=1).stderr


def test_patients_are_loaded_and_a_wrong_file_is_refused(clinic, tmp_path):
    file = tmp_path / "patients.csv"
    file.write_text("id,issuer,family,given,birth_date,sex\n1,HOSP,BROWN,Pat,19800101,M\n2,,X,Y,,\n")
    done = run(clinic, "patients", "load", str(file))
    assert done.stdout == "2 read, 1 new or changed, 1 without id or issuer\n"
    file.write_text("name\nBROWN\n")
    done = run(clinic, "patients", "load", str(file), code=2)
    assert "these columns are missing: id, issuer, family, given, birth_date, sex" in done.stderr
    assert "BROWN" not in done.stderr


def test_patients_are_merged_and_unmerged(clinic):
    number = OKAFOR.identity.patient_id
    merge = ("identity", "merge", "8830175", number, "--issuer", "HOSP", "--person", "Sam")
    assert run(clinic, *merge).stdout == "Merged.\n"
    assert run(clinic, *merge).stdout == "Nothing to do: it is so already.\n"
    assert run(clinic, *merge, "--undo").stdout == "Unmerged.\n"
    wrong = ("identity", "merge", number, number, "--issuer", "HOSP", "--person", "Sam")
    assert "cannot be merged into itself" in run(clinic, *wrong, code=1).stderr
