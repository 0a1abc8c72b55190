"""The web pages of an installation, served by this process: no worker, no other program to wait for."""

from contextlib import contextmanager
from threading import Thread

from werkzeug.serving import make_server

from support.installation import Installation


@contextmanager
def served(site: Installation):
    """Yields the address."""
    server = make_server("127.0.0.1", site.port, site.app, threaded=True)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{site.port}"
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()
