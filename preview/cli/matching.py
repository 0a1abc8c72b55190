"""`unmatched`, `patients` and `identity merge`: what staff do on the pages, from a shell."""

import csv
import json
import sys
from pathlib import Path

import click
from flask.cli import with_appcontext
from sqlalchemy.orm import Session

from fetch.identity import Grade
from fetch.model import Patient, PatientIdentity
from fetch.records import UnmatchedRow
from preview.cli import progress
from preview.cli.identity import identity_group
from preview.matching import auditing, deciding, listing, loading, merging, rejudging
from preview.matching.deciding import Refused
from preview.matching.merging import WrongMerge
from preview.matching.records import AccessRow, Verdict
from preview.matching.why import sentence
from preview.parts import Parts
from preview.routes.guard import parts
from preview.tables import WrongTable

PERSON = click.option("--person", required=True, help="Who decides: it is written down.")
REASON = click.option("--reason", default="", help="Why; required against a conflict.")
YES = click.option("--yes", is_flag=True, help="Do not ask whether this is what is meant.")

_REFUSALS = {
    "gone": "there is no such row; see `flask unmatched list`",
    "outdated": "somebody has decided, or something has changed, since it was shown; look again",
    "needs-reason": "the two sides contradict each other, so a --reason is needed",
    "images-of-another": "nobody knows whom the withheld images name; have them corrected at the archive",
    "study-first": "decide first whose the study is that these images are in, and then for that patient",
    "same-person": "somebody else has to confirm it",
    "linked-elsewhere": "this id is another patient's by a decision; undo that first",
    "nobody-chosen": "it was found for nobody: name the patient with --patient and --issuer",
    "unknown-patient": "this patient is not known; see `flask patients load`",
    "nothing-to-undo": "nothing about it was decided that could be taken back",
}


@click.group("unmatched")
def unmatched_group() -> None:
    """What was found for a patient, but is not provably theirs."""


@unmatched_group.command("list")
@click.option("--source", default="", help="Only of this archive.")
@click.option("--grade", type=click.Choice([grade.value for grade in Grade]), help="Only of this grade.")
@click.option("--settled", is_flag=True, help="What is off the list, the newest first.")
@click.option("--most", default=listing.MOST, show_default=True, type=click.IntRange(1, 10_000))
@click.option("--json", "as_json", is_flag=True, help="One JSON line a row.")
@click.option("--csv", "as_csv", is_flag=True, help="Everything, as a CSV file for a spreadsheet.")
@with_appcontext
def list_command(
    source: str, grade: str | None, settled: bool, most: int, as_json: bool, as_csv: bool
) -> None:
    """Print what waits, the most urgent first, and how many answers were about other people."""
    our = parts()
    filters = listing.Filters(source=source, grade=grade or "", settled=settled)
    labels = {one.name: one.label for one in our.settings.sources}
    with our.records.read() as session:
        if as_csv:
            _note_taken(our, source=source, grade=grade or "", settled="yes" if settled else "")
            csv.writer(sys.stdout).writerows(listing.csv_rows(session, filters, labels))
            return
        found = listing.listed(session, filters, most=most)
        for row in found.rows:
            click.echo(json.dumps(_data(row), ensure_ascii=False) if as_json else _lines(row, labels))
        if not as_json:
            _print_counts(session, found, labels)


def _note_taken(our: Parts, **chosen: str) -> None:
    filters = listing.Filters(chosen["source"], grade=chosen["grade"], settled=bool(chosen["settled"]))
    with our.records.write() as session:
        count = listing.count(session, filters)
        auditing.took_list(
            session, None, {name: said for name, said in chosen.items() if said}, count, our.now
        )


@unmatched_group.command("accesses")
@click.option("--most", default=100, show_default=True, type=click.IntRange(1, 1_000_000))
@with_appcontext
def accesses_command(most: int) -> None:
    """Who looked at pictures of doubtful studies, or took the list along: one JSON line each."""
    with parts().records.read() as session:
        for row in auditing.accesses(session, most):
            click.echo(json.dumps(_access(row), ensure_ascii=False))


def _access(row: AccessRow) -> dict[str, object]:
    return {
        "at": row.at.isoformat(timespec="seconds"),
        "kind": row.kind.value.lower(),
        "person": row.person,
        "role": row.role,
        "source": row.source,
        "study_uid": row.study_uid,
        "found_for": {"id": row.patient_id, "issuer": row.issuer},
        "images": row.found,
        "count": row.count,
        **row.details,
    }


def _print_counts(session: Session, found: listing.Listing, labels: dict[str, str]) -> None:
    click.echo(f"{len(found.rows)} of {found.total}")
    for one in listing.counted(session, 10):
        at = one.at.isoformat(timespec="minutes")
        click.echo(f"{labels.get(one.source, one.source)} {at}: {one.count} answers about other people")


def _data(row: UnmatchedRow) -> dict[str, object]:
    return {
        "key": row.key,
        "source": row.study.source,
        "study_uid": row.study.study_uid,
        "grade": row.grade,
        "reasons": row.doubts,
        "since": row.first_seen_at.isoformat(timespec="seconds"),
        "owner": row.owner,
        "handed_on": row.unsure,
        "waits_for_second": row.proposed is not None,
        "settled": row.settled_at is not None,
    }


def _lines(row: UnmatchedRow, labels: dict[str, str]) -> str:
    since = row.first_seen_at.isoformat(timespec="minutes")
    head = f"{row.key}  {labels.get(row.study.source, row.study.source)}  {row.grade or '-'}  since {since}"
    reasons = "".join(f"\n  {sentence(code) or code}" for code in row.doubts)
    second = "\n  Waits for a second person." if row.proposed else ""
    return f"{head}{reasons}{second}\n{_sides(row, row.patient)}"


def _sides(row: UnmatchedRow, patient: Patient) -> str:
    return f"  images: {_who(row.found)}\n  record: {_who(patient)}"


def _who(patient: Patient) -> str:
    if not patient.identity.patient_id and not patient.name:
        return "nobody was asked about"
    born = patient.birth_date.isoformat() if patient.birth_date else patient.birth_date_text or "?"
    number = f"{patient.identity.patient_id} ({patient.identity.issuer})"
    return f"{patient.name} born {born} {patient.sex or '?'} {number}"


@unmatched_group.command("resolve")
@click.argument("key")
@click.option(
    "--as",
    "verdict",
    required=True,
    type=click.Choice(["same", "other", "unsure", "nobody"]),
    help="What it is.",
)
@click.option("--patient", "patient_id", default="", help="Another known patient than it was found for.")
@click.option("--issuer", default="", help="Who issued that id.")
@PERSON
@REASON
@YES
@with_appcontext
def resolve_command(
    key: str, verdict: str, patient_id: str, issuer: str, person: str, reason: str, yes: bool
) -> None:
    """Decide about row KEY: the same person, another one, cannot tell, or nobody (a test, a phantom)."""
    our = parts()
    chosen = PatientIdentity(patient_id.strip(), issuer.strip()) if patient_id.strip() else None
    seen = _shown(our, key, chosen, yes=yes)
    try:
        decided = deciding.decide(
            *(our, key, Verdict(verdict.upper())), person=person, seen=seen, reason=reason, patient=chosen
        )
    except Refused as refused:
        raise click.ClickException(_REFUSALS[refused.why]) from None
    click.echo("It waits for a second person." if decided.waits else "Decided.")


@unmatched_group.command("confirm")
@click.argument("key")
@click.option("--decline", is_flag=True, help="It is not what the first person said.")
@PERSON
@REASON
@YES
@with_appcontext
def confirm_command(key: str, decline: bool, person: str, reason: str, yes: bool) -> None:
    """Confirm, as a second person, what was decided about row KEY."""
    our = parts()
    seen = _shown(our, key, None, yes=yes)
    try:
        deciding.confirm(our, key, person=person, seen=seen, agree=not decline, reason=reason)
    except Refused as refused:
        raise click.ClickException(_REFUSALS[refused.why]) from None
    click.echo("Declined." if decline else "Confirmed.")


@unmatched_group.command("undo")
@click.argument("key")
@PERSON
@REASON
@YES
@with_appcontext
def undo_command(key: str, person: str, reason: str, yes: bool) -> None:
    """Take back what was decided about row KEY; it waits again."""
    our = parts()
    seen = _shown(our, key, None, yes=yes)
    try:
        deciding.undo(our, key, person=person, seen=seen, reason=reason)
    except Refused as refused:
        raise click.ClickException(_REFUSALS[refused.why]) from None
    click.echo("Taken back.")


def _shown(our: Parts, key: str, chosen: PatientIdentity | None, *, yes: bool) -> str:
    """What stands for the row as it was shown before somebody says yes to it."""
    with our.records.read() as session:
        row = listing.one(session, key)
        if row is None:
            raise click.ClickException(_REFUSALS["gone"])
        said = deciding.chosen_patient(session, row, chosen)
        if said is None:
            raise click.ClickException(_REFUSALS["unknown-patient"])
        click.echo(_sides(row, said), err=True)
        seen = listing.seen(row)
    if not yes:
        click.confirm("Is this what is meant?", abort=True, err=True)
    return seen


@click.group("patients")
def patients_group() -> None:
    """Patients that staff can search among."""


@patients_group.command("load")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@with_appcontext
def load_command(file: Path) -> None:
    """Keep the patients of a CSV FILE: id, issuer, family, given, birth_date (YYYYMMDD), sex, …

    Also middle, suffix and birth_name, where there are such columns. Loading a file twice does no harm.
    """
    our = parts()
    try:
        with progress.bar("Loading", file.stat().st_size or None) as bar:
            loaded = loading.load(our.records, file, our.now, bar.update)
    except WrongTable as wrong:
        raise click.UsageError(f"{click.format_filename(file)}: {wrong}") from None
    click.echo(f"{loaded.read} read, {loaded.changed} new or changed, {loaded.skipped} without id or issuer")


@identity_group.command("merge")
@click.argument("prior")
@click.argument("survivor")
@click.option("--issuer", required=True, help="Who issued both ids.")
@click.option("--undo", is_flag=True, help="The prior id means its own patient again.")
@PERSON
@with_appcontext
def merge_command(prior: str, survivor: str, issuer: str, undo: bool, person: str) -> None:
    """From now on the PRIOR id means the patient with the SURVIVOR id (HL7 A40)."""
    our = parts()
    gone, kept = (PatientIdentity(one.strip(), issuer.strip()) for one in (prior, survivor))
    try:
        with our.records.write() as session:
            if undo:
                done = merging.unmerge(session, gone, person, our.now)
            else:
                done = merging.merge(session, gone, kept, person, our.now)
    except WrongMerge as wrong:
        raise click.ClickException(str(wrong)) from None
    rejudging.judge_waiting(our)
    click.echo(("Unmerged." if undo else "Merged.") if done else "Nothing to do: it is so already.")
