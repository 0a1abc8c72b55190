"""`find` and `echo`: what the archives answer, for whoever connects one."""

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import click
from flask.cli import with_appcontext

from fetch.counted_lines import CountedLines
from fetch.errors import FetchError, UnsafeQuery
from fetch.find import find_each
from fetch.model import Answer, AnswerKind, Patient, PatientIdentity, PatientQuery, Source, Study
from fetch.reasons import Reason
from fetch.sources import protocol
from preview.errands.explaining import explained
from preview.parts import Parts
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
    settings, allowance = parts().settings, CountedLines(parts().records)
    asked = find_each(query, settings.sources, settings.local, ask_all=ask_all, allowance=allowance)
    try:
        answers = list(_waiting(asked, len(settings.sources)))
    except UnsafeQuery as unsafe:
        raise click.UsageError(str(unsafe)) from None
    order = [source.name for source in settings.sources]
    answers.sort(key=lambda answer: order.index(answer.source.name))
    _print_json(answers) if as_json else _print_lines(answers)
    _name_issuers(patient.identity.issuer, settings.sources)
    failed = any(answer.kind is AnswerKind.OUTAGE or answer.broken_off for answer in answers)
    nobody = all(answer.kind is AnswerKind.NOT_ASKED for answer in answers)
    sys.exit(1 if failed or nobody else 0)


def _waiting(answers: Iterable[Answer], count: int) -> Iterable[Answer]:
    """A progress bar on a terminal, nothing elsewhere."""
    with click.progressbar(
        answers, length=count, label="Asking", file=sys.stderr, hidden=not sys.stderr.isatty()
    ) as bar:
        yield from bar


def _name_issuers(issuer: str, sources: Sequence[Source]) -> None:
    """A typing error in the issuer looks like an archive that does not know the patient."""
    known = sorted({name for source in sources for name in (source.issuer, *source.trusted_issuers)})
    if issuer not in known:
        said = f"No archive of your settings has the issuer {issuer}; they have {', '.join(known)}."
        click.echo(said, err=True)


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
    return explained(answer.reason, parts().settings.local, answer.source) if answer.reason else None


def _print_lines(answers: Sequence[Answer]) -> None:
    for answer in answers:
        source = answer.source
        click.echo(f"{_named(source)}: {_said(answer)}")
        if answer.reason:
            click.echo(f"  {_reason(answer)}{_detail(answer.detail)}")
        for study in answer.studies:
            click.echo(_lines(study))
        if answer.outside:
            click.echo(f"  {answer.outside} more outside the range")


def _said(answer: Answer) -> str:
    """In words; the JSON has the code."""
    count = len(answer.studies)
    studies = f"{count} {'study' if count == 1 else 'studies'}"
    if answer.reason is Reason.NAME_ONLY:
        return f"asked by name and birth date only, {studies} found"
    return {
        AnswerKind.FOUND: f"{studies} found",
        AnswerKind.ABSENT: "searched, none in this range",
        AnswerKind.TRUNCATED: f"searched in part, {studies} found",
        AnswerKind.NOT_ASKED: "not asked (--all asks it by this id all the same)",
        AnswerKind.OUTAGE: "could not be asked",
    }[answer.kind]


def _named(source: Source) -> str:
    where = source.web.url if source.web and not source.host else f"{source.host}:{source.port}"
    return f"{source.label} ({source.name}, {where})"


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
    failed = [source for source in sources if not _echoed(parts(), source, as_json)]
    sys.exit(1 if failed else 0)


def _echoed(our: Parts, source: Source, as_json: bool) -> bool:
    error = _echo(our, source)
    reason = explained(error.reason, our.settings.local, source) if error else None
    if as_json:
        click.echo(json.dumps({"source": source.name, "ok": error is None, "reason": reason}))
    else:
        click.echo(f"{_named(source)}: {f'{reason}{_detail(error.detail)}' if error else 'answers'}")
    return error is None


def _echo(our: Parts, source: Source) -> FetchError | None:
    """One association more, so it is counted like any other."""
    try:
        with CountedLines(our.records).line(source, party="echo", urgent=True):
            protocol.echo(source, our.settings.local)
    except FetchError as error:
        return error
    return None
