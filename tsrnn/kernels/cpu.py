"""The CPU backend: the interface that networks use, over the compiled loops. Handles are NumPy arrays.

Another backend offers the same methods on handles of its own; networks pass handles on and looks into none.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from ..cells.cell import Cell
from ..losses.registry import Loss
from . import batch as batch_kernels
from .decoder import build_decoder
from .jit import Tile, address_table, run_tiles
from .layout import Arrays, Shape, Tables, array_sizes, known_ahead, layer_inputs, scratch_size
from .stack import StackLoops, build_stack, build_transpose
from .threads import enter_parallel, leave_parallel, single_threaded_blas
from .views import address_book

NO_DROPOUT = np.uint64(0)


@dataclass
class Workspace:
    """The arrays of one batch, made once and filled again for each batch."""

    cell: Cell
    shape: Shape
    capacity: int  # most lanes a batch may have
    n_lanes: int  # lanes of the present batch
    arrays: Arrays  # replace none: the kernels know them by `book`
    book: Any

    def __getattr__(self, name: str) -> Any:
        """An array by its name."""
        return getattr(self.arrays, name)

    def tiles(self) -> int:
        """Tiles that hold lanes of the present batch."""
        return -(-self.n_lanes // self.arrays.x.shape[3])


@functools.cache
def _build(cell: Cell, decodes: bool) -> StackLoops:
    return build_decoder(cell) if decodes else build_stack(cell)


def _stack(work: Workspace) -> StackLoops:
    return _build(work.cell, work.shape.decoder_layers > 0)


@functools.cache
def _loss(loss: Loss) -> Tile:
    return batch_kernels.build_loss(loss)


class _Common(NamedTuple):
    gather: Callable
    gather_ahead: Callable
    gather_targets: Callable
    transpose: Tile
    update: Callable


@functools.cache
def _common() -> _Common:
    return _Common(
        batch_kernels.build_gather(),
        batch_kernels.build_gather_ahead(),
        batch_kernels.build_gather_targets(),
        build_transpose(),
        batch_kernels.build_update(),
    )


class CpuBackend:
    """Compiled loops on this machine's processor.

    Parameters
    ----------
    tile : int, optional
        Lanes in a tile. The default depends on the precision only; tests make it small.
    """

    name = "cpu"

    def __init__(self, tile: int | None = None):
        self.tile = tile

    def tile_width(self, dtype: DTypeLike) -> int:
        """Lanes in a tile: one cache line of each row."""
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
        cell: Cell,
        shape: Shape,
        tables: Tables,
        n_theta: int,
        n_lanes: int,
        dtype: DTypeLike,
        *,
        loss: Loss | None = None,
        gradient: bool = False,
        input_gradient: bool = False,
    ) -> Workspace:
        """Room for batches of at most `n_lanes` lanes: for outputs, for a `loss`, for a `gradient`."""
        B = self.tile_width(dtype)
        n, size = -(-n_lanes // B), loss.size if loss else shape.output_size
        constants = np.array([loss.constants if loss else ()], dtype)
        wanted = {"scored": loss is not None, "gradient": gradient, "inputs": input_gradient}
        sizes = array_sizes(cell, shape, n, B, size, **wanted, over_time=scratch_size(cell, shape, B))
        made = {name: np.zeros(size, np.int64 if name == "starts" else dtype) for name, size in sizes.items()}
        for layer, width in enumerate(layer_inputs(shape)):
            made["X"][:, layer, :, width] = 1  # the rows of ones stay as they are
        given = {name: table[None].copy() for name, table in tables._asdict().items()}
        of_theta = {
            "theta_t": np.zeros((1, n_theta if gradient else 0), dtype),
            "grad": np.zeros((n if gradient else 0, n_theta), dtype),
        }
        span = np.tile([0, shape.n_outputs], (n, 1))
        arrays = Arrays(constants=constants, total=np.zeros((n, 2)), span=span, **given, **made, **of_theta)
        return Workspace(cell, shape, n_lanes, 0, arrays, address_book(arrays))

    def gather(self, work: Workspace, series: np.ndarray, windows: Any, batch: np.ndarray) -> None:
        """Put the windows `batch` of `series` into the inputs, scaled; windows that are shorter start late."""
        work.n_lanes = len(batch)
        n, a, shape, w = work.tiles(), work.arrays, work.shape, windows
        segment = shape.segment
        _common().gather(series, w.start, w.length, w.shift, w.scale, batch, segment, a.x[:n], a.starts[:n])
        if known_ahead(shape):
            _common().gather_ahead(
                series, w.target, w.shift, w.scale, batch, shape.block, shape.n_ahead, segment, a.ahead[:n]
            )

    def gather_targets(self, work: Workspace, targets: Any, observed: Any, windows: Any, batch: np.ndarray) -> None:
        """Put what the windows' outputs are to be compared with beside them, with weight 0 where it is missing."""
        n, a = work.tiles(), work.arrays
        _common().gather_targets(
            targets, observed, windows.target, windows.target_shift, windows.target_scale, batch, work.shape.block,
            work.shape.segment, a.y[:n], a.weight[:n], a.share[0],
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
        """Inputs to outputs; a free run reads its own point forecasts after the first output.

        Of the steps of a decoder it may be a share between 0 and 1, drawn by the `key`. `outputs` k0 to k1, where a
        call before this one has computed those up to k0, or all of them.
        """
        work.arrays.span[:] = outputs or (0, work.shape.n_outputs)
        _run((_stack(work).forward,), work, theta, free_run, dropout, key)

    def feed(self, work: Workspace, k: int, values: np.ndarray) -> None:
        """Let the step of output `k` read the scaled `values` (n_lanes, stride, n_channels) before it."""
        x, shape, lane = work.arrays.x, work.shape, np.arange(work.n_lanes)
        first, B = shape.n_steps - (shape.n_outputs - k) * shape.segment, x.shape[3]
        for j in range(shape.segment):
            x[lane // B, : shape.n_channels, first + j, lane % B] = values[:, j]

    def loss(self, work: Workspace, loss: Loss) -> None:
        """Add the batch's weighted loss and weight to the total, and make the gradient of the weighted mean."""
        any_theta = work.arrays.scratch[0]  # a loss has no parameters
        _run((_loss(loss),), work, any_theta, 0, 0.0, NO_DROPOUT)

    def backward(self, work: Workspace, theta: np.ndarray, *, dropout: float = 0.0, key: Any = NO_DROPOUT) -> None:
        """Outputs' gradient to parameters' gradient, by tile.

        It comes after `forward` of the same batch and dropout, and uses up what that left.
        """
        _run((_stack(work).backward,), work, theta, 0, dropout, key, first=(_common().transpose,))

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
        """`forward`, `loss` and `backward` in one go."""
        work.arrays.span[:] = 0, work.shape.n_outputs
        stack = _stack(work)
        tiles = (stack.forward, _loss(loss), stack.backward)
        _run(tiles, work, theta, free_run, dropout, key, first=(_common().transpose,))

    def update(
        self, work: Workspace, theta: Any, moments: Any, decay: Any, hyper: Any, clip: float, log: Any, k: int = 0
    ) -> None:
        """Sum the tiles' gradients, clip them by their norm, and let Adam change theta and its moments (2, n).

        The norm before clipping goes to place `k` of the log.
        """
        n = work.tiles()
        _common().update(theta, work.arrays.grad[:n], moments[0], moments[1], decay, hyper, clip, log[k : k + 1])

    def outputs(self, work: Workspace) -> np.ndarray:
        """A copy of the outputs of the present batch, (n_lanes, n_outputs, output_size)."""
        return _by_lane(work, work.arrays.out)

    def attention(self, work: Workspace) -> np.ndarray:
        """A copy of what each output's step gave to each of the encoder's, (n_lanes, n_outputs, n_encoded)."""
        return _by_lane(work, work.arrays.attention)

    def take_total(self, work: Workspace) -> tuple[float, float]:
        """Weighted loss and weight since they were last taken."""
        value, weight = map(float, work.arrays.total.sum(axis=0))
        work.arrays.total[:] = 0
        return value, weight


def _by_lane(work: Workspace, array: np.ndarray) -> np.ndarray:
    """A copy of what `array` (n, i, j, B) holds of the present batch, (n_lanes, i, j)."""
    lanes = array[: work.tiles()].transpose(0, 3, 1, 2)
    return lanes.reshape(-1, *lanes.shape[2:])[: work.n_lanes].copy()


_TABLES: dict[Any, Any] = {}


def _run(
    tiles: tuple[Tile, ...],
    work: Workspace,
    theta: np.ndarray,
    free_run: float,
    dropout: float,
    key: np.uint64,
    first: tuple[Tile, ...] = (),
) -> None:
    """Functions `first` once, then `tiles` over the tiles of the present batch, in parallel if nobody else is."""
    free, chance = theta.dtype.type(free_run), theta.dtype.type(dropout)  # the same draws as on every other device
    n, arguments = work.tiles(), (work.shape, theta, free, chance, key, work.book)
    name = (first, tiles, theta.dtype.char)
    if name not in _TABLES:
        _TABLES[name] = address_table(first, *arguments), address_table(tiles, *arguments)
    parallel = enter_parallel(n)
    try:
        run_tiles(*_TABLES[name], parallel, n, *arguments)
    finally:
        if parallel:
            leave_parallel()
