"""What whoever carries images is given and yields, whichever the way."""

from collections.abc import Callable

from fetch.model import Received, Reported, Share
from fetch.reasons import Reason

Bring = Callable[[Share], Reported]
"""Brings a share; returns what the archive says of it."""
Deliver = Callable[[Received], None]
"""Takes each object as it comes, and may block."""
Opened = Callable[[Callable[[], None]], None]
"""Is given a function with which another thread ends the connection at once."""
Refused = Callable[[Reason, str], None]
"""Hears why we did not take an object, and its UID or what stands for it; "" where that is not known."""
