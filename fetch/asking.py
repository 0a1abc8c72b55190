"""Everything that one source has of a patient: asked for in parts where one answer cannot hold it."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date

from pydicom.dataset import Dataset

from fetch.errors import FetchError, trouble
from fetch.halving import Parts, Span, in_parts
from fetch.model import Local, PatientQuery, Source
from fetch.reasons import Reason
from fetch.sources import dimse, identifiers, protocol, reading
from fetch.sources.matches import Matches


def under_names(query: PatientQuery, names: Sequence[str], source: Source, local: Local) -> Matches:
    """The studies of everybody who is called like that, as far as each name goes, and was born that day.

    Whose they are is not said by that. Raises a FetchError if nothing was answered at all.
    """
    born = f"{query.patient.birth_date:%Y%m%d}"
    asked = [identifiers.of_study(PatientName=f"{name}*", PatientBirthDate=born) for name in names]
    found = protocol.find(source, local, *asked)
    return _together(found, next((matches.shortened for matches in found if matches.shortened), None))


def of_orders(orders: Sequence[str], source: Source, local: Local) -> Matches:
    """The studies with these accession numbers. Whose they are is not said by that: others count so too."""
    asked = [identifiers.of_study(AccessionNumber=order) for order in orders]
    found = protocol.find(source, local, *asked)
    return _together(found, next((matches.shortened for matches in found if matches.shortened), None))


def everything(query: PatientQuery, ids: Sequence[str], source: Source, local: Local, today: date) -> Matches:
    """All the studies under these ids, which mean one patient there. Raises if the first is not answered."""
    found: list[Matches] = []
    for patient_id in ids:
        try:
            found.append(under_id(query, patient_id, source, local, today))
        except FetchError as error:
            if not found:
                raise
            found.append(Matches((), error.reason, error.detail, broken_off=True))
    return _together(found, next((matches.shortened for matches in found if matches.shortened), None))


def under_id(query: PatientQuery, patient_id: str, source: Source, local: Local, today: date) -> Matches:
    """All the studies under one id, whatever their date, because a date range silently omits undated ones.

    The range is asked for besides, because an archive that caps its answers may silently omit the newest.
    Where all dates are too many for one answer, the range is asked for in parts until each is below the cap
    (PS3.4 has no other way to page). Then every dated study is there, and this is said with
    ``UNDATED_MAY_LACK``: for studies without a date alone there is no question. Where a part stays at the
    cap, or was not answered, the reason is that. Raises a FetchError if nothing was answered at all.
    """
    end = time.monotonic() + dimse.FIND_S
    every, ranged = Span(), Span(query.start, query.end)
    question = _Question(patient_id, source, local, end)
    first, *rest = question.ask(list(dict.fromkeys((every, ranged))))
    besides = rest[0] if rest else first
    cap = _cap(first, besides, source)
    if cap is None:
        return _together([first, *rest], first.shortened or besides.shortened)
    return _in_parts(question, first, {ranged: besides}, cap, today)


class _Question:
    """About one patient, to one source, until ``end`` (monotonic)."""

    def __init__(self, patient_id: str, source: Source, local: Local, end: float) -> None:
        self._patient_id = patient_id
        self._source = source
        self._local = local
        self._end = end

    def ask(self, spans: Sequence[Span]) -> list[Matches]:
        """The studies of each span. Raises a FetchError if the first is not answered."""
        left = max(0.0, self._end - time.monotonic())
        asked = [identifiers.of_study(PatientID=self._patient_id, StudyDate=s.written()) for s in spans]
        return protocol.find(self._source, self._local, *asked, within=left)

    def ask_more(self, spans: Sequence[Span]) -> list[Matches]:
        """As above; what is not answered leaves what is known already as it is."""
        try:
            if time.monotonic() >= self._end:
                raise trouble(Reason.NO_ANSWER, "no time left to ask in parts")
            return self.ask(spans)
        except FetchError as error:
            return [Matches((), error.reason, error.detail, broken_off=True)] * len(spans)


def _cap(every: Matches, ranged: Matches, source: Source) -> int | None:
    """At how many studies the answer about all dates ended, where it may not have been at its end.

    C-FIND has no "there is more" (PS3.4 C.6.4.6.2): exactly the limit means that there may be. And who omits
    from all dates what he has in the range has a cap that he keeps to himself.
    """
    count = len(every.identifiers)
    full = every.shortened is Reason.TOO_MANY or (every.shortened is None and count >= source.answer_limit)
    silent = every.shortened is None and len(_once([every, ranged])) > len(_once([every]))
    return max(1, min(count, source.answer_limit)) if full or silent else None


def _in_parts(
    question: _Question, every: Matches, answers: dict[Span, Matches], cap: int, today: date
) -> Matches:
    """``answers``: the range as it was answered as a whole. Each part of it is added."""
    (whole,) = answers

    def are_capped(spans: Sequence[Span]) -> list[bool]:
        answers.update(zip(spans, question.ask_more(spans), strict=True) if spans else ())
        return [_is_capped(answers[span], cap) for span in spans]

    capped = _is_capped(answers[whole], cap)
    parts = in_parts(whole, are_capped, today) if capped else Parts((whole,), ())
    found = _together([every, *answers.values()], _why(answers, parts.below, parts.capped))
    last = [answers[span] for span in (*parts.capped, *parts.below)]
    return replace(found, detail=_detail(last), broken_off=any(part.broken_off for part in last))


def _is_capped(matches: Matches, cap: int) -> bool:
    return matches.shortened is Reason.TOO_MANY or len(matches.identifiers) >= cap


def _why(answers: Mapping[Span, Matches], below: Sequence[Span], capped: Sequence[Span]) -> Reason:
    if capped:
        return Reason.TOO_MANY
    unanswered = (answers[span].shortened for span in below)
    return next((reason for reason in unanswered if reason), Reason.UNDATED_MAY_LACK)


def _together(found: Sequence[Matches], shortened: Reason | None) -> Matches:
    """The answers to every question, each once."""
    broken_off = any(matches.broken_off for matches in found)
    return Matches(tuple(_once(found).values()), shortened, _detail(found), broken_off=broken_off)


def _detail(found: Sequence[Matches]) -> str:
    return next((matches.detail for matches in found if matches.detail), "")


def _once(found: Sequence[Matches]) -> dict[tuple[str, str], Dataset]:
    """By whose they are: the same study under two patients' ids is two answers."""
    return {_whose(ds): ds for matches in found for ds in matches.identifiers}


def _whose(ds: Dataset) -> tuple[str, str]:
    return reading.text(ds, "StudyInstanceUID"), reading.text(ds, "PatientID")
