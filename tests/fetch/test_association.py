"""C-ECHO, and the association that everything goes over."""

import time
from contextlib import suppress

import pytest
from peers import IMPATIENT, LOCAL, hangs_up, noting_contexts, of, only_echoes, query, source
from pydicom.uid import CTImageStorage, DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian
from pynetdicom.presentation import build_context
from pynetdicom.sop_class import Verification

from fetch.errors import FetchError, SetupFault, SourceRefused, SourceUnreachable
from fetch.find import find
from fetch.reasons import Reason
from fetch.sources import contexts, dimse, identifiers
from fetch.sources.association import associate
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


def test_after_a_refusal_the_archive_is_asked_again_with_success(archive):
    archive.behave(b.refuses_association("busy"))
    with pytest.raises(SourceRefused):
        dimse.echo(of(archive), LOCAL)
    archive.behave_well()
    dimse.echo(of(archive), LOCAL)


@pytest.mark.parametrize(
    "ask",
    [
        dimse.echo,
        lambda *to: dimse.find(*to, identifiers.of_study(PatientID="1")),
        lambda *to: dimse.plan(*to, "1.1"),
        lambda *to: dimse.get(*to, "1.1", [CTImageStorage], lambda _: None),
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
