"""People who are easily taken for somebody else, of each kind that links images to the wrong patient."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from random import Random

from rapidfuzz.distance import JaroWinkler

from fetch.model import Patient, PatientIdentity

PLACEHOLDERS = (
    "0",
    "000000",
    "UNKNOWN",
    "NOID",
    "TEMP123",
    "999999999",
    "123456789",
    "TEST",
    "N/A",
    "1111111",
)
NEVER = (
    *("stranger_with_the_same_id", "reused_id", "junior_and_senior", "suffix_alone", "birth_digit_off"),
    *("day_and_month_swapped", "next_day", "id_digit_off", "namesake_born_the_same_day", "other_issuer"),
    *("placeholder_id",),
)
"""Of these not one may be certain."""
TWINS = ("twin", "twin_of_similar_name")
"""Under each other's id: where the names differ by no more than a slip of the pen does, nobody can tell."""


@dataclass(frozen=True)
class Case:
    """``asked`` is somebody else than ``found``, or nothing proves that it is not."""

    asked: Patient
    found: Patient


class Lookalikes:
    """Cases made of real records; the same for the same seed."""

    def __init__(self, people: Sequence[Patient], seed: int = 0) -> None:
        self._people = [person for person in people if person.birth_date and person.given_name]
        self._random = Random(seed)
        self._givens = sorted({person.given_name for person in self._people if person.given_name.isalpha()})
        self._near: dict[str, list[str]] = {}

    def of(self, kind: str, count: int) -> Iterator[Case]:
        make = getattr(self, f"_{kind}")
        made = 0
        while made < count:
            case: Case | None = make(self._random.choice(self._people))
            if case is not None:
                made += 1
                yield case

    def _stranger_with_the_same_id(self, person: Patient) -> Case | None:
        other = self._random.choice(self._people)
        apart = other.birth_date != person.birth_date
        return Case(replace(other, identity=person.identity), person) if apart else None

    def _reused_id(self, person: Patient) -> Case:
        """Given out again, a generation later, to somebody who shares one name."""
        other = self._random.choice(self._people)
        names = (
            f"{person.family_name}^{other.given_name}",
            f"{other.family_name}^{person.given_name}",
            person.name,
        )
        born = self._years(person.birth_date, 25, 70)
        return Case(replace(person, name=self._random.choice(names), birth_date=born), person)

    def _junior_and_senior(self, person: Patient) -> Case:
        suffixes = self._random.choice((("", ""), ("^^^SR", "^^^JR"), ("^^^SR", ""), (" SR", " JR")))
        senior, junior = (replace(person, name=person.name + suffix) for suffix in suffixes)
        return Case(replace(senior, birth_date=self._years(person.birth_date, 20, 35)), junior)

    def _suffix_alone(self, person: Patient) -> Case:
        """The same birth date by mistake: only the suffix tells them apart."""
        one, other = self._random.sample(("SR", "JR", "II", "III"), 2)
        return Case(
            replace(person, name=f"{person.name}^^^{one}"), replace(person, name=f"{person.name}^^^{other}")
        )

    def _birth_digit_off(self, person: Patient) -> Case:
        digits = self._digit_off(f"{person.birth_date:%Y%m%d}", first=2)
        return Case(_born(person, digits), person)

    def _day_and_month_swapped(self, person: Patient) -> Case | None:
        born = person.birth_date
        if born.day > 12 or born.day == born.month:
            return None
        return Case(replace(person, birth_date=date(born.year, born.day, born.month)), person)

    def _next_day(self, person: Patient) -> Case:
        born = person.birth_date + timedelta(days=self._random.choice((-1, 1)))
        return Case(replace(person, birth_date=born), person)

    def _id_digit_off(self, person: Patient) -> Case | None:
        written = person.identity.patient_id
        other = self._digit_off(written)
        if other.lstrip("0") == written.lstrip("0"):
            return None
        return Case(replace(person, identity=PatientIdentity(other, person.identity.issuer)), person)

    def _namesake_born_the_same_day(self, person: Patient) -> Case | None:
        other = self._random.choice(self._people).identity
        return Case(replace(person, identity=other), person) if other != person.identity else None

    def _other_issuer(self, person: Patient) -> Case:
        issuer = self._random.choice(("RIVERSIDE", "", "hosp", "HOSP2", "LAB&1.2.3&ISO"))
        return Case(person, replace(person, identity=PatientIdentity(person.identity.patient_id, issuer)))

    def _placeholder_id(self, person: Patient) -> Case:
        """The same in everything, but under nobody's number."""
        nobody = replace(person, identity=PatientIdentity(self._random.choice(PLACEHOLDERS), "HOSP"))
        return Case(nobody, nobody)

    def _twin(self, person: Patient) -> Case | None:
        given = self._random.choice(self._givens)
        return (
            Case(replace(person, name=f"{person.family_name}^{given}"), person)
            if given != person.given_name
            else None
        )

    def _twin_of_similar_name(self, person: Patient) -> Case | None:
        given = person.given_name
        if given not in self._near:
            others = (one for one in self._givens if one != given)
            self._near[given] = [one for one in others if JaroWinkler.similarity(given, one) >= 0.8]
        if not self._near[given]:
            return None
        return Case(
            replace(person, name=f"{person.family_name}^{self._random.choice(self._near[given])}"), person
        )

    def _digit_off(self, written: str, first: int = 0) -> str:
        place = self._random.randrange(first, len(written))
        digit = self._random.choice([d for d in "0123456789" if d != written[place]])
        return written[:place] + digit + written[place + 1 :]

    def _years(self, born: date, least: int, most: int) -> date:
        years = self._random.randint(least, most) * (1 if born.year < 1950 else -1)
        return born.replace(year=born.year + years, day=min(born.day, 28))


def _born(person: Patient, digits: str) -> Patient:
    try:
        born = date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return replace(person, birth_date=None, birth_date_text=digits)
    return replace(person, birth_date=born)
