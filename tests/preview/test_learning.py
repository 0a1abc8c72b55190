"""`learn`: each way is tried with one image, and what an archive turned out to do is kept."""

import pytest
from support.installation import eventually, free_port, process, source_block
from support.studies import study

from fetch.model import Way
from preview.demo.archive import Archive
from preview.demo.behaviour import refuses_get
from preview.errands.means import means_for


@pytest.fixture
def served(install):
    """An archive that knows our receiver, and the installation."""
    port = free_port()
    datasets = study(images=3)
    with Archive("MAIN", datasets=datasets, peers={"PREVIEW": ("127.0.0.1", port)}).start() as archive:
        site = install(source_block("main", archive.port, aet="MAIN"), local_port=port)
        yield site, archive, datasets[0].StudyInstanceUID


def profile(site):
    return site.parts.profiles.of(site.settings.sources[0])


def test_every_way_is_tried_and_kept(served):
    site, _, uid = served
    with process(site, "receiver"):
        eventually(site.parts.spool.is_served)
        said = site.flask("learn", "main", "--study", uid)
    assert said.returncode == 0, said.stderr
    assert said.stdout.splitlines() == ["C-GET: works", "C-MOVE: works"]
    assert (profile(site).get, profile(site).move) == (True, True)
    assert profile(site).contexts
    assert not list((site.folder / "spool").rglob("*.dcm"))


def test_an_archive_without_c_get_is_fetched_from_by_c_move_from_then_on(served):
    site, archive, uid = served
    archive.behave(refuses_get())
    with process(site, "receiver"), process(site, "worker", "fetches"):
        eventually(site.parts.spool.is_served)
        eventually(lambda: site.parts.bell.has_worker("fetches"))
        first = site.flask("fetch", "--source", "main", "--study", uid, "--wait", "--json")
    assert '"state": "COMPLETE"' in first.stdout, first.stdout + first.stderr
    assert (profile(site).get, profile(site).move) == (False, True)
    assert profile(site).why == {"c-get": "not-supported"}


def test_without_a_receiver_c_move_is_not_tried_and_this_is_said(served):
    site, _, uid = served
    said = site.flask("learn", "main", "--study", uid)
    assert "C-MOVE: not tried" in said.stdout
    assert profile(site).move is None


def test_an_archive_that_is_asked_over_tls_is_not_asked_to_send_in_clear(install):
    site = install(source_block("main", 4242, aet="MAIN", tls=True), source_block("plain", 4243))
    secret, plain = site.settings.sources
    with site.parts.spool.served():
        with means_for(site.parts, secret, "a") as means:
            assert means.ways == (Way.GET,)
        with means_for(site.parts, plain, "b") as means:
            assert means.ways == (Way.GET, Way.MOVE)


def test_by_hand_everything_is_forgotten(served):
    site, _, uid = served
    site.flask("learn", "main", "--study", uid)
    assert profile(site).get
    assert "forgotten" in site.flask("learn", "main").stdout
    assert profile(site).get is None


def test_what_is_not_there_is_said(served):
    site, archive, _ = served
    assert site.flask("learn", "nobody").returncode == 2
    assert site.flask("learn", "main", "--study", "1.2.3").returncode == 1
    archive.stop()
    gone = site.flask("learn", "main", "--study", "1.2.3")
    assert (gone.returncode, "Nothing answers" in gone.stderr) == (1, True)
