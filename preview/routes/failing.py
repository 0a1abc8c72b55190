"""What is shown when something cannot be shown: one sentence, what to do, a reference."""

import secrets

from flask import Flask, Response, current_app, make_response, render_template, request, url_for
from flask_babel import gettext
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DatabaseError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from werkzeug.exceptions import Forbidden, Gone, HTTPException, MethodNotAllowed, NotFound

from preview.logs import describe
from preview.range import WrongRange
from preview.routes import banner, launching
from preview.routes.guard import AdminsOnly, SessionEnded, open_now


def register(app: Flask) -> None:
    app.register_error_handler(HTTPException, refused)
    app.register_error_handler(WrongRange, wrong_range)
    app.register_error_handler(CSRFError, form_expired)
    app.register_error_handler(DatabaseError, database_gone)
    app.register_error_handler(PoolTimeoutError, database_gone)
    app.register_error_handler(Exception, unexpected)


def refused(error: HTTPException) -> Response:
    """Any refusal; a poll that can come to nothing gets a final panel, so that it does not poll for ever."""
    ended = isinstance(error, SessionEnded)
    if ended and request.headers.get("HX-Request"):
        return make_response(render_template("_ended.html") + banner.by_itself())
    code = error.code or 500
    if code < 400:  # a redirect is no error
        return make_response(error.get_response())
    if code == 404 and request.headers.get("HX-Request"):  # what is shown may no longer be
        return make_response(render_template("_gone.html") + banner.by_itself(), code)
    response = _page(code, *_sentences(error), back=_back(error))
    if isinstance(error, MethodNotAllowed):
        response.allow.update(error.valid_methods or ())
    return response


def _back(error: HTTPException) -> str:
    """Where whoever only lacks a role goes on: the patient that they have open."""
    lacks_role = isinstance(error, Forbidden) and not isinstance(error, SessionEnded)
    context = open_now() if lacks_role else None
    return url_for("imaging.page", key=context.key) if context and context.patient_id else ""


def _sentences(error: HTTPException) -> tuple[str, str, str]:
    if isinstance(error, SessionEnded):
        return (
            gettext("This page is not open for you"),
            gettext("Your session has ended, or this page was opened in another browser."),
            gettext("Open the patient again from the clinical application."),
        )
    if isinstance(error, Gone):
        return (
            gettext("This link cannot be used"),
            gettext("A link from the clinical application opens once, and only for a short time."),
            gettext("Open the patient again from the clinical application."),
        )
    if isinstance(error, AdminsOnly):
        return (
            gettext("Only an administrator may do this"),
            gettext("You are signed in, but your role does not include it."),
            gettext("Ask an administrator of the preview, or the helpdesk, to do it."),
        )
    if isinstance(error, Forbidden):
        return (
            gettext("Only imaging staff see this page"),
            gettext("You are signed in, but your role does not include it."),
            gettext("Ask imaging staff, or the helpdesk if you need it for your work."),
        )
    if isinstance(error, NotFound):
        return (
            gettext("Nothing here"),
            gettext("This address does not exist, or not for the patient you opened."),
            gettext("Go back, or open the patient again from the clinical application."),
        )
    return (
        gettext("This request could not be answered"),
        gettext("The application did not understand the request."),
        gettext("Go back and try again; if it happens again, call the helpdesk."),
    )


def wrong_range(_error: WrongRange) -> Response:
    return _page(
        422,
        gettext("This is no range of dates"),
        gettext("The first date must not be after the last, and both must be dates."),
        gettext("Go back and choose the dates again."),
    )


def form_expired(_error: CSRFError) -> Response:
    return _page(
        400,
        gettext("This form has expired"),
        gettext("Nothing was changed."),
        gettext("Go back, reload the page and try again."),
    )


def database_gone(error: Exception) -> Response:
    """A page says so; a poll keeps what it shows, and goes on polling. What was being written is not."""
    current_app.logger.error("database cannot be reached: %s", describe(error))
    banner.said_by_page()
    return _page(
        503,
        gettext("The database cannot be reached"),
        gettext("What was asked for before is kept.")
        if request.method in ("GET", "HEAD")
        else gettext("Your request was not saved. What was asked for before is kept."),
        gettext("Try again in a minute; for urgent images, call the helpdesk."),
    )


def unexpected(error: Exception) -> Response:
    """Our own fault. The log has where it happened, never what was in it."""
    reference = f"E-{secrets.token_hex(3).upper()}"
    current_app.logger.error("reference=%s %s", reference, describe(error))
    return _page(
        500,
        gettext("Something went wrong here"),
        gettext("This is a fault of the application."),
        gettext("Try again; if it happens again, call the helpdesk and say the reference."),
        reference,
    )


def _page(
    code: int, title: str, what: str, next_step: str, reference: str = "", *, back: str = ""
) -> Response:
    if request.endpoint == "launching.launch":
        return launching.refusal(code, what, reference)
    said = {"title": title, "what": what, "next_step": next_step, "reference": reference, "back": back}
    body = render_template("error.html", **said)
    return make_response(body, code)
