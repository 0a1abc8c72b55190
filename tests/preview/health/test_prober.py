"""The prober looks at every archive, each page says what it saw, and what waited goes on when it is back."""

import re
import time
from datetime import timedelta

import pytest
from sqlalchemy import select
from support.inspecting import text_of
from support.installation import eventually, free_port, process, source_block
from support.studies import OKAFOR, STRANGER, study
from support.tcp_proxy import TcpProxy
from support.visits import change_fetch, fetches, opened

from fetch.model import Timeouts
from fetch.reasons import Reason
from preview.demo.behaviour import answers, hangs, hangs_in_find, refuses_association, refuses_services
from preview.demo.traits import Kind
from preview.health.journal import Finding, note, suspect
from preview.health.probing import Prober, probe
from preview.health.records import Condition, HealthRow, OutageRow
from preview.queue import reconciling
from preview.records import Outcome, Role

FAST = "probe_every = 1.0\nprobe_again = 0.5"


def look(site) -> HealthRow:
    """One look at the first source."""
    (source, *_) = site.settings.sources
    Prober(site.parts).look(source)
    return row(site)


def row(site, source="main") -> HealthRow:
    with site.parts.records.read() as session:
        return session.get(HealthRow, source)


# One look


@pytest.mark.parametrize(
    ("how", "condition", "reason"),
    [
        (refuses_association("calling"), Condition.DOWN, Reason.CALLING_AET_UNKNOWN),
        (refuses_association("busy"), Condition.PARTIAL, Reason.BUSY),
        (hangs(), Condition.DOWN, Reason.NO_ANSWER),
        (hangs_in_find(), Condition.PARTIAL, Reason.NO_ANSWER),
        (answers(0xA700, Kind.FIND), Condition.PARTIAL, Reason.OUT_OF_RESOURCES),
        (refuses_services(Kind.FIND), Condition.PARTIAL, Reason.NOT_SUPPORTED),
    ],
)
def test_what_a_probe_finds(site, archive, how, condition, reason):
    archive.behave(how)
    (source,) = site.settings.sources
    began = time.monotonic()
    found = probe(source, site.settings.local)
    assert (found.condition, found.reason) == (condition, reason)
    assert time.monotonic() - began < 13


def test_an_archive_that_answers_is_up_and_one_that_takes_long_is_slow(site, archive):
    (source,) = site.settings.sources
    found = probe(source, site.settings.local)
    assert (found.condition, found.reason) == (Condition.UP, None)
    with site.parts.records.write() as session:
        for seconds in (0.1, 0.1, 0.1, 9.0, 9.0, 9.0):
            note(session, source, Finding(Condition.UP, seconds=seconds), site.parts.now, site.settings.app)
    assert row(site).condition is Condition.SLOW
    with site.parts.records.write() as session:
        for _ in range(4):
            note(session, source, Finding(Condition.UP, seconds=0.1), site.parts.now, site.settings.app)
    assert row(site).condition is Condition.UP


def looks(site, *seconds: float) -> list[Condition]:
    """What the archive is said to be after each look that took so long."""
    (source,) = site.settings.sources
    said = []
    for one in seconds:
        with site.parts.records.write() as session:
            note(session, source, Finding(Condition.UP, seconds=one), site.parts.now, site.settings.app)
        said.append(row(site).condition)
    return said


def test_one_slow_look_says_nothing_and_one_quick_one_takes_nothing_back(site):
    up, slow = Condition.UP, Condition.SLOW
    assert looks(site, 0.1, 9, 0.1, 9, 9, 0.1) == [up] * 6
    assert looks(site, 60, 60, 60, 0.1, 60, 0.1, 0.1, 0.1) == [up, up, slow, slow, slow, slow, slow, up]
    assert looks(site, 0.6, 1.2, 1.9, 1.2, 1.9, 1.2) == [up] * 6


def test_an_archive_that_was_not_waited_for_long_is_slow_at_first_and_down_when_it_stays_silent(site):
    (source,) = site.settings.sources
    silent = Finding(Condition.DOWN, Reason.NO_ANSWER, hurried=True)
    looks(site, 0.1)
    for condition in (Condition.SLOW, Condition.DOWN):
        with site.parts.records.write() as session:
            note(session, source, silent, site.parts.now, site.settings.app)
        assert row(site).condition is condition
        soon = site.parts.now + timedelta(seconds=site.settings.app.probe_again)
        assert row(site).next_probe_at <= soon


def test_how_long_an_archive_may_take_is_its_own_setting(install, archive, monkeypatch):
    """A look is shorter than that, and whoever did not answer it may yet answer a question."""
    site = install(source_block("main", archive.port, aet="MAIN"))
    quick = Timeouts(connect=1.0, association=0.5, message=0.5, network=0.5)
    archive.behave(hangs())
    (source,) = site.settings.sources
    assert not probe(source, site.settings.local).hurried
    monkeypatch.setattr("preview.health.probing._QUICK", quick)
    assert probe(source, site.settings.local).hurried


def test_since_when_an_archive_is_looked_at_is_not_since_when_it_is_so(site, client, archive):
    look(site)
    first = site.parts.now - timedelta(days=40)
    with site.parts.records.write() as session:
        session.get(HealthRow, "main").first_at = first
    archive.stop()
    look(site)
    said = client.get("/status.json").json["sources"][0]
    assert said["known_since"] == first.isoformat()


def test_the_card_of_an_archive_says_what_the_banner_says(site, client):
    looks(site, 0.1, 9, 9, 9)
    text = text_of(client.page("/status"))
    since = re.search(r"Main archive answers more slowly than usual since (\d\d:\d\d)", text)[1]
    assert f"● Answers more slowly than usual since {since}" in text


def test_only_one_of_several_probers_looks_at_each(site):
    one, other = Prober(site.parts), Prober(site.parts)
    assert [source.name for source in one.due()] == ["main"]
    assert other.due() == []


def test_a_real_archive_is_up(install, orthanc):
    site = install(source_block("main", orthanc.port, aet="ORTHANC"))
    assert look(site).condition is Condition.UP


# What follows


def test_an_outage_is_kept_with_what_it_hit(site, client, archive):
    visit = opened(site, client, archive)
    archive.stop()
    look(site)
    client.press(visit.html(), "Fetch")
    site.fetch_all()
    client.press(client.page(visit.patient_page), "Ask the archives again")
    site.ask_all()
    change_fetch(site, next_try_at=site.parts.now + timedelta(minutes=1))  # else its rest may be over by then
    archive.start(archive.port)
    assert look(site).woken == 1
    with site.parts.records.read() as session:
        (outage,) = session.scalars(select(OutageRow))
    assert outage.ended_at > outage.began_at
    assert (outage.asks, outage.fetches) == (1, 1)


def test_what_waits_is_said_to_wait_and_completes_without_a_click(site, client, archive):
    visit = opened(site, client, archive)
    archive.stop()
    look(site)
    client.press(visit.html(), "Fetch")
    site.fetch_all()
    text = visit.text()
    assert "Waiting for the archive. It cannot be asked since" in text
    assert re.search(r"Next try [\d:]+ \(2nd\)", text)
    assert "Try now" in text
    assert "Stop trying" in text
    change_fetch(site, tries=6, next_try_at=site.parts.now + timedelta(hours=1))
    archive.start(archive.port)
    look(site)
    (fetch,) = fetches(site)
    assert fetch.next_try_at <= site.parts.now
    reconciling.ring_for_everything(site.parts)
    site.fetch_all()
    assert fetches(site)[0].outcome is Outcome.COMPLETE


def test_a_herd_is_spread_over_the_associations(site, client, archive):
    for number in range(60):
        archive.add(study(OKAFOR, study_uid=f"1.2.{number}")[0])
    client.opened(site)
    from fetch.records import StudyRow
    from preview.errands import wanting

    with site.parts.records.read() as session:
        rows = session.scalars(select(StudyRow)).all()
    for one in rows:
        wanting.want(site.parts, one)
    archive.stop()
    look(site)
    change_fetch(site, tries=6, next_try_at=site.parts.now + timedelta(hours=1))
    archive.start(archive.port)
    before = site.parts.now
    look(site)
    starts = sorted(fetch.next_try_at for fetch in fetches(site))
    assert starts[0] <= site.parts.now
    assert timedelta(seconds=20) < starts[-1] - before < timedelta(seconds=45)
    assert max(starts.count(start) for start in starts) <= site.settings.sources[0].associations


# What every page says


def test_every_page_says_that_an_archive_is_down_by_its_one_poll(site, client, archive):
    path = client.opened(site)
    html = client.page(path)
    archive.stop()
    look(site)
    answer = client.get(_banner_address(html), headers={"HX-Request": "true"})
    text = text_of(answer.text)
    assert re.search(
        r"Main archive cannot be reached since [\d:]+ \(less than a minute\)\. Nothing answers", text
    )
    assert "What was fetched before can still be seen" in text
    assert "call Radiology 2345" in text
    assert re.search(r"Next check \d\d:\d\d:\d\d", text)
    assert text.count("call Radiology 2345") == text.count("What to do ↗") == 1
    visible = re.sub(r"(?s)</summary>.*?</details>", "</summary></details>", answer.text)
    assert "Nothing answers" not in text_of(visible), "one line says it; the rest is folded"
    assert 'id="alarm"' in answer.text
    again = client.get(_banner_address(answer.text), headers={"HX-Request": "true"})
    assert again.status_code == 204 or 'id="alarm"' not in again.text, "announced twice"
    archive.start(archive.port)
    look(site)
    over = client.get(_banner_address(answer.text), headers={"HX-Request": "true"})
    assert "can be reached again since" in text_of(over.text)
    assert "What it left unanswered is asked again by itself." in text_of(over.text)
    assert 'id="tidings"' in over.text


def _banner_address(html: str) -> str:
    from html import unescape

    return unescape(re.search(r'<div id="banner" hx-get="([^"]+)"', html)[1])


def test_staff_pause_an_archive_and_let_it_go_on(site, archive):
    client = site.app.test_client()
    client.get(site.launch(None, Role.STAFF))
    html = client.page("/archives")
    client.press(html, "Pause")
    html = client.page("/archives")
    assert "Main archive is paused by staff since" in text_of(html)
    assert Prober(site.parts).due() == []
    client.press(html, "Let it go on")
    assert "is paused by staff" not in text_of(client.page("/archives"))


def test_a_reader_may_not_pause_anything(site, client):
    key = client.opened(site, STRANGER).split("/")[2]
    assert client.get(f"/staff/{key}/archives").status_code == 403
    assert client.post(f"/staff/{key}/archives/main/pause").status_code in (400, 403)


def test_the_status_page_and_its_json_need_nobody_and_name_nobody(site, client, archive):
    opened(site, client, archive).fetch()
    archive.stop()
    look(site)
    anybody = site.app.test_client()
    text = text_of(anybody.page("/status"))
    assert "Cannot be asked since" in text
    assert "images a second" in text
    assert "1 outage" in text
    told = anybody.get("/status.json")
    assert told.json["sources"][0]["standing"]["state"] == "down"
    assert told.json["sources"][0]["standing"]["reason"] == "connection-refused"
    days = told.json["sources"][0]["days"]
    assert [day["known"] for day in days] == [False] * 89 + [True], "nobody looked before today"
    assert "looked at since" in text
    assert not re.search(r"OKAFOR|4471902", text + told.text)


def test_without_the_database_a_monitor_is_told_so_in_json(site, client):
    site.parts.records.engine.dispose()
    for file in site.folder.glob("preview.db*"):
        file.unlink()
    (site.folder / "preview.db").mkdir()
    told = client.get("/status.json")
    assert (told.status_code, told.mimetype) == (503, "application/json")
    assert told.json["parts"]["database"] == "OperationalError"
    assert told.json["parts"]["redis"] == "ok"


def test_a_dead_archive_is_no_reason_not_to_be_ready(install):
    site = install(source_block("main", free_port()), app_lines=FAST)
    client = site.app.test_client()
    assert client.get("/livez").status_code == 200
    assert client.get("/readyz").json["worker"] == "no worker"
    with process(site, "worker", "fetches"), process(site, "worker", "asks"), process(site, "prober"):
        eventually(lambda: row(site) is not None and row(site).condition is Condition.DOWN)
        eventually(lambda: client.get("/readyz").status_code == 200)


def test_within_seconds_of_a_cut_line_it_is_said_and_gone_after_it(install, archive):
    """The real process: a line that goes away and comes back."""
    with TcpProxy(archive.port) as line:
        site = install(source_block("main", line.port, aet="MAIN"), app_lines=FAST)
        client = site.app.test_client()
        with process(site, "prober"):
            eventually(lambda: row(site) is not None and row(site).condition is Condition.UP)
            archive.behave(refuses_association("called"))
            began = time.monotonic()
            eventually(lambda: "refuses our requests since" in text_of(client.page("/")), 15)
            archive.behave_well()
            eventually(lambda: "refuses our requests" not in text_of(client.page("/")), 60)
            assert time.monotonic() - began < 60


def test_a_suspicion_is_looked_into_at_once(site):
    (source,) = site.settings.sources
    with site.parts.records.write() as session:
        note(session, source, Finding(Condition.UP), site.parts.now, site.settings.app)
    prober = Prober(site.parts)
    assert prober.due() == []
    with site.parts.records.write() as session:
        suspect(session, "main", site.parts.now)
    assert prober.due() == [source]


@pytest.mark.parametrize(
    "path", ["/admin/{}/notices", "/staff/{}/downtime", "/admin/{}/fallback", "/staff/{}/archives", "/status"]
)
def test_from_every_page_of_an_outage_a_link_leads_back_to_the_patient(site, client, path):
    patient = client.opened(site, role=Role.STAFF)
    html = client.page(path.format(patient.split("/")[2]))
    assert re.search(rf'<p class="back"><a href="{patient}">', html)
    assert 'class="back"' not in site.app.test_client().page("/status")
