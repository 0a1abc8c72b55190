"""One study: its series, its pictures, where its fetch stands, and the way to the viewer."""

from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from preview.errands import wanting
from preview.matching import splitting
from preview.page import Larger, Picture, Strip, StudyPage, describe_study
from preview.records import Errand
from preview.routes import pictures
from preview.routes.guard import look, look_anew, opened_for_patient, parts, visible
from preview.routes.polling import poll_answer
from preview.studies import contents, facts, gallery

blueprint = Blueprint("study", __name__, url_prefix="/patients/<key>")


@blueprint.get("/studies/<study_key>")
def page(key: str, study_key: str) -> str:
    """The page; whoever opens it also wants the larger picture of what is looked at, if there is none."""
    shown = _shown(key, study_key)
    view: StudyPage = shown["view"]
    if view.larger is Larger.WANTED and view.picture is not None:
        wanting.want(parts(), shown["row"], Errand.ENLARGE, around=view.picture.instance)
        look_anew()
        shown = _shown(key, study_key)
    return render_template("study.html", **shown)


@blueprint.get("/studies/<study_key>/updates")
def updates(key: str, study_key: str) -> Response:
    shown = _shown(key, study_key)
    return poll_answer("_study.html", shown["view"], shown)


@blueprint.post("/studies/<study_key>/fetch")
def fetch(key: str, study_key: str) -> Response:
    """Want the study; whoever asks twice gets the same fetch."""
    row = visible(opened_for_patient(key), study_key)
    wanting.want(parts(), row)
    return _back(key, study_key)


@blueprint.post("/studies/<study_key>/cancel")
def cancel(key: str, study_key: str) -> Response:
    context = opened_for_patient(key)
    wanting.cancel(parts(), visible(context, study_key), by=context)
    return _back(key, study_key)


@blueprint.post("/studies/<study_key>/bring")
def bring(key: str, study_key: str) -> Response:
    """Have the source send the study to the viewer; only what may be shown may be brought."""
    row = visible(opened_for_patient(key), study_key)
    with parts().records.read() as db:
        strangers = contents.holds_strangers(db, row.id)
    if parts().settings.viewer.aet is None or strangers:
        raise NotFound
    wanting.want(parts(), row, Errand.BRING)
    return _back(key, study_key)


@blueprint.post("/studies/<study_key>/bring/cancel")
def stop_bringing(key: str, study_key: str) -> Response:
    context = opened_for_patient(key)
    wanting.cancel(parts(), visible(context, study_key), Errand.BRING, by=context)
    return _back(key, study_key)


@blueprint.post("/studies/<study_key>/enlarge")
def enlarge(key: str, study_key: str) -> Response:
    """Want the larger picture of one instance, also if it could not be brought a while ago."""
    row = visible(opened_for_patient(key), study_key)
    place = {name: request.form.get(name, type=int) for name in ("series", "instance", "frame")}
    with parts().records.read() as db:
        if not gallery.is_drawn(db, row.id, place["instance"]):
            raise NotFound
    wanting.want(parts(), row, Errand.ENLARGE, around=place["instance"])
    return redirect(url_for(".page", key=key, study_key=study_key, **dict[str, Any](place)), 303)


@blueprint.get("/studies/<study_key>/series/<int:series_id>")
def series(key: str, study_key: str, series_id: int) -> dict[str, Any]:
    """What is drawn of one series, for whoever moves over its tile: addresses, and what each is called."""
    row = visible(opened_for_patient(key), study_key)
    with parts().records.read() as db:
        strip = next(iter(gallery.strips(db, row, series_id)), None)
    if strip is None:
        raise NotFound
    root = url_for("imaging.page", key=key) + "/pictures/"
    return {"pictures": [{"src": root + one.path, "at": _place(one, strip)} for one in strip.pictures]}


@blueprint.get("/pictures/<study_key>/<name>")
def picture(key: str, study_key: str, name: str) -> Response:
    context = opened_for_patient(key)

    def read() -> str:
        with parts().records.read() as db:
            return splitting.study_of(db, study_key)

    of_part = look().lasting.get(("study of part", study_key), read)
    visible(context, of_part or study_key)
    return pictures.picture(study_key, name)


def _back(key: str, study_key: str) -> Response:
    """To the page the button was on, without trusting anything the browser says about it."""
    if request.form.get("on") == "study":
        return redirect(url_for(".page", key=key, study_key=study_key), 303)
    kept = ("from", "to", "modality", "view", "after", "whole")
    query: dict[str, Any] = {name: request.form[name] for name in kept if name in request.form}
    return redirect(url_for("imaging.page", key=key, **query, _anchor=f"study-{study_key}"), 303)


def _shown(key: str, study_key: str) -> dict[str, Any]:
    context = opened_for_patient(key)
    row = visible(context, study_key)
    chosen = {name: request.args.get(name, type=int) for name in ("series", "instance", "frame")}
    read = facts.study_facts(
        parts(), look(), context, row, chosen["series"], chosen["instance"], chosen["frame"] or 1
    )
    view = describe_study(read, parts().now)
    asked = {name: value for name, value in chosen.items() if value is not None}
    return {
        "context": context,
        "row": row,
        "view": view,
        "pixels": _pixels(view),
        "filters": _looked_at(view) or asked,
    }


def _pixels(view: StudyPage) -> tuple[int, int] | None:
    """How wide and how high the picture is that is looked at, so that the page keeps a place for it."""
    if view.picture is None:
        return None
    size = gallery.pixels(parts().settings.app.shelf / (view.picture.enlarged or view.picture.path))
    return view.picture.stands(*size) if size else None


def _place(picture: Picture, strip: Strip) -> str:
    """``60/120`` among the images of the series, or the frames of the object."""
    if picture.frame_count > 1:
        return f"{picture.frame}/{picture.frame_count}"
    return f"{picture.position}/{strip.expected or len(strip.pictures)}"


def _looked_at(view: StudyPage) -> dict[str, int]:
    """What the poll asks for again: the picture that is looked at stays, whatever arrives meanwhile."""
    if view.chosen is None or view.picture is None:
        return {}
    picture = view.picture
    return {"series": view.chosen.series_id, "instance": picture.instance, "frame": picture.frame}
