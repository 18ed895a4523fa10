"""The CUDA backend: the interface of `cpu`, on memory of the device.

A training step is a chain of launches, none of which is waited for: gather, forward, loss, backward, the layers' weight
gradient, update. The host waits when it copies an array back, by `download`, `outputs`, `attention`, `take_total` or
`Workspace.read` and by nothing else; a training does so once an epoch.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ...data.static import Static
from ...losses.loss import Loss
from ...parts.attention import ATTENTION
from ...parts.common import CONSTANTS, OUT
from ...parts.layout import Layout
from ...parts.part import Buffer, Operation, Step
from ...parts.recurrent import OPERANDS, OTHERS, PRODUCTS
from ..backend import NO_KEY, by_lane, static_of, take_states
from .arrays import ROW_TABLE, TILE_TOTAL, array_shapes
from .batch import Index
from .device import SIMULATED, on_device, properties, session, to_device, to_host
from .intrinsics import MOST_TEAMS
from .kernels import build_common, build_loss, build_network, gradients_of
from .memory import Pool, check_room, table_on_device, total_bytes
from .plan import Chip, Properties, plan, staged, unsupported
from .rows import row_table

#: Most rows of partial sums of the layers' weight gradient.
MOST_SPLITS = 16


class TooFewBlocksError(Exception):
    """The device has no room for even one team at a time."""


def _not_empty(array: np.ndarray) -> Any:
    """Return an array (R, n) on the device; one without elements, of which the device has none, as a zero."""
    return on_device(array if array.size else np.zeros((1, 1), array.dtype))


class Indexed:
    """A series, or targets, and windows of it, as gather kernels find them; `scales` has room for those of lanes.

    Without `static` covariates a row of each kind stands in, which no kernel reads.
    """

    def __init__(self, arrays: tuple[Any, ...], windows: Any, scales: Any, static: Static | None):
        self.arrays, self.windows, s = arrays, windows, windows.scales
        of_windows = (windows.start, windows.length, windows.target, windows.series)
        of_scales = s.table, s.of_context
        static = static or Static.zeros(1, 1, 1)
        of_static = static.numbers, static.codes
        self.kept = Index._make(
            [*map(on_device, (*arrays, *of_windows, *of_scales)), scales, *map(_not_empty, of_static)]
        )
        self.index = table_on_device(self.kept)


@dataclass
class Workspace:
    """The memory of one batch, made once and filled again for each batch."""

    layout: Layout
    capacity: int  # most windows that a batch may have
    chip: Chip
    dtype: np.dtype
    pool: Pool
    operations: tuple[Operation, ...]
    numbers: Any  # the shape's integers, on the device
    nothing: Any  # for kernels that take theta and need none
    inputs: bool = False  # whether the gradient by the inputs is computed
    n_lanes: int = 0  # windows of the present batch
    indexes: dict[str, Indexed] = field(default_factory=dict)
    scales: Any = None  # shift and scale of each lane's inputs and targets, (2, capacity, I + C) float64
    programs: dict[Any, Any] = field(default_factory=dict)

    def tiles(self) -> int:
        """Return the number of tiles that hold windows of the present batch."""
        return -(-self.n_lanes // self.chip.lanes)

    def read(self, name: str) -> np.ndarray:
        """Return a copy of the array of that name on the host, (tiles, ...)."""
        return self.pool.read(self.pool.find(name))

    def program(self, name: Any, make: Callable[[], np.ndarray]) -> Any:
        """Return a program table on the device, made at its first use."""
        if name not in self.programs:
            self.programs[name] = to_device(make())
        return self.programs[name]


def program_table(program: list[tuple[Operation, Step]], operations: tuple[Operation, ...]) -> np.ndarray:
    """Return a program table, int64 (n, 5): the operation's number in `operations`, and the fields of its step."""
    number = {operation: n for n, operation in enumerate(operations)}
    return np.array([(number[operation], *step) for operation, step in program], np.int64).reshape(-1, 5)


@dataclass(frozen=True)
class Part:
    """A batch: `count` windows of an `order` that lies on the device, from number `first` on."""

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
        Resources to use; the default is all that the device has. Tests make it small.
    lanes : int, optional
        Lanes of a tile; the default is chosen by the size of batches and by the device.
    n_lanes : int, optional
        The size of batches that every plan is made for, whatever a workspace has room for: training, validation and
        forecasts use the same kernels then. The default is each workspace's own.
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

    def prepare(self, layout: Layout, dtype: DTypeLike, loss: Loss) -> None:
        """Do nothing: kernels are compiled at their first launch, for the plan of a workspace."""

    # ---------------------------------------------------------------- memory
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
        """Return room for batches of at most `n_lanes` windows: for outputs, for a `loss`, for a `gradient`.

        Raises
        ------
        MemoryError
            If the device has too little memory for it.
        ValueError
            If the cell has products that the kernels do not compute.
        """
        if problem := unsupported(layout.cell):
            raise ValueError(problem)
        dtype, limits, cell, shape = np.dtype(dtype), self._limits(), layout.cell, layout.shape

        def chip_for(size: int) -> Chip:
            return plan(cell, shape.hidden_size, size, dtype.itemsize, limits, self.lanes)

        chip = chip_for(self.n_lanes or n_lanes)
        table = row_table(cell, layout.tables[PRODUCTS], shape.hidden_size)

        def shapes(size: int) -> dict[Buffer, tuple[int, ...]]:
            B = chip.lanes if size == n_lanes else chip_for(size).lanes
            return array_shapes(
                layout, -(-size // B), B, table.shape[1], limits, loss=loss, gradient=gradient, inputs=input_gradient
            )

        check_room(lambda size: total_bytes(shapes(size), dtype), n_lanes)
        pool = Pool(shapes(n_lanes), dtype)
        tables = {buffer: values for buffer, values in layout.tables.items() if buffer is not PRODUCTS}
        for buffer, values in (tables | {ROW_TABLE: table}).items():
            pool.fill(buffer, values)
        if loss:
            pool.fill(CONSTANTS, np.array(loss.constants))
        work = Workspace(
            layout, n_lanes, chip, dtype, pool, tuple(layout.operations()), to_device(np.array(shape, np.int64)),
            to_device(np.zeros(1, dtype)), input_gradient,
        )  # fmt: skip
        self._grid(work, "ones", np.int64(-(-n_lanes // chip.lanes)), pool.arrays)  # these rows stay as they are
        return work

    # ---------------------------------------------------------------- launches
    def _tiles(
        self, work: Workspace, kernel: Any, program: Any, theta: Any, chip: Chip, shared: int, *chances: Any
    ) -> None:
        """Launch a kernel on all tiles of the batch, as many at a time as can wait for each other."""
        n, team = work.tiles(), chip.blocks
        threads = chip.threads * team if SIMULATED else chip.threads
        before, after = (program, work.numbers), (theta, *chances, work.pool.arrays)
        at_once = n
        if team > 1 and not SIMULATED:
            kernel.prepare(shared, *before, np.int64(0), *after)
            at_once = min(MOST_TEAMS, kernel.most_blocks(chip.threads, shared) // team)
            if at_once == 0:
                raise TooFewBlocksError
        for first in range(0, n, at_once):
            blocks = min(at_once, n - first) * (1 if SIMULATED else team)
            kernel(blocks, threads, shared * (team if SIMULATED else 1), *before, np.int64(first), *after)

    def _grid(self, work: Workspace, name: str, *arguments: Any, blocks: int | None = None) -> None:
        """Launch a kernel that no cell and no loss is part of, on the whole grid or on that many blocks."""
        limits = self._limits()
        kernel = getattr(build_common(limits.most_threads, work.dtype.name), name)
        kernel(limits.multiprocessors if blocks is None else blocks, limits.most_threads, 0, *arguments)

    def _network(self, work: Workspace) -> Any:
        return build_network(work.layout.cell, work.operations, work.chip, work.dtype.name)

    def _run(self, work: Workspace, name: str, program: Any, theta: Any, *chances: Any) -> None:
        """Run a program on all tiles; by teams of one block if the device has no room for larger ones."""
        chip, layout = work.chip, work.layout
        shared = chip.forward_bytes if name == "forward" else chip.backward_bytes
        try:
            self._tiles(work, getattr(self._network(work), name), program, on_device(theta), chip, shared, *chances)
        except TooFewBlocksError as error:
            alone = self._limits()._replace(cooperative=False)
            try:
                work.chip = plan(layout.cell, layout.shape.hidden_size, 1, work.dtype.itemsize, alone, chip.lanes)
            except ValueError:
                raise RuntimeError(
                    f"the GPU has no room for {chip.blocks} blocks that wait for each other, which hidden_size="
                    f"{layout.shape.hidden_size} takes with {chip.lanes} windows to a tile; use a smaller batch_size "
                    "or hidden_size, or device='cpu'"
                ) from error
            self._run(work, name, program, theta, *chances)

    def _chances(self, work: Workspace, free_run: float, dropout: float, key: Any) -> tuple[Any, ...]:
        return work.dtype.type(free_run), work.dtype.type(dropout), np.uint64(key)

    # ---------------------------------------------------------------- a batch
    def gather(self, work: Workspace, series: Any, windows: Any, batch: Any) -> None:
        """Put the windows `batch` of `series` into the inputs, scaled; windows that are shorter start late."""
        shape, names = work.layout.shape, ["gather"]
        names += ["gather_static"] if shape.static_size else []
        names += ["keep"] if shape.n_masked else []
        self._of_batch(work, names, (series, series, series), windows, batch)

    def gather_targets(self, work: Workspace, targets: Any, observed: Any, windows: Any, batch: Any) -> None:
        """Put the scaled targets of the windows beside the outputs, with weight 0 where one is missing.

        To be called after `gather` of the same batch, which computes the scales.
        """
        self._of_batch(work, ["gather_targets"], (targets, targets, observed), windows, batch)

    def _of_batch(self, work: Workspace, names: list[str], arrays: tuple[Any, ...], windows: Any, batch: Any) -> None:
        """Launch kernels on the tiles of a batch; the first one's name is that of what they have in common."""
        if not isinstance(batch, Part):
            batch = Part(to_device(np.asarray(batch, np.int64)), 0, len(batch))
        work.n_lanes = batch.count
        known = work.indexes.get(names[0])
        if (
            known is None
            or known.windows is not windows
            or any(a is not b for a, b in zip(known.arrays, arrays, strict=True))
        ):
            n_columns = windows.scales.of_context.shape[1]
            if work.scales is None or work.scales.shape[2] != n_columns:
                work.scales = to_device(np.zeros((2, work.capacity, n_columns)))
            static = static_of(work.layout, windows)
            known = work.indexes[names[0]] = Indexed(arrays, windows, work.scales, static)
        first, count, n = np.int64(batch.first), np.int64(batch.count), work.tiles()
        for name in names:
            self._grid(work, name, work.numbers, known.index, batch.order, first, count, work.pool.arrays, blocks=n)

    def feed(self, work: Workspace, k: int, values: np.ndarray) -> None:
        """Let the step of output `k` read the scaled `values` (n_lanes, stride, n_channels) before it."""
        handle, count, n = to_device(np.asarray(values, work.dtype)), np.int64(work.n_lanes), work.tiles()
        self._grid(work, "feed", work.numbers, handle, np.int64(k), np.int64(0), count, work.pool.arrays, blocks=n)

    def forward(
        self,
        work: Workspace,
        theta: Any,
        *,
        free_run: float = 0,
        outputs: tuple[int, int] | None = None,
        dropout: float = 0.0,
        key: np.uint64 = NO_KEY,
    ) -> None:
        """Compute the outputs; a free run reads its own point forecasts after the first output.

        Of the steps of a decoder it may be a share between 0 and 1, drawn by the `key`. `outputs` k0 to k1, where a
        call before this one has computed those up to k0, or all of them.
        """
        (first, last), free = outputs or (0, work.layout.shape.n_outputs), free_run > 0
        program = work.program(
            ("forward", first, last, free),
            lambda: program_table(work.layout.forward(first, last, free), work.operations),
        )
        self._run(work, "forward", program, theta, *self._chances(work, free_run, dropout, key))

    def loss(self, work: Workspace, loss: Loss) -> None:
        """Add the batch's weighted loss and weight to the total, and make the gradient of the weighted mean."""
        threads = self._limits().most_threads
        alone = work.chip._replace(blocks=1, threads=threads)
        kernel, chances = build_loss(loss, threads, work.dtype.name), self._chances(work, 0, 0, NO_KEY)
        program = work.program("loss", lambda: np.zeros((1, 5), np.int64))
        self._tiles(work, kernel, program, work.nothing, alone, 0, *chances)

    def backward(self, work: Workspace, theta: Any, *, dropout: float = 0.0, key: np.uint64 = NO_KEY) -> None:
        """Compute the gradient of all parameters, by tile, from that of the outputs.

        It comes after `forward` of the same batch and dropout, and uses up what that left.
        """
        program = work.program(
            "backward", lambda: program_table(work.layout.gradient(work.inputs), gradients_of(work.operations))
        )
        self._grid(work, "transpose", on_device(theta), work.pool.arrays)
        self._run(work, "backward", program, theta, *self._chances(work, 0, dropout, key))
        network, chip, n = self._network(work), work.chip, work.tiles()
        splits = min(n, MOST_SPLITS)
        blocks, shared = 2 * self._limits().multiprocessors, staged(chip.threads) * work.dtype.itemsize
        network.weights(blocks, chip.threads, shared, work.numbers, np.int64(n), np.int64(splits), work.pool.arrays)

    def train(
        self,
        work: Workspace,
        theta: Any,
        loss: Loss,
        *,
        free_run: float = 0,
        dropout: float = 0.0,
        key: np.uint64 = NO_KEY,
    ) -> None:
        """Run `forward`, `loss` and `backward`, one after the other."""
        self.forward(work, theta, free_run=free_run, dropout=dropout, key=key)
        self.loss(work, loss)
        self.backward(work, theta, dropout=dropout, key=key)

    def update(
        self, work: Workspace, theta: Any, moments: Any, decay: Any, hyper: Any, clip: float, norms: Any, k: int = 0,
        share: float = 1.0,
    ) -> None:  # fmt: skip
        """Sum the tiles' gradients, clip them by their norm, and let Adam change theta and its moments (2, n).

        The norm before clipping goes to place `k` of `norms`. After clipping the gradient is multiplied by `share`.
        """
        arrays, scalar = work.pool.arrays, work.dtype.type
        self.sum_gradient(work)
        self._grid(work, "norm", norms, np.int64(k), arrays, blocks=1)
        self._grid(work, "update", theta, moments, decay, scalar(clip), scalar(share), *map(scalar, hyper), arrays)

    def sum_gradient(self, work: Workspace) -> None:
        """Sum the tiles' gradients into the first."""
        self._grid(work, "sum", np.int64(work.tiles()), work.pool.arrays)

    # ---------------------------------------------------------------- back to the host
    def go_on_from(self, work: Workspace, k: int, lanes: np.ndarray) -> None:
        """Let window i of the batch compute output `k` from the decoder's states of window ``lanes[i]``."""
        X, C = work.pool.read(OPERANDS), work.pool.read(OTHERS)
        take_states(X, C, work.layout.shape, k, lanes)
        work.pool.fill(OPERANDS, X)
        work.pool.fill(OTHERS, C)

    def outputs(self, work: Workspace, first: int = 0, last: int | None = None) -> np.ndarray:
        """Return a copy of outputs `first` to `last`, or all, of the batch, (n_lanes, n_outputs, output_size)."""
        return by_lane(work.pool.read(OUT)[:, first:last], work.n_lanes)

    def attention(self, work: Workspace) -> np.ndarray:
        """Return a copy of the weight of each encoder step in each output's step, (n_lanes, n_outputs, n_encoded)."""
        return by_lane(work.pool.read(ATTENTION), work.n_lanes)

    def take_total(self, work: Workspace) -> tuple[float, float]:
        """Return weighted loss and weight since they were last taken."""
        kept = work.pool.read(TILE_TOTAL).astype(np.float64).sum(axis=0)
        work.pool.fill(TILE_TOTAL, np.zeros(4))
        return float(kept[0] - kept[1]), float(kept[2] - kept[3])
