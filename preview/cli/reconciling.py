"""`reconciler`: the process that lets no wish be forgotten."""

import signal

import click
from flask.cli import with_appcontext

from preview.errands.yielding import yield_to_pages
from preview.queue import reconciling
from preview.routes.guard import parts


@click.command("reconciler")
@with_appcontext
def reconciler_command() -> None:
    """Ring again for whatever is wanted and nobody works on, until stopped."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    yield_to_pages()
    try:
        reconciling.run(parts())
    except KeyboardInterrupt:
        return
