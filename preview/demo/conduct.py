"""How an archive behaves at the moment: towards whom, at what pace, and when it hangs or drops the line."""

import itertools
import random
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from pydicom import Dataset

from preview.demo.holdings import Level, texts
from preview.demo.traits import WELL, Behaviour, Kind

LOOK_AGAIN_SECONDS = 0.1
_MISMATCH, _UNABLE_TO_PROCESS = 0xA900, 0xC000

Thing = TypeVar("Thing")


class Conduct:
    """The behaviour in force. Whoever hangs is let go, with the line cut, as soon as another one is."""

    def __init__(self) -> None:
        self.how = WELL
        self._changed = threading.Condition()
        self.is_broken = False
        self._met = 0
        self._asked_first: dict[str, float] = {}

    def change(self, how: Behaviour) -> None:
        with self._changed:
            self.how = how
            self.is_broken = False
            self._met = 0
            self._asked_first.clear()
            self._changed.notify_all()

    def towards(self, kind: Kind) -> Behaviour:
        """How a request is treated that just came in."""
        with self._changed:
            if self.how.first_of is None:
                return self.how
            most, kinds = self.how.first_of
            if kind not in kinds or self._met >= most:
                return WELL
            self._met += 1
            return self.how

    def is_offline(self, how: Behaviour, study_uid: str) -> bool:
        """Is the study still on its way from the tape? Whoever asks for it first starts that."""
        if how.offline_seconds is None:
            return False
        now = time.monotonic()
        with self._changed:
            return now < self._asked_first.setdefault(study_uid, now) + how.offline_seconds

    def hang(self, assoc: Any, how: Behaviour) -> None:
        while self.how is how and is_open(assoc):
            self._wait(how, LOOK_AGAIN_SECONDS)
        assoc.abort()

    def paced(
        self, event: Any, kind: Kind, how: Behaviour, things: Iterable[Thing]
    ) -> Iterator[Thing | None]:
        """The things one by one as the behaviour has it; None, and no more, when the asker cancels."""
        for number, thing in enumerate(things):
            self._wait(how, how.seconds_per_message)
            if event.is_cancelled and not how.ignores_cancel:
                yield None
                return
            if self._interrupted(event.assoc, kind, how, number):
                return
            yield thing
        self._interrupted(event.assoc, kind, how, None)

    def _interrupted(self, assoc: Any, kind: Kind, how: Behaviour, number: int | None) -> bool:
        """Before thing ``number``, or (None) before the final answer, if fewer things came than n."""
        if _due(how.hangs_after, kind, number):
            self.hang(assoc, how)
        elif self._drops(kind, how, number):
            self.is_broken = how.breaks_down and self.how is how
            assoc.abort()
        return not assoc.is_established

    def _drops(self, kind: Kind, how: Behaviour, number: int | None) -> bool:
        is_over = kind in how.endless and self.how is not how
        return is_over or (how.breaks_down and self.is_broken) or _due(how.drops_after, kind, number)

    def _wait(self, how: Behaviour, seconds: float) -> None:
        if seconds:
            with self._changed:
                self._changed.wait_for(lambda: self.how is not how, seconds)


class Guests:
    """The associations that are open, and how many there were at most."""

    def __init__(self) -> None:
        self.most_at_once = 0
        self._open: list[Any] = []
        self._lock = threading.Lock()

    def enter(self, assoc: Any, most: int | None) -> bool:
        """Is there room for one more?"""
        with self._lock:
            self._open = [one for one in self._open if is_open(one)]
            if most is not None and len(self._open) >= most:
                return False
            self._open.append(assoc)
            self.most_at_once = max(self.most_at_once, len(self._open))
            return True


def refusal(kind: Kind, how: Behaviour, identifier: Dataset) -> int | None:
    """The status that ends a question before anything is looked up."""
    if (status := how.final_status(kind)) is not None:
        return status
    level = str(identifier.get("QueryRetrieveLevel", ""))
    if any(kind is of and level == at for of, at in how.refused_levels):
        return _MISMATCH
    if how.refuses_uid_lists and any(len(texts(identifier, at.unique_key)) > 1 for at in Level):
        return _MISMATCH
    if kind is Kind.FIND and any(texts(identifier, name) for name in how.refused_keys):
        return _UNABLE_TO_PROCESS
    return None


def bent(row: Dataset, how: Behaviour) -> Dataset:
    """An answer as the behaviour has it."""
    if how is WELL:
        return row
    for elem in row:
        if elem.keyword.startswith("NumberOf") and isinstance(elem.value, int):
            elem.value += how.miscounts
    if how.offline_seconds is not None and "InstanceAvailability" in row:
        row.InstanceAvailability = "NEARLINE"
    for name, value in how.answered:
        setattr(row, name, value)
    for name in how.omits:
        if name in row:
            delattr(row, name)
    return row if how.charset is None else _relabelled(row, how.charset)


def _relabelled(row: Dataset, charset: str) -> Dataset:
    """The same bytes under another name: Latin-1 has a character for each byte."""
    codecs = {"ISO_IR 192": "utf-8"}
    codec = codecs.get(str(row.get("SpecificCharacterSet", "")), "latin-1")
    for elem in row:
        if elem.VR in ("PN", "LO", "SH"):
            elem.value = str(elem.value or "").encode(codec).decode("latin-1")
    row.SpecificCharacterSet = charset
    if not charset:
        del row.SpecificCharacterSet
    return row


def ordered(things: list[Thing], how: Behaviour) -> list[Thing]:
    return random.Random(7).sample(things, len(things)) if how.shuffles else things


def repeated(rows: list[Dataset], how: Behaviour) -> Iterable[Dataset]:
    """As often as the behaviour has it."""
    several = [row for row in rows for _ in range(how.repeats)]
    return itertools.cycle(several) if Kind.FIND in how.endless else several


def cut_off_later(assoc: Any, how: Behaviour) -> None:
    if how.drops_after_seconds is not None:
        timer = threading.Timer(how.drops_after_seconds, assoc.abort)
        timer.daemon = True
        timer.start()


def pace(line: Any, bytes_per_second: int) -> None:
    """From now on no more than so many bytes a second leave this line (pynetdicom's socket)."""
    plain: Callable[[bytes], None] = line.send
    piece = max(1, min(65536, bytes_per_second // 20))
    due = time.monotonic()

    def send(data: bytes) -> None:
        nonlocal due
        for start in range(0, len(data), piece):
            time.sleep(max(0.0, due - time.monotonic()))
            plain(data[start : start + piece])
            due = max(due, time.monotonic() - 0.05) + len(data[start : start + piece]) / bytes_per_second

    line.send = send


def is_open(assoc: Any) -> bool:
    return assoc.dul.is_alive() and not (assoc.is_released or assoc.is_rejected or assoc.acse.is_aborted())


def _due(after: tuple[Kind, int] | None, kind: Kind, number: int | None) -> bool:
    return after is not None and after[0] is kind and (number is None or number >= after[1])
