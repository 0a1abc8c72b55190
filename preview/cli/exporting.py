"""`export-fallback`: put the fallback plan into its folder, on each machine whose web server serves it."""

import click
from flask import current_app
from flask.cli import with_appcontext

from preview.fallback import upkeep
from preview.routes.guard import parts


@click.command("export-fallback")
@with_appcontext
def export_command() -> None:
    """Write the fallback plan as it is to be seen (HTML, PDF, log form) into app.fallback."""
    try:
        upkeep.export(current_app, parts())
    except OSError as failed:
        raise click.ClickException(f"{failed.filename}: {failed.strerror}") from None
    click.echo(parts().settings.app.fallback_folder)
