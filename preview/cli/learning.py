"""`learn`: what an archive can do, tried with one image, for whoever connects one."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click
from flask.cli import with_appcontext
from sqlalchemy import delete

from fetch.errors import FetchError
from fetch.find import find_study
from fetch.model import Instance, Received, Source, Way
from fetch.profiles import Profile, may_send, ways
from fetch.reasons import Reason
from fetch.records import StudyRow, new_key
from fetch.retrieve import Means, Retrieval
from fetch.sources import protocol
from preview.errands.asking import note_study
from preview.errands.explaining import explained
from preview.errands.means import learn
from preview.parts import Parts
from preview.records import Errand, FetchRow
from preview.routes.guard import parts
from preview.viewer.links import is_uid

_NAMES = {Way.GET: "C-GET", Way.MOVE: "C-MOVE", Way.WADO: "WADO-RS"}


@click.command("learn")
@click.argument("name")
@click.option(
    "--study", "study_uid", default="", help="A study there, to try every way with one image of it."
)
@with_appcontext
def learn_command(name: str, study_uid: str) -> None:
    """Forget what archive NAME was seen to do; with --study, try each way to bring an image and keep that."""
    our = parts()
    source = our.settings.source(name)
    if source is None:
        known = ", ".join(source.name for source in our.settings.sources)
        raise click.UsageError(f"there is no source {name!r}; there are: {known}")
    if study_uid and not is_uid(study_uid):
        raise click.UsageError("--study is no Study Instance UID")
    our.profiles.forget(name)
    if not study_uid:
        click.echo(f"{source.label}: forgotten; the next fetch learns it anew.")
        return
    try:
        worked = _try_all(our, source, study_uid)
    except FetchError as error:
        click.echo(f"{source.label}: {explained(error.reason, our.settings.local, source)}", err=True)
        sys.exit(1)
    sys.exit(0 if worked else 1)


def _try_all(our: Parts, source: Source, study_uid: str) -> bool:
    """Try every way with one image; does any bring it?"""
    study = find_study(source, our.settings.local, study_uid, allowance=our.lines)
    if study is None:
        click.echo("The archive answered that it has no such study.", err=True)
        return False
    with our.lines.line(source, urgent=True):  # to its end: half a list would keep its association
        listed = list(protocol.listing(source, our.settings.local, study_uid))
    first = next((entry for entry in listed if isinstance(entry, Instance)), None)
    if first is None:
        click.echo("The archive lists no image of this study, so nothing can be tried.", err=True)
        return False
    with our.records.write() as session:
        row = note_study(session, study, our.now)
    with _wanted(our, row):
        tried = [_try(our, source, study_uid, first, way) for way in ways(source, Profile(), receiver=True)]
    return any(tried)


def _try(our: Parts, source: Source, study_uid: str, image: Instance, way: Way) -> bool:
    if way is Way.MOVE and not may_send(source, our.settings.local):
        click.echo("C-MOVE: not tried: this archive is asked over TLS; it would send in clear (local.tls).")
        return False
    if way is Way.MOVE and not our.spool.is_served():
        click.echo("C-MOVE: not tried: no receiver runs (flask --app app receiver).")
        return False
    party = new_key()
    reason: Reason | None = None
    with our.spool.scratch(party) as scratch:
        means = Means((way,), our.lines, party, our.spool, scratch)
        retrieval = Retrieval(source, our.settings.local, study_uid, means, only=[image])
        try:
            with retrieval:
                for event in retrieval:
                    if isinstance(event, Received) and event.file is not None:
                        event.file.unlink(missing_ok=True)
        except FetchError as error:
            reason = error.reason
    learn(our, source, retrieval.learned)
    worked = way in retrieval.learned.works
    reason = None if worked else reason or Reason.NOTHING_SENT
    click.echo(f"{_NAMES[way]}: {explained(reason, our.settings.local, source) if reason else 'works'}")
    return worked


@contextmanager
def _wanted(our: Parts, row: StudyRow) -> Iterator[None]:
    """Our receiver takes only what somebody wants; a wish that no worker takes up, for as long as we try."""
    wish = FetchRow(id=new_key(), study_row=row.id, errand=Errand.ENLARGE, wanted_at=our.now, beat_at=our.now)
    with our.records.write() as session:
        session.add(wish)
    try:
        yield
    finally:
        with our.records.write() as session:
            session.execute(delete(FetchRow).where(FetchRow.id == wish.id))
