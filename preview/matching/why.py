"""Why a study waits on the list, besides what a comparison of the two sides says, and how urgent that is."""

from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Any

from fetch.identity import Doubt, Grade
from fetch.reasons import _


class Why(Enum):
    """``code`` is stored; the sentence is for staff."""

    def __init__(self, code: str, sentence: str) -> None:
        self.code = code
        self.sentence = sentence

    LINKED_ELSEWHERE = (
        "linked-elsewhere",
        _("Staff have matched this id to another patient, and yet everything speaks for this one."),
    )
    DECIDED_OTHERWISE = (
        "decided-otherwise",
        _("Staff had said that this is somebody else; the images or the record have changed since."),
    )
    UNLIKELY = ("unlikely", _("By what is known now it is hardly this patient; nobody has decided yet."))
    SENT_UNASKED = ("sent-unasked", _("The archive sent images of this study without being asked."))


def sentence(code: str) -> str:
    """What a stored code says to staff, before it is translated; "" for one of another version."""
    for why in Why:
        if why.code == code:
            return why.sentence
    try:
        return Doubt.of(code).sentence
    except StopIteration:
        return ""


_URGENT = (
    ({Doubt.LINK_LAPSED.code, Why.LINKED_ELSEWHERE.code}, 0),
    ({Why.DECIDED_OTHERWISE.code, Doubt.SOURCES_DISAGREE.code, Doubt.FOREIGN_IMAGES.code}, 1),
    ({Doubt.LINK_CONTRADICTED.code}, 2),
)
_BY_GRADE = {Grade.PROBABLE.value: 3, Grade.POSSIBLE.value: 4}
_OTHERS = 5
_UNLIKELY = 6


def urgency(doubts: Iterable[str], grade: str, evidence: Mapping[str, Any]) -> int:
    """The most urgent have the lowest: what was shown as somebody's, then one id that may be two people."""
    codes = set(doubts)
    for urgent, rank in _URGENT:
        if codes & urgent:
            return rank
    fields = evidence.get("fields", {})
    if codes and grade != Grade.CERTAIN and fields.get("id") == fields.get("issuer") == "agree":
        return 2
    if codes & {Doubt.NO_LONGER_LISTED.code, Why.SENT_UNASKED.code}:
        return min(_OTHERS, _BY_GRADE.get(grade, _OTHERS))
    return _BY_GRADE.get(grade, _UNLIKELY)
