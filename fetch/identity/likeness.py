"""Two names side by side: how much each part resembles the other's, in either order, in any group."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product

from fetch.identity.grades import Agreement
from fetch.identity.letters import foldings, guess, is_latin
from fetch.identity.names import Name, Names
from fetch.identity.nicknames import are_forms_of_one
from fetch.identity.slips import CLOSE, likeness, slip_in_family_name, slip_in_given_name

ALIKE = 0.84
"""Similar: worth a look, and another name as likely as not."""
_ALIKE_BESIDE_THE_SAME_GIVEN_NAME = 0.8
"""Of family names, because strangers who share the given name, the birth date and an id hardly exist."""
_SWAP_GAIN = 0.2
_SHORTEST_PART = 3
_Words = tuple[str, ...]


@dataclass(frozen=True)
class Likeness:
    """``close``: near enough to count where everything else is the same; ``ratio`` is for the order only."""

    agreement: Agreement
    ratio: float = 0.0
    close: bool = False


@dataclass(frozen=True)
class NamesCompared:
    """What came of two names. Where they are swapped, ``family`` is the first one's beside what is there."""

    family: Likeness
    given: Likeness
    middle: Agreement = Agreement.MISSING
    swapped: bool = False
    undivided: bool = False
    other_letters: bool = False
    other_writing: bool = False
    crossing: bool = False
    """One part of either name stands in the other one's other place, though the rest does not."""
    by_other_name: bool = False
    """The family name is one that the other side has, or had, besides."""

    @property
    def agree(self) -> bool:
        return self.family.agreement is self.given.agreement is Agreement.AGREE

    @property
    def ratio(self) -> float:
        return self.family.ratio + self.given.ratio


_NEARER = list(Agreement)
_AGREE = Likeness(Agreement.AGREE, 1.0, close=True)
_MISSING = Likeness(Agreement.MISSING)
OTHER_NAME = Likeness(Agreement.SIMILAR, CLOSE)
"""It is another word, and may be the same person's: evidence, and no more."""


@lru_cache(maxsize=4096)
def compare_names(one: Names, other: Names) -> NamesCompared:
    """The spelled groups; where those do not agree, whichever groups have the most in common."""
    best = _compare_groups(one.groups[0], other.groups[0])
    for ours, theirs in product(one.groups, other.groups):
        if not (best.agree or ours.empty or theirs.empty):
            best = max(best, _compare_groups(ours, theirs), key=lambda compared: compared.ratio)
    return replace(best, other_writing=True) if _written_otherwise(one, other) else best


def _written_otherwise(one: Names, other: Names) -> bool:
    """Who is pronounced alike may be somebody else by the ideographs."""
    pairs = zip(one.groups[1:], other.groups[1:], strict=True)
    return any(not (a.empty or b.empty) and not _compare_groups(a, b).agree for a, b in pairs)


def _compare_groups(one: Name, other: Name) -> NamesCompared:
    if _undivided(one, other):
        return NamesCompared(_AGREE, _AGREE, undivided=True)
    given, middle = _compare_givens_and_middles(one, other)
    family = compare_families(one.family, other.family)
    if given.agreement is Agreement.AGREE and family.ratio >= _ALIKE_BESIDE_THE_SAME_GIVEN_NAME:
        family = replace(family, agreement=min(family.agreement, Agreement.SIMILAR, key=_NEARER.index))
    straight = NamesCompared(family, given, middle, other_letters=_other_letters(one, other))
    if straight.agree or not (one.family and one.given and other.family and other.given):
        return straight
    crossed = replace(
        straight,
        family=compare_givens(one.family, other.given),
        given=compare_givens(one.given, other.family),
        middle=compare_middles(one.middle, other.middle),
        swapped=True,
    )
    found = min(crossed.family.ratio, crossed.given.ratio) >= ALIKE
    if found and crossed.ratio > straight.ratio + _SWAP_GAIN:
        return crossed
    return replace(straight, crossing=max(crossed.family.ratio, crossed.given.ratio) >= CLOSE)


def _undivided(one: Name, other: Name) -> bool:
    """Is one side's whole name in its family part, and the same as the other's, in either order?"""
    if bool(one.given) == bool(other.given) or not (one.family and other.family):
        return False
    whole, parted = (other, one) if one.given else (one, other)
    joined = "".join(whole.family + whole.middle)
    family, given, middle = ("".join(part) for part in (parted.family, parted.given, parted.middle))
    orders = (family + given + middle, family + given, given + family, given + middle + family)
    return any(_same(joined, order) for order in orders)


def _same(one: str, other: str) -> bool:
    return one == other or not foldings(one).isdisjoint(foldings(other))


def _other_letters(one: Name, other: Name) -> bool:
    ours, theirs = ("".join(name.family + name.given) for name in (one, other))
    return bool(ours) and bool(theirs) and is_latin(ours) != is_latin(theirs)


@lru_cache(maxsize=8192)
def compare_families(ours: _Words, theirs: _Words) -> Likeness:
    """Of a double surname one side may leave out a part."""
    compared = _compare_words(ours, theirs, slip_in_family_name)
    if compared.agreement is Agreement.AGREE or not _leaves_out_a_part(ours, theirs):
        return compared
    return Likeness(Agreement.SIMILAR, max(compared.ratio, CLOSE), close=True)


def _leaves_out_a_part(ours: _Words, theirs: _Words) -> bool:
    """Are all words of one side among the other's (``GARCIA`` and ``GARCIA LOPEZ``), but for particles?"""
    long = (len(word) >= _SHORTEST_PART for word in (*ours, *theirs))
    if len(ours) == len(theirs) == 1 or not any(long):
        return False
    one, other = ({min(foldings(w)) for w in words if len(w) >= _SHORTEST_PART} for words in (ours, theirs))
    return bool(one and other) and (one <= other or other <= one)


@lru_cache(maxsize=8192)
def compare_givens(ours: _Words, theirs: _Words) -> Likeness:
    compared = _compare_words(ours, theirs, slip_in_given_name)
    if compared.agreement is Agreement.DIFFER and are_forms_of_one(ours, theirs):
        return Likeness(Agreement.SIMILAR, compared.ratio)
    return compared


def _compare_words(ours: _Words, theirs: _Words, is_slip: Callable[[str, str], bool]) -> Likeness:
    if not ours or not theirs:
        return _MISSING
    one, other = "".join(ours), "".join(theirs)
    if _same(one, other):
        return _AGREE
    if is_latin(one) != is_latin(other):
        guessed = min(likeness(guess(one), guess(other)), CLOSE)
        return Likeness(Agreement.SIMILAR if guessed >= ALIKE else Agreement.MISSING, guessed)
    ways = tuple(product(foldings(one), foldings(other)))
    ratio = max(likeness(a, b) for a, b in ways)
    close = any(is_slip(a, b) for a, b in ways)
    near = close or ratio >= ALIKE or _shortened(one, other)
    return Likeness(Agreement.SIMILAR if near else Agreement.DIFFER, ratio, close)


def _shortened(one: str, other: str) -> bool:
    """An initial, a field that was cut off, a short form: ``J``, ``KRISHNAMURT``, ``Liz`` for Elizabeth."""
    short, long = sorted((one, other), key=len)
    return long.startswith(short) or (len(short) >= _SHORTEST_PART and short in long)


def _compare_givens_and_middles(one: Name, other: Name) -> tuple[Likeness, Agreement]:
    """Who writes both into one part means the same."""
    straight = compare_givens(one.given, other.given)
    middle = compare_middles(one.middle, other.middle)
    if straight.agreement is Agreement.AGREE or not (one.given and other.given):
        return straight, middle
    if _same("".join(one.given + one.middle), "".join(other.given + other.middle)):
        return _AGREE, Agreement.AGREE
    if len(one.given) != len(other.given) and _same(one.given[0], other.given[0]):
        return _AGREE, compare_middles(one.given[1:] + one.middle, other.given[1:] + other.middle)
    return straight, middle


def compare_middles(ours: _Words, theirs: _Words) -> Agreement:
    """An initial agrees with every name that begins so."""
    if not ours or not theirs:
        return Agreement.MISSING
    if all(_same_or_initial(a, b) for a, b in zip(ours, theirs, strict=False)):
        return Agreement.AGREE
    return Agreement.SIMILAR if compare_givens(ours, theirs).close else Agreement.DIFFER


def _same_or_initial(one: str, other: str) -> bool:
    if min(len(one), len(other)) > 1:
        return _same(one, other)
    return not {way[:1] for way in foldings(one)}.isdisjoint(way[:1] for way in foldings(other))
