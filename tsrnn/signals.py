"""Ctrl-C ends the program at once, with the exit code 130.

The exception that Python raises by default would pass through callbacks of the compiler, which print it and continue,
and through unfinished imports. This module imports only modules that Python has already loaded.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

#: Temporary files of outputs that are being written; `exit_process` removes them.
temporary_files: list[str] = []


def exit_process(number: int, frame: object) -> None:
    """Handle a signal: end the process with the exit code 128 + `number`."""
    for path in temporary_files:
        with suppress(OSError):
            os.unlink(path)  # noqa: PTH108 - pathlib may not be loaded yet
    with suppress(OSError):
        os.write(2, b"\nInterrupted.\n")
    os._exit(128 + number)


@contextmanager
def exit_on_interrupt() -> Iterator[None]:
    """Let Ctrl-C end the process within this context, unless another handler is installed."""
    is_default = (
        threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    )
    if is_default:
        signal.signal(signal.SIGINT, exit_process)
    try:
        yield
    finally:
        if is_default:
            signal.signal(signal.SIGINT, signal.default_int_handler)
