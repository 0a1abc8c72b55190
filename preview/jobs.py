"""What a worker runs: each job is named by one opaque id and finds everything else in the database."""

from fetch.settings import load_settings
from preview import asking, errand
from preview.parts import assembled


def asks(ask_id: str) -> None:
    with assembled(load_settings()) as parts:
        asking.ask(parts, ask_id)


def fetches(fetch_id: str) -> None:
    with assembled(load_settings()) as parts:
        errand.fetch(parts, fetch_id)
