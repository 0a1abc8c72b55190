"""`find` and `echo`: what the archives answer, for whoever connects one."""

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import click
from flask.cli import with_appcontext

from fetch.errors import FetchError, UnsafeQuery
from fetch.find import find_each
from fetch.model import Answer, AnswerKind, Patient, PatientIdentity, PatientQuery, Source, Study
from fetch.sources import dimse
from preview.routes.guard import parts

DAY = click.DateTime(["%Y-%m-%d"])


@click.command("find")
@click.option("--patient", "patient_id", required=True, help="The patient's id in the clinical application.")
@click.option("--issuer", required=True, help="Who issued that id.")
@click.option("--from", "start", type=DAY, help="First day, YYYY-MM-DD.")
@click.option("--to", "end", type=DAY, help="Last day, YYYY-MM-DD.")
@click.option("--all", "ask_all", is_flag=True, help="Ask also archives to which this id says nothing.")
@click.option("--json", "as_json", is_flag=True, help="One JSON line a source.")
@with_appcontext
def find_command(
    patient_id: str,
    issuer: str,
    start: datetime | None,
    end: datetime | None,
    ask_all: bool,
    as_json: bool,
) -> None:
    """Ask every archive for a patient's studies in a date range."""
    patient = Patient(PatientIdentity(patient_id.strip(), issuer.strip()))
    query = PatientQuery(patient, start.date() if start else None, end.date() if end else None)
    settings = parts().settings
    try:
        answers = list(
            _waiting(
                find_each(query, settings.sources, settings.local, ask_all=ask_all), len(settings.sources)
            )
        )
    except UnsafeQuery as unsafe:
        raise click.UsageError(str(unsafe)) from None
    order = [source.name for source in settings.sources]
    answers.sort(key=lambda answer: order.index(answer.source.name))
    _print_json(answers) if as_json else _print_lines(answers)
    sys.exit(1 if any(answer.kind is AnswerKind.OUTAGE or answer.broken_off for answer in answers) else 0)


def _waiting(answers: Iterable[Answer], count: int) -> Iterable[Answer]:
    """A progress bar on a terminal, nothing elsewhere."""
    with click.progressbar(
        answers, length=count, label="Asking", file=sys.stderr, hidden=not sys.stderr.isatty()
    ) as bar:
        yield from bar


def _print_json(answers: Sequence[Answer]) -> None:
    for answer in answers:
        row = {
            "source": answer.source.name,
            "answer": answer.kind.value,
            "studies": [_study(study) for study in answer.studies],
            "reason": _reason(answer),
        }
        click.echo(json.dumps(row, ensure_ascii=False))


def _study(study: Study) -> dict[str, Any]:
    return {
        "study_uid": study.study_uid,
        "date": study.study_date.isoformat() if study.study_date else None,
        "modalities": list(study.modalities),
        "description": study.description,
        "accession": study.accession,
        "series": study.series_count,
        "instances": study.instance_count,
    }


def _reason(answer: Answer) -> str | None:
    return f"{answer.reason.sentence} {answer.reason.next_step}" if answer.reason else None


def _print_lines(answers: Sequence[Answer]) -> None:
    for answer in answers:
        source = answer.source
        click.echo(f"{source.label} ({source.name}, {source.host}:{source.port}): {answer.kind}")
        if answer.reason:
            click.echo(f"  {_reason(answer)}{_detail(answer.detail)}")
        for study in answer.studies:
            click.echo(_lines(study))
        if answer.outside:
            click.echo(f"  {answer.outside} more outside the range")


def _lines(study: Study) -> str:
    """What it is, and below it the UID, whole: the next command wants it."""
    day = study.study_date.isoformat() if study.study_date else "date unknown"
    count = "? images" if study.instance_count is None else f"{study.instance_count} images"
    return f"  {day}  {','.join(study.modalities)}  {count}  {study.description}\n    {study.study_uid}"


def _detail(detail: str) -> str:
    return f" ({detail})" if detail else ""


@click.command("echo")
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="One JSON line a source.")
@with_appcontext
def echo_command(name: str | None, as_json: bool) -> None:
    """Ask one archive, or every one, whether it hears us (C-ECHO)."""
    settings = parts().settings
    sources = [source for source in settings.sources if name in (None, source.name)]
    if not sources:
        known = ", ".join(source.name for source in settings.sources)
        raise click.UsageError(f"there is no source {name!r}; there are: {known}")
    failed = [source for source in sources if not _echoed(source, as_json)]
    sys.exit(1 if failed else 0)


def _echoed(source: Source, as_json: bool) -> bool:
    error: FetchError | None = None
    try:
        dimse.echo(source, parts().settings.local)
    except FetchError as failed:
        error = failed
    reason = f"{error.reason.sentence} {error.reason.next_step}" if error else None
    if as_json:
        click.echo(json.dumps({"source": source.name, "ok": error is None, "reason": reason}))
    else:
        said = f"{reason}{_detail(error.detail)}" if error else "answers"
        click.echo(f"{source.label} ({source.name}, {source.host}:{source.port}): {said}")
    return error is None
