"""Logs for engineers, without patients' data: of an exception its kind and place, not its words."""

import logging
import sys
import threading
import traceback
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

log = logging.getLogger(__name__)

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


class _Handler(logging.StreamHandler[TextIO]):
    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 — the name is logging's
        """A line that cannot be written: logging's own would print its arguments."""
        kind = sys.exc_info()[0]
        place = f"{Path(record.pathname).name}:{record.lineno}"
        with suppress(OSError, ValueError):  # there is nowhere to say it
            self.stream.write(f"{place} a line of the log is lost ({kind.__name__ if kind else '-'})\n")


def configure() -> None:
    """Everything from level INFO to standard error; libraries that talk about data only from WARNING.

    What nobody has caught is logged too: Python itself would print the words of the exception.
    """
    _replace_hooks()
    handler = _Handler(sys.stderr)
    handler.setFormatter(_Formatter(_FORMAT))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    for library in ("pydicom", "PIL", "alembic", "werkzeug"):
        logging.getLogger(library).setLevel(logging.ERROR)
    logging.getLogger("pynetdicom").setLevel(logging.CRITICAL)  # our own errors say it better
    logging.captureWarnings(capture=True)
    logging.getLogger("py.warnings").setLevel(logging.ERROR)  # pydicom's warnings quote values


def _replace_hooks() -> None:
    """Python's own only: whoever has set another one, as a test runner does, wants to hear of it."""
    if sys.excepthook is sys.__excepthook__:
        sys.excepthook = _process_ends
    if sys.unraisablehook is sys.__unraisablehook__:
        sys.unraisablehook = _ignored
    if threading.excepthook is threading.__excepthook__:
        threading.excepthook = _thread_ends


def _process_ends(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):  # somebody's own Ctrl-C
        sys.__excepthook__(kind, error, trace)
    else:
        log.critical("the process ends: %s at %s", kind.__name__, frames(trace))


def _thread_ends(failed: threading.ExceptHookArgs) -> None:
    if not issubclass(failed.exc_type, SystemExit):  # by which a thread may end itself
        log.error("a thread ended: %s at %s", failed.exc_type.__name__, frames(failed.exc_traceback))


def _ignored(failed: "UnraisableHookArgs") -> None:
    """Where nobody can catch it, as while an object is thrown away. What it was may quote values too."""
    where = frames(failed.exc_traceback) or "-"
    log.error("ignored: %s at %s in a %s", failed.exc_type.__name__, where, type(failed.object).__name__)
