"""Patient ids and their issuers side by side, as far as writing goes; never as numbers."""

import re
import unicodedata
from functools import lru_cache

from rapidfuzz.distance import OSA

from fetch.identity.grades import Agreement
from fetch.identity.placeholders import is_placeholder

_LONGEST = 64  # LO, PS3.5 6.2
_NOT_IN_IDS = frozenset("*?\\^=\ufffd")
_SHORTEST_SIMILAR = 5


@lru_cache(maxsize=8192)
def normal(patient_id: str) -> str:
    """The id without what different systems write differently: padding, case, hyphens, leading zeros.

    A prefix, a check digit or any other character is part of it: without them it is another one's id.
    """
    written = unicodedata.normalize("NFKC", patient_id).casefold()
    kept = re.sub(r"[\s\-\x00]", "", written)
    return kept.lstrip("0") or kept[-1:]  # "000" is an id, if a bad one; "" is none


def same_id(one: str, other: str) -> bool:
    """Are both there, and the same but for the writing?"""
    return bool(normal(one)) and normal(one) == normal(other)


def unusable(patient_id: str) -> bool:
    """Does it match others too (PS3.4 C.2.2.2.4), come of several values, or break off at its longest?"""
    written = patient_id.strip(" \0")
    return bool(_NOT_IN_IDS & set(written)) or len(written) > _LONGEST or not written.isprintable()


def names_somebody(patient_id: str) -> bool:
    """Is it an id that one patient has, rather than none, a placeholder or a wildcard?"""
    return bool(normal(patient_id)) and not is_placeholder(patient_id) and not unusable(patient_id)


def compare_ids(one: str, other: str) -> Agreement:
    ours, theirs = normal(one), normal(other)
    if not ours or not theirs or is_placeholder(one) or is_placeholder(other):
        return Agreement.MISSING
    if ours == theirs:
        return Agreement.AGREE
    return Agreement.SIMILAR if _similar(ours, theirs) else Agreement.DIFFER


def _similar(ours: str, theirs: str) -> bool:
    """One slip of the pen, or a prefix, suffix or check digit that one side leaves out."""
    short, long = sorted((ours, theirs), key=len)
    if len(short) < _SHORTEST_SIMILAR:
        return False
    return OSA.distance(ours, theirs, score_cutoff=1) <= 1 or (short in long and len(long) <= 2 * len(short))


def compare_issuers(one: str, other: str) -> Agreement:
    """``HOSP_A`` and ``HOSP_A&1.2.3&ISO`` are one (HL7 HD); another case of letters is similar only."""
    ours, theirs = issuer_parts(one), issuer_parts(other)
    if not any(ours) or not any(theirs):
        return Agreement.MISSING
    if ours[1] and theirs[1]:
        return Agreement.AGREE if ours[1] == theirs[1] else Agreement.DIFFER
    if ours[0] and ours[0] == theirs[0]:
        return Agreement.AGREE
    return Agreement.SIMILAR if ours[0].casefold() == theirs[0].casefold() else Agreement.DIFFER


def is_trusted(issuer: str, trusted: frozenset[str]) -> bool:
    return any(compare_issuers(issuer, one) is Agreement.AGREE for one in trusted)


@lru_cache(maxsize=1024)
def issuer_parts(issuer: str) -> tuple[str, str]:
    """Its name and its universal id, which alone is as good (HL7 v2 2.A.33)."""
    name, _, rest = issuer.strip().partition("&")
    universal = rest.partition("&")[0].strip()
    if not universal and re.fullmatch(r"(urn:oid:)?[0-2](\.\d+)+", name.strip()):
        return "", name.strip().removeprefix("urn:oid:")
    return " ".join(name.split()), universal
