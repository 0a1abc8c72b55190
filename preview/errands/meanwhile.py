"""What an errand does again and again in a second thread, while an archive keeps the first one waiting."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def again(act: Callable[[], None], seconds: float, name: str) -> Iterator[None]:
    """As long as the block runs, ``act`` is called every so many seconds; it handles its own errors."""
    done = threading.Event()

    def repeat() -> None:
        while not done.wait(seconds):
            act()

    thread = threading.Thread(target=repeat, name=name, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
