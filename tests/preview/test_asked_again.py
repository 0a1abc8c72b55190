"""To ask once more is no outage; only of an archive that cannot be asked are the studies called old."""

import re
from datetime import timedelta

import pytest
from support.inspecting import text_of
from support.installation import source_block
from support.studies import study
from support.visits import UID, change_fetch, opened

from preview.demo.archive import Archive
from preview.health.probing import Prober

OLD = "No newer answer has come since; newer studies and images may exist."
QUIET = "known so far; more may come when the archives have answered"


def test_while_a_healthy_archive_is_asked_again_one_quiet_line_says_so(site, client, archive):
    for _ in range(3):
        archive.add(study()[0])
    path = client.opened(site)
    assert QUIET not in text_of(client.page(path))
    client.press(client.page(path), "Ask the archives again")
    said = text_of(client.page(path))
    assert "… Asking Main archive" in said
    assert f"3 studies · {QUIET}" in said
    assert said.count(QUIET) == 1
    assert OLD not in said
    site.ask_all()
    said = text_of(client.page(path))
    assert QUIET not in said
    assert OLD not in said


def test_an_archive_that_is_down_or_failed_the_last_time_is_not_waited_for_in_silence(site, client, archive):
    archive.add(study()[0])
    path = client.opened(site)
    archive.stop()
    client.press(client.page(path), "Ask the archives again")
    site.ask_all()
    client.press(client.page(path), "Ask the archives again")
    said = text_of(client.page(path))
    assert "Asking Main archive once more: it could not be asked at" in said
    assert OLD in said
    site.ask_all()
    assert OLD in text_of(client.page(path))
    archive.start(archive.port)
    site.ask_all()


def test_an_archive_known_to_be_down_makes_studies_old_while_it_is_asked(site, client, archive):
    archive.add(study()[0])
    path = client.opened(site)
    archive.stop()
    Prober(site.parts).look(site.settings.sources[0])
    client.press(client.page(path), "Ask the archives again")
    assert OLD in text_of(client.page(path))


@pytest.mark.parametrize("away", ["main", "other"])
def test_of_two_archives_that_have_a_study_only_the_one_that_did_not_answer_is_named(install, away):
    with Archive("MAIN").start() as main, Archive("OTHER").start() as other:
        for ds in study(study_uid=UID):
            main.add(ds)
            other.add(ds)
        site = install(
            source_block("main", main.port, aet="MAIN"), source_block("other", other.port, aet="OTHER")
        )
        client = site.app.test_client()
        path = client.opened(site)
        assert "Main archive and Other archive" in text_of(client.page(path))
        {"main": main, "other": other}[away].stop()
        client.press(client.page(path), "Ask the archives again")
        site.ask_all()
        said = text_of(client.page(path))
    assert re.search(rf"✓ Searched {'Other' if away == 'main' else 'Main'} archive \d\d:\d\d", said)
    assert re.search(rf"▲ {away.title()} archive, as of \d\d:\d\d ?\. {OLD}", said)


def test_first_pictures_that_somebody_else_has_waited_for_are_said_to_wait_in_line(install, archive):
    site = install(source_block("main", archive.port, aet="MAIN"), app_lines="poster_studies = 12")
    first = opened(site, site.app.test_client(), archive)
    assert "Fetching the first pictures." in first.text()
    change_fetch(site, wanted_at=site.parts.now - timedelta(minutes=2))
    again = site.app.test_client()
    path = again.opened(site)
    said = text_of(again.page(path))
    assert "The first pictures wait in line; they come by themselves." in said
    archive.stop()
    Prober(site.parts).look(site.settings.sources[0])
    said = text_of(again.page(path))
    assert "The first pictures wait for the archive; they come by themselves as soon as it answers." in said
