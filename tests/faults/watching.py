"""What every page says above everything else, looked at all the time: when it begins, and when it is gone."""

import re
import threading
import time
from types import TracebackType
from typing import Self

from support.inspecting import text_of
from support.installation import Installation

_LOOK_S = 0.25


class Watch:
    """``with Watch(site) as watch: …; watch.broken(); …; watch.healed()``; then its seconds."""

    def __init__(self, site: Installation) -> None:
        self._client = site.app.test_client()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._broken_at = self._healed_at = float("inf")
        self._last = ""
        self.said = ""
        """The first that was said after it broke."""
        self.to_banner: float | None = None
        self.to_recovery: float | None = None
        """From the end of the fault until it was gone, if anything was said at all."""
        self.slowest = 0.0
        """Seconds of the slowest page."""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join(20)

    def broken(self) -> None:
        self._broken_at = time.monotonic()

    def healed(self) -> None:
        self._healed_at = time.monotonic()

    def is_gone(self) -> bool:
        """Is nothing said now?"""
        return not self._last

    def _look(self) -> None:
        while not self._over.wait(_LOOK_S):
            began = time.monotonic()
            said = _banner(self._client.get("/").text)
            now = time.monotonic()
            self.slowest = max(self.slowest, now - began)
            if said and began >= self._broken_at and self.to_banner is None:
                self.to_banner, self.said = now - self._broken_at, said
            if self._last and not said and began >= self._healed_at and self.to_recovery is None:
                self.to_recovery = now - self._healed_at
            self._last = said


def _banner(html: str) -> str:
    """The first sentence of trouble; that something is over is none."""
    if "The database cannot be reached" in html:
        return "The database cannot be reached"
    found = re.findall(r'(?s)<details class="notice[^"]*" id="banner-[^"]*"><summary>(.*?)</summary>', html)
    sentences = [text_of(one).strip() for one in found]
    return next((one for one in sentences if "can be reached again" not in one), "")
