"""The vocabulary in which an archive is told to misbehave: one, though it lies in several files."""

from typing import Any, Literal

from preview.demo.delivery import *  # noqa: F403 — what it sends
from preview.demo.holdings import Level
from preview.demo.impostors import *  # noqa: F403 — what is no archive at all
from preview.demo.traits import *  # noqa: F403 — what it is made of
from preview.demo.traits import EVERY_QUESTION, REFUSED_FOR_NOW, RETRIEVALS, Behaviour, Kind, Refusal

RefusalReason = Literal["calling", "called", "busy", "permanent"]
REFUSALS: dict[str, Refusal] = {
    "calling": (1, 1, 3),
    "called": (1, 1, 7),
    "busy": REFUSED_FOR_NOW,
    "permanent": (1, 1, 1),
}


def first(n: int, how: Behaviour, *kinds: Kind) -> Behaviour:
    """Towards the first n requests only, of the kinds named (default: C-GET and C-MOVE); then well."""
    return how & Behaviour(first_of=(n, frozenset(kinds) or RETRIEVALS))


# The association


def refuses_association(reason: RefusalReason = "calling") -> Behaviour:
    return Behaviour(refusal=REFUSALS[reason])


def takes_at_most(n: int) -> Behaviour:
    """The next association is rejected for now: local limit exceeded."""
    return Behaviour(most_associations=n)


def hangs() -> Behaviour:
    """Takes the TCP connection and never answers the association request."""
    return Behaviour(hangs=True)


def drops_after_seconds(seconds: float) -> Behaviour:
    """Aborts every association so long after it was accepted, whatever is under way."""
    return Behaviour(drops_after_seconds=seconds)


def refuses_get() -> Behaviour:
    return refuses_services(Kind.GET)


def refuses_services(*kinds: Kind) -> Behaviour:
    """Accepts no presentation context for them: C-FIND, C-GET or C-MOVE."""
    return Behaviour(refused_services=frozenset(kinds))


def shuns_compressed_reports() -> Behaviour:
    """Aborts where a compressed syntax is proposed for an object that is no image."""
    return Behaviour(shuns_compressed_reports=True)


def throttled(bytes_per_second: int) -> Behaviour:
    """Sends no faster over each association that is opened from now on."""
    return Behaviour(bytes_per_second=bytes_per_second)


# Every question


def answers(status: int, *kinds: Kind) -> Behaviour:
    """Nothing but a final status, to the kinds named (default: C-FIND, C-GET and C-MOVE)."""
    return Behaviour(status=status, status_for=frozenset(kinds) or EVERY_QUESTION)


def refuses_level(level: Level | Literal["STUDY", "SERIES", "IMAGE"], *kinds: Kind) -> Behaviour:
    """0xA900 to questions at this level, of the kinds named (default: C-GET and C-MOVE)."""
    return Behaviour(refused_levels=frozenset((kind, Level(level)) for kind in kinds or RETRIEVALS))


def refuses_uid_lists() -> Behaviour:
    """0xA900 to every question with more than one UID of its level."""
    return Behaviour(refuses_uid_lists=True)


def slow(seconds_per_message: float) -> Behaviour:
    """Waits before every answer of a C-FIND and every instance of a C-GET or C-MOVE."""
    return Behaviour(seconds_per_message=seconds_per_message)


def hangs_in_find(after: int = 0) -> Behaviour:
    return Behaviour(hangs_after=(Kind.FIND, after))


def hangs_in_get(after: int = 0) -> Behaviour:
    return Behaviour(hangs_after=(Kind.GET, after))


def hangs_in_move(after: int = 0) -> Behaviour:
    return Behaviour(hangs_after=(Kind.MOVE, after))


def drops_after(n: int, kind: Kind = Kind.GET) -> Behaviour:
    """Aborts the association after n instances of a C-GET or C-MOVE, or n answers of a C-FIND."""
    return Behaviour(drops_after=(kind, n))


def breaks_down_after(n: int, kind: Kind = Kind.GET) -> Behaviour:
    """As ``drops_after``; from then on no association goes on, and every further one is refused as busy."""
    return drops_after(n, kind) & Behaviour(breaks_down=True)


def reports_pending_for_ever(*kinds: Kind) -> Behaviour:
    """A C-GET or C-MOVE (default) is pending and sends nothing, a C-FIND repeats its answers: for hours."""
    chosen = frozenset(kinds) or RETRIEVALS
    return Behaviour(endless=chosen, seconds_per_message=0.05 if chosen & RETRIEVALS else 0.0)


def ignores_cancel() -> Behaviour:
    return Behaviour(ignores_cancel=True)


def shuffles() -> Behaviour:
    """Answers and instances come in an order of its own, which is always the same."""
    return Behaviour(shuffles=True)


# What is found


def ignores_patient_id() -> Behaviour:
    """Takes no notice of a patient id or issuer, and so returns everybody."""
    return Behaviour(any_patient=True)


def matches_beginnings() -> Behaviour:
    """Adds a wildcard to the patient id."""
    return Behaviour(beginnings=True)


def caps_answers(n: int, status: int | None = None) -> Behaviour:
    """No more than n answers of a C-FIND: silently, or ended by a status such as 0xA700."""
    return Behaviour(cap=n, cap_status=status)


def omits_return_keys(*names: str) -> Behaviour:
    return Behaviour(omits=frozenset(names))


def refuses_keys(*names: str) -> Behaviour:
    """0xC000 to a C-FIND that has a value to match for one of them."""
    return Behaviour(refused_keys=frozenset(names))


def answers_with(**elements: Any) -> Behaviour:
    """These elements in every answer of a C-FIND, asked for or not, in place of the true ones."""
    return Behaviour(answered=tuple(elements.items()))


def answers_with_issuer(text: str) -> Behaviour:
    """Another Issuer of Patient ID in every answer of a C-FIND, asked for or not; "" for an empty one."""
    return answers_with(IssuerOfPatientID=text)


def answers_with_dates(text: str) -> Behaviour:
    """Another study date in every answer, however little it is one."""
    return answers_with(StudyDate=text)


def claims_charset(text: Literal["", "ISO_IR 100"]) -> Behaviour:
    """The bytes of an answer stay; the character set that is named with them is this, or none."""
    return Behaviour(charset=text)


def counts_wrong(n: int) -> Behaviour:
    """Every number of related series or instances is n too many."""
    return Behaviour(miscounts=n)


def repeats_answers(n: int) -> Behaviour:
    """Every answer of a C-FIND comes n times."""
    return Behaviour(repeats=n)
