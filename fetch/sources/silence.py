"""How long an archive that was asked to send may stand still before it is given up. Pure."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

_FROM_TAPE_S = 600.0
"""Many archives say nothing between the request and the end of a C-MOVE, and fetch from tape meanwhile."""
_FROM_DISK_S = 120.0
"""As above, of what the archive does not call archived."""
_LULL_S = 60.0
_ALL_HERE_S = 10.0
_HURRIED_S = 30.0
"""What nobody asked for shall not hold for long what others wait for."""


@dataclass(frozen=True)
class Silence:
    """For how many seconds an archive may bring nothing at all and count nothing."""

    before: float = _FROM_DISK_S
    """Before anything came because of this request."""
    between: float = _LULL_S
    """After something came."""
    after: float = field(default_factory=lambda: _ALL_HERE_S)
    """When everything is here, and only its final response is not."""
    archived: Callable[[], bool] = lambda: False
    """Does the archive say that it has to fetch it from where that takes long?"""
    patient: Callable[[], bool] = lambda: True
    """Is it wanted by somebody who waits for it?"""

    def at_least(self, message: float) -> "Silence":
        """An archive that may be silent for so long between two messages may be so here."""
        return replace(self, before=max(self.before, message), between=max(self.between, message))

    def longest(self, *, begun: bool, done: bool) -> float:
        """Seconds; ``begun``: something came of this request, ``done``: everything is here."""
        if done:
            return self.after
        allowed = self.between if begun else self.before
        if not self.patient():
            return min(allowed, _HURRIED_S)
        return max(allowed, _FROM_TAPE_S) if self.archived() else allowed
