"""`fetch --wait` after a worker was killed: in a file of its own, for each takes half a minute of silence."""

import json

import pytest
from support.installation import eventually, process, source_block
from support.studies import study


@pytest.fixture
def chest(archive):
    datasets = study(images=4)
    for ds in datasets:
        archive.add(ds)
    return datasets[0].StudyInstanceUID


def test_fetch_does_the_work_itself_where_the_worker_was_killed(install, archive, chest):
    """A killed worker is registered for minutes; what tells is that nobody begins for half a minute."""
    site = install(source_block("main", archive.port, aet="MAIN"), redis="embedded")
    with process(site, "redis"):
        with process(site, "worker", "fetches") as worker:
            eventually(lambda: site.parts.bell.has_worker("fetches"))
            worker.kill()
        assert site.parts.bell.has_worker("fetches")
        done = site.flask("fetch", "--source", "main", "--study", chest, "--wait", "--json")
    assert done.returncode == 0, done.stderr
    assert "No worker does it; fetching it here." in done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["drawn"] == 4


def test_fetch_says_when_the_worker_was_killed_that_ought_to_do_it(site, chest):
    with process(site, "worker", "fetches") as worker:
        eventually(lambda: site.parts.bell.has_worker("fetches"))
        worker.kill()
    done = site.flask("fetch", "--source", "main", "--study", chest, "--wait")
    assert done.returncode == 1
    assert "No worker takes it" in done.stderr
