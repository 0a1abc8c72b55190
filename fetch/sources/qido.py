"""QIDO-RS (PS3.18 10.6): which studies a source has, and what it lists in one of them."""

import time
from collections.abc import Generator, Iterator
from contextlib import closing

from pydicom.dataset import Dataset

from fetch.carrying import Opened
from fetch.errors import FetchError, UnsafeQuery
from fetch.model import Instance, Listed, Plan, Series, Source
from fetch.reasons import Reason
from fetch.sources import reading
from fetch.sources.http import Connection
from fetch.sources.matches import Matches, expected
from fetch.sources.paths import is_plain, resource
from fetch.sources.search import Query, Search

FIND_S = 75.0
"""The longest that one :func:`find` may take with all its questions: below the two minutes of a page."""
LISTING_S = 300.0
"""The longest that listing a study may take; less than all is a plan too."""
LISTED = 20_000
"""The most series of a study, and the most images of a series, that we let an archive list."""

_NOBODYS = "2.25.0"
_PAGES = (32, 1000)
"""So many images at once: few at first, so that one can be brought while the others are still listed."""
_OF_SERIES = ("00080056", "00080060", "0008103E", "00200011", "00201209")
"""Availability, modality, description, number, and of how many images; some archives leave them out unless
asked."""
_READ_OF_SERIES = frozenset({"0020000E", *_OF_SERIES})
_READ_OF_IMAGES = frozenset({"00080016", "00080018", "00200013"})


def echo(source: Source) -> None:
    """Ask for a study that nobody has; raises a :class:`FetchError` unless it answers that there is none."""
    with closing(Connection(source)) as connection:
        query = [("StudyInstanceUID", _NOBODYS)]
        list(Search(connection, "/studies", query, most=1, end=time.monotonic() + FIND_S))


def find(source: Source, *questions: Dataset, within: float | None = None) -> list[Matches]:
    """The studies that match each identifier: its values match, its empty keys are asked to be returned.

    All of them within so many seconds, at most :data:`FIND_S`. Raises a :class:`FetchError` if the first
    fails; where a later one fails, what came before it is kept.
    """
    asked = [_query(question) for question in questions]
    end = time.monotonic() + min(FIND_S, FIND_S if within is None else within)
    found: list[Matches] = []
    with closing(Connection(source)) as connection:
        try:
            for query in asked:  # one by one: what came before a failure is kept
                found.append(_matches(connection, query, source.answer_limit, end))  # noqa: PERF401
        except FetchError as error:
            if not found:
                raise
            left = len(asked) - len(found)
            found += [Matches((), error.reason, error.detail, broken_off=True)] * left
    return found


def _matches(connection: Connection, query: Query, limit: int, end: float) -> Matches:
    search = Search(connection, "/studies", query, most=limit, end=end)
    found = tuple(search)
    return Matches(found, search.shortened, search.detail, search.broken_off)


def _query(identifier: Dataset) -> Query:
    """Never an empty filter: it would ask for everybody (PS3.4 C.2.2.2.3)."""
    keys = [e for e in identifier if e.keyword not in ("QueryRetrieveLevel", "SpecificCharacterSet")]
    values = {e.keyword: reading.text(identifier, e.keyword) for e in keys}
    filters = [(keyword, value) for keyword, value in values.items() if value]
    if not filters:
        raise UnsafeQuery("a question that everything matches")
    return filters + [("includefield", f"{e.tag:08X}") for e in keys if not values[e.keyword]]


def listing(source: Source, study_uid: str, opened: Opened = lambda _abort: None) -> Iterator[Listed]:
    """What the source lists in this study: instances as it names them, series when complete, then the plan.

    ``opened`` is given a function with which another thread ends it. Raises a :class:`FetchError`.
    """
    return _listing(source, resource(study_uid), opened)


def _listing(source: Source, study: str, opened: Opened) -> Iterator[Listed]:
    end = time.monotonic() + LISTING_S
    with closing(Connection(source)) as connection:
        opened(connection.end)
        query = [("includefield", tag) for tag in _OF_SERIES]
        search = Search(
            *(connection, f"{study}/series", query),
            most=LISTED,
            end=end,
            pages=_PAGES[1:],
            inside=True,
            only=_READ_OF_SERIES,
        )
        found = {reading.text(ds, "SeriesInstanceUID"): ds for ds in search}
        usable = {uid: ds for uid, ds in found.items() if is_plain(uid)}
        series = []
        for uid, ds in usable.items():
            series.append((yield from _series(connection, study, uid, ds, end)))
            yield series[-1]
    all_of_them = search.shortened is None and len(usable) == len(found)
    known = all_of_them and bool(series) and all(s.expected is not None for s in series)
    ordered = sorted(series, key=lambda s: (s.number is None, s.number or 0))
    total = sum(s.expected or 0 for s in series) if known else None
    yield Plan(tuple(ordered), total, lacks_series=not all_of_them)


def _series(
    connection: Connection, study: str, uid: str, ds: Dataset, end: float
) -> Generator[Instance, None, Series]:
    """One series, its instances named on the way."""
    counted = reading.number(ds, "NumberOfSeriesRelatedInstances")
    named: dict[str, Instance] = {}
    for _ in range(2):  # an archive that is busy may list less than it counts: asked once more
        search = Search(
            *(connection, f"{study}/series/{uid}/instances", ()),
            most=LISTED,
            end=end,
            pages=_PAGES,
            inside=True,
            counted=counted,
            only=_READ_OF_IMAGES,
        )
        unusable, whole = yield from _instances(search, uid, end, named)
        if not whole or not 0 < len(named) + unusable < (counted or 0):
            break
    return Series(
        series_uid=uid,
        number=reading.number(ds, "SeriesNumber"),
        modality=reading.text(ds, "Modality"),
        description=reading.text(ds, "SeriesDescription"),
        instances=tuple(sorted(named.values(), key=lambda i: (i.number is None, i.number or 0))),
        expected=expected(len(named) + unusable, counted, whole=whole),
        availability=reading.text(ds, "InstanceAvailability").upper()[:16],
    )


def _instances(
    search: Search, series_uid: str, end: float, named: dict[str, Instance]
) -> Generator[Instance, None, tuple[int, bool]]:
    """Those that were not ``named`` yet; how many more have no usable UID, and whether these are all.

    None if the archive refuses, which is its right, or when time is up.
    """
    unusable = 0
    try:
        for ds in search:
            uid = reading.text(ds, "SOPInstanceUID")
            if not is_plain(uid):
                unusable += 1
            elif uid not in named:
                sop_class, number = reading.text(ds, "SOPClassUID"), reading.number(ds, "InstanceNumber")
                named[uid] = Instance(series_uid, uid, sop_class, number)
                yield named[uid]
    except FetchError as refused:
        if refused.reason is not Reason.REQUEST_FAILED and time.monotonic() < end:
            raise
        return unusable, False
    return unusable, search.shortened is None
