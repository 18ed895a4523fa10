"""Compiled code on disk: whatever happens to its files, functions compute the same, with one warning at most."""

from __future__ import annotations

import ast
import errno
import os
import shutil
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

import llvmlite
import numba
from numba import config, njit
from numba.core.caching import FunctionCache

from tsrnn.kernels import cache


def factory(added):
    """Functions that differ in nothing but what their closure holds."""

    def tiny(x):
        return x + added

    return tiny


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The only folder for compiled code; earlier warnings are forgotten."""
    monkeypatch.setattr(config, "CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(cache, "_warned", [])
    monkeypatch.setattr(cache, "folders", lambda: [Path(config.CACHE_DIR) / "tsrnn"])
    return tmp_path / "tsrnn"


def compute(added=2, x=3, stamp="sources"):
    """Whether a new function came from the disk, and the warnings, as in a new process."""
    cache._warned.clear()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        function = cache.keep(njit(factory(added)), f"tiny{added}", stamp)
        result = function(x)
    assert result == x + added
    return sum(function.stats.cache_hits.values()) == 1, [str(w.message) for w in caught if w.category is CacheWarning]


def files(folder):
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_compiled_code_is_found_again(folder):
    assert compute() == (False, [])
    assert [path.suffix for path in files(folder)] == [".nbc"]
    assert compute() == (True, [])
    assert compute(added=5) == (False, [])  # another function
    assert compute(x=1.5) == (False, [])  # another type
    assert compute(stamp="other sources") == (False, [])
    assert [compute(added)[0] for added in (2, 5)] == [True, True]


def test_names_from_outside_make_no_paths(folder):
    """A cell or loss of the user's may be called anything."""
    for _ in range(2):
        function = cache.keep(njit(factory(2)), "../my cell/é", "sources")
        assert function(3) == 5
    assert sum(function.stats.cache_hits.values()) == 1
    (path,) = files(folder)
    assert path.parent == folder


# ---------------------------------------------------------------- what happens to folders
def test_a_folder_may_be_copied_and_get_other_times(folder, tmp_path, monkeypatch):
    compute()
    shutil.copytree(folder, tmp_path / "elsewhere" / "tsrnn")
    for path in files(tmp_path / "elsewhere"):
        os.utime(path, (0, 0))
    monkeypatch.setattr(config, "CACHE_DIR", str(tmp_path / "elsewhere"))
    assert compute() == (True, [])


def test_the_name_of_a_function_says_all_that_its_code_depends_on(folder, monkeypatch):
    compute()
    for module in (numba, llvmlite):
        with monkeypatch.context() as patch:
            patch.setattr(module, "__version__", "0.0.0")
            assert compute() == (False, [])
    with monkeypatch.context() as patch:
        patch.setattr(cache.DiskCache, "key", lambda self, signature, codegen: ("tiny", "another processor"))
        assert compute() == (False, [])
    assert compute() == (True, [])


def test_sources_are_compared_by_content(tmp_path, monkeypatch):
    """Not by path or time: an installation elsewhere has the same stamp, an edit in any folder another one."""
    package = tmp_path / "tsrnn"
    shutil.copytree(cache.PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__"))
    here = cache.fingerprint()

    def there():
        cache._sources.cache_clear()
        cache.fingerprint.cache_clear()
        return cache.fingerprint()

    monkeypatch.setattr(cache, "PACKAGE", package)
    try:
        for path in package.rglob("*.py"):
            os.utime(path, (0, 0))
        assert there() == here
        for folder in cache.FOLDERS:
            path = package / folder / "__init__.py"
            path.write_text(path.read_text() + "\n")
            assert there() != here
            path.write_text(path.read_text()[:-1])
        assert there() == here
    finally:
        monkeypatch.undo()
        there()


def test_what_a_read_only_installation_holds_is_read(folder, monkeypatch, tmp_path):
    """An image compiles ahead as one user and runs as another: the first folder cannot be written, only read."""
    compute()
    other = tmp_path / "home"
    monkeypatch.setattr(cache, "folders", lambda: [folder, other])
    write = cache.write

    def refuse(path, content):
        if folder in path.parents:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))
        write(path, content)

    monkeypatch.setattr(cache, "write", refuse)
    assert compute() == (True, [])
    assert compute(added=7) == (False, [])
    assert len(files(other)) == 1
    assert compute(added=7) == (True, [])


# ---------------------------------------------------------------- damage
DAMAGES = {
    "empty": lambda content: b"",
    "cut": lambda content: content[: len(content) // 2],
    "cut early": lambda content: content[:7],
    "garbage": lambda content: bytes(range(256)) * 8,
    "a bit": lambda content: content[:-1] + bytes([content[-1] ^ 1]),
    "longer": lambda content: content + b"x",
    "without checksum": lambda content: content[cache.SEAL :],
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_damaged_files_are_replaced(folder, damage):
    compute()
    (path,) = files(folder)
    path.write_bytes(damage(path.read_bytes()))
    hit, (message,) = compute()
    assert not hit
    assert f"compiled code in {folder} cannot be used (DamagedFileError: {path.name} is damaged)" in message
    assert "delete that folder, or set NUMBA_CACHE_DIR" in message
    assert compute() == (True, [])


def test_a_checksum_alone_does_not_make_an_entry(folder):
    """What another version has pickled may need names that are not here."""
    compute()
    (path,) = files(folder)
    cache.write(path, b"cno_such_module\nno_name\n.")
    hit, (message,) = compute()
    assert not hit
    assert "ModuleNotFoundError: No module named 'no_such_module'" in message
    assert compute() == (True, [])


def test_a_file_of_another_key_is_not_used(folder):
    compute(added=2)
    (path,) = files(folder)
    compute(added=5)
    (other,) = set(files(folder)) - {path}
    shutil.copy(other, path)
    assert compute(added=2) == (False, [])
    assert compute(added=2) == (True, [])


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
    """A folder is where a file should be: it cannot be replaced, and a warning says so."""
    compute()
    (path,) = files(folder)
    path.unlink()
    path.mkdir()
    for _ in range(2):
        hit, (message,) = compute()
        assert not hit
        assert "cannot be used" in message


def test_no_folder_can_be_made(folder, monkeypatch):
    folder.parent.rmdir()
    folder.parent.write_text("a file where the folder was")
    hit, (message,) = compute()
    assert not hit
    assert "cannot be kept in" in message


def test_one_warning_for_many_functions(folder, monkeypatch):
    monkeypatch.setattr(cache, "folders", lambda: [Path("/dev/null/tsrnn") if os.name != "nt" else Path("NUL:/tsrnn")])
    with pytest.warns(CacheWarning) as caught:
        assert [cache.keep(njit(factory(n)), "tiny", "")(1) for n in range(3)] == [1, 2, 3]
    assert len(caught) == 1


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError, OSError])
def test_writing_is_all_or_nothing(tmp_path, monkeypatch, error):
    path = tmp_path / "f.nbc"
    cache.write(path, b"before")

    def stop(*names):
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(cache.Path, "replace", stop)
        with pytest.raises(error):
            cache.write(path, b"after")
    assert files(tmp_path) == [path]
    assert cache.read(path) == b"before"


# ---------------------------------------------------------------- several processes
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


# ---------------------------------------------------------------- which functions
def test_functions_of_others_keep_their_cache(folder):
    mine = numba.njit(cache=True)(factory(1))
    compute(added=1)
    assert type(mine._cache) is FunctionCache
    assert mine(1) == 2


def test_every_function_of_the_package_has_this_cache():
    """Where the package calls Numba's decorators: what they compile into their callers needs no cache of its own."""
    found = set()
    for path in sorted((Path(tsrnn.__file__).parent / "kernels").rglob("*.py")):
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(function, ast.FunctionDef):
                for node in ast.walk(function):
                    if isinstance(node, ast.Call) and ast.unparse(node.func) in ("njit", "numba.njit", "cuda.jit"):
                        found.add((path.name, function.name))
    assert found == {
        ("jit.py", "compiled"),
        ("device.py", "_compile"),
        ("device.py", "device"),  # part of kernels
        ("device.py", "part_of_caller"),  # the same
        ("device.py", "__init__"),  # in the simulator
    }


def test_drivers_and_operations_have_this_cache():
    from tsrnn.kernels.jit import forward_of, run
    from tsrnn.parts.common import CLEAR

    for function in (run, forward_of(CLEAR).function):
        assert isinstance(function._cache, cache.DiskCache)
