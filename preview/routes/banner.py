"""The banner of every page: carried by the page's own poll, or polled by itself where there is none."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask import Blueprint, Flask, current_app, g, make_response, render_template, request
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.wrappers import Response

from preview.fallback.notices import not_over
from preview.fallback.records import NoticeRow
from preview.health import journal
from preview.health.banner import POLL_S, Banner, banner_of, notices, standings_of, without_database
from preview.health.machine import has_room
from preview.health.records import HealthRow
from preview.page.status import comes_back
from preview.routes.guard import look, parts
from preview.routes.marks import Marked, news_of, version

blueprint = Blueprint("banner", __name__)
_BELL_S = 1.0
_ROOM_S = 2.0
"""To ask the system how full a disk is can cost more than all else of a poll."""


def register(app: Flask) -> None:
    app.jinja_env.globals.update(banner=banner, banner_poll_s=POLL_S, comes_back=comes_back)


def banner() -> Banner:
    """Looked up once a request."""
    if "banner" not in g:
        g.banner = _banner()
    return g.banner  # type: ignore[no-any-return]


def said_by_page() -> None:
    """This page says itself what is wrong, and what it says has no banner above it."""
    g.banner = Banner()


def _banner() -> Banner:
    our = parts()
    try:
        rows, written = _stored()
    except SQLAlchemyError as error:
        current_app.logger.warning("no banner: %s", type(error).__name__)
        return without_database()
    known, said = standings_of(rows, our.settings, our.now), notices(written, our.now)
    bell, room = our.bell.answers(within=_BELL_S), has_room(our.settings.app.shelf, within=_ROOM_S)
    return banner_of(known, said, our.now, bell=bell, room=room)


def _stored() -> tuple[Mapping[str, HealthRow], Sequence[NoticeRow]]:
    """How the archives were found to be, and what staff tell everybody now or soon."""
    our = parts()

    def read() -> Sequence[NoticeRow]:
        with our.records.read() as db:
            return not_over(db, our.now)

    return journal.seen(our.records, look()), look().lasting.get("notices", read)


@blueprint.get("/banner/updates")
def updates() -> Response:
    """For whoever has a page of ours open; it says nothing of any patient."""
    if _seen() == banner().mark:
        return make_response("", 204)
    return make_response(_rendered(polls=True, swapped=False))


def news_for_page(view: Marked) -> str:
    """What a panel's answer carries besides: the banner, and who polls for it from now on.

    Nothing if the panel has polled for it, goes on to, and has the one that is true now.
    """
    polled = (request.endpoint or "").endswith(".updates") and view.pace is not None
    if "b" not in request.args or (polled and not is_news()):
        return ""
    return _rendered(polls=view.pace is None, swapped=True)


def by_itself() -> str:
    """What the last panel carries besides: from now on the banner is asked for, and no patient."""
    return _rendered(polls=True, swapped=True, watches=False) if "b" in request.args else ""


def is_news() -> bool:
    """Has the page another banner than the one that is true now?"""
    return "b" in request.args and _seen() != banner().mark


def _seen() -> str:
    return request.args.get("b", "").split(".")[0]


def _rendered(*, polls: bool, swapped: bool, watches: bool = True) -> str:
    news = news_of(banner(), request.args.get("b", ""))
    told: dict[str, Any] = {"news": news, "polls": polls, "watches": watches}
    return render_template("_banner.html", swapped=swapped, polled=True, version=version, **told)
