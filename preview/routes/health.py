"""How the system is: a page for everybody, the same as JSON, and what a load balancer asks."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import date, datetime

from flask import Blueprint, jsonify, make_response, render_template
from sqlalchemy.exc import DatabaseError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from werkzeug.wrappers import Response

from fetch.reasons import Reason
from preview.health.journal import seen
from preview.health.machine import is_ready, readiness
from preview.health.report import SystemReport, report
from preview.routes.guard import look, open_now, parts
from preview.routes.polling import poll_answer

blueprint = Blueprint("health", __name__)


@blueprint.get("/livez")
def live() -> Response:
    """This process answers; nothing else is asked."""
    return make_response("ok\n", {"Content-Type": "text/plain; charset=utf-8"})


@blueprint.get("/readyz")
def ready() -> Response:
    """Can this installation do its work? An archive that is down is no reason to take it out of service."""
    our = parts()
    readings = readiness(our, our.now)
    return make_response(jsonify(ready=is_ready(readings), **readings), 200 if is_ready(readings) else 503)


@blueprint.get("/status")
def page() -> str:
    """Whoever comes from a patient's page is led back to it."""
    return render_template("system.html", view=_report(), context=open_now())


@blueprint.get("/status/updates")
def updates() -> Response:
    view = _report()
    return poll_answer("_system.html", view, {"view": view})


@blueprint.get("/status.json")
def as_json() -> Response:
    """Without the database, what is known of this installation's parts: a monitor reads no page of ours."""
    our = parts()
    readings = readiness(our, our.now)
    try:
        view = _reported(readings)
    except (DatabaseError, PoolTimeoutError):
        return _json({"parts": readings}, 503)
    sources = [asdict(one) for one in view.sources]
    return _json({"sources": sources, "queue": asdict(view.queue), "parts": dict(view.parts)}, 200)


def _json(told: Mapping[str, object], code: int) -> Response:
    return make_response(json.dumps(told, default=_plain), code, {"Content-Type": "application/json"})


def _report() -> SystemReport:
    our = parts()
    return _reported(readiness(our, our.now))


def _reported(readings: Mapping[str, str]) -> SystemReport:
    our = parts()
    with our.records.read() as db:
        return report(db, our.settings, seen(our.records, look()), readings, our.now)


def _plain(value: object) -> str:
    """As JSON can say it: a reason by its code, a time in ISO 8601."""
    if isinstance(value, Reason):
        return value.code
    if isinstance(value, date | datetime):
        return value.isoformat()
    raise TypeError(type(value).__name__)
