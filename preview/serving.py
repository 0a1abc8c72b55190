"""Gunicorn's settings: a few threads, no access log (an address names an open context)."""

import logging

from fetch.settings import WrongSettings, load_settings
from preview import assets

# Imported once, before the web processes are forked from this one: they are there the sooner.
from preview.routes import failing, imaging, launching, opening, study, unmatched  # noqa: F401

try:
    bind = load_settings().app.listen
except WrongSettings as wrong:
    raise SystemExit(str(wrong)) from None
if assets.missing():
    raise SystemExit(f"{', '.join(assets.missing())} not installed; run: make install")
worker_class = "gthread"
workers = 2
threads = 8
accesslog = None
loglevel = "warning"
graceful_timeout = 3
control_socket_disable = True


def when_ready(_server: object) -> None:
    """Gunicorn's hook: say where it is."""
    logging.getLogger(__name__).warning("ready on http://%s", bind)
