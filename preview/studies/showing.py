"""Which studies a context may show: found for its patient, still listed, and certainly that patient's now."""

from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Sequence
from datetime import datetime

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session, joinedload

from fetch.model import AnswerKind, PatientQuery, Source
from fetch.records import StudyRow
from preview.kept import Look
from preview.matching.bench import Bench, Finding
from preview.once import once
from preview.range import Span
from preview.records import AnswerRow, AskRow, ContextRow, FoundRow

CONCLUSIVE = (AnswerKind.FOUND, AnswerKind.ABSENT)
"""Answers that say all that the source has."""


class Sight:
    """What one context may see; its questions are read once, however many studies are looked at."""

    def __init__(
        self, session: Session, context: ContextRow, sources: Sequence[Source], look: Look | None = None
    ) -> None:
        self._session = session
        self._context = context
        self._look = look or Look()
        self._bench = Bench(session, context.patient, sources)
        self._findings: dict[int, Finding] = {}

    def last_ask(self, span: Span | None) -> AskRow | None:
        """The newest question of this context, for this range if one is given."""
        asks = (ask for ask in self._asks if span is None or (ask.start, ask.end) == span)
        return next(asks, None)

    def failed_before(self, ask: AskRow) -> dict[str, datetime]:
        """When each source could not be asked, if so, as the same question was put the last time before."""
        answers = next((one.answers for one in self._same_before(ask)), ())
        return {one.source: one.answered_at for one in answers if one.kind == AnswerKind.OUTAGE}

    def counted_before(self, ask: AskRow) -> dict[str, AnswerRow]:
        """What each source answered the last time that it answered the same question before this one."""
        oldest_first = reversed(list(self._same_before(ask)))
        answers = (answer for one in oldest_first for answer in one.answers)
        return {one.source: one for one in answers if one.kind != AnswerKind.OUTAGE}

    def _same_before(self, ask: AskRow) -> Iterator[AskRow]:
        """The same question as it was put before, the newest first."""
        same = (one for one in self._asks if (one.start, one.end) == (ask.start, ask.end))
        return (one for one in same if one.wanted_at < ask.wanted_at)

    def listed(self, row: StudyRow) -> bool:
        """Did the newest answer of its source that covers this study still name it, whoever asked?

        While its source has not answered this context, what it answered about the same patient before counts.
        """
        if row.unlisted_at is not None:
            return False
        for ask in self._asks:
            if (ask.id, row.id) in self._found:
                return True
            kinds = [answer.kind for answer in ask.answers if answer.source == row.source]
            covers = PatientQuery(self._context.patient, ask.start, ask.end).covers(row.study_date)
            if covers and kinds and kinds[0] in CONCLUSIVE:
                return False
        return row.id in self._found_before

    def found_by(self, ask: AskRow) -> Sequence[StudyRow]:
        """What this question of the context found."""
        return self._studies(study for one, study in self._found if one == ask.id)

    def ever_found(self) -> Sequence[StudyRow]:
        """By this context's questions, and by everybody's before who had the same patient open."""
        return self._studies({study for _, study in self._found} | self._found_before)

    def _studies(self, wanted: Iterable[int]) -> Sequence[StudyRow]:
        ids = tuple(sorted(wanted))
        return self._look.get(
            ("studies", ids), lambda: self._session.scalars(_STUDIES, {"ids": list(ids)}).all()
        )

    def certain(self, row: StudyRow) -> bool:
        """Judged anew at every look: what an archive says of a study may have changed since it was found."""
        return self.finding(row).certain

    def finding(self, row: StudyRow) -> Finding:
        """What is to be thought of it, with everything that staff have decided until now."""
        if row.id not in self._findings:
            self.look_at([row])
        return self._findings[row.id]

    def shown(self, row: StudyRow) -> bool:
        """May this context show it?"""
        return self.listed(row) and self.certain(row)

    def look_at(self, rows: Iterable[StudyRow]) -> None:
        """Read at once what is stored about these studies.

        A finding is of a study as it is described here, word by word, so it can be that of another context.
        """
        studies = list(rows)
        described = tuple((row.id, row.study) for row in studies)
        key = ("findings", self._context.patient, described)
        self._findings |= self._look.get(key, lambda: self._judged(studies))

    def _judged(self, rows: Sequence[StudyRow]) -> dict[int, Finding]:
        self._bench.look_at(rows)
        return {row.id: self._bench.finding(row) for row in rows}

    @once
    def _asks(self) -> Sequence[AskRow]:
        mine = {"context": self._context.key}
        return self._look.get(
            ("asks", self._context.key), lambda: self._session.scalars(_ASKS, mine).unique().all()
        )

    @once
    def _found(self) -> frozenset[tuple[str, int]]:
        mine = {"context": self._context.key}
        return self._look.get(
            ("found", self._context.key),
            lambda: frozenset((row[0], row[1]) for row in self._session.execute(_FOUND, mine)),
        )

    @once
    def _found_before(self) -> frozenset[int]:
        """The same for everybody who looks at this patient."""
        identity = self._context.patient.identity
        if not identity.patient_id:
            return frozenset()
        whose = {"patient_id": identity.patient_id, "issuer": identity.issuer}
        return self._look.get(
            ("found before", identity), lambda: frozenset(self._session.scalars(_FOUND_BEFORE, whose))
        )


# Put together once, not for every page.
_ASKS = (
    select(AskRow)
    .options(joinedload(AskRow.answers))
    .where(AskRow.context == bindparam("context"))
    .order_by(AskRow.wanted_at.desc())
)
_FOUND = (
    select(FoundRow.ask, FoundRow.study_row)
    .join(AskRow, AskRow.id == FoundRow.ask)
    .where(AskRow.context == bindparam("context"))
)

_STUDIES = select(StudyRow).where(StudyRow.id.in_(bindparam("ids", expanding=True))).order_by(StudyRow.id)

_FOUND_BEFORE = (
    select(FoundRow.study_row)
    .join(AskRow, AskRow.id == FoundRow.ask)
    .join(ContextRow, ContextRow.key == AskRow.context)
    .where(ContextRow.patient_id == bindparam("patient_id"), ContextRow.issuer == bindparam("issuer"))
)


def visible_study(
    session: Session, context: ContextRow, study_key: str, sources: Sequence[Source], look: Look | None = None
) -> StudyRow | None:
    """The study of this key, if this context may show it."""
    if not study_key.isalnum():  # PostgreSQL would refuse the question for a key with a NUL
        return None
    row = session.scalar(select(StudyRow).where(StudyRow.key == study_key))
    return row if row and Sight(session, context, sources, look).shown(row) else None


def by_uid(
    rows: Iterable[StudyRow], sources: Sequence[Source], fetched: Container[int]
) -> list[list[StudyRow]]:
    """One group a study UID. The first source of each is fetched from: the one that has most of the study.

    Where they have the same, it is the one that was fetched from before (``fetched``: those rows), then the
    first of the settings.
    """
    order = {source.name: index for index, source in enumerate(sources)}

    def preference(row: StudyRow) -> tuple[int, bool, int]:
        return -(row.instance_count or 0), row.id not in fetched, order.get(row.source, len(order))

    groups: dict[str, list[StudyRow]] = defaultdict(list)
    for row in sorted(rows, key=preference):
        groups[row.study_uid].append(row)
    return list(groups.values())
