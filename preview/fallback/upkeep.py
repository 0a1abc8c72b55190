"""Puts the plan into its folder: when a web server starts, later when it changes, and by a command."""

import logging
import time
from datetime import datetime

from flask import Flask
from sqlalchemy.exc import DatabaseError, SQLAlchemyError

from preview.fallback import publishing, versions
from preview.fallback.plan import Plan
from preview.fallback.records import PlanRow
from preview.parts import Parts

log = logging.getLogger(__name__)

_LOOK_S = 30.0
Shown = tuple[int, datetime | None, bool]
"""Which version everybody sees, since when it is approved, is its review overdue; 0 for the shipped plan."""


def export(app: Flask, parts: Parts) -> bool:
    """Make its files anew; False if they were so already, or the database cannot say which they are.

    On every start, because its wording may be of an older release, or its folder new on this machine.
    """
    settings = parts.settings.app
    try:
        with parts.records.read() as session:
            row = versions.shown(session)
    except DatabaseError:
        if publishing.published(settings.fallback_folder):
            return False
        row = None
    with app.test_request_context(base_url=settings.url):
        files = _files(versions.plan_of(settings, row))
    if row is not None and _is_overdue(row, parts):  # a web server that shows the file alone cannot say it
        page = publishing.with_warning(files[publishing.PAGE].decode())
        files[publishing.PAGE] = page.encode()
    if all(publishing.holds(settings.fallback_folder, name, content) for name, content in files.items()):
        return False
    publishing.publish(settings.fallback_folder, files)
    return True


def follow(app: Flask, parts: Parts) -> None:
    """For as long as this process lives: what another host approved comes into this folder too."""
    known = _shown(parts)
    while True:
        time.sleep(_LOOK_S)
        try:
            known = keep_up(app, parts, known)
        except OSError as failed:
            log.error("the fallback plan is not in its folder: %s", failed.strerror)  # noqa: TRY400


def keep_up(app: Flask, parts: Parts, known: Shown | None) -> Shown | None:
    """Make the files anew if another version is shown than the known one. Which is it now?"""
    shown = _shown(parts)
    if shown is None or shown == known:
        return known
    export(app, parts)
    return shown


def _shown(parts: Parts) -> Shown | None:
    """None while the database cannot say."""
    try:
        with parts.records.read() as session:
            row = versions.shown(session)
    except SQLAlchemyError:
        return None
    return (row.number, row.approved_at, _is_overdue(row, parts)) if row else (0, None, False)


def _is_overdue(row: PlanRow, parts: Parts) -> bool:
    return row.review_due < parts.now.astimezone(parts.settings.app.zone).date()


def _files(plan: Plan) -> dict[str, bytes]:
    """At least the page, should the font have been taken away since, or the site's name need one."""
    try:
        return publishing.made(plan)
    except publishing.NotPrintable as wrong:
        log.error("the fallback plan cannot be made as PDF: %s", wrong)  # noqa: TRY400 — a sentence, no trace
        return {publishing.PAGE: publishing.page_of(plan)}
