"""Redis and RQ as the bell that wakes a worker: the database knows what is wanted, so it may be lost."""

import logging
from datetime import timedelta
from pathlib import Path

from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry
from rq import Queue
from rq.exceptions import NoSuchJobError
from rq.job import Job, JobStatus
from rq.serializers import JSONSerializer
from rq.worker import Worker

from fetch.settings import App

log = logging.getLogger(__name__)

QUEUES = ("asks", "fetches")
RING_AGAIN = timedelta(seconds=15)
"""How long a wish may wait unheard before it is rung for again."""
MOST_ATTEMPTS = 3
"""An errand that ended its worker so often would end the next one too."""
_HARD_LIMIT = 6 * 3600
"""Seconds after which RQ ends a job whatever it does; the errands' own time-outs come far earlier."""
_WAITING = (JobStatus.QUEUED, JobStatus.STARTED, JobStatus.DEFERRED, JobStatus.SCHEDULED)


def redis_url(app: App) -> str:
    """Where Redis listens; the embedded one on a socket that only this user can reach."""
    return f"unix://{socket_path(app)}" if app.redis == "embedded" else app.redis


def socket_path(app: App) -> Path:
    return (app.var / "redis" / "redis.sock").absolute()


class Bell:
    """Wakes a worker for a row of the database. Everything here answers within about a second."""

    def __init__(self, app: App) -> None:
        # the client's own defaults would retry for seconds while a page waits
        self._redis = Redis.from_url(
            redis_url(app), socket_connect_timeout=0.5, socket_timeout=1, retry=Retry(NoBackoff(), 0)
        )

    def ring(self, queue: str, row: str, attempt: int = 0) -> bool:
        """Put the row's id on the queue unless it waits there; False when Redis cannot be reached."""
        job_id = f"{queue}-{row}-{attempt}"
        try:
            if not self._waits(job_id):
                self._enqueue(queue, row, job_id)
        except RedisError as error:
            log.warning("bell: Redis cannot be reached (%s)", type(error).__name__)
            return False
        return True

    def answers(self) -> bool:
        """Can Redis be reached?"""
        try:
            return bool(self._redis.ping())
        except RedisError:
            return False

    def has_worker(self, queue: str) -> bool:
        """Does a worker listen on this queue?"""
        try:
            return bool(Worker.all(queue=Queue(queue, connection=self._redis, serializer=JSONSerializer)))
        except RedisError:
            return False

    def _waits(self, job_id: str) -> bool:
        try:
            job = Job.fetch(job_id, connection=self._redis, serializer=JSONSerializer)
        except NoSuchJobError:
            return False
        return job.get_status(refresh=False) in _WAITING

    def _enqueue(self, queue: str, row: str, job_id: str) -> None:
        Queue(queue, connection=self._redis, serializer=JSONSerializer).enqueue_call(
            f"preview.jobs.{queue}",
            args=(row,),
            job_id=job_id,
            description=queue,  # by default RQ would keep and log the arguments
            timeout=_HARD_LIMIT,
            result_ttl=0,
            failure_ttl=24 * 3600,
        )
