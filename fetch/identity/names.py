"""Person names as they are really written, taken apart (PS3.5 6.2.1): words of each part, suffix, groups."""

from dataclasses import dataclass, replace
from functools import lru_cache

from fetch.identity.letters import foldings, garbled, mended, words
from fetch.identity.placeholders import names_nobody
from fetch.model import Patient

_GENERATIONS = {
    word: suffix
    for suffix, said in {
        "jr": "jr junior jnr",
        "sr": "sr senior snr",
        "i": "i 1st",
        "ii": "ii 2nd",
        "iii": "iii 3rd",
        "iv": "iv 4th",
        "v": "v 5th",
    }.items()
    for word in words(said)
}
_LONGEST = 1024
"""Three groups of five parts of 64 characters (PS3.5 6.2): what is longer is no name."""
_NOTES = frozenset(("deceased", "decd", "verstorben", "décédé", "decede", "fallecido", "vip", "confidential"))
"""Written behind a name by registries, not part of it: ``SMITH^JOHN (DECEASED)``."""
_LONE_LETTERS = ("i", "v")
"""An initial, unless they stand where a suffix belongs."""


@dataclass(frozen=True)
class Name:
    """One group of a person name. ``suffix`` tells generations apart; degrees and titles tell nothing."""

    family: tuple[str, ...] = ()
    given: tuple[str, ...] = ()
    middle: tuple[str, ...] = ()
    suffix: str = ""
    placeholder: bool = False

    @property
    def empty(self) -> bool:
        return not (self.family or self.given or self.middle)


@dataclass(frozen=True)
class Names:
    """The groups of a person name: as spelled, in ideographs, as pronounced; any may be empty."""

    groups: tuple[Name, ...]
    garbled: bool = False

    @property
    def placeholder(self) -> bool:
        return any(name.placeholder for name in self.groups)

    @property
    def suffix(self) -> str:
        return next((name.suffix for name in self.groups if name.suffix), "")


@lru_cache(maxsize=8192)
def read(written: str) -> Names:
    """Never fails, whatever is written."""
    name = written[:_LONGEST]
    groups = [*name.split("="), "", "", ""][:3]
    return Names(tuple(map(_group, groups)), name != written or garbled(name))


def given_names(patient: Patient) -> frozenset[str]:
    """The given name in each way to write it with plain letters, for ``Context.names_in_use``."""
    name = "".join(read(patient.name).groups[0].given)
    return foldings(name) if name else frozenset()


def _group(written: str) -> Name:
    if not written.strip("^ "):
        return Name()
    family, given, middle, _prefix, suffix = ([*mended(written).split("^"), *[""] * 5])[:5]
    if not given.strip() and "," in family:
        family, _, given = family.partition(",")  # DOE, JOHN
    nobody = names_nobody(family, given)
    name = Name(_noteless(family), _noteless(given), _noteless(middle), _suffix(words(suffix)))
    name = _with_suffix_inside(name)
    if any(nobody):
        family_words, given_words = (() if nobody[0] else name.family), (() if nobody[1] else name.given)
        name = replace(name, family=family_words, given=given_words, placeholder=True)
    return name


def _noteless(part: str) -> tuple[str, ...]:
    """The words of a part; one that stands alone is a name, whatever it is."""
    said = words(part)
    return tuple(word for word in said if word not in _NOTES) or said


def _suffix(said: tuple[str, ...]) -> str:
    return next((_GENERATIONS[word] for word in said if word in _GENERATIONS), "")


def _with_suffix_inside(name: Name) -> Name:
    """Some senders write it at the end of another part (``SMITH JR^JOHN``, ``SMITH^JOHN JR``)."""
    family, one = _split(name.family)
    given, other = _split(name.given)
    middle, third = _split(name.middle, alone=True)
    return Name(family, given, middle, name.suffix or one or other or third)


def _split(said: tuple[str, ...], *, alone: bool = False) -> tuple[tuple[str, ...], str]:
    """The words without a suffix at their end, and the suffix; a family may be called Junior."""
    last = said[-1] if said and (alone or len(said) > 1) else ""
    if last in _GENERATIONS and last not in _LONE_LETTERS:
        return said[:-1], _GENERATIONS[last]
    return said, ""
