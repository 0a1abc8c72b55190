"""Studies that an archive has long listed and that were fetched long ago, straight into the database."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

from pydicom.uid import generate_uid
from sqlalchemy import select

from fetch.model import AnswerKind, Study
from fetch.records import StudyRow
from preview.records import (
    AnswerRow,
    Arrival,
    AskRow,
    FetchRow,
    FoundRow,
    InstanceRow,
    Outcome,
    SeriesRow,
)
from support.studies import OKAFOR

NEWEST = date(2026, 11, 20)


def studies(many: int, **more: object) -> list[Study]:
    """Newest first, three days apart, of four kinds by turns."""
    kinds = ("CT", "MR", "DX", "US")
    return [
        replace(
            Study("main", generate_uid(), OKAFOR, study_date=NEWEST - timedelta(days=3 * number)),
            **{
                "study_time": "101500",
                "accession": f"A{number}",
                "description": f"No. {number}",
                "modalities": (kinds[number % 4],),
                "series_count": 3,
                "instance_count": 120,
                **more,
            },
        )
        for number in range(many)
    ]


def found(site, some: Sequence[Study], *, series: int = 3, outside: int = 0) -> list[str]:
    """The newest question is answered with these; with ``series`` they are fetched. Their keys."""
    now = site.parts.now
    with site.parts.records.write() as session:
        ask = session.scalars(select(AskRow).order_by(AskRow.wanted_at.desc()).limit(1)).one()
        ask.begun_at = ask.finished_at = now
        answer = {"kind": AnswerKind.FOUND, "outside": outside, "answered_at": now}
        session.merge(AnswerRow(ask=ask.id, source="main", **answer))
        return [_noted(session, ask.id, one, series, now).key for one in some]


def _noted(session, ask: str, study: Study, series: int, now) -> StudyRow:
    row = StudyRow(source=study.source, study_uid=study.study_uid, seen_at=now)
    row.describe(study, now)
    session.add(row)
    session.flush()
    session.add(FoundRow(ask=ask, study_row=row.id))
    if series:
        counts = {"expected": 40 * series, "arrived": 40 * series, "outcome": Outcome.COMPLETE}
        session.add(FetchRow(study_row=row.id, wanted_at=now, begun_at=now, finished_at=now, **counts))
    for number in range(1, series + 1):
        one = SeriesRow(
            study_row=row.id,
            series_uid=generate_uid(),
            number=number,
            modality=study.modalities[0],
            description=f"Axial {number}",
            expected=40,
        )
        session.add(one)
        session.flush()
        session.add(
            InstanceRow(
                study_row=row.id,
                series_row=one.id,
                instance_uid=generate_uid(),
                number=20,
                poster=True,
                arrival=Arrival.PICTURE,
                frames=[1],
                frame_count=1,
                sizes=[256],
            )
        )
    return row
