"""Who may run in parallel: one lock for Numba's thread pool, and BLAS held to one thread inside the kernels.

Numba's workqueue layer aborts the process when two Python threads enter it at once, and GNU OpenMP does when a forked
child enters it. So a parallel region is entered by one thread of the process at a time and never by a forked child;
everybody else takes the serial way, which gives the same bits.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from threadpoolctl import ThreadpoolController


class _State:
    """The one pool of this process."""

    def __init__(self) -> None:
        self.pool = threading.Lock()
        self.forked = False
        self.blas = threading.Lock()
        self.users = 0
        self.limit: Any = None
        self.controller: ThreadpoolController | None = None

    def after_fork(self) -> None:
        """A child has no pool of its own, and the parent's locks may have been held when it forked."""
        self.__init__()  # type: ignore[misc]
        self.forked = True


_STATE = _State()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=lambda: _STATE.after_fork())


def enter_parallel(n_tiles: int) -> bool:
    """Whether the caller may run `n_tiles` tiles in parallel; if so, it must call `leave_parallel` afterwards."""
    import numba  # not needed to hold BLAS to one thread, which engines without kernels do as well

    worthwhile = n_tiles > 1 and not _STATE.forked and numba.get_num_threads() > 1
    return worthwhile and _STATE.pool.acquire(blocking=False)


def leave_parallel() -> None:
    """Let the next caller in."""
    _STATE.pool.release()


@contextmanager
def single_threaded_blas() -> Iterator[None]:
    """Hold BLAS to one thread; of several Python threads the first one sets the limit and the last one lifts it."""
    with _STATE.blas:
        if _STATE.users == 0:
            if _STATE.controller is None:
                import scipy.linalg.cython_blas  # noqa: F401 - the BLAS that Numba calls; it must be loaded to be found

                _STATE.controller = ThreadpoolController().select(user_api="blas")
            _STATE.limit = _STATE.controller.limit(limits=1)
        _STATE.users += 1
    try:
        yield
    finally:
        with _STATE.blas:
            _STATE.users -= 1
            if _STATE.users == 0:
                _STATE.limit.restore_original_limits()
