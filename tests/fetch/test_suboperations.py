"""What comes while a C-GET is answered: who sees to it, and whom it wakes."""

from types import SimpleNamespace

import pytest
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian
from pynetdicom.dimse_primitives import C_GET, C_STORE

from fetch.sources import suboperations
from fetch.sources.suboperations import Suboperations


def response(status: int) -> C_GET:
    message = C_GET()
    message.MessageIDBeingRespondedTo, message.Status = 1, status
    return message


def request() -> C_STORE:
    message = C_STORE()
    message.MessageID, message.Priority = 7, 2
    message.AffectedSOPClassUID, message.AffectedSOPInstanceUID = CTImageStorage, "1.2.3"
    return message


PENDING, SUCCESS = response(0xFF00), response(0x0000)


@pytest.fixture
def told():
    """What is told to the other side, and what counts are heard."""
    return SimpleNamespace(responses=[], counts=[], goes_on=True)


@pytest.fixture
def intake(told):
    return SimpleNamespace(
        responds_at_once=True, respond=lambda *response: told.responses.append(response), counts=None
    )


@pytest.fixture
def bring(intake, told):
    """Get the next message that somebody has to look at, when these come."""
    context = SimpleNamespace(
        as_scp=True, abstract_syntax=CTImageStorage, transfer_syntax=[ExplicitVRLittleEndian]
    )
    coming = []
    dimse = SimpleNamespace(get_msg=lambda block: (1, coming.pop(0)))
    association = SimpleNamespace(dimse=dimse, _accepted_cx={1: context})

    def heard(count):
        told.counts.append(count)
        return told.goes_on

    Suboperations(association, intake, lambda _request, _syntax: 0, heard)

    def get(*messages):
        coming.extend(messages)
        return dimse.get_msg(True)[1]

    return get


def test_objects_and_counts_are_seen_to_and_the_end_is_handed_on(bring, told):
    store = request()
    assert bring(store, PENDING, PENDING, SUCCESS) is SUCCESS
    assert told.responses == [(store, 1, 0)]
    assert told.counts == [PENDING, PENDING]


def test_a_count_right_behind_an_object_wakes_nobody(bring, intake, told):
    bring(request(), SUCCESS)
    assert intake.counts(PENDING)
    assert told.counts == [PENDING]


def test_a_count_that_comes_later_wakes_whoever_waits_for_a_message(bring, intake, told, monkeypatch):
    assert not intake.counts(PENDING)
    bring(request(), SUCCESS)
    now = suboperations.time.monotonic()
    monkeypatch.setattr(suboperations.time, "monotonic", lambda: now + 0.1)
    assert not intake.counts(PENDING)
    assert told.counts == []


def test_neither_the_end_nor_what_goes_on_for_too_long_is_kept_from_whoever_asked(bring, intake, told):
    bring(request(), SUCCESS)
    assert not intake.counts(SUCCESS)
    told.goes_on = False
    assert not intake.counts(PENDING)
