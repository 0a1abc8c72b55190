"""What a source turned out to do, and the ways to bring images that follow from it."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from types import MappingProxyType
from typing import Any

from sqlalchemy import delete

from fetch.model import Local, Source, Way
from fetch.records import ProfileRow, Records, insert_once

MOST_CONTEXTS = 200
FAILURE_LASTS = timedelta(hours=24)
"""A failure is older news after that: the archive's administrator may have opened the way since."""
_WAYS = {Way.GET: "get", Way.MOVE: "move", Way.WADO: "wado"}
_FLAGS = (*_WAYS.values(), "image_lists", "series_level")


@dataclass(frozen=True)
class Profile:
    """What is known of one source; None: not known yet."""

    get: bool | None = None
    move: bool | None = None
    wado: bool | None = None
    image_lists: bool | None = None
    """Does it take a list of SOP Instance UIDs in one request (PS3.4 C.2.2.2.2)?"""
    series_level: bool | None = None
    contexts: tuple[str, ...] = ()
    """What it accepted for storage, as ``sop_class/transfer_syntax``."""
    learned_at: datetime | None = None
    why: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """A way that does not work -> the code of the :class:`~fetch.reasons.Reason`."""

    def works(self, way: Way) -> bool | None:
        flag: bool | None = getattr(self, _WAYS[way])
        return flag


def ways(source: Source, profile: Profile, receiver: bool) -> tuple[Way, ...]:
    """The ways to try, in this order: those known to work, then those nobody tried yet.

    ``receiver``: do we run one, to which the archive could send? Where every way is known not to work, all
    are tried again.
    """
    if source.retrieve is not None:
        return (source.retrieve,)
    possible = _possible(source, receiver=receiver)
    hopeful = [way for way in possible if profile.works(way) is not False]
    return tuple(sorted(hopeful, key=lambda way: profile.works(way) is None)) or possible


def _possible(source: Source, *, receiver: bool) -> tuple[Way, ...]:
    if source.protocol == "dicomweb":
        return (Way.WADO,)
    web = (Way.WADO,) if source.web else ()
    return (Way.GET, *web, *((Way.MOVE,) if receiver else ()))


def may_send(source: Source, local: Local) -> bool:
    """May it send to our receiver? Never in clear what it is to send encrypted."""
    by_move = source.protocol == "dimse" and source.retrieve in (None, Way.MOVE)
    return by_move and (source.tls is None or local.tls is not None)


def settings_mark(source: Source, local: Local) -> str:
    """A hash of the settings under which a profile holds; it tells nothing of them."""
    web = source.web
    parts = [
        [source.protocol, source.host, source.port, source.aet, source.tls is not None],
        [web.url, str(web.auth_file)] if web else [],
        [local.aet, local.host, local.port, local.listen, local.tls is not None],
    ]
    return sha256(json.dumps(parts).encode()).hexdigest()


class Profiles:
    """The profiles of all sources, in the database."""

    def __init__(
        self, records: Records, local: Local, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._records = records
        self._local = local
        self._clock = clock

    def of(self, source: Source) -> Profile:
        """What is known of it under its present settings, without failures that are too old to count."""
        with self._records.read() as session:
            row = session.get(ProfileRow, source.name)
        if row is None or row.settings != settings_mark(source, self._local):
            return Profile()
        return _read(row.facts, row.learned_at, self._clock())

    def learn(self, source: Source, profile: Profile, now: datetime) -> None:
        """Add what is known in this profile; what is None in it stays as it was.

        A failure counts from the first time that it was seen, so that it is old one day although it is
        learned again.
        """
        mark = settings_mark(source, self._local)
        empty = {"source": source.name, "settings": mark, "learned_at": now, "facts": {}}
        with self._records.write() as session:
            insert_once(session, ProfileRow, empty)
            row = session.get_one(ProfileRow, source.name, with_for_update=True)
            row.facts = _merged(row.facts if row.settings == mark else {}, profile, now)
            row.settings, row.learned_at = mark, now

    def forget(self, source_name: str) -> None:
        """Learn it anew."""
        with self._records.write() as session:
            session.execute(delete(ProfileRow).where(ProfileRow.source == source_name))


def _read(facts: Mapping[str, Any], learned_at: datetime, now: datetime) -> Profile:
    old = {flag for flag in _FLAGS if _is_old(facts, flag, now)}
    flags = {flag: None if flag in old else facts.get(flag) for flag in _FLAGS}
    why = MappingProxyType(_reasons(facts.get("why", {}), flags))
    return Profile(**flags, contexts=tuple(facts.get("contexts", ())), learned_at=learned_at, why=why)


def _is_old(facts: Mapping[str, Any], flag: str, now: datetime) -> bool:
    since = facts.get("failing_since", {}).get(flag)
    return since is not None and now - datetime.fromisoformat(since) > FAILURE_LASTS


def _merged(facts: Mapping[str, Any], profile: Profile, now: datetime) -> dict[str, Any]:
    news = {flag: getattr(profile, flag) for flag in _FLAGS if getattr(profile, flag) is not None}
    flags = {flag: facts[flag] for flag in _FLAGS if flag in facts} | news
    failing = [flag for flag, works in flags.items() if works is False]
    return {
        **flags,
        "failing_since": {flag: _since(facts, flag, news, now) for flag in failing},
        "why": _reasons({**facts.get("why", {}), **profile.why}, flags),
        "contexts": _bounded([*profile.contexts, *facts.get("contexts", ())]),
    }


def _reasons(why: Mapping[str, str], flags: Mapping[str, Any]) -> dict[str, str]:
    """Only of ways that do not work."""
    return {str(way): code for way, code in why.items() if flags.get(_WAYS[Way(way)]) is False}


def _since(facts: Mapping[str, Any], flag: str, news: Mapping[str, bool], now: datetime) -> str:
    """When a failure was first seen; one that was old news already begins anew when it is seen again."""
    known: str | None = facts.get("failing_since", {}).get(flag)
    if known is None or (flag in news and _is_old(facts, flag, now)):
        return now.isoformat()
    return known


def _bounded(contexts: Iterable[str]) -> list[str]:
    """Each once, the latest first, and not more than can be kept."""
    return list(dict.fromkeys(contexts))[:MOST_CONTEXTS]
