"""Who of staff looked at, or took along, what is not certainly anybody's: on record before they have it."""

import getpass
import hashlib
from collections.abc import Iterator, Mapping
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from fetch.records import UnmatchedRow, insert_once
from preview.matching import marks
from preview.matching.records import AccessKind, AccessRow
from preview.parts import Parts
from preview.records import ContextRow

_SHELL = "shell"


def saw_pictures(parts: Parts, context: ContextRow, row: UnmatchedRow) -> None:
    """One record for each opening of each study, however many pictures it has (DICOM PS3.15 A.5.3.3)."""
    folder = row.part.key if row.part else row.study.key
    once = hashlib.sha256(f"{context.key}\n{row.key}\n{folder}".encode()).hexdigest()
    with parts.records.read() as session:
        if session.scalar(select(AccessRow.id).where(AccessRow.once == once)) is not None:
            return
    values = {
        "at": parts.now,
        "kind": AccessKind.PICTURES,
        "person": context.person,
        "role": str(context.role),
        "once": once,
        "source": row.study.source,
        "study_uid": row.study.study_uid,
        "issuer": row.patient.identity.issuer,
        "patient_id": row.patient.identity.patient_id,
        "found": marks.values(row.found),
    }
    with parts.records.write() as session:
        insert_once(session, AccessRow, values | {"count": 1, "details": {"row": row.key}})


def took_list(
    session: Session, context: ContextRow | None, filters: Mapping[str, str], count: int, now: datetime
) -> None:
    """The list goes out as a file; from a shell it is whoever is signed in there."""
    person = context.person if context else getpass.getuser()
    role = str(context.role) if context else _SHELL
    row = AccessRow(at=now, kind=AccessKind.LIST, person=person[:256], role=role, count=count)
    row.details = dict(filters)
    session.add(row)


def accesses(session: Session, most: int) -> Iterator[AccessRow]:
    """The newest first."""
    yield from session.scalars(select(AccessRow).order_by(AccessRow.id.desc()).limit(most))
