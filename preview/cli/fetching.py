"""`fetch`: bring and draw one study from a shell, to try an archive."""

import json
import sys
import time
from datetime import datetime
from functools import partial
from typing import Any, NoReturn

import click
from flask.cli import with_appcontext
from sqlalchemy import func, select

from fetch.counted_lines import CountedLines
from fetch.errors import FetchError
from fetch.find import find_study
from fetch.model import Source
from fetch.reasons import Reason
from fetch.records import StudyRow
from preview.cli import progress
from preview.errands import facts, fetching, wanting
from preview.errands.asking import note_study
from preview.errands.claim import SILENT
from preview.errands.explaining import explain, explained
from preview.page import told
from preview.parts import Parts
from preview.queue.bell import RING_AGAIN
from preview.records import FetchRow, Outcome, Scope
from preview.routes.guard import parts
from preview.viewer.links import is_uid

_LOOK_S = 0.2
_NO_REDIS = (
    "Redis (app.redis in your settings) does not answer, so no worker hears of this. Start Redis or mend the "
    'address; where you have no Redis, write redis = "embedded". The request is kept: it is done once Redis '
    "answers and a worker runs."
)


@click.command("fetch")
@click.option("--source", "name", required=True, help="The archive's short name in the settings.")
@click.option("--study", "study_uid", required=True, help="The Study Instance UID.")
@click.option("--posters", is_flag=True, help="Only one picture a series.")
@click.option("--wait", is_flag=True, help="Stay until it is done, or rests until it is tried again.")
@click.option("--json", "as_json", is_flag=True, help="The last line as JSON.")
@with_appcontext
def fetch_command(name: str, study_uid: str, posters: bool, wait: bool, as_json: bool) -> None:
    """Fetch one study and draw its pictures. No page shows it until it is matched to a patient."""
    our = parts()
    source = our.settings.source(name)
    if source is None:
        known = ", ".join(source.name for source in our.settings.sources)
        raise click.UsageError(f"there is no source {name!r}; there are: {known}")
    if not is_uid(study_uid):
        raise click.UsageError("--study is no Study Instance UID")
    row = _study(our, source, study_uid, as_json=as_json)
    fetch_id = wanting.want(our, row, scope=Scope.POSTERS if posters else Scope.ALL)
    if wait and not _wait(our, fetch_id) and not as_json:
        sys.exit(1)
    sys.exit(_report(our, fetch_id, as_json=as_json, waited=wait))


def _study(our: Parts, source: Source, study_uid: str, *, as_json: bool) -> StudyRow:
    try:
        allowance = CountedLines(our.records)
        study = find_study(source, our.settings.local, study_uid, allowance=allowance)
    except FetchError as error:
        said = f"{explained(error.reason, our.settings.local, source)} {error.detail}".rstrip()
        _fail(said, error.reason.code, as_json=as_json)
    if study is None:
        _fail("The archive answered that it has no such study.", "absent", as_json=as_json)
    with our.records.write() as session:
        return note_study(session, study, our.now)


def _fail(said: str, code: str, *, as_json: bool) -> NoReturn:
    """The end where there is nothing to fetch: a script that reads the last line finds one all the same."""
    click.echo(said, err=True)
    if as_json:
        click.echo(json.dumps(_line(FetchRow(outcome=Outcome.FAILED, drawn=0, reason=code))))
    sys.exit(1)


def _wait(our: Parts, fetch_id: str) -> bool:
    """Watch a worker do it; where there can be none, because Redis is our own and not running, do it here.

    False if nobody does it.
    """
    embedded = our.settings.app.redis == "embedded"
    watched = our.bell.has_worker("fetches")
    if not watched and not embedded:
        said = "No worker is running; start one with: flask --app app worker"
        click.echo(said if our.bell.answers() else _NO_REDIS, err=True)
        return False
    while not _watch(our, fetch_id, watched=watched):
        if not embedded:
            said = "No worker takes it; restart: flask --app app worker"
            click.echo(said if our.bell.answers() else _NO_REDIS, err=True)
            return False
        click.echo("No worker does it; fetching it here.", err=True)
        with progress.bar("Fetching", _row(our, fetch_id).expected or 1) as bar:
            fetching.fetch(our, fetch_id, partial(progress.draw, bar))
    return True


def _watch(our: Parts, fetch_id: str, *, watched: bool) -> bool:
    """Until it is finished or rests, or until there is nobody (any more) who is at it: then False."""
    row = _row(our, fetch_id)
    began = our.now
    if _is_over(row):
        return True
    if not watched and not _is_held(our, row):
        return False
    if not watched:
        click.echo(
            f"Somebody began it; waiting until it is done, or {SILENT.seconds} s without a sign.", err=True
        )
    with progress.bar("Fetching", row.expected or 1) as bar:
        while not _is_over(row):
            if not _is_held(our, row) and not (watched and _may_begin(our, began)):
                return False
            wanting.ring_if_forgotten(our, row)
            time.sleep(_LOOK_S)
            row = _row(our, fetch_id)
            progress.draw(bar, row.expected, row.arrived)
    return True


def _is_over(row: FetchRow) -> bool:
    """Is it finished, or does it rest after it failed for now?"""
    return row.finished_at is not None or row.next_try_at is not None


def _is_held(our: Parts, row: FetchRow) -> bool:
    return row.beat_at is not None and row.beat_at >= our.now - SILENT


def _may_begin(our: Parts, began: datetime) -> bool:
    """Give a worker time: a killed one is still registered, but does nothing when the bell rings."""
    with our.records.read() as session:
        beat = session.scalar(select(func.max(FetchRow.beat_at)))
    last = began if beat is None else max(began, beat + RING_AGAIN)
    return last >= our.now - SILENT


def _row(our: Parts, fetch_id: str) -> FetchRow:
    with our.records.read() as session:
        return session.get_one(FetchRow, fetch_id)


def _report(our: Parts, fetch_id: str, *, as_json: bool, waited: bool) -> int:
    row = _row(our, fetch_id)
    line = _line(row)
    if as_json:
        click.echo(json.dumps(line))
    elif not _is_over(row):
        click.echo(f"{line['state']} (reference {fetch_id}): {_who_fetches(our)}")
    else:
        click.echo(_sentence(our, row))
        for told in _history(our, row):
            click.echo(f"  {told}")
    return 0 if not waited or row.outcome is Outcome.COMPLETE else 1


def _who_fetches(our: Parts) -> str:
    if our.bell.has_worker("fetches"):
        return "a worker fetches it; add --wait to watch."
    if our.settings.app.redis != "embedded" and not our.bell.answers():
        return _NO_REDIS
    return "no worker runs at present. Start one with `make start`, or add --wait to fetch it here."


def _sentence(our: Parts, row: FetchRow) -> str:
    """What came of it, and if that is not all of it, why, and what next."""
    local, source = our.settings.local, _source(our, row)
    expected = row.expected if row.expected is not None else "an unknown number of"
    took = f"in {row.seconds or 0:.1f} s"
    if row.outcome is Outcome.COMPLETE and row.scope is Scope.POSTERS and row.drawn != row.expected:
        return f"FIRST PICTURES: {row.drawn} of {expected} here {took}; the rest has not been fetched."
    said = f"{_state(row)}: {row.drawn} of {expected} images drawn {took}"
    reason = Reason.of(row.reason)
    if reason is not None:
        said += f". {explain(reason.sentence, local, source)}"
    if row.next_try_at is not None:
        return f"{said} Next try at {_clock(our, row.next_try_at)}."
    return f"{said} {explain(reason.next_step, local, source)}" if reason is not None else said


def _history(our: Parts, row: FetchRow) -> list[str]:
    """The log of a fetch that did not bring everything."""
    if row.outcome is Outcome.COMPLETE:
        return []
    with our.records.read() as session:
        lines = facts.logs(session, [row.id]).get(row.id, ())
    said = partial(explain, local=our.settings.local, source=_source(our, row))
    return [f"{_clock(our, line.at)} {said(told(line, str))}" for line in lines]


def _source(our: Parts, row: FetchRow) -> Source | None:
    with our.records.read() as session:
        return our.settings.source(session.get_one(StudyRow, row.study_row).source)


def _clock(our: Parts, moment: datetime) -> str:
    return f"{moment.astimezone(our.settings.app.zone):%H:%M:%S}"


def _state(row: FetchRow) -> str:
    if row.outcome is not None:
        return row.outcome.value
    return "RESTING" if row.next_try_at is not None else "WANTED"


def _line(row: FetchRow) -> dict[str, Any]:
    return {
        "state": _state(row),
        "expected": row.expected,
        "drawn": row.drawn,
        "first_thumbnail_s": _rounded(row.first_thumbnail_s),
        "seconds": _rounded(row.seconds),
        "reason": row.reason,
        "next_try_at": row.next_try_at.isoformat(timespec="seconds") if row.next_try_at else None,
    }


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)
