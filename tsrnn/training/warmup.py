"""Compile in advance all functions that fits and forecasts of a cell run, for instance when a container is built."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

from ..cells.cell import Cell
from ..data.windows import Geometry
from ..forecasting.strategies import as_strategy
from ..kernels import get_backend
from ..kernels.ahead import Unit, has_compiler, prepare, units_of, units_of_theta
from ..kernels.cache import files, folders
from ..kernels.cuda.plan import unsupported
from ..losses.loss import Loss
from ..losses.registry import LOSSES
from ..networks.architecture import Architecture
from ..networks.devices import choose
from ..networks.network import Network
from .loop import warm_up

#: Sizes of the networks. Only CUDA kernels depend on them; the last two are the defaults of the estimators.
CONTEXT_LENGTH, HORIZON, HIDDEN_SIZE, BATCH_SIZE = 24, 12, 32, 32


@dataclass(frozen=True)
class Compiled:
    """The result of compiling in advance.

    Attributes
    ----------
    n_functions : int
        Number of functions that were compiled; those on disk are not counted.
    files : set of Path
        Files that were added to the folders of compiled code; without errors one for each function.
    seconds : float
        Time that it took.
    """

    n_functions: int
    files: set[Path]
    seconds: float


def compile_cell(
    cell: Cell, strategies: Sequence[str], losses: Sequence[Loss], dtype: str = "float32", device: str = "cpu"
) -> Compiled:
    """Compile what forecasters with `cell` run for each of the `strategies` and `losses`, and keep it on disk.

    On the CPU a function is compiled once for all sizes; those for several layers, a learned initial state, the linear
    skip, covariates and seasonal inputs are included. A CUDA kernel is compiled for the sizes and options of a network:
    the defaults of the estimators, with neither covariates nor seasonal inputs.
    """
    started, before = time.perf_counter(), files()
    if device == "cpu":
        n_functions = prepare(functions(cell, strategies, losses, dtype), cell, losses)
        return Compiled(n_functions, files() - before, time.perf_counter() - started)
    for strategy, loss in product(strategies, losses):
        network = Network(default_network(cell, strategy, loss), dtype, get_backend(device, BATCH_SIZE), BATCH_SIZE)
        with network.backend.session():
            warm_up(network, geometry_of(strategy), BATCH_SIZE)
    added = files() - before
    return Compiled(len(added), added, time.perf_counter() - started)


def compile_together(cell: Cell, losses: Sequence[Loss], *, thetas: bool) -> float:
    """Compile what direct forecasters with `cell` and each of the `losses` run, and theta models; return the seconds.

    All of it is one piece of work for two processes, which several fits, one after the other, would divide worse. Parts
    that not every network has are left to the fits.
    """
    started = time.perf_counter()
    if has_compiler():
        layout = default_network(cell, "direct", losses[0]).layout(geometry_of("direct"))
        units = units_of(layout, "float32", losses) + (units_of_theta() if thetas else [])
        prepare(units, cell, losses)
    return time.perf_counter() - started


def runs_on(device: str, cell: Cell) -> bool:
    """Return whether the `device` could compute the `cell` if it were there."""
    return device == "cpu" or not unsupported(cell)


def check_device(device: str, cell: Cell) -> None:
    """Check that functions with a cell can be compiled for a device.

    Raises
    ------
    RuntimeError
        If the compiler is switched off, or the device is not there or cannot compute the cell.
    """
    if not has_compiler():
        raise RuntimeError("NUMBA_DISABLE_JIT=1 switches the compiler off; unset it to compile")
    choose(device, default_network(cell, "direct", LOSSES["mse"]), CONTEXT_LENGTH, BATCH_SIZE)


def functions(cell: Cell, strategies: Sequence[str], losses: Sequence[Loss], dtype: str) -> list[Unit]:
    """Return the functions that fits and forecasts run on the CPU."""
    layouts = []
    for strategy in strategies:
        network = default_network(cell, strategy, losses[0], num_layers=2)
        network = replace(network, learn_initial_state=True, n_inputs=3, n_covariates=1, n_seasonal=1)
        layouts.append(network.layout(geometry_of(strategy)))
    return list(dict.fromkeys(unit for layout in layouts for unit in units_of(layout, dtype, losses)))


def default_network(cell: Cell, strategy: str, loss: Loss, num_layers: int = 1) -> Architecture:
    """Return a network for one series, with the default options of the estimators but for the number of layers."""
    return Architecture(
        cell=cell,
        n_inputs=1,
        n_targets=1,
        block=geometry_of(strategy).block,
        loss=loss,
        hidden_size=HIDDEN_SIZE,
        num_layers=num_layers,
        lags=CONTEXT_LENGTH,
        decoder=as_strategy(strategy).decoder(num_layers),
    )


def geometry_of(strategy: str) -> Geometry:
    """Return the numbers of steps and outputs of the windows."""
    return as_strategy(strategy).geometry(CONTEXT_LENGTH, HORIZON)


def code_folder() -> tuple[Path, int, int]:
    """Return the first folder that has compiled code, the number of its files, and their size in bytes."""
    found = files()
    used = {path.parent for path in found}
    folder = next((folder for folder in folders() if folder in used), folders()[0])
    sizes = [path.stat().st_size for path in found if path.parent == folder]
    return folder, len(sizes), sum(sizes)
