"""Let the processes of a test run share what they compile: each kernel once, and no entry of the cache lost.

Numba's disk cache takes no locks. Two processes that need the same kernel at the same time both compile it; two that
store versions of one kernel for two types at the same time write the same index, and one entry is lost. Here a process
that finds another at work on the same kernel waits and takes what it stored. Without `fcntl`, on Windows, all is as
Numba does it.
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
    """Hold the lock of this name, among all processes that use the folder; it is free again when its process ends."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{hashlib.sha256(name.encode()).hexdigest()[:24]}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def untraced(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call without what measures coverage, under which the compiler takes half as long again."""
    trace = sys.gettrace()
    if trace is None:
        return function(*arguments)
    sys.settrace(None)
    try:
        return function(*arguments)
    finally:
        sys.settrace(trace)
        _called()  # the tracer counts calls and returns: it has to be back before this function returns


def _called() -> None:
    pass


def install() -> None:
    """Put the locks into this process's Numba."""
    from numba import config
    from numba.core.caching import IndexDataCacheFile, NullCache
    from numba.core.compiler_lock import global_compiler_lock
    from numba.core.dispatcher import Dispatcher

    if fcntl is None or config.DISABLE_JIT or hasattr(Dispatcher.compile, "__wrapped__"):
        return
    locks = Path(os.environ["NUMBA_CACHE_DIR"]) / "locks"
    compile_, save = Dispatcher.compile, IndexDataCacheFile.save

    @functools.wraps(compile_)
    def compile_once(self: Any, signature: Any) -> Any:
        if isinstance(self._cache, NullCache):
            return compile_(self, signature)
        with global_compiler_lock, locked(locks, f"{self.py_func.__qualname__} {signature}"):
            return untraced(compile_, self, signature)

    @functools.wraps(save)
    def save_alone(self: Any, key: Any, data: Any) -> None:
        with locked(locks, self._index_path):
            save(self, key, data)

    Dispatcher.compile, IndexDataCacheFile.save = compile_once, save_alone
