"""Put single faults into a copy of the package; for each of them a test must fail.

``python -m tests.mutants [--check] [--device cpu|cuda|ptx] [part of a name ...]``

A mutant is one replacement of code, which must match the syntax trees exactly once (`match`); ``--check`` checks only
this, for all mutants. The tests run without the compiler, with small networks, and stop at the first failure. The
unchanged copy has to pass all of them first. Mutants of the CUDA kernels run in Numba's simulator (cuda). Missing
barriers, which the simulator may not find, run in the interpreter of PTX, which needs numba-cuda (ptx); they run only
with ``--device ptx``.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from . import MUTANTS
from .match import MisfitError, fault, sources
from .mutant import CHOSEN, Mutant

ROOT = Path(__file__).parents[2]
#: Environment variables of the tests on each device.
ENVIRONMENTS = {
    "cpu": {"NUMBA_DISABLE_JIT": "1"},
    "cuda": {"NUMBA_DISABLE_JIT": "1", "NUMBA_ENABLE_CUDASIM": "1", "TSRNN_TEST_DEVICE": "cuda"},
    "ptx": {"TSRNN_TEST_DEVICE": "ptx"},
}


def copy_to(folder: Path) -> None:
    """Copy the package and all files that the tests need to `folder`."""
    for name in ("tsrnn", "tests", "datasets", "docs"):
        if (ROOT / name).exists():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "*.nb?"))
    shutil.copy(ROOT / "pyproject.toml", folder)


def mutate(folder: Path, one: Mutant) -> None:
    """Put the fault `one` into the copy."""
    file, text = fault(one.at, one.old, one.new, sources())
    (folder / "tsrnn" / file).write_text(text, encoding="utf-8")


def misfits() -> list[str]:
    """Messages about mutants that do not match the sources exactly once, or that have the same name."""
    found, names = [], set()
    for one in MUTANTS:
        if one.name in names:
            found.append(f"{one.name!r}: two mutants have this name")
        names.add(one.name)
        try:
            fault(one.at, one.old, one.new, sources())
        except MisfitError as error:
            found.append(f"{one.name!r} {error}")
    return found


def run_tests(folder: Path, tests: tuple[str, ...], device: str) -> tuple[int, str]:
    """Exit status and output of pytest, file by file up to the first failure."""
    environment = os.environ | ENVIRONMENTS[device] | {"PYTHONDONTWRITEBYTECODE": "1"}
    status, said = 0, ""
    for test in tests:
        command = [sys.executable, "-m", "pytest", "-x", "-rfE", "--no-header", "-p", "no:cacheprovider", test]
        chosen = CHOSEN.get(f"{test} {device}", CHOSEN.get(test))
        command += ["-k", chosen] if chosen else []
        try:
            done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=600)
        except subprocess.TimeoutExpired:
            return 1, f"FAILED {test} (it did not end)"
        status, said = done.returncode, said + done.stdout + done.stderr
        if status:
            break
    return status, said


def judge(one: Mutant) -> str | None:
    """Name of the test that failed with the mutant, or None."""
    with tempfile.TemporaryDirectory(prefix="tsrnn-mutant-") as name:
        folder = Path(name)
        copy_to(folder)
        mutate(folder, one)
        status, said = run_tests(folder, one.tests, one.device)
    found = re.search(r"^(?:FAILED|ERROR) (.+?)(?: - .*)?$", said, re.MULTILINE)
    if status == 0:
        return None
    if status != 1 or found is None:  # no test ran
        raise SystemExit(f"{one.name!r}: pytest ended with {status}\n{said[-2000:]}")
    return found[1].removeprefix("tests/")


def main() -> int:
    """Test the unchanged copy, then all selected mutants, two at a time."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", help="of names")
    parser.add_argument("--device", choices=list(ENVIRONMENTS))
    parser.add_argument("--check", action="store_true", help="whether all mutants fit the sources, and no more")
    args = parser.parse_args()
    wrong = misfits()
    if wrong or args.check:
        print(*wrong, f"{len(MUTANTS)} mutants, {len(wrong)} do not fit the sources", sep="\n")
        return 1 if wrong else 0
    of_device = [one for one in MUTANTS if one.device == args.device or (args.device is None and one.device != "ptx")]
    chosen = [one for one in of_device if not args.parts or any(part in one.name for part in args.parts)]
    started = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="tsrnn-mutant-") as name, ThreadPoolExecutor(2) as pool:
        folder = Path(name)
        copy_to(folder)
        tests = dict.fromkeys(((test,), one.device) for one in chosen for test in one.tests)
        for status, said in pool.map(lambda each: run_tests(folder, *each), tests):
            if status:
                print(said[-5000:], "\nthe unchanged package fails its tests", sep="")
                return 1
        print(f"{time.perf_counter() - started:4.0f} s  the unchanged package passes", flush=True)
        survivors = 0
        for one, killer in zip(chosen, pool.map(judge, chosen), strict=True):
            survivors += killer is None
            print(f"{time.perf_counter() - started:4.0f} s  {one.name:58} {killer or 'SURVIVED'}", flush=True)
    print(f"{len(chosen)} mutants, {survivors} survived")
    return 1 if survivors else 0


if __name__ == "__main__":
    raise SystemExit(main())
