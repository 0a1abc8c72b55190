"""The patients whom we know, as their record described them last: everyone launched, and lists from files."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from sqlalchemy import func, or_, select, tuple_, update
from sqlalchemy.orm import Session

from fetch.identity import given_names
from fetch.identity.holding import another_person, same_number
from fetch.identity.ids import issuer_parts, normal
from fetch.model import Patient, PatientIdentity
from fetch.records import columns_of, insert_missing, insert_once
from preview.matching import marks
from preview.matching.records import FormerHolderRow, KnownRow, ToJudgeRow

MOST = 20
"""So many are shown of one search."""
_LONGEST_IN_AN_INDEX = 1600
"""PostgreSQL has 2,704 bytes for the words and the family name together."""
_FEW_ISSUERS = 20
"""More are not told apart in the query."""


@dataclass(frozen=True)
class Searched:
    """``more``: there are others, which a longer search would tell apart."""

    patients: tuple[Patient, ...]
    more: bool = False


def note(session: Session, patients: Iterable[Patient], now: datetime) -> int:
    """Keep what the record says of them; of how many it said something else before, or nothing?

    Whose record has changed is judged again, and who else has their number. Where it is another person now,
    who had the id is not forgotten.
    """
    every = [patient for patient in patients if patient.identity.patient_id]
    said = {patient.identity: patient for patient in every}
    rows = _held(session, said)
    # in one order: two who insert the same ones would each wait for what the other holds
    unknown = sorted((one for one in said if one not in rows), key=lambda one: (one.issuer, one.patient_id))
    new = _insert(session, [said[one] for one in unknown], now)
    # whoever was quicker may have said something else; and so may another line about the same patient
    again = [one for one, count in Counter(one.identity for one in every).items() if count > 1]
    rows |= _held(session, {*again, *(one for one in unknown if one not in new)})
    held = [patient for patient in every if patient.identity in rows]
    changed = {patient.identity for patient in held if _take_over(session, rows, patient, now)}
    news = changed.union(unknown)
    judge_again(session, changed | _with_the_number_of(session, news), now)
    return len(news)


def _with_the_number_of(session: Session, news: Iterable[PatientIdentity]) -> set[PatientIdentity]:
    """Who else has the number of one of these: by it they may be certain no longer, or again."""
    near: dict[tuple[str, str], list[PatientIdentity]] = defaultdict(list)
    for one in news:
        for part in filter(None, issuer_parts(one.issuer)):
            near[normal(one.patient_id)[:256], part].append(one)
    if not near:
        return set()
    numbers, parts = ({key[place] for key in near} for place in (0, 1))
    of_these = KnownRow.number.in_(numbers)
    shared = select(KnownRow.number).where(of_these).group_by(KnownRow.number).having(func.count() > 1)
    these = select(KnownRow.issuer, KnownRow.patient_id, KnownRow.number).where(KnownRow.number.in_(shared))
    if len(parts) <= _FEW_ISSUERS:  # each hospital numbers from 1
        these = these.where(
            or_(*(KnownRow.issuer.contains(part.split()[0], autoescape=True) for part in parts))
        )
    holders = ((PatientIdentity(row[1], row[0]), row[2]) for row in session.execute(these))
    return {
        holder
        for holder, number in holders
        for part in filter(None, issuer_parts(holder.issuer))
        if any(one != holder and same_number(one, holder) for one in near[number, part])
    }


def _insert(session: Session, patients: Iterable[Patient], now: datetime) -> set[PatientIdentity]:
    """Who of them nobody had inserted meanwhile."""
    described = [_described(patient, now) for patient in patients]
    inserted = insert_missing(session, KnownRow, described, "patient_id", "issuer")
    return {PatientIdentity(number, issuer) for number, issuer in inserted}


def _take_over(
    session: Session, rows: dict[PatientIdentity, KnownRow], patient: Patient, now: datetime
) -> bool:
    """Did the record say something else before, or nothing?"""
    row = rows[patient.identity]
    before = row.patient
    if not _differs(before, patient):
        return False
    if another_person(before, patient):
        _keep_former(session, before, now)
    _describe(row, patient, now)
    return True


def _keep_former(session: Session, patient: Patient, now: datetime) -> None:
    former = FormerHolderRow(
        print=marks.exact_print(patient), number=normal(patient.identity.patient_id)[:256], until=now
    )
    former.patient = patient
    columns = [column.key for column in FormerHolderRow.__table__.columns if column.key != "id"]
    insert_once(session, FormerHolderRow, {name: getattr(former, name) for name in columns})


def judge_again(session: Session, identities: Iterable[PatientIdentity], now: datetime) -> None:
    """Something about these patients has changed: what was judged of them is judged again, whoever dies."""
    for one in sorted(identities, key=lambda one: (one.issuer, one.patient_id)):
        key = {"issuer": one.issuer, "patient_id": one.patient_id}
        insert_once(session, ToJudgeRow, key | {"since": now})
        mine = (ToJudgeRow.issuer == one.issuer) & (ToJudgeRow.patient_id == one.patient_id)
        session.execute(update(ToJudgeRow).where(mine).values(since=now))


def _held(session: Session, identities: Iterable[PatientIdentity]) -> dict[PatientIdentity, KnownRow]:
    keys = [(identity.issuer, identity.patient_id) for identity in identities]
    these = select(KnownRow).where(tuple_(KnownRow.issuer, KnownRow.patient_id).in_(keys))
    ordered = these.order_by(KnownRow.issuer, KnownRow.patient_id).with_for_update()
    return {row.identity: row for row in session.scalars(ordered)} if keys else {}


def _differs(kept: Patient, said: Patient) -> bool:
    """Who says nothing of other names and ids takes none away."""
    more = bool(said.aliases) and said.aliases != kept.aliases
    return more or _known_by(kept) != _known_by(said)


def _known_by(patient: Patient) -> tuple[object, ...]:
    """How a birth date was written says nothing where it could be read."""
    born = patient.birth_date or patient.birth_date_text
    return patient.name, born, patient.sex


def _describe(row: KnownRow, patient: Patient, now: datetime) -> None:
    said = replace(patient, aliases=patient.aliases or row.patient.aliases)
    for name, value in _described(said, now).items():
        setattr(row, name, value)


def _described(patient: Patient, now: datetime) -> dict[str, object]:
    """The columns, without a row: of a long list of patients each would cost more than all else."""
    found = [word for name in (patient.name, *patient.aliases.names) for word in marks.words(name)]
    words = "".join(f" {word}" for word in found)[:1024]
    return columns_of(KnownRow, patient) | {
        "said_at": now,
        "words": words.encode()[:_LONGEST_IN_AN_INDEX].decode(errors="ignore"),
        "family": " ".join(marks.words(patient.family_name))[:256],
        "number": normal(patient.identity.patient_id)[:256],
        "given": min(given_names(patient), default="")[:256],
    }


def said_of(session: Session, identity: PatientIdentity) -> Patient | None:
    """Who the record last said that this is."""
    row = session.scalar(select(KnownRow).filter_by(issuer=identity.issuer, patient_id=identity.patient_id))
    return row.patient if row is not None else None


def says(session: Session, patient: Patient) -> bool:
    """Does the record, as far as it is known, say just this of them?"""
    said = said_of(session, patient.identity)
    return said is None or not _differs(said, patient)


def numbers(session: Session, identities: Iterable[PatientIdentity]) -> dict[PatientIdentity, int]:
    """What stands for each of them in an address, as far as they are known: it says nothing of anybody."""
    keys = [(identity.issuer, identity.patient_id) for identity in identities]
    these = select(KnownRow).where(tuple_(KnownRow.issuer, KnownRow.patient_id).in_(keys))
    return {row.identity: row.id for row in session.scalars(these)} if keys else {}


def numbered(session: Session, number: int) -> Patient | None:
    """Whom an address means."""
    row = session.get(KnownRow, number) if 0 < number < _LARGEST_KEY else None
    return row.patient if row is not None else None


_LARGEST_KEY = 2**31
"""PostgreSQL refuses the question for a larger one."""


def search(
    session: Session,
    *,
    name: str = "",
    birth_date: date | None = None,
    patient_id: str = "",
    most: int = MOST,
) -> Searched:
    """Known patients by the beginnings of words of the name, by birth date, by id; all that is given holds.

    Nothing given finds nobody.
    """
    query = select(KnownRow)
    for word in marks.words(name)[:8]:
        query = query.where(KnownRow.words.contains(f" {word}", autoescape=True))
    if birth_date is not None:
        query = query.where(KnownRow.birth_date == birth_date)
    if patient_id.strip():
        query = query.where(KnownRow.number == normal(patient_id)[:256])
    if query.whereclause is None or "\0" in name + patient_id:
        return Searched(())
    ordered = query.order_by(KnownRow.family, KnownRow.words, KnownRow.id).limit(most + 1)
    rows = session.scalars(ordered).all()
    return Searched(tuple(row.patient for row in rows[:most]), len(rows) > most)


def like(session: Session, found: Patient, most: int = 200) -> Sequence[Patient]:
    """Known patients who have something of this identity: the id, the birth date, or a part of the name.

    So many at most of each; what is compared with them is nobody's name alone.
    """
    family = " ".join(marks.words(found.family_name))
    given = " ".join(marks.words(found.given_name))
    ways = [KnownRow.number == normal(found.identity.patient_id)] if marks.has_id(found) else []
    ways += [KnownRow.birth_date == found.birth_date] if found.birth_date else []
    other = [" ".join(marks.words(name.partition("^")[0])) for name in found.aliases.names]
    ways += [KnownRow.family == name for name in dict.fromkeys((family, given, *other)) if name]
    rows = {row.id: row for way in ways for row in session.scalars(select(KnownRow).where(way).limit(most))}
    return [row.patient for row in rows.values()]
