"""Redis and RQ as the bell that wakes a worker: the database knows what is wanted, so it may be lost."""

import logging
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from redis import Redis, RedisError
from redis import TimeoutError as RedisTimeoutError
from redis.backoff import NoBackoff
from redis.retry import Retry
from rq import Queue
from rq.exceptions import NoSuchJobError
from rq.job import Job, JobStatus
from rq.serializers import JSONSerializer
from rq.worker import Worker

from fetch.settings import App

log = logging.getLogger(__name__)

QUEUES = ("asks", "fetches", "posters")
"""In the order in which a worker takes from them: what nobody clicked for waits behind every click."""
_JOBS = {
    "asks": "preview.queue.jobs.asks",
    "fetches": "preview.queue.jobs.fetches",
    "posters": "preview.queue.jobs.fetches",
}
RING_AGAIN = timedelta(seconds=15)
"""How long a wish may wait unheard before it is rung for again."""
MOST_ATTEMPTS = 3
"""An errand that ended its worker so often would end the next one too."""
_HARD_LIMIT = 6 * 3600
"""Seconds after which RQ ends a job whatever it does; the errands' own time-outs come far earlier."""
_PATIENCE_S = 0.6
"""For one answer of Redis, which takes a thousandth of that where the machine is not busy; a page that waits
for it once is still there within a second."""
_REFUSED_S = 1.0
"""Once Redis was not there, nothing is rung for so long."""
_SILENT_S = 3.0
"""The same once it was silent: each page, and each part of it, would wait for the time-out anew."""
_LATELY_S = 2.0
"""All who watch a page are told of the workers what one of them was told so long ago."""
_SILENT = timedelta(seconds=60)
"""A worker signs twice a minute, also when it has nothing to do."""
_WAITING = (JobStatus.QUEUED, JobStatus.STARTED, JobStatus.DEFERRED, JobStatus.SCHEDULED)


def redis_url(app: App) -> str:
    """Where Redis listens; the embedded one on a socket that only this user can reach."""
    return f"unix://{socket_path(app)}" if app.redis == "embedded" else app.redis


def socket_path(app: App) -> Path:
    return (app.var / "redis" / "redis.sock").absolute()


def _client(app: App) -> Redis:
    """The client's own defaults would retry for seconds while a page waits."""
    return Redis.from_url(
        redis_url(app),
        socket_connect_timeout=_PATIENCE_S,
        socket_timeout=_PATIENCE_S,
        retry=Retry(NoBackoff(), 0),
    )


class Bell:
    """Wakes a worker for a row of the database. A Redis that is silent is waited for once."""

    def __init__(self, app: App) -> None:
        self._redis = _client(app)
        self._answered_at = self._away_at = float("-inf")
        self._away_s = _REFUSED_S
        self._deserted: dict[str, tuple[float, bool]] = {}

    def ring(self, queue: str, row: str, attempt: int = 0, *, unheard: bool = False) -> bool:
        """Put the row's id on the queue unless it waits there; False when Redis cannot be reached.

        ``unheard``: nobody has worked on it for long, so a job that is in no queue is a dead worker's,
        whether it is said to have begun or, killed in the instant after it was taken, to wait: RQ would take
        more than a minute to notice the first and never notices the second.
        """
        job_id = f"{queue}-{row}-{attempt}"
        if self._was_away():
            return False
        try:
            status = self._status(job_id)
            if unheard and status in _WAITING and not self._is_queued(queue, job_id):
                self._enqueue(queue, row, f"{job_id}-{time.time_ns()}")
            elif status not in _WAITING:
                self._enqueue(queue, row, job_id)
        except RedisError as error:
            self._note_away(error)
            log.warning("bell: Redis cannot be reached (%s)", type(error).__name__)
            return False
        return True

    def answers(self, within: float = 0.0) -> bool:
        """Can Redis be reached, or could it (or not) be so many seconds ago? 0: it is asked in any case."""
        now = time.monotonic()
        if within and self._was_away():
            return False
        if now - max(self._answered_at, self._away_at) < within:
            return self._answered_at > self._away_at
        try:
            self._redis.ping()
        except RedisError as error:
            self._note_away(error)
            return False
        self._answered_at, self._away_at = time.monotonic(), float("-inf")
        return True

    def has_worker(self, queue: str) -> bool:
        """Does a worker listen on this queue?"""
        try:
            return bool(Worker.all(queue=Queue(queue, connection=self._redis, serializer=JSONSerializer)))
        except RedisError:
            return False

    def is_attended(self, queue: str, now: datetime) -> bool:
        """Does a worker that gave a sign of life within the last minute listen on this queue?"""
        return self._attendance(queue, now) is True

    def is_deserted(self, queue: str, now: datetime) -> bool:
        """Is it certain that none does, now or two seconds ago? Where Redis does not answer, nothing is."""
        at, deserted = self._deserted.get(queue, (float("-inf"), False))
        if time.monotonic() - at > _LATELY_S:
            deserted = self._attendance(queue, now) is False
            self._deserted[queue] = time.monotonic(), deserted
        return deserted

    def _attendance(self, queue: str, now: datetime) -> bool | None:
        if self._was_away():
            return None
        try:
            workers = Worker.all(queue=Queue(queue, connection=self._redis, serializer=JSONSerializer))
        except RedisError as error:
            self._note_away(error)
            return None
        beats = (worker.last_heartbeat for worker in workers)
        return any(beat is not None and now - beat.replace(tzinfo=UTC) < _SILENT for beat in beats)

    def _was_away(self) -> bool:
        """Was it so lately that it need not be asked?"""
        return time.monotonic() - self._away_at < self._away_s

    def _note_away(self, error: RedisError) -> None:
        self._away_at = time.monotonic()
        self._away_s = _SILENT_S if isinstance(error, RedisTimeoutError) else _REFUSED_S

    def _status(self, job_id: str) -> JobStatus | None:
        try:
            job = Job.fetch(job_id, connection=self._redis, serializer=JSONSerializer)
        except NoSuchJobError:
            return None
        return job.get_status(refresh=False)

    def _is_queued(self, queue: str, job_id: str) -> bool:
        line = Queue(queue, connection=self._redis, serializer=JSONSerializer)
        return line.get_job_position(job_id) is not None

    def _enqueue(self, queue: str, row: str, job_id: str) -> None:
        Queue(queue, connection=self._redis, serializer=JSONSerializer).enqueue_call(
            _JOBS[queue],
            args=(row,),
            job_id=job_id,
            description=queue,  # by default RQ would keep and log the arguments
            timeout=_HARD_LIMIT,
            result_ttl=0,
            failure_ttl=24 * 3600,
        )
