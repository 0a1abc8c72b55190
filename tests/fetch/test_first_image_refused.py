"""What an archive answers to the request for the very first image is told as what it is, and has an end."""

from itertools import count

import pytest
from peers import LOCAL, of
from pynetdicom import AE, StoragePresentationContexts, evt
from support.studies import study

from fetch.errors import FetchError
from fetch.model import Way
from fetch.reasons import Reason, Trouble
from fetch.retrieve import Means, Retrieval
from fetch.spool import Spool
from preview.demo import behaviour as b
from preview.demo.archive import Archive
from preview.demo.behaviour import Kind
from preview.errands.explaining import explained

MOST_REQUESTS = 36


@pytest.fixture(scope="module")
def deaf():
    """The port of somebody who takes no image."""
    entity = AE(LOCAL.aet)
    entity.supported_contexts = StoragePresentationContexts
    server = entity.start_server(("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_C_STORE, _takes_none)])
    yield server.server_address[1]
    server.shutdown()


def _takes_none(_event) -> int:
    return 0xC000


@pytest.fixture
def archive(deaf):
    with Archive("MAIN", datasets=study(study_uid="1.1", images=12, series=2)).start() as running:
        running.peers[LOCAL.aet] = ("127.0.0.1", deaf)
        yield running


def refused(archive, folder, way, *, held=(), proven=()) -> FetchError:
    """The error that ended it. Of our receiver the archive knows nothing, but it runs."""
    spool = Spool(folder)
    with spool.served(), spool.scratch("tests") as scratch, pytest.raises(FetchError) as raised:
        means = Means(ways=[way], spool=spool, scratch=scratch, proven=proven)
        with Retrieval(of(archive), LOCAL, "1.1", means, held=held, tick=0.1) as brought:
            list(brought)
    kind = {Way.GET: Kind.GET, Way.MOVE: Kind.MOVE}[way]
    assert 0 < len(archive.asked(kind)) < MOST_REQUESTS
    return raised.value


@pytest.mark.parametrize("held", [(), ("1.1.1.1",)])
@pytest.mark.parametrize(
    ("way", "status", "reason"),
    [
        (Way.GET, 0xA801, Reason.RECEIVER_UNKNOWN),
        (Way.MOVE, 0xA801, Reason.RECEIVER_UNKNOWN),
        (Way.MOVE, 0xA702, Reason.MOVED_NOWHERE),
        (Way.MOVE, 0xA900, Reason.MOVED_NOWHERE),
        (Way.MOVE, 0xC001, Reason.MOVED_NOWHERE),
    ],
)
def test_what_somebody_has_to_set_up_is_said_to_be_that(archive, tmp_path, way, status, reason, held):
    archive.behave(b.answers(status, Kind.GET, Kind.MOVE))
    error = refused(archive, tmp_path, way, held=held)
    assert (error.reason, error.reason.trouble) == (reason, Trouble.SETUP)
    assert f"0x{status:04X}" in error.detail
    assert f"{LOCAL.aet}" in explained(error.reason, LOCAL)


@pytest.mark.parametrize(
    ("way", "status", "reason"),
    [
        (Way.GET, 0xA900, Reason.REQUEST_FAILED),
        (Way.GET, 0xA700, Reason.OUT_OF_RESOURCES),
        (Way.GET, 0xA701, Reason.OUT_OF_RESOURCES),
        (Way.GET, 0xA702, Reason.OUT_OF_RESOURCES),
        (Way.MOVE, 0xA700, Reason.OUT_OF_RESOURCES),
        (Way.MOVE, 0xA701, Reason.OUT_OF_RESOURCES),
    ],
)
def test_what_may_be_the_archives_own_matter_is_not_said_to_be_ours(archive, tmp_path, way, status, reason):
    archive.behave(b.answers(status, Kind.GET, Kind.MOVE))
    assert refused(archive, tmp_path, way).reason is reason


def test_an_archive_that_sent_to_us_before_is_not_said_to_find_nobody(archive, tmp_path):
    archive.behave(b.answers(0xA702, Kind.MOVE))
    error = refused(archive, tmp_path, Way.MOVE, proven=[Way.MOVE])
    assert error.reason is Reason.OUT_OF_RESOURCES


def test_an_archive_that_fails_with_every_image_finds_nobody_at_our_address(archive, tmp_path):
    assert refused(archive, tmp_path, Way.MOVE).reason is Reason.MOVED_NOWHERE


def test_while_the_receiver_was_away_nobody_is_accused(archive, tmp_path, monkeypatch):
    """Somebody has started it again by the time that the archive has failed with every image."""
    starts = count()
    monkeypatch.setattr(Spool, "served_since", lambda _spool: next(starts))
    error = refused(archive, tmp_path, Way.MOVE)
    assert (error.reason, error.reason.retriable) == (Reason.CONNECTION_LOST, True)
