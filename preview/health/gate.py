"""Before a source's lines: one that is known to be down refuses at once; how a request ended is noted."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from sqlalchemy import or_, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from fetch.allowance import PATIENCE_S, Allowance, Line
from fetch.errors import FetchError, trouble
from fetch.model import Source
from fetch.reasons import Reason, Trouble
from fetch.records import Records, new_key, touched
from fetch.settings import App
from preview.health import journal
from preview.health.journal import BETWEEN_TRIALS, Finding
from preview.health.records import Condition, HealthRow
from preview.health.standing import State, state_of

log = logging.getLogger(__name__)

_TRIAL = timedelta(seconds=20)
"""So long one request may take to find out whether a source that was down is back."""
_FRESH = timedelta(seconds=5)
"""A success is not written down more often: a page may ask many questions at once."""
_PASSES = (
    *(Reason.LINES_TAKEN, Reason.RECEIVER_DOWN, Reason.RECEIVER_UNKNOWN, Reason.MOVED_NOWHERE),
    *(Reason.NOT_KEPT, Reason.NO_ROOM, Reason.PAUSED),
)
"""What says nothing of the source."""


class Gate:
    """The :class:`~fetch.allowance.Allowance` of an installation: its counted lines, for sources that live.

    Of a source that is down, one party's request goes through every few seconds ("half-open"). Where the
    database does not say how a source is, it is asked.
    """

    def __init__(
        self,
        lines: Allowance,
        records: Records,
        app: App,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._lines = lines
        self._records = records
        self._app = app
        self._clock = clock

    @contextmanager
    def line(
        self,
        source: Source,
        *,
        party: str = "",
        urgent: bool = False,
        patience: float = PATIENCE_S,
        unwanted: Callable[[], bool] = lambda: False,
    ) -> Iterator[Line]:
        whose = new_key() if urgent or not party else party[:32]
        is_trial = self._admit(source, whose)
        with self._lines.line(
            source, party=party, urgent=urgent, patience=patience, unwanted=unwanted
        ) as line:
            try:
                yield line
            except FetchError as error:
                self._failed(source, error.reason, whose, is_question=urgent)
                raise
            if urgent or is_trial:
                self._answered(source)

    def _admit(self, source: Source, whose: str) -> bool:
        """Is it a trial? Raises a FetchError with the known reason where nobody needs to try."""
        try:
            refusal, is_trial = self._looked_up(source, whose)
        except SQLAlchemyError as error:
            log.warning("source=%s its health cannot be read (%s)", source.name, type(error).__name__)
            return False
        if refusal is not None:
            raise trouble(refusal, "known, not asked")
        return is_trial

    def _looked_up(self, source: Source, whose: str) -> tuple[Reason | None, bool]:
        now = self._clock()
        with self._records.read() as session:
            row = session.get(HealthRow, source.name)
        state = state_of(row, now, self._app)
        if state is State.PAUSED:
            return Reason.PAUSED, False
        if row is None or state is not State.DOWN:
            return None, False
        with self._records.write() as session:
            if self._may_try(session, source.name, whose, now):
                return None, True
        return Reason.of(row.reason) or Reason.NO_ANSWER, False

    def _may_try(self, session: Session, source: str, whose: str, now: datetime) -> bool:
        over = or_(
            HealthRow.trial_until <= now, HealthRow.trial_until > now + 2 * _TRIAL
        )  # the clock was wrong
        free = or_(HealthRow.trial == whose, HealthRow.trial_until.is_(None), over)
        mine = update(HealthRow).where(HealthRow.source == source, free)
        return bool(touched(session.execute(mine.values(trial=whose, trial_until=now + _TRIAL))))

    def _answered(self, source: Source) -> None:
        """It did; whether it is well in all respects, where it was not, is for a probe to say."""
        now = self._clock()

        def note(session: Session) -> None:
            row = session.get(HealthRow, source.name)
            if row is not None and row.condition is Condition.PARTIAL:
                journal.suspect(session, source.name, now)
            elif row is None or row.condition is Condition.DOWN or _is_old(row, now):
                journal.note(session, source, Finding(Condition.UP), now, self._app)

        self._noted(source, note)

    def _failed(self, source: Source, reason: Reason, whose: str, *, is_question: bool) -> None:
        """A question that cannot be put is an outage; what ends in the middle is for a probe to explain."""
        now = self._clock()
        if reason in _PASSES:
            return

        def note(session: Session) -> None:
            if is_question and reason in UNASKABLE:
                journal.note(session, source, Finding(Condition.DOWN, reason), now, self._app)
            if reason.trouble is not Trouble.REQUEST:
                journal.suspect(session, source.name, now)
            ours = (HealthRow.source == source.name) & (HealthRow.trial == whose)
            session.execute(update(HealthRow).where(ours).values(trial="", trial_until=now + BETWEEN_TRIALS))

        self._noted(source, note)

    def _noted(self, source: Source, note: Callable[[Session], None]) -> None:
        """What cannot be written is not: the request has its own outcome."""
        try:
            with self._records.write() as session:
                note(session)
        except SQLAlchemyError as error:
            log.warning("source=%s its health cannot be written (%s)", source.name, type(error).__name__)


def _is_old(row: HealthRow, now: datetime) -> bool:
    return row.checked_at is None or now - row.checked_at > _FRESH


UNASKABLE = frozenset(
    {
        *(Reason.HOST_UNKNOWN, Reason.CONNECTION_REFUSED, Reason.NO_CONNECTION, Reason.NO_ANSWER),
        *(Reason.TURNED_AWAY, Reason.CALLING_AET_UNKNOWN, Reason.CALLED_AET_UNKNOWN, Reason.REJECTED),
        *(Reason.NOT_DICOM, Reason.TLS_FAILED, Reason.UNAUTHORIZED),
    }
)
"""Why a source cannot be asked anything."""
