"""How long a fetch that failed for now rests before it is tried again, and whether it is. Pure."""

from datetime import timedelta

from fetch.reasons import Reason, Trouble
from preview.records import Outcome, Scope

GIVEN_UP = timedelta(seconds=120)
"""An ask that was begun so long ago and not finished has lost its worker."""
_RESTS = (10, 30, 120, 600, 1800, 3600)
"""Seconds, at most, after the first try, the second, and so on; the last for all that follow."""
_SHORTEST = timedelta(seconds=1)
_MOST_TRIES_FOR_GAPS = 3
"""An archive that answers but does not send may never send: then a person decides."""
_MOST_TRIES_FOR_RESOURCES = 12
"""Most of a day, at least several hours: one that is as short of resources then will be the next day."""
_MOST_TRIES_FOR_POSTERS = 3
"""Nobody asked for these by a click."""


def rest(tries: int, chance: float) -> timedelta:
    """How long to rest after so many tries. ``chance``: 0 to 1.

    Anything up to the limit ("full jitter"), so that nobody comes back together with all others.
    """
    return max(_SHORTEST, longest_rest(tries) * chance)


def longest_rest(tries: int) -> timedelta:
    """How long it can be after so many tries."""
    return timedelta(seconds=_RESTS[min(max(tries, 1), len(_RESTS)) - 1])


def tries_again(outcome: Outcome, reason: Reason | None, scope: Scope, tries: int) -> bool:
    """Is it tried again by itself? ``tries``: how often it was, this time included.

    What may pass by itself is tried until it is done or a person ends it, but an archive that
    answers each time that it is not able to, not for ever; set-up faults are explained
    instead, and gaps that stay are left to a person.
    """
    if outcome not in (Outcome.FAILED, Outcome.INCOMPLETE) or reason is None or not reason.retriable:
        return False
    if scope is Scope.POSTERS:
        return tries < _MOST_TRIES_FOR_POSTERS
    if reason is Reason.OUT_OF_RESOURCES:
        return tries < _MOST_TRIES_FOR_RESOURCES
    answers = reason in _GAPS or reason.trouble not in (Trouble.UNREACHABLE, Trouble.REFUSED)
    return tries < _MOST_TRIES_FOR_GAPS if answers else True


BRINGS_WITHIN = timedelta(seconds=300)
"""So long an archive that sends to the viewer may neither count nor bring anything before it is given up."""

AFTER_RECOVERY = frozenset(
    {
        *(Reason.CALLING_AET_UNKNOWN, Reason.CALLED_AET_UNKNOWN, Reason.REJECTED),
        *(Reason.NOT_DICOM, Reason.TLS_FAILED, Reason.UNAUTHORIZED),
    }
)
"""Set-up faults that keep an archive from being asked at all: when they are mended, its probes notice."""
_GAPS = (
    *(Reason.SOME_MISSING, Reason.NOT_DRAWN, Reason.NOTHING_SENT, Reason.NOT_SENT, Reason.REPORTED_FAILED),
    Reason.COUNTED_MORE,
)
