"""What Ctrl-C does to the program: it ends at once, with the exit code 130, in whatever part of the work it is.

The exception that Python raises instead would have to pass through the compiler, whose callbacks print it and go on,
and through imports that are half done. Nothing here imports more than what every Python has loaded.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

#: Files that are being written under a temporary name; nobody else would remove them.
unfinished: list[str] = []


def leave(number: int, _: object) -> None:
    """End the process, as the handler of a signal."""
    for path in unfinished:
        with suppress(OSError):
            os.unlink(path)  # noqa: PTH108 - pathlib may not be loaded yet
    with suppress(OSError):
        os.write(2, b"\nInterrupted.\n")
    os._exit(128 + number)


@contextmanager
def interrupts_leave() -> Iterator[None]:
    """Let Ctrl-C end the process while this is held, unless somebody else has decided what it does."""
    ours = (
        threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    )
    if ours:
        signal.signal(signal.SIGINT, leave)
    try:
        yield
    finally:
        if ours:
            signal.signal(signal.SIGINT, signal.default_int_handler)
