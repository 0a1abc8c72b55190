"""A disk without room: said on every page, nothing corrupted, and it goes on when there is room."""

import subprocess
from datetime import timedelta

import pytest
from support.inspecting import text_of
from support.visits import change_fetch, fetches, opened

from fetch.reasons import Reason
from preview.queue import reconciling
from preview.records import Outcome
from preview.routes import banner


@pytest.fixture
def small_disk(site):
    """The shelf on a disk of its own, of 70 MB."""
    shelf = site.settings.app.shelf
    shelf.mkdir(parents=True, exist_ok=True)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=70m", "tmpfs", str(shelf)], check=False)
    if mounted.returncode:
        pytest.skip("nobody may mount a disk here")
    yield shelf
    subprocess.run(["umount", str(shelf)], check=True)


def test_a_full_disk_is_said_and_the_fetch_goes_on_when_there_is_room(
    site, client, archive, small_disk, monkeypatch
):
    monkeypatch.setattr(banner, "_ROOM_S", 0.0)  # else a page may say for two seconds what was true
    visit = opened(site, client, archive)
    filler = small_disk / "filler"
    with filler.open("wb") as file, pytest.raises(OSError, match="No space"):
        while True:
            file.write(b"\0" * 65536)
            file.flush()
    client.press(visit.html(), "Fetch")
    site.fetch_all()
    (fetch,) = fetches(site)
    assert (fetch.finished_at, fetch.reason, fetch.drawn) == (None, Reason.NO_ROOM.code, 0)
    assert not list(small_disk.rglob("*.png")) + list(small_disk.rglob("*.part"))
    text = text_of(client.page("/"))
    assert "There is no room for more pictures. The disk of this application is full." in text
    assert "There is no room for pictures on our disk." in visit.text()
    assert client.get("/readyz").json["shelf"] == "No space left on device"
    change_fetch(site, tries=6, next_try_at=site.parts.now + timedelta(hours=1))
    reconciling.ring_for_everything(site.parts)
    assert fetches(site)[0].next_try_at > site.parts.now + timedelta(minutes=59), "woken without room"
    filler.unlink()
    reconciling.ring_for_everything(site.parts)
    assert fetches(site)[0].next_try_at < site.parts.now + timedelta(seconds=31)
    change_fetch(site, next_try_at=site.parts.now)
    site.fetch_all()
    assert fetches(site)[0].outcome is Outcome.COMPLETE
    assert "There is no room" not in text_of(client.page("/"))
