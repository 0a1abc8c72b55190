"""Who else of ours could be meant: others with the very number, order or cross-reference, now or before."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator

from sqlalchemy import ColumnElement, String, bindparam, cast, select
from sqlalchemy.orm import Session

from fetch.identity import given_names
from fetch.identity.holding import another_person, same_number
from fetch.identity.ids import names_somebody, normal
from fetch.model import Patient, PatientIdentity
from preview.matching import known
from preview.matching.records import CrossReferenceRow, FormerHolderRow, KnownRow
from preview.records import ContextRow

_MOST = 20


class Rivals:
    """Of one patient of ours; what is stored is read at once for many identities found.

    ``meaning``: which patient an id means now.
    """

    def __init__(self, session: Session, meaning: Callable[[PatientIdentity], PatientIdentity]) -> None:
        self._session = session
        self._meaning = meaning
        self._known: dict[str, list[Patient]] = defaultdict(list)
        self._former: dict[str, list[Patient]] = defaultdict(list)
        self._in_use: set[str] = set()

    def look_at(self, found: Iterable[Patient]) -> list[PatientIdentity]:
        """Read who else has these numbers; whose ids these are may have been merged."""
        people = list(found)
        numbers = {normal(one.identity.patient_id) for one in people if _has_id(one)} - set(self._known)
        for number in numbers:
            self._known[number], self._former[number] = [], []
        if numbers:
            for row in self._session.scalars(_KNOWN, {"numbers": list(numbers)}):
                self._known[row.number].append(row.patient)
            for former in self._session.scalars(_FORMER, {"numbers": list(numbers)}):
                self._former[former.number].append(former.patient)
        names = {name for one in people for name in given_names(one)} - self._in_use
        if names:
            self._in_use |= set(self._session.scalars(_IN_USE, {"names": list(names)}))
        return [one.identity for number in numbers for one in self._known[number]]

    def names_in_use(self, asked: Patient) -> frozenset[str]:
        """Given names that patients of ours have, among those found, and this one's."""
        return frozenset(self._in_use) | given_names(asked)

    def holders(self, asked: Patient, found: Patient) -> int:
        """How many people have, or had, the very id that was found: this one, and all who are another."""
        if not _has_id(found):
            return 1
        others = [*self._others(asked, found), *self._before(found)]
        return 1 + sum(another_person(asked, one) for one in others)

    def _others(self, asked: Patient, found: Patient) -> Iterator[Patient]:
        """Known patients with the id found, who are not this one."""
        mine = self._meaning(asked.identity)
        for one in self._known.get(normal(found.identity.patient_id), ()):
            if same_number(one.identity, found.identity) and self._meaning(one.identity) != mine:
                yield one

    def _before(self, found: Patient) -> Iterator[Patient]:
        for one in self._former.get(normal(found.identity.patient_id), ()):
            if same_number(one.identity, found.identity):
                yield one

    # --- who else would be certain

    def of_number(self, asked: Patient, found: Patient) -> list[Patient]:
        return list(self._others(asked, found)) if _has_id(found) else []

    def of_order(self, asked: Patient, accession: str) -> list[Patient]:
        """For whom else a launch brought this accession number."""
        rows = self._session.scalars(select(ContextRow).where(ContextRow.accession == accession).limit(_MOST))
        return self._but(asked, (row.patient.identity for row in rows))

    def of_cross_reference(self, asked: Patient, found: Patient) -> list[tuple[Patient, PatientIdentity]]:
        """Of whom else the cross-reference manager said that this id is theirs, and how it wrote it."""
        quoted = f'"{found.identity.patient_id}"'
        named: ColumnElement[bool] = cast(CrossReferenceRow.ids, String).contains(quoted, autoescape=True)
        rows = self._session.scalars(select(CrossReferenceRow).where(named).limit(_MOST)).all()
        theirs = [
            (PatientIdentity(row.patient_id, row.issuer), PatientIdentity(number, issuer))
            for row in rows
            for issuer, number in row.ids
        ]
        said = {who: one for who, one in theirs if same_number(one, found.identity)}
        return [(patient, said[patient.identity]) for patient in self._but(asked, said)]

    def _but(self, asked: Patient, identities: Iterable[PatientIdentity]) -> list[Patient]:
        mine = self._meaning(asked.identity)
        others = [one for one in dict.fromkeys(identities) if one.patient_id and self._meaning(one) != mine]
        return [said for one in others if (said := known.said_of(self._session, one))]


def _has_id(patient: Patient) -> bool:
    return names_somebody(patient.identity.patient_id)


# Put together once, not for every page.
_KNOWN = select(KnownRow).where(KnownRow.number.in_(bindparam("numbers", expanding=True)))
_FORMER = select(FormerHolderRow).where(FormerHolderRow.number.in_(bindparam("numbers", expanding=True)))
_IN_USE = select(KnownRow.given).where(KnownRow.given.in_(bindparam("names", expanding=True))).distinct()
