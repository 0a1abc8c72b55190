"""C-ECHO, and the association that everything goes over."""

import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest
from peers import IMPATIENT, LOCAL, hangs_up, noting_contexts, of, only_echoes, query, source
from pydicom.uid import CTImageStorage, DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian
from pynetdicom.pdu_primitives import P_DATA
from pynetdicom.presentation import build_context
from pynetdicom.sop_class import Verification
from rq.timeouts import JobTimeoutException
from support.installation import eventually

from fetch.errors import FetchError, RequestFault, SetupFault, SourceRefused, SourceUnreachable
from fetch.find import find
from fetch.reasons import Reason
from fetch.sources import contexts, dimse, get, identifiers
from fetch.sources.association import associate, failure
from preview.demo import behaviour as b
from preview.demo.archive import Archive
from preview.demo.behaviour import Kind


def test_an_archive_that_hears_us_echoes(archive):
    assert dimse.echo(of(archive), LOCAL) is None
    assert archive.asked(Kind.ECHO)[0].calling == "PREVIEW"


@pytest.mark.parametrize(
    ("how", "error", "reason"),
    [
        (b.refuses_association("calling"), SetupFault, Reason.CALLING_AET_UNKNOWN),
        (b.refuses_association("busy"), SourceRefused, Reason.BUSY),
        (b.hangs(), SourceUnreachable, Reason.NO_ANSWER),
    ],
)
def test_an_echo_that_is_not_answered_is_an_error_with_its_reason(archive, how, error, reason):
    archive.behave(how)
    with pytest.raises(error) as raised:
        dimse.echo(of(archive, timeouts=IMPATIENT), LOCAL)
    assert raised.value.reason is reason


@pytest.mark.parametrize(
    ("refusal", "error", "reason"),
    [
        ((1, 1, 3), SetupFault, Reason.CALLING_AET_UNKNOWN),
        ((1, 1, 7), SetupFault, Reason.CALLED_AET_UNKNOWN),
        ((1, 1, 1), SetupFault, Reason.REJECTED),
        ((1, 2, 2), SetupFault, Reason.REJECTED),
        ((1, 3, 2), SourceRefused, Reason.BUSY),
        ((2, 3, 2), SourceRefused, Reason.BUSY),
        ((2, 3, 1), SourceRefused, Reason.BUSY),
        ((2, 1, 1), SourceRefused, Reason.BUSY),
        ((2, 1, 3), SourceRefused, Reason.BUSY),  # transient wins: another try can help
        ((2, 1, 7), SourceRefused, Reason.BUSY),
    ],
)
def test_every_rejection_of_the_standard_has_its_reason(archive, refusal, error, reason):
    archive.behave(b.Behaviour(refusal=refusal))
    with pytest.raises(error) as raised:
        dimse.echo(of(archive), LOCAL)
    assert raised.value.reason is reason


@pytest.mark.parametrize(
    ("statuses", "error"),
    [
        ((0xA700, 0xA701, 0xA702, 0x0213, 0xFE00), (SourceRefused, SourceUnreachable)),
        ((0xA801, 0x0122, 0x0211, 0x0124), SetupFault),
        ((0xA900, 0x0110, 0x0112, 0x0117, 0x0120, 0xC000, 0xC001, 0xCFFF, 0x1234), RequestFault),
    ],
)
def test_every_status_of_failure_says_whether_trying_again_can_help(statuses, error):
    for status in statuses:
        found = failure(status)
        assert isinstance(found, error), f"{status:04X}"
        assert found.reason.retriable == (error not in (SetupFault, RequestFault))
        assert f"{status:04X}" in found.detail


@pytest.mark.parametrize(
    "reason",
    [
        Reason.HOST_UNKNOWN,
        Reason.CONNECTION_REFUSED,
        Reason.NO_CONNECTION,
        Reason.NO_ANSWER,
        Reason.CONNECTION_LOST,
        Reason.TURNED_AWAY,
        Reason.BUSY,
        Reason.OUT_OF_RESOURCES,
        Reason.LINES_TAKEN,
    ],
)
def test_what_may_pass_by_itself_is_tried_again(reason):
    assert reason.retriable


@pytest.mark.parametrize(
    "reason",
    [
        Reason.CALLING_AET_UNKNOWN,
        Reason.CALLED_AET_UNKNOWN,
        Reason.REJECTED,
        Reason.NOT_SUPPORTED,
        Reason.RECEIVER_UNKNOWN,
        Reason.TLS_FAILED,
        Reason.UNAUTHORIZED,
        Reason.REQUEST_FAILED,
    ],
)
def test_what_somebody_has_to_set_right_is_not_tried_again(reason):
    assert not reason.retriable


def test_a_status_of_the_move_destination_is_about_us():
    assert failure(0xA801).reason is Reason.RECEIVER_UNKNOWN


def test_an_echo_to_somebody_who_hangs_up_is_an_error():
    with hangs_up() as port, pytest.raises(SourceUnreachable):
        dimse.echo(source(port), LOCAL)


def test_an_archive_that_only_echoes_can_be_echoed():
    with only_echoes() as port:
        dimse.echo(source(port), LOCAL)


def test_a_line_that_breaks_between_two_messages_is_an_error_of_the_archive():
    archive = Archive("MAIN").start()
    with (
        pytest.raises(SourceUnreachable) as raised,
        associate(of(archive), LOCAL, [build_context(Verification)]) as association,
    ):
        archive.stop()
        _wait_for_the_end(association)
        association.send_c_echo()
    assert raised.value.reason is Reason.CONNECTION_LOST


def test_a_fault_of_our_own_is_not_blamed_on_the_archive(archive):
    with (
        pytest.raises(RuntimeError, match="ours"),
        associate(of(archive), LOCAL, [build_context(Verification)]) as association,
    ):
        raise RuntimeError("ours")
    assert association.is_aborted


def _wait_for_the_end(association):
    end = time.monotonic() + 2
    while association.is_established and time.monotonic() < end:
        time.sleep(0.01)


def test_what_is_said_behind_an_abort_is_dropped(archive):
    """A carrier may just be answering an image while another thread ends its association."""
    with associate(of(archive), LOCAL, [build_context(Verification, contexts.PLAIN)]) as association:
        association.abort(block=False)
        eventually(lambda: association.dul.state_machine.current_state == "Sta1", 5)
        association.dul.send_pdu(P_DATA())
        assert association.dul.to_provider_queue.empty()  # its thread would end with an exception
        association.kill()


def test_after_a_refusal_the_archive_is_asked_again_with_success(archive):
    archive.behave(b.refuses_association("busy"))
    with pytest.raises(SourceRefused):
        dimse.echo(of(archive), LOCAL)
    archive.behave_well()
    dimse.echo(of(archive), LOCAL)


def carry(source, local, classes):
    with get.carrying(source, local, classes, lambda _: None, lambda _: None, Path("/nowhere")):
        pass


@pytest.mark.parametrize(
    "ask",
    [
        dimse.echo,
        lambda *to: dimse.find(*to, identifiers.of_study(PatientID="1")),
        lambda *to: dimse.plan(*to, "1.1"),
        lambda *to: carry(*to, [CTImageStorage]),
        lambda *to: carry(*to, []),
    ],
)
def test_neither_deflated_nor_big_endian_is_ever_offered(ask):
    with noting_contexts() as (port, offered):
        with suppress(FetchError):
            ask(source(port), LOCAL)
        syntaxes = {syntax for _, syntax in offered}
    assert set(contexts.PLAIN) <= syntaxes
    assert syntaxes <= {*contexts.PLAIN, *contexts.COMPRESSED}
    assert not syntaxes & {DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian}


def test_a_title_and_an_id_as_long_as_the_standard_allows_arrive_whole():
    aet = "SIXTEEN_LETTERS_"
    with Archive(aet).start() as archive:
        (said,) = find(query(), [of(archive)], LOCAL)
    assert said.reason is None


def test_the_time_out_of_the_queue_is_never_taken_for_a_fault_of_the_archive(archive):
    with pytest.raises(JobTimeoutException), associate(of(archive), LOCAL, [build_context(Verification)]):
        raise JobTimeoutException
    eventually(lambda: not [t for t in threading.enumerate() if getattr(t, "is_requestor", False)])
