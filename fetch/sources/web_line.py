"""The line below an HTTP connection: dialled, encrypted, and ended by another thread in whatever state."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from urllib.parse import SplitResult

from fetch.errors import FetchError, trouble
from fetch.model import Source, Tls
from fetch.reasons import Reason
from fetch.sources import tls
from fetch.sources.line import address
from fetch.sources.web_faults import broken, unconnected

_PORTS = {"http": 80, "https": 443}


class WebLine:
    """One line at a time to where ``root`` leads. Only ``end`` is for other threads."""

    def __init__(self, source: Source, root: SplitResult, certificates: Tls) -> None:
        self._source, self._root, self._certificates = source, root, certificates
        self._guard = threading.Lock()
        self._grip: socket.socket | None = None
        """A second handle of the socket, for a socket that is being encrypted is out of reach."""
        self._ended = False
        self._late = False

    def dial(self) -> socket.socket:
        """A new line, encrypted if the root says so. Raises a :class:`FetchError`."""
        self.hang_up()
        if ours := self._our_doing():
            raise ours
        wire = self._connected()
        try:
            encrypted = self._encrypted(wire)
        except BaseException:
            wire.close()
            raise
        encrypted.settimeout(self._source.timeouts.message)
        return encrypted

    def _connected(self) -> socket.socket:
        where = address(replace(self._source, host=self._root.hostname or ""))
        port, seconds = self._root.port or _PORTS[self._root.scheme], self._source.timeouts.connect
        wire = socket.socket(socket.AF_INET6 if ":" in where else socket.AF_INET, socket.SOCK_STREAM)
        try:
            wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            wire.settimeout(seconds)
            self._hold(wire)
            wire.connect((where, port))
        except BaseException as error:
            wire.close()
            if isinstance(error, OSError):
                raise self._our_doing() or unconnected(error, seconds) from None
            raise
        return wire

    def _encrypted(self, wire: socket.socket) -> socket.socket:
        if self._root.scheme != "https":
            return wire
        context = tls.client_context(self._certificates)
        wire.settimeout(self._source.timeouts.association)
        try:
            return context.wrap_socket(wire, server_hostname=self._certificates.name or self._root.hostname)
        except TimeoutError:
            raise self._our_doing() or trouble(Reason.NO_ANSWER, "no TLS handshake in time") from None
        except OSError as failed:
            raise self._our_doing() or tls.fault(failed) from None
        except ValueError:  # also UnicodeError
            raise trouble(Reason.TLS_FAILED, "the name to check is none") from None

    def _hold(self, wire: socket.socket) -> None:
        with self._guard:
            self._grip = wire.dup()
        if self._ended:  # in the moment before there was something to cut
            self._cut()

    # --- how it ends

    def end(self) -> None:
        """For good: whatever waits for this line wakes with an error."""
        self._ended = True
        self._cut()

    def hang_up(self) -> None:
        with self._guard:
            if self._grip is not None:
                self._grip.close()
                self._grip = None

    @contextmanager
    def within(self, seconds: float) -> Iterator[threading.Timer]:
        """Cut the line if the block takes longer: each read has a time-out, a thousand short ones do not."""
        self._late = False
        timer = threading.Timer(seconds, self._expire)
        timer.daemon = True
        timer.start()
        try:
            yield timer
        finally:
            timer.cancel()

    @property
    def is_cut(self) -> bool:
        """By us: an end of what is read then means nothing."""
        return self._ended or self._late

    def fault(self, error: Exception) -> FetchError:
        """Why it broke."""
        return self._our_doing() or broken(error, self._source.timeouts.message)

    def _expire(self) -> None:
        self._late = True
        self._cut()

    def _cut(self) -> None:
        with self._guard, suppress(OSError):  # it may have ended by itself
            if self._grip is not None:
                self._grip.shutdown(socket.SHUT_RDWR)

    def _our_doing(self) -> FetchError | None:
        if self._ended:
            return trouble(Reason.CONNECTION_LOST, "ended by us")
        return trouble(Reason.NO_ANSWER, "not at an end in time") if self._late else None
