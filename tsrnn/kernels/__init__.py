"""LOOPS: recurrent networks as compiled loops over lanes; the only room that imports numba, and only when asked to.

No function here names a cell or a loss: loops are built for a cell by a factory (`scan`, `stack`) from the scalar
functions in `tsrnn.equations`. A *lane* is one training window, a *tile* a fixed number of lanes that goes through all
steps together on one thread. A lane's result does not depend on the batch it came in, and gradients are summed over
tiles in one order, so results do not depend on the number of threads.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from .cpu import CpuBackend


class Kalman(NamedTuple):
    """The loops of `kalman`."""

    filter: Callable
    smoother: Callable


def get_backend(name: str = "cpu") -> CpuBackend:
    """The backend `name`; the first call imports numba."""
    if name != "cpu":
        raise ValueError(f"device={name!r} is not known; use 'cpu'")
    from .cpu import CpuBackend

    return CpuBackend()


def get_kalman() -> Kalman:
    """The filter and the smoother of the state-space model; the first call imports numba."""
    from .kalman import build_filter, build_smoother

    return Kalman(build_filter(), build_smoother())
