"""Commands that we read and write ourselves say the same as those that pynetdicom reads and writes."""

from io import BytesIO

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydicom.uid import CTImageStorage
from pynetdicom.dimse_messages import C_FIND_RSP, C_GET_RSP, C_STORE_RQ, C_STORE_RSP, DIMSEMessage
from pynetdicom.dimse_primitives import C_FIND, C_GET, C_STORE
from pynetdicom.dsutils import encode
from pynetdicom.pdu_primitives import P_DATA
from pynetdicom.sop_class import StudyRootQueryRetrieveInformationModelFind

from fetch.sources import commands

US = st.integers(0, 0xFFFF)
UIDS = st.from_regex(r"[1-9][0-9]{0,8}(\.[1-9][0-9]{0,8}){1,5}", fullmatch=True)


def store(message_id=1, uid="1.2.3", **more) -> C_STORE:
    primitive = C_STORE()
    primitive.MessageID, primitive.Priority = message_id, 2
    primitive.AffectedSOPClassUID, primitive.AffectedSOPInstanceUID = CTImageStorage, uid
    primitive.DataSet = BytesIO(b"1234")
    for keyword, value in more.items():
        setattr(primitive, keyword, value)
    return primitive


def encoded(primitive, kind) -> bytes:
    message = kind()
    message.primitive_to_message(primitive)
    return encode(message.command_set, True, True)


def as_pynetdicom_reads(command: bytes):
    data = P_DATA()
    data.presentation_data_value_list = [[1, b"\3" + command]]
    message = DIMSEMessage()
    message.decode_msg(data)
    return message.message_to_primitive()


def said(primitive) -> dict[str, object]:
    """Everything that is known of it but the object itself."""
    names = [*commands._UIDS.values(), *commands._NUMBERS.values(), *commands._TEXTS.values()]
    return {name: getattr(primitive, name, None) for name in names}


@given(US, UIDS, st.none() | US, st.none() | st.sampled_from(["A", "AN ARCHIVE", "SIXTEEN LETTERS!"]))
def test_a_request_is_read_as_pynetdicom_reads_it(message_id, uid, originator_id, originator):
    request = store(
        message_id,
        uid,
        MoveOriginatorMessageID=originator_id,
        MoveOriginatorApplicationEntityTitle=originator,
    )
    command = encoded(request, C_STORE_RQ)
    read = commands.plain(command)
    assert isinstance(read, C_STORE)
    assert said(read) == said(as_pynetdicom_reads(command)) == said(request)


@given(US, st.lists(st.none() | US, min_size=4, max_size=4))
def test_so_is_what_an_archive_reports_on_the_way(status, counts):
    response = C_GET()
    response.MessageIDBeingRespondedTo, response.Status = 1, status
    for how, count in zip(("Remaining", "Completed", "Failed", "Warning"), counts, strict=True):
        setattr(response, f"NumberOf{how}Suboperations", count)
    command = encoded(response, C_GET_RSP)
    assert isinstance(commands.plain(command), C_GET)
    assert said(commands.plain(command)) == said(as_pynetdicom_reads(command))


@given(US, US)
def test_so_is_one_of_the_answers_to_a_question(message_id, status):
    answer = C_FIND()
    answer.MessageIDBeingRespondedTo, answer.Status = message_id, status
    answer.AffectedSOPClassUID = StudyRootQueryRetrieveInformationModelFind
    answer.Identifier = BytesIO(b"1234")
    command = encoded(answer, C_FIND_RSP)
    assert isinstance(commands.plain(command), C_FIND)
    assert said(commands.plain(command)) == said(as_pynetdicom_reads(command))


@given(US, UIDS, US)
def test_our_response_is_the_one_that_pynetdicom_would_send(message_id, uid, status):
    response = store(message_id, uid, MessageIDBeingRespondedTo=message_id, Status=status)
    assert commands.answer(response) == encoded(response, C_STORE_RSP)


@pytest.mark.parametrize(
    "said", ["ErrorComment", "MessageIDBeingRespondedTo", "Status", "AffectedSOPClassUID"]
)
def test_a_response_that_says_more_or_less_than_usual_is_left_to_pynetdicom(said):
    response = store(MessageIDBeingRespondedTo=1, Status=0)
    setattr(response, said, "Why" if said == "ErrorComment" else None)
    assert commands.answer(response) is None


GOOD = encoded(store(), C_STORE_RQ)


@given(st.binary(max_size=200))
@example(GOOD + GOOD)
@example(GOOD[:-1])
@example(GOOD.replace(b"1.2.3\0", b"../../"))
@example(GOOD.replace(b"1.2.3\0", b"1.2\\3\0"))
@example(GOOD + b"\0\0\x31\x10\xff\xff\xff\xff")
@example(GOOD + b"\1\0\x31\x10\2\0\0\0\1\0")
@example(GOOD.replace(b"\0\1\2\0\0\0\1\0", b"\0\1\2\0\0\0\x20\0"))
def test_whatever_is_not_plain_is_left_to_pynetdicom(command):
    assert commands.plain(command) is None
