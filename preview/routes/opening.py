"""The way in: a one-time address opens a context and leads to its page."""

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from werkzeug.exceptions import Gone
from werkzeug.wrappers import Response

from preview.entrance import access
from preview.errands import asking
from preview.matching import known
from preview.routes.guard import browser, known_browser, new_browser, parts

blueprint = Blueprint("opening", __name__)


@blueprint.get("/")
def home() -> str:
    return render_template("home.html")


@blueprint.get("/open/<code>")
def open_context(code: str) -> Response:
    """Use the code up, ask the archives, and go to the page; but first see that the browser keeps our cookie.

    In a frame it may refuse to. The code is then still good, for a tab of its own.
    """
    if request.method == "HEAD":  # a program that checks links must not use it up
        return Response()
    if not known_browser():
        if "back" in request.args:
            return make_response(render_template("cookies.html", code=code), 403)
        browser()
        return redirect(url_for(".open_context", code=code, back=1), 303)
    our = parts()
    with our.records.write() as db:
        hours = our.settings.app.session_hours
        if access.is_for_somebody_else(db, code, browser(), our.now):
            new_browser()
        context = access.redeem(db, code, browser(), now=our.now, hours=hours)
        if context is not None and context.patient_id:
            known.note(db, [context.patient], our.now)
    if context is None:
        raise Gone
    if not context.patient_id:
        return redirect(url_for("unmatched.listing", key=context.key), 303)
    today = our.now.astimezone(our.settings.app.zone).date()
    asking.want(our, context, *access.wish_of(context).range(today))
    return redirect(url_for("imaging.page", key=context.key), 303)
