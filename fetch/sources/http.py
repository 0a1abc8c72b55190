"""One HTTP connection to a source's DICOMweb: who we are, what is asked, and how much is read of the answer.

Proxies of the environment are not asked, and redirections are not followed.
"""

import ssl
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from email.message import Message
from http.client import HTTPConnection, HTTPResponse
from urllib.parse import urlsplit

from fetch.errors import FetchError, trouble
from fetch.model import Source, Tls
from fetch.reasons import Reason
from fetch.setting_types import authorization
from fetch.sources.web_faults import BROKEN
from fetch.sources.web_line import WebLine

_PIECE = 256 * 2**10
_LEAST = 16 * 2**10
"""Bytes that have to come in the time for which a source may be silent: a trickle is no answer."""
_REST = 64 * 2**10
_REST_S = 1.0
"""So much of an answer, and so long, is read only to keep the connection."""
_HUNG_UP = (ConnectionError, ssl.SSLEOFError, ssl.SSLZeroReturnError)


class Answer:
    """An answer to one GET. What reads it raises a :class:`FetchError` where it breaks off."""

    def __init__(self, response: HTTPResponse, line: WebLine, patience: float) -> None:
        self.status = response.status
        self._response, self._line = response, line
        self._left = response.length
        self._finished = response.length == 0
        self._patience = patience
        self._came, self._waited = 0, 0.0
        self._type = Message()
        self._type["Content-Type"] = self.header("Content-Type")

    def header(self, name: str) -> str:
        return self._response.getheader(name, "")

    @property
    def media_type(self) -> str:
        """Without parameters, in lower case."""
        return self._type.get_content_type()

    @property
    def boundary(self) -> str:
        return _boundary(self._type)

    def some(self) -> bytes:
        """More of the body, b"" at its end."""
        if self._finished:
            return b""
        if self.header("Content-Encoding").lower() not in ("", "identity"):  # little can unpack to gigabytes
            raise trouble(Reason.UNREADABLE, "compressed, though it was not asked to be")
        began = time.monotonic()
        try:
            piece = self._response.read1(_PIECE if self._left is None else min(_PIECE, self._left))
        except BROKEN as error:
            raise self._line.fault(error) from None
        self._account(len(piece), time.monotonic() - began)
        return piece

    def _account(self, came: int, seconds: float) -> None:
        if self._left is not None:
            self._left -= came
        self._finished = not came or self._left == 0
        if not came and (self._left or self._line.is_cut):
            raise self._line.fault(ConnectionResetError())
        self._came, self._waited = self._came + came, self._waited + seconds
        if self._waited < self._patience or self._finished:
            return
        if self._came < _LEAST:
            raise trouble(Reason.NO_ANSWER, f"hardly anything in {self._waited:.0f} s")
        self._came, self._waited = 0, 0.0

    def whole(self, longest: int) -> bytes | None:
        """The body, or None if it is longer than so many bytes."""
        body = bytearray()
        while some := self.some():
            body += some
            if len(body) > longest:
                return None
        return bytes(body)

    def is_over(self) -> bool:
        """Is everything read of it? A little more is read to find out."""
        end, read = time.monotonic() + _REST_S, 0
        try:
            while not self._finished and read < _REST and time.monotonic() < end:
                read += len(self.some())
        except FetchError:
            return False
        return self._finished

    def close(self) -> None:
        self._response.close()


class Connection:
    """Connects when it is first asked, and again when the source has hung up in between.

    For one thread; only ``end`` is for others. What it raises are :class:`FetchError`.
    """

    def __init__(self, source: Source) -> None:
        if source.web is None:
            raise trouble(Reason.NOT_SUPPORTED, "no DICOMweb in the settings")
        self._auth_file = source.web.auth_file
        self._root = urlsplit(source.web.url)
        self._patience = source.timeouts.message
        self._line = WebLine(source, self._root, source.web.tls or Tls())
        self._http: HTTPConnection | None = None
        self._signed_in = ""

    @contextmanager
    def get(self, path: str, *, accept: str, within: float | None = None) -> Iterator[Answer]:
        """The answer to a GET of ``path`` below the root, whatever its status is.

        ``within`` so many seconds all of it has to be read; else its head has to be here in the time for
        which a source may be silent. What the block does not read costs the connection.
        """
        with ExitStack() as unread:
            unread.callback(self.close)
            with self._line.within(self._patience if within is None else within) as timer:
                answer = Answer(self._asked(path, accept), self._line, self._patience)
                unread.callback(answer.close)
                if within is None:
                    timer.cancel()
                yield answer
            unread.pop_all()
        self._settle(answer)

    def end(self) -> None:
        """From another thread, for good: whatever waits for this connection wakes with an error."""
        self._line.end()

    def close(self) -> None:
        """Hang up; the next request would dial again."""
        if self._http is not None:
            self._http.close()
            self._http = None
        self._line.hang_up()

    # --- one request

    def _asked(self, path: str, accept: str) -> HTTPResponse:
        try:
            response = self._again(path, accept) or self._sent(self._opened(), path, accept)
            if response.status == 401 and self._signed_in != self._sign_in():  # renewed meanwhile
                response = self._sent(self._opened(), path, accept)
        except BROKEN as error:
            raise self._line.fault(error) from None
        except UnicodeError:
            raise trouble(Reason.HOST_UNKNOWN, "an address with letters that are none") from None
        return response

    def _again(self, path: str, accept: str) -> HTTPResponse | None:
        """Over the connection that is there, unless the source hung up while nobody asked it anything."""
        if self._http is None:
            return None
        try:
            return self._sent(self._http, path, accept)
        except _HUNG_UP:
            return None

    def _sent(self, http: HTTPConnection, path: str, accept: str) -> HTTPResponse:
        headers = {"Host": self._root.netloc.rpartition("@")[2], "Accept": accept}
        if self._signed_in:
            headers["Authorization"] = self._signed_in
        http.request("GET", self._root.path + path, headers=headers)
        return http.getresponse()

    def _opened(self) -> HTTPConnection:
        self.close()
        self._signed_in = self._sign_in()
        http = HTTPConnection(self._root.hostname or "", 80)  # in name only: the line below is ours
        http.sock = self._line.dial()
        http.auto_open = 0
        self._http = http
        return http

    def _sign_in(self) -> str:
        """The header that signs us in, read anew because tokens are renewed; "" where none is needed."""
        if self._auth_file is None:
            return ""
        try:
            said = authorization(self._auth_file)
        except OSError:
            said = None
        if not said or not said.isascii():
            raise trouble(Reason.UNAUTHORIZED, "the file that signs us in cannot be used")
        return said

    def _settle(self, answer: Answer) -> None:
        """Keep the connection if both sides can."""
        wire = self._http.sock if self._http else None
        if wire is None:
            self._drop(answer)
            return
        wire.settimeout(_REST_S)
        if answer.is_over():
            answer.close()
            wire.settimeout(self._patience)
        else:
            self._drop(answer)

    def _drop(self, answer: Answer | None) -> None:
        if answer is not None:
            answer.close()
        self.close()


def _boundary(content_type: Message) -> str:
    """The standard library's own fails on parameters that contradict each other (RFC 2231)."""
    try:
        return content_type.get_boundary("")
    except (TypeError, ValueError, LookupError):
        return ""
