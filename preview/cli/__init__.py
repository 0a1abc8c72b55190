"""The commands: `flask --app app …`. Exit code 0 good, 1 an archive refused or was not there, 2 wrong use."""

from flask import Flask


def register(app: Flask) -> None:
    """Add the commands that need settings; `draw` needs none and is an entry point of its own."""
    from preview.cli import (  # noqa: PLC0415 — `draw` starts without them
        asking,
        exporting,
        fetching,
        identity,
        launching,
        learning,
        matching,
        probing,
        receiving,
        reconciling,
        running,
    )

    commands = (
        asking.find_command,
        asking.echo_command,
        exporting.export_command,
        fetching.fetch_command,
        identity.identity_group,
        launching.launch_command,
        learning.learn_command,
        matching.patients_group,
        matching.unmatched_group,
        probing.prober_command,
        receiving.receiver_command,
        reconciling.reconciler_command,
        running.worker_command,
        running.redis_command,
    )
    for command in commands:
        app.cli.add_command(command)
