"""What is written where nobody knows: ids, names and birth dates that say nothing of anybody."""

import re
from datetime import date
from functools import lru_cache

from fetch.identity.letters import words

_ID_WORDS = re.compile(
    # numbered, or not: TEMP123
    r"(unk(nown)?|unidentified|unassigned|noid|nomrn|te?mp(orary|id)?|z*test(patient|id|er)?|anon(ym|ymous)?"
    r"|anonymi[sz]ed|dummy|phantom|trauma|emergency|unbekannt|inconnu|desconocido|sconosciuto|newborn"
    r"|baby(boy|girl)?|j(ohn|ane)doe)[0-9]*"
    # alone: a real number may begin so
    r"|un|unavailable|no(ne|number|name|patientid|t(available|known|given|assigned|applicable))?|nonegiven"
    r"|null|nil|na|nan|x+|q[ac]|demo|patient(id)?|mrn|pending|tbd|invalid|missing|blank"
)
_IN_EVERY_MANUAL = frozenset(("078051120", "219099999", "987654320"))
"""Numbers that were printed as examples (CMS patient matching, table D.1)."""
_RUNS = ("0123456789", "1234567890", "9876543210", "0987654321")
_SHORTEST_RUN = 5
_SHORTEST_REPEAT = 3


@lru_cache(maxsize=16384)
def is_placeholder(patient_id: str) -> bool:
    """Is it an id of those who have none? It is given to many (CMS patient matching, tables D.1 to D.5)."""
    bare = re.sub(r"[^0-9a-z]", "", patient_id.casefold())
    if not bare:
        return bool(patient_id.strip()) and not any(c.isalnum() for c in patient_id)
    if not bare.strip("0") or len(bare) == 1 or bare in _IN_EVERY_MANUAL or _ID_WORDS.fullmatch(bare):
        return True
    repeated = len(set(bare)) == 1 and len(bare) >= _SHORTEST_REPEAT
    return repeated or (len(bare) >= _SHORTEST_RUN and any(run.startswith(bare) for run in _RUNS))


_NOBODY = frozenset(
    words(
        "unknown unk unbekannt inconnu desconocido sconosciuto unidentified unnamed noname anonymous anonym"
        " anonymized anonymised anonymisiert trauma emergency patient test testpatient tester zztest zzztest"
        " zz zzz xx xxx xxxx nfn nln fnu lnu null none na dummy phantom demo deidentified removed"
        " restricted"
    )
)
_UNBORN = frozenset(
    words("newborn baby babyboy babygirl infant neonate neugeborenes bb bg boy girl male female")
)
_MULTIPLES = frozenset(words("twin twina twinb twin1 twin2 triplet tripleta tripletb tripletc zwilling"))
_DOE = frozenset(("john", "jane", "baby", "jon", "johnny", "janie"))


def names_nobody(family: str, given: str) -> tuple[bool, bool]:
    """Do the family name and the given name each stand for somebody whose name is not known?

    The record that an integrator makes up is told by its family name: "Test" is then as good as any other.
    """
    ours, theirs = frozenset(words(family)), frozenset(words(given))
    doe = ours == {"doe"} and (not theirs or bool(theirs & _DOE))
    nobody = doe or _says_nothing(ours)
    made_up = theirs == {"test"} and bool(ours) and not nobody
    return nobody, doe or (_says_nothing(theirs) and not made_up)


def _says_nothing(said: frozenset[str]) -> bool:
    """``BABY BOY``, ``TWIN A``, ``INFANT OF MARIA``; but a woman may be called Test Anna."""
    if said & (_UNBORN | _MULTIPLES):
        return True
    return bool(said & _NOBODY)


_WRITTEN_FOR_UNKNOWN = frozenset({(1900, 1, 1), (1901, 1, 1), (1899, 12, 30), (1899, 12, 31), (2000, 1, 1)})
"""Not 1 January 1970 and 1980, with which many who live were registered: see :func:`only_the_year`."""
_OLDEST_YEARS = 130


def implausible(born: date, today: date) -> bool:
    """Not born yet, born today, older than anybody, or a date that programs write where they know none."""
    too_old = born.year < today.year - _OLDEST_YEARS
    return born >= today or too_old or (born.year, born.month, born.day) in _WRITTEN_FOR_UNKNOWN


def only_the_year(born: date) -> bool:
    """The first of January is written where only the year is known."""
    return (born.month, born.day) == (1, 1)
