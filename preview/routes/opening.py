"""The way in: a one-time address opens a context and leads to its page."""

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.exceptions import Gone
from werkzeug.wrappers import Response

from preview import access, asking
from preview.range import Preset
from preview.routes.guard import browser, parts

blueprint = Blueprint("opening", __name__)


@blueprint.get("/")
def home() -> str:
    return render_template("home.html")


@blueprint.get("/open/<code>")
def open_context(code: str) -> Response:
    """Use the code up, ask the archives, and go to the page."""
    if request.method == "HEAD":  # a program that checks links must not use it up
        return Response()
    our = parts()
    with our.records.write() as db:
        hours = our.settings.app.session_hours
        context = access.redeem(db, code, browser(), now=our.now, hours=hours)
    if context is None:
        raise Gone
    if not context.patient_id:
        return redirect(url_for("unmatched.listing", key=context.key), 303)
    today = our.now.astimezone(our.settings.app.zone).date()
    asking.want(our, context, *Preset.YEAR.span(today))
    return redirect(url_for("imaging.page", key=context.key), 303)
