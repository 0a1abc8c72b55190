"""The fallback plan behind the scenes: an admin writes a version, somebody else of the staff approves it."""

import logging
from datetime import date, timedelta
from typing import Any

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from preview.fallback import publishing, versions
from preview.fallback.fields import filled, sections
from preview.fallback.publishing import NotPrintable
from preview.fallback.records import PlanRow
from preview.records import ContextRow, Role
from preview.routes.guard import opened_as_admin, opened_as_staff, parts, staff
from preview.web import headers

log = logging.getLogger(__name__)
blueprint = Blueprint("fallback_plan", __name__, url_prefix="/admin")
_USUAL_REVIEW = timedelta(days=365)


@blueprint.get("/fallback")
def mine() -> Response:
    """In whichever context this browser is staff."""
    return redirect(url_for(".overview", key=staff().key), 303)


@blueprint.get("/<key>/fallback")
def overview(key: str) -> str:
    return _overview(opened_as_staff(key))


def _overview(context: ContextRow, problem: str = "") -> str:
    app = parts().settings.app
    with parts().records.read() as db:
        every, shown = versions.all_versions(db), versions.shown(db)
    newest = every[0] if every else None
    waiting = newest if newest and newest.approved_at is None else None
    approved = shown if shown and shown.approved_at else None
    plan = versions.plan_of(app, newest)
    return render_template(
        "fallback/overview.html",
        context=context,
        versions=every,
        shown=shown,
        waiting=waiting,
        changes=versions.changes(waiting, approved, app.helpdesk) if waiting else [],
        may_approve=waiting is not None and versions.may_approve(waiting, context.person),
        may_edit=context.role is Role.ADMIN,
        blanks=plan.blanks,
        overdue=overdue(),
        problem=problem,
        printed=request.args.get("printed") == "no",
    )


@blueprint.get("/<key>/fallback/edit")
def edit(key: str) -> str:
    context = opened_as_admin(key)
    with parts().records.read() as db:
        newest = next(iter(versions.all_versions(db)), None)
    return _form(context, newest.texts if newest else {}, newest.number if newest else 0, "")


def _form(context: ContextRow, texts: dict[str, str], based_on: int, problem: str) -> str:
    helpdesk = parts().settings.app.helpdesk
    return render_template(
        "fallback/edit.html",
        context=context,
        sections=sections(helpdesk),
        texts=filled(texts, helpdesk),
        based_on=based_on,
        review_due=request.form.get("review_due") or (_today() + _USUAL_REVIEW).isoformat(),
        latest_review=_today() + timedelta(days=versions.LONGEST_REVIEW_DAYS),
        problem=problem,
    )


@blueprint.post("/<key>/fallback/edit")
def save(key: str) -> Response:
    """A new version; what cannot be printed on two pages, or overtook a colleague's, is handed back."""
    context = opened_as_admin(key)
    app = parts().settings.app
    texts = versions.cleaned(request.form, app.helpdesk)
    based_on = request.form.get("based_on", 0, type=int)
    try:
        due = _review_due(request.form.get("review_due", ""))
        _save(context, based_on, texts, due)
    except (WrongPlan, NotPrintable) as wrong:
        return make_response(_form(context, texts, based_on, str(wrong)), 422)
    return redirect(url_for(".overview", key=key), 303)


class WrongPlan(Exception):
    """This version cannot be saved; the message says why, to whoever wrote it."""


def _review_due(typed: str) -> date:
    try:
        due = date.fromisoformat(typed)
    except ValueError:
        due = date.min
    if not _today() < due <= _today() + timedelta(days=versions.LONGEST_REVIEW_DAYS):
        raise WrongPlan(_("The review must be due after today and within two years."))
    return due


def _save(context: ContextRow, based_on: int, texts: dict[str, str], due: date) -> None:
    if not context.person.strip():
        raise WrongPlan(_("The clinical application did not say who you are, so nobody could approve this."))
    with parts().records.write() as db:
        number = versions.save(db, based_on, texts, due, context.person.strip(), parts().now)
        row = db.get(PlanRow, number) if number else None
        if row is None:
            raise WrongPlan(
                _("Somebody else has saved a version meanwhile. Copy your texts, and open the form again.")
            )
        files = publishing.made(versions.plan_of(parts().settings.app, row))
        if versions.shown(db) is row:  # nothing is approved yet: better this than an empty template
            publishing.publish(parts().settings.app.fallback_folder, files)
    log.info("fallback plan version=%d saved", number)


@blueprint.get("/<key>/fallback/versions/<int:number>")
def version(key: str, number: int) -> Response:
    """One version as it is printed, or would be, if its font is not there any more."""
    opened_as_staff(key)
    plan = _plan(number)
    try:
        text = publishing.made(plan)[publishing.PAGE].decode()
    except NotPrintable:
        text = publishing.page_of(plan).decode()
    response = make_response(text)
    hashed = publishing.style_hash(text)
    response.headers[headers.CSP] = headers.policy(parts().settings.app.embed_origins, hashed)
    return response


@blueprint.get("/<key>/fallback/versions/<int:number>.pdf")
def version_pdf(key: str, number: int) -> Response:
    opened_as_staff(key)
    try:
        content = publishing.made(_plan(number))[publishing.PLAN_PDF]
    except NotPrintable:
        raise NotFound from None
    response = make_response(content)
    response.headers["Content-Type"] = "application/pdf"
    return response


def _plan(number: int) -> Any:
    with parts().records.read() as db:
        return versions.plan_of(parts().settings.app, _row(db, number))


def _row(db: Session, number: int) -> PlanRow:
    row = db.get(PlanRow, number) if number < 2**31 else None  # PostgreSQL refuses a larger one
    if row is None:
        raise NotFound
    return row


@blueprint.post("/<key>/fallback/versions/<int:number>/approve")
def approve(key: str, number: int) -> Response:
    """Approved and published, or neither."""
    context, our = opened_as_staff(key), parts()
    person, now = context.person.strip(), our.now
    try:
        with our.records.write() as db:
            files = publishing.made(versions.plan_of(our.settings.app, _row(db, number), (person, now)))
            approved = versions.approve(db, number, person, now)
            if approved:
                publishing.publish(our.settings.app.fallback_folder, files)
    except NotPrintable as wrong:  # the approver's own name is printed too
        return make_response(_overview(context, str(wrong)), 422)
    except OSError as failed:
        log.error("fallback plan not written: %s", failed.strerror)  # noqa: TRY400 — a sentence, no trace
        full = _("The plan could not be written to its folder, so it was not approved. Call the helpdesk.")
        return make_response(_overview(context, full), 503)
    if not approved:
        return make_response(_overview(context, _refusal()), 409)
    log.info("fallback plan version=%d approved", number)
    return redirect(url_for(".overview", key=key, printed="no"), 303)


def _refusal() -> str:
    return str(_("It was not approved: another version is newer, or you wrote this one yourself."))


def overdue() -> date | None:
    """Since when the plan that is shown should have been reviewed; by its file, not the database."""
    text = publishing.published(parts().settings.app.fallback_folder)
    due = publishing.review_due(text) if text else None
    return due if due and due < _today() else None


def _today() -> date:
    return parts().now.astimezone(parts().settings.app.zone).date()


@blueprint.app_context_processor
def staff_warning() -> dict[str, object]:
    return {"plan_overdue": overdue}
