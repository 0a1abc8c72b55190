"""`prober`: the process that looks at every archive in its turn."""

import os
import signal
from types import FrameType

import click
from flask.cli import with_appcontext

from preview.health.probing import Prober
from preview.routes.guard import parts


@click.command("prober")
@with_appcontext
def prober_command() -> None:
    """Look whether each archive answers, every half minute and sooner while one does not, until stopped."""
    for told in (signal.SIGTERM, signal.SIGINT):
        signal.signal(told, _end)
    Prober(parts()).run()


def _end(_signum: int, _frame: FrameType | None) -> None:
    """At once: a probe that hangs would keep us for seconds, and leaves nothing half done."""
    os._exit(0)
