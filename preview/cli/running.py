"""`worker` and `redis`: the processes beside the web server."""

import click
from flask.cli import with_appcontext

from preview.errands.wanting import ring_all
from preview.errands.yielding import yield_to_pages
from preview.queue import embedded_redis, worker
from preview.queue.bell import QUEUES
from preview.routes.guard import parts


@click.command("worker")
@click.argument("queues", nargs=-1, type=click.Choice(QUEUES))
@with_appcontext
def worker_command(queues: tuple[str, ...]) -> None:
    """Work on questions and fetches, or only on the queues named, until stopped.

    Whoever works on fetches also works on the posters that nobody clicked for, after them.
    """
    our = parts()
    yield_to_pages()
    if "fetches" in queues and "posters" not in queues:
        queues = (*queues, "posters")
    embedded_redis.wait_for(our.bell)
    if not queues or "fetches" in queues:
        ring_all(our)
    our.records.engine.dispose()  # a work-horse must not share our connections
    worker.run(our.settings.app, list(queues or QUEUES))


@click.command("redis")
@with_appcontext
def redis_command() -> None:
    """Run the embedded Redis, where the settings ask for it, until stopped."""
    embedded_redis.run(parts().settings.app)
