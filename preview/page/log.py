"""The log of a fetch, in plain words: a stored note and its facts as one sentence. Pure."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from fetch.model import Way
from fetch.notes import UNKNOWN, Note
from fetch.reasons import Reason, _

MOST_LINES = 30
"""Of one fetch, the last of them are shown."""
_WAYS: dict[str, str] = {Way.GET: "C-GET", Way.MOVE: "C-MOVE", Way.WADO: "WADO-RS"}
_INSTEAD = frozenset({_("single images"), _("whole series"), _("the whole study")})
_CODES = {
    "COMPLETE": _("complete"),
    "INCOMPLETE": _("with gaps"),
    "FAILED": _("without success"),
    "CANCELLED": _("cancelled"),
    UNKNOWN: _("an unknown number of"),
}

Translate = Callable[[str], str]
Choose = Callable[[str, str, int], str]
"""The translation of a sentence for one, or of the one for many, whichever the number asks for."""


@dataclass(frozen=True)
class LogLine:
    """One note of a fetch's own course."""

    at: datetime
    note: Note
    facts: tuple[tuple[str, int | str], ...] = ()


class _Facts(dict[str, str]):
    def __missing__(self, _name: str) -> str:
        """A note that another version has written may lack a fact: a page does not fail over it."""
        return "–"


def in_english(one: str, many: str, count: int) -> str:
    return one if count == 1 else many


def told(line: LogLine, translate: Translate = str, choose: Choose = in_english) -> str:
    """The sentence, in the language of ``translate`` and ``choose``."""
    note, count = line.note, dict(line.facts).get("count")
    many = count if isinstance(count, int) else 0
    sentence = choose(note.sentence, note.many, many) if note.many else translate(note.sentence)
    return sentence % _Facts(_said(line.facts, translate))


def _said(facts: Iterable[tuple[str, int | str]], translate: Translate) -> Iterable[tuple[str, str]]:
    for name, value in facts:
        text = str(value)
        yield name, translate(text) if name == "why" and text else _word(text, translate)


def _word(value: str, translate: Translate) -> str:
    """Codes of reasons and names of ways are stored; what people know them by is shown."""
    reason = Reason.of(value)
    if reason is not None:
        return translate(reason.sentence)
    if value in _INSTEAD:
        return translate(value)
    if value in _CODES:
        return translate(_CODES[value])
    return _WAYS.get(value, value)
