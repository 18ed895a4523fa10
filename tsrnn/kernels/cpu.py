"""The CPU backend: the `Backend` that networks use, over compiled operations. Handles are NumPy arrays."""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from ..losses.loss import Loss
from ..parts.attention import ATTENTION
from ..parts.common import AHEAD, CONSTANTS, GRAD, OUT, SHARE, STARTS, TOTAL, TRANSPOSE, WEIGHT, X, Y
from ..parts.layout import Layout
from ..parts.loss import loss_of
from ..parts.part import Buffer, Chance, Step
from ..parts.recurrent import OPERANDS
from ..parts.shape import known_ahead, layer_inputs
from . import batch as batch_kernels
from .jit import Steps, forward_of, of_forward, of_gradient, run, table_of
from .threads import enter_parallel, leave_parallel, single_threaded_blas
from .views import address_table

NO_DROPOUT = np.uint64(0)


@dataclass
class Workspace:
    """The arrays of one batch, made once and filled again for each batch."""

    layout: Layout
    dtype: np.dtype
    capacity: int  # most windows that a batch may have
    n_lanes: int  # windows of the present batch
    arrays: dict[Buffer, np.ndarray]  # replace none: compiled code knows their addresses
    addresses: Any
    programs: dict[Any, Any] = field(default_factory=dict)
    scales: Any = None  # shift and scale of each window's inputs and targets, (2, capacity, I + C) float64

    @property
    def tile(self) -> int:
        """Windows of a tile."""
        return self.arrays[X].shape[-1]

    def tiles(self) -> int:
        """Return the number of tiles that hold windows of the present batch."""
        return -(-self.n_lanes // self.tile)

    def read(self, name: str) -> np.ndarray:
        """Return the array of that name, (tiles, ...)."""
        return self.arrays[next(buffer for buffer in self.arrays if buffer.name == name)]

    def program(self, name: Any, make: Callable[[], Steps]) -> Any:
        """Return the table of addresses and steps of a program, made at its first use."""
        if name not in self.programs:
            self.programs[name] = table_of(make(), self.dtype)
        return self.programs[name]


class _Common(NamedTuple):
    gather: Callable
    gather_ahead: Callable
    gather_targets: Callable
    update: Callable


@functools.cache
def _common() -> _Common:
    return _Common(
        batch_kernels.build_gather(),
        batch_kernels.build_gather_ahead(),
        batch_kernels.build_gather_targets(),
        batch_kernels.build_update(),
    )


class CpuBackend:
    """Compiled operations on this machine's processor.

    Parameters
    ----------
    tile : int, optional
        Windows of a tile. The default depends on the precision only; tests make it small.
    """

    name = "cpu"

    def __init__(self, tile: int | None = None):
        self.tile = tile

    def tile_width(self, dtype: DTypeLike) -> int:
        """Return the windows of a tile: one cache line of each row."""
        return self.tile or 64 // np.dtype(dtype).itemsize

    def session(self) -> AbstractContextManager[None]:
        """To be held around a fit or a prediction."""
        return single_threaded_blas()

    def upload(self, array: Any, dtype: DTypeLike) -> np.ndarray:
        """A handle: contiguous, writable, and never the caller's memory."""
        return np.array(array, dtype=dtype, order="C", copy=True)

    def download(self, handle: np.ndarray) -> np.ndarray:
        """A copy on the host."""
        return np.array(handle)

    def part(self, order: np.ndarray, first: int, last: int) -> np.ndarray:
        """Windows `first` to `last` of an uploaded order, as a batch."""
        return order[first:last]

    def workspace(
        self,
        layout: Layout,
        n_lanes: int,
        dtype: DTypeLike,
        *,
        loss: Loss | None = None,
        gradient: bool = False,
        input_gradient: bool = False,
    ) -> Workspace:
        """Return room for batches of at most `n_lanes` windows: for outputs, for a `loss`, for a `gradient`."""
        dtype, B = np.dtype(dtype), self.tile_width(dtype)
        n, constants = -(-n_lanes // B), loss.constants if loss else ()
        shapes = layout.shapes(
            n, B, loss_size=loss.size if loss else None, n_constants=len(constants), gradient=gradient,
            inputs=input_gradient,
        )  # fmt: skip
        arrays = {buffer: np.zeros(shape, buffer.dtype or dtype) for buffer, shape in shapes.items()}
        for buffer, table in layout.tables.items():
            arrays[buffer][0] = table
        arrays[CONSTANTS][0] = constants
        for layer, width in enumerate(layer_inputs(layout.shape)):
            arrays[OPERANDS][:, layer, :, width] = 1  # the rows of ones stay as they are
        return Workspace(layout, dtype, n_lanes, 0, arrays, address_table(list(arrays.values())))

    def gather(self, work: Workspace, series: np.ndarray, windows: Any, batch: np.ndarray) -> None:
        """Put the windows `batch` of `series` into the inputs, scaled; windows that are shorter start late."""
        work.n_lanes = len(batch)
        n, a, shape, w, s = work.tiles(), work.arrays, work.layout.shape, windows, windows.scales
        segment = shape.segment
        if work.scales is None or work.scales.shape[2] != len(s.of_context):
            work.scales = np.empty((2, work.capacity, len(s.of_context)))
        _common().gather(
            series, w.start, w.length, w.series, s.table, s.of_context, s.n_context, batch, segment, work.scales,
            a[X][:n], a[STARTS][:n],
        )  # fmt: skip
        if known_ahead(shape):
            _common().gather_ahead(
                series, w.target, work.scales, batch, shape.block, shape.n_covariates, segment, a[AHEAD][:n]
            )

    def gather_targets(self, work: Workspace, targets: Any, observed: Any, windows: Any, batch: np.ndarray) -> None:
        """Put the scaled targets of the windows beside the outputs, with weight 0 where one is missing.

        To be called after `gather` of the same batch, which computes the scales.
        """
        n, a, shape = work.tiles(), work.arrays, work.layout.shape
        _common().gather_targets(
            targets, observed, windows.target, work.scales, batch, shape.block, shape.segment, a[Y][:n], a[WEIGHT][:n],
            a[SHARE][0],
        )  # fmt: skip

    def forward(
        self,
        work: Workspace,
        theta: np.ndarray,
        *,
        free_run: float = 0,
        outputs: tuple[int, int] | None = None,
        dropout: float = 0.0,
        key: Any = NO_DROPOUT,
    ) -> None:
        """Compute the outputs; a free run reads its own point forecasts after the first output.

        Of the steps of a decoder it may be a share between 0 and 1, drawn by the `key`. `outputs` k0 to k1, where a
        call before this one has computed those up to k0, or all of them.
        """
        first, last = outputs or (0, work.layout.shape.n_outputs)
        steps = work.program(("forward", first, last, free_run > 0), lambda: _forward(work, first, last, free_run > 0))
        _run(work, steps, theta, free_run, dropout, key)

    def feed(self, work: Workspace, k: int, values: np.ndarray) -> None:
        """Let the step of output `k` read the scaled `values` (n_lanes, stride, n_channels) before it."""
        x, shape, lane = work.arrays[X], work.layout.shape, np.arange(work.n_lanes)
        first, B = shape.n_steps - (shape.n_outputs - k) * shape.segment, x.shape[3]
        for j in range(shape.segment):
            x[lane // B, : shape.n_channels, first + j, lane % B] = values[:, j]

    def loss(self, work: Workspace, loss: Loss) -> None:
        """Add the batch's weighted loss and weight to the total, and make the gradient of the weighted mean."""
        any_theta = np.zeros(1, work.dtype)  # a loss has no parameters
        _run(work, work.program(loss, lambda: _loss(loss)), any_theta, 0, 0.0, NO_DROPOUT)

    def backward(self, work: Workspace, theta: np.ndarray, *, dropout: float = 0.0, key: Any = NO_DROPOUT) -> None:
        """Compute the gradient of all parameters, by tile, from that of the outputs.

        It comes after `forward` of the same batch and dropout, and uses up what that left.
        """
        steps = work.program("backward", lambda: of_gradient(work.layout.gradient()))
        _run(work, steps, theta, 0, dropout, key, once=_transpose(work))

    def train(
        self,
        work: Workspace,
        theta: np.ndarray,
        loss: Loss,
        *,
        free_run: float = 0,
        dropout: float = 0.0,
        key: Any = NO_DROPOUT,
    ) -> None:
        """Run `forward`, `loss` and `backward`, all of them on a tile before the next."""

        def all_of_them() -> Steps:
            forward = _forward(work, 0, work.layout.shape.n_outputs, free_run > 0)
            return forward + _loss(loss) + of_gradient(work.layout.gradient())

        steps = work.program(("train", loss, free_run > 0), all_of_them)
        _run(work, steps, theta, free_run, dropout, key, once=_transpose(work))

    def update(
        self, work: Workspace, theta: Any, moments: Any, decay: Any, hyper: Any, clip: float, log: Any, k: int = 0
    ) -> None:
        """Sum the tiles' gradients, clip them by their norm, and let Adam change theta and its moments (2, n).

        The norm before clipping goes to place `k` of the log.
        """
        grad = work.arrays[GRAD][: work.tiles()]
        _common().update(theta, grad, moments[0], moments[1], decay, hyper, clip, log[k : k + 1])

    def outputs(self, work: Workspace) -> np.ndarray:
        """Return a copy of the outputs of the present batch, (n_lanes, n_outputs, output_size)."""
        return _by_lane(work, work.arrays[OUT])

    def attention(self, work: Workspace) -> np.ndarray:
        """Return a copy of the weight of each encoder step in each output's step, (n_lanes, n_outputs, n_encoded)."""
        return _by_lane(work, work.arrays[ATTENTION])

    def take_total(self, work: Workspace) -> tuple[float, float]:
        """Return weighted loss and weight since they were last taken."""
        value, weight = map(float, work.arrays[TOTAL].sum(axis=0))
        work.arrays[TOTAL][:] = 0
        return value, weight


def _forward(work: Workspace, first: int, last: int, free: bool) -> Steps:
    return of_forward(work.layout.forward(first, last, free))


def _loss(loss: Loss) -> Steps:
    return [(forward_of(loss_of(loss)), Step())]


def _transpose(work: Workspace) -> Any:
    """Return the program that prepares a gradient, once for all tiles."""
    return work.program("transpose", lambda: of_forward([(TRANSPOSE, Step())]))


def _by_lane(work: Workspace, array: np.ndarray) -> np.ndarray:
    """Return a copy of what `array` (n, i, j, B) holds of the present batch, (n_lanes, i, j)."""
    lanes = array[: work.tiles()].transpose(0, 3, 1, 2)
    return lanes.reshape(-1, *lanes.shape[2:])[: work.n_lanes].copy()


def _run(
    work: Workspace, steps: Any, theta: np.ndarray, free_run: float, dropout: float, key: Any, once: Any = None
) -> None:
    """Run the program `once`, then `steps` over the tiles of the present batch, in parallel if nobody else is."""
    number = theta.dtype.type  # the same draws as on every other device
    chance, n = Chance(number(free_run), number(dropout), np.uint64(key)), work.tiles()
    once = work.program("nothing", list) if once is None else once
    parallel = enter_parallel(n)
    try:
        run(once, steps, parallel, n, work.layout.shape, theta, chance, work.addresses)
    finally:
        if parallel:
            leave_parallel()
