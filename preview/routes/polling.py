"""The answer to a poll: 204 while nothing is new, else the panel, and what is worth being read aloud."""

from collections.abc import Mapping

from flask import make_response, render_template, request
from werkzeug.wrappers import Response

from preview.routes import banner
from preview.routes.marks import Marked, news_of
from preview.routes.marks import version as version  # noqa: PLC0414 — the panels' addresses have it


def poll_answer(template: str, view: Marked, shown: Mapping[str, object]) -> Response:
    """The panel, the names of what is worth announcing since the last poll, and the page's banner."""
    seen = request.args.get("v", "")
    if seen.split(".")[0] == view.mark and not banner.is_news():
        return make_response("", 204)
    panel = render_template(template, news=news_of(view, seen), polled=True, **shown)
    return make_response(panel + banner.news_for_page(view))
