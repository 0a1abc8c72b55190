"""Puts the plan into its folder: when a web server starts, and by `flask export-fallback`."""

import logging

from flask import Flask
from sqlalchemy.exc import DatabaseError

from preview.fallback import publishing, versions
from preview.fallback.plan import Plan
from preview.parts import Parts

log = logging.getLogger(__name__)


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
    if all(publishing.holds(settings.fallback_folder, name, content) for name, content in files.items()):
        return False
    publishing.publish(settings.fallback_folder, files)
    return True


def _files(plan: Plan) -> dict[str, bytes]:
    """At least the page, should the font have been taken away since, or the site's name need one."""
    try:
        return publishing.made(plan)
    except publishing.NotPrintable as wrong:
        log.error("the fallback plan cannot be made as PDF: %s", wrong)  # noqa: TRY400 — a sentence, no trace
        return {publishing.PAGE: publishing.page_of(plan)}
