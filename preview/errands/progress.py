"""What a fetch writes down while it runs: in batches, fenced against a successor, never more than it saw."""

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from sqlalchemy.orm import Session

from fetch.identity import same_nobody, same_person
from fetch.model import Patient, Plan, Received, Series
from fetch.notes import UNKNOWN, Note, Noted, noted
from fetch.reasons import Reason
from fetch.records import StudyRow
from preview.errands.asking import clear_foreign, note_foreign
from preview.errands.claim import Claim, as_ended
from preview.matching import splitting, strangers
from preview.matching.unmatched import clear_nameless, note_parts
from preview.parts import Parts
from preview.pictures.drawing import Drawn, Header
from preview.records import NoteRow, Outcome, Scope
from preview.shelf import Place, picture_key
from preview.studies import contents, posters
from preview.studies.contents import Taken

log = logging.getLogger(__name__)

_BATCH_S = 0.5
_NEWS_S = 0.1
"""The first picture of a series does not wait so long: over a slow line it is what is looked for."""
THUMBNAIL = 256
"""Longest side in pixels of the picture that every instance gets."""
ENLARGED = 640
"""Longest side in pixels, at most, of the larger picture."""
_MOST_NOTES = 10


Tell = Callable[[int | None, int], None]
"""Somebody at a terminal who wants to hear how many are expected and how many have arrived."""


def nobody(_expected: int | None, _arrived: int) -> None:
    """The page asks the database instead."""


class Progress:
    """Counts and pictures of one claimed fetch."""

    def __init__(self, parts: Parts, claim: Claim, began: float | None = None, tell: Tell = nobody) -> None:
        self.cancelled = False
        """Somebody pressed Cancel during this try: it was told to stop, whatever was pressed since."""
        self.wanted = claim.scope
        """How much is wanted by now; the claim's scope is how much this try asks for."""
        self._strangers: set[str] = set()
        self._refused_strangers = 0
        self.crashed: set[str] = set()
        self.lacking: set[str] = set()
        """What this try draws once more, with the frames that are key by now."""
        self.total = claim.counted
        self.listed: set[str] = set()
        self.claim = claim
        self._parts, self._tell = parts, tell
        self._began = time.monotonic() if began is None else began
        self._written = time.monotonic()
        self._first_thumbnail: float | None = None
        self.held = self._already_held()
        self._held_before = len(self.held)
        self._released: set[str] = set()
        self._issuer = _issuer_of(parts, claim)
        self._remembered = self._remembered_strangers()
        self._moved_at: datetime | None = None
        self._way = ""
        self._unwritten: list[Taken] = []
        self._begun_series: set[str] = set()
        """Of which a picture came in this try."""
        self._batch_s = _BATCH_S
        self._drawn_files: list[Path] = []
        self._notes: list[NoteRow] = []
        self._noted = 0

    @property
    def withheld(self) -> set[str]:
        """What is somebody else's: in this try, or before and not disproved since."""
        return (self._strangers | self._remembered) - self._released

    # --- what is expected

    def begin(self) -> None:
        """A new try: what was given up is asked for once more. What was withheld is not forgotten."""
        self._parts.shelf.sweep(self.claim.study_key)
        self._remembered |= self._strangers
        self._strangers, self._refused_strangers = set(), 0
        self.crashed, self.listed = set(), set()
        if self.held:
            self.note(noted(Note.RESUMED, count=len(self.held)))
        with self._writing() as session:
            contents.expect_again(session, self.claim.study_row)
            self._write_counts(session)

    def expect_series(self, series: Series) -> None:
        """Keep a series and what the archive lists in it; its middle is the poster."""
        uids = [instance.instance_uid for instance in series.instances]
        self.listed.update(uids)
        posters = {uids[len(uids) // 2]} if uids else set[str]()
        with self._writing() as session:
            contents.keep_series(session, self.claim.study_row, series, posters)
            self._write_counts(session)

    def expect(self, plan: Plan) -> None:
        """The list has ended. Where it and the count differ, do not trust the smaller."""
        counts = [count for count in (plan.total, self.claim.counted) if count is not None]
        self.total = max(counts, default=None)
        listed = len(self.listed)
        if listed:
            self.note(noted(Note.LISTED, count=listed, series=len(plan.series)))
        elif self.total is not None:
            self.note(noted(Note.COUNTED, count=self.total))
        else:
            self.note(noted(Note.NOT_LISTED))
        self.flush()

    # --- what comes

    def holds(self, received: Received) -> bool:
        """Was it drawn by an earlier attempt?"""
        return received.instance_uid in self.held

    def take(self, received: Received, drawn: Drawn, *, listed: bool = True) -> None:
        """Put the pictures of one instance on the shelf, unless it is somebody else's, or unasked for.

        ``listed``: does the archive list it in this study?
        """
        self._moved_at = self._parts.now
        if received.file is not None:
            self._drawn_files.append(received.file)
        if drawn.crashed:  # not held, so that the next try draws it
            self.crashed.add(received.instance_uid)
        elif not is_ours(self.claim, received, drawn.header):
            self._set_aside(received, drawn)
        elif not listed:
            self.note(noted(Note.REFUSED, reason=Reason.NOT_REQUESTED.code))
        else:
            self._keep(received, drawn)

    def _set_aside(self, received: Received, drawn: Drawn) -> None:
        """Withhold it; what names somebody else is drawn, for staff alone until they have decided."""
        whom = claimed(self.claim, received, drawn.header)
        if whom is not None:
            folder = splitting.folder(self.claim.study_key, whom)
            put_on_shelf(self._parts, folder, received, drawn)
        self._strangers.add(received.instance_uid)
        self._unwritten.append(Taken(received, drawn, withheld=True, claimed=whom, issuer=self._issuer))

    def _keep(self, received: Received, drawn: Drawn) -> None:
        put_on_shelf(self._parts, self.claim.study_key, received, drawn)
        self.held.add(received.instance_uid)
        self._remembered.discard(received.instance_uid)  # under this UID it came anew, and is ours
        self._unwritten.append(Taken(received, drawn, withheld=False))
        series = drawn.header.series_uid if drawn.header else ""
        if series not in self._begun_series:
            self._begun_series.add(series)
            self._batch_s = _NEWS_S
        if self._first_thumbnail is None:
            self._first_thumbnail = time.monotonic() - self._began
            self.flush()

    def note(self, line: Noted) -> None:
        """A line for the fetch's log; it is written with the next batch."""
        self._way = str(line.facts["way"]) if line.note is Note.WAY else self._way
        self._noted += line.note is Note.REFUSED  # which a hostile archive could repeat without end
        if line.facts.get("reason") == Reason.OTHER_STUDY.code:  # our receiver refused it: it has no picture
            self._refused_strangers += 1
            self._strangers |= strangers.nameless(self._refused_strangers)
        if line.note is not Note.REFUSED or self._noted <= _MOST_NOTES:
            facts = dict(line.facts)
            row = NoteRow(fetch=self.claim.fetch_id, at=self._parts.now, code=line.note.code, facts=facts)
            self._notes.append(row)

    # --- writing

    def beat(self) -> None:
        """Write what is new, seldom enough, and learn whether somebody cancelled."""
        if time.monotonic() - self._written >= self._batch_s:
            self.flush()

    def flush(self) -> None:
        with self._writing() as session:
            self._write_counts(session)
            cancelled, self.wanted = self.claim.wishes(session)
            self.cancelled = self.cancelled or cancelled
        self._written, self._batch_s = time.monotonic(), _BATCH_S
        self._tell(self.total, len(self.held) + len(self.withheld))

    # --- the end of a try

    def widened(self) -> None:
        """This try asked for everything after all; as such it is the first."""
        self.claim = replace(self.claim, scope=Scope.ALL, tries=0)

    def finish(self, outcome: Outcome, reason: Reason | None, given_up: Mapping[str, Reason]) -> bool:
        """Write the end, and the one line about it in the log.

        False if more is wanted meanwhile, or again after Cancel: then the next try begins at once.
        """
        seconds = time.monotonic() - self._began
        with self._writing() as session:
            if outcome is Outcome.CANCELLED and self._is_wanted_again(session):
                return False
            if self._is_more_wanted(session):
                return False
            if self._is_ended_by_a_person(session, outcome):
                outcome, reason = Outcome.CANCELLED, None
                self.note(noted(Note.CANCELLED))
            self._note_end(Note.ENDED, seconds, outcome=str(outcome))
            self._write_counts(session, **as_ended(outcome, reason, self._parts.now, seconds))
            contents.give_up(session, self.claim.study_row, given_up)
            posters.choose(session, self.claim.study_row, over=self.claim.scope is Scope.ALL)
            self._note_strangers(session, outcome)
        self._log(str(outcome), reason, seconds)
        return True

    def _is_wanted_again(self, session: Session) -> bool:
        """Did somebody press the button again since this try was told to stop?"""
        again = self.claim.wanted_again(session, self._parts.now)
        if again is None:
            return False
        self.claim, self.cancelled, self._moved_at = again, False, self._parts.now
        return True

    def _is_more_wanted(self, session: Session) -> bool:
        """Did somebody ask for everything since this try began with posters? The next one begins with it."""
        row = self.claim.locked(session)
        if row.cancel_at is not None or row.scope is self.claim.scope:
            return False
        self.claim = replace(self.claim, scope=row.scope, tries=row.tries)
        return True

    def _is_ended_by_a_person(self, session: Session, outcome: Outcome) -> bool:
        """Was Cancel pressed, perhaps in the last moment? What is all here by then stays complete."""
        row = self.claim.locked(session)
        all_here = outcome is Outcome.COMPLETE and row.scope is self.claim.scope
        return row.cancel_at is not None and not all_here

    def rest(self, reason: Reason, until: datetime, given_up: Mapping[str, Reason]) -> bool:
        """It failed for now and stays wanted: write until when it rests, unless a person ended it.

        False if more is wanted meanwhile: whoever clicked does not wait for what came of the posters.
        """
        seconds = time.monotonic() - self._began
        resting = {
            "reason": reason.code,
            "next_try_at": until,
            "tries": self.claim.tries + 1,
            "crashes": 0,
            "beat_at": None,
            "seconds": seconds,
        }
        with self._writing() as session:
            if self._is_more_wanted(session):
                return False
            cancelled = self._is_ended_by_a_person(session, Outcome.INCOMPLETE)
            if not cancelled:
                self._note_end(Note.SO_FAR, seconds)
                self._write_counts(session, **resting)
                contents.give_up(session, self.claim.study_row, given_up)
                posters.choose(session, self.claim.study_row, over=False)
                self._note_strangers(session, Outcome.INCOMPLETE)
        if cancelled:
            return self.finish(Outcome.CANCELLED, None, given_up)
        self._log("RESTING", reason, seconds)
        return True

    def _note_end(self, note: Note, seconds: float, **facts: str) -> None:
        total = UNKNOWN if self.total is None else self.total
        counts = {"held": len(self.held), "expected": total, "seconds": f"{seconds:.1f}"}
        self.note(noted(note, **counts, way=self._way or "–", **facts))

    def _log(self, outcome: str, reason: Reason | None, seconds: float) -> None:
        log.info(
            "fetch=%s source=%s way=%s scope=%s outcome=%s reason=%s expected=%s drawn=%d withheld=%d "
            "attempt=%d first_s=%s seconds=%.2f",
            self.claim.fetch_id,
            self.claim.source,
            self._way or "-",
            self.claim.scope,
            outcome,
            reason.code if reason else "-",
            self.total,
            len(self.held),
            len(self.withheld),
            self.claim.attempt,
            f"{self._first_thumbnail:.2f}" if self._first_thumbnail else "-",
            seconds,
        )

    def _already_held(self) -> set[str]:
        """What an earlier attempt drew, as far as its pictures are still on the shelf."""
        with self._parts.records.read() as session:
            on_record = contents.held(session, self.claim.study_row)
        return {uid for uid, (folder, frame) in on_record.items() if self._on_shelf(uid, folder, frame)}

    def _remembered_strangers(self) -> set[str]:
        with self._parts.records.read() as session:
            return strangers.remembered(session, self.claim, anew=not self.held)

    def _on_shelf(self, uid: str, folder: str, frame: int) -> bool:
        place = Place(folder or self.claim.study_key, picture_key(uid), frame, THUMBNAIL)
        return self._parts.shelf.path(place).is_file()

    def _write_counts(self, session: Session, **more: object) -> None:
        batch, self._unwritten = self._unwritten, []
        lines, self._notes = self._notes, []
        contents.keep_drawn(session, self.claim.study_row, batch, self._parts.now)
        self._released = splitting.released(session, self.claim.study_row)
        self.held |= self._released & (self._strangers | self._remembered)
        counts = {
            "beat_at": self._parts.now,
            "expected": self.total,
            "arrived": len(self.held) + len(self.withheld),
            "drawn": len(self.held),
            "brought": max(0, len(self.held) - self._held_before),
            "withheld": len(self.withheld),
            "first_thumbnail_s": self._first_thumbnail,
            "way": self._way,
        }
        if self._moved_at is not None:  # whoever has only begun leaves it as it was
            counts["moved_at"] = self._moved_at
        if len(self.held) > self._held_before:
            counts["crashes"] = 0
        self.claim.write(session, counts | more)
        session.add_all(lines)

    def _note_strangers(self, session: Session, outcome: Outcome) -> None:
        """Tell staff of images that are somebody else's, or that there are none any more.

        There are none where every image came anew, or every one under whose UID a stranger came before.
        """
        study = session.get_one(StudyRow, self.claim.study_row)
        sources = self._parts.settings.sources
        note_parts(session, study, splitting.waiting(session, study.id), sources, self._parts.now)
        if self.withheld - splitting.named(session, study.id):
            note_foreign(session, study, self.claim.patient, self._parts.now)
        elif self.withheld:
            clear_nameless(session, study, self._parts.now)
        elif outcome is Outcome.COMPLETE and self.claim.scope is Scope.ALL:
            clear_foreign(session, study, self._parts.now)
            contents.forget_strangers(session, study.id, self.listed)

    @contextmanager
    def _writing(self) -> Iterator[Session]:
        """Write about the study, after whoever does so now: an archive may just be giving it to another.

        Files are deleted only once what was drawn of them is on record.
        """
        files, self._drawn_files = self._drawn_files, []
        with self._parts.records.write() as session:
            contents.reserve(session, StudyRow.id == self.claim.study_row)
            yield session
        _delete(files)


def _delete(files: Sequence[Path]) -> None:
    for file in files:
        file.unlink(missing_ok=True)


def is_ours(claim: Claim, received: Received, header: Header | None) -> bool:
    """Is it of this study and of this patient, by its own header? One without a header shows nothing."""
    if not contents.can_be_kept(received.instance_uid):
        return False
    if header is None:
        return True
    asked_for = (claim.study_uid, received.instance_uid)
    # Without any id it may be drawn, but is never shown: for whoever tries an archive from a shell.
    same_words = same_person(claim.patient, header.patient) or same_nobody(claim.patient, header.patient)
    return asked_for == (header.study_uid, header.instance_uid) and same_words


def claimed(claim: Claim, received: Received, header: Header | None) -> Patient | None:
    """Whom an image of this very study names that is not the patient's; None if it is of no such study."""
    if header is None or not contents.can_be_kept(received.instance_uid):
        return None
    asked_for = (claim.study_uid, received.instance_uid)
    return header.patient if asked_for == (header.study_uid, header.instance_uid) else None


def _issuer_of(parts: Parts, claim: Claim) -> str:
    source = parts.settings.source(claim.source)
    return source.issuer if source else ""


def put_on_shelf(parts: Parts, folder: str, received: Received, drawn: Drawn) -> None:
    name = picture_key(received.instance_uid)
    for picture in drawn.drawing.pictures:
        parts.shelf.put(Place(folder, name, picture.frame, picture.size), picture.png)
