"""After an outage, for staff: the paper log is entered, and what was wanted is compared with what arrived."""

import logging
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from preview.errands import wanting
from preview.fallback import downtime, reconciliation
from preview.fallback.notices import local_moment
from preview.fallback.reconciliation import Period, Standing, Wanted
from preview.fallback.records import DowntimeRow
from preview.health import outages
from preview.health.records import OutageRow
from preview.range import WrongRange
from preview.records import ContextRow
from preview.routes.guard import opened_as_staff, parts, staff

log = logging.getLogger(__name__)
blueprint = Blueprint("downtime", __name__)
_USUAL = timedelta(hours=24)
_SHORTEST = timedelta(minutes=1)
_AGAIN = (Standing.MISSING, Standing.PART)


@blueprint.get("/downtime")
def mine() -> Response:
    """In whichever context this browser is staff."""
    return redirect(url_for(".listing", key=staff().key), 303)


@blueprint.get("/staff/<key>/downtime")
def listing(key: str) -> str:
    return _listing(opened_as_staff(key))


def _listing(context: ContextRow, problem: str = "") -> str:
    our = parts()
    with our.records.read() as db:
        lately = outages.lately(db, our.now)
        period = _period(lately)
        wanted = reconciliation.wanted(db, period)
        unanswered = reconciliation.unanswered(db, period, our.settings.sources)
        rows = downtime.entered(db, period)
    return render_template(
        "fallback/downtime.html",
        context=context,
        period=_typed(period),
        periods=[(one, _typed(_around(one))) for one in lately],
        wanted=wanted,
        missing=[one for one in wanted if one.standing.still_missing],
        again=[one for one in wanted if _may_go_again(one)],
        arrived=sum(one.standing is Standing.ARRIVED for one in wanted),
        unanswered=unanswered,
        rows=rows,
        columns=downtime.written_columns(),
        typed=request.form,
        labels={source.name: source.label for source in our.settings.sources},
        now=our.now,
        zone=our.settings.app.timezone,
        problem=problem,
    )


def _period(lately: Sequence[OutageRow] = ()) -> Period:
    """What the address or the form names, in the site's time; by default the last outage worth the name.

    Where there was none, the last day.
    """
    our = parts()
    around = [_around(one) for one in lately if (one.ended_at or our.now) - one.began_at >= _SHORTEST]
    usual = around[0] if around else Period(our.now - _USUAL, our.now)
    start = _moment("start", usual.start)
    end = _moment("end", usual.end)
    if not start < end:
        raise WrongRange("from is after to")
    return Period(start, end)


def _around(outage: OutageRow) -> Period:
    """Whole minutes, as a form can say them: nothing that was wanted in the first one is left out."""
    start = outage.began_at.replace(second=0, microsecond=0)
    return Period(start, outage.ended_at or parts().now)


def _moment(name: str, usual: Any) -> Any:
    typed = request.values.get(name, "")
    moment = local_moment(typed, parts().settings.app.zone) if typed else usual
    if moment is None:
        raise WrongRange(name)
    return moment


def _typed(period: Period) -> dict[str, str]:
    """The period as an address and a form have it, in minutes; what was wanted in the last one is in it."""
    zone = parts().settings.app.zone
    ends = {"start": period.start, "end": period.end + timedelta(seconds=59.999)}
    return {
        name: moment.astimezone(zone).replace(tzinfo=None).isoformat(timespec="minutes")
        for name, moment in ends.items()
    }


def _may_go_again(one: Wanted) -> bool:
    return one.standing in _AGAIN and one.study.unlisted_at is None


@blueprint.post("/staff/<key>/downtime/again")
def again(key: str) -> Response:
    """Want once more whatever is missing and is not tried again by itself."""
    opened_as_staff(key)
    with parts().records.read() as db:
        missing = [one for one in reconciliation.wanted(db, _period()) if _may_go_again(one)]
    for one in missing:
        wanting.want(parts(), one.study, one.errand)
    log.info("wanted again after an outage: %d", len(missing))
    return _back(key)


@blueprint.post("/staff/<key>/downtime/rows")
def enter(key: str) -> Response:
    """One row of the paper log."""
    context, our = opened_as_staff(key), parts()
    row = downtime.read_row(request.form)
    time = local_moment(request.form.get("time", ""), our.settings.app.zone)
    lacking = downtime.lacking(row)
    if time is None or time > our.now:
        return _refused(context, _("The time must be a date and time that has been."))
    if lacking:
        return _refused(context, _("Still missing: %(fields)s.", fields=", ".join(lacking)))
    with our.records.write() as db:
        db.add(DowntimeRow(**row, time=time, entered_by=context.person, entered_at=our.now))
    return _back(key)


def _refused(context: ContextRow, problem: str) -> Response:
    return make_response(_listing(context, problem), 422)


@blueprint.post("/staff/<key>/downtime/rows/<int:row>/settle")
def settle(key: str, row: int) -> Response:
    context = opened_as_staff(key)
    if row < 2**31:  # PostgreSQL refuses a larger one
        with parts().records.write() as db:
            downtime.settle(db, row, context.person, parts().now)
    return _back(key)


def _back(key: str) -> Response:
    return redirect(url_for(".listing", key=key, **dict[str, Any](_typed(_period()))), 303)
