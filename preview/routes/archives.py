"""The archives, for staff: how each is, and a button to leave one alone for a while."""

import logging

from flask import Blueprint, redirect, render_template, url_for
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from fetch.model import Source
from preview.health import journal
from preview.health.banner import standings
from preview.routes.guard import opened_as_staff, parts, staff

log = logging.getLogger(__name__)
blueprint = Blueprint("archives", __name__)


@blueprint.get("/archives")
def mine() -> Response:
    """In whichever context this browser is staff."""
    return redirect(url_for(".listing", key=staff().key), 303)


@blueprint.get("/staff/<key>/archives")
def listing(key: str) -> str:
    context, our = opened_as_staff(key), parts()
    with our.records.read() as db:
        known = standings(db, our.settings, our.now)
        rows = journal.rows_of(db)
    return render_template("archives.html", context=context, standings=known, rows=rows)


@blueprint.post("/staff/<key>/archives/<name>/pause")
def pause(key: str, name: str) -> Response:
    context, our, source = opened_as_staff(key), parts(), _source(name)
    with our.records.write() as db:
        journal.pause(db, source.name, context.person, our.now)
    log.info("source=%s paused by staff", source.name)
    return redirect(url_for(".listing", key=key), 303)


@blueprint.post("/staff/<key>/archives/<name>/resume")
def resume(key: str, name: str) -> Response:
    opened_as_staff(key)
    our, source = parts(), _source(name)
    with our.records.write() as db:
        journal.resume(db, source, our.now)
    log.info("source=%s goes on", source.name)
    return redirect(url_for(".listing", key=key), 303)


@blueprint.post("/staff/<key>/archives/<name>/check")
def check(key: str, name: str) -> Response:
    """Look at it at once."""
    opened_as_staff(key)
    with parts().records.write() as db:
        journal.suspect(db, _source(name).name, parts().now)
    return redirect(url_for(".listing", key=key), 303)


def _source(name: str) -> Source:
    source = parts().settings.source(name)
    if source is None:
        raise NotFound
    return source
