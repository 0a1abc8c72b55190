"""The composition root: reads the settings, builds the parts, registers pages and commands."""

import os
import sys
import time
from datetime import timedelta
from functools import partial
from pathlib import Path

from flask import Flask
from flask_babel import Babel, get_locale
from flask_wtf import CSRFProtect
from htmx_flask import Htmx
from sqlalchemy.exc import OperationalError

from fetch.records import Records, open_database
from fetch.settings import Settings, WrongSettings, load_settings
from preview import cli, logs, words
from preview.database import migrate
from preview.entrance.secret import secret_key
from preview.errands import explaining
from preview.languages import Written
from preview.parts import parts_of
from preview.routes import (
    archives,
    banner,
    cards,
    comparing,
    downtime,
    failing,
    fallback,
    fallback_plan,
    health,
    imaging,
    launching,
    notices,
    opening,
    preferences,
    resolving,
    study,
    unmatched,
    watching,
)
from preview.routes.cookie import Cookie
from preview.routes.pacing import Pacing
from preview.routes.polling import version
from preview.viewer.links import compare_link, image_link, study_link
from preview.web import assets, compressing, headers

_DOWN = (health, archives, fallback, fallback_plan, notices, downtime)
"""The pages for when imaging is down, and for afterwards."""
_PROCESSES = {"worker", "reconciler", "prober", "receiver"}
"""What is started once and is to stay: it waits for a database that starts at the same time, or is away."""
_DATABASE_PATIENCE_S = 60.0
_DATABASE_PAUSE_S = 2.0
_WAITING = "The database server does not answer; trying again for a minute (Ctrl-C stops that).\n"


def create_app(settings: Settings | None = None) -> Flask:
    """The application. Wrong settings end the program with all their problems in one list."""
    os.umask(0o077)  # database, pictures and secret are for this user only
    logs.configure()
    settings = settings or _settings_or_exit()
    parts = parts_of(settings, _records_or_exit(settings))
    app = Flask(__name__)
    _configure(app, settings)
    app.extensions["preview"] = parts
    app.session_interface = Cookie()
    Htmx(app)
    CSRFProtect(app).exempt(launching.launch)  # a signed token, and no cookie
    Babel(app, locale_selector=preferences.language).domain_instance = Written()
    words.register(app, settings.app.zone)
    explaining.register(app, settings)
    headers.register(app, settings.app.embed_origins, settings.viewer.url)
    compressing.register(app)
    failing.register(app)
    banner.register(app)
    watching.register(app)
    cards.register(app)
    for blueprint in (
        preferences,
        assets,
        banner,
        opening,
        launching,
        imaging,
        comparing,
        study,
        unmatched,
        resolving,
        watching,
        *_DOWN,
    ):
        app.register_blueprint(blueprint.blueprint)
    app.jinja_env.filters["spread"] = Pacing().spread
    app.jinja_env.globals.update(
        settings=settings,
        version=version,
        get_locale=get_locale,
        study_link=partial(study_link, settings.viewer.url),
        image_link=partial(image_link, settings.viewer.url),
        compare_link=partial(compare_link, settings.viewer.url),
    )
    cli.register(app)
    return app


def _settings_or_exit() -> Settings:
    try:
        return load_settings()
    except WrongSettings as wrong:
        sys.stderr.write(f"{wrong}\n")
        raise SystemExit(2) from None


def _records_or_exit(settings: Settings) -> Records:
    """The database, migrated. A command says at once that its server is away, a process waits for it."""
    records = Records(open_database(settings.app.database))
    end, is_said = time.monotonic() + _DATABASE_PATIENCE_S, False
    while True:
        try:
            migrate(records, settings.app)
        except (OperationalError, OSError) as error:
            is_away = records.engine.dialect.name == "postgresql" and isinstance(error, OperationalError)
            if not (is_away and time.monotonic() < end and _is_to_stay()):
                sys.stderr.write(
                    f"The database in app.database cannot be opened ({logs.describe(error)}).\n"
                    "Check that its server runs, or that this user may write its folder.\n"
                )
                raise SystemExit(1) from None
            if not is_said:
                sys.stderr.write(_WAITING)
            is_said = True
            time.sleep(_DATABASE_PAUSE_S)
        else:
            return records


def _is_to_stay() -> bool:
    return Path(sys.argv[0]).name == "gunicorn" or not _PROCESSES.isdisjoint(sys.argv[1:])


def _configure(app: Flask, settings: Settings) -> None:
    framed = bool(settings.app.embed_origins)
    app.config.update(
        SECRET_KEY=secret_key(settings.app.secret_key_file),
        SESSION_COOKIE_NAME="preview",
        SESSION_COOKIE_HTTPONLY=True,
        # In another site's frame a browser keeps a cookie only with these three together (CHIPS).
        SESSION_COOKIE_SAMESITE="None" if framed else "Lax",
        SESSION_COOKIE_PARTITIONED=framed,
        SESSION_COOKIE_SECURE=framed or settings.app.url.startswith("https:"),
        PERMANENT_SESSION_LIFETIME=timedelta(hours=24),
        MAX_CONTENT_LENGTH=64 * 1024,
        WTF_CSRF_TIME_LIMIT=None,  # a page may stay open for a whole shift
    )
