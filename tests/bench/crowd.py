"""Many browsers that look at their patient's page, and poll it at the pace that it names."""

import asyncio
import html
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from bench.visitor import Visitor

_POLL = re.compile(rb'id="panel"[^>]*?hx-get="([^"]+)" hx-trigger="every ([\d.]+)s"')
_PAGE_EVERY = 10
"""Of so many looks, one is a whole page: somebody comes back to it."""
_COME_S = 10
"""In so many seconds the browsers come, one after the other, while the fetches run already."""
_PATIENCE_S = 10


class Durations(list[float]):
    """Milliseconds."""

    def at(self, share: float) -> float:
        ordered = sorted(self)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


@dataclass
class Seen:
    """What the browsers met."""

    polls: Durations = field(default_factory=Durations)
    pages: Durations = field(default_factory=Durations)
    news: int = 0
    errors: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class Poll:
    path: str
    every: float


def poll_in(body: bytes) -> Poll | None:
    """What the panel asks for, and how often; a final one asks for nothing."""
    found = _POLL.search(body)
    return Poll(html.unescape(found[1].decode()), float(found[2])) if found else None


class Crowd:
    """One browser for each visitor named; a visitor may be named several times."""

    def __init__(self, port: int, visitors: Iterable[Visitor]) -> None:
        self._port, self._visitors = port, list(visitors)

    async def load(self, times: int, pause: float) -> Seen:
        """Every browser loads its page, again and again."""
        seen = Seen()

        async def look(visitor: Visitor, number: int) -> None:
            browser = _Browser(self._port, visitor, seen)
            await asyncio.sleep(pause * number / len(self._visitors))
            for _ in range(times):
                await browser.page()
                await asyncio.sleep(pause)

        await asyncio.gather(*(look(visitor, number) for number, visitor in enumerate(self._visitors)))
        return seen

    async def watch(self, seconds: float) -> Seen:
        """Every browser polls until its page is final, and no longer than so many seconds."""
        seen, began = Seen(), time.monotonic()

        async def look(visitor: Visitor, number: int) -> None:
            browser = _Browser(self._port, visitor, seen)
            await asyncio.sleep(_COME_S * number / len(self._visitors))
            await browser.watch(began + seconds, number)

        await asyncio.gather(*(look(visitor, number) for number, visitor in enumerate(self._visitors)))
        seen.seconds = time.monotonic() - began
        return seen


class _Browser:
    def __init__(self, port: int, visitor: Visitor, seen: Seen) -> None:
        self._port, self._path, self._cookie, self._seen = port, visitor.path, visitor.cookie, seen
        self._line: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def page(self) -> Poll | None:
        began = time.monotonic()
        status, body = await self._get(self._path)
        self._note(self._seen.pages, began, status == 200)
        return poll_in(body)

    async def watch(self, end: float, looks: int) -> None:
        """``looks``: so many before the first, that pages do not come all at once."""
        poll = await self.page()
        while poll and time.monotonic() < end:
            await asyncio.sleep(poll.every)
            looks += 1
            poll = await (self.page() if looks % _PAGE_EVERY == 0 else self._ask(poll))

    async def _ask(self, poll: Poll) -> Poll | None:
        began = time.monotonic()
        status, body = await self._get(poll.path)
        self._note(self._seen.polls, began, status in (200, 204))
        self._seen.news += status == 200
        return poll_in(body) if status == 200 else poll

    def _note(self, where: Durations, began: float, good: bool) -> None:
        where.append((time.monotonic() - began) * 1000)
        self._seen.errors += not good

    async def _get(self, path: str) -> tuple[int, bytes]:
        """Over the line that is open, as browsers do; over a new one if the server has closed it."""
        try:
            async with asyncio.timeout(_PATIENCE_S):
                if self._line:
                    try:
                        return await self._exchange(*self._line, path)
                    except (OSError, asyncio.IncompleteReadError):
                        self._line = None
                self._line = await asyncio.open_connection("127.0.0.1", self._port)
                return await self._exchange(*self._line, path)
        except (OSError, asyncio.IncompleteReadError, TimeoutError):
            self._line = None
            return 0, b""

    async def _exchange(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: str
    ) -> tuple[int, bytes]:
        lines = [f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{self._port}", f"Cookie: {self._cookie}"]
        writer.write("\r\n".join([*lines, "", ""]).encode())
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"(?i)\r\ncontent-length: (\d+)", head)
        body = await reader.readexactly(int(length[1])) if length else b""
        if b"connection: close" in head.lower():
            self._line = None
        return int(head.split(b" ", 2)[1]), body
