"""A page that waits for nothing still watches, so that open tabs notice at once what staff decide.

They notice as well that an archive cannot be asked any more. The banner asks here instead of for itself, so
that there is one question a page, and the panel none.
"""

from collections.abc import Callable, Mapping
from typing import Any

from flask import Blueprint, Flask, request, url_for
from werkzeug.wrappers import Response

from preview.errands.facts import held_up_of
from preview.health import journal
from preview.routes import banner, imaging, study
from preview.routes.guard import look, opened_for_patient, parts
from preview.studies import watching

blueprint = Blueprint("watching", __name__, url_prefix="/patients/<key>")
_PAGES = {
    "imaging.page": "watching.patient",
    "imaging.updates": "watching.patient",
    "watching.patient": "watching.patient",
    "study.page": "watching.one",
    "study.updates": "watching.one",
    "watching.one": "watching.one",
}
_OF_POLLS = ("v", "b", "s")


def register(app: Flask) -> None:
    app.jinja_env.globals["watched"] = watched


def watched(filters: Mapping[str, object] | None = None) -> str:
    """Where the page of this request asks whether anything was decided; "" where it shows no patient.

    ``filters``: what the page's address keeps; else what this request says of it.
    """
    endpoint = _PAGES.get(request.endpoint or "")
    if endpoint is None or request.view_args is None:
        return ""
    kept: Mapping[str, Any] = request.args if filters is None else filters
    names = {name: said for name, said in kept.items() if name not in _OF_POLLS}
    return url_for(endpoint, **request.view_args, **names, s=_mark(request.view_args["key"]))


def _mark(key: str) -> str:
    context, our = opened_for_patient(key), parts()

    def read() -> str:
        with our.records.read() as db:
            return watching.mark(db, context, our.settings.sources, lasting)

    lasting = look().lasting
    decided = lasting.get(("watched", context.key, context.patient), read)
    away = sorted(held_up_of(journal.seen(our.records, look()), our.now, our.settings.app))
    return "-".join((decided, *away))


@blueprint.get("/watch/updates")
def patient(key: str) -> Response:
    return _answer(key, lambda: imaging.updates(key))


@blueprint.get("/studies/<study_key>/watch/updates")
def one(key: str, study_key: str) -> Response:
    return _answer(key, lambda: study.updates(key, study_key))


def _answer(key: str, panel: Callable[[], Response]) -> Response:
    """The panel as it is now, if anything was decided or an archive went away; else the banner."""
    if request.args.get("s") != _mark(key):
        return panel()
    answer = banner.updates()
    answer.headers["HX-Retarget"] = "#banner"
    return answer
