"""Whoever pushes to the receiver: an archive's association, and commands that no archive would send."""

from contextlib import contextmanager
from io import BytesIO

from pydicom import dcmwrite
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom import AE
from pynetdicom.dimse_messages import C_STORE_RQ
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.dsutils import encode
from pynetdicom.sop_class import Verification

PLAIN = [ExplicitVRLittleEndian, ImplicitVRLittleEndian]


@contextmanager
def pushing(port: int, *, aet="MAIN", called="PREVIEW", contexts=((CTImageStorage, PLAIN),), tls=None):
    """An association that is refused perhaps, released at the end."""
    ae = AE(aet)
    ae.acse_timeout = ae.dimse_timeout = ae.connection_timeout = 40
    ae.add_requested_context(Verification)
    for sop_class, syntaxes in contexts:
        ae.add_requested_context(sop_class, syntaxes)
    assoc = ae.associate("127.0.0.1", port, ae_title=called, tls_args=tls)
    try:
        yield assoc
    finally:
        if assoc.is_established:
            assoc.release()


def push(port: int, *datasets, **how) -> list[int]:
    """The status of each C-STORE."""
    with pushing(port, **how) as assoc:
        assert assoc.is_established
        return [assoc.send_c_store(ds).Status for ds in datasets]


def push_as(
    assoc, data: bytes, *, instance_uid="1.2.3", sop_class=CTImageStorage, context_id=0
) -> int | None:
    """A C-STORE whose command says this of these bytes; the status, None if the association ended over it."""
    store = store_request(data)
    store.command_set.AffectedSOPInstanceUID = instance_uid
    store.command_set.AffectedSOPClassUID = sop_class
    chosen = context_id or next(
        cx.context_id for cx in assoc.accepted_contexts if cx.abstract_syntax != Verification
    )
    assoc._reactor_checkpoint.clear()
    for pdata in store.encode_msg(chosen, 16384):
        assoc.dul.send_pdu(pdata)
    _, answer = assoc.dimse.get_msg(block=True)
    assoc._reactor_checkpoint.set()
    return answer and answer.Status


def pieces(assoc, data: bytes):
    """The PDUs of a C-STORE of these bytes, many and small; each is sent when it is asked for."""
    chosen = next(cx.context_id for cx in assoc.accepted_contexts if cx.abstract_syntax != Verification)
    for pdata in store_request(data).encode_msg(chosen, 1024):
        assoc.dul.send_pdu(pdata)
        yield


def store_request(data: bytes) -> C_STORE_RQ:
    """The message of a C-STORE of these bytes, under a UID of its own."""
    primitive = C_STORE()
    primitive.MessageID, primitive.Priority = 1, 2
    primitive.AffectedSOPClassUID, primitive.AffectedSOPInstanceUID = CTImageStorage, "1.2"
    primitive.DataSet = BytesIO(data)
    message = C_STORE_RQ()
    message.primitive_to_message(primitive)
    return message


def encoded(ds) -> bytes:
    """The data set as it goes over the line: explicit, little endian."""
    return encode(ds, False, True)


def file_of(ds) -> bytes:
    buffer = BytesIO()
    dcmwrite(buffer, ds, enforce_file_format=True)
    return buffer.getvalue()
