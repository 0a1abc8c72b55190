"""The errand of fetching: plan, retrieve, draw, note; the one place where an error becomes a state."""

import logging
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future

from fetch.errors import FetchError
from fetch.model import Plan, Received, Source
from fetch.reasons import Reason
from fetch.retrieve import Retrieval
from fetch.sources import dimse
from preview.bell import MOST_ATTEMPTS
from preview.claim import Claim, Superseded
from preview.parts import Parts
from preview.pictures.drawing import Drawers, Drawn
from preview.progress import THUMBNAIL, Progress, Tell, nobody
from preview.records import Outcome

log = logging.getLogger(__name__)

ENLARGED = 640
"""Longest side in pixels of the larger picture that posters get."""


def fetch(parts: Parts, fetch_id: str, tell: Tell = nobody) -> None:
    """Bring one study and draw it; running it twice, or after a crash, does no harm.

    ``tell`` hears every count that is written down: what is expected (None: unknown), what has arrived.
    """
    began, app = time.monotonic(), parts.settings.app
    with Drawers(app.drawing_processes, app.frames) as drawers:  # forks, so before any thread is started
        claim = Claim.take(parts.records, fetch_id, parts.now)
        if claim is None:
            return
        progress = Progress(parts, claim, began, tell)
        try:
            with claim.beating(parts):
                _run(parts, claim, progress, drawers)
        except Superseded:
            log.warning("fetch=%s attempt=%d superseded", fetch_id, claim.attempt)


def _run(parts: Parts, claim: Claim, progress: Progress, drawers: Drawers) -> None:
    try:
        outcome, reason = _fetch(parts, claim, progress, drawers)
    except FetchError as error:
        log.warning("fetch=%s source=%s %s", claim.fetch_id, claim.source, error)
        outcome, reason = progress.broken_off(), error.reason
    progress.finish(outcome, reason)


def _fetch(parts: Parts, claim: Claim, progress: Progress, drawers: Drawers) -> tuple[Outcome, Reason | None]:
    if claim.attempt > MOST_ATTEMPTS:
        return progress.broken_off(), Reason.STOPPED
    source = parts.settings.source(claim.source)
    if source is None:
        return progress.broken_off(), Reason.SOURCE_GONE
    plan = _plan(parts, source, claim)
    progress.expect(plan)
    classes = {instance.sop_class for instance in plan.instances}
    with Retrieval(source, parts.settings.local, claim.study_uid, classes) as retrieval:
        _draw_all(retrieval, progress, drawers, source.charset)
    if progress.cancelled:
        return Outcome.CANCELLED, None
    return progress.judge_completeness(retrieval.reported)


def _plan(parts: Parts, source: Source, claim: Claim) -> Plan:
    """What to expect. An archive that will not list a study may still send it: then the total is unknown."""
    try:
        return dimse.plan(source, parts.settings.local, claim.study_uid)
    except FetchError as error:
        if error.reason.retriable or error.reason is Reason.NOT_SUPPORTED:
            raise
        log.warning("fetch=%s source=%s no plan: %s", claim.fetch_id, source.name, error)
        return Plan()


def _draw_all(retrieval: Retrieval, progress: Progress, drawers: Drawers, charset: str) -> None:
    """Draw while receiving; what is drawn goes to the shelf in the order of arrival."""
    drawing: deque[tuple[Received, Future[Drawn]]] = deque()
    try:
        for received in retrieval:
            if received is not None:
                progress.count()
                if not progress.holds(received):
                    sizes = (THUMBNAIL, ENLARGED) if progress.is_poster(received) else (THUMBNAIL,)
                    drawing.append((received, drawers.submit(received, sizes, charset)))
            for done in _done(drawing):
                progress.take(*done)
            progress.beat()
            if progress.cancelled:
                return
    finally:
        for received, drawn in drawing:
            progress.take(received, drawn.result())
        progress.flush()


def _done(drawing: deque[tuple[Received, Future[Drawn]]]) -> Iterator[tuple[Received, Drawn]]:
    while drawing and drawing[0][1].done():
        received, drawn = drawing.popleft()
        yield received, drawn.result()
