"""Compile before the first use what a network needs: in two processes at the same time, if that is worthwhile.

Numba compiles one function at a time in a process. So a helper process compiles about half of the functions and leaves
them in the cache on disk, while this process compiles the others; then it loads those. Whatever the helper could not do
(no processor is free, nothing can be written, a cell that only this process knows), this process does.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import pickle
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from ..cells.cell import Cell
from ..losses.loss import Loss
from ..parts.layout import PARTS, Layout
from ..parts.loss import loss_of
from ..parts.part import Operation
from ..parts.recurrent import layer_of

if TYPE_CHECKING:
    from .jit import Compiled

#: Rough costs of compiling, in tenths of a second of a fast processor; other functions cost 1.5.
COSTS = {
    "layer": 8.5,
    "layer_gradient": 14.0,
    "run": 4.0,
    "loss": 3.0,
    "update": 3.0,
    "scale_windows": 2.5,
    "attention_gradient": 5.0,
    "fit_thetas": 18.0,
    "filter_thetas": 2.0,
}
#: Functions that Python calls; the others are operations, which `run` calls.
ENTRIES = ("run", "fit_thetas", "filter_thetas")
#: What starting a helper costs, and from which sum of costs on it is worthwhile.
START, WORTHWHILE = 8.0, 20.0
#: What the helper runs; the paths where this process finds modules come first.
CODE = "import pickle, sys; sys.path[:] = pickle.load(sys.stdin.buffer); from tsrnn.kernels.ahead import main; main()"


class Unit(NamedTuple):
    """One function to compile: an operation's, or its gradient's, for a precision; or one of `ENTRIES`, by its name."""

    operation: Operation | str
    is_gradient: bool
    dtype: np.dtype

    @property
    def name(self) -> str:
        """Name of the operation or entry."""
        return self.operation if isinstance(self.operation, str) else self.operation.name

    @property
    def kind(self) -> str:
        """What its costs go by."""
        name = self.name if isinstance(self.operation, str) else self.operation.kind or self.name
        return f"{name}_gradient" if self.is_gradient else name

    @property
    def cost(self) -> float:
        """Relative time that the compilation takes."""
        return COSTS.get(self.kind, 1.5)

    @property
    def compiled(self) -> Compiled:
        """The compiled function, which may have to be compiled yet."""
        from .jit import DRIVER, forward_of, gradient_of

        if isinstance(self.operation, str):
            if self.operation == "run":
                return DRIVER
            from .theta import ahead

            return ahead(self.operation)
        return gradient_of(self.operation) if self.is_gradient else forward_of(self.operation)

    def is_ready(self) -> bool:
        """Return whether compiled code is in memory or on disk."""
        return self.compiled.is_ready(self.dtype)

    def compile(self) -> None:
        """Compile it, or load it from disk."""
        self.compiled.compile(self.dtype)


def has_compiler() -> bool:
    """Return whether functions are compiled; with NUMBA_DISABLE_JIT=1 Python runs them."""
    from numba import config

    return not config.DISABLE_JIT


def units_of(layout: Layout, dtype: DTypeLike, losses: Sequence[Loss], *, trains: bool = True) -> list[Unit]:
    """Return all functions that a network runs, when it forecasts and, if it `trains`, when it learns."""
    dtype = np.dtype(dtype)
    forward = [*layout.batch_operations(), *layout.operations()]
    units = [Unit("run", False, dtype), *(Unit(operation, False, dtype) for operation in forward)]
    units += [Unit(loss_of(loss), False, dtype) for loss in losses]
    if trains:
        units += [
            Unit(operation, operation.gradient is not None, dtype)
            for operation in dict.fromkeys(operation for operation, _ in layout.gradient(False))
        ]
        units += [Unit(operation, False, dtype) for operation in layout.update_operations()]
    return list(dict.fromkeys(units))


def units_of_theta() -> list[Unit]:
    """Return the functions that theta models run."""
    return [Unit(name, False, np.dtype(np.float64)) for name in ENTRIES[1:]]


def prepare(units: Sequence[Unit], cell: Cell, losses: Sequence[Loss]) -> int:
    """Compile `units`, and return how many were neither in memory nor on disk."""
    missing = [unit for unit in units if not unit.is_ready()]
    ours, theirs = _divide(missing) if _can_divide(missing, cell, losses) else (missing, [])
    helper = _start(theirs, cell, losses) if theirs else None
    with _no_garbage_collection():
        with helper or nullcontext():  # waits for it in the end, however that comes
            for unit in ours:
                unit.compile()
        for unit in theirs:
            unit.compile()  # loads what the helper has left; what it has not, is compiled here
    return len(missing)


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """Let Python's search for garbage rest: the compiler makes objects by the million and leaves few cycles."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _can_divide(missing: Sequence[Unit], cell: Cell, losses: Sequence[Loss]) -> bool:
    """Return whether a helper may be started, and would help."""
    if sum(unit.cost for unit in missing) < WORTHWHILE or _processors() < 2:
        return False
    if multiprocessing.parent_process() is not None or getattr(sys, "frozen", False) or not sys.executable:
        return False  # a worker among others; no Python to start
    if os.environ.get("TSRNN_COMPILE_PROCESSES", "2") == "1":
        return False
    functions = [f for stage in cell.stages for f in (stage.forward, stage.gradient)]
    functions += [equation for loss in losses for equation in loss.equations]
    return all(function.__module__ != "__main__" for function in functions)


def _processors() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _divide(units: Sequence[Unit]) -> tuple[list[Unit], list[Unit]]:
    """Return the units for this process and for a helper, the most expensive first, with about equal ends."""
    ours, theirs = [], []
    here, there = 0.0, START
    for unit in sorted(units, key=lambda unit: -unit.cost):
        if here <= there:
            ours.append(unit)
            here += unit.cost
        else:
            theirs.append(unit)
            there += unit.cost
    return ours, theirs


def _start(units: Sequence[Unit], cell: Cell, losses: Sequence[Loss]) -> subprocess.Popen | None:
    """Start a helper that compiles `units`; None where that is not possible."""
    names = [(unit.name, unit.is_gradient, unit.dtype.name) for unit in units]
    try:
        work = pickle.dumps(sys.path) + pickle.dumps((cell, list(losses), names))
        process = subprocess.Popen(
            [sys.executable, "-c", CODE], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        assert process.stdin is not None
        with process.stdin as stream:
            stream.write(work)
        return process
    except (OSError, pickle.PicklingError, AttributeError, TypeError):  # the work is done here then
        return None


def main() -> None:
    """Compile what the standard input says, as a helper."""
    gc.disable()
    cell, losses, names = pickle.load(sys.stdin.buffer)
    known: dict[str, Operation | str] = {name: name for name in ENTRIES}
    known |= {operation.name: operation for part in PARTS for operation in part.operations}
    known |= {operation.name: operation for operation in (layer_of(cell), *map(loss_of, losses))}
    for name, is_gradient, dtype in names:
        if name in known:  # a part of the user's is compiled by the other process
            Unit(known[name], is_gradient, np.dtype(dtype)).compile()
