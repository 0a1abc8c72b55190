"""What an archive can do otherwise than the standard says: every trait, and how two of them go together."""

from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any

from preview.demo.holdings import Level

Refusal = tuple[int, int, int]
"""Result, source and reason of an A-ASSOCIATE-RJ, PS3.8 table 9-21."""
REFUSED_FOR_NOW: Refusal = (2, 3, 2)
"""Transient, by the presentation service: local limit exceeded."""


class Kind(StrEnum):
    """What an archive can be asked for."""

    ASSOCIATION = "A-ASSOCIATE"
    ECHO = "C-ECHO"
    FIND = "C-FIND"
    GET = "C-GET"
    MOVE = "C-MOVE"
    STORE = "C-STORE"


class Stranger(StrEnum):
    """How an archive hands over somebody else's instance."""

    UNDER_THE_ASKED_UID = "the instance UID that was asked for, the patient and study of somebody else"
    COMMAND_LIES = "the asked UID in the command only, somebody else's complete data set behind it"
    EXTRA = "everything that was asked for, and one instance of somebody else besides"


class Pixels(StrEnum):
    """What becomes of the pixel data of every instance."""

    MISSING = "the element is not there"
    EMPTY = "the element is there, of zero length"


EVERY_QUESTION = frozenset({Kind.FIND, Kind.GET, Kind.MOVE})
RETRIEVALS = frozenset({Kind.GET, Kind.MOVE})
EVERY = 1_000_000
"""More instances than any study has."""


@dataclass(frozen=True)
class Behaviour:
    """How an archive departs from the standard; the default is not at all."""

    # The association
    refusal: Refusal | None = None
    hangs: bool = False
    most_associations: int | None = None
    drops_after_seconds: float | None = None
    refused_services: frozenset[Kind] = frozenset()
    shuns_compressed_reports: bool = False
    bytes_per_second: int | None = None

    # Every question
    first_of: tuple[int, frozenset[Kind]] | None = None
    """Only towards so many requests, of these kinds; the archive behaves well towards all others."""
    hangs_after: tuple[Kind, int] | None = None
    drops_after: tuple[Kind, int] | None = None
    breaks_down: bool = False
    """Once an association was dropped, no other goes on, and none is let in."""
    status: int | None = None
    status_for: frozenset[Kind] = EVERY_QUESTION
    refused_levels: frozenset[tuple[Kind, Level]] = frozenset()
    refuses_uid_lists: bool = False
    seconds_per_message: float = 0.0
    endless: frozenset[Kind] = frozenset()
    ignores_cancel: bool = False
    shuffles: bool = False

    # What is found
    any_patient: bool = False
    beginnings: bool = False
    cap: int | None = None
    cap_status: int | None = None
    omits: frozenset[str] = frozenset()
    refused_keys: frozenset[str] = frozenset()
    answered: tuple[tuple[str, Any], ...] = ()
    """Elements put into every answer, asked for or not, in place of what is there."""
    miscounts: int = 0
    repeats: int = 1
    charset: str | None = None

    # What is sent
    sends_nothing: bool = False
    offline_seconds: float | None = None
    stranger: Stranger | None = None
    foreign: int = 0
    twice: bool = False
    leaves_out: int = 0
    admits: bool = False
    pixels: Pixels | None = None
    wrong_uid: str = ""
    wrong_syntax: bool = False
    giant_pdu: bool = False
    breaks_on_compressed: bool = False
    hides_originator: bool = False
    late_seconds: float | None = None

    # What is said of it
    claims_success: bool = False
    moves_to_nobody: bool = False
    hides_counts: bool = False
    hides_failed: bool = False
    hides_pending: bool = False

    def __and__(self, other: "Behaviour") -> "Behaviour":
        """Both at once: sets are joined; where they disagree otherwise, the second."""
        chosen = {f.name: getattr(self, f.name) for f in fields(self)}
        for f in fields(other):
            theirs = getattr(other, f.name)
            if theirs == f.default:
                continue
            chosen[f.name] = _joined(chosen[f.name], theirs) if f.default in ((), frozenset()) else theirs
        return Behaviour(**chosen)

    def final_status(self, kind: Kind) -> int | None:
        return self.status if kind in self.status_for else None


def _joined(ours: Any, theirs: Any) -> Any:
    return ours + theirs if isinstance(ours, tuple) else ours | theirs


WELL = Behaviour()
