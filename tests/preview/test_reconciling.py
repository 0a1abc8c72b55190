"""Nothing that is wanted is forgotten, whoever looks or does not look."""

from datetime import timedelta

import redis
from rq import Queue
from rq.serializers import JSONSerializer
from sqlalchemy import update
from support.studies import OKAFOR, study

from fetch.find import find_study
from preview.errands import wanting
from preview.errands.asking import note_study
from preview.errands.claim import SILENT
from preview.queue import reconciling
from preview.records import AskRow, FetchRow


def queued(url: str, name: str) -> int:
    return len(Queue(name, connection=redis.Redis.from_url(url), serializer=JSONSerializer))


def wanted(site, archive):
    datasets = study(OKAFOR)
    for ds in datasets:
        archive.add(ds)
    found = find_study(site.settings.sources[0], site.settings.local, datasets[0].StudyInstanceUID)
    with site.parts.records.write() as session:
        row = note_study(session, found, site.parts.now)
    return row, wanting.want(site.parts, row)


def long_ago(site, table, **more) -> None:
    early = site.parts.now - SILENT - timedelta(seconds=1)
    with site.parts.records.write() as session:
        session.execute(update(table).values(rung_at=early, wanted_at=early, **more))


def test_wishes_that_redis_lost_are_put_on_the_queue_again(site, client, archive, clean_redis):
    wanted(site, archive)
    client.get(site.launch(OKAFOR))
    redis.Redis.from_url(clean_redis).flushall()
    long_ago(site, FetchRow)
    long_ago(site, AskRow)
    reconciling.ring_for_everything(site.parts)
    assert (queued(clean_redis, "fetches"), queued(clean_redis, "asks")) == (1, 1)
    reconciling.ring_for_everything(site.parts)  # once is enough
    assert (queued(clean_redis, "fetches"), queued(clean_redis, "asks")) == (1, 1)


def test_a_fetch_whose_worker_was_killed_is_rung_for_once_it_is_silent(site, archive, clean_redis):
    wanted(site, archive)
    redis.Redis.from_url(clean_redis).flushall()
    long_ago(site, FetchRow, beat_at=site.parts.now, attempt=1)
    reconciling.ring_for_everything(site.parts)
    assert queued(clean_redis, "fetches") == 0
    long_ago(site, FetchRow, beat_at=site.parts.now - SILENT - timedelta(seconds=1))
    reconciling.ring_for_everything(site.parts)
    assert queued(clean_redis, "fetches") == 1


def test_fetch_after_cancel_is_a_wish_again(site, archive):
    row, fetch_id = wanted(site, archive)
    with site.parts.records.write() as session:
        session.execute(update(FetchRow).values(cancel_at=site.parts.now, beat_at=site.parts.now))
    assert wanting.want(site.parts, row) == fetch_id
    with site.parts.records.read() as session:
        assert session.get(FetchRow, fetch_id).cancel_at is None
