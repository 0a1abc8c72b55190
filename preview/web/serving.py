"""Gunicorn's settings: a few threads, no access log (an address names an open context)."""

import gc
import logging
import threading
from typing import Any, cast

from flask import Flask

from fetch.settings import WrongSettings, load_settings
from preview.fallback import upkeep
from preview.parts import Parts

# Imported once, before the web processes are forked from this one: they are there the sooner.
from preview.routes import failing, fallback_plan, imaging, launching, opening, study, unmatched  # noqa: F401
from preview.web import assets

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


def post_worker_init(worker: Any) -> None:
    """Gunicorn's hook, in each process: what is imported stays, so nobody looks through it for garbage again.

    That took 80 ms every few hundred requests, in which all others waited.
    """
    _export_plan(worker.wsgi)
    parts = cast(Parts, worker.wsgi.extensions["preview"])
    threading.Thread(target=upkeep.follow, args=(worker.wsgi, parts), name="plan", daemon=True).start()
    threading.Thread(target=_compile_templates, args=(worker.wsgi,), name="templates", daemon=True).start()
    gc.freeze()


def _compile_templates(app: Flask) -> None:
    """So that whoever opens the first page does not wait for it: all of them take half a second."""
    for name in app.jinja_env.list_templates():
        app.jinja_env.get_template(name)


def _export_plan(app: Flask) -> None:
    """The fallback plan's files are there before anybody needs them; without them the rest goes on."""
    try:
        upkeep.export(app, cast(Parts, app.extensions["preview"]))
    except OSError as failed:
        logging.getLogger(__name__).error("the fallback plan is not in its folder: %s", failed)  # noqa: TRY400
