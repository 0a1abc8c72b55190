"""A multipart body (RFC 2046 5.1, PS3.18 8.6.1.2) as it comes: no more of it in memory than one piece."""

from collections.abc import Callable, Iterator

from fetch.errors import trouble
from fetch.reasons import Reason

_LONGEST_HEADER = 16 * 2**10
"""Bytes of what stands before the data of one part."""


class Parts:
    """The data of each part, in pieces; whoever goes on to the next part skips what is left of the last.

    ``some`` returns more of the body, b"" at its end. Raises a :class:`FetchError` where the body ends before
    its last delimiter: nobody can tell then whether the last part is whole.
    """

    def __init__(self, some: Callable[[], bytes], boundary: str) -> None:
        self._some = some
        self._delimiter = b"\r\n--" + boundary.encode("latin-1", "replace")
        self._held = b"\r\n"  # with this the first delimiter is like every other one

    def __iter__(self) -> Iterator[Iterator[bytes]]:
        _skip(self._data())  # what may stand before the first delimiter
        while self._is_followed():
            self._skip_header()
            part = self._data()
            yield part
            _skip(part)

    def _data(self) -> Iterator[bytes]:
        """Everything up to the next delimiter; that is taken away too."""
        keep = len(self._delimiter) - 1
        while (end := self._held.find(self._delimiter)) < 0:
            piece, self._held = self._held[:-keep], self._held[-keep:]
            if piece:
                yield piece
            self._more()
        piece, self._held = self._held[:end], self._held[end + len(self._delimiter) :]
        if piece:
            yield piece

    def _is_followed(self) -> bool:
        """By a part: two hyphens after a delimiter say that it was the last."""
        while len(self._held) < 2:
            self._more()
        return not self._held.startswith(b"--")

    def _skip_header(self) -> None:
        """What is in a part, its first bytes say better than its header does."""
        while (end := self._held.find(b"\r\n\r\n")) < 0:
            if len(self._held) > _LONGEST_HEADER:
                raise trouble(Reason.UNREADABLE, "the header of a part does not end")
            self._more()
        self._held = self._held[end + 4 :]

    def _more(self) -> None:
        some = self._some()
        if not some:
            raise trouble(Reason.CONNECTION_LOST, "the answer ended before its last part did")
        self._held += some


def _skip(pieces: Iterator[bytes]) -> None:
    for _ in pieces:
        pass
