"""One connection over which an archive pushes objects to us: who it is, and what of it is kept."""

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from pydicom.uid import HTJ2KLosslessRPCL, ImplicitVRLittleEndian
from pynetdicom import AllStoragePresentationContexts, build_context, evt
from pynetdicom.association import Association
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.pdu_primitives import A_ASSOCIATE
from pynetdicom.presentation import PresentationContext
from pynetdicom.sop_class import Verification  # type: ignore[attr-defined]

from fetch import elements
from fetch.elements import NotDicom
from fetch.model import Received
from fetch.moves import digest
from fetch.reasons import Reason
from fetch.sources import contexts, intake
from fetch.sources.callers import Callers, Seldom
from fetch.sources.inlet import Inlet
from fetch.spool import TOLD, Spool

log = logging.getLogger(__name__)

Wants = Callable[[str, str], bool | None]
"""Does anybody want this study (UID) of this source (name)? None: it cannot be told now."""

Unasked = Callable[[str, str, Received], None]
"""Is told of what a source (its name) sent by itself: the study (UID), and the object before it is gone."""

SUCCESS = 0x0000
_FULL = 0xA700  # out of resources, PS3.4 B.2.3
_MISMATCH = 0xA900  # the data set does not match
_NOT_UNDERSTOOD = 0xC000
_INVALID_UID = 0x0117  # invalid object instance, PS3.7 C.5.11
_UNWANTED = 0x0124  # not authorized, PS3.7 C.5.16
_WORDS = {
    SUCCESS: "stored",
    _FULL: "no-room",
    _MISMATCH: "mismatch",
    _NOT_UNDERSTOOD: "unreadable",
    _INVALID_UID: "invalid-uid",
    _UNWANTED: "unwanted",
}
_CALLER_UNKNOWN = (1, 1, 3)  # PS3.8 table 9-21: permanent, the user, calling AE title not recognized
_CALLED_UNKNOWN = (1, 1, 7)

_CLASSES = {str(cx.abstract_syntax) for cx in AllStoragePresentationContexts} | {str(Verification)}
_SYNTAXES = [*contexts.PLAIN, *contexts.COMPRESSED, HTJ2KLosslessRPCL]
_MOST_IN_A_NAME = 4
_MOST_TOLD = 10_000
_WISH_S = 1.0
_END_S = 3.0


class Wishes:
    """What is wanted, remembered for a moment: an archive asks that again with every image."""

    def __init__(self, wants: Wants) -> None:
        self._wants = wants
        self._known: dict[tuple[str, str], tuple[bool, float]] = {}

    def wants(self, sources: tuple[str, ...], study_uid: str) -> bool | None:
        """Is it wanted of any of these sources?"""
        said = [self._one(name, study_uid) for name in sources]
        return True if True in said else None if None in said else False

    def _one(self, name: str, study_uid: str) -> bool | None:
        now = time.monotonic()
        wanted, until = self._known.get((name, study_uid), (False, 0.0))
        if now < until:
            return wanted
        said = self._wants(name, study_uid)
        if said is not None:
            self._known = {key: known for key, known in self._known.items() if known[1] > now}
            self._known[name, study_uid] = (said, now + _WISH_S)
        return said


@dataclass(frozen=True)
class House:
    """What all connections share."""

    callers: Callers
    spool: Spool
    wishes: Wishes
    unasked: Unasked
    seldom: Seldom = field(default_factory=Seldom)


class Pushing:
    """The life of one connection from ``address``; ``run`` returns when it is over."""

    def __init__(self, assoc: Association, house: House, address: str) -> None:
        self._assoc = assoc
        self._house = house
        self._address = address
        self._sources: tuple[str, ...] = ()
        self._count: Counter[int] = Counter()
        self._intake: intake.Intake | None = None
        self._brought: set[str] = set()
        """The studies of which something was kept."""
        self._told: set[str] = set()
        """The studies of which somebody was told that they come unasked."""
        self._met: tuple[str, ...] = ()
        """The studies (their digests) of which something came last."""
        self._inlet = Inlet(assoc, house.callers.opening)
        assoc.network_timeout_response = "A-ABORT"
        assoc.dul.daemon = True
        assoc.bind(evt.EVT_REQUESTED, self._requested)
        assoc.bind(evt.EVT_C_STORE, self._store)

    def run(self) -> None:
        began = time.monotonic()
        self._assoc.start()
        self._assoc.join()
        self._assoc.dul.kill_dul()
        self._assoc.dul.join(_END_S)
        if self._intake:
            self._intake.close()
        if self._inlet.garbled:
            self._tell_of_garbled()
        if self._sources:
            counts = "".join(f" {_WORDS[status]}={count}" for status, count in sorted(self._count.items()))
            seconds = time.monotonic() - began
            log.info("receiver: source=%s seconds=%.2f%s", ",".join(self._sources), seconds, counts)

    def _requested(self, event: evt.Event) -> None:
        """Only now there are contexts to accept: if this failed, nothing would be."""
        assoc = event.assoc
        request = cast(A_ASSOCIATE, assoc.requestor.primitive)
        sources = self._house.callers.named(self._address, str(request.calling_ae_title).strip())
        if not sources:
            self._reject(_CALLER_UNKNOWN)
        elif str(request.called_ae_title).strip() != str(assoc.acceptor.ae_title).strip():
            self._reject(_CALLED_UNKNOWN)
        else:
            self._sources = sources
            self._inlet.admit()
            spool = self._house.spool
            self._intake = intake.attach(assoc, spool.incoming, 0, spool.has_room, self._label)
            assoc.acceptor.supported_contexts = _offered(request.presentation_context_definition_list)

    def _label(self) -> str:
        """By which whoever waits for a study knows what may be of it: an archive may send several in turn."""
        return f"{'-'.join(self._met)}{TOLD}" if self._met else ""

    def _reject(self, how: tuple[int, int, int]) -> None:
        if self._house.seldom.now(self._address):
            log.warning("receiver: refused address=%s reason=%d", self._address, how[2])
        self._assoc.acse.send_reject(*how)
        self._assoc.is_rejected = True  # else pynetdicom goes on to negotiate
        self._assoc.kill()

    def _store(self, event: evt.Event) -> int:
        try:
            received = intake.taken(event)
            try:
                self._keep(received, cast(C_STORE, event.request))
            finally:
                if received.file:
                    received.file.unlink(missing_ok=True)  # what is kept has moved
        except _Refusal as refused:
            status = refused.status
        except OSError:
            status = _FULL
        else:
            status = SUCCESS
        self._count[status] += 1
        return status

    def _keep(self, received: Received, request: C_STORE) -> None:
        """Publish it, if it is what its command says and is wanted; else raise a refusal, or an OSError."""
        instance_uid, study_uid = _uids(received)
        self._meet(digest(study_uid))
        wanted = self._house.wishes.wants(self._sources, study_uid)
        if wanted is False:
            self._tell_of_foreign(study_uid, instance_uid, request)
            self._tell_of_unasked(study_uid, received, request)
        if not wanted:
            raise _Refusal(_FULL if wanted is None else _UNWANTED)
        if not (elements.is_uid(received.instance_uid) and elements.is_uid(received.sop_class)):
            self._house.spool.refuse(study_uid, Reason.WRONG_UID.code)
            raise _Refusal(_INVALID_UID)
        if instance_uid != received.instance_uid:
            self._house.spool.refuse(study_uid, Reason.WRONG_UID.code)
            raise _Refusal(_MISMATCH)
        self._brought.add(study_uid)
        self._house.spool.publish(cast(Path, received.file), study_uid, instance_uid)

    def _meet(self, study: str) -> None:
        if study not in self._met:
            self._met = (*self._met, study)[-_MOST_IN_A_NAME:]

    def _tell_of_foreign(self, study_uid: str, instance_uid: str, request: C_STORE) -> None:
        """Nobody wants its study: leave word at the one that was asked for when this was sent.

        Only where the archive names the request is it the answer to that; else it may send it by itself.
        """
        asked_for = self._asked_for(request)
        late = study_uid in self._brought or digest(study_uid) == asked_for  # it was wanted before
        if asked_for and not late:
            self._meet(asked_for)
            certain = request.MoveOriginatorMessageID is not None
            self._house.spool.refuse_foreign(asked_for, instance_uid, certain=certain)

    def _tell_of_garbled(self) -> None:
        """Leave word at the study of which something came last, or the only one that was asked for."""
        study = self._met[-1] if self._met else self._house.spool.moves.asked_for(self._sources, None)
        if study:
            self._house.spool.refuse_message(study)

    def _tell_of_unasked(self, study_uid: str, received: Received, request: C_STORE) -> None:
        """Once a study and connection, of what is no answer to anything that we asked for."""
        answers = bool(self._asked_for(request)) and request.MoveOriginatorMessageID is not None
        if not answers and study_uid not in self._brought | self._told:
            if len(self._told) < _MOST_TOLD:
                self._told.add(study_uid)
            self._house.unasked(self._sources[0], study_uid, received)

    def _asked_for(self, request: C_STORE) -> str:
        """The study (its digest) of the C-MOVE to which this C-STORE belongs; "" if it cannot be told.

        The originator should be us (PS3.7 9.1.1.1.9); some archives name themselves.
        """
        named = str(request.MoveOriginatorApplicationEntityTitle or "").strip()
        if named not in ("", self._assoc.acceptor.ae_title.strip(), self._assoc.requestor.ae_title.strip()):
            return ""
        return self._house.spool.moves.asked_for(self._sources, request.MoveOriginatorMessageID)


class _Refusal(Exception):
    """The object is not kept; ``status`` is what the archive is told."""

    def __init__(self, status: int) -> None:
        super().__init__(f"0x{status:04X}")
        self.status = status


def _offered(proposed: Iterable[PresentationContext]) -> list[PresentationContext]:
    """What we take of it, in the sender's own order: what it names first it need not convert."""
    taken: dict[str, dict[str, None]] = {}
    for cx in proposed:
        if cx.abstract_syntax in _CLASSES:
            syntaxes = [str(syntax) for syntax in cx.transfer_syntax if syntax in _SYNTAXES]
            taken.setdefault(str(cx.abstract_syntax), {}).update(dict.fromkeys(syntaxes))
    return [build_context(sop_class, list(syntaxes)) for sop_class, syntaxes in taken.items() if syntaxes]


def _uids(received: Received) -> tuple[str, str]:
    """Of instance and study, as the data set has them; what comes behind is not read."""
    if received.file is None:
        raise _Refusal(_MISMATCH)
    wanted = (elements.SOP_INSTANCE_UID, elements.STUDY_INSTANCE_UID)
    implicit = received.transfer_syntax == ImplicitVRLittleEndian
    try:
        with received.file.open("rb", buffering=4096) as file:
            elements.file_meta(file)
            found = elements.texts(file, wanted, until=elements.STUDY_INSTANCE_UID, implicit=implicit)
    except NotDicom:
        raise _Refusal(_NOT_UNDERSTOOD) from None
    instance_uid, study_uid = (found.get(tag, "") for tag in wanted)
    if not elements.is_uid(study_uid):
        raise _Refusal(_MISMATCH)
    return instance_uid, study_uid
