"""When an archive is well again, open pages ask it by themselves, and what a wrong setting ended goes on."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update
from support.inspecting import polled_address, text_of
from support.installation import free_port, source_block
from support.studies import OKAFOR, study
from support.visits import change_fetch, fetches, opened

from fetch.reasons import Reason
from preview.demo.behaviour import answers, refuses_association
from preview.demo.traits import Kind
from preview.health import again
from preview.health.probing import Prober
from preview.records import AnswerRow, AskRow, ContextRow, Outcome


def look(site) -> None:
    for source in site.settings.sources:
        Prober(site.parts).look(source)


def asks(site) -> list[AskRow]:
    with site.parts.records.read() as session:
        return list(session.scalars(select(AskRow).order_by(AskRow.wanted_at)))


@pytest.fixture
def away(site, client, archive):
    """A page that was opened while the archive was away; the archive holds a study and comes back."""
    archive.add(study(OKAFOR)[0])
    port = archive.port
    archive.stop()
    path = client.opened(site)
    look(site)
    assert "Not searched Main archive" in text_of(client.page(path))
    archive.start(port)
    return path


def test_an_open_page_asks_an_archive_that_is_back_without_a_click_and_says_so(site, client, away):
    html = client.page(away)
    assert "It is asked again by itself as soon as it answers." in text_of(html)
    look(site)
    again.go_on(site.parts)
    asking = client.poll(html).text
    assert re.search(r"Asking Main archive once more: it could not be asked at \d\d:\d\d", text_of(asking))
    site.ask_all()
    found = client.poll(asking).text
    said = text_of(found)
    assert re.search(r"Searched Main archive \d\d:\d\d · it could not be asked at \d\d:\d\d", said)
    assert 'id="study-' in found
    assert "Not searched" not in said
    assert "1 study found." in said, "it is not read aloud"


def test_nobody_is_asked_while_the_archive_is_still_away(site, client, archive):
    archive.stop()
    client.opened(site)
    look(site)
    again.go_on(site.parts)
    assert len(asks(site)) == 1


def test_it_is_asked_once(site, client, away):
    look(site)
    again.go_on(site.parts)
    again.go_on(site.parts)
    site.ask_all()
    again.go_on(site.parts)
    assert len(asks(site)) == 2


def test_only_the_archive_that_was_away_is_asked(install, archive):
    archive.add(study(OKAFOR)[0])
    from preview.demo.archive import Archive

    with Archive("OTHER").start() as other:
        other.add(study(OKAFOR)[0])
        blocks = [source_block("other", other.port), source_block("main", archive.port, aet="MAIN")]
        site = install(*blocks)
        client = site.app.test_client()
        port = archive.port
        archive.stop()
        path = client.opened(site)
        archive.start(port)
        look(site)
        before = len(other.asked(Kind.FIND))
        again.go_on(site.parts)
        assert text_of(client.page(path)).count("Searched Other archive") == 1
        site.ask_all()
        assert len(other.asked(Kind.FIND)) == before
        assert client.page(path).count('id="study-') == 2


@pytest.mark.parametrize("values", [{"ends_at": timedelta()}, {"wanted_at": -timedelta(hours=13)}])
def test_a_page_that_has_ended_or_is_of_yesterday_asks_nothing(site, away, values):
    (name, by), table = *values.items(), ContextRow if "ends_at" in values else AskRow
    with site.parts.records.write() as session:
        session.execute(update(table).values({name: site.parts.now + by}))
    look(site)
    again.go_on(site.parts)
    assert len(asks(site)) == 1


def test_what_fails_while_the_archive_is_well_is_asked_again_ever_more_rarely(site, client, archive):
    look(site)
    archive.behave(answers(0xA700, Kind.FIND))
    client.opened(site)

    def probed_well(seconds: float) -> None:
        """The answer is so old, and a look since then found nothing."""
        early = site.parts.now - timedelta(seconds=seconds)
        with site.parts.records.write() as session:
            newest = select(AskRow.id).order_by(AskRow.wanted_at.desc()).limit(1).scalar_subquery()
            session.execute(update(AnswerRow).where(AnswerRow.ask == newest).values(answered_at=early))
        archive.behave_well()
        look(site)
        archive.behave(answers(0xA700, Kind.FIND))

    def backdate_health() -> None:
        from preview.health.records import HealthRow

        with site.parts.records.write() as session:
            long_ago = site.parts.now - timedelta(hours=1)
            session.execute(update(HealthRow).values(since=long_ago, condition="UP"))

    counts = []
    for seconds in (5, 11, 11, 31):
        probed_well(seconds)
        backdate_health()
        again.go_on(site.parts)
        site.ask_all()
        counts.append(len(asks(site)))
    assert counts == [1, 2, 2, 3]


def test_a_fetch_that_a_setting_ended_goes_on_when_it_is_right(site, client, archive):
    visit = opened(site, client, archive)
    archive.behave(refuses_association("calling"))
    client.press(visit.html(), "Fetch")
    site.fetch_all()
    (fetch,) = fetches(site)
    assert (fetch.outcome, fetch.reason) == (Outcome.FAILED, Reason.CALLING_AET_UNKNOWN.code)
    html = visit.html()
    assert "It is fetched by itself as soon as the archive takes our requests." in text_of(html)
    assert polled_address(html), "the page would not notice"
    look(site)
    again.go_on(site.parts)
    assert len(fetches(site)) == 1
    archive.behave_well()
    look(site)
    again.go_on(site.parts)
    again.go_on(site.parts)
    site.fetch_all()
    assert [fetch.outcome for fetch in fetches(site)] == [Outcome.FAILED, Outcome.COMPLETE]
    assert "Complete, 3 of 3 images" in visit.text()


@pytest.mark.parametrize(
    "values",
    [{"outcome": Outcome.CANCELLED}, {"reason": Reason.NOT_OFFERED.code}, {"reason": Reason.NO_ANSWER.code}],
)
def test_what_ended_otherwise_stays_so(site, client, archive, values):
    visit = opened(site, client, archive)
    archive.behave(refuses_association("calling"))
    client.press(visit.html(), "Fetch")
    site.fetch_all()
    look(site)
    change_fetch(site, **values)
    archive.behave_well()
    look(site)
    again.go_on(site.parts)
    assert len(fetches(site)) == 1


def test_after_a_long_outage_everybody_is_asked_in_rounds(site, archive, client, monkeypatch):
    monkeypatch.setattr(again, "_MOST", 3)
    port = archive.port
    archive.stop()
    for _ in range(5):
        site.app.test_client().opened(site)
    archive.start(port)
    look(site)
    for expected in (8, 10, 10):
        again.go_on(site.parts)
        site.ask_all()
        assert len(asks(site)) == expected
    with site.parts.records.read() as session:
        outages = select(func.count()).where(AnswerRow.kind == "OUTAGE")
        assert session.scalar(outages) == 5, "the first answers stay on record"


def test_a_second_archive_that_stays_away_is_not_asked_with_the_first(install, archive, client):
    site = install(source_block("dead", free_port()), source_block("main", archive.port, aet="MAIN"))
    reader, port = site.app.test_client(), archive.port
    archive.stop()
    path = reader.opened(site)
    archive.start(port)
    look(site)
    again.go_on(site.parts)
    site.ask_all()
    text = text_of(reader.page(path))
    assert "Searched Main archive" in text
    assert "Not searched Dead archive" in text
    with site.parts.records.read() as session:
        dead = session.scalars(select(AnswerRow.answered_at).where(AnswerRow.source == "dead")).all()
    assert len(set(dead)) == 1
