"""When are two words one name with a slip of the pen, and when are they two names?"""

from rapidfuzz.distance import OSA, JaroWinkler

CLOSE = 0.92
"""Jaro-Winkler: hardly another name."""
_ONE_SLIP_FROM = 5
"""One slip in a shorter word makes another name: Jon is not Jan."""
_SHORTEST, _SHORTEST_EXCHANGED = 4, 3
_ENDINGS = frozenset(("a", "e", "ia", "ie", "na", "ine", "ina", "le", "elle", "ette"))
_PAIRED_ENDINGS = (frozenset(("er", "ra")), frozenset(("an", "na")))
_VOWELS = frozenset("aeioy")


def likeness(one: str, other: str) -> float:
    return float(JaroWinkler.similarity(one, other))


def slip_in_family_name(one: str, other: str) -> bool:
    one_slip = min(len(one), len(other)) >= _ONE_SLIP_FROM and _one_slip(one, other)
    return one_slip or likeness(one, other) >= CLOSE


def slip_in_given_name(one: str, other: str) -> bool:
    """Stricter, because siblings have similar ones: those rhyme (Jayden, Hayden) or share a stem (Michael,
    Michaela), so the slip has to be inside the word, or to leave it very similar.
    """
    shortest = min(len(one), len(other))
    if _exchanged(one, other) and shortest >= _SHORTEST_EXCHANGED:
        return True
    if shortest < _SHORTEST or _forms_of_one_stem(one, other):
        return False
    if one[0] != other[0]:
        return False
    inside = one[-1] == other[-1] and shortest >= _ONE_SLIP_FROM
    return likeness(one, other) >= CLOSE or (inside and _one_slip(one, other))


def _one_slip(one: str, other: str) -> bool:
    return OSA.distance(one, other, score_cutoff=1) <= 1


def _exchanged(one: str, other: str) -> bool:
    """Two neighbouring letters."""
    return sorted(one) == sorted(other) and _one_slip(one, other)


def _forms_of_one_stem(one: str, other: str) -> bool:
    """Daniel and Daniela, Julian and Juliana, Alexander and Alexandra, Mario and Maria."""
    short, long = sorted((one, other), key=len)
    longer = long.startswith(short) and long[len(short) :] in _ENDINGS
    last = {one[-1], other[-1]}
    vowel = one[:-1] == other[:-1] and bool(last & {"a", "o"}) and last <= _VOWELS
    return longer or vowel or frozenset((one[-2:], other[-2:])) in _PAIRED_ENDINGS
