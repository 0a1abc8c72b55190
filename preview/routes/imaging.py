"""The patient's imaging: what every archive answered, and a card for each study."""

from datetime import date
from typing import Any

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from preview.entrance import access
from preview.errands import asking, wanting
from preview.matching import listing
from preview.page import Choice, PatientPage, Status, describe
from preview.range import Preset, Span, WrongRange, named_span, query_of, wanted_span
from preview.records import ContextRow
from preview.routes.guard import look, opened_for_patient, parts, visible
from preview.routes.polling import poll_answer
from preview.studies import facts
from preview.studies.showing import Sight

_THIS = "this"
"""What ``view`` says in an address where only the study is shown that the clinical application meant."""
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
    kept = {name: code for name in ("modality", "view") if (code := _code(request.form.get(name, "")))}
    return redirect(url_for(".page", key=key, **dict[str, Any](query_of(span) | kept)), 303)


@blueprint.post("/fetch")
def fetch_all(key: str) -> Response:
    """Want every study of one source that the page shows and nobody has fetched, and go back to the page."""
    context = opened_for_patient(key)
    try:
        shown = _shown(context, request.form)
    except WrongRange:
        return redirect(url_for(".page", key=key), 303)
    for card in shown["view"].cards:
        if card.progress.status is Status.NOT_FETCHED and card.study.source == request.form.get("source"):
            wanting.want(parts(), visible(context, card.key))
    return redirect(url_for(".page", key=key, **shown["filters"], _anchor="studies"), 303)


def _shown(
    context: ContextRow, values: "MultiDict[str, str] | None" = None, *, wrong_range: bool = False
) -> dict[str, Any]:
    """What the templates need; with a wrong range, the page of the newest ask and what is wrong."""
    values = request.args if values is None else values
    span = None if wrong_range else named_span(values)
    meant = bool(context.accession or context.study_uid)
    choice = Choice(
        modality=_code(values.get("modality", "")),
        only_named=meant and values.get("view") == _THIS,
        after=_code(values.get("after", ""), 32),
        whole="whole" in values,
    )
    view = describe(facts.patient_facts(parts(), look(), context, span, choice), parts().now)
    last = view.ask
    chosen: Span = span or ((last.start, last.end) if last else Preset.YEAR.span(_today()))
    around = _filters(view, chosen)
    return {
        "context": context,
        "view": view,
        "span": chosen,
        "presets": _presets(),
        "around": around,
        "filters": around | _place(choice),
        "this_study": query_of(access.wish_of(context).range(_today())) | {"view": _THIS} if meant else None,
        "wrong_range": wrong_range,
        "typed": request.values if wrong_range else {},
    }


def _code(written: str, most: int = 16) -> str:
    """A code or a key in an address; "" for whatever else stands there."""
    return written if written.isalnum() and len(written) <= most else ""


def _filters(view: PatientPage, span: Span) -> dict[str, str]:
    """What the address of the poll and of each filter keeps; no patient, no study's identifier."""
    kept = {"modality": view.choice.modality, "view": _THIS if view.choice.only_named else ""}
    return query_of(span) | {name: value for name, value in kept.items() if value}


def _place(choice: Choice) -> dict[str, str]:
    """Where in the list the reader is, and whether the whole page has come."""
    return ({"after": choice.after} if choice.after else {}) | ({"whole": "1"} if choice.whole else {})


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
