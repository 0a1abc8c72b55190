"""The answers to one C-FIND as they come: their limit, their end in time, and whether there may be more."""

import time
from collections.abc import Iterator

from pydicom.dataset import Dataset
from pynetdicom.association import Association
from pynetdicom.sop_class import StudyRootQueryRetrieveInformationModelFind  # type: ignore[attr-defined]

from fetch.errors import FetchError, trouble
from fetch.model import Source
from fetch.reasons import Reason
from fetch.sources import reading
from fetch.sources.association import PENDING, SUCCESS, failure, lost

_UNABLE = 0xC000
"""Unable to process, 0xC000 to 0xCFFF (PS3.4 C.4.1.1.4): after some answers it is a cap of the archive's."""


class Answers:
    """The answers to one C-FIND, one after another; afterwards, whether and why there may be more.

    What is still coming at ``end`` (monotonic), or above the limit, is cut off by aborting: archives ignore
    C-CANCEL. To be iterated once, to the end, unless the association is aborted.
    """

    def __init__(
        self, association: Association, source: Source, identifier: Dataset, end: float, limit: int
    ) -> None:
        self.shortened: Reason | None = None
        self.detail = ""
        self.broken_off = False
        self._asked = (association, source, identifier, end)
        self._limit = limit
        self._found = 0

    def __iter__(self) -> Iterator[Dataset]:
        association, source, identifier, end = self._asked
        for count, (status, answer) in enumerate(_answers(association, source, identifier, end)):
            if status not in PENDING:
                self._end(count, status)
                return
            if count >= self._limit:
                association.abort()
                self._shorten(Reason.TOO_MANY, f"more than {self._limit}")
                return
            if answer is not None:
                self._found += 1
                yield reading.with_charset(answer, source.charset)
        if not self._found:
            raise out_of_time()
        self._shorten(Reason.NO_ANSWER, "not at an end in time", broken_off=True)

    def _end(self, count: int, status: int) -> None:
        if status == SUCCESS and self._found < count:
            self._shorten(Reason.UNREADABLE, "not every answer could be decoded")
        elif status != SUCCESS:
            error = failure(status)
            capped = error.reason is Reason.OUT_OF_RESOURCES or status & 0xF000 == _UNABLE
            if not (self._found and capped):
                raise error
            self._shorten(Reason.TOO_MANY, error.detail, broken_off=True)

    def _shorten(self, reason: Reason, detail: str, *, broken_off: bool = False) -> None:
        self.shortened, self.detail, self.broken_off = reason, detail, broken_off


def out_of_time() -> FetchError:
    return trouble(Reason.NO_ANSWER, "not at an end in time")


def _answers(
    association: Association, source: Source, identifier: Dataset, end: float
) -> Iterator[tuple[int, Dataset | None]]:
    """Status and identifier of each response, without a final one if time is up.

    The iterator is always consumed or the association aborted.
    """
    began, answered = time.monotonic(), False
    if began >= end:
        return
    _wait_at_most(association, min(source.timeouts.message, end - began))
    responses = association.send_c_find(identifier, StudyRootQueryRetrieveInformationModelFind)
    for status, answer in responses:
        now = time.monotonic()
        if now >= end:
            association.abort()
            return
        if "Status" not in status:
            raise lost(source, now - began, answered=answered)
        yield status.Status, answer
        began, answered = time.monotonic(), True
        _wait_at_most(association, min(source.timeouts.message, end - began))


def _wait_at_most(association: Association, seconds: float) -> None:
    """For the next message. The setter waits for a lock that pynetdicom holds over a malformed answer."""
    association._dimse_timeout = max(0.01, seconds)  # noqa: SLF001
