"""The answer to a poll: 204 while nothing is new, else the panel, and what is worth being read aloud."""

from collections.abc import Mapping
from hashlib import blake2b
from typing import Protocol

from flask import make_response, render_template, request
from werkzeug.wrappers import Response

from preview.page.status import Milestones


class Marked(Protocol):
    """A described page."""

    @property
    def mark(self) -> str: ...
    @property
    def milestones(self) -> Milestones: ...


def version(view: Marked) -> str:
    """What the next poll sends back: the mark of what is shown, and of each thing that was announced."""
    return ".".join([view.mark, *_announced(view)])


def _announced(view: Marked) -> dict[str, str]:
    """A short mark of each milestone, with what it is about."""
    return {
        blake2b(f"{about} {said}".encode(), digest_size=3).hexdigest(): about
        for about, said in view.milestones
    }


def poll_answer(template: str, view: Marked, shown: Mapping[str, object]) -> Response:
    """The panel, and the names of what is worth announcing since the last poll."""
    seen, *heard = request.args.get("v", "").split(".")
    if seen == view.mark:
        return make_response("", 204)
    news = {about for mark, about in _announced(view).items() if mark not in heard}
    return make_response(render_template(template, news=news, polled=True, **shown))
