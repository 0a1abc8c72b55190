"""The errand of enlarging: the images around one that somebody looks at come once more, larger."""

import logging
import time
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from fetch.errors import FetchError
from fetch.model import Instance, Received, Source
from fetch.reasons import Reason
from fetch.records import StudyRow
from fetch.retrieve import Retrieval
from preview.errands.claim import Claim, Superseded, as_ended
from preview.errands.means import means_for
from preview.errands.progress import ENLARGED, claimed, is_ours, put_on_shelf
from preview.matching import splitting
from preview.parts import Parts
from preview.pictures.drawing import Drawers, Drawn
from preview.queue.bell import MOST_ATTEMPTS
from preview.records import Arrival, InstanceRow, Outcome, SeriesRow
from preview.studies import contents, selections
from preview.studies.slices import BY_NUMBER, as_shown

log = logging.getLogger(__name__)

AROUND = 8
"""So many neighbours on each side come with it: whoever looks at one image steps to the next."""


def enlarge(parts: Parts, fetch_id: str) -> None:
    """Bring what is not enlarged yet around the instance that is looked at; harmless when repeated."""
    began, app = time.monotonic(), parts.settings.app
    with Drawers(app.drawing_processes, app.frames) as drawers:
        claim = Claim.take(parts.records, fetch_id, parts.now)
        if claim is None:
            return
        try:
            with claim.beating(parts):
                while True:
                    ended = _enlarged(parts, claim, drawers)
                    looked_at = _finish(parts, claim, ended, time.monotonic() - began)
                    if looked_at is None:
                        return
                    claim = replace(claim, around=looked_at)
        except Superseded:
            log.warning("enlarge=%s attempt=%d superseded", fetch_id, claim.attempt)


_Ended = tuple[Outcome, Reason | None, int]


def _enlarged(parts: Parts, claim: Claim, drawers: Drawers) -> _Ended:
    source = parts.settings.source(claim.source)
    if claim.crashes >= MOST_ATTEMPTS:
        return Outcome.FAILED, Reason.STOPPED, 0
    if source is None:
        return Outcome.FAILED, Reason.SOURCE_GONE, 0
    with parts.records.read() as session:
        wanted = around(session, claim)
    if not wanted:
        return Outcome.COMPLETE, None, 0
    try:
        return _brought(parts, claim, source, wanted, drawers)
    except FetchError as error:
        log.warning("enlarge=%s source=%s %s", claim.fetch_id, claim.source, error)
        return Outcome.FAILED, error.reason, 0


def around(session: Session, claim: Claim) -> list[Instance]:
    """The instance that is looked at and its neighbours, the nearest first, unless they are enlarged."""
    looked_at = session.get(InstanceRow, claim.around) if claim.around else None
    if looked_at is None or looked_at.study_row != claim.study_row or looked_at.series_row is None:
        return []
    series = session.get_one(SeriesRow, looked_at.series_row)
    theirs = select(InstanceRow).where(InstanceRow.series_row == series.id).order_by(*BY_NUMBER)
    rows = as_shown(series, session.scalars(theirs).all())
    middle = rows.index(looked_at)
    near = sorted(
        rows[max(0, middle - AROUND) : middle + AROUND + 1], key=lambda row: abs(rows.index(row) - middle)
    )
    return [
        Instance(series.series_uid, row.instance_uid, number=row.number)
        for row in near
        if row.arrival is Arrival.PICTURE and ENLARGED not in row.sizes
    ]


def _brought(
    parts: Parts, claim: Claim, source: Source, wanted: Sequence[Instance], drawers: Drawers
) -> _Ended:
    """Draw what comes, each on the shelf and on record as soon as it is drawn.

    What a killed fetch has left in the spool comes too; it is left to that fetch, which draws it smaller.
    """
    under_way: list[tuple[Received, Future[Drawn]]] = []
    drawn = 0
    with parts.records.read() as session:
        named = selections.named_frames(session, claim.study_row)
    with means_for(parts, source, claim.fetch_id, rendered=False) as means:
        retrieval = Retrieval(source, parts.settings.local, claim.study_uid, means, only=wanted)
        try:
            with retrieval:
                for event in retrieval:
                    if isinstance(event, Received) and _is_among(wanted, event):
                        frames = named.get(event.instance_uid, ())
                        drawing = drawers.submit(event, (ENLARGED,), source.charset, frames)
                        under_way.append((event, drawing))
                    elif isinstance(event, Received):
                        retrieval.leave(event)
                    while under_way and under_way[0][1].done():
                        drawn += _keep(parts, claim, *under_way.pop(0))
                    if _is_cancelled(parts, claim):
                        retrieval.stop()
            while under_way:
                drawn += _keep(parts, claim, *under_way.pop(0))
        finally:
            for received, _ in under_way:
                _free(received)
    missing = drawn < len(wanted)
    return (Outcome.INCOMPLETE, Reason.SOME_MISSING, drawn) if missing else (Outcome.COMPLETE, None, drawn)


def _folder(parts: Parts, claim: Claim, received: Received, drawn: Drawn) -> str | None:
    """Where its pictures belong; None if it is nobody's who may be shown here."""
    if drawn.crashed or drawn.header is None:
        return None
    if is_ours(claim, received, drawn.header):
        return claim.study_key
    whom = claimed(claim, received, drawn.header)
    if whom is None:
        return None
    folder = splitting.folder(claim.study_key, whom)
    with parts.records.read() as session:
        return folder if splitting.is_released(session, claim.study_row, folder) else None


def _is_among(wanted: Sequence[Instance], received: Received) -> bool:
    return any(instance.instance_uid == received.instance_uid for instance in wanted)


def _keep(parts: Parts, claim: Claim, received: Received, future: Future[Drawn]) -> bool:
    """Keep one larger picture; False if it is not this patient's, or could not be drawn."""
    try:
        drawn = future.result()
    finally:
        _free(received)
    folder = _folder(parts, claim, received, drawn)
    if folder is None:
        return False
    put_on_shelf(parts, folder, received, drawn)
    with parts.records.write() as session:
        contents.reserve(session, StudyRow.id == claim.study_row)
        claim.write(session, {"beat_at": parts.now, "moved_at": parts.now})
        contents.add_sizes(session, claim.study_row, received.instance_uid, drawn)
    return True


def _free(received: Received) -> None:
    if received.file is not None:
        received.file.unlink(missing_ok=True)


def _is_cancelled(parts: Parts, claim: Claim) -> bool:
    with parts.records.read() as session:
        return claim.cancelled(session)


def _finish(parts: Parts, claim: Claim, ended: _Ended, seconds: float) -> int | None:
    """Write the end; if somebody looks at another image by now, nothing but which (its row).

    However this one ended: nobody asks again for what was looked at meanwhile. It ends with the first round
    during which nobody steps on.
    """
    outcome, reason, drawn = ended
    with parts.records.write() as session:
        contents.reserve(session, StudyRow.id == claim.study_row)
        row = claim.locked(session)
        if row.around != claim.around and row.cancel_at is None:
            return row.around
        claim.write(session, {"drawn": drawn} | as_ended(outcome, reason, parts.now, seconds))
    log.info(
        "enlarge=%s source=%s outcome=%s reason=%s drawn=%d seconds=%.2f",
        claim.fetch_id,
        claim.source,
        outcome,
        reason.code if reason else "-",
        drawn,
        seconds,
    )
    return None
