"""What stands against a better grade, each thing by name; and what was overlooked in spite of it."""

from collections.abc import Iterator

from fetch.identity.comparing import Pair
from fetch.identity.dates import Births
from fetch.identity.grades import Agreement, Doubt, Remark
from fetch.identity.roads import conflicts, has_lapsed

_OF_ISSUERS = {
    Agreement.MISSING: Doubt.ISSUER_MISSING,
    Agreement.SIMILAR: Doubt.ISSUER_SIMILAR,
    Agreement.DIFFER: Doubt.ISSUER_DIFFERS,
}
_OF_IDS = {
    Agreement.MISSING: Doubt.ID_MISSING,
    Agreement.SIMILAR: Doubt.ID_SIMILAR,
    Agreement.DIFFER: Doubt.ID_DIFFERS,
}
_OF_BIRTHS = {
    Births.MISSING: Doubt.BIRTH_DATE_MISSING,
    Births.SAME_TEXT: Doubt.BIRTH_DATE_UNREADABLE,
    Births.DIFFERENT: Doubt.BIRTH_DATE_DIFFERS,
    Births.SWAPPED: Doubt.BIRTH_DATE_SWAPPED,
    Births.SIMILAR: Doubt.BIRTH_DATE_SIMILAR,
}
_OF_FAMILY = {
    Agreement.MISSING: Doubt.NAME_MISSING,
    Agreement.SIMILAR: Doubt.NAME_SIMILAR,
    Agreement.DIFFER: Doubt.NAME_DIFFERS,
}
_OF_GIVEN = {
    Agreement.MISSING: Doubt.GIVEN_MISSING,
    Agreement.SIMILAR: Doubt.GIVEN_SIMILAR,
    Agreement.DIFFER: Doubt.GIVEN_DIFFERS,
}


def doubts(pair: Pair) -> tuple[Doubt, ...]:
    """All of them, never only the first; at least one wherever a pair is not certain."""
    return (*_of_id(pair), *_of_person(pair), *_of_others(pair)) or (Doubt.DEMOGRAPHICS_ALONE,)


def _of_id(pair: Pair) -> Iterator[Doubt]:
    if pair.id_placeholder:
        yield Doubt.ID_PLACEHOLDER
    elif pair.id in _OF_IDS and pair.issuer is not Agreement.DIFFER:
        yield _OF_IDS[pair.id]
    elif pair.id is Agreement.MISSING:
        yield Doubt.ID_MISSING
    if pair.id_unusable:
        yield Doubt.ID_UNUSABLE
    if pair.issuer in _OF_ISSUERS:
        yield _OF_ISSUERS[pair.issuer]
    if pair.found.identity.issuer.strip() and not pair.trusted:
        yield Doubt.ISSUER_UNTRUSTED
    if pair.same_identity and pair.person.count(Agreement.DIFFER) >= 2:
        yield Doubt.ID_REUSED


def _of_person(pair: Pair) -> Iterator[Doubt]:
    family, given, _ = pair.person
    if pair.births in _OF_BIRTHS:
        yield _OF_BIRTHS[pair.births]
    if family in _OF_FAMILY:
        yield _OF_FAMILY[family]
    if given in _OF_GIVEN:
        yield _OF_GIVEN[given]
    if pair.names.swapped and not pair.names.agree:
        yield Doubt.NAME_ORDER
    yield from conflicts(pair)


def _of_others(pair: Pair) -> Iterator[Doubt]:
    if pair.context.qualifying > 1:
        yield Doubt.SEVERAL_QUALIFY
    if pair.context.holders > 1:
        yield Doubt.ID_SHARED
    if pair.context.link:  # it would be certain, did it still hold
        yield Doubt.LINK_LAPSED if has_lapsed(pair.context.link, pair) else Doubt.LINK_CONTRADICTED


def overlooked(pair: Pair) -> tuple[Remark, ...]:
    found = {
        Remark.ISSUER_ASSUMED: pair.context.issuer_assumed,
        Remark.ORDER_SWAPPED: pair.names.swapped and pair.names.agree,
        Remark.UNDIVIDED: pair.names.undivided,
        Remark.OTHER_ID: pair.other_id,
        Remark.OTHER_NAME: pair.names.by_other_name,
    }
    return tuple(remark for remark, holds in found.items() if holds)
