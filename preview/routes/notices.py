"""Notices and planned work: staff write them, every page shows them while they are valid."""

import logging

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from preview.fallback import notices
from preview.fallback.records import NoticeRow, Urgency
from preview.records import ContextRow
from preview.routes.guard import opened_as_staff, parts, staff

log = logging.getLogger(__name__)
blueprint = Blueprint("notices", __name__, url_prefix="/admin")


@blueprint.get("/notices")
def mine() -> Response:
    """In whichever context this browser is staff."""
    return redirect(url_for(".listing", key=staff().key), 303)


@blueprint.get("/<key>/notices")
def listing(key: str) -> str:
    return _listing(opened_as_staff(key))


def _listing(context: ContextRow, problem: str = "") -> str:
    our = parts()
    with our.records.read() as db:
        rows = notices.listed(db, our.now)
    local = our.now.astimezone(our.settings.app.zone).replace(tzinfo=None, second=0, microsecond=0)
    return render_template(
        "fallback/notices.html",
        context=context,
        rows=[(row, notices.standing(row, our.now)) for row in rows],
        urgencies=list(Urgency),
        typed=request.form,
        local=local.isoformat(timespec="minutes"),
        longest=notices.LONGEST_TEXT,
        zone=our.settings.app.timezone,
        problem=problem,
    )


class WrongNotice(Exception):
    """It cannot be shown like this; the message says why, to whoever wrote it."""


@blueprint.post("/<key>/notices")
def announce(key: str) -> Response:
    context = opened_as_staff(key)
    try:
        notice = _read(context)
    except WrongNotice as wrong:
        return make_response(_listing(context, str(wrong)), 422)
    with parts().records.write() as db:
        db.add(notice)
    log.info("notice id=%d urgency=%s", notice.id, notice.urgency)
    return redirect(url_for(".listing", key=key), 303)


def _read(context: ContextRow) -> NoticeRow:
    our = parts()
    text = notices.one_line(request.form.get("text", ""))
    if not 0 < len(text) <= notices.LONGEST_TEXT:
        raise WrongNotice(_("Write a sentence of at most %(most)s characters.", most=notices.LONGEST_TEXT))
    if request.form.get("urgency") not in list(Urgency):
        raise WrongNotice(_("Choose what kind of notice it is."))
    start = notices.local_moment(request.form.get("from", ""), our.settings.app.zone)
    end = notices.local_moment(request.form.get("to", ""), our.settings.app.zone)
    if start is None or end is None or not start < end or end <= our.now:
        raise WrongNotice(_("It must end after it begins, and after now."))
    if end - max(start, our.now) > notices.LONGEST:
        raise WrongNotice(_("It may stand for at most three months."))
    return NoticeRow(
        urgency=Urgency(request.form["urgency"]),
        text=text,
        starts_at=start,
        ends_at=end,
        made_by=context.person,
        made_at=our.now,
    )


@blueprint.post("/<key>/notices/<int:notice>/withdraw")
def withdraw(key: str, notice: int) -> Response:
    opened_as_staff(key)
    with parts().records.write() as db:
        withdrawn = notice < 2**31 and notices.withdraw(db, notice, parts().now)
    log.info("notice id=%d withdrawn=%s", notice, withdrawn)
    return redirect(url_for(".listing", key=key), 303)
