"""`fetch --wait` after the worker was killed: half a minute of silence tells, so both wait at once."""

import json
from concurrent.futures import ThreadPoolExecutor

from support.installation import eventually, process, source_block
from support.studies import study


def kill_its_worker(site) -> None:
    """It stays registered for minutes, as if it would do the work."""
    with process(site, "worker", "fetches") as worker:
        eventually(lambda: site.parts.bell.has_worker("fetches"))
        worker.kill()
    assert site.parts.bell.has_worker("fetches")


def test_fetch_does_the_work_itself_or_says_that_the_worker_ought_to(install, archive):
    datasets = study(images=4)
    for ds in datasets:
        archive.add(ds)
    source = source_block("main", archive.port, aet="MAIN")
    alone, served = install(source, redis="embedded"), install(source)
    with process(alone, "redis"), ThreadPoolExecutor(2) as shells:
        for site in (alone, served):
            kill_its_worker(site)
        command = ("fetch", "--source", "main", "--study", datasets[0].StudyInstanceUID, "--wait", "--json")
        here, nowhere = shells.map(lambda site: site.flask(*command), (alone, served))
    assert here.returncode == 0, here.stderr
    assert "No worker does it; fetching it here." in here.stderr
    assert json.loads(here.stdout.splitlines()[-1])["drawn"] == 4
    assert nowhere.returncode == 1
    assert "No worker takes it" in nowhere.stderr
