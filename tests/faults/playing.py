"""One sequence or fault in a process of its own: what became of it, or why it could not be played."""

import traceback
from collections.abc import Callable
from typing import TypeVar

Given = TypeVar("Given")
Got = TypeVar("Got")


def done(do: Callable[[Given], Got], given: Given) -> tuple[Got | None, str]:
    """The traceback as text: not every exception can be sent to another process."""
    try:
        return do(given), ""
    except Exception:  # noqa: BLE001 — a fault of the suite itself
        return None, f"{given} could not be played:\n{traceback.format_exc()}"
