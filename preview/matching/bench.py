"""Whose is a study? Judged with all that is stored: links, refusals, merges, cross-references, orders."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import bindparam, select, tuple_
from sqlalchemy.orm import Session

from fetch.identity import Context, Doubt, Grade, Judgement, Link, Remark, disagree, judge
from fetch.model import Patient, PatientIdentity, Source, Study
from fetch.records import PartRow, StudyRow
from preview.matching import known, marks, merging
from preview.matching.records import CrossReferenceRow, DecisionRow, LinkRow, RefusalRow
from preview.matching.rivals import Rivals
from preview.matching.why import Why
from preview.once import once
from preview.records import ContextRow


@dataclass(frozen=True)
class Finding:
    """What is to be thought of one study for one patient."""

    judgement: Judgement
    doubts: tuple[str, ...] = ()
    """Why staff have to look at it, by their codes; () if they need not."""
    decision: int | None = None
    """The decision by which it is settled that it is not this patient's."""
    again: bool = False
    """Staff had confirmed it, and since then either side has changed, so that it does not hold now."""

    @property
    def certain(self) -> bool:
        """May it be shown?"""
        return self.judgement.certain and not self.doubts and self.decision is None

    @property
    def confirmed(self) -> bool:
        """Is it certain because staff have said so?"""
        return Remark.CONFIRMED in self.judgement.remarks

    @property
    def is_out_of_question(self) -> bool:
        """Is it certainly somebody else's, without anything for staff to look at or to have decided?"""
        nobody_asks = not self.doubts and self.decision is None
        return nobody_asks and self.judgement.grade is Grade.CERTAINLY_NOT


class Bench:
    """For one patient, as the record describes them; what is stored is read once for many studies."""

    def __init__(self, session: Session, asked: Patient, sources: Iterable[Source]) -> None:
        self._session = session
        self._asked = asked
        self._sources = {source.name: source for source in sources}
        self._same_uid: dict[str, list[StudyRow]] = {}
        self._links: dict[str, list[LinkRow]] = defaultdict(list)
        self._confirmed: dict[int, tuple[str, str]] = {}
        self._refusals: dict[str, list[RefusalRow]] = defaultdict(list)
        self._meant: dict[PatientIdentity, PatientIdentity] = {}
        self._findings: dict[int, Finding] = {}
        self._rivals = Rivals(session, self._meaning)

    def look_at(self, rows: Iterable[StudyRow]) -> None:
        """Read at once what is stored about these studies and whoever they are said to be of."""
        new = [row for row in rows if row.study_uid not in self._same_uid]
        if not new:
            return
        self._same_uid |= {row.study_uid: [] for row in new}
        for one in self._session.scalars(_OF_UIDS, {"uids": list({row.study_uid for row in new})}):
            self._same_uid[one.study_uid].append(one)
        seen = [one for row in new for one in self._same_uid[row.study_uid]]
        self._read_decisions([one.patient for one in seen])

    def _read_decisions(self, found: Sequence[Patient]) -> None:
        new = {marks.mark(one) for one in found} - set(self._links)
        read = self._session.execute(_LINKS, {"marks": list(new)}).all()
        links = [link for link, _, _ in read]
        for link in links:
            self._links[link.mark].append(link)
        self._confirmed |= {link.decision: (source, study_uid) for link, source, study_uid in read}
        prints = {_print(one) for one in found}
        for refusal in self._session.scalars(_REFUSALS, {"prints": list(prints)}):
            self._refusals[refusal.print].append(refusal)
        named = {one.identity for one in (*found, self._asked)} | {link.patient.identity for link in links}
        named |= {one.patient.identity for some in self._refusals.values() for one in some}
        named |= set(self._rivals.look_at(found))
        self._meant |= merging.survivors(self._session, named)

    def finding(self, row: StudyRow) -> Finding:
        if row.id not in self._findings:
            self.look_at([row])
            self._findings[row.id] = self._found(row)
        return self._findings[row.id]

    def same_uid(self, row: StudyRow) -> list[StudyRow]:
        """What each source says of this study UID, where it is in the settings; the first of them first."""
        return [one for one in self._same_uid[row.study_uid] if one.source in self._sources]

    def knows(self, source: str) -> bool:
        """Is it in the settings? Of any other nothing can be said."""
        return source in self._sources

    @property
    def sources(self) -> tuple[Source, ...]:
        return tuple(self._sources.values())

    def means(self, identity: PatientIdentity) -> bool:
        """Is this an id of the patient?"""
        mine = merging.survivor(self._session, self._asked.identity)
        return merging.survivor(self._session, identity) == mine

    def of_part(self, row: StudyRow, part: PartRow) -> Judgement:
        """Images inside the study that name somebody else than it does: never certain by themselves."""
        source = self._sources.get(row.source)
        if source is None:
            return _UNKNOWN
        self._read_decisions([part.patient])
        context = replace(
            Context.of(source, issuer_assumed=part.issuer_assumed),
            holders=self._rivals.holders(self.patient, part.patient),
            names_in_use=self._rivals.names_in_use(self.patient),
        )
        judged = judge(self._canonical(self.patient), self._canonical(part.patient), context)
        return judged.doubted(Doubt.FOREIGN_IMAGES)

    # --- one study

    def _found(self, row: StudyRow) -> Finding:
        found, source = row.patient, self._sources.get(row.source)
        if source is None:
            return Finding(_UNKNOWN)
        judged = self._judge(row, source)
        refused = self._refused(found)
        if refused is not None and self._is_as_it_was(refused):
            return Finding(judged, decision=refused.decision)
        link = self._link(found)
        if link is not None and not self._is_mine(link):
            elsewhere = (Why.LINKED_ELSEWHERE.code,) if judged.certain else ()
            return Finding(judged, elsewhere, None if elsewhere else link.decision)
        doubts = self._doubts(row, judged)
        if refused is not None and (doubts or judged.certain):
            doubts = (Why.DECIDED_OTHERWISE.code, *doubts)
        return Finding(judged, doubts, again=Doubt.LINK_LAPSED in judged.doubts)

    def _doubts(self, row: StudyRow, judged: Judgement) -> tuple[str, ...]:
        """Who is certainly somebody else waits for nobody; under the patient's own id nobody is."""
        if judged.grade is Grade.CERTAINLY_NOT:
            return ()
        doubts = [doubt.code for doubt in judged.doubts]
        if self._is_in_dispute(row, judged):
            doubts.append(Doubt.SOURCES_DISAGREE.code)
        return tuple(doubts)

    def _is_in_dispute(self, row: StudyRow, judged: Judgement) -> bool:
        """Do other sources contradict, of whom staff have not said that they are right, or wrong?

        What staff have confirmed in spite of it no longer contradicts what is certain by itself.
        """
        others = [one for one in self._same_uid[row.study_uid] if one.id != row.id]
        unsettled = [one for one in others if not self._is_decided(one.patient)]
        if Remark.CONFIRMED in judged.remarks:
            unsettled = [one for one in unsettled if not self._is_certain_itself(one)]
        return bool(unsettled) and disagree([one.study for one in (row, *unsettled)])

    def _is_certain_itself(self, row: StudyRow) -> bool:
        source = self._sources.get(row.source)
        return source is not None and self._judge(row, source).certain

    def _is_decided(self, found: Patient) -> bool:
        link = self._link(found)
        confirmed = link is not None and _print(marks.patient_of(link.found)) == _print(found)
        return confirmed or self._refused(found) is not None

    def _judge(self, row: StudyRow, source: Source) -> Judgement:
        """By the record as it is now and as this page was opened with: the less certain of the two counts."""
        found = self._canonical(row.patient)
        context = self._context(row, source)
        asked = replace(self._asked, aliases=self.patient.aliases)
        said = dict.fromkeys((self._canonical(self.patient), self._canonical(asked)))
        judged = [judge(asked, found, context) for asked in said]
        certain = next((one for one in judged if not one.certain), judged[0])
        if certain.certain and (others := self._who_else(row, found, certain, context)):
            return judge(next(iter(said)), found, replace(context, qualifying=1 + others))
        return certain

    def _who_else(self, row: StudyRow, found: Patient, judged: Judgement, context: Context) -> int:
        """How many others of ours would be certain too? Staff who have confirmed one have seen to that."""
        alone, rivals = replace(context, link=None, holders=1), self._rivals
        if Remark.SAME_ID in judged.remarks:
            theirs = [(one, alone) for one in rivals.of_number(self._asked, row.patient)]
        elif Remark.ACCESSION in judged.remarks:
            theirs = [(one, alone) for one in rivals.of_order(self._asked, row.accession)]
        elif Remark.CROSS_REFERENCE in judged.remarks:
            crossed = rivals.of_cross_reference(self._asked, row.patient)
            theirs = [(one, replace(alone, cross_references=frozenset((said,)))) for one, said in crossed]
        else:
            return 0
        return sum(judge(one, found, how).certain for one, how in theirs)

    def _context(self, row: StudyRow, source: Source) -> Context:
        link = self._link(row.patient)
        ordered = bool(row.accession) and row.accession in self._orders
        return replace(
            Context.of(source, issuer_assumed=row.issuer_assumed),
            link=self._as_link(link, row) if link is not None and self._is_mine(link) else None,
            accession_brought=row.accession if ordered else "",
            accession_carried=row.accession,
            cross_references=self._crossed,
            holders=self._rivals.holders(self.patient, row.patient),
            names_in_use=self._rivals.names_in_use(self.patient),
        )

    def _link(self, found: Patient) -> LinkRow | None:
        """The one that was made of these very values, whoever's it is; else the live one."""
        standing = self._links.get(marks.mark(found), ())
        exact = (one for one in standing if _print(marks.patient_of(one.found)) == _print(found))
        return next(exact, None) or next((one for one in standing if one.live), None)

    def _as_link(self, link: LinkRow, row: StudyRow) -> Link:
        of_another = self._confirmed[link.decision] != (row.source, row.study_uid)
        found = self._canonical(marks.patient_of(link.found))
        return Link(self._canonical(link.patient), found, of_another)

    def _canonical(self, patient: Patient) -> Patient:
        return replace(patient, identity=self._meaning(patient.identity))

    def _meaning(self, identity: PatientIdentity) -> PatientIdentity:
        return self._meant.get(identity, identity)

    def _is_mine(self, link: LinkRow) -> bool:
        return self._meaning(link.patient.identity) == self._meaning(self._asked.identity)

    def _is_as_it_was(self, refused: RefusalRow) -> bool:
        """Does the record say what it said when staff refused? Of what is nobody's, it does not matter."""
        was = refused.patient
        if not was.identity.patient_id:
            return True
        return _print(replace(was, identity=self.patient.identity)) == _print(self.patient)

    def _refused(self, found: Patient) -> RefusalRow | None:
        mine = self._meaning(self._asked.identity)
        for refusal in self._refusals.get(_print(found), ()):
            identity = refusal.patient.identity
            if not identity.patient_id or self._meaning(identity) == mine:
                return refusal
        return None

    # --- what is known of the patient

    @once
    def patient(self) -> Patient:
        """As the record described the patient last, whoever opened them."""
        return known.said_of(self._session, self._asked.identity) or self._asked

    @once
    def _mine(self) -> list[tuple[str, str]]:
        every = merging.all_of(self._session, self._asked.identity)
        return [(identity.issuer, identity.patient_id) for identity in every]

    @once
    def _crossed(self) -> frozenset[PatientIdentity]:
        key = tuple_(CrossReferenceRow.issuer, CrossReferenceRow.patient_id)
        rows = self._session.scalars(select(CrossReferenceRow).where(key.in_(self._mine)))
        return frozenset(PatientIdentity(number, issuer) for row in rows for issuer, number in row.ids)

    @once
    def _orders(self) -> set[str]:
        """The accession numbers that launches brought for this patient."""
        key = tuple_(ContextRow.issuer, ContextRow.patient_id)
        numbers = select(ContextRow.accession).where(key.in_(self._mine), ContextRow.accession != "")
        return set(self._session.scalars(numbers.distinct()))


def linked_or_held(session: Session, studies: Sequence[Study]) -> set[str]:
    """Those (their UIDs) of whose identity staff have decided, or that another source holds too."""
    marked = {marks.mark(study.patient): study.study_uid for study in studies}
    linked = session.scalars(_LINKS, {"marks": list(marked)})
    held = select(StudyRow.study_uid).where(StudyRow.study_uid.in_([study.study_uid for study in studies]))
    return {marked[link.mark] for link in linked} | set(session.scalars(held))


_UNKNOWN = Judgement(Grade.CERTAINLY_NOT)
_print = marks.exact_print


# Put together once, not for every page.
_OF_UIDS = (
    select(StudyRow)
    .where(StudyRow.study_uid.in_(bindparam("uids", expanding=True)))
    .order_by(StudyRow.source)
)
_LINKS = (
    select(LinkRow, DecisionRow.source, DecisionRow.study_uid)
    .join(DecisionRow, DecisionRow.id == LinkRow.decision)
    .where(LinkRow.mark.in_(bindparam("marks", expanding=True)), LinkRow.stands())
    .order_by(LinkRow.id.desc())
)
_REFUSALS = select(RefusalRow).where(
    RefusalRow.print.in_(bindparam("prints", expanding=True)), RefusalRow.live.is_(True)
)
