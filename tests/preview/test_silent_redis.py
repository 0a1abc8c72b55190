"""A Redis that is silent, instead of refusing: no page waits for it for as long as a second."""

import time

import pytest
from faults.redis_server import RedisServer
from support.installation import eventually, source_block
from support.studies import OKAFOR, study

MOST_S = 0.9
KEPT_S = 3.0
"""So long nobody who shows a page waits for it again."""


@pytest.fixture
def redis(tmp_path):
    server = RedisServer(tmp_path / "redis")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def site(install, archive, redis):
    return install(source_block("main", archive.port, aet="MAIN"), redis=redis.url)


@pytest.fixture
def waits(site, monkeypatch) -> list[float]:
    """How long whoever asked the bell had to wait, each time."""
    noted = []

    def timed(ask):
        def asked(*args, **more):
            began = time.monotonic()
            try:
                return ask(*args, **more)
            finally:
                noted.append(time.monotonic() - began)

        return asked

    for name in ("ring", "answers", "is_attended"):
        monkeypatch.setattr(site.parts.bell, name, timed(getattr(site.parts.bell, name)))
    return noted


@pytest.mark.parametrize("pause", [0.0, KEPT_S + 0.1])
def test_whatever_somebody_does_waits_for_redis_less_than_a_second(
    site, client, archive, redis, waits, pause
):
    """One step right after the other, and so slowly that what was learned of Redis is too old each time."""
    for ds in study(OKAFOR, images=2):
        archive.add(ds)
    path = client.opened(site)
    before = client.page(path)
    steps = {
        "fetch": lambda: client.press(before, "Fetch"),
        "page": lambda: client.page(path),
        "poll": lambda: client.poll(before),
        "again": lambda: client.press(before, "Fetch"),
        "open": lambda: client.opened(site, ask=False),
        "status": lambda: client.get("/status"),
        "ready": lambda: client.get("/readyz"),
        "banner": lambda: client.get("/banner/updates?b=none"),
    }
    waited = {}
    began = time.monotonic()
    with redis.silent():
        for name, step in steps.items():
            time.sleep(pause)
            waits.clear()
            step()
            waited[name] = [wait for wait in waits if wait > 0.1]
    counts = {name: len(of_it) for name, of_it in waited.items()}
    assert max(counts.values()) == 1, waited
    every = sorted(wait for some in waited.values() for wait in some)
    assert every[0] < MOST_S, waited
    assert every[-1] < 4 * MOST_S, waited  # where the machine is busy, one or the other is late
    del counts["status"], counts["ready"]  # they look anew
    assert pause or sum(counts.values()) <= 1 + (time.monotonic() - began) / KEPT_S, waited


def test_a_redis_that_answers_again_is_noticed_within_seconds(site, client, redis):
    path = client.opened(site)
    with redis.silent():
        client.page(path)
        assert not site.parts.bell.answers(within=1.0)
    back = time.monotonic()
    eventually(lambda: site.parts.bell.answers(within=1.0))  # as pages ask
    assert time.monotonic() - back < KEPT_S + 1
    assert site.parts.bell.ring("asks", "a1")
