"""The demo's clinical application: the demo is ready when its own preview opens what is signed here."""

from contextlib import contextmanager
from threading import Thread

import pytest
from flask import Flask, jsonify
from werkzeug.serving import make_server

from preview.demo import clinic


@contextmanager
def answering(answer):
    """A web server of somebody else. Yields its address."""
    app = Flask("somebody-else")
    app.post("/launch")(answer)
    server = make_server("127.0.0.1", 0, app)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()


OTHERS = {
    "another preview": lambda: (jsonify(error="This clinical application is not known here."), 401),
    "a page": lambda: "<!doctype html><title>It works</title>",
    "JSON": lambda: jsonify(["url"]),
}


@pytest.mark.parametrize("who", OTHERS)
def test_what_answers_instead_of_our_own_preview_does_not_make_the_demo_ready(monkeypatch, who):
    monkeypatch.setattr(clinic, "_PATIENCE_S", 0)
    with answering(OTHERS[who]) as url, pytest.raises(SystemExit) as ended:
        clinic._wait_for(clinic.Preview(url, b"k" * 32))
    assert f"The demo is not ready: its web server does not answer on {url}" in str(ended.value)
    assert "start the demo again" in str(ended.value)


def test_our_own_preview_is_waited_for_until_it_opens_a_launch(monkeypatch):
    answers = [("starting", 503), ({"url": "http://127.0.0.1/open/1"}, 200)]
    with answering(lambda: answers.pop(0)) as url:
        clinic._wait_for(clinic.Preview(url, b"k" * 32))
    assert answers == []
