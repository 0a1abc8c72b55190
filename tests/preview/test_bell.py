"""The bell on a real Redis: it rings once for what waits, and anew for what a dead worker took with it."""

import pytest
from redis import Redis
from rq import Queue
from rq.job import Job, JobStatus
from rq.serializers import JSONSerializer

QUEUE, ROW = "fetches", "b7e1"


@pytest.fixture
def queue(site) -> Queue:
    return Queue(QUEUE, connection=Redis.from_url(site.redis), serializer=JSONSerializer)


def test_what_waits_is_rung_for_once(site, queue):
    for unheard in (False, True):
        assert site.parts.bell.ring(QUEUE, ROW, unheard=unheard)
    assert len(queue.job_ids) == 1


@pytest.mark.parametrize("said", [JobStatus.QUEUED, JobStatus.STARTED])
def test_what_a_worker_died_over_is_rung_for_anew_once_nobody_has_heard_it(site, queue, said):
    """A kill in the instant after the job was taken leaves it in no queue and yet said to be QUEUED."""
    site.parts.bell.ring(QUEUE, ROW)
    taken = queue.pop_job_id()
    Job.fetch(taken, connection=queue.connection, serializer=JSONSerializer).set_status(said)
    site.parts.bell.ring(QUEUE, ROW)
    assert queue.job_ids == []
    site.parts.bell.ring(QUEUE, ROW, unheard=True)
    assert len(queue.job_ids) == 1
