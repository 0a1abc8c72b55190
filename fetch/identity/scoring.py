"""How much two identities have in common, in bits: for the order of candidates only, never for a grade."""

from fetch.identity.comparing import Pair
from fetch.identity.dates import Births, written
from fetch.identity.grades import Agreement

# About log2 of how seldom strangers share the field (CMS patient matching: first name 0.02, last name 0.005,
# birth date 1e-4, id 1e-6).
FAMILY, GIVEN, BIRTH, SAME_ID = 7.6, 5.6, 13.0, 20.0
SIMILAR_BIRTH, SIMILAR_ID = 8.0, 12.0
_AGAINST = -3.0
_ALIKE = ((0.92, 6.0), (0.84, 3.0), (0.75, 0.0), (0.6, -1.0))
_UNLIKE = -1.5
_OF_BIRTHS = {
    Births.SAME: BIRTH,
    Births.SAME_TEXT: BIRTH - 2,
    Births.SWAPPED: SIMILAR_BIRTH,
    Births.SIMILAR: SIMILAR_BIRTH,
    Births.MISSING: 0.0,
}


def score(pair: Pair) -> float:
    names = pair.names
    # In exchanged order each is compared with one of the other kind.
    most = ((FAMILY + GIVEN) / 2,) * 2 if names.swapped else (FAMILY, GIVEN)
    family, given = (
        name_bits(one.ratio, bits) if one.ratio else 0.0
        for one, bits in zip((names.family, names.given), most, strict=True)
    )
    rest = {Agreement.AGREE: 1.0, Agreement.DIFFER: _AGAINST}
    others = sum(rest.get(one, 0.0) for one in (pair.sex, pair.suffix, names.middle))
    ordered = SAME_ID if pair.accession is Agreement.AGREE else 0.0
    return round(family + given + _birth(pair) + _identity(pair) + others + ordered, 3)


def name_bits(ratio: float, most: float) -> float:
    """``most`` where it is equal; names of strangers resemble each other by half."""
    if ratio >= 1:
        return most
    return min(most, next((bits for least, bits in _ALIKE if ratio >= least), _UNLIKE))


def _birth(pair: Pair) -> float:
    if pair.births in _OF_BIRTHS:
        return _OF_BIRTHS[pair.births]
    ours, theirs = written(pair.asked), written(pair.found)
    same = sum(a == b for a, b in zip(ours, theirs, strict=False)) if len(ours) == len(theirs) else 0
    return birth_bits(same)


def birth_bits(same_digits: int) -> float:
    """Of eight; two strangers of one century have about three in common."""
    return {8: BIRTH, 7: SIMILAR_BIRTH, 6: 4.0, 5: 0.5}.get(same_digits, -1.0)


def _identity(pair: Pair) -> float:
    if pair.id is Agreement.AGREE:
        return SAME_ID if pair.issuer is not Agreement.DIFFER else 2.0
    if pair.id is Agreement.SIMILAR and pair.issuer is not Agreement.DIFFER:
        return SIMILAR_ID
    return SIMILAR_ID if pair.other_id else 0.0
