"""The commands that come and go with every image, without a data set of pydicom's for each (PS3.7 6.3)."""

import struct

from pynetdicom.dimse_primitives import C_FIND, C_GET, C_STORE

from fetch.elements import is_uid

_HEADER = struct.Struct("<HHL")
_NUMBER = struct.Struct("<H")
_LONGEST = 64
_LENGTH, _FIELD, _DATA_SET = 0x0000, 0x0100, 0x0800
_NO_DATA_SET = 0x0101
_STORE_REQUEST, _STORE_RESPONSE, _GET_RESPONSE, _FIND_RESPONSE = 0x0001, 0x8001, 0x8010, 0x8020
_UIDS = {0x0002: "AffectedSOPClassUID", 0x1000: "AffectedSOPInstanceUID"}
_NUMBERS = {
    0x0110: "MessageID",
    0x0120: "MessageIDBeingRespondedTo",
    0x0700: "Priority",
    0x0900: "Status",
    0x1020: "NumberOfRemainingSuboperations",
    0x1021: "NumberOfCompletedSuboperations",
    0x1022: "NumberOfFailedSuboperations",
    0x1023: "NumberOfWarningSuboperations",
    0x1031: "MoveOriginatorMessageID",
}
Plain = C_STORE | C_GET | C_FIND
_KINDS: dict[tuple[int, bool], type[Plain]] = {
    (_STORE_REQUEST, True): C_STORE,
    (_GET_RESPONSE, False): C_GET,
    (_FIND_RESPONSE, True): C_FIND,
}
"""By command field, and whether a data set follows."""
_TEXTS = {0x1030: "MoveOriginatorApplicationEntityTitle"}


def plain(encoded: bytes | bytearray) -> Plain | None:
    """A C-STORE request, a C-GET response without a data set or a C-FIND response with one, as the standard
    has it.

    None for whatever else it is: that is left to pynetdicom.
    """
    try:
        values = _values(encoded)
        field, has_data_set = _number(values.pop(_FIELD)), _number(values.pop(_DATA_SET)) != _NO_DATA_SET
        primitive = _KINDS[field, has_data_set]()
        for element, value in values.items():
            _set(primitive, element, value)
    except (AttributeError, LookupError, ValueError, struct.error):
        return None
    return primitive


def _values(encoded: bytes | bytearray) -> dict[int, bytes]:
    """What each element of group 0000 holds; they ascend (PS3.7 6.3.1), so that none comes twice."""
    values, place, last = dict[int, bytes](), 0, -1
    while place < len(encoded):
        group, element, length = _HEADER.unpack_from(encoded, place)
        place += _HEADER.size
        values[element] = bytes(encoded[place : place + length])
        if group or element <= last or length > _LONGEST or len(values[element]) < length:
            raise ValueError("not as the standard has it")
        place, last = place + length, element
    values.pop(_LENGTH, None)
    return values


def _set(primitive: Plain, element: int, value: bytes) -> None:
    content: str | int
    if element in _UIDS:
        keyword, content = _UIDS[element], _uid(value)
    elif element in _TEXTS:
        keyword, content = _TEXTS[element], value.decode("ascii").strip()
    else:
        keyword, content = _NUMBERS[element], _number(value)
    getattr(primitive, keyword)  # what this kind of command does not have is left to pynetdicom
    setattr(primitive, keyword, content)


def _number(value: bytes) -> int:
    return int(_NUMBER.unpack(value)[0])


def _uid(value: bytes) -> str:
    text = value.rstrip(b"\0").decode("ascii")
    if not is_uid(text):
        raise ValueError("no UID")
    return text


def answer(response: C_STORE) -> bytes | None:
    """A C-STORE response that says nothing but its status; None for any other."""
    message_id, status = response.MessageIDBeingRespondedTo, response.Status
    uids = response.AffectedSOPClassUID, response.AffectedSOPInstanceUID
    if message_id is None or status is None or None in uids:
        return None
    if response.ErrorComment or response.OffendingElement:
        return None
    return stored(str(uids[0]), str(uids[1]), message_id, status)


def stored(sop_class: str, instance_uid: str, message_id: int, status: int) -> bytes:
    """The response to the C-STORE request of this ID (PS3.7 9.3.1.2)."""
    elements = (
        _element(0x0002, _padded(sop_class)),
        _element(_FIELD, _NUMBER.pack(_STORE_RESPONSE)),
        _element(0x0120, _NUMBER.pack(message_id)),
        _element(_DATA_SET, _NUMBER.pack(_NO_DATA_SET)),
        _element(0x0900, _NUMBER.pack(status)),
        _element(0x1000, _padded(instance_uid)),
    )
    return _element(_LENGTH, struct.pack("<L", sum(map(len, elements)))) + b"".join(elements)


def _element(element: int, value: bytes) -> bytes:
    return _HEADER.pack(0, element, len(value)) + value


def _padded(uid: str) -> bytes:
    return uid.encode("ascii") + b"\0" * (len(uid) % 2)
