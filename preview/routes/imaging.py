"""The patient's imaging: what every archive answered, and a card for each study."""

from datetime import date
from typing import Any

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from preview import access, asking, facts
from preview.matching import listing
from preview.page import MOST, PatientPage, describe
from preview.range import Preset, Span, WrongRange, named_span, query_of, wanted_span
from preview.records import ContextRow
from preview.routes.guard import opened_for_patient, parts
from preview.routes.polling import poll_answer
from preview.showing import Sight

_MOST_EVER = 5000
blueprint = Blueprint("imaging", __name__, url_prefix="/patients/<key>")


@blueprint.get("")
def page(key: str) -> Response:
    context = opened_for_patient(key)
    try:
        return make_response(render_template("imaging.html", **_shown(context)))
    except WrongRange:
        return make_response(render_template("imaging.html", **_shown(context, wrong_range=True)), 422)


@blueprint.get("/updates")
def updates(key: str) -> Response:
    """What the page polls: nothing while nothing is new, else the same panel again."""
    shown = _shown(opened_for_patient(key))
    return poll_answer("_imaging.html", shown["view"], shown)


@blueprint.post("/ask")
def ask(key: str) -> Response:
    """Put the question for a range to every archive, unless that is under way, and go to its page."""
    context = opened_for_patient(key)
    try:
        span = wanted_span(request.form, _today())
    except WrongRange:
        return make_response(render_template("imaging.html", **_shown(context, wrong_range=True)), 422)
    with parts().records.read() as db:
        last = Sight(db, context, parts().settings.sources).last_ask(span)
    if last is None or last.finished_at:
        asking.want(parts(), context, *span)
    return redirect(url_for(".page", key=key, **dict[str, Any](query_of(span))), 303)


def _shown(context: ContextRow, *, wrong_range: bool = False) -> dict[str, Any]:
    """What the templates need; with a wrong range, the page of the newest ask and what is wrong."""
    span = None if wrong_range else named_span(request.args)
    modality = request.args.get("modality", "")[:16]
    most = max(MOST, min(request.args.get("shown", MOST, type=int), _MOST_EVER))
    view = describe(facts.patient_facts(parts(), context, span, modality), parts().now, most)
    last = view.ask
    chosen: Span = span or ((last.start, last.end) if last else Preset.YEAR.span(_today()))
    return {
        "context": context,
        "view": view,
        "span": chosen,
        "presets": _presets(),
        "filters": _filters(view, chosen) | ({"shown": str(most)} if most > MOST else {}),
        "next_shown": most + MOST,
        "wrong_range": wrong_range,
        "typed": request.values if wrong_range else {},
    }


def _filters(view: PatientPage, span: Span) -> dict[str, str]:
    """What the address of the poll and of each filter keeps."""
    return query_of(span) | ({"modality": view.modality} if view.modality else {})


def _presets() -> dict[Preset, Span]:
    return {preset: preset.span(_today()) for preset in Preset}


def _today() -> date:
    return parts().now.astimezone(parts().settings.app.zone).date()


@blueprint.app_context_processor
def unmatched_count() -> dict[str, object]:
    """The number that stands in the header of every page that staff see."""

    def count(context: ContextRow | None) -> int | None:
        if context is None or context.role not in access.STAFF:
            return None
        with parts().records.read() as db:
            return listing.open_count(db)

    return {"unmatched_count": count}
