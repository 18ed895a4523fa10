"""Compiled code on disk: an optimisation that no fit depends on.

Numba's cache raises what reading and writing raise: a full disk or one truncated file ends every compilation. Here a
failure costs a warning and a compilation, and a damaged file is replaced. Each file begins with a checksum of the rest,
since damaged machine code may also load without an error; and each data file names the key that it was compiled for,
since two processes that write at once may number their files alike. Only functions of this package take part: they get
a cache of these classes, and Numba's own stay as they are.
"""

from __future__ import annotations

import functools
import hashlib
import pickle
import uuid
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from numba.core.caching import FunctionCache, NullCache

from ..exceptions import CacheWarning

#: Bytes of the checksum that begins a file.
SEAL = hashlib.sha256().digest_size
#: In the names of the files: Numba's own have no checksum.
FORMAT = "sealed"


class DamagedFileError(Exception):
    """The rest of a file does not fit its checksum."""


class SealedFiles:
    """An index (key -> name of a data file) and the data files of one function, under checksums.

    It has the methods of `numba.core.caching.IndexDataCacheFile`, which it takes the place of.

    Parameters
    ----------
    plain : IndexDataCacheFile
        Numba's files of the same function; their stamps and versions hold here, too.
    folder : str
        Where the files are.
    base : str
        What their names begin with.
    """

    def __init__(self, plain: Any, folder: str, base: str):
        self.folder, self.base = Path(folder), f"{base}.{FORMAT}"
        self._dump: Callable[[Any], bytes] = plain._dump
        self._stamp, self._version = plain._source_stamp, str(plain._version).encode()

    @property
    def index_path(self) -> Path:
        """The index."""
        return self.folder / f"{self.base}.nbi"

    def flush(self) -> None:
        """Forget all entries."""
        self._save_index({})

    def load(self, key: Any) -> Any:
        """The data of `key`, or None if there are none.

        Raises
        ------
        DamagedFileError, OSError
            If a file cannot be read.
        """
        name = self._index().get(key)
        if name is None:
            return None
        try:
            stored, data = pickle.loads(_read(self.folder / name))
        except FileNotFoundError:
            return None
        return data if stored == key else None

    def save(self, key: Any, data: Any) -> None:
        """Write the data first, so that an index never names a file that was not written."""
        try:
            names = self._index()
        except DamagedFileError:
            names = {}
        taken = set(names.values())
        free = (name for i in range(1, len(taken) + 2) if (name := f"{self.base}.{i}.nbc") not in taken)
        name = names.get(key) or next(free)
        _write(self.folder / name, self._dump((key, data)))
        self._save_index(names | {key: name})

    def _index(self) -> dict[Any, str]:
        """Names by key; empty where there is no index, or one of other sources or another version."""
        try:
            version, _, rest = _read(self.index_path).partition(b"\n")
        except FileNotFoundError:
            return {}
        if version != self._version:  # the rest may not be readable
            return {}
        stamp, names = pickle.loads(rest)
        return names if stamp == self._stamp else {}

    def _save_index(self, names: dict[Any, str]) -> None:
        _write(self.index_path, self._version + b"\n" + self._dump((self._stamp, names)))


def _read(path: Path) -> bytes:
    """What a file holds after its checksum."""
    content = path.read_bytes()
    if hashlib.sha256(content[SEAL:]).digest() != content[:SEAL]:
        raise DamagedFileError(f"{path.name} is damaged")
    return content[SEAL:]


def _write(path: Path, content: bytes) -> None:
    """Replace a file at once: readers find the old one or the new one, whenever the process ends."""
    temporary = path.with_name(f"{path.name}.{uuid.uuid4().hex[:12]}.tmp")
    try:
        temporary.write_bytes(hashlib.sha256(content).digest() + content)
        temporary.replace(path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise


# ---------------------------------------------------------------- caches that never fail
class _Guarded:
    """Before one of Numba's cache classes: failures become a warning, and the function is compiled."""

    def __init__(self, function: Callable):
        super().__init__(function)  # type: ignore[call-arg]
        self._cache_file = SealedFiles(self._cache_file, self._cache_path, self._impl.filename_base)  # type: ignore

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """The compiled code for a signature, or None."""
        try:
            return super().load_overload(sig, target_context)  # type: ignore[misc]
        except Exception as error:  # what a cache of another version holds may raise anything
            reason = error
        _warn(
            f"compiled code in {self._cache_path} cannot be used ({_words(reason)}) and is compiled again; a damaged "  # type: ignore[attr-defined]
            "file is replaced. If this warning returns, delete that folder, or set NUMBA_CACHE_DIR to another one"
        )
        return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep compiled code."""
        try:
            super().save_overload(sig, data)  # type: ignore[misc]
            return
        except Exception as error:
            reason = error
        _warn(
            f"compiled code cannot be kept in {self._cache_path} ({_words(reason)}), so that every process compiles it "  # type: ignore[attr-defined]
            "again; make room there, make the folder writable, or set NUMBA_CACHE_DIR to another one"
        )


class _NoFolder(NullCache):
    """Where no folder for a cache can be written."""

    def __init__(self, reason: Exception):
        self.reason = reason

    def save_overload(self, sig: Any, cres: Any) -> None:
        """Keep nothing, and say so."""
        _warn(
            f"no folder for compiled code can be written ({_words(self.reason)}), so that every process compiles it "
            "again; set NUMBA_CACHE_DIR to a folder that can be written"
        )


@functools.cache
def _guarded(kind: type) -> type:
    return type(f"Guarded{kind.__name__}", (_Guarded, kind), {})


def keep(dispatcher: Any, kind: type = FunctionCache) -> Any:
    """Give a compiled function a cache on disk that cannot break it, and return it.

    Parameters
    ----------
    dispatcher : numba Dispatcher
        The function; it is changed.
    kind : type
        The class of Numba's own cache for such a function.
    """
    try:
        dispatcher._cache = _guarded(kind)(dispatcher.py_func)
    except (RuntimeError, OSError) as error:  # no folder; sources that cannot be read
        dispatcher._cache = _NoFolder(error)
    return dispatcher


def _words(reason: BaseException) -> str:
    return f"{type(reason).__name__}: {reason}" if str(reason) else type(reason).__name__


_said: list[str] = []


def _warn(message: str) -> None:
    """Warn once per process, whatever the reason: one cause often meets every function."""
    if not _said:
        _said.append(message)
        warnings.warn(message, CacheWarning, stacklevel=4)
