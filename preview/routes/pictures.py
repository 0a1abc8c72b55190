"""One picture from the shelf, for whoever has been let through to it."""

import re

from flask import send_file
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from preview.routes.guard import parts

_PICTURE = re.compile(r"[0-9a-f]{32}-[0-9]{1,6}-[0-9]{1,4}\.png")


def picture(study_key: str, name: str) -> Response:
    """One PNG of this study. Access has to be checked before, so also before every 304."""
    path = parts().settings.app.shelf.absolute() / study_key / name
    if not _PICTURE.fullmatch(name) or not path.is_file():
        raise NotFound
    response = send_file(path, mimetype="image/png", etag=True, conditional=True, max_age=None)
    response.headers["Cache-Control"] = "private, no-cache"
    return response
