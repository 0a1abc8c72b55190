"""With an archive away, what was fetched before stays on the page, and says how old it is."""

import re
from html import unescape

from support.inspecting import text_of
from support.installation import free_port, source_block
from support.studies import OKAFOR, STRANGER, study
from support.visits import opened

from preview.health.probing import Prober

SAID = "Not every archive could be asked. What is shown of one that was not is our copy; newer studies may"


def test_a_patient_who_is_opened_during_an_outage_has_what_was_fetched_before(site, client, archive):
    opened(site, client, archive).fetch()
    archive.stop()
    other = site.app.test_client()
    html = other.page(other.opened(site))
    text = text_of(html)
    assert SAID in text
    assert re.search(r"Main archive, as of \d\d:\d\d ?\. No newer answer has come since; newer studies", text)
    assert "Complete, 3 of 3 images" in text
    study_page = re.search(r'href="([^"]*/studies/[0-9a-f]+)"', html)[1]
    assert other.get(study_page).status_code == 200


def test_nobody_elses_studies_are_remembered(site, client, archive):
    opened(site, client, archive).fetch()
    archive.stop()
    other = site.app.test_client()
    html = other.page(other.opened(site, STRANGER))
    assert 'id="study-' not in html
    assert "Not every archive could be asked." in text_of(html)


def test_what_the_archive_answers_when_it_is_back_counts(site, client, archive):
    first = opened(site, client, archive)
    first.fetch()
    (held,) = {ds.StudyInstanceUID for ds in study(study_uid="1.2.3")}
    archive.stop()
    other = site.app.test_client()
    path = other.opened(site)
    assert 'id="study-' in other.page(path)
    archive.start(archive.port)
    for uid in {row.study_uid for row in _studies(site)} | {held}:
        archive.remove(uid)
    _forget_health(site)
    other.press(other.page(path), "Ask the archives again")
    site.ask_all()
    assert 'id="study-' not in other.page(path)


def test_without_redis_too_what_was_fetched_before_is_shown(install, archive):
    redis = f"redis://127.0.0.1:{free_port()}/0"
    site = install(source_block("main", archive.port, aet="MAIN"), redis=redis)
    client = site.app.test_client()
    opened(site, client, archive).fetch()
    other = site.app.test_client()
    html = other.page(other.opened(site, OKAFOR, ask=False))
    assert "Fetching is paused." in text_of(html)
    assert "○ Waiting to ask Main archive" in text_of(html)
    assert "Asking" not in text_of(html)
    assert "Complete, 3 of 3 images" in text_of(html)
    assert "as of" in text_of(html)


def _studies(site):
    from sqlalchemy import select

    from fetch.records import StudyRow

    with site.parts.records.read() as session:
        return session.scalars(select(StudyRow)).all()


def _forget_health(site):
    from sqlalchemy import delete

    from preview.health.records import HealthRow

    with site.parts.records.write() as session:
        session.execute(delete(HealthRow))


def test_a_page_from_before_the_outage_says_at_once_that_it_is_old(site, client, archive):
    visit = opened(site, client, archive)
    before = client.page(visit.patient_page)
    assert re.search(r"✓ Searched Main archive \d\d:\d\d", text_of(before))
    archive.stop()
    Prober(site.parts).look(site.settings.sources[0])
    poll = client.get(unescape(re.search(r'hx-get="([^"]*watch/updates[^"]*)"', before)[1]))
    for html in (poll.text, client.page(visit.patient_page)):
        text = text_of(html)
        assert re.search(
            r"▲ Searched Main archive [\d:]+ · cannot be asked now, newer studies may exist", text
        )
        assert re.search(r"Main archive, as of \d\d:\d\d", text)
        assert "✓ Searched" not in text
    archive.start(archive.port)
    Prober(site.parts).look(site.settings.sources[0])
    text = text_of(client.page(visit.patient_page))
    assert "✓ Searched Main archive" in text
    assert "as of" not in text


def test_that_nothing_was_found_is_not_said_of_an_archive_that_cannot_be_asked_now(site, client, archive):
    path = client.opened(site)
    assert "No imaging found" in text_of(client.page(path))
    archive.stop()
    Prober(site.parts).look(site.settings.sources[0])
    text = text_of(client.page(path))
    assert "No imaging found" not in text
    assert "none in this range · cannot be asked now" in text


def test_what_was_counted_outside_the_dates_stays_said_when_the_archive_is_asked_in_vain(
    site, client, archive
):
    archive.add(study(OKAFOR, day="20010101")[0])
    path = client.opened(site)
    archive.stop()
    client.press(client.page(path), "Ask the archives again")
    text = text_of(client.page(path))
    assert re.search(r"… Asking Main archive · 1 more outside these dates, as of \d\d:\d\d", text)
    site.ask_all()
    text = text_of(client.page(path))
    assert "Not searched Main archive" in text
    assert re.search(r"1 more outside these dates, as of \d\d:\d\d", text)
    assert re.search(r"1 study outside these dates, not fetched. as of \d\d:\d\d Show all dates", text)
