"""What a worker runs: each job is named by one opaque id and finds everything else in the database."""

from fetch.settings import load_settings
from preview.errands import asking, bringing, enlarging, fetching
from preview.parts import Parts, assembled
from preview.records import Errand, FetchRow


def asks(ask_id: str) -> None:
    with assembled(load_settings()) as parts:
        asking.ask(parts, ask_id)


def fetches(fetch_id: str) -> None:
    with assembled(load_settings()) as parts:
        run(parts, fetch_id)


def run(parts: Parts, fetch_id: str) -> None:
    """Do the errand that this row is about."""
    with parts.records.read() as session:
        row = session.get(FetchRow, fetch_id)
    kind = row.errand if row is not None else Errand.FETCH
    {Errand.FETCH: fetching.fetch, Errand.BRING: bringing.bring, Errand.ENLARGE: enlarging.enlarge}[kind](
        parts, fetch_id
    )
