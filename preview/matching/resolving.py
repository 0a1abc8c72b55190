"""Reads from the database what staff see of one doubtful study, and wants its first pictures for them."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from fetch.identity import Judgement
from fetch.model import Patient
from fetch.records import UnmatchedRow
from preview.errands import wanting
from preview.errands.facts import errands_of
from preview.matching import deciding, known, listing, marks, splitting
from preview.matching.bench import Bench, Finding
from preview.matching.candidates import candidates
from preview.matching.records import DecisionRow, Verdict
from preview.page.comparing import fits_as_well
from preview.page.resolving import LookFacts, Meanwhile, Settled, Stage, choices, stage_of
from preview.parts import Parts
from preview.records import ContextRow, Errand, Scope
from preview.studies import facts, gallery


@dataclass(frozen=True)
class Offered:
    """Somebody whose study it may be. ``number`` stands for them in an address; None: nobody's does."""

    patient: Patient
    judgement: Judgement
    number: int | None
    is_asked: bool
    is_compared: bool


@dataclass(frozen=True)
class Case:
    """One row of the list with everything that helps to decide about it."""

    row: UnmatchedRow
    compared: Patient
    """The record's side."""
    number: int | None
    """Whom staff have chosen to compare with; None for whom it was found for."""
    judgement: Judgement | None
    """None where nobody was asked about."""
    finding: Finding | None
    """None also of images inside a study."""
    doubts: tuple[str, ...]
    stage: Stage
    choices: Sequence[Verdict]
    standing: DecisionRow | None
    proposed: DecisionRow | None
    history: tuple[DecisionRow, ...]
    offered: tuple[Offered, ...]
    images: int
    """How many they are, where it is about images inside a study that name somebody else; else 0."""
    following: str
    """The key of the row that is next on the list; "" if there is none."""

    @property
    def seen(self) -> str:
        return listing.seen(self.row)

    @property
    def compared_mark(self) -> str:
        """Stands for the record's side as it is shown."""
        return marks.exact_print(self.compared)

    @property
    def settled(self) -> Settled:
        """Of a row that is off the list by no decision of its own."""
        if self.number is not None or self.judgement is None:
            return Settled.UNKNOWN
        if self.finding is None:  # images inside a study
            return Settled.FACTS
        if self.finding.decision:
            return Settled.OTHER
        if self.finding.confirmed:
            return Settled.SAME
        return Settled.FACTS if self.finding.certain else Settled.UNKNOWN

    @property
    def rivals(self) -> tuple[Offered, ...]:
        """Others who fit as well as the one compared, or better."""
        if self.judgement is None:
            return ()
        others = (one for one in self.offered if not one.is_compared)
        return tuple(one for one in others if fits_as_well(self.judgement, one.judgement))


def case_of(parts: Parts, key: str, number: int | None) -> Case | None:
    """``number``: of the known patient to compare with. None if there is no such row, or patient."""
    with parts.records.read() as session:
        row = listing.one(session, key)
        chosen = known.numbered(session, number) if number is not None else None
        if row is None or (number is not None and chosen is None):
            return None
        return _case(parts, session, row, chosen, number)


def _case(
    parts: Parts, session: Session, row: UnmatchedRow, chosen: Patient | None, number: int | None
) -> Case:
    history = deciding.history(session, row)
    standing = deciding.standing(session, row)
    proposed = session.get(DecisionRow, row.proposed) if row.proposed is not None else None
    stage = stage_of(
        waits=row.settled_at is None, proposed=proposed is not None, standing=standing is not None
    )
    if chosen is not None and chosen.identity == row.patient.identity:
        chosen = number = None
    if stage in (Stage.PROPOSED, Stage.DECIDED):  # about whom that decision is
        chosen, number = None, None
    decided = proposed or (standing if stage is Stage.DECIDED else None)
    compared = chosen or (marks.patient_of(decided.asked) if decided else row.patient)
    asked = bool(row.patient.identity.patient_id)
    judgement, finding, doubts = _judged(parts, session, row, compared)
    return Case(
        row=row,
        compared=compared,
        number=number,
        judgement=judgement,
        finding=finding,
        doubts=doubts,
        stage=stage,
        choices=choices(stage, asked=asked, other=chosen is not None, of_part=row.part is not None),
        standing=standing,
        proposed=proposed,
        history=tuple(history),
        offered=_offered(parts, session, row, compared),
        images=splitting.count(session, row.part) if row.part is not None else 0,
        following=_following(session, row),
    )


def _judged(
    parts: Parts, session: Session, row: UnmatchedRow, compared: Patient
) -> tuple[Judgement | None, Finding | None, tuple[str, ...]]:
    if not compared.identity.patient_id:
        return None, None, tuple(row.doubts)
    bench = Bench(session, compared, parts.settings.sources)
    if row.part is not None:
        return bench.of_part(row.study, row.part), None, tuple(row.doubts)
    finding = bench.finding(row.study)
    own = compared.identity == row.patient.identity and row.settled_at is None
    return finding.judgement, finding, tuple(row.doubts) if own else finding.doubts


def _offered(parts: Parts, session: Session, row: UnmatchedRow, compared: Patient) -> tuple[Offered, ...]:
    found = candidates(session, row, parts.settings.sources)
    numbers = known.numbers(session, [one.patient.identity for one in found])
    return tuple(
        Offered(
            one.patient,
            one.judgement,
            None if one.is_asked else numbers.get(one.patient.identity),
            one.is_asked,
            one.patient.identity == compared.identity,
        )
        for one in found
    )


def _following(session: Session, row: UnmatchedRow) -> str:
    first = listing.listed(session, listing.Filters(), most=2).rows
    return next((one.key for one in first if one.key != row.key), "")


def want_pictures(parts: Parts, row: UnmatchedRow, *, again: bool = False) -> None:
    """Staff look at it, so its first pictures come, once; ``again``: somebody has asked for another try."""
    listed = row.settled_at is None and row.study.unlisted_at is None
    if not listed or parts.settings.source(row.study.source) is None:
        return
    with parts.records.read() as session:
        wanted = row.study.id in wanting.fetched(session, [row.study])
    if again or not wanted:
        wanting.want(parts, row.study, scope=Scope.POSTERS)


def look_facts(parts: Parts, reader: ContextRow, row: UnmatchedRow, since: int) -> LookFacts:
    """``since``: the newest decision that the page knows of; any later one was made while it was open."""
    with parts.records.read() as session:
        errands = errands_of(session, [row.study], parts, reader)
        if row.part is not None:
            posters = gallery.part_posters(session, row.study, row.part)
        else:
            posters = gallery.posters(session, [row.study]).get(row.study.id, ())
        newest = session.get(DecisionRow, row.decision) if (row.decision or 0) > since else None
    return LookFacts(
        waits=row.settled_at is None,
        unlisted=row.study.unlisted_at is not None,
        fetch=errands.get(row.study, Errand.FETCH),
        posters=posters,
        bell=facts.ring(parts, None, errands.unfinished),
        meanwhile=Meanwhile(newest.id, newest.at, newest.person, newest.verdict) if newest else None,
    )
