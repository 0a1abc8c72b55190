"""Two identities side by side: each part of them, and which characters of it differ. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from rapidfuzz.distance import Hamming, Indel, Opcode

from fetch.identity import Agreement, Field, Grade, Judgement
from fetch.model import Patient

_ALIKE, _ALIKE_IN_PLACE = 0.6, 0.5
"""What has less in common differs as a whole: single letters that happen to be in both tell nothing."""


@dataclass(frozen=True)
class Piece:
    """Some characters of a value; ``differs``: the other side has others, or none, in their place."""

    text: str
    differs: bool


def pieces(one: str, other: str) -> tuple[tuple[Piece, ...], tuple[Piece, ...]]:
    """Both values cut where they differ. Where one side says nothing, there is nothing to compare."""
    if one == other or not one or not other:
        return _whole(one, differs=False), _whole(other, differs=False)
    # Of one length, place by place: 57 for 75 is two wrong digits, not one that has moved.
    if len(one) == len(other) and Hamming.normalized_similarity(one, other) >= _ALIKE_IN_PLACE:
        return _cut(one, other, Hamming.opcodes(one, other))
    if Indel.normalized_similarity(one, other) >= _ALIKE:
        return _cut(one, other, Indel.opcodes(one, other))
    return _whole(one, differs=True), _whole(other, differs=True)


def _cut(one: str, other: str, steps: Iterable[Opcode]) -> tuple[tuple[Piece, ...], tuple[Piece, ...]]:
    ours: list[Piece] = []
    theirs: list[Piece] = []
    for step in _slid(one, other, list(steps)):
        differs = step.tag != "equal"
        ours += _whole(one[step.src_start : step.src_end], differs=differs)
        theirs += _whole(other[step.dest_start : step.dest_end], differs=differs)
    return _joined(ours), _joined(theirs)


def _slid(one: str, other: str, steps: list[Opcode]) -> Iterator[Opcode]:
    """What one side has more stands as far back as it can: ``Anne[ Marie]`` rather than ``Ann[e Mari]e``."""
    moved = [
        _may_slide(one, other, step, following)
        for step, following in zip(steps, [*steps[1:], None], strict=True)
    ]
    for place, step in enumerate(steps):
        start = moved[place] or (moved[place - 1] if place else 0)
        end = moved[place] or (moved[place + 1] if place + 1 < len(steps) else 0)
        if place == 0 and start:  # what it slides over stands before it then
            yield Opcode("equal", 0, start, 0, start)
        yield Opcode(
            step.tag, step.src_start + start, step.src_end + end, step.dest_start + start, step.dest_end + end
        )


def _may_slide(one: str, other: str, step: Opcode, following: Opcode | None) -> int:
    if step.tag not in ("delete", "insert") or following is None or following.tag != "equal":
        return 0
    text, start, end = (
        (one, step.src_start, step.src_end)
        if step.tag == "delete"
        else (other, step.dest_start, step.dest_end)
    )
    room = following.src_end - following.src_start
    return next((n for n in range(room) if text[start + n] != text[end + n]), room)


def _whole(text: str, *, differs: bool) -> tuple[Piece, ...]:
    return (Piece(text, differs),) if text else ()


def _joined(parts: list[Piece]) -> tuple[Piece, ...]:
    joined: list[Piece] = []
    for part in parts:
        if joined and joined[-1].differs == part.differs:
            joined[-1] = Piece(joined[-1].text + part.text, part.differs)
        else:
            joined.append(part)
    return tuple(joined)


class NamePart(StrEnum):
    """A part of a DICOM person name (PS3.5 6.2.1.1), in the order of a page."""

    FAMILY = "family"
    GIVEN = "given"
    MIDDLE = "middle"
    SUFFIX = "suffix"
    PREFIX = "prefix"
    IDEOGRAPHIC = "ideographic"
    PHONETIC = "phonetic"

    @property
    def field(self) -> Field | None:
        """What the judge calls it, where it compares it by itself."""
        return Field(self.value) if self.value in list(Field) else None


_ALWAYS = (NamePart.FAMILY, NamePart.GIVEN)


@dataclass(frozen=True)
class NameLine:
    """One part of both names."""

    part: NamePart
    images: str
    record: str


def name_lines(images: Patient, record: Patient) -> tuple[NameLine, ...]:
    """Family and given name, and whatever else either side has."""
    ours, theirs = _parts(images.name), _parts(record.name)
    lines = (NameLine(part, ours[part], theirs[part]) for part in NamePart)
    return tuple(line for line in lines if line.part in _ALWAYS or line.images or line.record)


def _parts(name: str) -> dict[NamePart, str]:
    alphabetic, ideographic, phonetic = [*name.split("="), "", ""][:3]
    family, given, middle, prefix, suffix = [*alphabetic.split("^"), *[""] * 5][:5]
    found = {
        NamePart.FAMILY: family,
        NamePart.GIVEN: given,
        NamePart.MIDDLE: middle,
        NamePart.SUFFIX: suffix,
        NamePart.PREFIX: prefix,
        NamePart.IDEOGRAPHIC: " ".join(_written(ideographic)),
        NamePart.PHONETIC: " ".join(_written(phonetic)),
    }
    return {part: text.strip() for part, text in found.items()}


def _written(group: str) -> Iterator[str]:
    return (part.strip() for part in group.split("^") if part.strip())


def fits_as_well(judgement: Judgement, other: Judgement) -> bool:
    """Is ``other`` of a grade that is as good, and not out of the question?"""
    return other.grade.rank <= judgement.grade.rank and other.grade is not Grade.CERTAINLY_NOT


_OFTEN_MISSING = (Field.MIDDLE, Field.SUFFIX, Field.ACCESSION)
"""Most people have none, or nobody knows of one: it tells nothing that they are missing."""


def by_agreement(fields: Mapping[str, str]) -> tuple[tuple[Agreement, tuple[Field, ...]], ...]:
    """What a stored judgement says of each field, in short; what another version called otherwise is left."""
    known = [(Field(field), said) for field, said in fields.items() if field in list(Field)]
    known = [
        (field, said) for field, said in known if said != Agreement.MISSING or field not in _OFTEN_MISSING
    ]
    grouped = ((one, tuple(field for field, said in known if said == one)) for one in Agreement)
    return tuple((one, some) for one, some in grouped if some)
