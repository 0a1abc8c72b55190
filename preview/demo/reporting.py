"""What an archive says of a retrieval: pynetdicom's responses, as the behaviour has them."""

from copy import copy
from functools import partial
from typing import Any

from pynetdicom.dimse_primitives import C_GET, C_MOVE

from preview.demo.traits import Behaviour

_PENDING, _WARNING = 0xFF00, 0xB000
_COUNTS = ("Remaining", "Completed", "Failed", "Warning")


def bend_reports(assoc: Any, how: Behaviour, claimed: int) -> None:
    """What this association says of its next retrieval; ``claimed`` is how many instances were asked for."""
    plain = partial(type(assoc.dimse).send_msg, assoc.dimse)
    assoc.dimse.send_msg = partial(_send, plain, how, claimed)


def _send(plain: Any, how: Behaviour, claimed: int, message: Any, context_id: int) -> None:
    response = isinstance(message, C_GET | C_MOVE) and message.MessageIDBeingRespondedTo is not None
    if not response:
        plain(message, context_id)
    elif message.Status == _PENDING:
        if not how.hides_pending:
            plain(message, context_id)
    else:
        plain(_final(copy(message), how, claimed), context_id)


def _final(message: Any, how: Behaviour, claimed: int) -> Any:
    if how.claims_success:
        message.Status, message.Identifier = 0x0000, None
    if how.moves_to_nobody and isinstance(message, C_MOVE) and message.Status == 0x0000:
        message.NumberOfCompletedSuboperations = claimed
    if how.hides_failed:
        message.Identifier = None
    if how.hides_counts:
        for what in _COUNTS:
            setattr(message, f"NumberOf{what}Suboperations", None)
    return message
