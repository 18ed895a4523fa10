"""Compiled code on disk: an optimisation that no fit depends on.

Each compiled function has one file, whose name is a hash of all that its code depends on: the contents of the sources,
the versions of Python, Numba and LLVM, the types of its arguments, the processor and its features. So a folder may be
copied, files may get other times, an installation may be read-only, and another processor leads to another file, never
to code that it cannot run. Each file begins with a checksum of the rest, since damaged machine code may also load
without an error. A failure costs a warning and a compilation.
"""

from __future__ import annotations

import functools
import hashlib
import os
import pickle
import re
import sys
import uuid
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import llvmlite
import numba
from numba import config
from numba.core.caching import CompileResultCacheImpl, dumps

from ..parts.layout import BUFFERS, WEIGHTS
from ..parts.part import Buffer, Weights

#: Bytes of the checksum that begins a file.
SEAL = hashlib.sha256().digest_size
#: Folders whose sources a compiled function may contain.
FOLDERS = ("functions", "cells", "losses", "parts", "kernels")
PACKAGE = Path(__file__).parents[1]


class DamagedFileError(Exception):
    """The rest of a file does not fit its checksum."""


@functools.cache
def _sources() -> str:
    """Return a hash of the sources that compiled functions are made of."""
    digest = hashlib.sha256()
    for folder in FOLDERS:
        for path in sorted((PACKAGE / folder).rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()


@functools.cache
def fingerprint(*functions: Callable) -> str:
    """Return a hash of the package's sources and of `functions`, which may be from elsewhere."""
    digest = hashlib.sha256(f"{_sources()} {os.environ.get('TSRNN_DEBUG', '0')}".encode())
    for function in functions:
        code = function.__code__
        digest.update(code.co_code + repr((code.co_consts, code.co_names, _numbers(function))).encode())
    return digest.hexdigest()


def _numbers(function: Callable) -> list[Any]:
    """Return what each name of a function stands for in compiled code, if it is a number, else None."""
    values = [function.__globals__.get(name) for name in function.__code__.co_names]
    values += [cell.cell_contents for cell in function.__closure__ or ()]
    numbers = [BUFFERS[v] if isinstance(v, Buffer) else WEIGHTS[v] if isinstance(v, Weights) else v for v in values]
    return [number if isinstance(number, int | float) else None for number in numbers]


# ---------------------------------------------------------------- folders and files
def folders() -> list[Path]:
    """Return the folders where compiled code may lie: that of NUMBA_CACHE_DIR, the package's own, the user's."""
    asked = [Path(config.CACHE_DIR) / "tsrnn"] if config.CACHE_DIR else []
    return [*asked, PACKAGE / "__pycache__" / "kernels", _of_user()]


def _of_user() -> Path:
    """Return the folder for the user's caches, by the system's custom."""
    home = Path("~").expanduser()
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA", home / "AppData" / "Local"))
    elif sys.platform == "darwin":
        base = home / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME", home / ".cache"))
    return base / "tsrnn"


def files() -> set[Path]:
    """Return the files of compiled code in all folders."""
    return {path for folder in folders() for path in folder.glob("*.nbc")}


def read(path: Path) -> bytes:
    """Return what a file holds after its checksum."""
    content = path.read_bytes()
    if hashlib.sha256(content[SEAL:]).digest() != content[:SEAL]:
        raise DamagedFileError(f"{path.name} is damaged")
    return content[SEAL:]


def write(path: Path, content: bytes) -> None:
    """Replace a file at once: readers find the old one or the new one, whenever the process ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{uuid.uuid4().hex[:12]}.tmp")
    try:
        temporary.write_bytes(hashlib.sha256(content).digest() + content)
        temporary.replace(path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise


# ---------------------------------------------------------------- the cache of a function
class DiskCache:
    """The cache of one function, with the methods that Numba's dispatchers call.

    Parameters
    ----------
    name : str
        What the names of its files begin with.
    stamp : str
        A hash of the sources that the function is made of.
    implementation : object
        Numba's ``CacheImpl`` for such a function, which turns compiled code into what can be pickled and back.
    """

    def __init__(self, name: str, stamp: str, implementation: Any):
        self.name, self.stamp, self.implementation = name, stamp, implementation

    @property
    def cache_path(self) -> str:
        """The folder that is tried first."""
        return str(folders()[0])

    def enable(self) -> None:
        """Do nothing: the cache is always in use."""

    def flush(self) -> None:
        """Do nothing: files of other sources are not found, and those of the same are right."""

    def key(self, signature: Any, codegen: Any) -> tuple[Any, ...]:
        """Return all that the compiled code depends on."""
        versions = (sys.implementation.cache_tag, numba.__version__, llvmlite.__version__)
        return (self.name, self.stamp, versions, str(signature), codegen.magic_tuple())

    def file(self, key: tuple[Any, ...]) -> str:
        """Return the name of the file of a key."""
        readable = re.sub(r"\W", "_", self.name)  # a cell or loss from outside may have any name
        return f"{readable}-{hashlib.sha256(repr(key).encode()).hexdigest()[:24]}.nbc"

    def has(self, signature: Any, target_context: Any) -> bool:
        """Return whether there is a file for a signature."""
        name = self.file(self.key(signature, target_context.codegen()))
        return any((folder / name).is_file() for folder in folders())

    def load_overload(self, signature: Any, target_context: Any) -> Any:
        """Return the compiled code for a signature, or None."""
        target_context.refresh()
        key = self.key(signature, target_context.codegen())
        for folder in folders():
            path = folder / self.file(key)
            try:
                stored, payload = pickle.loads(read(path))
                if stored == key:
                    return self.implementation.rebuild(target_context, payload)
            except (FileNotFoundError, NotADirectoryError):
                continue
            except Exception as error:  # what another version has pickled may raise anything
                _warn(
                    f"compiled code in {folder} cannot be used ({_words(error)}) and is compiled again; a damaged file "
                    "is replaced. If this warning returns, delete that folder, or set NUMBA_CACHE_DIR to another one"
                )
                return None
        return None

    def save_overload(self, signature: Any, result: Any) -> None:
        """Keep compiled code in the first folder that can be written."""
        reasons: list[str] = []
        key = self.key(signature, result.codegen if hasattr(result, "codegen") else result.library.codegen)
        try:
            content = dumps((key, self.implementation.reduce(result)))
        except Exception as error:
            reasons.append(_words(error))
        else:
            for folder in folders():
                try:
                    write(folder / self.file(key), content)
                    return
                except OSError as error:
                    reasons.append(_words(error))
        _warn(
            f"compiled code cannot be kept in {folders()[0]} ({reasons[0]}), so that every process compiles it again; "
            "make room there, make the folder writable, or set NUMBA_CACHE_DIR to another one"
        )


class _Reduce(CompileResultCacheImpl):
    """How Numba makes compiled functions picklable; without its search for a folder."""

    def __init__(self) -> None:
        pass


def keep(dispatcher: Any, name: str, stamp: str, implementation: Any = None) -> Any:
    """Give a compiled function a cache on disk that cannot break it, and return it."""
    dispatcher._cache = DiskCache(name, stamp, implementation or _Reduce())
    return dispatcher


def _words(reason: BaseException) -> str:
    return f"{type(reason).__name__}: {reason}" if str(reason) else type(reason).__name__


_warned: list[str] = []


def _warn(message: str) -> None:
    """Warn once per process, whatever the reason: one cause often meets every function."""
    if not _warned:
        _warned.append(message)
        from ..exceptions import CacheWarning  # imports scikit-learn, for which a helper should not wait

        warnings.warn(message, CacheWarning, stacklevel=4)
