"""What a document without pixels is about: its title and first lines, but nothing that says whose it is."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice

from pydicom import Dataset

from fetch.sources.reading import text
from preview.pictures.bad_input import BAD_INPUT
from preview.pictures.contrast import STORAGE
from preview.pictures.frame_facts import first_number
from preview.pictures.mentions import Mentions
from preview.pictures.outlines import Told, counted, plan, structures
from preview.pictures.references import references
from preview.pictures.selection import titled
from preview.pictures.sequences import items

_MOST_LINES = 40
_MOST_LOOKED_AT = 2000
_DEEPEST = 8
_LONGEST = 400
"""Characters of one line; no card has room for more."""

_LEFT_OUT = "…"

_SHOWN = ("CONTAINS", "HAS PROPERTIES", "INFERRED FROM")
"""Relations (PS3.3 C.17.3.2.4) to what is reported; others say who observed, whom, and how."""

_MODIFIER = "HAS CONCEPT MOD"
"""The relation to what may turn a statement into its opposite: absent, ruled out, of the other side."""
_MOST_MODIFIERS = 8
_DEEPEST_MODIFIER = 2

_LANGUAGES = {"121046", "121049"}
"""Country and language of the words (PS3.16 TID 1204)."""

_NOT_FINAL = (
    ("CompletionFlag", "PARTIAL"),
    ("VerificationFlag", "UNVERIFIED"),
    ("PreliminaryFlag", "PRELIMINARY"),
)
"""What a reader has to know before the rest (PS3.3 C.17.2)."""

_ABOUT_PERSONS = {"121029", "121030", "121031", "121032", "121033", "121008", "121022", "121023"}
"""Subject's name, id, birth date, sex, age; observer's name; accession numbers (PS3.16 TID 1001 and 1002)."""


@dataclass(frozen=True)
class Report:
    """A title, and lines to show below it; "" and none where the object has no such words."""

    title: str = ""
    lines: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.title or self.lines)


def report(ds: Dataset) -> Report:
    """Of an object of any kind; nothing odd in it can raise."""
    kind = text(ds, "SOPClassUID").removeprefix(STORAGE)
    tell = next((tell for begins, tell in _BY_CLASS.items() if f"{kind}.".startswith(f"{begins}.")), None)
    if tell is None:
        return Report()
    mentions = Mentions(ds)
    title, lines = tell(ds)
    told = _without(mentions, islice(lines, _MOST_LOOKED_AT))
    return Report("" if mentions.within(title) else title, tuple(islice(told, _MOST_LINES)))


def _without(mentions: Mentions, lines: Iterable[str]) -> Iterator[str]:
    """What is left out leaves a trace: what stands around it may mean something else without it."""
    before = ""
    for line in filter(None, lines):
        shown = _LEFT_OUT if mentions.within(line) else line
        if shown != _LEFT_OUT or before != _LEFT_OUT:
            yield shown
        before = shown


def _structured_report(ds: Dataset) -> Told:
    title = _meaning(ds, "ConceptNameCodeSequence")
    return f"{title}{_modified(ds)}" if title else "", chain([_state(ds)], _content(ds))


def _state(ds: Dataset) -> str:
    return ", ".join(flag for keyword, flag in _NOT_FINAL if text(ds, keyword) == flag).capitalize()


def _content(ds: Dataset, depth: int = 0) -> Iterator[str]:
    for item in items(ds, "ContentSequence"):
        if text(item, "RelationshipType") not in _SHOWN:
            continue
        yield _line(item)
        if depth < _DEEPEST:
            yield from _content(item, depth + 1)


def _line(item: Dataset, depth: int = 0) -> str:
    """``Diameter: 12 mm (Laterality: Left)``; "" for what says nothing without its modifiers."""
    said = _said(item)
    return f"{said}{_modified(item, depth)}" if said else ""


def _modified(item: Dataset, depth: int = 0) -> str:
    """What modifies it, in brackets; what cannot be told leaves a trace."""
    modifiers = [
        one
        for one in items(item, "ContentSequence")
        if text(one, "RelationshipType") == _MODIFIER and _code_value(one) not in _LANGUAGES | _ABOUT_PERSONS
    ]
    told = modifiers[:_MOST_MODIFIERS] if depth < _DEEPEST_MODIFIER else []
    lines = [_line(one, depth + 1) or _LEFT_OUT for one in told]
    lines += [_LEFT_OUT] * (len(told) < len(modifiers))
    return f" ({_short(', '.join(lines))})" if lines else ""


def _said(item: Dataset) -> str:
    """Nothing for what is no text, code or number, such as a person's name or a date."""
    read = {"TEXT": _text, "CODE": _code, "NUM": _measurement}.get(text(item, "ValueType"))
    name = _meaning(item, "ConceptNameCodeSequence")
    if text(item, "ValueType") == "CONTAINER":
        return name
    if read is None or _code_value(item) in _ABOUT_PERSONS:
        return ""
    value = read(item)
    return f"{name}: {value}" if name and value else value


def _text(item: Dataset) -> str:
    try:
        words = str(item.get("TextValue") or "")[: 4 * _LONGEST].split()
    except BAD_INPUT:
        return ""
    return _short("".join(letter for letter in " ".join(words) if letter.isprintable()))


def _short(words: str) -> str:
    """Cut between two words: half a name would not be known as one."""
    if len(words) <= _LONGEST:
        return words
    return f"{words[:_LONGEST].rpartition(' ')[0]} {_LEFT_OUT}".strip()


def _code(item: Dataset) -> str:
    return _meaning(item, "ConceptCodeSequence")


def _measurement(item: Dataset) -> str:
    for measured in items(item, "MeasuredValueSequence")[:1]:
        number = first_number(measured, "NumericValue")
        units = [text(unit, "CodeValue") for unit in items(measured, "MeasurementUnitsCodeSequence")[:1]]
        unit = "".join(unit for unit in units if unit != "1" and not unit.startswith("{"))
        return f"{number:g} {unit}".strip()[:_LONGEST] if number is not None else ""
    return ""


def _meaning(ds: Dataset, sequence: str) -> str:
    return "".join(_short(text(code, "CodeMeaning")) for code in items(ds, sequence)[:1])


def _code_value(item: Dataset) -> str:
    return "".join(text(code, "CodeValue") for code in items(item, "ConceptNameCodeSequence")[:1])


def _key_objects(ds: Dataset) -> Told:
    return titled(ds)[0], _counted(ds)


def _presentation_state(ds: Dataset) -> Told:
    return "", _counted(ds)


def _counted(ds: Dataset) -> Iterator[str]:
    count = len(references(ds, text(ds, "SOPClassUID")))
    yield f"{count} image{'s' * (count != 1)}" if count else ""
    yield from _content(ds)


def _labelled(*keywords: str) -> Callable[[Dataset], Told]:
    def told(ds: Dataset) -> Told:
        return next((_short(text(ds, keyword)) for keyword in keywords if text(ds, keyword)), ""), iter(())

    return told


def _waveform(ds: Dataset) -> Told:
    return "", (_recorded(group) for group in items(ds, "WaveformSequence"))


def _recorded(group: Dataset) -> str:
    channels, samples, rate = (
        first_number(group, keyword) or 0
        for keyword in ("NumberOfWaveformChannels", "NumberOfWaveformSamples", "SamplingFrequency")
    )
    return f"{channels:g} channels, {samples / rate:.3g} s" if channels and rate else ""


_SEGMENTS = counted("segment", "SegmentSequence", "SegmentedPropertyTypeCodeSequence")
_BY_CLASS: dict[str, Callable[[Dataset], Told]] = {
    "88.59": _key_objects,
    "88": _structured_report,
    "11": _presentation_state,
    **dict.fromkeys(("66.4", "66.5", "66.7", "66.8"), _SEGMENTS),
    "66.6": counted("track set", "TrackSetSequence", "TrackSetAnatomicalTypeCodeSequence"),
    "91.1": counted("annotation group", "AnnotationGroupSequence", "AnnotationPropertyTypeCodeSequence"),
    "481.3": structures,
    **dict.fromkeys(("481.5", "481.8"), plan),
    "104": _labelled("DocumentTitle"),
    "9": _waveform,
}
"""By the part of the SOP class behind the common root; the first that fits tells."""
