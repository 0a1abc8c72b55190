"""What to tell an archive's administrator: the places in a reason's sentences, filled with our values."""

import re
from collections.abc import Callable
from urllib.parse import urlsplit

from flask import Flask
from flask_babel import gettext
from jinja2 import pass_context
from jinja2.runtime import Context

from fetch.model import Local, Source
from fetch.reasons import Reason, Trouble, _
from fetch.settings import Settings, Viewer
from preview.entrance.access import STAFF

_PLACE = re.compile(r"%\((aet|address|called|port|where|viewer|viewer_address)\)s")
_PORTS = {"http": 80, "https": 443}
_OUR_HOST = _("our host, port %(port)s")
_NOT_SET = _("(not in our settings)")
_TRY_AGAIN = _("Try again in a few minutes; if it lasts, call %(helpdesk)s.")
_INSTEAD = {
    reason.next_step: "" if reason.trouble is Trouble.SETUP else _TRY_AGAIN
    for reason in Reason
    if reason.for_administrators
}
"""What others read in place of a step of administrators; of a setting a page names the helpdesk anyway."""
_ITS_HOST = _("the host and port where the viewer's archive takes images")


def explain(
    text: str,
    local: Local,
    source: Source | None = None,
    translate: Callable[[str], str] = str,
    viewer: Viewer | None = None,
) -> str:
    """The text with what stands in its places; everything else, a stray % too, stays as it is.

    ``%(aet)s`` is our AE title, ``%(address)s`` our host and port, ``%(port)s`` the port alone,
    ``%(called)s`` the archive's AE title and ``%(where)s`` its host and port as our settings have them.
    ``%(viewer)s`` and ``%(viewer_address)s`` are the AE title of the viewer's archive, and its host and port.
    ``translate`` is for the words that stand in for a host that nobody named.
    """
    values = {
        "aet": local.aet,
        "port": str(local.port),
        "address": _address(local.host, local.port)
        or translate(_OUR_HOST).replace("%(port)s", str(local.port)),
        "called": source.aet if source else "",
        "where": _where(source) if source else "",
        "viewer": (viewer and viewer.aet) or translate(_NOT_SET),
        "viewer_address": _of_viewer(viewer) or translate(_ITS_HOST),
    }
    return _PLACE.sub(lambda place: values[place[1]] or "–", text)


def _address(host: str, port: int) -> str:
    if not host:
        return ""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _where(source: Source) -> str:
    """Of one that speaks only DICOMweb, the host of its root: an address of which may hold a password."""
    if source.web is None or source.host:
        return _address(source.host, source.port)
    root = urlsplit(source.web.url)
    return _address(root.hostname or "", root.port or _PORTS.get(root.scheme, 0))


def _of_viewer(viewer: Viewer | None) -> str:
    """Empty where the settings do not say it: where it is asked over the web is another port."""
    return _address(viewer.host, viewer.port) if viewer and viewer.port else ""


def explained(reason: Reason, local: Local, source: Source | None = None) -> str:
    """What happened and what to do now, for a shell."""
    return explain(f"{reason.sentence} {reason.next_step}", local, source)


def register(app: Flask, settings: Settings) -> None:
    """Give the templates the filter ``reason.sentence | explained(source name)``, which translates too.

    Not ``_(reason.sentence)``: that takes the places for its own, and raises. Hosts and ports are for staff,
    known by the ``context`` a page is rendered with: everybody else reads an archive's label, and our site,
    and is not told what administrators are to do.
    """

    @pass_context
    def filled(page: Context, text: str, source: str = "") -> str:
        archive, translated = settings.source(source), gettext(text)
        if getattr(page.get("context"), "role", None) not in STAFF:
            if text in _INSTEAD:
                return gettext(_INSTEAD[text], helpdesk=settings.app.helpdesk) if _INSTEAD[text] else ""
            translated = without_addresses(translated, settings.app.site, archive)
        return explain(translated, settings.local, archive, gettext, settings.viewer)

    app.jinja_env.filters["explained"] = filled


def without_addresses(text: str, site: str, source: Source | None) -> str:
    """The text with names where it would have hosts and ports; its other places stay."""
    names = {"address": site, "viewer_address": site, "where": source.label if source else ""}
    return _PLACE.sub(lambda place: names.get(place[1], place[0]) or "–", text)
