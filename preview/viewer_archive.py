"""What the viewer's archive holds: asked by QIDO-RS (PS3.18 10.6) before anybody clicks, kept for seconds."""

import logging
import threading
from collections.abc import Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import urllib3

from fetch.setting_types import authorization
from fetch.settings import Viewer
from preview.viewer import CHECKING, NOT_CHECKED, Held, Holding

log = logging.getLogger(__name__)

FRESH = timedelta(seconds=5)
"""How long an answer is as good as a new one."""
_PATIENCE_S = 0.4
"""How long a page waits for answers; whatever takes longer comes with its next poll."""
_TIMEOUT = urllib3.Timeout(connect=2, read=5)
_MOST_KEPT = 5000
_AT_ONCE = 8

_STUDY_UID = "0020000D"
_INSTANCES = "00201208"  # Number of Study Related Instances


class ViewerArchive:
    """Asks in threads of its own, so that a page never waits for a viewer that hangs."""

    def __init__(self, viewer: Viewer) -> None:
        self._viewer = viewer
        self._http = urllib3.PoolManager(timeout=_TIMEOUT, retries=False, maxsize=_AT_ONCE, block=True)
        self._lock = threading.Lock()
        self._threads: ThreadPoolExecutor | None = None
        self._asked: dict[str, Future[Held]] = {}

    def look(
        self, study_uids: Iterable[str], not_before: Mapping[str, datetime] | None = None
    ) -> dict[str, Held]:
        """What is known of each study now; asks for what is not known, or not known since ``not_before``."""
        uids = list(dict.fromkeys(study_uids))
        if self._viewer.dicomweb is None:
            return dict.fromkeys(uids, NOT_CHECKED)
        since = not_before or {}
        asked = {uid: self._answer(uid, since.get(uid)) for uid in uids}
        wait(asked.values(), timeout=_PATIENCE_S)
        return {uid: answer.result() if answer.done() else CHECKING for uid, answer in asked.items()}

    def ask(self, study_uid: str) -> Held:
        """Ask now, and wait for the answer."""
        held = self._ask_archive(study_uid)
        return held if held.holding is not Holding.HELD or self._pages_answer() else _known(Holding.DOWN)

    def _answer(self, uid: str, since: datetime | None) -> Future[Held]:
        with self._lock:
            known = self._asked.get(uid)
            if known is None or _stale(known, since):
                self._prune()
                known = self._asked[uid] = self._pool().submit(self.ask, uid)
            return known

    def _pool(self) -> ThreadPoolExecutor:
        if self._threads is None:  # not before the web server has forked
            self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="viewer")
        return self._threads

    def _prune(self) -> None:
        if len(self._asked) >= _MOST_KEPT:
            for uid in list(self._asked)[: _MOST_KEPT // 2]:
                del self._asked[uid]

    def _ask_archive(self, study_uid: str) -> Held:
        query = urlencode({"StudyInstanceUID": study_uid, "includefield": _INSTANCES})
        headers = {"Accept": "application/dicom+json"}
        if self._viewer.dicomweb_auth_file is not None:
            headers["Authorization"] = authorization(self._viewer.dicomweb_auth_file) or ""
        try:
            answer = self._http.request("GET", f"{self._viewer.dicomweb}/studies?{query}", headers=headers)
            return _read(answer.status, answer.json() if answer.data else [], study_uid)
        except urllib3.exceptions.HTTPError as error:
            log.warning("the viewer's archive cannot be asked (%s)", type(error).__name__)
            return _known(Holding.DOWN)
        except (ValueError, OSError):  # not JSON; no auth file any more
            return _known(Holding.UNCLEAR)

    def _pages_answer(self) -> bool:
        """The archive may live while the viewer's own web server does not."""
        try:
            return self._http.request("GET", self._viewer.url).status < _SERVER_ERROR
        except urllib3.exceptions.HTTPError:
            return False


def _stale(asked: Future[Held], since: datetime | None) -> bool:
    if not asked.done():
        return False
    at = asked.result().at or datetime.min.replace(tzinfo=UTC)
    return at < datetime.now(UTC) - FRESH or (since is not None and at < since)


def _known(holding: Holding, instances: int | None = None) -> Held:
    return Held(holding, instances, datetime.now(UTC))


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
    named = [entry for entry in body if isinstance(entry, dict) and _value(entry, _STUDY_UID) == study_uid]
    if len(named) > 1:  # one study UID under two patients: nobody can say which of them would open
        return _known(Holding.UNCLEAR)
    if named:
        counted = str(_value(named[0], _INSTANCES))
        return _known(Holding.HELD, int(counted) if counted.isdecimal() else None)
    return _known(Holding.UNCLEAR if body else Holding.ABSENT)


def _value(entry: Mapping[str, Any], tag: str) -> object:
    """The first value of an attribute of the DICOM JSON model (PS3.18 F.2)."""
    attribute = entry.get(tag)
    values = attribute.get("Value") if isinstance(attribute, dict) else None
    return values[0] if isinstance(values, list) and values else None
