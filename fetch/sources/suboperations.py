"""What comes while a C-GET is answered: images and counts, without pynetdicom's events, which take longer."""

import time
from collections.abc import Callable
from typing import Any

from pynetdicom.association import Association
from pynetdicom.dimse_primitives import C_GET, C_STORE

from fetch.sources.association import PENDING
from fetch.sources.intake import Intake

_BEHIND_S = 0.05

Store = Callable[[C_STORE, str], int]
"""Takes the object of a request that came in this transfer syntax; returns the status of our response."""


class Suboperations:
    """Sees to the plain ones (PS3.4 C.4.3.1.4) before the iterator of pynetdicom's ``send_c_get`` does.

    ``goes_on`` hears what a response counts; it says no where whoever asked has to look at it.
    """

    def __init__(
        self, assoc: Association, intake: Intake, store: Store, goes_on: Callable[[C_GET], bool]
    ) -> None:
        self._assoc = assoc
        self._intake = intake
        self._store = store
        self._goes_on = goes_on
        self._responded = 0.0
        intake.counts = self._is_counted
        dimse: Any = assoc.dimse
        self._usual, dimse.get_msg = dimse.get_msg, self._next

    def _next(self, block: bool = False) -> tuple[Any, Any]:
        """The next message that is not seen to here; any, where it is not waited for."""
        while True:
            context_id, message = self._usual(block)
            if not (block and self._is_seen_to(context_id, message)):
                return context_id, message

    def _is_seen_to(self, context_id: int, message: object) -> bool:
        if isinstance(message, C_STORE):
            return self._is_stored(context_id, message)
        return isinstance(message, C_GET) and self._is_pending(message) and self._goes_on(message)

    def _is_counted(self, response: C_GET) -> bool:
        """Only what comes right behind our word to an object: else whoever waits for messages gives up."""
        is_behind = time.monotonic() - self._responded < _BEHIND_S
        return is_behind and self._is_pending(response) and self._goes_on(response)

    @staticmethod
    def _is_pending(response: C_GET) -> bool:
        return response.Status in PENDING and response.is_valid_response

    def _is_stored(self, context_id: int, request: C_STORE) -> bool:
        context = self._assoc._accepted_cx.get(context_id)  # noqa: SLF001
        if context is None or not context.as_scp or context.abstract_syntax != request.AffectedSOPClassUID:
            return False  # pynetdicom knows what to say to that
        if request.MessageID is None or not self._intake.responds_at_once:
            return False
        status = self._store(request, str(context.transfer_syntax[0]))
        self._responded = time.monotonic()
        self._intake.respond(request, context_id, status)
        return True
