"""The browser libraries that `make install` brings from npm, served from where it puts them."""

import sys
from pathlib import Path

from flask import Blueprint, send_file
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

blueprint = Blueprint("assets", __name__)
_MODULES = Path(sys.prefix) / "npm" / "node_modules"
FONTS = _MODULES / "dejavu-fonts-ttf" / "ttf"
"""For what is printed; they are not served."""
_FILES = {
    "htmx.js": _MODULES / "htmx.org" / "dist" / "htmx.min.js",
    "idiomorph.js": _MODULES / "idiomorph" / "dist" / "idiomorph-ext.min.js",
}


def missing() -> list[str]:
    fonts = [] if FONTS.is_dir() else [FONTS.parent.name]
    return [name for name, path in _FILES.items() if not path.is_file()] + fonts


@blueprint.get("/assets/<name>")
def asset(name: str) -> Response:
    if name not in _FILES:
        raise NotFound
    return send_file(_FILES[name], mimetype="text/javascript", max_age=86400, conditional=True)
