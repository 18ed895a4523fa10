"""Compiled code on disk: whatever happens to its files, functions compute the same, with one warning at most."""

from __future__ import annotations

import ast
import errno
import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

import tsrnn
from tsrnn.exceptions import CacheWarning

from .problems import COMPILED

if not COMPILED:
    pytest.skip("nothing is compiled, so nothing is kept", allow_module_level=True)

import numba
from numba import config
from numba.core.caching import FunctionCache, IndexDataCacheFile

from tsrnn.kernels import cache
from tsrnn.kernels.jit import _compiled


def factory(added):
    """Functions that differ in nothing but what their closure holds."""

    def tiny(x):
        return x + added

    return tiny


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The folder of the cache; what was said before is forgotten."""
    monkeypatch.setattr(config, "CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(cache, "_said", [])
    return tmp_path


def compute(added=2, x=3):
    """What a new function computes, whether it came from the disk, and the warnings, as in a new process."""
    cache._said.clear()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        function = _compiled(factory(added))
        result = function(x)
    assert result == x + added
    return sum(function.stats.cache_hits.values()) == 1, [str(w.message) for w in caught if w.category is CacheWarning]


def files(folder):
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_what_was_compiled_is_found(folder):
    assert compute() == (False, [])
    assert [path.suffix for path in files(folder)] == [".nbc", ".nbi"]
    assert compute() == (True, [])
    assert compute(added=5) == (False, [])  # the same name and code, another closure
    assert compute(x=1.5) == (False, [])  # another signature
    assert [compute(added)[0] for added in (2, 5)] == [True, True]


DAMAGES = {
    "empty": lambda content: b"",
    "cut": lambda content: content[: len(content) // 2],
    "cut early": lambda content: content[:7],
    "garbage": lambda content: bytes(range(256)) * 8,
    "a bit": lambda content: content[:-1] + bytes([content[-1] ^ 1]),
    "longer": lambda content: content + b"x",
    "numba's": lambda content: content[cache.SEAL :],
}


@pytest.mark.parametrize("suffix", [".nbi", ".nbc"])
@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_damaged_files_are_replaced(folder, damage, suffix):
    compute()
    (path,) = (path for path in files(folder) if path.suffix == suffix)
    path.write_bytes(damage(path.read_bytes()))
    hit, (message,) = compute()
    assert not hit
    assert f"compiled code in {path.parent} cannot be used (DamagedFileError: {path.name} is damaged)" in message
    assert "delete that folder, or set NUMBA_CACHE_DIR" in message
    assert compute() == (True, [])


def test_a_checksum_alone_does_not_make_an_entry(folder):
    """What another version has pickled may need names that are not here."""
    compute()
    (path,) = folder.rglob("*.nbc")
    cache._write(path, b"cno_such_module\nno_name\n.")
    hit, (message,) = compute()
    assert not hit
    assert "ModuleNotFoundError: No module named 'no_such_module'" in message
    assert compute() == (True, [])


def test_missing_files(folder):
    compute()
    for suffix in (".nbc", ".nbi"):
        next(folder.rglob(f"*{suffix}")).unlink()
        assert compute() == (False, [])
        assert compute() == (True, [])


def test_other_versions_are_not_read(folder, monkeypatch):
    compute()
    monkeypatch.setattr(numba, "__version__", "0.0.0")
    assert compute() == (False, [])
    assert compute() == (True, [])


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS, errno.EIO])
def test_writing_fails(folder, monkeypatch, number):
    def fail(path, content):
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(cache.Path, "write_bytes", fail)
        hit, (message,) = compute()
        assert not hit
        assert f"cannot be kept in {folder}" in message
        assert os.strerror(number) in message
        assert "make room there, make the folder writable, or set NUMBA_CACHE_DIR" in message
    assert files(folder) == []
    compute()
    assert compute() == (True, [])


def test_reading_fails(folder):
    """Something else is where a file should be: it cannot be replaced, and nobody needs it."""
    compute()
    for path in files(folder):
        path.unlink()
        path.mkdir()
    for _ in range(2):
        hit, (message,) = compute()
        assert not hit
        assert "cannot be used" in message


def test_the_folder_vanishes(folder):
    function = _compiled(factory(1))
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir()
    assert function(1) == 2
    assert compute(added=1) == (True, [])
    function = _compiled(factory(3))
    for path in files(folder):
        path.unlink()
    next(folder.iterdir()).rmdir()
    folder.rmdir()
    folder.write_text("a file where the folder was")
    with pytest.warns(CacheWarning, match="cannot be used"):
        assert function(1) == 4


def test_no_folder(folder, monkeypatch):
    monkeypatch.setattr("numba.core.caching.CacheImpl._locator_classes", [])
    hit, (message,) = compute()
    assert not hit
    assert "no folder for compiled code can be written (RuntimeError: cannot cache function" in message


def test_one_warning_for_many_functions(folder, monkeypatch):
    monkeypatch.setattr("numba.core.caching.CacheImpl._locator_classes", [])
    with pytest.warns(CacheWarning) as caught:
        assert [_compiled(factory(added))(1) for added in range(3)] == [1, 2, 3]
    assert len(caught) == 1


# ---------------------------------------------------------------- several processes
class Plain:
    """What is taken from Numba's own files."""

    _source_stamp, _version, _dump = "stamp", "1", staticmethod(cache.pickle.dumps)


def test_two_processes_that_number_alike(tmp_path):
    """Both saw an empty index and chose the same file: no key gets the code of the other."""
    one, other = (cache.SealedFiles(Plain, str(tmp_path), "f") for _ in range(2))
    other._index = dict
    one.save("a", 1)
    other.save("b", 2)
    third = cache.SealedFiles(Plain, str(tmp_path), "f")
    assert (third.load("a"), third.load("b")) == (None, 2)
    cache._write(next(tmp_path.glob("*.nbc")), Plain._dump(("a", 1)))  # the one's data may also be the later
    assert third.load("b") is None
    third.save("b", 2)
    assert third.load("b") == 2


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError, OSError])
def test_writing_is_all_or_nothing(tmp_path, monkeypatch, error):
    saved = cache.SealedFiles(Plain, str(tmp_path), "f")
    saved.save("a", 1)
    before = {path: path.read_bytes() for path in files(tmp_path)}

    def stop(*names):
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(cache.Path, "replace", stop)
        with pytest.raises(error):
            saved.save("a", 2)
    assert {path: path.read_bytes() for path in files(tmp_path)} == before
    assert saved.load("a") == 1


JOB = """
import sys, warnings
warnings.simplefilter("error")
sys.path.insert(0, {root!r})
from tests.test_cache import compute
print(compute())
"""


def python(folder):
    root = Path(tsrnn.__file__).parents[1]
    return subprocess.Popen(
        [sys.executable, "-c", JOB.format(root=str(root))],
        env=os.environ | {"NUMBA_CACHE_DIR": str(folder)},
        cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def test_two_processes_at_once(tmp_path):
    runs = [python(tmp_path), python(tmp_path)]
    for run in runs:
        out, err = run.communicate(timeout=120)
        assert run.returncode == 0, err
        assert "[]" in out
    out, err = python(tmp_path).communicate(timeout=120)
    assert (out, err) == ("(True, [])\n", "")


# ---------------------------------------------------------------- whose functions
def test_functions_of_others_keep_their_cache(folder):
    mine = numba.njit(cache=True)(factory(1))
    assert type(mine._cache) is FunctionCache
    assert type(mine._cache._cache_file) is IndexDataCacheFile
    mine(1)
    compute(added=1)
    again = numba.njit(cache=True)(factory(1))
    again(1)
    assert sum(again.stats.cache_hits.values()) == 1


def test_every_function_of_the_package_is_guarded():
    """Where the package calls Numba's decorators: what they compile into their callers needs no cache of its own."""
    found = set()
    for path in sorted((Path(tsrnn.__file__).parent / "kernels").rglob("*.py")):
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(function, ast.FunctionDef):
                for node in ast.walk(function):
                    if isinstance(node, ast.Call) and ast.unparse(node.func) in ("njit", "numba.njit", "cuda.jit"):
                        found.add((path.name, function.name))
    assert found == {
        ("jit.py", "_compiled"),
        ("device.py", "_compile"),
        ("device.py", "device"),  # part of kernels
        ("device.py", "__init__"),  # in the simulator
    }


def test_the_drivers_and_tiles_are_guarded():
    from tsrnn.kernels.cpu import _common, run_tiles

    common = _common()
    for function in (run_tiles, common.gather, common.update, common.transpose.function):
        assert isinstance(function._cache, cache._Guarded | cache._NoFolder)
