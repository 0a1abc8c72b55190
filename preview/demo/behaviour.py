"""The vocabulary in which an archive is told to misbehave, and two things that are no archive at all."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Literal

RefusalReason = Literal["calling", "called", "busy", "permanent"]

Refusal = tuple[int, int, int]
"""Result, source and reason of an A-ASSOCIATE-RJ, PS3.8 table 9-21."""

REFUSALS: dict[str, Refusal] = {
    "calling": (1, 1, 3),
    "called": (1, 1, 7),
    "busy": (2, 3, 2),
    "permanent": (1, 1, 1),
}


class Kind(StrEnum):
    """What an archive can be asked for."""

    ECHO = "C-ECHO"
    FIND = "C-FIND"
    GET = "C-GET"
    MOVE = "C-MOVE"
    STORE = "C-STORE"


class Stranger(StrEnum):
    """How an archive hands over somebody else's instance."""

    UNDER_THE_ASKED_UID = "the instance UID that was asked for, the patient and study of somebody else"
    COMMAND_LIES = "the asked UID in the command only, somebody else's complete data set behind it"
    EXTRA = "everything that was asked for, and one instance of somebody else besides"


EVERY_QUESTION = frozenset({Kind.FIND, Kind.GET, Kind.MOVE})


@dataclass(frozen=True)
class Behaviour:
    """How an archive departs from the standard; the default is not at all."""

    refusal: Refusal | None = None
    hangs: bool = False
    hangs_after: tuple[Kind, int] | None = None
    drops_after: tuple[Kind, int] | None = None
    sends_nothing: bool = False
    stranger: Stranger | None = None
    status: int | None = None
    status_for: frozenset[Kind] = EVERY_QUESTION
    leaves_out: int = 0
    admits: bool = False
    any_patient: bool = False
    cap: int | None = None
    cap_status: int | None = None
    refuses_get: bool = False
    seconds_per_message: float = 0.0
    omits: frozenset[str] = frozenset()
    issuer: str | None = None

    def __and__(self, other: "Behaviour") -> "Behaviour":
        """Both at once; where they disagree, the second."""
        chosen = {f.name: getattr(self, f.name) for f in fields(self)}
        for f in fields(other):
            if getattr(other, f.name) != f.default:
                chosen[f.name] = getattr(other, f.name)
        return Behaviour(**chosen)

    def final_status(self, kind: Kind) -> int | None:
        return self.status if kind in self.status_for else None


WELL = Behaviour()


def refuses_association(reason: RefusalReason = "calling") -> Behaviour:
    return Behaviour(refusal=REFUSALS[reason])


def hangs() -> Behaviour:
    """Takes the TCP connection and never answers the association request."""
    return Behaviour(hangs=True)


def hangs_in_find(after: int = 0) -> Behaviour:
    return Behaviour(hangs_after=(Kind.FIND, after))


def hangs_in_get(after: int = 0) -> Behaviour:
    return Behaviour(hangs_after=(Kind.GET, after))


def drops_after(n: int, kind: Kind = Kind.GET) -> Behaviour:
    """Aborts the association after n instances of a C-GET or C-MOVE, or n answers of a C-FIND."""
    return Behaviour(drops_after=(kind, n))


def claims_success_but_sends_nothing() -> Behaviour:
    """0x0000 with zero sub-operations, as overloaded archives do; C-FIND stays truthful."""
    return Behaviour(sends_nothing=True)


def sends_someone_else(how: Stranger = Stranger.UNDER_THE_ASKED_UID) -> Behaviour:
    return Behaviour(stranger=how)


def answers(status: int, *kinds: Kind) -> Behaviour:
    """Nothing but a final status, to the kinds named (default: C-FIND, C-GET and C-MOVE)."""
    return Behaviour(status=status, status_for=frozenset(kinds) or EVERY_QUESTION)


def leaves_out(n: int, *, admits: bool = False) -> Behaviour:
    """Does not send the last n instances: counted as completed, or admitted as failed with 0xB000."""
    return Behaviour(leaves_out=n, admits=admits)


def ignores_patient_id() -> Behaviour:
    """Takes no notice of a patient id or issuer, and so returns everybody."""
    return Behaviour(any_patient=True)


def caps_answers(n: int, status: int | None = None) -> Behaviour:
    """No more than n answers of a C-FIND: silently, or ended by a status such as 0xA700."""
    return Behaviour(cap=n, cap_status=status)


def refuses_get() -> Behaviour:
    return Behaviour(refuses_get=True)


def slow(seconds_per_message: float) -> Behaviour:
    """Waits before every answer of a C-FIND and every instance of a C-GET or C-MOVE."""
    return Behaviour(seconds_per_message=seconds_per_message)


def omits_return_keys(*names: str) -> Behaviour:
    return Behaviour(omits=frozenset(names))


def answers_with_issuer(text: str) -> Behaviour:
    """Another Issuer of Patient ID in every answer of a C-FIND, asked for or not; "" for an empty one."""
    return Behaviour(issuer=text)


@contextmanager
def nothing_listens() -> Iterator[int]:
    """A port that refuses connections: bound, so that nobody else takes it, but not listening."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        yield sock.getsockname()[1]


@contextmanager
def not_dicom() -> Iterator[int]:
    """The port of a server that talks HTTP to whoever connects."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_talk_http, args=(listener,), daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)  # wakes accept(), which close() alone does not
        thread.join(timeout=2)


def _talk_http(listener: socket.socket) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection:
            connection.settimeout(2)
            _answer_http(connection)


def _answer_http(connection: socket.socket) -> None:
    try:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    except OSError:
        return
