"""What is asked for next while a study is brought, and what became of each instance. Pure."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from pydicom.uid import KeyObjectSelectionDocumentStorage

from fetch.model import Instance, Level, Plan, Reported, Series, Share
from fetch.order import LAST_OF_POSTERS, Group, Queue, Turn, sweep
from fetch.reasons import Reason
from fetch.wholes import MOST_BREAKS, MOST_TRIES, BroughtWhole, Whole, Wholes

_OF_ONE = (Reason.OUT_OF_RESOURCES, Reason.GARBLED, Reason.REPORTED_FAILED)
"""Over what a request may end that is the fault of one image in it."""
_REFUSED_ALONE = 2
"""So many single images may be refused, where none ever came, before whole series are asked for."""
_FEW = 8
"""After a connection ended over an image it is asked for with so few others, then alone, so that nothing else
ends with it."""
_MOST_KEY_IMAGES = 8
"""Of the images that key object selections name, so many belong to the posters."""
_MOST_WHILE_LISTING = 4
"""So many images of a sweep in one request while posters may still be listed: on a slow line these would wait
behind it."""
_FEW_FOR_A_POSTER = 20
"""A series of no more images is brought whole for its poster, where single images are not to be had."""


_COARSENESS = {Level.IMAGE: 0, Level.SERIES: 1, Level.STUDY: 2}


@dataclass
class _Wanted:
    instance: Instance
    place: int
    """Where it stands in its series, from 0."""
    turn: Turn
    asked: int = 0
    broken: int = 0
    company: str = ""
    """With whom it is asked for: its series, unless a connection ended over it."""

    @property
    def uid(self) -> str:
        return self.instance.instance_uid


@dataclass(frozen=True)
class CountedMore:
    """A series of which the archive counts more than it lists, and than it sends when asked for all of it."""

    series: Series
    lacks: int


class Planner:
    """Hands out shares of one study and keeps account; whoever shares it between threads holds a lock.

    ``held``: instances that are here already. ``settled``: at which count a series need not be asked for as
    a whole, because so much is here, or it was tried. ``brought``: the series, or the study (""), of which an
    earlier try brought all that no list names. ``known``: what such tries brought and is not here any more.
    ``posters_only``: nothing of the sweep is handed out.
    ``reads``: whoever takes what comes says of every key object selection that it was ``read``. Every
    instance that is listed and meant is asked for until it is here or in ``given_up`` with a reason.
    """

    def __init__(
        self,
        study_uid: str,
        held: Collection[str] = (),
        *,
        settled: Mapping[str, int] | None = None,
        brought: Collection[str] = (),
        known: Iterable[Instance] = (),
        posters_only: bool = False,
        reads: bool = False,
    ) -> None:
        self.study_uid = study_uid
        self.posters_only = posters_only
        self.list_ended = False
        self.arrived: set[str] = set(held)
        self.given_up: dict[str, Reason] = {}
        self.level = Level.IMAGE
        self.patient = False
        """Where each request is costly, the sweep waits for the whole list."""
        self._archived: set[str] = set()
        """The series that the archive has to fetch from where that takes long."""
        self.takes_lists = True
        """Lists of instances in one request; else they are asked for one by one."""
        self._held_at_first = bool(held)
        self._settled = settled or {}
        self._brought = frozenset(brought)
        self._known: dict[str, list[Instance]] = {}
        for instance in known:
            self._known.setdefault(instance.series_uid, []).append(instance)
        self.names_unlisted = False
        """Is something asked for by a name that no list has? Of which kind it is nobody knows."""
        self._reads = reads
        self._unread: set[str] = set()
        """Key object selections that came, and may name images."""
        self._cut: dict[str, Series] = {}
        """The series that count more than they list, by their UID."""
        self._wanted: dict[str, _Wanted] = {}
        self._sizes: Counter[str] = Counter()
        self._numbers: dict[str, int] = {}
        self._key_images: dict[str, int] = {}
        self._under_way: set[str] = set()
        self._queue = Queue()
        self._wholes = Wholes()
        self._came_singly = False
        self._names_first = False
        """Is all that is named asked for before any whole is? So it is once one was asked for in vain."""
        self._refused_alone: list[str] = []

    # --- what the list says

    def name(self, instance: Instance) -> None:
        """An instance was listed; the first of all is wanted at once."""
        uid = instance.instance_uid
        if not uid or uid in self._wanted:
            return
        first = not self._wanted and not self._held_at_first
        place = self._sizes[instance.series_uid]
        self._sizes[instance.series_uid] += 1
        self._wanted[uid] = wanted = _Wanted(instance, place, Turn.FIRST if first else sweep(place))
        if instance.sop_class == KeyObjectSelectionDocumentStorage:
            wanted.turn = Turn.SELECTION
        elif uid in self._key_images:
            wanted.turn = Turn.KEY_IMAGE
        self._enqueue(wanted)

    def series_listed(self, series: Series) -> None:
        """The list of a series is complete: now its middle is known. One without a list comes as a whole."""
        for instance in series.instances:
            self.name(instance)
        if series.archived:
            self._archived.add(series.series_uid)
        whole = Share(self.study_uid, series.series_uid)
        is_cut = series.expected is None or series.expected > len(series.instances)
        named = [self._wanted[i.instance_uid] for i in series.instances if i.instance_uid]
        listless = not named
        unlisted = self._name_known(series.series_uid) if is_cut or listless else []
        lacks = self.level is Level.SERIES and any(map(self._is_missing, [*named, *unlisted]))
        coarse = listless or lacks
        is_settled = self._is_settled(series) and not lacks
        if is_cut and not listless:
            self._cut[series.series_uid] = series
        if (coarse or is_cut) and not is_settled:
            self._wholes.want(whole, series.expected, MOST_TRIES if coarse else 1, always=listless or is_cut)
        if listless:
            return
        for place, wanted in enumerate(named):
            self._move(wanted, place)
        self._raise(named[len(named) // 2], Turn.POSTER)

    def _is_settled(self, series: Series) -> bool:
        """Would asking for all of it bring nothing that is not known by name?"""
        if series.expected is None:
            return series.series_uid in self._brought
        return series.expected <= self._settled.get(series.series_uid, -1)

    def _name_known(self, series_uid: str) -> list[_Wanted]:
        """What an earlier try brought of a series that is not listed, or not to its end."""
        for instance in (instances := self._known.pop(series_uid, [])):
            self.name(instance)
        self.names_unlisted = self.names_unlisted or bool(instances)
        return [self._wanted[instance.instance_uid] for instance in instances]

    def list_over(self, plan: Plan) -> None:
        """The list has ended. Where it named nothing, the study is asked for as a whole."""
        nothing = not (self._wanted or self._wholes or plan.series)
        if nothing or plan.lacks_series:
            for series_uid in list(self._known):
                self._name_known(series_uid)
        if (nothing or plan.lacks_series) and "" not in self._brought:
            tries = MOST_TRIES if nothing else 1
            self._wholes.want(Share(self.study_uid), plan.total if nothing else None, tries)
        self.list_ended = True
        self._judge_refused()

    def hurry(self, uids: Iterable[str]) -> None:
        """A key object selection names these: they come before all others, also if they are listed later."""
        for uid in uids:
            self._key_images.setdefault(uid, len(self._key_images))
            if uid in self._wanted:
                self._raise(self._wanted[uid], Turn.KEY_IMAGE)

    def widen(self) -> None:
        """Everything is wanted now, not only the posters."""
        self.posters_only = False
        for wanted in self._wanted.values():
            self._enqueue(wanted)

    def begin_way(self) -> None:
        """Another way is tried: what the last one did not take, or did not bring, is asked for anew."""
        self.level, self.takes_lists = Level.IMAGE, True
        self.given_up.clear()
        self._queue.clear()
        self._under_way.clear()
        self._refused_alone, self._came_singly, self._names_first = [], False, False
        self._wholes.begin_anew()
        for wanted in self._wanted.values():
            wanted.asked, wanted.broken, wanted.company = 0, 0, ""
            self._enqueue(wanted)

    # --- what is asked for

    @property
    def waits(self) -> bool:
        """May there be something to ask for? ``next_share`` knows for certain."""
        return self._queue.has(self._last) or any(map(self._is_due, self._wholes))

    @property
    def _last(self) -> Turn:
        early = self.patient and not self.list_ended
        return LAST_OF_POSTERS if self.posters_only or early else Turn.REST

    def _is_due(self, whole: Whole) -> bool:
        return self._is_small_enough(whole) and not (whole.over or whole.under_way or self._is_early(whole))

    def _is_early(self, whole: Whole) -> bool:
        """There may be posters in the rest of the list, and what is named may have to come first."""
        some_named = self._names_first or whole.share.series_uid in self._cut
        return (some_named and not self.list_ended) or (self._names_first and bool(self._under_way))

    def _is_small_enough(self, whole: Whole) -> bool:
        return not self.posters_only or 0 < (whole.expected or 0) <= _FEW_FOR_A_POSTER

    @property
    def lacks_posters(self) -> bool:
        """Is there a series without any picture that could only be brought whole, and may be too long?"""
        seen = {w.instance.series_uid for w in self._wanted.values() if w.uid in self.arrived}
        late = (w for w in self._wholes if not (w.over or self._is_small_enough(w)))
        return any(whole.share.series_uid not in seen for whole in late)

    def next_share(self, most: int) -> Share | None:
        """What to ask for now, at most ``most`` instances; None if there is nothing, or nothing yet."""
        uids = self._queue.take(partial(self._most, most), self._last, self._is_its_turn)
        if uids:
            self._under_way.update(uids)
            instances = tuple(self._wanted[uid].instance for uid in uids)
            return Share(self.study_uid, instances[0].series_uid, instances)
        self._judge_refused()
        due = [whole for whole in self._wholes if self._is_due(whole)]
        if not due:
            return None
        whole = min(due, key=lambda one: one.asked + one.broken)
        whole.under_way = True
        return whole.share

    def _most(self, most: int, turn: Turn) -> int:
        if not self.takes_lists:
            return 1
        early = turn > LAST_OF_POSTERS and not self.list_ended
        return min(most, _MOST_WHILE_LISTING) if early else most

    @property
    def left(self) -> bool:
        """Is there something that is meant, and was not asked for?"""
        open_ = (wanted for wanted in self._wanted.values() if self._is_open(wanted))
        return any(map(self._is_meant, open_)) or any(map(self._is_due, self._wholes))

    @property
    def idle(self) -> bool:
        """Will there be nothing more to ask for? Meant for the moment when ``next_share`` had nothing."""
        busy = self._under_way or self._wholes.are_under_way
        may_name = self.posters_only and self._unread
        return self.list_ended and not busy and not may_name

    # --- what came of it

    def arrive(self, uid: str, share: Share) -> bool:
        """An instance is here; False if it was before."""
        if share.level is Level.IMAGE:
            self._came_singly = True
            self._judge_refused()
        else:
            self._wholes.arrive(uid, share)
        if uid in self.arrived:
            return False
        self.arrived.add(uid)
        self.given_up.pop(uid, None)
        if self._reads and self._is_selection(uid):
            self._unread.add(uid)
        return True

    def read(self, uid: str) -> bool:
        """It was read, and what it names given to ``hurry``; False if nobody waited for that."""
        waited_for = uid in self._unread
        self._unread.discard(uid)
        return waited_for

    def _is_selection(self, uid: str) -> bool:
        return (
            uid in self._wanted and self._wanted[uid].instance.sop_class == KeyObjectSelectionDocumentStorage
        )

    def ended(self, share: Share, reported: Reported) -> None:
        """The request ended in an orderly way: what did not come is asked for again, or given up."""
        if share.level is not Level.IMAGE:
            self._whole_ended(share, reported)
            return
        failed = set(reported.failed_uids)
        all_failed = bool(reported.failed) and reported.failed == len(share.instances)
        for wanted in self._returned(share):
            wanted.asked += 1
            if wanted.asked < MOST_TRIES:
                wanted.turn = max(wanted.turn, Turn.REST) if wanted.turn > LAST_OF_POSTERS else wanted.turn
                self._enqueue(wanted)
            else:
                reason = Reason.REPORTED_FAILED if all_failed or wanted.uid in failed else Reason.NOT_SENT
                self.given_up[wanted.uid] = reason
        self._judge_refused()

    def broke(self, share: Share, reason: Reason) -> None:
        """The line ended in the middle: only what had not come yet is asked for again."""
        if share.level is not Level.IMAGE:
            self._whole_broke(share, reason)
            return
        returned = self._returned(share)
        for number, wanted in enumerate(returned):
            wanted.broken += 1
            if reason in _OF_ONE and not self.posters_only:  # others may come meanwhile
                wanted.turn = Turn.REST
            few = f"{returned[0].uid} {number // _FEW}"
            wanted.company = few if wanted.broken == 1 else wanted.uid
            if wanted.broken < MOST_BREAKS:
                self._enqueue(wanted)
            else:
                self.given_up[wanted.uid] = reason
        self._judge_refused()

    def put_back(self, share: Share) -> None:
        """It was not asked for after all."""
        if share.level is not Level.IMAGE and (whole := self._wholes.of(share)) is not None:
            whole.under_way = False
        for wanted in self._returned(share):
            self._enqueue(wanted)

    def postpone(self, share: Share) -> bool:
        """A whole is not to be had: what is named comes first. False if it did before, or none is."""
        if share.level is Level.IMAGE or self.level is not Level.IMAGE:
            return False
        self.put_back(share)
        self._ask_by_name()
        return not self.list_ended or bool(self._under_way) or self._queue.has(self._last)

    def refused(self, share: Share) -> bool:
        """The archive does not take such a request: ask in a coarser way. False if there is none.

        One image that it refuses where it sends others is given up alone.
        """
        if share.level is Level.IMAGE and len(share.instances) == 1:
            self._refused_alone += [wanted.uid for wanted in self._returned(share)]
            self._judge_refused()
            return True
        self.put_back(share)
        if share.level is Level.IMAGE:
            self.takes_lists = False
        elif share.level is Level.SERIES:
            self._coarser(Level.STUDY)
        else:
            return False
        return True

    @property
    def short(self) -> bool:
        """Did less come of a series or the study, asked for as a whole, than there is?"""
        return self._wholes.are_short

    @property
    def wholes(self) -> Iterator[BroughtWhole]:
        """The requests for a whole because of what no list names, as far as they were made."""
        return self._wholes.brought

    @property
    def archived(self) -> bool:
        """Does the archive say that some of it has to be fetched from where that takes long?"""
        return bool(self._archived)

    def is_archived(self, uid: str) -> bool:
        return uid in self._wanted and self._wanted[uid].instance.series_uid in self._archived

    @property
    def counted_more(self) -> Iterator[CountedMore]:
        """What no list names, and no request for the whole did bring, though it ended in an orderly way."""
        for uid, series in self._cut.items():
            whole = self._wholes.of_series(uid)
            here = {i.instance_uid for i in series.instances} & self.arrived
            lacks = (series.expected or 0) - len(here | (whole.arrived if whole else set()))
            if whole is not None and whole.asked and lacks > 0:
                yield CountedMore(series, lacks)

    def give_up_rest(self, reason: Reason) -> None:
        """Nobody asks any more: every instance that is meant and not here gets this reason."""
        for uid, wanted in self._wanted.items():
            if uid not in self.arrived and self._is_meant(wanted):
                self.given_up.setdefault(uid, reason)

    def is_poster(self, uid: str) -> bool:
        """Is it one of those that are brought before the sweep?"""
        return uid in self._wanted and self._wanted[uid].turn <= LAST_OF_POSTERS

    def is_asked_for(self, uid: str) -> bool:
        """Was it asked for, by its name or with a whole series or study?"""
        return uid in self._wanted or uid in self._wholes.came

    @property
    def listed(self) -> int:
        return len(self._wanted)

    def is_expected(self, uid: str) -> bool:
        """Can it be told yet whether it was asked for? While the list arrives, only of what it named."""
        return self.list_ended or self._wholes.are_under_way or uid in self._wanted

    # --- requests for a whole series, or for the study

    def _judge_refused(self) -> None:
        """Whether an archive refuses one image, or single images at all, shows with the next one."""
        if self._came_singly:
            self.given_up |= dict.fromkeys(self._refused_alone, Reason.REPORTED_FAILED)
            self._refused_alone.clear()
            return
        others = not self.list_ended or self._under_way or self._queue.has(self._last)
        if len(self._refused_alone) >= _REFUSED_ALONE or (self._refused_alone and not others):
            self._refused_alone.clear()
            self._coarser(Level.SERIES)

    def _coarser(self, level: Level) -> None:
        if _COARSENESS[level] <= _COARSENESS[self.level]:  # another carrier found out in the same moment
            return
        self.level = level
        self._queue.clear()
        if level is Level.STUDY:
            self._wholes.clear()
            self._wholes.want(Share(self.study_uid), len(self._wanted) or None, always=False)
            return
        self._wholes.keep_those_of_list()
        # also what another carrier asks for just now: it may come back without it
        missing = {w.instance.series_uid for w in self._wanted.values() if self._is_missing(w)}
        for uid in self._sizes:
            if uid in missing:
                self._wholes.want_again(Share(self.study_uid, uid), self._sizes[uid])

    def _whole_ended(self, share: Share, reported: Reported) -> None:
        if (whole := self._wholes.of(share)) is not None:
            whole.ended(reported)
            self._leave(whole, Reason.NOT_SENT, in_vain=not whole.arrived)

    def _whole_broke(self, share: Share, reason: Reason) -> None:
        if (whole := self._wholes.of(share)) is not None:
            whole.broke()
            self._leave(whole, reason, in_vain=True)

    def _leave(self, whole: Whole, reason: Reason, *, in_vain: bool) -> None:
        """What is named of it and did not come with it is asked for by name, or given up."""
        of = whole.share.series_uid
        named = (wanted for wanted in self._wanted.values() if of in ("", wanted.instance.series_uid))
        missing = list(filter(self._is_missing, named))
        if self.level is not Level.IMAGE:
            self.given_up |= {wanted.uid: reason for wanted in missing if whole.over}
        elif in_vain or missing:
            self._ask_by_name()

    def _ask_by_name(self) -> None:
        """A whole was asked for in vain: the next one may be, too."""
        self._names_first = True
        for wanted in self._wanted.values():
            self._enqueue(wanted)

    def _comes_with_whole(self, wanted: _Wanted) -> bool:
        """Is all of its series, or of the study, asked for anyway? Then only posters are by their names."""
        if self._names_first or wanted.turn <= LAST_OF_POSTERS:
            return False
        return self._wholes.bring(wanted.instance.series_uid)

    # --- the queue

    def _returned(self, share: Share) -> list[_Wanted]:
        """Those of the share that did not come; none of it is under way any more."""
        uids = [instance.instance_uid for instance in share.instances]
        self._under_way.difference_update(uids)
        return [self._wanted[uid] for uid in uids if self._is_open(self._wanted[uid])]

    def _is_its_turn(self, group: Group, uid: str) -> bool:
        wanted = self._wanted[uid]
        open_ = self._is_open(wanted) and self._group(wanted) == group and self._is_meant(wanted)
        return open_ and not self._comes_with_whole(wanted)

    def _is_open(self, wanted: _Wanted) -> bool:
        return self._is_missing(wanted) and wanted.uid not in self._under_way

    def _is_missing(self, wanted: _Wanted) -> bool:
        return wanted.uid not in self.arrived and wanted.uid not in self.given_up

    def _is_meant(self, wanted: _Wanted) -> bool:
        """Does the fetch mean it at all? One for posters leaves the sweep, and many key images, for later."""
        late = self._key_images.get(wanted.uid, 0) >= _MOST_KEY_IMAGES
        return not self.posters_only or (wanted.turn <= LAST_OF_POSTERS and not late)

    def _group(self, wanted: _Wanted) -> Group:
        key = wanted.company or wanted.instance.series_uid
        return wanted.turn, self._numbers.setdefault(key, len(self._numbers))

    def _enqueue(self, wanted: _Wanted) -> None:
        if self.level is Level.IMAGE and self._is_open(wanted):
            self._queue.put(self._group(wanted), wanted.uid)

    def _raise(self, wanted: _Wanted, turn: Turn) -> None:
        if turn < wanted.turn:
            wanted.turn = turn
            self._enqueue(wanted)

    def _move(self, wanted: _Wanted, place: int) -> None:
        """By number its place is another one than in the order in which it was listed."""
        if wanted.place != place and wanted.turn > LAST_OF_POSTERS:
            wanted.place, wanted.turn = place, sweep(place)
            self._enqueue(wanted)
