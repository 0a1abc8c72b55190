"""One question of QIDO-RS (PS3.18 10.6), page by page; afterwards, whether and why there may be more."""

import time
from collections.abc import Collection, Iterator, Sequence
from urllib.parse import quote, urlencode

from pydicom.dataset import Dataset

from fetch.errors import FetchError, trouble
from fetch.reasons import Reason
from fetch.sources import dicom_json, reading
from fetch.sources.http import Answer, Connection
from fetch.sources.web_faults import refusal

Query = Sequence[tuple[str, str]]

_JSON = "application/dicom+json"
_GONE = (404, 410)
_LEAST_PAGE = 10
"""An archive that cuts its answers short without a word gives at least so many."""
_MODEST = 100
"""So many are asked for where an archive refuses to give more at once."""
_LONGEST = 64 * 2**20
_LONGEST_ENTRY = 16 * 2**10
_LONGEST_REST = 4 * 2**20
"""Bytes of an answer: so many for each entry that we asked for, and these besides."""


class Search:
    """To be iterated once. ``most``: so many answers are taken; ``end`` (monotonic): until then.

    ``pages``: how many are asked for at once, the last number again and again; () for all at once.
    ``inside``: below a study, where "not found" only says that the study is not there.
    ``counted``: how many there are, if the archive said so. ``only``: the tags that are read, () for all.
    """

    def __init__(
        self,
        connection: Connection,
        path: str,
        query: Query,
        *,
        most: int,
        end: float,
        pages: Sequence[int] = (),
        inside: bool = False,
        counted: int | None = None,
        only: Collection[str] = (),
    ) -> None:
        self.shortened: Reason | None = None
        self.detail = ""
        self.broken_off = False
        self._connection, self._path, self._query = connection, path, query
        self._most, self._end = most, end
        self._pages = tuple(pages) or (most + 1,)
        self._inside, self._counted, self._only = inside, counted, only
        self._found = 0
        self._offset = 0

    def __iter__(self) -> Iterator[Dataset]:
        """Raises a :class:`FetchError` if the first page cannot be had."""
        known: set[tuple[str, ...]] = set()
        goes_on, repeats = True, False
        while goes_on:
            page, goes_on = self._next()
            fresh = [(whose, ds) for ds in page if (whose := _whose(ds)) not in known]
            for _, ds in fresh:
                if self._found >= self._most:
                    self._shorten(Reason.TOO_MANY, f"more than {self._most}")
                    return
                self._found += 1
                yield ds
            known.update(whose for whose, _ in fresh)
            repeats = repeats or len(fresh) < len(page)
            goes_on = goes_on and bool(fresh)
        if repeats and self._found != self._counted:  # the offset is ignored, or their order changes
            self._shorten(Reason.TOO_MANY, "its pages repeat themselves")

    def _next(self) -> tuple[list[Dataset], bool]:
        """A page, and whether there may be another."""
        limit = min(self._pages[0], self._most + 1 - self._found)
        try:
            page, more = self._page(limit)
        except FetchError as error:
            if self._offset == 0 and error.reason is Reason.REQUEST_FAILED and limit > _MODEST:
                self._pages = (_MODEST,)
                return self._next()
            if self._offset == 0:
                raise
            self._shorten(error.reason, error.detail, broken_off=True)
            return [], False
        self._pages = self._pages[1:] or self._pages
        self._offset += len(page)
        if more:
            self._shorten(Reason.TOO_MANY, "it says that there are more")
        elif page:
            self.shortened, self.detail = None, ""
        return page, bool(page) and (more or self._may_go_on(len(page), limit))

    def _may_go_on(self, came: int, limit: int) -> bool:
        if came >= limit:
            return True
        return came >= _LEAST_PAGE and (self._counted is None or self._offset < self._counted)

    def _page(self, limit: int) -> tuple[list[Dataset], bool]:
        seconds = self._end - time.monotonic()
        if seconds <= 0:
            raise trouble(Reason.NO_ANSWER, "not at an end in time")
        query = [*self._query, ("limit", str(limit))]
        if self._offset:
            query.append(("offset", str(self._offset)))
        path = f"{self._path}?{urlencode(query, quote_via=quote, safe='')}"
        with self._connection.get(path, accept=_JSON, within=seconds) as answer:
            if self._inside and answer.status in _GONE:
                return [], False
            return self._read(answer, limit), _says_more(answer)

    def _read(self, answer: Answer, limit: int) -> list[Dataset]:
        if answer.status == 204:
            return []
        if answer.status not in (200, 206):
            raise refusal(answer.status)
        body = answer.whole(min(_LONGEST, _LONGEST_REST + limit * _LONGEST_ENTRY))
        if body is None:
            raise trouble(Reason.UNREADABLE, "an answer that is too long")
        try:
            return dicom_json.datasets(body, self._only)
        except dicom_json.NoJson:
            reason = Reason.UNREADABLE if "json" in answer.media_type else Reason.NOT_DICOM
            raise trouble(reason, "not a list in JSON") from None

    def _shorten(self, reason: Reason, detail: str, *, broken_off: bool = False) -> None:
        self.shortened, self.detail, self.broken_off = reason, detail, broken_off


def _says_more(answer: Answer) -> bool:
    """A warning 299 says that there are further answers (PS3.18 8.3.4.4)."""
    return answer.status == 206 or answer.header("Warning").lstrip().startswith("299")


def _whose(ds: Dataset) -> tuple[str, ...]:
    names = "StudyInstanceUID", "PatientID", "SeriesInstanceUID", "SOPInstanceUID"
    return tuple(reading.text(ds, name) for name in names)
