"""Compiled code: the operations of `tsrnn.parts` on a processor or a GPU. Only this folder imports numba.

No function here names a cell or a loss. A *lane* is one window of the batch, a *tile* a fixed number of lanes that goes
through all steps together on one thread. A lane's result does not depend on the batch it came in, and gradients are
summed over tiles in one order, so results do not depend on the number of threads. On a GPU many threads share a tile:
`cuda`.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from .backend import Backend


class Kalman(NamedTuple):
    """The loops of `kalman`."""

    filter: Callable
    smoother: Callable


class Theta(NamedTuple):
    """The loops of `theta`."""

    fit: Callable
    filter: Callable


def get_backend(name: str = "cpu", n_lanes: int | None = None) -> Backend:
    """The backend `name`, "cpu" or "cuda", for training in batches of `n_lanes`; the first call imports numba."""
    if name == "cpu":
        from .cpu import CpuBackend

        return CpuBackend()
    if name == "cuda":
        from .cuda.backend import CudaBackend

        return CudaBackend(n_lanes=n_lanes)
    raise ValueError(f"device={name!r} is not known; use 'cpu' or 'cuda'")


def why_no_cuda() -> str:
    """Why "cuda" cannot be used and what helps, or nothing; numba is imported only where its CUDA target is installed.

    The simulator (NUMBA_ENABLE_CUDASIM=1) counts as a device.
    """
    if importlib.util.find_spec("numba_cuda") is None and os.environ.get("NUMBA_ENABLE_CUDASIM", "0") == "0":
        return "the package numba-cuda is not installed; pip install 'tsrnn[cuda]'"
    try:
        from .cuda.device import why_not
    except ImportError as error:
        return f"numba-cuda cannot be imported ({error}); pip install --upgrade 'tsrnn[cuda]'"
    return why_not()


def get_kalman() -> Kalman:
    """The filter and the smoother of the state-space model; the first call imports numba."""
    from .kalman import build_filter, build_smoother

    return Kalman(build_filter(), build_smoother())


def get_theta() -> Theta:
    """The fit and the filter of the theta models; the first call imports numba."""
    from .theta import build_filter, build_fit

    return Theta(build_fit(), build_filter())


def single_threaded_blas() -> AbstractContextManager[None]:
    """Hold BLAS to one thread within a ``with`` statement; does not import numba."""
    from .threads import single_threaded_blas as hold

    return hold()
