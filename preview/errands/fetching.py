"""The errand of fetching: list, bring, draw, note; the one place where an error becomes a state."""

import logging
import math
import random
import time
from collections import Counter, deque
from collections.abc import Mapping
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import replace

from fetch.errors import FetchError
from fetch.model import Plan, Received, Series
from fetch.notes import Note, Noted, noted
from fetch.reasons import Reason
from fetch.retrieve import Retrieval
from preview.errands import counting
from preview.errands.claim import Claim, Superseded
from preview.errands.ending import Account, broken_off, judge_completeness
from preview.errands.means import learn, means_for
from preview.errands.patience import rest, tries_again
from preview.errands.progress import ENLARGED, THUMBNAIL, Progress, Tell, nobody
from preview.parts import Parts
from preview.pictures.drawing import Drawers, Drawn
from preview.pictures.thumbnail import DrawingKind
from preview.queue.bell import MOST_ATTEMPTS
from preview.records import Outcome, Scope
from preview.studies import selections

log = logging.getLogger(__name__)

_CANCEL_S = 0.8
"""So long what arrived before a Cancel may still take to be taken up and drawn."""
_MOST_KINDS_OF_CARDS = 5
_NO_IMAGE = ": not an image"
"""How the reason of a document's card ends (``preview.pictures.thumbnail``)."""
_LOOK_S = 0.25
"""Cancel is looked for so often, whatever is waited for."""


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
                while not _run(parts, progress, drawers):
                    pass
        except Superseded:
            log.warning("fetch=%s attempt=%d superseded", fetch_id, claim.attempt)
        drawers.drop()  # all of it was taken, unless nobody wants it any more


def _run(parts: Parts, progress: Progress, drawers: Drawers) -> bool:
    """One try; False if more is wanted by now than was asked for, or it is wanted again after a Cancel."""
    given_up: Mapping[str, Reason] = {}
    try:
        outcome, reason, given_up = _fetch(parts, progress, drawers)
    except FetchError as error:
        log.warning("fetch=%s source=%s %s", progress.claim.fetch_id, progress.claim.source, error)
        outcome, reason = broken_off(progress.held), error.reason
    if progress.cancelled:
        return progress.finish(Outcome.CANCELLED, None, {})
    if reason is not None:
        progress.note(noted(Note.TRIED, reason=reason.code))
    if reason is None and _lacks_more(parts, progress):
        return False
    tries = progress.claim.tries + 1
    if reason is not None and tries_again(outcome, reason, progress.claim.scope, tries):
        until = parts.now + rest(tries, random.random())  # noqa: S311 — spreads load
        return progress.rest(reason, until, given_up)
    return progress.finish(outcome, reason, given_up)


def _lacks_more(parts: Parts, progress: Progress) -> bool:
    """Did a selection come that names frames of what had been drawn without them?"""
    with parts.records.read() as session:
        lacking = selections.lacking(session, progress.claim.study_row, parts.settings.app.frames)
    return bool(lacking - progress.lacking)


_Ended = tuple[Outcome, Reason | None, Mapping[str, Reason]]


def _fetch(parts: Parts, progress: Progress, drawers: Drawers) -> _Ended:
    claim = progress.claim
    if claim.crashes >= MOST_ATTEMPTS:
        return broken_off(progress.held), Reason.STOPPED, {}
    source = parts.settings.source(claim.source)
    if source is None:
        return broken_off(progress.held), Reason.SOURCE_GONE, {}
    progress.begin()
    with parts.records.read() as session:
        settled = counting.settled(session, claim.study_row)
        brought = counting.brought(session, claim.study_row, claim.counted)
        progress.lacking = selections.lacking(session, claim.study_row, parts.settings.app.frames)
        held = progress.held - progress.lacking  # what lacks frames comes once more
        known = counting.known(session, claim.study_row, held)
        key_images = counting.key_images(session, claim.study_row)
        named = selections.named_frames(session, claim.study_row)
    with means_for(parts, source, claim.fetch_id) as means:
        retrieval = Retrieval(
            source,
            parts.settings.local,
            claim.study_uid,
            means,
            held=held,
            settled=settled,
            brought=brought,
            known=known,
            posters_only=claim.scope is Scope.POSTERS,
            reads_selections=True,
        )
        retrieval.hurry(key_images)
        try:
            with retrieval:
                _draw_all(_Drawing(retrieval, progress, drawers, source.charset, named), retrieval, progress)
        finally:
            learn(parts, source, retrieval.learned)
    if claim.scope is not progress.wanted and retrieval.asked_for_all:
        progress.widened()
    return _judged(progress, retrieval)


def _judged(progress: Progress, retrieval: Retrieval) -> _Ended:
    given_up = retrieval.given_up
    for reason, note in ((Reason.REPORTED_FAILED, Note.REPORTED_FAILED), (Reason.NOT_SENT, Note.NOT_SENT)):
        count = sum(why is reason for why in given_up.values())
        if count:
            progress.note(noted(note, count=count))
    for line in (*counting.lines(retrieval.counted_more), *counting.of_wholes(retrieval.wholes)):
        progress.note(line)
    for count, note in ((len(progress.withheld), Note.FOREIGN), (len(progress.crashed), Note.NOT_DRAWN)):
        if count:
            progress.note(noted(note, count=count))
    account = Account(
        progress.claim.scope,
        progress.total,
        progress.listed,
        progress.held,
        progress.withheld,
        progress.crashed,
        given_up,
        retrieval.short,
        retrieval.refused,
    )
    return *judge_completeness(account), given_up


class _Drawing:
    """What is being drawn while more comes; nothing that is slow keeps a Cancel from being noticed."""

    def __init__(
        self,
        retrieval: Retrieval,
        progress: Progress,
        drawers: Drawers,
        charset: str,
        named: Mapping[str, tuple[int, ...]],
    ) -> None:
        """``named``: by instance, the frames that are known to be key."""
        self._retrieval, self._progress = retrieval, progress
        self._drawers, self._charset = drawers, charset
        self._named = dict(named)
        self._is_first = not progress.held
        self._under_way: dict[Future[Drawn], Received] = {}
        self._done: deque[Future[Drawn]] = deque()
        self._until = math.inf
        self._listed: deque[Series | Plan] = deque()
        self._cards: Counter[str] = Counter()
        """Why images that came are cards, how many each."""

    def begin(self, received: Received) -> None:
        """Everything gets a thumbnail; what stands for a series gets a larger picture in the same pass."""
        while not self._drawers.has_room(received, _LOOK_S):
            if not self.look():
                self._retrieval.leave(received)
                return
        poster = self._retrieval.is_poster(received.instance_uid) or self._is_first
        self._is_first = False
        sizes = (THUMBNAIL, ENLARGED) if poster else (THUMBNAIL,)
        named = self._named.get(received.instance_uid, ())
        drawn = self._drawers.submit(received, sizes, self._charset, named)
        self._under_way[drawn] = replace(received, data=b"", rendered=b"")  # its bytes are over there
        drawn.add_done_callback(self._is_drawn)

    def _is_drawn(self, drawn: Future[Drawn]) -> None:
        self._done.append(drawn)
        self._retrieval.call()  # it is shown at once, also where nothing else comes for a while

    def expect(self, entry: Series | Plan) -> None:
        """What the archive lists is written down once there is a picture: that does not wait for it."""
        self._listed.append(entry)

    def note_listed(self) -> None:
        while self._listed:
            entry = self._listed.popleft()
            if isinstance(entry, Series):
                self._progress.expect_series(entry)
                continue
            self._progress.expect(entry)
            if archived := sum(series.archived for series in entry.series):
                self._progress.note(noted(Note.ARCHIVED, series=archived))

    def look(self, *, idle: bool = False) -> bool:
        """Take what is drawn, write it down and look for Cancel; False once its time is over.

        ``idle``: nothing else is to be done just now.
        """
        while self._done:
            drawn = self._done.popleft()
            self._take(self._under_way.pop(drawn), drawn.result())
        if self._progress.held or (idle and not self._under_way):
            self.note_listed()
        self._progress.beat()
        if self._progress.cancelled and self._until == math.inf:
            self._retrieval.stop()
            self._until = time.monotonic() + _CANCEL_S
        return time.monotonic() < self._until

    def take_all(self) -> None:
        """Wait for all of it; after a Cancel only until its time is over."""
        while self.look() and self._under_way:
            wait(self._under_way, _LOOK_S, FIRST_COMPLETED)

    def note_cards(self) -> None:
        """For the log: what could not be drawn, and why; what is no image is no news."""
        for why, count in self._cards.most_common(_MOST_KINDS_OF_CARDS):
            if why and not why.endswith(_NO_IMAGE):
                self._progress.note(noted(Note.CARD, count=count, why=why))

    def _take(self, received: Received, drawn: Drawn) -> None:
        listed = self._retrieval.is_listed(received.instance_uid)
        self._progress.take(received, drawn, listed=listed)
        if drawn.drawing.kind is DrawingKind.CARD and received.instance_uid in self._progress.held:
            self._cards[drawn.drawing.reason or ""] += 1
        if drawn.header and drawn.header.selection:
            for uid, frames in drawn.header.selection.key_frames.items():
                self._named[uid] = self._named.get(uid, ()) + frames
        self._retrieval.read(received.instance_uid, drawn.header.references if drawn.header else ())


def _draw_all(drawing: _Drawing, retrieval: Retrieval, progress: Progress) -> None:
    """Draw while receiving; what is drawn goes to the shelf at once, whatever takes longer."""
    try:
        for event in retrieval:
            _heed(event, drawing, progress)
            if not drawing.look(idle=event is None):
                break
            if progress.wanted is Scope.ALL:
                retrieval.widen()
    finally:
        drawing.take_all()
        drawing.note_listed()
        drawing.note_cards()
        progress.flush()


def _heed(event: Received | Series | Plan | Noted | None, drawing: _Drawing, progress: Progress) -> None:
    match event:
        case Received():
            drawing.begin(event)
        case Series() | Plan():
            drawing.expect(event)
        case Noted():
            progress.note(event)
