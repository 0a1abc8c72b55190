"""Bring one study: an iterator over its list and its instances, over several associations, in any way."""

import re
import tempfile
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from fetch.allowance import Allowance, LocalAllowance
from fetch.carrying import Bring, Deliver, Opened
from fetch.conveyor import Conveyor, Event
from fetch.crew import Crew, Desk
from fetch.errors import FetchError, refuse_unsafe_uid, trouble
from fetch.model import Instance, Level, Listed, Local, Plan, Received, Series, Share, Source, Way
from fetch.notes import Note, Noted, noted
from fetch.plan import CountedMore, Planner
from fetch.reasons import Reason, Trouble
from fetch.sources import dicomweb, get, move, protocol
from fetch.sources.association import UNABLE
from fetch.sources.silence import Silence
from fetch.spool import Spool
from fetch.wholes import BroughtWhole

_UID = re.compile(r"[0-9]+(\.[0-9]+)*")
_LONGEST_UID = 64  # UI, PS3.5 9.1
_PER_REQUEST = {Way.GET: 32, Way.WADO: 16, Way.MOVE: 512}
"""Images of one request: few enough that others get their turn soon; of C-MOVE each costs an association."""
_WORTH_WAKING = 8
"""Of the images that are named one after another while some wait to be asked for."""
_PATIENCE_S = 1.0
"""For threads that were told to end."""
_OF_THE_WAY = (
    Reason.NOT_SUPPORTED,
    Reason.NOT_OFFERED,
    Reason.REQUEST_FAILED,
    Reason.NOTHING_SENT,
    Reason.NO_SINGLE_IMAGES,
    Reason.MOVED_NOWHERE,
    Reason.RECEIVER_UNKNOWN,
    Reason.UNAUTHORIZED,
    Reason.OUT_OF_RESOURCES,
    Reason.CONNECTION_LOST,
    Reason.TURNED_AWAY,
)
"""What may be the fault of one way only: another one of the same archive may do better."""

_NOT_THIS_ONE = (Reason.NO_SINGLE_IMAGES, Reason.NOT_OFFERED)
"""They say nothing against this way where a whole study is wanted, or one of other kinds of objects."""
_UNSENT = (Reason.REPORTED_FAILED, Reason.NOT_SENT, Reason.ARCHIVED)
"""What is said of an image where nothing is known but that it is not here."""
_MAY_BE_ARCHIVED = (Reason.NOTHING_SENT, Reason.MOVED_NOWHERE, Reason.NO_ANSWER)
"""What an archive does that has not yet fetched from its slow store what it lists."""
_NOT_REACHED = (Reason.RECEIVER_UNKNOWN, Reason.REQUEST_FAILED, Reason.MOVED_NOWHERE)
"""What archives say whose C-MOVE finds nobody at our address."""


@dataclass(frozen=True)
class Means:
    """What a retrieval may use. ``spool``: where our receiver puts what C-MOVE sends; None: there is none."""

    ways: Sequence[Way] = (Way.GET,)
    allowance: Allowance = field(default_factory=LocalAllowance)
    party: str = ""
    spool: Spool | None = None
    scratch: Path = field(default_factory=lambda: Path(tempfile.gettempdir()))
    """A folder for objects that are too large for memory."""
    proven: Collection[Way] = ()
    """The ways in which this source has sent before."""
    rendered: bool = False
    """Take thumbnails that the archive draws, where it comes to WADO-RS."""


@dataclass
class Learned:
    """What the retrieval found out about the source."""

    works: set[Way] = field(default_factory=set)
    fails: dict[Way, Reason] = field(default_factory=dict)
    contexts: tuple[str, ...] = ()
    image_lists: bool | None = None


class Retrieval:
    """Lists a study and brings what is not ``held``, posters first; iterate to receive.

    ::

        with Retrieval(source, local, study_uid, Means()) as retrieval:
            for event in retrieval:
                ...  # a Series or the Plan as listed, a Received, a Noted; None after ``tick`` s of nothing
        retrieval.given_up  # what did not come, with a Reason each

    ``held``: what is here. ``settled``: of a series (its UID), how many images may be counted without that it
    is asked for as a whole, because so many are here or it brought no more before. ``brought``, ``known``:
    what such requests brought in earlier tries, see the :class:`Planner`. ``reads_selections``:
    whoever iterates calls ``read`` for each that came, and so long more of it may be a poster.
    ``only``: no list is asked for, these instances are brought. The iterator raises the :class:`FetchError`
    that ended it, after everything that arrived before. Leaving the block early aborts every association.
    """

    def __init__(
        self,
        source: Source,
        local: Local,
        study_uid: str,
        means: Means | None = None,
        *,
        held: Collection[str] = (),
        settled: Mapping[str, int] | None = None,
        brought: Collection[str] = (),
        known: Sequence[Instance] = (),
        posters_only: bool = False,
        reads_selections: bool = False,
        only: Sequence[Instance] = (),
        tick: float = 0.25,
    ) -> None:
        refuse_unsafe_uid(study_uid)
        self.learned = Learned()
        self._source, self._local, self._study_uid = source, local, study_uid
        self._means = means or Means()
        self._held, self._only, self._tick = frozenset(held), tuple(only), tick
        self._events = Conveyor()
        self._planner = Planner(
            study_uid,
            held,
            settled=settled,
            brought=brought,
            known=known,
            posters_only=posters_only,
            reads=reads_selections,
        )
        self._desk = Desk(
            source, self._planner, self._means.allowance, self._means.party, self._deliver, self._note
        )
        self._duplicates = 0
        self._foreign: set[str] = set()
        self._refused: dict[str, Reason] = {}
        self._served_since: int | None = None
        self._error: FetchError | None = None
        self._list_error: FetchError | None = None
        self._threads = [threading.Thread(target=self._coordinate, name="coordinate", daemon=True)]
        self._threads.append(threading.Thread(target=self._list, name="list", daemon=True))

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._desk.stop()
        for dropped in self._events.refuse():
            if isinstance(dropped, Received):
                self.leave(dropped)
        for thread in self._threads:
            thread.join(_PATIENCE_S)

    def __iter__(self) -> Iterator[Event | None]:
        while not self._events.over:
            event = self._events.take(self._tick)
            if event is not None or not self._events.over:
                yield event
        if self._error:
            raise self._error

    @property
    def given_up(self) -> dict[str, Reason]:
        """The listed instances that are not here and why, as far as the fetch meant them."""
        with self._desk.turn:
            why = {u: r for u, r in self._planner.given_up.items() if u not in self._planner.arrived}
            late = {u: Reason.ARCHIVED for u in why if why[u] in _UNSENT and self._planner.is_archived(u)}
            why |= late
            ours = {uid: self._refused[uid] for uid in why.keys() & self._refused.keys()}
            return why | {uid: reason for uid, reason in ours.items() if why[uid] in _UNSENT}

    @property
    def short(self) -> bool:
        """Did less come than there is, by the archive's own words, where nothing is listed by name?"""
        with self._desk.turn:
            return self._planner.short

    @property
    def counted_more(self) -> tuple[CountedMore, ...]:
        """The series of which the archive counts more than it lists and sends."""
        with self._desk.turn:
            return tuple(self._planner.counted_more)

    @property
    def wholes(self) -> tuple[BroughtWhole, ...]:
        """What was asked for as a whole because no list names all of it."""
        with self._desk.turn:
            return tuple(self._planner.wholes)

    @property
    def asked_for_all(self) -> bool:
        """Was everything asked for by the end? It may have been widened when that was too late."""
        with self._desk.turn:
            return not (self._planner.posters_only or self._planner.left)

    @property
    def refused(self) -> bool:
        """Was an object sent that we did not take?"""
        return bool(self._refused or self._foreign)

    def is_listed(self, uid: str) -> bool:
        """Was it asked for: listed in this study, or part of a series that was asked for as a whole?"""
        with self._desk.turn:
            return not self._planner.listed or self._planner.is_asked_for(uid)

    def is_poster(self, uid: str) -> bool:
        """Does it stand for its series, or was it marked by a radiologist?"""
        with self._desk.turn:
            return self._planner.is_poster(uid)

    def leave(self, received: Received) -> None:
        """It is not wanted after all: free what it takes, unless it waits for another errand in the spool."""
        if not self._in_spool(received):
            _discard(received)

    def call(self) -> None:
        """Whoever iterates gets a None now, if nothing else: something happened that it has to see to."""
        self._events.call()

    def stop(self) -> None:
        """Abort every association; what came before is still handed out."""
        self._desk.stop()

    def hurry(self, uids: Sequence[str]) -> None:
        """A key object selection names these images: they come before all others."""
        with self._desk.turn:
            self._planner.hurry(uids)
            self._desk.turn.notify_all()

    def read(self, uid: str, named: Sequence[str]) -> None:
        """This object was drawn; ``named``: the images that it names, if it is a key object selection."""
        with self._desk.turn:
            if named:
                self._planner.hurry(named)
            if self._planner.read(uid) or named:
                self._desk.turn.notify_all()

    def widen(self) -> None:
        """Everything is wanted now, not only the posters."""
        with self._desk.turn:
            if self._planner.posters_only:
                self._planner.widen()
                self._desk.turn.notify_all()

    # --- the list

    def _list(self) -> None:
        if self._only:
            self._enter_all(self._only)
            return
        desk, means = self._desk, self._means
        ended = False
        try:
            with (
                means.allowance.line(self._source, party=means.party, patience=1e6, unwanted=desk.is_stopped),
                desk.ending() as opened,
            ):
                for entry in protocol.listing(self._source, self._local, self._study_uid, opened):
                    self._enter(entry)
            ended = True
        except FetchError as error:
            self._not_listed(error)
            ended = True
        finally:
            if not ended:  # a fault of our own; nobody shall wait for the rest of the list
                self._not_listed(trouble(Reason.UNEXPECTED, "listing"))

    def _enter(self, entry: Listed) -> None:
        with self._desk.turn:
            wakes = True
            if isinstance(entry, Instance):
                self._desk.classes.add(entry.sop_class)
                wakes = not self._planner.waits or self._planner.listed % _WORTH_WAKING == 0
                self._planner.name(entry)
            elif isinstance(entry, Series):
                self._planner.series_listed(entry)
            else:
                self._planner.list_over(entry)
            if self._planner.names_unlisted:
                self._desk.classes.add("")
            if wakes:
                self._desk.turn.notify_all()
        if not isinstance(entry, Instance):
            self._events.put(entry)

    def _enter_all(self, instances: Sequence[Instance]) -> None:
        with self._desk.turn:
            for instance in instances:
                self._desk.classes.add(instance.sop_class)
                self._planner.name(instance)
            self._planner.list_over(Plan())
            self._desk.turn.notify_all()

    def _not_listed(self, error: FetchError) -> None:
        """An archive that will not list a study may still send it; one that cannot be reached will not."""
        ours = error.reason is Reason.UNEXPECTED
        hopeless = ours or error.reason.retriable or error.reason.trouble is Trouble.SETUP
        with self._desk.turn:
            # a list that breaks off leaves the rest of the study unknown: it must not look complete
            self._list_error = error if hopeless or self._planner.listed else None
            if hopeless and not self._planner.listed:
                self._desk.stopped = True
            else:
                self._planner.list_over(Plan())
                self._desk.classes |= {""} if self._planner.names_unlisted else set()
            self._desk.turn.notify_all()

    # --- the ways

    def _coordinate(self) -> None:
        try:
            self._try_ways()
            if self._list_error:
                raise self._list_error
        except FetchError as error:
            self._error = error
            with self._desk.turn:
                self._planner.give_up_rest(error.reason)
        finally:
            if self._duplicates:
                self._note(noted(Note.DUPLICATE, count=self._duplicates))
            self._events.close()

    def _try_ways(self) -> None:
        ways = [way for way in self._means.ways if way is not Way.MOVE or self._means.spool is not None]
        if not ways:
            raise trouble(Reason.NOT_SUPPORTED, "no way to retrieve")
        for way, following in zip(ways, [*ways[1:], None], strict=True):
            if way is Way.MOVE and not self._is_served():
                raise trouble(Reason.RECEIVER_DOWN)
            self._served_since = self._means.spool.served_since() if self._means.spool else None
            self._note(noted(Note.WAY, way=str(way)))
            self._planner.patient = way is Way.MOVE
            lines = 1 if way is Way.MOVE else self._source.associations
            crew = Crew(
                self._desk,
                way,
                self._opener(way),
                lines,
                share=_PER_REQUEST[way],
                others=following is not None,
            )
            with self._alone(way):
                crew.run()
            error = self._explained(crew, way) or self._lack_of_posters(crew, way)
            self._learn(way, crew, error)
            if error is None or self._desk.stopped:
                return
            if crew.brought or following is None or not _may_fall(error, way, following):
                raise error
            self._note(noted(Note.FELL_BACK, way=str(way), reason=error.reason.code))
            with self._desk.turn:
                self._planner.begin_way()

    def _lack_of_posters(self, crew: Crew, way: Way) -> FetchError | None:
        """For posters, a way that brings nothing smaller than a long series does not work.

        An archive that does not find us says no to whatever it should send, so that is the likelier there.
        """
        with self._desk.turn:
            lacks = self._planner.posters_only and self._planner.lacks_posters
        reason = Reason.MOVED_NOWHERE if way is Way.MOVE else Reason.NO_SINGLE_IMAGES
        return trouble(reason) if lacks and not crew.brought else None

    def _alone(self, way: Way) -> AbstractContextManager[None]:
        """By C-MOVE everything of a study goes to one place: two crews would take each other's images."""
        if way is not Way.MOVE or self._means.spool is None:
            return nullcontext()
        return self._means.spool.moves.alone(self._study_uid, self._desk.is_stopped)

    def _is_served(self) -> bool:
        return self._means.spool is not None and self._means.spool.is_served()

    def _explained(self, crew: Crew, way: Way) -> FetchError | None:
        """Why the way did not go on. Of our receiver an archive can only say that it does not reach it."""
        error = crew.error or self._unreached(crew, way)
        if (
            error is not None
            and self._planner.archived
            and error.reason in _MAY_BE_ARCHIVED
            and not crew.brought
        ):
            return trouble(Reason.ARCHIVED, f"{error.reason.code} {error.detail}")
        if error is None or way is not Way.MOVE or not self._blames_the_road(error, crew):
            return error
        if not self._is_served():
            return trouble(Reason.RECEIVER_DOWN, error.detail)
        if crew.brought or self._is_served_anew():  # it was away, and somebody started it again meanwhile
            return trouble(Reason.CONNECTION_LOST, error.detail)
        unknown = error.reason is Reason.RECEIVER_UNKNOWN
        return error if unknown else trouble(Reason.MOVED_NOWHERE, error.detail)

    def _is_served_anew(self) -> bool:
        return self._means.spool is not None and self._means.spool.served_since() != self._served_since

    def _unreached(self, crew: Crew, way: Way) -> FetchError | None:
        """An archive that fails with every image for us, and never sent any, finds nobody at our address."""
        is_new = way is Way.MOVE and way not in self._means.proven
        failed = is_new and crew.nothing_but_failed and not (self._refused or self._foreign)
        return trouble(Reason.MOVED_NOWHERE, "every image failed") if failed else None

    def _blames_the_road(self, error: FetchError, crew: Crew) -> bool:
        """Does the archive say, of the very first image, that it does not get through to us?"""
        unable = error.reason is Reason.OUT_OF_RESOURCES and f"0x{UNABLE:04X}" in error.detail
        first = not crew.brought and Way.MOVE not in self._means.proven
        return error.reason in _NOT_REACHED or (unable and first)

    def _learn(self, way: Way, crew: Crew, error: FetchError | None) -> None:
        if crew.brought:
            self.learned.works.add(way)
            self.learned.image_lists = self._planner.takes_lists
        elif error is not None and error.reason in _OF_THE_WAY and error.reason not in _NOT_THIS_ONE:
            self.learned.fails[way] = error.reason

    def _opener(self, way: Way) -> Callable[[frozenset[str], Deliver, Opened], AbstractContextManager[Bring]]:
        source, local, uid, means = self._source, self._local, self._study_uid, self._means
        known: set[str] = set()

        def by_get(
            classes: frozenset[str], deliver: Deliver, opened: Opened
        ) -> AbstractContextManager[Bring]:
            hears = self._heard_contexts, self._not_taken
            return get.carrying(source, local, classes, deliver, opened, means.scratch, *hears)

        def by_move(_: frozenset[str], deliver: Deliver, opened: Opened) -> AbstractContextManager[Bring]:
            assert means.spool is not None  # noqa: S101 — the way is left out without it
            return move.carrying(
                *(source, local, means.spool, uid, deliver, opened),
                refused=self._note_refused,
                known=known,
                expected=self._is_expected,
                silence=Silence(
                    archived=lambda: self._planner.archived, patient=lambda: not self._planner.posters_only
                ),
            )

        def by_wado(_: frozenset[str], deliver: Deliver, opened: Opened) -> AbstractContextManager[Bring]:
            return dicomweb.carrying(
                *(source, uid, deliver, opened),
                rendered=means.rendered,
                folder=means.scratch,
                refused=self._not_taken,
            )

        return {Way.GET: by_get, Way.MOVE: by_move, Way.WADO: by_wado}[way]

    def _is_expected(self, uid: str) -> bool:
        with self._desk.turn:
            return self._planner.is_expected(uid)

    def _heard_contexts(self, contexts: Sequence[str]) -> None:
        self.learned.contexts = tuple(dict.fromkeys([*self.learned.contexts, *contexts]))[:200]

    # --- what comes

    def _deliver(self, received: Received, share: Share) -> None:
        """Called by every carrier for every object; waits while too much waits to be drawn."""
        uid = received.instance_uid
        if len(uid) > _LONGEST_UID or not _UID.fullmatch(uid):
            self._note_refused(Reason.WRONG_UID)
            _discard(received)
            return
        with self._desk.turn:
            is_new = self._planner.arrive(uid, share)
            asked_for_alone = share.level is Level.IMAGE  # with a whole series comes what is here already
            self._duplicates += not is_new and uid not in self._held and asked_for_alone
        if not is_new or (not self._events.put(received) and not self._in_spool(received)):
            _discard(received)

    def _in_spool(self, received: Received) -> bool:
        """Does its file wait for whoever takes this fetch up again? Others are asked for anew."""
        return received.file is not None and received.file.parent != self._means.scratch

    def _not_taken(self, reason: Reason, instance_uid: str) -> None:
        """It came, and we refused it: that is not the archive's failure. Each is noted once."""
        with self._desk.turn:
            is_known = instance_uid in self._refused
            if instance_uid:
                self._refused[instance_uid] = reason
        if not is_known:
            self._note(noted(Note.REFUSED, reason=reason.code))

    def _note_refused(self, reason: Reason, foreign: str = "") -> None:
        """``foreign``: what stands for an object of another study; one that comes again is noted once."""
        if foreign and foreign in self._foreign:
            return
        self._foreign.add(foreign)
        self._note(noted(Note.REFUSED, reason=reason.code))

    def _note(self, line: Noted) -> None:
        self._events.put(line)


def _may_fall(error: FetchError, way: Way, following: Way) -> bool:
    """May another way help? Not where the same host cannot be reached at all, nor for what is archived."""
    if error.reason is Reason.ARCHIVED:
        return False
    return error.reason in _OF_THE_WAY or Way.WADO in (way, following)


def _discard(received: Received) -> None:
    if received.file is not None:
        received.file.unlink(missing_ok=True)
