"""The CUDA backend: the interface of `cpu`, on memory of the device.

A training step is a chain of launches that nobody waits for: gather, forward, loss, backward, the layers' weight
gradient, update. The host waits when it reads something back, which a training does once an epoch.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ...cells.cell import Cell
from ...losses.registry import Loss
from ..layout import Shape, Tables, array_sizes, layer_inputs
from .batch import Index
from .device import MOST_TEAMS, SIMULATED, on_device, properties, session, to_device, to_host
from .kernels import build_common, build_loss, build_network
from .memory import Pool, book_on_device, check_room, fields, total_bytes
from .plan import Chip, Properties, plan, staged
from .rows import row_table

NO_DROPOUT = np.uint64(0)
#: Rows of partial sums of the layers' weight gradient, at most.
MOST_SPLITS = 16
#: Arrays that are not of theta's type.
OTHERS = dict.fromkeys(("blocks", "rows", "matrices", "starts", "span"), np.dtype(np.int64)) | {
    "squares": np.dtype(np.float64)
}


class TooFewBlocksError(Exception):
    """Not even one team can be resident at a time."""


class Indexed:
    """A series, or targets, and windows of it, as gather kernels find them; `scales` has room for those of lanes."""

    def __init__(self, arrays: tuple[Any, ...], windows: Any, scales: Any):
        self.arrays, self.windows, s = arrays, windows, windows.scales
        of_windows = (windows.start, windows.length, windows.target, windows.series)
        of_scales = (s.table, s.of_context, np.array([s.n_context]))
        self.kept = Index._make([*map(on_device, (*arrays, *of_windows, *of_scales)), scales])
        self.index = book_on_device(self.kept)


@dataclass
class Workspace:
    """The memory of one batch, made once and filled again for each batch."""

    cell: Cell
    shape: Shape
    capacity: int
    chip: Chip
    dtype: np.dtype
    pool: Pool
    numbers: Any  # the shape's integers, on the device
    nothing: Any  # for kernels that take theta and need none
    indexes: dict[str, Indexed] = field(default_factory=dict)
    scales: Any = None  # shift and scale of each lane's inputs and targets, (2, capacity, I + C) float64
    n_lanes: int = 0

    def tiles(self) -> int:
        """Tiles that hold lanes of the present batch."""
        return -(-self.n_lanes // self.chip.lanes)

    def __getattr__(self, name: str) -> np.ndarray:
        """A copy of an array by its name."""
        if name == "pool" or name not in self.pool.shapes:
            raise AttributeError(name)
        return self.pool.read(name)


@dataclass(frozen=True)
class Part:
    """`count` windows of an `order` that lies on the device, from number `first` on."""

    order: Any
    first: int
    count: int

    def __len__(self) -> int:
        return self.count


class CudaBackend:
    """Kernels on a GPU.

    Parameters
    ----------
    limits : Properties, optional
        What to make use of; the default is what the device has. Tests make it small.
    lanes : int, optional
        Lanes of a tile; the default is chosen by the size of batches and by the device.
    n_lanes : int, optional
        The size of batches that every plan is made for, whatever a workspace has room for: what trains a network, looks
        at its validation error and predicts are the same kernels then. The default is each workspace's own.
    """

    name = "cuda"

    def __init__(self, limits: Properties | None = None, lanes: int | None = None, n_lanes: int | None = None):
        self.limits, self.lanes, self.n_lanes = limits, lanes, n_lanes

    def session(self) -> AbstractContextManager[None]:
        """To be held around a fit or a prediction."""
        return session()

    def upload(self, array: Any, dtype: DTypeLike) -> Any:
        """A handle: memory of the device."""
        return to_device(np.array(array, dtype=dtype, order="C"))

    def download(self, handle: Any) -> np.ndarray:
        """A copy on the host."""
        return to_host(handle)

    def part(self, order: Any, first: int, last: int) -> Part:
        """Windows `first` to `last` of an uploaded order."""
        return Part(order, first, min(last, len(order)) - first)

    def _limits(self) -> Properties:
        return self.limits or properties()

    # ---------------------------------------------------------------- memory
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
        """Room for batches of at most `n_lanes` lanes: for outputs, for a `loss`, for a `gradient`.

        Raises
        ------
        MemoryError
            If the device has too little memory for it.
        """
        dtype, limits = np.dtype(dtype), self._limits()

        def chip_for(size: int) -> Chip:
            return plan(cell, shape.hidden_size, size, dtype.itemsize, limits, self.lanes)

        chip = chip_for(self.n_lanes or n_lanes)
        B, n = chip.lanes, -(-n_lanes // chip.lanes)
        table = row_table(cell, tables.blocks, shape.hidden_size)
        dtypes = {name: OTHERS.get(name, dtype) for name in fields()}
        wanted = {"scored": loss is not None, "gradient": gradient, "inputs": input_gradient}

        def shapes(n: int, B: int) -> dict[str, tuple[int, ...]]:
            size = loss.size if loss else shape.output_size
            sizes = array_sizes(cell, shape, n, B, size, **wanted, over_time=2 * max(chip.threads, limits.most_threads))
            given = {"blocks": table[None], "rows": tables.rows[None], "matrices": tables.matrices[None]}
            made = {name: array.shape for name, array in given.items()}
            made |= {
                "constants": (1, len(loss.constants) if loss else 0), "total": (n, 4), "span": (n, 2), "share": (n, 1),
                "theta_t": (1, n_theta if gradient else 0), "grad": (n if gradient else 0, n_theta),
                "squares": (1, limits.multiprocessors * limits.most_threads),
            }  # fmt: skip
            return {name: (sizes | made)[name] for name in fields()}

        def needed(size: int) -> int:
            lanes = B if size == n_lanes else chip_for(size).lanes
            return total_bytes(shapes(-(-size // lanes), lanes), dtypes)

        check_room(needed, n_lanes)
        pool = Pool(shapes(n, B), dtypes)
        pool.write("blocks", table)
        pool.write("rows", tables.rows)
        pool.write("matrices", tables.matrices)
        if loss:
            pool.write("constants", np.array(loss.constants))
        work = Workspace(
            cell, shape, n_lanes, chip, dtype, pool, to_device(np.array(shape, np.int64)), to_device(np.zeros(1, dtype))
        )
        widths = to_device(np.array(layer_inputs(shape), np.int64))
        self._grid(work, "ones", widths, np.int64(n), pool.book)  # the rows of ones stay as they are
        return work

    # ---------------------------------------------------------------- launches
    def _tiles(self, work: Workspace, kernel: Any, theta: Any, chip: Chip, shared: int, span: Any, *rest: Any) -> None:
        """A kernel on all tiles of the batch, as many at a time as can wait for each other."""
        n, team = work.tiles(), chip.blocks
        threads = chip.threads * team if SIMULATED else chip.threads
        arguments = (work.numbers, np.int64(0), *map(np.int64, span), theta, *rest, work.pool.book)
        at_once = n
        if team > 1 and not SIMULATED:
            kernel.prepare(shared, *arguments)
            at_once = min(MOST_TEAMS, kernel.most_blocks(chip.threads, shared) // team)
            if at_once == 0:
                raise TooFewBlocksError
        for first in range(0, n, at_once):
            blocks = min(at_once, n - first) * (1 if SIMULATED else team)
            kernel(blocks, threads, shared * (team if SIMULATED else 1), work.numbers, np.int64(first), *arguments[2:])

    def _grid(self, work: Workspace, name: str, *arguments: Any, blocks: int | None = None) -> None:
        """A kernel that knows no cell and no loss, on the whole grid or on so many blocks."""
        limits = self._limits()
        kernel = getattr(build_common(limits.most_threads, work.dtype.name), name)
        kernel(limits.multiprocessors if blocks is None else blocks, limits.most_threads, 0, *arguments)

    def _part(self, work: Workspace, name: str, theta: Any, span: tuple[int, int], *chances: Any) -> None:
        """A part of the network on all tiles; by teams of one block if the device has no room for larger ones."""
        chip = work.chip
        shared = chip.forward_bytes if name == "forward" else chip.backward_bytes
        try:
            self._tiles(work, getattr(self._network(work), name), on_device(theta), chip, shared, span, *chances)
        except TooFewBlocksError as error:
            alone = self._limits()._replace(cooperative=False)
            try:
                work.chip = plan(work.cell, work.shape.hidden_size, 1, work.dtype.itemsize, alone, chip.lanes)
            except ValueError:
                raise RuntimeError(
                    f"the GPU has no room for {chip.blocks} blocks that wait for each other, which hidden_size="
                    f"{work.shape.hidden_size} takes with {chip.lanes} windows to a tile; use a smaller batch_size or "
                    "hidden_size, or device='cpu'"
                ) from error
            self._part(work, name, theta, span, *chances)

    def _network(self, work: Workspace) -> Any:
        return build_network(work.cell, work.shape.decoder_layers > 0, work.chip, work.dtype.name)

    def _chances(self, work: Workspace, free_run: float, dropout: float, key: Any) -> tuple[Any, ...]:
        return work.dtype.type(free_run), work.dtype.type(dropout), np.uint64(key)

    # ---------------------------------------------------------------- a batch
    def gather(self, work: Workspace, series: Any, windows: Any, batch: Any) -> None:
        """Put the windows `batch` of `series` into the inputs, scaled; windows that are shorter start late."""
        self._of_batch(work, "gather", (series, series, series), windows, batch)

    def gather_targets(self, work: Workspace, targets: Any, observed: Any, windows: Any, batch: Any) -> None:
        """Put the scaled targets of the windows beside the outputs, with weight 0 where one is missing.

        To be called after `gather` of the same batch, which computes the scales.
        """
        self._of_batch(work, "gather_targets", (targets, targets, observed), windows, batch)

    def _of_batch(self, work: Workspace, name: str, arrays: tuple[Any, ...], windows: Any, batch: Any) -> None:
        if not isinstance(batch, Part):
            batch = Part(to_device(np.asarray(batch, np.int64)), 0, len(batch))
        work.n_lanes = batch.count
        known = work.indexes.get(name)
        if (
            known is None
            or known.windows is not windows
            or any(a is not b for a, b in zip(known.arrays, arrays, strict=True))
        ):
            n_columns = len(windows.scales.of_context)
            if work.scales is None or work.scales.shape[2] != n_columns:
                work.scales = to_device(np.zeros((2, work.capacity, n_columns)))
            known = work.indexes[name] = Indexed(arrays, windows, work.scales)
        first, count, n = np.int64(batch.first), np.int64(batch.count), work.tiles()
        self._grid(work, name, work.numbers, known.index, batch.order, first, count, work.pool.book, blocks=n)

    def feed(self, work: Workspace, k: int, values: np.ndarray) -> None:
        """Let the step of output `k` read the scaled `values` (n_lanes, stride, n_channels) before it."""
        handle, count, n = to_device(np.asarray(values, work.dtype)), np.int64(work.n_lanes), work.tiles()
        self._grid(work, "feed", work.numbers, handle, np.int64(k), np.int64(0), count, work.pool.book, blocks=n)

    def forward(
        self,
        work: Workspace,
        theta: Any,
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
        span, chances = outputs or (0, work.shape.n_outputs), self._chances(work, free_run, dropout, key)
        self._part(work, "forward", theta, span, *chances)

    def loss(self, work: Workspace, loss: Loss) -> None:
        """Add the batch's weighted loss and weight to the total, and make the gradient of the weighted mean."""
        threads = self._limits().most_threads
        alone = work.chip._replace(blocks=1, threads=threads)
        kernel, chances = build_loss(loss, threads, work.dtype.name), self._chances(work, 0, 0, NO_DROPOUT)
        self._tiles(work, kernel, work.nothing, alone, 0, (0, 0), *chances)

    def backward(self, work: Workspace, theta: Any, *, dropout: float = 0.0, key: Any = NO_DROPOUT) -> None:
        """Outputs' gradient to parameters' gradient, by tile.

        It comes after `forward` of the same batch and dropout, and uses up what that left.
        """
        self._grid(work, "transpose", on_device(theta), work.pool.book)
        self._part(work, "backward", theta, (0, 0), *self._chances(work, 0, dropout, key))
        network, chip, n = self._network(work), work.chip, work.tiles()
        splits = min(n, MOST_SPLITS)
        blocks, shared = 2 * self._limits().multiprocessors, staged(chip.threads) * work.dtype.itemsize
        network.weights(blocks, chip.threads, shared, work.numbers, np.int64(n), np.int64(splits), work.pool.book)

    def train(
        self,
        work: Workspace,
        theta: Any,
        loss: Loss,
        *,
        free_run: float = 0,
        dropout: float = 0.0,
        key: Any = NO_DROPOUT,
    ) -> None:
        """`forward`, `loss` and `backward`, one after the other."""
        self.forward(work, theta, free_run=free_run, dropout=dropout, key=key)
        self.loss(work, loss)
        self.backward(work, theta, dropout=dropout, key=key)

    def update(
        self, work: Workspace, theta: Any, moments: Any, decay: Any, hyper: Any, clip: float, log: Any, k: int = 0
    ) -> None:
        """Sum the tiles' gradients, clip them by their norm, and let Adam change theta and its moments (2, n).

        The norm before clipping goes to place `k` of the log.
        """
        book, scalar = work.pool.book, work.dtype.type
        self.sum_gradient(work)
        self._grid(work, "norm", log, np.int64(k), book, blocks=1)
        self._grid(work, "update", theta, moments, decay, scalar(clip), *map(scalar, hyper), book)

    def sum_gradient(self, work: Workspace) -> None:
        """Sum the tiles' gradients into the first."""
        self._grid(work, "sum", np.int64(work.tiles()), work.pool.book)

    # ---------------------------------------------------------------- back to the host
    def outputs(self, work: Workspace) -> np.ndarray:
        """A copy of the outputs of the present batch, (n_lanes, n_outputs, output_size)."""
        return _by_lane(work, work.pool.read("out"))

    def attention(self, work: Workspace) -> np.ndarray:
        """A copy of what each output's step gave to each of the encoder's, (n_lanes, n_outputs, n_encoded)."""
        return _by_lane(work, work.pool.read("attention"))

    def take_total(self, work: Workspace) -> tuple[float, float]:
        """Weighted loss and weight since they were last taken."""
        kept = work.pool.read("total").astype(np.float64).sum(axis=0)
        work.pool.write("total", np.zeros(4))
        return float(kept[0] - kept[1]), float(kept[2] - kept[3])


def _by_lane(work: Workspace, array: np.ndarray) -> np.ndarray:
    lanes = array[: work.tiles()].transpose(0, 3, 1, 2)
    return lanes.reshape(-1, *lanes.shape[2:])[: work.n_lanes].copy()
