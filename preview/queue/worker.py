"""The RQ worker: preloads what its work-horses need, and never writes an exception's words anywhere."""

import ctypes
import gc
import logging
import os
import signal
import time
from contextlib import suppress
from types import FrameType, TracebackType
from typing import Any

from redis import Redis, RedisError
from redis.client import Pipeline
from rq.job import Job
from rq.queue import Queue
from rq.serializers import JSONSerializer
from rq.worker import Worker
from rq.worker_registration import register

from fetch.settings import App
from preview.errands import fetching
from preview.logs import frames
from preview.pictures import thumbnail
from preview.queue import jobs
from preview.queue.bell import redis_url

log = logging.getLogger(__name__)

_PAUSE_S = 2
_TTL_S = 45
"""RQ signs 15 seconds earlier than this, also while nothing is to be done; its own default is 7 minutes."""
_PR_SET_PDEATHSIG = 1
"""Of ``prctl(2)``: the signal that a process gets when its parent dies."""
PRELOADED = (jobs, fetching, thumbnail)
"""Imported before the fork: a work-horse that imports NumPy and pydicom itself loses half a second."""


class PrivateWorker(Worker):
    """RQ keeps tracebacks in Redis and in the log; their last line may quote a patient's data."""

    told_to_stop = False

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        self.told_to_stop = True
        super().request_stop(signum, frame)  # type: ignore[no-untyped-call]

    def handle_warm_shutdown_request(self) -> None:
        """Nobody waits for hours: what a work-horse was at is begun again by a later one."""
        self._end_horse()

    def wait_for_horse(self) -> Any:
        if self.told_to_stop:  # perhaps after the fork, but before its pid was known
            self._end_horse()
        return super().wait_for_horse()

    def heartbeat(self, timeout: int | None = None, pipeline: Pipeline | None = None) -> None:
        """RQ says only once that it is there; a Redis that was emptied since would not find it again."""
        super().heartbeat(timeout, pipeline)
        register(self, pipeline)

    def main_work_horse(self, job: Job, queue: Queue) -> None:
        """A work-horse has a process group of its own, so whoever kills us does not reach it."""
        gc.freeze()  # what was there before the fork is not looked through again and again
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != self.pid:
            os._exit(1)  # we came too late to be told
        super().main_work_horse(job, queue)

    def handle_exception(self, job: Job, *exc_info: Any) -> None:
        kind, _, trace = exc_info
        log.error("job=%s %s at %s", job.id, getattr(kind, "__name__", kind), _frames(trace))

    def handle_job_failure(self, job: Job, queue: Queue, *args: Any, **kwargs: Any) -> None:
        kwargs["exc_string"] = _last_frames(kwargs.get("exc_string", ""))
        super().handle_job_failure(job, queue, *args, **kwargs)

    def _end_horse(self) -> None:
        """Only itself: before it has a process group of its own, the group is ours."""
        if self.horse_pid:
            with suppress(ProcessLookupError):
                os.kill(self.horse_pid, signal.SIGKILL)


def _frames(trace: object) -> str:
    return frames(trace) if isinstance(trace, TracebackType) else "-"


def _last_frames(traceback: str) -> str:
    """Only the lines that name a file and a function."""
    return "\n".join(line for line in traceback.splitlines() if line.startswith('  File "'))


def run(app: App, queues: list[str]) -> None:
    """Work until told to stop; a Redis that goes away is waited for."""
    while True:
        worker: PrivateWorker | None = None
        try:
            worker = _worker(app, queues)
            worker.work(logging_level="WARNING")
        except RedisError as error:
            log.warning(
                "Redis cannot be reached (%s): start it, or correct app.redis; trying again in %d s",
                type(error).__name__,
                _PAUSE_S,
            )
        if worker is not None and worker.told_to_stop:
            return
        time.sleep(_PAUSE_S)


def _worker(app: App, queues: list[str]) -> PrivateWorker:
    connection = Redis.from_url(redis_url(app))
    return PrivateWorker(
        [Queue(name, connection=connection, serializer=JSONSerializer) for name in queues],
        connection=connection,
        serializer=JSONSerializer,
        log_job_description=False,
        worker_ttl=_TTL_S,
        job_monitoring_interval=10,
        maintenance_interval=30,
    )
