"""The commands as an integrator runs them from a shell."""

import json
import os
import pty
import re
import signal
import subprocess
from contextlib import suppress
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from support.installation import BIN, ROOT, eventually, process, source_block
from support.studies import study

from preview.demo.behaviour import (
    WELL,
    caps_answers,
    hangs_in_get,
    leaves_out,
    nothing_listens,
    refuses_association,
    slow,
)
from preview.records import ContextRow, FetchRow, NoteRow, Scope


def lines(done):
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture
def chest(archive):
    datasets = study(images=4)
    for ds in datasets:
        archive.add(ds)
    return datasets[0].StudyInstanceUID


def test_find_prints_one_json_line_a_source(site, chest):
    done = site.flask(
        "find",
        "--patient",
        "4471902",
        "--issuer",
        "HOSP",
        "--from",
        "2026-01-01",
        "--to",
        "2026-12-31",
        "--json",
    )
    assert done.returncode == 0, done.stderr
    (line,) = lines(done)
    assert (line["source"], line["answer"], line["reason"]) == ("main", "FOUND", None)
    assert [found["study_uid"] for found in line["studies"]] == [chest]


def test_find_asks_no_archive_of_another_issuer_unless_told_to(site, archive, chest):
    done = site.flask("find", "--patient", "4471902", "--issuer", "ELSEWHERE", "--json")
    assert [line["answer"] for line in lines(done)] == ["NOT_ASKED"]
    assert done.returncode == 1  # nobody was asked, so this says nothing of whether there is imaging
    assert archive.requests == []
    told = site.flask("find", "--patient", "4471902", "--issuer", "ELSEWHERE", "--all", "--json")
    assert [line["answer"] for line in lines(told)] == ["FOUND"]


def test_find_says_when_no_archive_has_this_issuer(site, chest):
    done = site.flask("find", "--patient", "4471902", "--issuer", "HOS")
    assert "No archive of your settings has the issuer HOS; they have HOSP." in done.stderr
    assert (
        "No archive of your settings" not in site.flask("find", "--patient", "1", "--issuer", "HOSP").stderr
    )


def test_find_says_what_the_others_answered_when_one_is_down(install, archive, chest):
    with nothing_listens() as port:
        site = install(source_block("dead", port), source_block("main", archive.port, aet="MAIN"))
        done = site.flask("find", "--patient", "4471902", "--issuer", "HOSP", "--json")
    assert done.returncode == 1
    dead, alive = lines(done)
    assert (dead["answer"], dead["studies"], alive["answer"]) == ("OUTAGE", [], "FOUND")
    assert "Try again" in dead["reason"]


def test_find_fails_where_an_archive_broke_off_its_answer(site, archive, chest):
    for ds in study(images=1):
        archive.add(ds)
    archive.behave(caps_answers(1, 0xA700))
    done = site.flask("find", "--patient", "4471902", "--issuer", "HOSP", "--json")
    (line,) = lines(done)
    assert (done.returncode, line["answer"], len(line["studies"])) == (1, "TRUNCATED", 1)


def test_spaces_around_an_id_do_not_matter(site, chest):
    done = site.flask("find", "--patient", " 4471902 ", "--issuer", "HOSP ", "--json")
    assert [line["answer"] for line in lines(done)] == ["FOUND"]


@pytest.mark.parametrize("wrong", ["", " ", "*", "44?1902", "a\\b"])
def test_find_refuses_an_id_that_would_match_others(site, archive, wrong):
    done = site.flask("find", "--patient", wrong, "--issuer", "HOSP")
    assert done.returncode == 2
    assert archive.requests == []


def test_find_reads_well_without_json(site, chest):
    done = site.flask("find", "--patient", "4471902", "--issuer", "HOSP")
    assert "Main archive (main, 127.0.0.1:" in done.stdout
    assert "): 1 study found" in done.stdout
    assert not re.search(r"FOUND|ABSENT|NOT_ASKED|OUTAGE", done.stdout)
    assert chest in re.sub(r"\s+", "", done.stdout)


def test_echo_says_who_answers_and_who_does_not(install, archive):
    with nothing_listens() as port:
        site = install(source_block("main", archive.port, aet="MAIN"), source_block("dead", port))
        done = site.flask("echo", "--json")
        assert [(line["source"], line["ok"]) for line in lines(done)] == [("main", True), ("dead", False)]
        assert done.returncode == 1
        assert site.flask("echo", "main").returncode == 0
        assert site.flask("echo", "nobody").returncode == 2


def test_a_set_up_fault_says_what_to_do(site, archive):
    archive.behave(refuses_association("calling"))
    done = site.flask("echo", "main")
    assert "does not know our AE title" in done.stdout
    assert "administrator" in done.stdout


def test_fetch_does_the_work_itself_where_no_worker_runs(install, archive, chest):
    site = install(source_block("main", archive.port, aet="MAIN"), redis="embedded")
    done = site.flask("fetch", "--source", "main", "--study", chest, "--wait", "--json")
    assert done.returncode == 0, done.stderr
    last = json.loads(done.stdout.splitlines()[-1])
    assert (last["state"], last["expected"], last["drawn"]) == ("COMPLETE", 4, 4)
    assert 0 < last["first_thumbnail_s"] <= last["seconds"]


def on_a_terminal(site, *arguments) -> str:
    """What a command writes to somebody who watches."""
    ours, theirs = pty.openpty()
    command = [str(BIN / "flask"), "--app", str(ROOT / "app.py"), *arguments]
    written = b""
    with subprocess.Popen(command, env=site.environment, cwd=ROOT, stderr=theirs, stdout=theirs) as running:
        os.close(theirs)
        with suppress(OSError):  # a terminal that nobody writes to any more
            while some := os.read(ours, 4096):
                written += some
    os.close(ours)
    assert running.returncode == 0, written
    return written.decode()


def test_fetch_that_does_the_work_itself_shows_how_far_it_is(install, archive, chest):
    archive.behave(slow(0.3))
    site = install(source_block("main", archive.port, aet="MAIN"), redis="embedded")
    shown = on_a_terminal(site, "fetch", "--source", "main", "--study", chest, "--wait")
    steps = [int(step) for step in re.findall(r"(\d+)%", shown)]
    assert steps[-1] == 100
    assert any(0 < step < 100 for step in steps)


def test_fetch_of_a_study_with_gaps_says_so_and_fails(install, archive, chest):
    site = install(source_block("main", archive.port, aet="MAIN"), redis="embedded")
    archive.behave(leaves_out(1))
    done = site.flask("fetch", "--source", "main", "--study", chest, "--wait", "--json")
    last = json.loads(done.stdout.splitlines()[-1])
    assert (done.returncode, last["state"], last["reason"]) == (1, "RESTING", "some-missing")
    assert 0 < last["drawn"] < 4


def test_fetch_is_watched_where_a_worker_does_it(site, chest):
    with site.running():
        done = site.flask("fetch", "--source", "main", "--study", chest, "--wait", "--json")
    assert json.loads(done.stdout.splitlines()[-1])["state"] == "COMPLETE"


def test_fetch_that_was_interrupted_is_taken_up_again(install, archive, chest):
    site = install(source_block("main", archive.port, aet="MAIN"), redis="embedded")
    archive.behave(hangs_in_get())
    command = ("fetch", "--source", "main", "--study", chest, "--wait", "--json")
    with process(site, *command) as first:
        eventually(lambda: begun(site))
        first.send_signal(signal.SIGINT)
        assert first.wait(30) != 0
    archive.behave(WELL)
    with site.parts.records.write() as session:  # most of the half minute later
        session.scalars(select(FetchRow)).one().beat_at = site.parts.now - timedelta(seconds=26)
    done = site.flask(*command)
    assert done.returncode == 0, done.stderr
    assert "Somebody began it; waiting" in done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["state"] == "COMPLETE"


def wanted_since(site, rung: datetime) -> bool:
    with site.parts.records.read() as session:
        return session.scalars(select(FetchRow.rung_at)).one() > rung


def put_to_rest(site) -> None:
    """What a worker does with a fetch that failed for now."""
    with site.parts.records.write() as session:
        row = session.scalars(select(FetchRow)).one()
        row.beat_at, row.next_try_at = None, site.parts.now + timedelta(minutes=9)
        row.tries, row.reason, row.expected, row.drawn, row.seconds = 1, "no-answer", 4, 3, 1.5
        session.add(NoteRow(fetch=row.id, at=site.parts.now, code="way", facts={"way": "c-get"}))
        session.add(NoteRow(fetch=row.id, at=site.parts.now, code="tried", facts={"reason": "no-answer"}))


@pytest.fixture
def rested(site, chest):
    """Run the command while somebody else is at the fetch, who gives up for now."""

    def run(*more: str) -> subprocess.CompletedProcess[str]:
        site.flask("fetch", "--source", "main", "--study", chest)
        with site.parts.records.write() as session:  # with a beat that lasts, however slow this machine is
            row = session.scalars(select(FetchRow)).one()
            row.beat_at = site.parts.now + timedelta(minutes=5)
        rung = row.rung_at
        command = [str(BIN / "flask"), "--app", str(ROOT / "app.py"), "fetch", "--source", "main"]
        with process(site, "worker", "asks", "fetches"):
            eventually(lambda: site.parts.bell.has_worker("fetches"))
            with subprocess.Popen(
                [*command, "--study", chest, "--wait", *more],
                env=site.environment, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            ) as running:  # fmt: skip
                eventually(lambda: wanted_since(site, rung))
                put_to_rest(site)
                out, err = running.communicate(timeout=30)
        return subprocess.CompletedProcess(command, running.returncode, out, err)

    return run


def test_fetch_that_fails_for_now_ends_with_its_reason_and_its_next_try(site, rested):
    done = rested()
    assert done.returncode == 1
    first, *history = done.stdout.splitlines()
    assert first.startswith("RESTING: 3 of 4 images drawn in 1.5 s. The archive did not answer in time.")
    assert re.search(r"Next try at \d\d:\d\d:\d\d\.$", first)
    assert [line.split(maxsplit=1)[1] for line in history] == [
        "Images are brought by C-GET.",
        "The attempt ended: The archive did not answer in time.",
    ]


def test_fetch_that_fails_for_now_says_so_in_json(site, rested):
    done = rested("--json")
    (line,) = lines(done)
    assert (done.returncode, line["state"], line["reason"]) == (1, "RESTING", "no-answer")
    assert datetime.fromisoformat(line["next_try_at"]) > site.parts.now


def test_fetch_of_posters_wants_no_more_than_posters(site, chest):
    site.flask("fetch", "--source", "main", "--study", chest, "--posters")
    with site.parts.records.read() as session:
        assert session.scalars(select(FetchRow)).one().scope is Scope.POSTERS


def test_fetch_of_posters_is_done_when_they_are_there(install, archive):
    datasets = study(images=40)
    for ds in datasets:
        archive.add(ds)
    site = install(source_block("main", archive.port, aet="MAIN"), redis="embedded")
    uid = datasets[0].StudyInstanceUID
    done = site.flask("fetch", "--source", "main", "--study", uid, "--posters", "--wait", "--json")
    last = json.loads(done.stdout.splitlines()[-1])
    assert (done.returncode, last["state"], last["expected"]) == (0, "COMPLETE", 40)
    assert 0 < last["drawn"] <= 3


def test_fetch_of_posters_does_not_call_the_study_complete(install, archive):
    datasets = study(images=40)
    for ds in datasets:
        archive.add(ds)
    site = install(source_block("main", archive.port, aet="MAIN"), redis="embedded")
    command = ("fetch", "--source", "main", "--study", datasets[0].StudyInstanceUID, "--wait")
    posters = site.flask(*command, "--posters")
    assert posters.returncode == 0
    assert re.search(r"^FIRST PICTURES: [123] of 40 here in .* the rest has not been fetched", posters.stdout)
    assert site.flask(*command).stdout.startswith("COMPLETE: 40 of 40")


def begun(site):
    with site.parts.records.read() as session:
        row = session.scalars(select(FetchRow)).one_or_none()
        return row is not None and row.beat_at is not None


NOTHING = {"expected": None, "drawn": 0, "first_thumbnail_s": None, "seconds": None, "next_try_at": None}


def test_fetch_from_an_archive_that_is_down_ends_with_a_line_too(install):
    with nothing_listens() as port:
        site = install(source_block("main", port, aet="MAIN"))
        done = site.flask("fetch", "--source", "main", "--study", "1.2.3", "--wait", "--json")
    assert done.returncode == 1
    assert lines(done) == [{"state": "FAILED", **NOTHING, "reason": "connection-refused"}]
    assert "Nothing answers" in done.stderr


def test_fetch_of_a_study_that_is_not_there_ends_with_a_line_too(site, chest):
    done = site.flask("fetch", "--source", "main", "--study", "1.2.3", "--wait", "--json")
    assert done.returncode == 1
    assert lines(done) == [{"state": "FAILED", **NOTHING, "reason": "absent"}]


def test_fetch_that_nobody_does_ends_with_a_line_too(site, chest):
    done = site.flask("fetch", "--source", "main", "--study", chest, "--wait", "--json")
    (line,) = lines(done)
    assert (done.returncode, line["state"], line["drawn"]) == (1, "WANTED", 0)


def test_fetch_says_when_nobody_would_do_it(site, chest):
    done = site.flask("fetch", "--source", "main", "--study", chest, "--wait")
    assert done.returncode == 1
    assert "No worker is running" in done.stderr


@pytest.mark.parametrize("more", [["--wait"], []])
def test_fetch_says_when_redis_does_not_answer_and_that_the_wish_is_kept(install, archive, chest, more):
    with nothing_listens() as port:
        site = install(source_block("main", archive.port, aet="MAIN"), redis=f"redis://127.0.0.1:{port}/0")
        done = site.flask("fetch", "--source", "main", "--study", chest, *more)
    said = done.stdout + done.stderr
    assert done.returncode == (1 if more else 0)
    assert "Redis (app.redis in your settings) does not answer" in said
    assert "The request is kept" in said
    assert "No worker" not in said
    assert not begun(site)


@pytest.mark.parametrize(
    "arguments", [["--source", "nobody", "--study", "1.2.3"], ["--source", "main", "--study", "../etc"]]
)
def test_fetch_refuses_what_it_cannot_mean(site, arguments):
    assert site.flask("fetch", *arguments).returncode == 2


def test_what_was_fetched_from_a_shell_stands_on_no_page(install, archive, chest):
    site = install(source_block("main", archive.port, aet="MAIN"), redis="embedded")
    site.flask("fetch", "--source", "main", "--study", chest, "--wait")
    client = site.app.test_client()
    key = client.get(site.launch(None, role="staff")).headers["Location"].split("/")[2]
    picture = next((site.folder / "shelf").rglob("*.png"))
    assert client.get(f"/patients/{key}/pictures/{picture.parent.name}/{picture.name}").status_code == 404


def test_launch_prints_an_address_that_opens_the_patient(site, client):
    done = site.flask(
        "launch", "--patient", "4471902", "--issuer", "HOSP", "--name", "OKAFOR^Adaeze",
        "--birth-date", "19750714", "--sex", "F", "--role", "referrer",
    )  # fmt: skip
    address = done.stdout.strip()
    assert address.startswith(f"http://127.0.0.1:{site.port}/open/")
    assert "4471902" not in address
    assert "OKAFOR, Adaeze" in client.page(address.removeprefix(f"http://127.0.0.1:{site.port}"))


def test_launch_takes_no_notice_of_spaces_around_what_names_the_patient(site, client, chest):
    done = site.flask(
        "launch", "--patient", "4471902 ", "--issuer", " HOSP", "--name", "OKAFOR^Adaeze ",
        "--role", "referrer",
    )  # fmt: skip
    client.get(done.stdout.strip().removeprefix(f"http://127.0.0.1:{site.port}"))
    with site.parts.records.read() as session:
        patient = session.scalars(select(ContextRow)).one().patient
    assert (patient.identity.patient_id, patient.identity.issuer) == ("4471902", "HOSP")
    assert patient.name == "OKAFOR^Adaeze"


def test_launch_needs_a_patient_except_for_staff(site):
    assert site.flask("launch", "--role", "referrer").returncode == 2
    assert site.flask("launch", "--role", "staff").returncode == 0


def test_wrong_settings_stop_the_start_with_every_problem(site):
    done = site.flask(
        "find", "--patient", "1", "--issuer", "HOSP", PREVIEW_LOCAL__PORT="abc", PREVIEW_APP__TIMEZONE="Mars"
    )
    assert done.returncode == 2
    assert "local.port = 'abc'" in done.stderr
    assert "app.timezone = 'Mars'" in done.stderr
