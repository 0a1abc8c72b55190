"""Who may push images to us: the addresses and AE titles of the sources, and how many lines each may hold."""

import socket
import threading
import time
from collections import Counter
from collections.abc import Iterable
from ipaddress import IPv6Address, ip_address

from fetch.model import Source

MOST_LINES = 32
_MOST_OF_ONE_ADDRESS = 16
_MOST_OF_STRANGERS = 4
_MOST_REMEMBERED = 1000


class Callers:
    """The sources that speak DIMSE, by the addresses from which they may call; asked by several threads."""

    def __init__(self, sources: Iterable[Source]) -> None:
        self._sources = [source for source in sources if source.protocol == "dimse"]
        self._addresses: dict[str, frozenset[str]] = {}
        self._lock = threading.Lock()
        self._lines: Counter[str] = Counter()

    @property
    def opening(self) -> float:
        """Seconds within which a caller has to say what it wants."""
        return max((source.timeouts.association for source in self._sources), default=10.0)

    def look_up(self) -> None:
        """Resolve the hosts anew; one that cannot be resolved now keeps the addresses it had."""
        looking = [(source, _Looking(source)) for source in self._sources if not source.receive_from]
        found = {source.name: frozenset(source.receive_from) for source in self._sources}
        began = time.monotonic()
        for source, one in looking:
            one.join(max(0.0, began + source.timeouts.connect - time.monotonic()))
            found[source.name] = frozenset(one.found) or self._addresses.get(source.name, frozenset())
        self._addresses = found

    def named(self, address: str, aet: str) -> tuple[str, ...]:
        """The names of the sources that call from this address with this AE title."""
        return tuple(
            source.name
            for source in self._sources
            if source.aet == aet and address in self._addresses.get(source.name, ())
        )

    def enters(self, address: str) -> str | None:
        """The group in which a line is left for who calls from here, for ``leaves`` later; else None."""
        group, most = self._group(address)
        with self._lock:
            if self._lines.total() >= MOST_LINES or self._lines[group] >= most:
                return None
            self._lines[group] += 1
            return group

    def leaves(self, group: str) -> None:
        with self._lock:
            self._lines[group] -= 1

    def _group(self, address: str) -> tuple[str, int]:
        """Strangers, who are heard only so that they can be refused, are one group together."""
        if any(address in theirs for theirs in self._addresses.values()):
            return address, _MOST_OF_ONE_ADDRESS
        return "", _MOST_OF_STRANGERS


class _Looking(threading.Thread):
    """The system's resolver has time-outs of its own, often half a minute: it is asked where nobody waits."""

    def __init__(self, source: Source) -> None:
        super().__init__(name="resolve", daemon=True)
        self._host = source.host
        self.found: tuple[str, ...] = ()
        self.start()

    def run(self) -> None:
        try:
            entries = socket.getaddrinfo(self._host, None, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            return
        self.found = tuple(plain(str(where[0])) for *_, where in entries)


def plain(address: str) -> str:
    """A numeric address in its one form, without the IPv6 around an IPv4 one."""
    numeric = ip_address(address.partition("%")[0])
    mapped = numeric.ipv4_mapped if isinstance(numeric, IPv6Address) else None
    return str(mapped or numeric)


class Seldom:
    """Says yes once in so many seconds for each address, so that nobody fills the log."""

    def __init__(self, seconds: float = 60.0) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._last: dict[str, float] = {}

    def now(self, address: str) -> bool:
        now = time.monotonic()
        with self._lock:
            if now - self._last.get(address, -self._seconds) < self._seconds:
                return False
            if len(self._last) >= _MOST_REMEMBERED:
                self._last.clear()
            self._last[address] = now
            return True
