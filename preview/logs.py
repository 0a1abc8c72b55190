"""Logs for engineers, without patients' data: of an exception its kind and place, not its words."""

import logging
import sys
import traceback
from pathlib import Path
from types import TracebackType

_OURS = str(Path(__file__).parents[1])
_FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s"


def frames(trace: TracebackType | None) -> str:
    """Where it happened, innermost last: our own lines, then the library's last.

    Messages are left out: libraries quote values in them.
    """
    stack = traceback.extract_tb(trace)
    ours = [frame for frame in stack if frame.filename.startswith(_OURS) and "/.venv/" not in frame.filename]
    shown = ours[-6:] if stack[-1:] == ours[-1:] else [*ours[-6:], stack[-1]]
    return " > ".join(f"{f.filename.rsplit('/', 1)[-1]}:{f.lineno} {f.name}" for f in shown)


def describe(error: BaseException) -> str:
    return f"{type(error).__name__} at {frames(error.__traceback__)}"


class _Formatter(logging.Formatter):
    def formatException(self, ei: object) -> str:  # noqa: N802 — the name is logging's
        if isinstance(ei, tuple) and isinstance(ei[1], BaseException):
            return describe(ei[1])
        return ""


def configure() -> None:
    """Everything from level INFO to standard error; libraries that talk about data only from WARNING."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Formatter(_FORMAT))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    for library in ("pydicom", "PIL", "alembic", "werkzeug"):
        logging.getLogger(library).setLevel(logging.ERROR)
    logging.getLogger("pynetdicom").setLevel(logging.CRITICAL)  # our own errors say it better
    logging.captureWarnings(capture=True)
    logging.getLogger("py.warnings").setLevel(logging.ERROR)  # pydicom's warnings quote values
