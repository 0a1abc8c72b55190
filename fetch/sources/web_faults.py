"""What an HTTP status, or a connection that breaks, says about a source."""

import ssl
from http.client import HTTPException, IncompleteRead

from fetch.errors import FetchError, trouble
from fetch.reasons import Reason
from fetch.sources import tls

BROKEN = (OSError, HTTPException)
"""What http.client raises for a line that breaks, or that speaks something else."""

_STATUSES = {
    401: Reason.UNAUTHORIZED,
    403: Reason.UNAUTHORIZED,
    404: Reason.NOT_SUPPORTED,
    405: Reason.NOT_SUPPORTED,
    408: Reason.NO_ANSWER,
    410: Reason.NOT_SUPPORTED,
    413: Reason.OUT_OF_RESOURCES,  # of a search: more than it gives in one answer (PS3.18 10.6.3.1)
    429: Reason.BUSY,
    501: Reason.NOT_SUPPORTED,
    502: Reason.NO_CONNECTION,  # a gateway in front of the archive says that it is away
    503: Reason.BUSY,
    504: Reason.NO_ANSWER,
    505: Reason.NOT_SUPPORTED,
}
_CLASSES = {3: Reason.NOT_DICOM, 5: Reason.OUT_OF_RESOURCES}  # a redirection leads to a page of sign-in


def refusal(status: int) -> FetchError:
    """The error for a status that is not success (PS3.18 8.5)."""
    reason = _STATUSES.get(status) or _CLASSES.get(status // 100, Reason.REQUEST_FAILED)
    return trouble(reason, f"status {status}")


def unconnected(error: OSError, seconds: float) -> FetchError:
    """The error for a TCP connection that did not come about within so many seconds."""
    if isinstance(error, ConnectionRefusedError):
        return trouble(Reason.CONNECTION_REFUSED)
    if isinstance(error, TimeoutError):
        return trouble(Reason.NO_CONNECTION, f"no TCP connection after {seconds:.0f} s")
    return trouble(Reason.NO_CONNECTION, f"errno {error.errno}")


def broken(error: Exception, seconds: float) -> FetchError:
    """The error for a connection that broke; ``seconds``: how long it may be silent."""
    if isinstance(error, TimeoutError):
        return trouble(Reason.NO_ANSWER, f"silent for {seconds:.0f} s")
    if isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return tls.fault(error)
    if isinstance(error, OSError | IncompleteRead):
        return trouble(Reason.CONNECTION_LOST, "the connection ended")
    return trouble(Reason.NOT_DICOM, "no HTTP")
