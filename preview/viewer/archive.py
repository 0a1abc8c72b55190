"""What the viewer's archive holds: asked by QIDO-RS (PS3.18 10.6) before anybody clicks, kept for seconds."""

import json
import logging
import threading
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import urllib3

from fetch.setting_types import authorization
from fetch.settings import Viewer
from preview.viewer.links import CHECKING, NOT_CHECKED, Entry, Held, Holding

log = logging.getLogger(__name__)

FRESH = timedelta(seconds=5)
"""How long an answer is as good as a new one."""
STANDS = timedelta(seconds=30)
"""How long an older one stands while a slow archive is asked anew: else many would never all be known."""
_PATIENCE_S = 0.4
"""How long a page waits for new answers; whatever takes longer comes with its next poll."""
_TIMEOUT = urllib3.Timeout(connect=2, read=5)
_DEADLINE_S = 8
"""For a whole answer: one that drips in must not hold a thread for ever."""
_LONGEST = 1 << 20
"""Bytes of an answer about one study."""
_MOST_KEPT = 5000
_AT_ONCE = 8
_OF_ALL = (Holding.DOWN, Holding.REFUSED)
"""What one answer says of the whole archive."""

_STUDY_UID = "0020000D"
_INSTANCES = "00201208"  # Number of Study Related Instances
_NAME, _ID, _BORN = "00100010", "00100020", "00100030"


class Unusable(Exception):
    """An answer that is none: too long, too slow, or not what was asked for."""


class ViewerArchive:
    """Asks in threads of its own, so that a page never waits for a viewer that hangs."""

    def __init__(self, viewer: Viewer) -> None:
        self._viewer = viewer
        self._http = urllib3.PoolManager(timeout=_TIMEOUT, retries=False, maxsize=_AT_ONCE, block=True)
        self._lock = threading.Lock()
        self._threads: ThreadPoolExecutor | None = None
        self._known: dict[str, Held] = {}
        self._asking: dict[str, Future[None]] = {}
        self._away: Held | None = None
        self._pages: tuple[bool, datetime] | None = None

    def look(
        self, study_uids: Iterable[str], not_before: Mapping[str, datetime] | None = None
    ) -> dict[str, Held]:
        """What is known of each study now; asks for what is not known, or not known since ``not_before``."""
        uids = list(dict.fromkeys(study_uids))
        if self._viewer.dicomweb is None:
            return dict.fromkeys(uids, NOT_CHECKED)
        since = not_before or {}
        asked = [asking for uid in uids if (asking := self._refresh(uid, since.get(uid)))]
        wait(asked, timeout=_PATIENCE_S)
        return {uid: self._answer(uid, since.get(uid)) for uid in uids}

    def ask(self, study_uid: str) -> Held:
        """What the archive itself says, now; whether OHIF's pages can be reached is another question."""
        try:
            return self._ask_archive(study_uid)
        except urllib3.exceptions.HTTPError as error:
            log.warning("the viewer's archive cannot be asked (%s)", type(error).__name__)
            return _known(Holding.DOWN)
        except (Unusable, ValueError, RecursionError, OSError) as error:  # OSError: no auth file any more
            log.warning("the viewer's archive gives no clear answer (%s)", type(error).__name__)
            return _known(Holding.UNCLEAR)

    def _refresh(self, uid: str, since: datetime | None) -> Future[None] | None:
        """Ask unless the answer is fresh; the question that is under way."""
        with self._lock:
            known = self._known.get(uid)
            if (_usable(known, since) and _fresh(known)) or _fresh(self._away):
                return None
            asked = self._asking.get(uid)
            if asked is None:
                asked = self._asking[uid] = self._pool().submit(self._find_out, uid)
            return asked

    def _answer(self, uid: str, since: datetime | None) -> Held:
        with self._lock:
            if self._away is not None and _fresh(self._away):
                return self._away
            known = self._known.get(uid)
            return known if known is not None and _usable(known, since) else CHECKING

    def _find_out(self, uid: str) -> None:
        """In a thread: ask, unless somebody has just found that the archive is away."""
        away = self._away
        try:
            held = away if away is not None and _fresh(away) else self._ask_both(uid)
        finally:
            with self._lock:
                self._asking.pop(uid, None)
        with self._lock:
            self._away = held if held.holding in _OF_ALL else None
            while len(self._known) >= _MOST_KEPT:
                del self._known[next(iter(self._known))]
            self._known[uid] = held

    def _ask_both(self, uid: str) -> Held:
        held = self.ask(uid)
        return held if held.holding is not Holding.HELD or self._pages_answer() else _known(Holding.DOWN)

    def _pool(self) -> ThreadPoolExecutor:
        if self._threads is None:  # not before the web server has forked
            self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="viewer")
        return self._threads

    def _ask_archive(self, study_uid: str) -> Held:
        query = urlencode({"StudyInstanceUID": study_uid, "includefield": _INSTANCES})
        headers = {"Accept": "application/dicom+json", "Accept-Encoding": "identity"}
        if self._viewer.dicomweb_auth_file is not None:
            headers["Authorization"] = authorization(self._viewer.dicomweb_auth_file) or ""
        status, body = self._get(f"{self._viewer.dicomweb}/studies?{query}", headers)
        return _read(status, json.loads(body) if body else [], study_uid)

    def _pages_answer(self) -> bool:
        """The archive may live while the viewer's own web server does not."""
        pages = self._pages
        if pages is None or pages[1] < datetime.now(UTC) - FRESH:
            try:
                status = self._http.request("GET", self._viewer.url, preload_content=False)
                status.close()
                lives = status.status < _SERVER_ERROR
            except urllib3.exceptions.HTTPError:
                lives = False
            self._pages = pages = (lives, datetime.now(UTC))
        return pages[0]

    def _get(self, address: str, headers: Mapping[str, str]) -> tuple[int, bytes]:
        """Status and body, neither longer nor slower than an answer about one study may be."""
        answer = self._http.request("GET", address, headers=headers, preload_content=False)
        try:
            body = _body(answer)
        except BaseException:
            answer.close()
            raise
        answer.release_conn()
        return answer.status, body


def _body(answer: urllib3.BaseHTTPResponse) -> bytes:
    if answer.headers.get("Content-Encoding", "identity") != "identity":
        raise Unusable("compressed, though it was not asked to be")
    end = time.monotonic() + _DEADLINE_S
    body = b""
    while some := answer.read1(_LONGEST, decode_content=False):
        body += some
        if len(body) > _LONGEST or time.monotonic() > end:
            raise Unusable("too long or too slow")
    return body


def _usable(known: Held | None, since: datetime | None) -> bool:
    """An old answer, or one from before something happened, says nothing any more."""
    if known is None or known.at is None or known.at < datetime.now(UTC) - STANDS:
        return False
    return since is None or known.at >= since


def _fresh(known: Held | None) -> bool:
    return known is not None and known.at is not None and known.at > datetime.now(UTC) - FRESH


def _known(holding: Holding, instances: int | None = None, entry: Entry | None = None) -> Held:
    return Held(holding, instances, entry, datetime.now(UTC))


_SERVER_ERROR = 500
_DOWN = (502, 503, 504)
"""A gateway stands in front of the archive and says that it is away."""


def _read(status: int, body: Any, study_uid: str) -> Held:
    if status in (401, 403):
        log.warning("the viewer's archive refuses our sign-in (%d)", status)
        return _known(Holding.REFUSED)
    if status in _DOWN:
        return _known(Holding.DOWN)
    if status not in (200, 204) or not isinstance(body, list):
        log.warning("the viewer's archive answers %d", status)
        return _known(Holding.UNCLEAR)
    named = [entry for entry in body if isinstance(entry, dict) and _text(entry, _STUDY_UID) == study_uid]
    if len(named) > 1:  # one study UID under two patients: nobody can say which of them would open
        return _known(Holding.UNCLEAR)
    if named:
        counted = _text(named[0], _INSTANCES)
        whose = Entry(_text(named[0], _ID), _text(named[0], _NAME), _text(named[0], _BORN))
        return _known(Holding.HELD, int(counted) if counted.isdecimal() else None, whose)
    return _known(Holding.UNCLEAR if body else Holding.ABSENT)


def _text(entry: Mapping[str, Any], tag: str) -> str:
    """The first value of an attribute of the DICOM JSON model (PS3.18 F.2); "" where there is none."""
    attribute = entry.get(tag)
    values = attribute.get("Value") if isinstance(attribute, dict) else None
    value = values[0] if isinstance(values, list) and values else ""
    if isinstance(value, dict):  # a person's name
        value = value.get("Alphabetic", "")
    return str(value).strip()
