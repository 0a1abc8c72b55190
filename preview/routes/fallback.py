"""The written fallback plan for everybody: from its files, whatever else is down."""

from datetime import datetime
from pathlib import Path

from flask import Blueprint, current_app, make_response, send_file, url_for
from markupsafe import escape
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from preview.fallback import publishing
from preview.fallback.plan import Plan
from preview.fallback.versions import plan_of
from preview.routes.guard import parts
from preview.web import headers

blueprint = Blueprint("fallback", __name__)


@blueprint.get("/fallback")
def page() -> Response:
    """Asks neither the database nor Redis. Without files yet, the plan as it is shipped."""
    app = parts().settings.app
    text = publishing.published(app.fallback_folder) or publishing.page_of(_shipped()).decode()
    due = publishing.review_due(text)
    if due and due < datetime.now(app.zone).date():
        text = publishing.with_warning(text)
    response = make_response(_kept(text))
    response.headers[headers.CSP] = headers.policy(app.embed_origins, publishing.style_hash(text))
    response.headers["Cache-Control"] = "no-cache"
    return response


def _kept(text: str) -> str:
    """The page as a browser gets it from us: it also learns to keep it. The file itself has no script."""
    script = (
        '<link rel="icon" href="{}"><script src="{}" data-worker="{}" data-scope="{}" defer></script></head>'
    )
    addresses = (
        url_for("static", filename="icon.svg"),
        url_for("static", filename="keep-fallback.js"),
        url_for(".worker"),
        url_for(".page"),
    )
    return text.replace("</head>", script.format(*map(escape, addresses)), 1)


@blueprint.get("/fallback.pdf")
def plan_pdf() -> Response:
    return _pdf(publishing.PLAN_PDF)


@blueprint.get("/fallback-log.pdf")
def log_pdf() -> Response:
    return _pdf(publishing.LOG_PDF)


def _pdf(name: str) -> Response:
    folder = parts().settings.app.fallback_folder
    file = folder / name
    if name == publishing.PLAN_PDF and not file.is_file() and publishing.published(folder):
        raise NotFound  # the shipped one beside another page would be taken for that
    try:
        content = file.read_bytes() if file.is_file() else publishing.made(_shipped())[name]
    except publishing.NotPrintable:
        raise NotFound from None  # the page itself is there all the same
    response = make_response(content)
    response.headers["Content-Type"] = "application/pdf"
    response.headers["Content-Disposition"] = f'inline; filename="{name}"'
    response.headers["Cache-Control"] = "no-cache"
    return response


def _shipped() -> Plan:
    return plan_of(parts().settings.app, None)


@blueprint.get("/fallback-worker.js")
def worker() -> Response:
    """At the top, not below static/: a service worker's scope reaches no further up than its own folder."""
    file = Path(current_app.static_folder or "") / "fallback-worker.js"
    response = send_file(file, mimetype="text/javascript", max_age=0)
    response.headers["Service-Worker-Allowed"] = url_for(".page")
    return response
