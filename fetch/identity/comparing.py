"""Everything that two identities say of each other, field by field, before anything is concluded."""

from dataclasses import dataclass, replace
from functools import cached_property

from fetch.identity import ids
from fetch.identity.context import Context
from fetch.identity.dates import Births, compare_births
from fetch.identity.grades import Agreement, Compared, Field
from fetch.identity.letters import foldings
from fetch.identity.likeness import OTHER_NAME, NamesCompared, compare_families, compare_names
from fetch.identity.names import Names, read
from fetch.identity.placeholders import implausible, is_placeholder
from fetch.model import Patient

_SHORTEST_ACCESSION = 4
_OF_BIRTHS = {
    Births.SAME: Agreement.AGREE,
    Births.SWAPPED: Agreement.SIMILAR,
    Births.SIMILAR: Agreement.SIMILAR,
    Births.SAME_TEXT: Agreement.SIMILAR,
    Births.DIFFERENT: Agreement.DIFFER,
    Births.MISSING: Agreement.MISSING,
}


@dataclass(frozen=True)
class Pair:
    """Two identities side by side: the patient asked for, and whom a source says its study shows."""

    asked: Patient
    found: Patient
    context: Context

    @cached_property
    def id(self) -> Agreement:
        return ids.compare_ids(self.asked.identity.patient_id, self.found.identity.patient_id)

    @cached_property
    def issuer(self) -> Agreement:
        return ids.compare_issuers(self.asked.identity.issuer, self.found.identity.issuer)

    @cached_property
    def trusted(self) -> bool:
        return ids.is_trusted(self.found.identity.issuer, self.context.trusted)

    @cached_property
    def ids_written(self) -> tuple[str, str]:
        return self.asked.identity.patient_id, self.found.identity.patient_id

    @property
    def id_placeholder(self) -> bool:
        return any(map(is_placeholder, self.ids_written))

    @property
    def id_unusable(self) -> bool:
        return any(map(ids.unusable, self.ids_written))

    @cached_property
    def same_identity(self) -> bool:
        """Id and issuer both the same, and somebody's."""
        return self.id is self.issuer is Agreement.AGREE and not self.id_unusable

    @cached_property
    def written_names(self) -> tuple[Names, Names]:
        return read(self.asked.name), read(self.found.name)

    @cached_property
    def names(self) -> NamesCompared:
        compared = self._by_other_names(compare_names(*self.written_names))
        slip = compared.given.close and compared.given.agreement is not Agreement.AGREE
        if not slip or not self._given_names_in_use(swapped=compared.swapped):
            return compared
        return replace(compared, given=replace(compared.given, close=False))

    def _by_other_names(self, compared: NamesCompared) -> NamesCompared:
        """A family name that is the other side's at birth, or another of theirs, is one name of two."""
        ours, theirs = (names.groups[0] for names in self.written_names)
        family = compared.family.agreement
        if compared.swapped or family is Agreement.AGREE or not (ours.family and theirs.family):
            return compared
        others = (read(name).groups[0].family for name in self.asked.aliases.names)
        again = (read(name).groups[0].family for name in self.found.aliases.names)
        likely = (
            *(compare_families(one, theirs.family) for one in others),
            *(compare_families(ours.family, one) for one in again),
        )
        if not any(one.agreement is Agreement.AGREE for one in likely):
            return compared
        return replace(compared, family=OTHER_NAME, crossing=False, by_other_name=True)

    @cached_property
    def other_id(self) -> bool:
        """Does one side list the other's id, of the same issuer, among the patient's others?"""
        ours, theirs = self.asked, self.found
        pairs = (
            *((ours.identity, one) for one in theirs.aliases.ids),
            *((one, theirs.identity) for one in ours.aliases.ids),
        )
        return any(
            ids.names_somebody(one.patient_id)
            and ids.same_id(one.patient_id, other.patient_id)
            and ids.compare_issuers(one.issuer, other.issuer) is Agreement.AGREE
            for one, other in pairs
        )

    def _given_names_in_use(self, *, swapped: bool) -> bool:
        """Is each of the two a name that people have? Then neither is the other one with a slip."""
        ours, theirs = (names.groups[0] for names in self.written_names)
        written = "".join(ours.given), "".join(theirs.family if swapped else theirs.given)
        return all(not self.context.names_in_use.isdisjoint(foldings(one)) for one in written)

    @property
    def name_garbled(self) -> bool:
        return any(names.garbled for names in self.written_names)

    @property
    def name_placeholder(self) -> bool:
        return any(names.placeholder for names in self.written_names)

    @cached_property
    def suffix(self) -> Agreement:
        ours, theirs = (names.suffix for names in self.written_names)
        return _equal(ours, theirs)

    @cached_property
    def births(self) -> Births:
        return compare_births(self.asked, self.found)

    @cached_property
    def birth_implausible(self) -> bool:
        born = (self.asked.birth_date, self.found.birth_date)
        return any(day is not None and implausible(day, self.context.today) for day in born)

    @property
    def birth_date(self) -> Agreement:
        return _OF_BIRTHS[self.births]

    @cached_property
    def sex(self) -> Agreement:
        ours, theirs = (patient.sex.strip().upper() for patient in (self.asked, self.found))
        return _equal(*(sex if sex in ("M", "F") else "" for sex in (ours, theirs)))

    @cached_property
    def accession(self) -> Agreement:
        return _equal(_number(self.context.accession_brought), _number(self.context.accession_carried))

    @cached_property
    def person(self) -> tuple[Agreement, Agreement, Agreement]:
        """Family name, given name, birth date. What was wrongly encoded differs from nothing."""
        names = (self.names.family.agreement, self.names.given.agreement)
        if self.name_garbled:
            names = tuple(Agreement.MISSING if one is Agreement.DIFFER else one for one in names)  # type: ignore[assignment]
        return (*names, self.birth_date)

    @property
    def compared(self) -> tuple[Compared, ...]:
        family, given, birth_date = self.person
        said = {
            Field.ID: self.id,
            Field.ISSUER: self.issuer,
            Field.FAMILY: family,
            Field.GIVEN: given,
            Field.MIDDLE: self.names.middle,
            Field.SUFFIX: self.suffix,
            Field.BIRTH_DATE: birth_date,
            Field.SEX: self.sex,
            Field.ACCESSION: self.accession,
        }
        return tuple(Compared(field, agreement) for field, agreement in said.items())


def _equal(ours: str, theirs: str) -> Agreement:
    if not ours or not theirs:
        return Agreement.MISSING
    return Agreement.AGREE if ours == theirs else Agreement.DIFFER


def _number(accession: str) -> str:
    """One that is too short, or a placeholder, tells nothing."""
    usable = len(accession.strip()) >= _SHORTEST_ACCESSION and not ids.unusable(accession)
    return accession.strip().casefold() if usable and not is_placeholder(accession) else ""
