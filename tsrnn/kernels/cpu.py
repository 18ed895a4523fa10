"""The CPU backend: the `Backend` that networks use, over compiled operations. Handles are NumPy arrays."""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numba import config
from numpy.typing import DTypeLike

from ..losses.loss import Loss
from ..parts.attention import ATTENTION
from ..parts.common import CONSTANTS, OUT, SHARE, TOTAL, TRANSPOSE, X
from ..parts.decay import mask_of, time_of
from ..parts.gather import (
    BATCH,
    GATHER_TARGETS,
    OBSERVED,
    OF_CONTEXT,
    SCALE_TABLE,
    SCALE_WINDOWS,
    SCALES,
    SERIES,
    TARGETS,
    WINDOW_LENGTH,
    WINDOW_ROW,
    WINDOW_START,
    WINDOW_TARGET,
)
from ..parts.layout import BUFFERS, Layout
from ..parts.loss import loss_of
from ..parts.part import Buffer, Chance, Step
from ..parts.recurrent import OPERANDS, OTHERS
from ..parts.shape import layer_inputs
from ..parts.static import STATIC_CODES, STATIC_NUMBERS
from ..parts.update import COUNTS, DECAY, HYPER, MOMENTS, NORMS, UPDATE
from .ahead import prepare, units_of
from .backend import NO_KEY, by_lane, static_of, take_states
from .jit import Steps, driver, forward_of, of_forward, of_gradient, program_table
from .threads import enter_parallel, leave_parallel, single_threaded_blas
from .views import address_of, array_table, set_address

if TYPE_CHECKING:
    from ..data.windows import Windows


@dataclass
class Workspace:
    """The arrays of one batch, made once and filled again for each batch."""

    layout: Layout
    dtype: np.dtype
    capacity: int  # most windows that a batch may have
    n_lanes: int  # windows of the present batch
    arrays: Arrays  # replace none but by `give`: compiled code knows their addresses
    addresses: Any
    inputs: bool = False  # whether the gradient by the inputs is computed
    source: Windows | None = None  # the windows that compiled code knows
    given: dict[Buffer, np.ndarray | None] = field(default_factory=lambda: defaultdict(lambda: None))

    @property
    def tile(self) -> int:
        """Windows of a tile."""
        return self.arrays[X].shape[-1]

    def tiles(self) -> int:
        """Return the number of tiles that hold windows of the present batch."""
        return -(-self.n_lanes // self.tile)

    def read(self, name: str) -> np.ndarray:
        """Return the array of that name, (tiles, ...)."""
        return self.arrays[next(buffer for buffer in BUFFERS if buffer.name == name)]

    @property
    def no_theta(self) -> np.ndarray:
        """An array for operations that read no parameters."""
        return self.arrays[SHARE][0]

    def give(self, buffer: Buffer, array: np.ndarray) -> None:
        """Let compiled code find an array of the caller."""
        self.given[buffer] = array
        array = np.ascontiguousarray(array, buffer.dtype or self.dtype)
        self.arrays[buffer] = array[None]
        set_address(self.addresses, BUFFERS[buffer], self.arrays[buffer])

    def program(self, name: Any, make: Callable[[], Steps]) -> Any:
        """Return the program table of that name, made at its first use."""
        programs = self.arrays.plan.programs
        if name not in programs:
            programs[name] = program_table(make(), self.dtype)
        return programs[name]


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

    def prepare(self, layout: Layout, dtype: DTypeLike, loss: Loss) -> None:
        """Compile all that a training of this network runs, before it begins."""
        if not config.DISABLE_JIT:
            prepare(units_of(layout, dtype, [loss]), layout.cell, [loss])

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
        plan = plan_of(layout, -(-n_lanes // B), B, dtype, loss, gradient, input_gradient)
        arrays = Arrays(plan)
        arrays[CONSTANTS][0] = loss.constants if loss else ()
        for layer, width in enumerate(layer_inputs(layout.shape)):
            arrays[OPERANDS][:, layer, :, width] = 1  # the rows of ones stay as they are
        return Workspace(layout, dtype, n_lanes, 0, arrays, arrays.addresses(), inputs=input_gradient)

    def gather(self, work: Workspace, series: np.ndarray, windows: Windows, batch: np.ndarray) -> None:
        """Put the windows `batch` of `series` into the inputs, scaled; windows that are shorter start late."""
        work.n_lanes = len(batch)
        if work.source is not windows or work.given[SERIES] is not series:
            _show_windows(work, series, windows)
        work.give(BATCH, np.ascontiguousarray(batch, np.int64))
        once = work.program("scale", lambda: of_forward([(SCALE_WINDOWS, Step())]))
        operations = work.layout.input_operations()
        steps = work.program("gather", lambda: of_forward([(operation, Step()) for operation in operations]))
        values = work.n_lanes * work.layout.shape.n_steps * work.layout.shape.n_inputs
        _run(work, steps, work.no_theta, once=once, alone=values < FEW)

    def gather_targets(
        self, work: Workspace, targets: np.ndarray, observed: np.ndarray, windows: Windows, batch: np.ndarray
    ) -> None:
        """Put the scaled targets of the windows beside the outputs, with weight 0 where one is missing.

        To be called after `gather` of the same batch, which computes the scales.
        """
        if work.given[TARGETS] is not targets or work.given[OBSERVED] is not observed:
            work.give(TARGETS, targets)
            work.give(OBSERVED, observed)
        _run(work, work.program("targets", lambda: of_forward([(GATHER_TARGETS, Step())])), work.no_theta, n_tiles=1)

    def forward(
        self,
        work: Workspace,
        theta: np.ndarray,
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
        first, last = outputs or (0, work.layout.shape.n_outputs)
        steps = work.program(("forward", first, last, free_run > 0), lambda: _forward(work, first, last, free_run > 0))
        _run(work, steps, theta, free_run, dropout, key)

    def feed(self, work: Workspace, k: int, values: np.ndarray) -> None:
        """Let the step of output `k` read the scaled `values` (n_lanes, stride, n_channels) before it."""
        x, shape, lane = work.arrays[X], work.layout.shape, np.arange(work.n_lanes)
        first, B = shape.n_steps - (shape.n_outputs - k) * shape.segment, x.shape[3]
        for j in range(shape.segment):
            x[lane // B, : shape.n_channels, first + j, lane % B] = values[:, j]
            x[lane // B, mask_of(shape, 0) : time_of(shape, 0), first + j, lane % B] = 1
            x[lane // B, time_of(shape, 0) :, first + j, lane % B] = 0

    def loss(self, work: Workspace, loss: Loss) -> None:
        """Add the batch's weighted loss and weight to the total, and make the gradient of the weighted mean."""
        _run(work, work.program(loss, lambda: _loss(loss)), work.no_theta)

    def backward(self, work: Workspace, theta: np.ndarray, *, dropout: float = 0.0, key: np.uint64 = NO_KEY) -> None:
        """Compute the gradient of all parameters, by tile, from that of the outputs.

        It comes after `forward` of the same batch and dropout, and uses up what that left.
        """
        steps = work.program("backward", lambda: of_gradient(work.layout.gradient(work.inputs)))
        _run(work, steps, theta, 0, dropout, key, once=_transpose(work))

    def train(
        self,
        work: Workspace,
        theta: np.ndarray,
        loss: Loss,
        *,
        free_run: float = 0,
        dropout: float = 0.0,
        key: np.uint64 = NO_KEY,
    ) -> None:
        """Run `forward`, `loss` and `backward`, all of them on a tile before the next."""

        def all_of_them() -> Steps:
            forward = _forward(work, 0, work.layout.shape.n_outputs, free_run > 0)
            return forward + _loss(loss) + of_gradient(work.layout.gradient(work.inputs))

        steps = work.program(("train", loss, free_run > 0), all_of_them)
        _run(work, steps, theta, free_run, dropout, key, once=_transpose(work))

    def update(
        self,
        work: Workspace,
        theta: np.ndarray,
        moments: np.ndarray,
        decay: np.ndarray,
        hyper: np.ndarray,
        clip: float,
        norms: np.ndarray,
        k: int = 0,
        share: float = 1.0,
    ) -> None:
        """Sum the tiles' gradients, clip them by their norm, and let Adam change theta and its moments (2, n).

        `hyper` are learning rate, beta1, beta2, epsilon, 1 - beta1**t and 1 - beta2**t. The norm before clipping goes
        to place `k` of `norms`. After clipping the gradient is multiplied by `share`.
        """
        for buffer, array in ((MOMENTS, moments), (DECAY, decay), (NORMS, norms)):
            if work.given[buffer] is not array:
                work.give(buffer, array)
        work.arrays[HYPER][0, :6], work.arrays[HYPER][0, 6:] = hyper, (clip, share)
        work.arrays[COUNTS][0] = work.tiles(), k
        _run(work, work.program("update", lambda: of_forward([(UPDATE, Step())])), theta, n_tiles=1)

    def go_on_from(self, work: Workspace, k: int, lanes: np.ndarray) -> None:
        """Let window i of the batch compute output `k` from the decoder's states of window ``lanes[i]``."""
        take_states(work.arrays[OPERANDS], work.arrays[OTHERS], work.layout.shape, k, lanes)

    def outputs(self, work: Workspace, first: int = 0, last: int | None = None) -> np.ndarray:
        """Return a copy of outputs `first` to `last`, or all, of the batch, (n_lanes, n_outputs, output_size)."""
        return by_lane(work.arrays[OUT][:, first:last], work.n_lanes)

    def attention(self, work: Workspace) -> np.ndarray:
        """Return a copy of the weight of each encoder step in each output's step, (n_lanes, n_outputs, n_encoded)."""
        return by_lane(work.arrays[ATTENTION], work.n_lanes)

    def take_total(self, work: Workspace) -> tuple[float, float]:
        """Return weighted loss and weight since they were last taken."""
        value, weight = map(float, work.arrays[TOTAL].sum(axis=0))
        work.arrays[TOTAL][:] = 0
        return value, weight


#: So many values are copied by one thread in less time than it takes to share them out.
FEW = 20_000
#: Bytes of a cache line, at which the arrays of a workspace begin: a row of a tile is one line then.
LINE = 64


class Plan(NamedTuple):
    """What workspaces of one kind share: where their arrays lie, and their programs.

    `places` are shape, dtype and first byte in the workspace's memory of `size` bytes.
    """

    places: dict[Buffer, tuple[tuple[int, ...], np.dtype, int]]
    size: int
    tables: Mapping[Buffer, np.ndarray]  # index tables of the network, which lie elsewhere
    table: np.ndarray  # as `views.array_table`, with first bytes in the place of addresses
    programs: dict[Any, Any]  # program tables by name, made at their first use


@functools.lru_cache(maxsize=64)
def plan_of(
    layout: Layout, n_tiles: int, tile: int, dtype: np.dtype, loss: Loss | None, gradient: bool, inputs: bool
) -> Plan:
    """Lay the arrays out one after the other, each at a cache line; forecasts ask for the same plan again and again."""
    shapes = layout.shapes(
        n_tiles, tile, loss_size=loss.size if loss else None, n_constants=len(loss.constants) if loss else 0,
        gradient=gradient, inputs=inputs,
    )  # fmt: skip
    places, first = {}, 0
    for buffer, shape in shapes.items():
        of_buffer = np.dtype(buffer.dtype) if buffer.dtype else dtype
        places[buffer] = (shape, of_buffer, first)
        first += -(-prod(shape) * of_buffer.itemsize // LINE) * LINE
    table = array_table([begin for _, _, begin in places.values()], list(shapes.values()))
    return Plan(places, first, {buffer: values[None] for buffer, values in layout.tables.items()}, table, {})


class Arrays(dict[Buffer, np.ndarray]):
    """The arrays of a workspace, zeros in one piece of memory; a view of it is made where Python asks for one."""

    def __init__(self, plan: Plan):
        super().__init__(plan.tables)
        self.plan, memory = plan, np.zeros(plan.size + LINE, np.uint8)
        self.memory = memory[-address_of(memory) % LINE :]

    def __missing__(self, buffer: Buffer) -> np.ndarray:
        """Return the array of a buffer."""
        shape, dtype, first = self.plan.places[buffer]
        self[buffer] = array = np.ndarray(shape, dtype, self.memory, first)
        return array

    def addresses(self) -> Any:
        """Return the array table."""
        if config.DISABLE_JIT:
            return [self[buffer] for buffer in self.plan.places]
        table = self.plan.table.copy()
        table[:, 0] += address_of(self.memory)
        for buffer in self.plan.tables:
            set_address(table, BUFFERS[buffer], self[buffer])
        return table


def _forward(work: Workspace, first: int, last: int, free: bool) -> Steps:
    return of_forward(work.layout.forward(first, last, free))


def _loss(loss: Loss) -> Steps:
    return [(forward_of(loss_of(loss)), Step())]


def _transpose(work: Workspace) -> Any:
    """Return the program that prepares a gradient, once for all tiles."""
    return work.program("transpose", lambda: of_forward([(TRANSPOSE, Step())]))


def _show_windows(work: Workspace, series: np.ndarray, windows: Windows) -> None:
    """Let compiled code find a series and its windows."""
    scales = windows.scales
    given = {
        SERIES: series, WINDOW_START: windows.start, WINDOW_LENGTH: windows.length, WINDOW_TARGET: windows.target,
        WINDOW_ROW: windows.series, SCALE_TABLE: scales.table, OF_CONTEXT: scales.of_context,
        SCALES: np.empty((2, work.capacity, scales.of_context.shape[1])),
    }  # fmt: skip
    if static := static_of(work.layout, windows):
        given |= {STATIC_NUMBERS: static.numbers, STATIC_CODES: static.codes}
    for buffer, array in given.items():
        work.give(buffer, array)
    work.source = windows


def _run(
    work: Workspace,
    steps: Any,
    theta: np.ndarray,
    free_run: float = 0,
    dropout: float = 0.0,
    key: np.uint64 = NO_KEY,
    *,
    once: Any = None,
    n_tiles: int | None = None,
    alone: bool = False,
) -> None:
    """Run the program `once`, then `steps` over the tiles of the present batch.

    It is done in parallel unless another thread does so, or the program is to run `alone`.
    """
    if theta.dtype != work.dtype or not theta.flags.c_contiguous:  # compiled code does not look at it
        raise TypeError(
            f"theta is an array of {theta.dtype} with the strides {theta.strides}, but the workspace reads contiguous "
            f"{work.dtype}; pass what `upload` returns for that dtype"
        )
    number = work.dtype.type  # the same draws as on every other device
    chance, n = Chance(number(free_run), number(dropout), np.uint64(key)), work.tiles() if n_tiles is None else n_tiles
    once = work.program("nothing", list) if once is None else once
    run, parallel = driver(work.dtype), not alone and enter_parallel(n)
    try:
        run(once, steps, parallel, n, work.layout.shape, theta, chance, work.addresses)
    finally:
        if parallel:
            leave_parallel()
