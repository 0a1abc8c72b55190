"""``flask identity judge``, as a person or a script runs it: with two tables and nothing else."""

import csv
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner
from support import febrl

from fetch.identity import RULES_VERSION
from preview.cli.identity import identity_group
from preview.cli.people import NEEDED

ROOT = Path(__file__).parents[2]
SMITH = {
    "key": "a1",
    "id": "4471902",
    "issuer": "HOSP",
    "family": "Smith",
    "given": "John",
    "birth_date": "19750714",
    "sex": "M",
}
KOWALSKI = SMITH | {
    "key": "a2",
    "id": "5550123",
    "family": "Kowalski",
    "given": "Anna",
    "birth_date": "19310211",
    "sex": "F",
}


def table(path: Path, *rows: dict[str, str], bom: str = "") -> Path:
    with path.open("w", encoding="utf-8", newline="") as out:
        out.write(bom)
        writer = csv.DictWriter(out, NEEDED, restval="")
        writer.writeheader()
        writer.writerows(rows)
    return path


@pytest.fixture
def asked(tmp_path):
    return table(tmp_path / "asked.csv", SMITH, KOWALSKI)


def run(asked, found, *more: str):
    arguments = ["judge", "--asked", str(asked), "--found", str(found), *more]
    return CliRunner().invoke(identity_group, arguments, catch_exceptions=False)


def judged(asked, found, *trust: str) -> list[dict]:
    trusted = [part for issuer in trust for part in ("--trust", issuer)]
    result = run(asked, found, *trusted, "--json")
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def refused(asked, found) -> str:
    result = run(asked, found, "--trust", "HOSP", "--json")
    assert result.exit_code == 2
    assert "Traceback" not in result.output
    return result.stderr


def test_each_row_found_has_a_line_with_grade_link_reasons_and_candidates(asked, tmp_path):
    found = table(
        tmp_path / "found.csv",
        SMITH | {"key": "f1", "family": "SMITH", "id": "04471902"},
        KOWALSKI | {"key": "f2", "id": ""},
    )
    same, nameless = judged(asked, found, "HOSP")
    assert list(same) == ["key", "grade", "linked", "reasons", "candidates", "rules"]
    assert (same["key"], same["grade"], same["linked"], same["candidates"]) == (
        "f1",
        "certain",
        "a1",
        ["a1", "a2"],
    )
    assert {"field": "family", "says": "agree"} in same["reasons"]
    assert same["rules"] == RULES_VERSION
    assert (nameless["grade"], nameless["linked"], nameless["candidates"][0]) == ("probable", None, "a2")
    assert [reason["conflict"] for reason in nameless["reasons"] if "conflict" in reason] == ["id-missing"]


def test_nothing_is_certain_that_no_option_trusts(asked):
    assert {row["grade"] for row in judged(asked, asked)} == {"probable"}
    assert {row["grade"] for row in judged(asked, asked, "RIVERSIDE")} == {"probable"}
    assert {row["grade"] for row in judged(asked, asked, "RIVERSIDE", "HOSP")} == {"certain"}


def test_the_accession_number_of_an_order_is_a_road(tmp_path):
    asked = table(tmp_path / "asked.csv", SMITH | {"accession": "ACC-17"}, KOWALSKI)
    found = table(
        tmp_path / "found.csv", SMITH | {"id": "RR-7", "issuer": "RIVERSIDE", "accession": "ACC-17"}
    )
    assert judged(asked, found)[0]["linked"] == "a1"


def test_an_impossible_date_is_evidence_and_never_a_refused_row(tmp_path):
    odd = SMITH | {"birth_date": "19750231"}
    asked = table(tmp_path / "asked.csv", odd, KOWALSKI)
    for written in ("19750231", "00000000", "1975", "x", "99999999999"):
        (row,) = judged(asked, table(tmp_path / "found.csv", SMITH | {"birth_date": written}), "HOSP")
        assert (row["grade"] in ("probable", "possible"), row["candidates"][0]) == (True, "a1")


def test_two_patients_who_fit_equally_are_both_candidates_and_none_is_linked(tmp_path):
    asked = table(tmp_path / "asked.csv", SMITH, SMITH | {"key": "twice"})
    (row,) = judged(asked, table(tmp_path / "found.csv", SMITH), "HOSP")
    assert (row["grade"], row["linked"], set(row["candidates"])) == ("probable", None, {"a1", "twice"})
    assert {"id-shared", "several-qualify"} & {reason.get("conflict") for reason in row["reasons"]}


def test_at_most_ten_candidates_are_named(tmp_path):
    asked = table(tmp_path / "asked.csv", *({**SMITH, "key": str(n), "id": str(4000 + n)} for n in range(30)))
    (row,) = judged(asked, table(tmp_path / "found.csv", SMITH | {"id": "4029"}), "HOSP")
    assert (len(row["candidates"]), row["linked"]) == (10, "29")


def test_all_but_the_key_may_be_empty(tmp_path, asked):
    found = table(tmp_path / "found.csv", {"key": "nobody"})
    (row,) = judged(asked, found, "HOSP")
    assert (row["grade"], row["linked"]) == ("possible", None)
    assert judged(found, asked, "HOSP")[0]["grade"] == "possible"


def test_a_byte_order_mark_other_columns_and_another_order_are_fine(tmp_path, asked):
    found = table(tmp_path / "found.csv", SMITH, bom="\ufeff")
    assert judged(asked, found, "HOSP")[0]["linked"] == "a1"
    shuffled = tmp_path / "shuffled.csv"
    columns = [*reversed(NEEDED), "ward"]
    with shuffled.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, columns, restval="")
        writer.writeheader()
        writer.writerow(SMITH | {"ward": "7"})
    assert judged(asked, shuffled, "HOSP")[0]["linked"] == "a1"


def test_without_json_a_person_can_read_it(asked):
    result = run(asked, asked, "--trust", "HOSP")
    first, _, last = result.stdout.splitlines()
    assert first.split() == ["a1", "certain", "a1", "same-id"]
    assert last == f"2 rows: 2 certain, 0 probable, 0 possible, 0 certainly-not (rules {RULES_VERSION})"


def test_without_json_nobody_who_is_certainly_somebody_else_is_named_as_a_candidate(asked, tmp_path):
    other = KOWALSKI | {
        "key": "f1",
        "id": "99",
        "family": "Okafor",
        "given": "Adaeze",
        "birth_date": "20010203",
    }
    found = table(tmp_path / "found.csv", other, SMITH | {"key": "f2", "id": ""})
    stranger, nameless, _ = run(asked, found, "--trust", "HOSP").stdout.splitlines()
    assert stranger.split()[:3] == ["f1", "certainly-not", "-"]
    assert nameless.split()[:3] == ["f2", "probable", "a1"]  # and not a2, who is somebody else


HEADER = ",".join(NEEDED)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"key,id\n1,2\n", "these columns are missing: issuer, family, given"),
        (f"{HEADER},key\n".encode(), "names a column twice"),
        (f"{HEADER}\nk,1,H,Müller,A,,,19750714,F,\n".encode("latin-1"), "line 2 is not UTF-8"),
        (f"{HEADER}\n".encode("utf-16"), "line 1 is UTF-16"),
        (HEADER.replace(",", ";").encode(), "the columns are divided by semicolons"),
        (f"{HEADER}\nk,1,H,M,A,,,19750714,F,\nk2,1\0,H,M,A,,,19750714,F,\n".encode(), "line 3 holds a NUL"),
        (f"{HEADER}\nk,1,H\n".encode(), "line 2 has fewer values"),
        (f"{HEADER}\nk,1,H,M,A,,,19750714,F,,,\n".encode(), "line 2 has more values"),
        (f"{HEADER}\n,1,H,M,A,,,19750714,F,\n".encode(), "line 2 has no key"),
        (f'{HEADER}\nk,"1"x,H,M,A,,,19750714,F,\n'.encode(), "line 2 is not CSV"),
        (f'{HEADER}\nk,"1,H,M,A,,,19750714,F,\n'.encode(), "is not CSV"),
        (f"{HEADER}\nk,{'x' * 70_000}\n".encode(), "line 2 is longer than"),
    ],
)
def test_a_table_that_cannot_be_read_says_in_which_line_and_why(tmp_path, asked, content, says):
    wrong = tmp_path / "wrong.csv"
    wrong.write_bytes(content)
    assert says in refused(asked, wrong)
    assert says in refused(wrong, asked)


def test_an_error_quotes_nobody(tmp_path, asked):
    wrong = tmp_path / "wrong.csv"
    wrong.write_text(f"{HEADER}\nSECRET,SECRET,SECRET\n", encoding="utf-8")
    assert "SECRET" not in refused(asked, wrong)


def test_patients_without_a_row_or_with_a_key_twice_are_refused(tmp_path, asked):
    assert "has no rows" in refused(table(tmp_path / "none.csv"), asked)
    assert "another row has too" in refused(table(tmp_path / "twice.csv", SMITH, KOWALSKI, SMITH), asked)
    assert judged(asked, table(tmp_path / "none.csv"), "HOSP") == []


def test_more_patients_than_fit_into_memory_are_refused(tmp_path, asked, monkeypatch):
    monkeypatch.setattr("preview.cli.identity._MOST_ASKED", 1)
    assert "has more than 1 rows" in refused(asked, asked)


def test_a_file_that_is_not_there_is_wrong_use(asked, tmp_path):
    assert run(asked, tmp_path / "nowhere.csv").exit_code == 2
    assert run(asked, tmp_path).exit_code == 2


def flask(*arguments: str, **more):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PREVIEW_")}
    command = [sys.executable, "-m", "flask", "--app", "app", "identity", "judge", *map(str, arguments)]
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, check=False, timeout=250, **more
    )


def processor_seconds() -> float:
    """Of the children that have ended: a busy neighbour makes only the clock go faster."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@pytest.mark.timeout(300)
def test_5000_are_judged_against_5000_without_settings_in_less_than_a_minute(tmp_path):
    asked = table(tmp_path / "asked.csv", *febrl.rows("dataset4a.csv"))
    found = table(tmp_path / "found.csv", *febrl.rows("dataset4b.csv"))
    before, began = processor_seconds(), time.monotonic()
    ran = flask("--asked", asked, "--found", found, "--trust", febrl.ISSUER, "--json")
    passed, seconds = time.monotonic() - began, processor_seconds() - before
    assert ran.returncode == 0, ran.stderr
    rows = [json.loads(line) for line in ran.stdout.splitlines()]
    linked = [row for row in rows if row["linked"]]
    took = f"{passed:.1f} s, {seconds:.1f} s of the processors"
    print(f"\n{len(rows)} against 5000 in {took}, {len(linked)} linked")
    assert len(rows) == 5_000
    assert len(linked) >= 3_200
    assert all(row["linked"] == row["key"] for row in linked)
    assert seconds < 60


@pytest.mark.timeout(300)
def test_a_long_table_is_streamed(tmp_path, asked):
    """So many rows that holding them would take more memory than the process may have."""
    rows = 200_000
    line = ",".join(SMITH.get(name, "") for name in NEEDED).encode() + b"\n"
    long = tmp_path / "long.csv"
    with long.open("wb") as out:
        out.write(HEADER.encode() + b"\n")
        for _ in range(rows // 1000):
            out.write((b"x" * 40 + line) * 1000)
    peak = tmp_path / "peak"
    with (tmp_path / "out").open("wb") as output:
        began = time.monotonic()
        child = subprocess.Popen(
            [sys.executable, "-c", MEASURED, str(peak), str(asked), str(long)], cwd=ROOT, stdout=output
        )
        assert child.wait(timeout=250) == 0
    print(f"\n{rows} rows in {time.monotonic() - began:.0f} s, at most {peak.read_text()} MiB")
    assert (tmp_path / "out").read_bytes().count(b"\n") == rows + 1
    assert int(peak.read_text()) < 250


MEASURED = """
import re, sys
from pathlib import Path
from preview.cli.identity import identity_group
peak, asked, found = sys.argv[1:]
identity_group(["judge", "--asked", asked, "--found", found, "--trust", "HOSP"], standalone_mode=False)
status = Path("/proc/self/status").read_text()  # getrusage() counts in what the parent had at the fork
Path(peak).write_text(str(int(re.search(r"VmHWM:\\s+(\\d+)", status)[1]) // 1024))
"""
