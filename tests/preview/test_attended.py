"""That nobody takes up a request is said only where no worker lives, also of one that waits long."""

from datetime import timedelta

import pytest
from redis import Redis
from rq.queue import Queue
from rq.serializers import JSONSerializer
from rq.worker import Worker
from sqlalchemy import update
from support.inspecting import text_of
from support.installation import source_block
from support.studies import OKAFOR, study

from preview.queue import bell
from preview.queue import worker as queue_worker
from preview.records import FetchRow

NOBODY = "Nobody has taken up this request yet."


@pytest.fixture
def site(install, archive):
    for ds in study(OKAFOR, images=2):
        archive.add(ds)
    return install(source_block("main", archive.port, aet="MAIN"))


@pytest.fixture
def waiting(site, client, monkeypatch) -> str:
    """The page of a patient whose study waits since a minute ago, behind what a worker has just finished."""
    monkeypatch.setattr(bell, "_LATELY_S", 0.0)
    path = client.opened(site)
    client.press(client.page(path), "Fetch")
    with site.parts.records.write() as session:
        session.execute(update(FetchRow).values(wanted_at=site.parts.now - timedelta(minutes=1)))
    return path


@pytest.fixture
def worker(site):
    """One of RQ's, which has told Redis that it is there, and has nothing to do."""
    with Redis.from_url(bell.redis_url(site.settings.app)) as connection:
        queue = Queue("fetches", connection=connection, serializer=JSONSerializer)
        idle = Worker([queue], connection=connection, serializer=JSONSerializer)
        yield idle
        idle.register_death()


def test_only_where_no_worker_lives_it_is_said_that_nobody_takes_it_up(site, client, waiting, worker):
    assert NOBODY in text_of(client.page(waiting))
    worker.register_birth()
    said = text_of(client.page(waiting))
    assert NOBODY not in said
    assert "Waiting to fetch this study." in said


def test_a_worker_without_a_sign_of_life_for_a_minute_is_none(site, client, waiting, worker):
    worker.register_birth()
    long_ago = (site.parts.now - timedelta(seconds=70)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    worker.connection.hset(worker.key, "last_heartbeat", long_ago)
    assert NOBODY in text_of(client.page(waiting))


def test_a_worker_that_lives_is_found_again_in_a_redis_that_was_emptied(site):
    ours = queue_worker._worker(site.settings.app, ["fetches"])
    ours.register_birth()
    ours.connection.flushall()
    assert not site.parts.bell.is_attended("fetches", site.parts.now)
    ours.heartbeat()
    assert site.parts.bell.is_attended("fetches", site.parts.now)
    ours.register_death()
    assert not site.parts.bell.is_attended("fetches", site.parts.now)


def test_workers_of_other_queues_do_not_take_it_up(site, client, waiting, worker):
    other = Worker(
        [Queue("asks", connection=worker.connection, serializer=JSONSerializer)],
        connection=worker.connection,
        serializer=JSONSerializer,
    )
    other.register_birth()
    try:
        assert NOBODY in text_of(client.page(waiting))
    finally:
        other.register_death()


def test_where_redis_does_not_answer_nothing_is_certain(site):
    now = site.parts.now
    assert site.parts.bell.is_deserted("fetches", now)
    away = bell.Bell(site.settings.app.model_copy(update={"redis": "redis://127.0.0.1:1"}))
    assert not away.is_deserted("fetches", now)
    assert not away.is_attended("fetches", now)


def test_who_watches_in_the_same_moment_does_not_ask_again(site, worker):
    bell_of_page = site.parts.bell
    assert bell_of_page.is_deserted("fetches", site.parts.now)
    worker.register_birth()
    assert bell_of_page.is_deserted("fetches", site.parts.now)
