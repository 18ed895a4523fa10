"""Locks on the disk cache, so that the processes of a test run compile each function only once.

The cache has no locks: two processes that need the same function at the same time both compile it. With these locks, a
process waits while another one compiles the same function, and then loads the result. Without `fcntl`, on Windows,
nothing is changed.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

try:
    import fcntl
except ImportError:
    fcntl = None  # type: ignore[assignment]


@contextlib.contextmanager
def locked(folder: Path, name: str) -> Iterator[None]:
    """Hold the lock `name` of all processes that use `folder`; it is released when the process ends."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{hashlib.sha256(name.encode()).hexdigest()[:24]}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def call_untraced(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call `function` without the coverage tracer, under which the compiler takes 1.5 times as long."""
    trace = sys.gettrace()
    if trace is None:
        return function(*arguments)
    sys.settrace(None)
    try:
        return function(*arguments)
    finally:
        sys.settrace(trace)
        _called()  # the tracer counts calls and returns, so it must be active again before this function returns


def _called() -> None:
    pass


def install() -> None:
    """Add the locks to Numba in this process."""
    from numba import config
    from numba.core.caching import NullCache
    from numba.core.compiler_lock import global_compiler_lock
    from numba.core.dispatcher import Dispatcher

    if fcntl is None or config.DISABLE_JIT or hasattr(Dispatcher.compile, "__wrapped__"):
        return
    locks = Path(os.environ["NUMBA_CACHE_DIR"]) / "locks"
    compile_ = Dispatcher.compile

    @functools.wraps(compile_)
    def compile_once(self: Any, signature: Any) -> Any:
        if isinstance(self._cache, NullCache):
            return compile_(self, signature)
        with global_compiler_lock, locked(locks, f"{self.py_func.__qualname__} {signature}"):
            return call_untraced(compile_, self, signature)

    Dispatcher.compile = compile_once
