"""`receiver`: the process to which archives push what a C-MOVE asked for."""

import logging
import signal
import sys
import time
from contextlib import nullcontext
from functools import partial
from typing import Any

import click
from flask.cli import with_appcontext
from sqlalchemy import Select, select
from sqlalchemy.exc import SQLAlchemyError

from fetch.errors import FetchError
from fetch.model import Source
from fetch.moves import digest
from fetch.profiles import may_send
from fetch.records import StudyRow
from fetch.sources.receiver import Receiver
from fetch.spool import Spool
from preview.errands.yielding import yield_to_pages
from preview.matching import unasked
from preview.parts import Parts
from preview.records import Errand, FetchRow
from preview.routes.guard import parts

log = logging.getLogger(__name__)

_SWEEP_S = 60.0


@click.command("receiver")
@with_appcontext
def receiver_command() -> None:
    """Take the images that archives send after a C-MOVE, until stopped."""
    our, spool = parts(), Spool(parts().settings.app.spool_folder)
    yield_to_pages()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    senders = [source for source in our.settings.sources if may_send(source, our.settings.local)]
    try:
        _sweep(our, spool, unwanted_age=0.0)
        with _started(our, senders, spool) if senders else nullcontext():
            _serve(our, spool)
    except KeyboardInterrupt:
        return


def _started(our: Parts, senders: list[Source], spool: Spool) -> Receiver:
    local = our.settings.local
    receiver = Receiver(local, senders, spool, partial(_wants, our), partial(unasked.note, our))
    try:
        receiver.start()
    except OSError as failed:
        why = failed.strerror or type(failed).__name__
        sys.exit(f"The receiver cannot listen on {local.listen}:{local.port} ({why}); see local.port.")
    except FetchError as wrong:
        sys.exit(f"The receiver cannot start: {wrong.reason.sentence} ({wrong.detail}); see local.tls.")
    log.info("receiver: listening on %s:%d as %s", local.listen, receiver.port, local.aet)
    return receiver


def _serve(our: Parts, spool: Spool) -> None:
    with spool.served():
        while True:
            time.sleep(_SWEEP_S)
            # A fetch may have begun since the database was asked: what came for it is younger than this.
            _sweep(our, spool, unwanted_age=_SWEEP_S)


def _wants(our: Parts, source: str, study_uid: str) -> bool | None:
    """Is there a fetch of this study that is not finished? None while the database cannot say."""
    wished = _unfinished().where(StudyRow.source == source, StudyRow.study_uid == study_uid).limit(1)
    try:
        with our.records.read() as session:
            return session.scalar(wished) is not None
    except SQLAlchemyError as failed:
        log.warning("receiver: the database does not answer (%s)", type(failed).__name__)
        return None


def _unfinished() -> Select[Any]:
    joined = select(StudyRow.study_uid).join(FetchRow, FetchRow.study_row == StudyRow.id)
    return joined.where(FetchRow.finished_at.is_(None), FetchRow.errand != Errand.BRING)


def _sweep(our: Parts, spool: Spool, *, unwanted_age: float) -> None:
    try:
        with our.records.read() as session:
            wanted = {digest(study_uid) for study_uid in session.scalars(_unfinished())}
        swept = spool.sweep(wanted.__contains__, unwanted_age=unwanted_age)
    except (SQLAlchemyError, OSError) as failed:
        log.warning("receiver: the spool was not swept (%s)", type(failed).__name__)
        return
    if swept:
        log.info("receiver: swept files=%d", swept)
