"""The roads to ``certain``; there is none by name and birth date alone."""

from collections.abc import Callable

from fetch.identity import ids
from fetch.identity.comparing import Pair
from fetch.identity.context import Link
from fetch.identity.dates import Births, written
from fetch.identity.grades import Agreement, Doubt, Remark
from fetch.identity.likeness import ALIKE, compare_names
from fetch.identity.names import read
from fetch.identity.placeholders import only_the_year
from fetch.model import Patient

_AGREE, _SIMILAR, _DIFFER, _MISSING = Agreement


def road(pair: Pair) -> Remark | None:
    """By which road the pair is certain; None if by none."""
    if pair.context.link and holds(pair.context.link, pair):
        return Remark.CONFIRMED
    if pair.context.qualifying > 1 or conflicts(pair):
        return None
    if _is_cross_referenced(pair) and _nothing_contradicts(pair):
        return Remark.CROSS_REFERENCE
    if not demographics_agree(pair):
        return None
    if pair.same_identity and pair.trusted and pair.context.holders <= 1:
        return Remark.SAME_ID
    return Remark.ACCESSION if _is_ordered(pair) else None


def conflicts(pair: Pair) -> tuple[Doubt, ...]:
    """What bars every road but that of a decision by staff, who saw it."""
    found = {
        Doubt.BIRTH_DATE_IMPLAUSIBLE: pair.birth_implausible,
        Doubt.MIDDLE_DIFFERS: pair.names.middle is _DIFFER,
        Doubt.SUFFIX_DIFFERS: pair.suffix is _DIFFER,
        Doubt.SEX_DIFFERS: pair.sex is _DIFFER,
        Doubt.NAME_PLACEHOLDER: pair.name_placeholder,
        Doubt.NAME_GARBLED: pair.name_garbled,
        Doubt.OTHER_LETTERS: pair.names.other_letters,
        Doubt.OTHER_WRITING: pair.names.other_writing,
    }
    return tuple(doubt for doubt, stands in found.items() if stands)


def demographics_agree(pair: Pair) -> bool:
    return pair.births is Births.SAME and names_fit(pair)


def names_fit(pair: Pair) -> bool:
    """The rules by which two names may be one person's, where a number and the birth date are the same.

    1. Equal but for case, accents and hyphens, in either order of the parts, divided or not.
    2. The only name: neither side has another one, and it is equal.
    3. A slip of the pen in both parts at most, or a double surname of which one side leaves out a part. Two
       given names that patients of ours have are two names, however near they are: no slip.
    4. The given name equal, the family name similar or cut off: of twins it is the given name that differs.
    5. In exchanged order: one part equal, a slip of the pen in the other.

    Only 1 and 2 where the birth date is a first of January, which may be a year only.
    """
    names = pair.names
    if names.agree or _is_only_name(pair):
        return True
    if pair.found.birth_date is not None and only_the_year(pair.found.birth_date):
        return False
    if names.swapped:
        return names.family.close and names.given.close
    if names.given.agreement is _AGREE and names.family.agreement is _SIMILAR:
        return True
    return names.given.close and (names.family.close or names.family.ratio >= ALIKE)


def _is_only_name(pair: Pair) -> bool:
    """As of many people in Indonesia or Myanmar; not where a given name is left out on one side."""
    ours, theirs = (names.groups[0] for names in pair.written_names)
    return pair.names.family.agreement is _AGREE and not (ours.given or theirs.given or pair.name_placeholder)


def _is_ordered(pair: Pair) -> bool:
    """Under one issuer two ids are two people, whatever the accession number says."""
    two_people = pair.id in (_DIFFER, _SIMILAR) and pair.issuer is _AGREE
    return pair.accession is _AGREE and not two_people


def _is_cross_referenced(pair: Pair) -> bool:
    found = pair.found.identity
    return ids.names_somebody(found.patient_id) and any(
        ids.same_id(one.patient_id, found.patient_id)
        and ids.compare_issuers(one.issuer, found.issuer) is _AGREE
        for one in pair.context.cross_references
    )


def _nothing_contradicts(pair: Pair) -> bool:
    family, given, birth_date = pair.person
    fits = birth_date in (_AGREE, _MISSING) and _DIFFER not in (family, given)
    return fits and _AGREE in (birth_date, family)


def holds(link: Link, pair: Pair) -> bool:
    """Does what staff confirmed still stand: each field agrees now, or is on both sides as it was then?

    An identity without an id of its own is only what it was while every value is as it was.
    """
    if not _same_source_identity(link.found, pair.found):
        return False
    births = _unchanged(link, pair, _same_birth)
    names = _unchanged(link, pair, _same_name)
    sexes = _unchanged(link, pair, _same_sex)
    if not ids.names_somebody(pair.found.identity.patient_id):
        return births and names and sexes
    agree = pair.names.agree and _DIFFER not in (pair.suffix, pair.names.middle)
    return (births or pair.births is Births.SAME) and (names or agree) and (sexes or pair.sex is not _DIFFER)


def has_lapsed(link: Link, pair: Pair) -> bool:
    """Of a link that does not hold: did it once, and has either side changed since? What stands under an id
    that was confirmed by another study, and contradicts, it never held for.
    """
    return not link.of_another or holds(link, Pair(link.asked, pair.found, pair.context))


def _same_source_identity(then: Patient, now: Patient) -> bool:
    if not ids.names_somebody(now.identity.patient_id):
        return then.identity == now.identity
    issuers = (then.identity.issuer.strip(), now.identity.issuer.strip())
    same = issuers[0] == issuers[1] or ids.compare_issuers(*issuers) is _AGREE
    return same and ids.same_id(then.identity.patient_id, now.identity.patient_id)


def _unchanged(link: Link, pair: Pair, same: Callable[[Patient, Patient], bool]) -> bool:
    return same(link.asked, pair.asked) and same(link.found, pair.found)


def _same_birth(then: Patient, now: Patient) -> bool:
    return written(then) == written(now)


def _same_sex(then: Patient, now: Patient) -> bool:
    return then.sex.strip().upper() == now.sex.strip().upper()


def _same_name(then: Patient, now: Patient) -> bool:
    before, after = read(then.name), read(now.name)
    return before == after or (
        compare_names(before, after).agree
        and before.suffix == after.suffix
        and compare_names(before, after).middle is not _DIFFER
        and not compare_names(before, after).other_writing
    )
