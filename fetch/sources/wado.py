"""WADO-RS (PS3.18 10.4): instances of a study, one by one or a series at a time, over one connection."""

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from fetch.carrying import Bring, Deliver, Opened, Refused
from fetch.errors import trouble
from fetch.model import Instance, Level, Reported, Share, Source
from fetch.reasons import Reason
from fetch.sources import objects
from fetch.sources.http import Answer, Connection
from fetch.sources.multipart import Parts
from fetch.sources.paths import is_plain, resource
from fetch.sources.rendered import Rendering
from fetch.sources.web_faults import refusal

log = logging.getLogger(__name__)


_WARNING = 0xB000
"""Done, but not all of it: C-GET's word for it (PS3.4 C.4.3.1.4)."""
_PARTS = 'multipart/related; type="application/dicom"'
_AS_STORED = f"{_PARTS}; transfer-syntax=*"
_NOT_SO = (400, 406, 415)
"""What archives answer that do not know ``transfer-syntax=*``."""
_GONE = (404, 410)
_PARTIAL = 206
_PLAIN = ("application/dicom", "application/octet-stream")


@contextmanager
def carrying(
    source: Source,
    study_uid: str,
    deliver: Deliver,
    opened: Opened,
    *,
    rendered: bool,
    folder: Path | None = None,
    refused: Refused = lambda _reason, _instance: None,
) -> Iterator[Bring]:
    """One connection that brings share after share of this study; ``deliver`` takes each instance.

    ``opened`` is given a function with which another thread ends it at once. With ``rendered`` single
    instances come as pictures where the archive draws them. Objects above 32 MiB come as files in ``folder``
    (None: the system's for such). ``refused`` hears of each object that is not taken. Raises
    :class:`UnsafeQuery` for a UID that is none; what is yielded raises a :class:`FetchError`.
    """
    resource(study_uid)
    connection = Connection(source)
    opened(connection.end)
    try:
        rendering = Rendering(connection) if rendered else None
        yield _Carrier(connection, deliver, folder, refused, rendering).bring
    finally:
        connection.close()


@dataclass
class _Came:
    """What one request brought."""

    uids: list[str] = field(default_factory=list)
    refused: int = 0
    """Parts that are no objects which we take."""
    partial: bool = False
    """The archive itself said that something is missing."""


@dataclass
class _Carrier:
    connection: Connection
    deliver: Deliver
    folder: Path | None
    refused: Refused
    rendering: Rendering | None
    accept: str = _AS_STORED

    def bring(self, share: Share) -> Reported:
        """Raises a :class:`FetchError`; what was delivered before stays delivered."""
        if share.level is not Level.IMAGE:
            return self._whole(share)
        failed = [i.instance_uid for i in share.instances if not self._is_brought(share, i)]
        completed = len(share.instances) - len(failed)
        return Reported(completed, len(failed), _WARNING if failed else 0x0000, tuple(failed))

    def _is_brought(self, share: Share, instance: Instance) -> bool:
        uids = share.study_uid, instance.series_uid or share.series_uid, instance.instance_uid
        if not all(map(is_plain, uids)):
            return False
        path = resource(*uids)
        received = self.rendering.of(path, instance.instance_uid) if self.rendering else None
        if received:
            self.deliver(received)
            return True
        return instance.instance_uid in self._objects(path, instance.instance_uid).uids

    def _whole(self, share: Share) -> Reported:
        """A series or the study: how many there should have been, the archive does not say."""
        if not is_plain(share.series_uid or share.study_uid):
            return Reported(0, None, _WARNING)
        came = self._objects(resource(share.study_uid, share.series_uid))
        lacking = came.partial or came.refused or not came.uids
        failed = came.refused or (None if lacking else 0)
        return Reported(len(came.uids), failed, _WARNING if lacking else 0x0000)

    def _objects(self, path: str, instance_uid: str = "") -> _Came:
        with self._asked(path) as answer:
            came = _Came(partial=answer.status == _PARTIAL)
            if answer.status in _GONE:
                return came
            if answer.status not in (200, _PARTIAL):
                raise refusal(answer.status)
            for pieces in _bodies(answer):
                self._take(pieces, came, instance_uid)
        return came

    @contextmanager
    def _asked(self, path: str) -> Iterator[Answer]:
        with self.connection.get(path, accept=self.accept) as answer:
            if answer.status not in _NOT_SO or self.accept == _PARTS:
                yield answer
                return
        with self.connection.get(path, accept=_PARTS) as answer:
            if answer.status == 200:
                self.accept = _PARTS
            yield answer

    def _take(self, pieces: Iterator[bytes], came: _Came, instance_uid: str) -> None:
        """``instance_uid``: what was asked for; "" for more than one."""
        try:
            received = objects.receive(pieces, self.folder)
        except objects.Refused as refused:
            log.warning("an object of a source is not taken: %s", refused)
            came.refused += 1
            self.refused(refused.reason, instance_uid or refused.instance_uid)
            return
        with ExitStack() as untaken:
            if received.file:
                untaken.callback(received.file.unlink, missing_ok=True)
            self.deliver(received)
            untaken.pop_all()
        came.uids.append(received.instance_uid)


def _bodies(answer: Answer) -> Iterator[Iterator[bytes]]:
    """Each object of an answer, in pieces; an archive that sends one alone may do so without multipart."""
    if answer.media_type.startswith("multipart/") and answer.boundary:
        yield from Parts(answer.some, answer.boundary)
    elif answer.media_type in _PLAIN:
        yield iter(answer.some, b"")
    else:
        raise trouble(Reason.NOT_DICOM, "another media type than was asked for")
