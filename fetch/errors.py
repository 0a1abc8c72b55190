"""What can go wrong between us and an archive.

::

    FetchError                    has a Reason; reason.retriable says whether trying again can help
     ├─ SourceUnreachable         nothing listens, nothing answers, or the line broke
     ├─ SourceRefused             it answered, but not now
     ├─ SetupFault                somebody has to change a setting, here or there
     └─ RequestFault              the archive did not accept this one request
    UnsafeQuery                   refused before anything was sent
"""

from fetch.model import is_one_uid
from fetch.reasons import Reason, Trouble


class FetchError(Exception):
    """A source could not be asked or would not deliver. ``detail`` is for engineers: no patient data."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(f"{reason.code} {detail}".strip())
        self.reason = reason
        self.detail = detail


class SourceUnreachable(FetchError): ...


class SourceRefused(FetchError): ...


class SetupFault(FetchError): ...


class RequestFault(FetchError): ...


class UnsafeQuery(ValueError):
    """An id that is empty or a wildcard would match everybody (PS3.4 C.2.2.2): nothing was sent."""


_KINDS = {
    Trouble.UNREACHABLE: SourceUnreachable,
    Trouble.REFUSED: SourceRefused,
    Trouble.SETUP: SetupFault,
    Trouble.REQUEST: RequestFault,
}


def trouble(reason: Reason, detail: str = "") -> FetchError:
    """The error of the right kind for this reason."""
    return _KINDS[reason.trouble](reason, detail)


def refuse_unsafe_uid(study_uid: str) -> None:
    """Raise :class:`UnsafeQuery` unless it names exactly one study."""
    if not is_one_uid(study_uid):
        raise UnsafeQuery("the study UID is empty, too long, a list, or holds a wildcard")
