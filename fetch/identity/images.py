"""Whose is an image, by its own header? And do several sources describe the patient of one study alike?"""

from collections.abc import Iterable
from itertools import combinations

from fetch.identity import ids
from fetch.identity.comparing import Pair
from fetch.identity.context import Context
from fetch.identity.grades import Agreement
from fetch.model import Patient, Study


def same_person(expected: Patient, image: Patient) -> bool:
    """Does the image's own header name the person its study was judged by?

    The id must be there and the same; what else the header says must not contradict. What it leaves out, or
    writes with other case, accents or padding, does not.
    """
    there = ids.same_id(expected.identity.patient_id, image.identity.patient_id)
    return there and _issuer_fits(expected, image) and not _contradicts(expected, image)


def same_nobody(expected: Patient, image: Patient) -> bool:
    """Do both leave the id out, without any other contradiction?

    That proves nothing of anybody, so no page may show it: ``judge`` is never certain without an id. It may
    be drawn for whoever tries an archive from a shell.
    """
    nobody = not (expected.identity.patient_id.strip() or image.identity.patient_id.strip())
    return nobody and _issuer_fits(expected, image) and not _contradicts(expected, image)


def _issuer_fits(expected: Patient, image: Patient) -> bool:
    named = image.identity.issuer.strip()
    if not named or named == expected.identity.issuer.strip():
        return True
    return ids.compare_issuers(expected.identity.issuer, named) is Agreement.AGREE


def _contradicts(one: Patient, other: Patient) -> bool:
    """Stricter than the judge: a family name that is only similar is another one."""
    pair = Pair(one, other, Context())
    readable = one.birth_date is not None and other.birth_date is not None
    return (
        (readable and one.birth_date != other.birth_date)
        or _names_contradict(pair)
        or Agreement.DIFFER in (pair.suffix, pair.sex)
    )


def _names_contradict(pair: Pair) -> bool:
    """Where letters were lost on the way, what is left has to resemble."""
    names = pair.names
    family, given = names.family.agreement, names.given.agreement
    if names.other_writing or names.middle is Agreement.DIFFER or given is Agreement.DIFFER:
        return True
    if names.swapped:
        return not names.agree
    return family is Agreement.DIFFER or (family is Agreement.SIMILAR and not pair.name_garbled)


def disagree(studies: Iterable[Study]) -> bool:
    """Do the sources of one study UID contradict each other? What one of them leaves out does not.

    Ids may differ by issuer; under one issuer two ids are two people.
    """
    people = {study.patient for study in studies}
    return any(_contradicts(*two) or _two_ids(*two) for two in combinations(people, 2))


def _two_ids(one: Patient, other: Patient) -> bool:
    ours, theirs = one.identity, other.identity
    if not (ours.patient_id.strip() and theirs.patient_id.strip() and ours.issuer.strip()):
        return False
    same_issuer = (
        ours.issuer == theirs.issuer or ids.compare_issuers(ours.issuer, theirs.issuer) is Agreement.AGREE
    )
    return same_issuer and not ids.same_id(ours.patient_id, theirs.patient_id)
