"""What to tell an archive's administrator: the places in a reason's sentences, filled with our values."""

import re
from collections.abc import Callable
from urllib.parse import urlsplit

from flask import Flask
from flask_babel import gettext
from jinja2 import pass_context
from jinja2.runtime import Context

from fetch.model import Local, Source
from fetch.reasons import Reason, _
from fetch.settings import Settings
from preview.access import STAFF

_PLACE = re.compile(r"%\((aet|address|called|port|where)\)s")
_PORTS = {"http": 80, "https": 443}
_OUR_HOST = _("our host, port %(port)s")


def explain(
    text: str, local: Local, source: Source | None = None, translate: Callable[[str], str] = str
) -> str:
    """The text with what stands in its places; everything else, a stray % too, stays as it is.

    ``%(aet)s`` is our AE title, ``%(address)s`` our host and port, ``%(port)s`` the port alone,
    ``%(called)s`` the archive's AE title and ``%(where)s`` its host and port as our settings have them.
    ``translate`` is for the words that stand
    in for a host that nobody named.
    """
    values = {
        "aet": local.aet,
        "port": str(local.port),
        "address": _address(local.host, local.port)
        or translate(_OUR_HOST).replace("%(port)s", str(local.port)),
        "called": source.aet if source else "",
        "where": _where(source) if source else "",
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


def explained(reason: Reason, local: Local, source: Source | None = None) -> str:
    """What happened and what to do now, for a shell."""
    return explain(f"{reason.sentence} {reason.next_step}", local, source)


def register(app: Flask, settings: Settings) -> None:
    """Give the templates the filter ``reason.sentence | explained(source name)``, which translates too.

    Not ``_(reason.sentence)``: that takes the places for its own, and raises. Hosts and ports are for staff,
    known by the ``context`` a page is rendered with: everybody else reads an archive's label, and our site.
    """

    @pass_context
    def filled(page: Context, text: str, source: str = "") -> str:
        archive, translated = settings.source(source), gettext(text)
        if getattr(page.get("context"), "role", None) not in STAFF:
            translated = without_addresses(translated, settings.app.site, archive)
        return explain(translated, settings.local, archive, gettext)

    app.jinja_env.filters["explained"] = filled


def without_addresses(text: str, site: str, source: Source | None) -> str:
    """The text with names where it would have hosts and ports; its other places stay."""
    names = {"address": site, "where": source.label if source else ""}
    return _PLACE.sub(lambda place: names.get(place[1], place[0]) or "–", text)
