"""The reconciler: rings again for everything that is wanted and that nobody works on."""

import logging
import time

from sqlalchemy import select
from sqlalchemy.exc import DatabaseError

from preview.errands import asking, wanting
from preview.health import again, recovery
from preview.health.machine import has_room
from preview.matching import rejudging
from preview.parts import Parts
from preview.queue import set_back
from preview.records import AskRow, FetchRow

log = logging.getLogger(__name__)

EVERY_S = 10


def ring_for_everything(parts: Parts) -> None:
    """One round: whatever a lost bell, a killed worker or an absent Redis left undone is put on the queue."""
    set_back.bring_forward(parts)
    if has_room(parts.settings.app.shelf):
        with parts.records.write() as session:
            recovery.wake_for_room(session, parts.now)
    with parts.records.read() as session:
        asks = session.scalars(select(AskRow).where(AskRow.finished_at.is_(None))).all()
        fetches = session.scalars(select(FetchRow).where(FetchRow.finished_at.is_(None))).all()
    if not (asks or fetches) or not parts.bell.answers():
        return
    for ask in asks:
        asking.ring_if_forgotten(parts, ask)
    for fetch in fetches:
        wanting.ring_if_forgotten(parts, fetch)


def run(parts: Parts) -> None:
    """Round after round, until stopped; a database that is away is waited for."""
    while True:
        try:
            again.go_on(parts)
            ring_for_everything(parts)
            rejudging.keep_up(parts)
        except DatabaseError as error:
            log.warning("the database cannot be reached (%s)", type(error).__name__)
        time.sleep(EVERY_S)
