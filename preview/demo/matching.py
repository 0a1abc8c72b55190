"""Does a value match a key? The attribute matching of PS3.4 C.2.2.2, and nothing else."""

import re
from functools import lru_cache

from pydicom.datadict import dictionary_VR

WILDCARD_VRS = frozenset({"AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT"})
RANGE_VRS = frozenset({"DA", "DT", "TM"})


class BadKey(ValueError):
    """A key that cannot be matched: a range without an end, a wildcard in a date."""


def matches(keyword: str, wanted: str, present: tuple[str, ...]) -> bool:
    """Does one of the values present match? An empty key matches everything, also what is absent."""
    vr = dictionary_VR(keyword)
    wanted = wanted.strip(" \0")
    if not wanted or (wanted == "*" and vr in WILDCARD_VRS):
        return True
    if vr == "UI":
        return bool(set(wanted.split("\\")) & set(present))
    if vr in RANGE_VRS:
        return any(_in_range(vr, wanted, value) for value in present if value)
    if vr == "PN":
        return any(_person_matches(wanted, value) for value in present)
    return any(_pattern(wanted, vr).fullmatch(value.strip()) for value in present)


def _in_range(vr: str, wanted: str, value: str) -> bool:
    """An empty value is in no range: archives leave undated studies out (PS3.4 C.2.2.2.5)."""
    if not re.fullmatch(r"[0-9.:]*-?[0-9.:]*", wanted) or wanted == "-":
        raise BadKey(vr)
    first, dash, last = wanted.partition("-")
    low, high = _moment(first), _moment(last) if dash else _moment(first)
    moment = _moment(value)
    # "1015" is the whole minute, so an end is compared over its own length only.
    return low <= moment and (not high or moment[: len(high)] <= high)


def _moment(text: str) -> str:
    return text.replace(":", "").replace(".", "").strip()


def _person_matches(wanted: str, value: str) -> bool:
    """The whole name or one of its groups (alphabetic, ideographic, phonetic), in any case."""
    pattern = _pattern(wanted.rstrip("^"), "PN")
    return any(pattern.fullmatch(name.rstrip("^ ")) for name in (value, *value.split("=")))


@lru_cache(maxsize=256)
def _pattern(wanted: str, vr: str) -> re.Pattern[str]:
    text = re.escape(wanted)
    if vr in WILDCARD_VRS:
        text = text.replace(r"\*", ".*").replace(r"\?", ".")
    return re.compile(text, re.IGNORECASE | re.DOTALL if vr == "PN" else re.DOTALL)
