"""Archives of the tests as sources, and peers that answer what no archive of the demo would."""

import time
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

from pydicom import Dataset
from pydicom.uid import CTImageStorage
from pynetdicom import AE, evt
from pynetdicom.dimse_primitives import C_FIND
from pynetdicom.sop_class import (
    StudyRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelGet,
    Verification,
)
from support.studies import OKAFOR

from fetch.model import Local, PatientQuery, Share, Source, Timeouts
from fetch.sources import get
from preview.demo.contexts import listen

LOCAL = Local("PREVIEW", 11112)
QUICK = Timeouts(connect=1, association=1, message=1, network=1)
"""A dead archive must not hold up a test."""
IMPATIENT = Timeouts(connect=1, association=0.5, message=0.5, network=0.5)
"""For an archive that will hang."""
PATIENT_ID = OKAFOR.identity.patient_id


def source(port: int, name: str = "main", **more) -> Source:
    plain = {"aet": "MAIN", "issuer": "HOSP", "trusted": True, "timeouts": QUICK, "host": "127.0.0.1"}
    return Source(name=name, label=f"{name.title()} archive", port=port, **{**plain, **more})


def of(archive, name: str = "main", **more) -> Source:
    """The source that this archive is."""
    return source(archive.port, name, **{"aet": archive.aet, **more})


def query(patient=OKAFOR, start=None, end=None, modalities=()) -> PatientQuery:
    return PatientQuery(patient, start, end, frozenset(modalities))


def got(one, study_uid="1.1", classes=(CTImageStorage,), arrived=None):
    """The whole study in one C-GET: everything that arrived, and what the archive reported."""
    arrived = [] if arrived is None else arrived
    nowhere = Path("/nonexistent")  # for objects too large for memory: there are none here
    with get.carrying(one, LOCAL, classes, arrived.append, lambda _: None, nowhere) as brings:
        reported = brings(Share(study_uid))
    return arrived, reported


def answer(study_uid="1.2.3", **more) -> Dataset:
    """One answer of a C-FIND about the patient of the tests; None leaves a key out."""
    ds = Dataset()
    values = {"PatientID": PATIENT_ID, "StudyInstanceUID": study_uid, "StudyDate": "20261101", **more}
    for keyword, value in values.items():
        if value is not None:
            setattr(ds, keyword, value)
    return ds


@contextmanager
def answering(
    *answers: Dataset | bytes,
    status: int = 0x0000,
    at: str = "",
    refuses_ranges: bool = False,
    pause: float = 0,
):
    """A peer that answers every C-FIND with exactly this; bytes are an identifier as it goes over the wire.

    ``at`` is the only level at which it answers; else at every one.
    """

    def on_find(event):
        if at and event.identifier.QueryRetrieveLevel != at:
            yield 0xA900, None
            return
        if refuses_ranges and event.identifier.get("StudyDate"):
            yield 0xC000, None
            return
        for one in answers:
            time.sleep(pause)
            if isinstance(one, bytes):
                _send_raw(event, one)
            else:
                yield 0xFF00, one
        yield status, None

    with serving([StudyRootQueryRetrieveInformationModelFind], (evt.EVT_C_FIND, on_find)) as port:
        yield port


def _send_raw(event, identifier: bytes) -> None:
    response = C_FIND()
    response.MessageIDBeingRespondedTo = event.request.MessageID
    response.AffectedSOPClassUID = event.request.AffectedSOPClassUID
    response.Status = 0xFF00
    response.Identifier = BytesIO(identifier)
    event.assoc.dimse.send_msg(response, event.context.context_id)


@contextmanager
def only_echoes():
    """A peer that offers verification and nothing else."""
    with serving([Verification], (evt.EVT_C_ECHO, lambda _: 0x0000)) as port:
        yield port


@contextmanager
def noting_contexts():
    """A peer that does nothing but note each (service, transfer syntax) that it is offered."""
    offered = []

    def note(event):
        proposed = event.assoc.requestor.primitive.presentation_context_definition_list
        offered.extend((cx.abstract_syntax, syntax) for cx in proposed for syntax in cx.transfer_syntax)

    models = [StudyRootQueryRetrieveInformationModelFind, StudyRootQueryRetrieveInformationModelGet]
    with serving([*models, Verification], (evt.EVT_REQUESTED, note)) as port:
        yield port, offered


@contextmanager
def hangs_up():
    """A peer that accepts every association and aborts it in the same moment."""
    models = [StudyRootQueryRetrieveInformationModelFind, StudyRootQueryRetrieveInformationModelGet]
    with serving([*models, Verification], (evt.EVT_ESTABLISHED, lambda event: event.assoc.abort())) as port:
        yield port


@contextmanager
def serving(services, *handlers):
    """A peer that offers these services and does what the handlers do."""
    ae = AE("MAIN")
    for service in services:
        ae.add_supported_context(service)
    server = listen(ae, 0, list(handlers))
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
