"""When a page polls next: not all at once, and where many watch, each a little later."""

import random
import threading
import time
from collections import deque

_CALM = 30
"""So many live panels a second cost a web process about a tenth of its time."""
_LONGEST_S = 5.0
"""The banner of an outage comes with the poll."""


class Pacing:
    """Of one web process. ``spread`` is the filter that writes the seconds for ``hx-trigger``."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lately: deque[float] = deque()

    def spread(self, seconds: float) -> str:
        """A little sooner or later: pages that once waited for the same moment would otherwise ask again
        in the same moment. Two hundred that watch are told to come more seldom than two.
        """
        crowded = max(1.0, self._in_the_last_second() / _CALM)
        longest = max(seconds, _LONGEST_S)
        by_chance = random.uniform(0.85, 1.15)  # noqa: S311 — no secret
        return f"{min(longest, seconds * crowded) * by_chance:.2f}s"

    def _in_the_last_second(self) -> int:
        now = time.monotonic()
        with self._lock:
            self._lately.append(now)
            while self._lately[0] < now - 1:
                self._lately.popleft()
            return len(self._lately)
