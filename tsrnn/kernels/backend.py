"""What a backend is: the methods by which networks are trained and forecast, whatever computes them.

The calls of one batch, in this order; within an epoch nothing comes back from the device but by the last four:

    prepare                          once: compile what a training runs
    workspace                        once: the arrays of a batch, filled again for each
    gather, gather_targets           windows of the series, scaled, and their targets
    train                            or forward, loss, backward, one after the other
    update                           change the parameters
    outputs, attention               after a forward pass
    take_total, download             loss and weight since they were last taken; a handle's array

`forward(outputs=(k, k + 1))` continues where a call with outputs up to k ended; between the two, `feed` replaces what
the next step reads, and `go_on_from` the decoder's states. `backward` uses up what the forward pass left. All methods
are called within `session`.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import DTypeLike

from ..losses.loss import Loss
from ..parts.layout import Layout
from ..parts.shape import Shape, layer_inputs
from ..parts.static import CATEGORIES

if TYPE_CHECKING:
    from ..data.static import Static
    from ..data.windows import Windows

#: An array where the backend keeps its arrays. Networks pass handles on and look into none, so any type will do.
Handle: TypeAlias = Any
#: Window numbers of a batch: an array on the host, or a `part` of an uploaded order.
Batch: TypeAlias = Any

#: The key of a pass that draws nothing.
NO_KEY = np.uint64(0)


class Workspace(Protocol):
    """The arrays of one batch.

    Attributes
    ----------
    capacity : int
        The largest number of windows that a batch may have.
    n_lanes : int
        The number of windows of the present batch.
    """

    capacity: int
    n_lanes: int


def static_of(layout: Layout, windows: Windows) -> Static | None:
    """Return the static covariates of windows, which a network must be able to read; None for a network without.

    Raises
    ------
    ValueError
        If they are missing, are not those that the network reads, or have a code that no embedding belongs to.
    """
    shape, static = layout.shape, windows.static
    wanted = f"the network reads {shape.n_static} static numbers and {shape.n_categories} categories of each series"
    if static is None:
        if shape.static_size:
            raise ValueError(f"{wanted}, but the windows have none; pass dataclasses.replace(windows, static=...)")
        return None
    columns, n_rows = (static.numbers.shape[1], static.codes.shape[1]), windows.series.max(initial=-1) + 1
    if columns != (shape.n_static, shape.n_categories) or min(len(static.numbers), len(static.codes)) < n_rows:
        raise ValueError(
            f"{wanted}, and the windows are of {n_rows} series, but static has numbers {static.numbers.shape} and "
            f"codes {static.codes.shape}; pass a row for each series and a column for each number and category"
        )
    cardinalities = layout.tables[CATEGORIES][:, 3]
    if len(wrong := np.argwhere((static.codes < 0) | (static.codes > cardinalities))):
        row, column = wrong[0]
        raise ValueError(
            f"static.codes[{row}, {column}] is {static.codes[row, column]}, but the codes of that category are 0 to "
            f"{cardinalities[column]}; use 0 for a value that the training did not see"
        )
    return static


def by_lane(tiles: np.ndarray, n_lanes: int) -> np.ndarray:
    """Return a copy of what an array (n_tiles, i, j, B) holds of the first windows, (n_lanes, i, j)."""
    lanes = tiles.transpose(0, 3, 1, 2)
    return lanes.reshape(-1, *lanes.shape[2:])[:n_lanes].copy()


def take_states(X: np.ndarray, C: np.ndarray, shape: Shape, k: int, lanes: np.ndarray) -> None:
    """Give lane i the decoder's states before slot `k` of lane ``lanes[i]``.

    X (tiles, L, slots + 1, K, B) are the layers' operands and C (tiles, L, slots + 1, others, H B) their other states.
    """
    B, H, to = X.shape[-1], shape.hidden_size, np.arange(len(lanes))
    others = C.reshape(*C.shape[:4], H, B)
    for layer, width in enumerate(layer_inputs(shape)):
        if layer >= shape.num_layers:
            h, rest = X[:, layer, k, width + 1 : width + 1 + H], others[:, layer, k]
            h[to // B, :, to % B] = h[lanes // B, :, lanes % B]
            rest[to // B, :, :, to % B] = rest[lanes // B, :, :, lanes % B]


@runtime_checkable
class Backend(Protocol):
    """Where and how networks are computed. For n windows, I inputs, C targets and n_theta parameters."""

    name: str

    def session(self) -> AbstractContextManager[None]:
        """Return a context in which the other methods are called."""
        ...

    def upload(self, array: Any, dtype: DTypeLike) -> Handle:  # any array-like
        """Return a handle of a copy of `array`: contiguous, and never the caller's memory."""
        ...

    def download(self, handle: Handle) -> np.ndarray:
        """Return a copy of a handle's array."""
        ...

    def part(self, order: Handle, first: int, last: int) -> Batch:
        """Return the windows `first` to `last` of an uploaded order, as a batch."""
        ...

    def prepare(self, layout: Layout, dtype: DTypeLike, loss: Loss) -> None:
        """Compile what a training of this network runs."""
        ...

    def workspace(
        self,
        layout: Layout,
        n_lanes: int,
        dtype: DTypeLike,
        *,
        loss: Loss | None = None,
        gradient: bool = False,
        input_gradient: bool = False,
    ) -> Any:  # the backend's own `Workspace`, which no other backend takes
        """Return room for batches of at most `n_lanes` windows: for outputs, for a `loss`, for a `gradient`.

        Raises
        ------
        MemoryError
            If there is too little memory.
        """
        ...

    def gather(self, work: Any, series: Handle, windows: Windows, batch: Batch) -> None:
        """Put the windows `batch` of `series` (N, I) float64 into the inputs, scaled; short ones start late.

        Static covariates that the windows have are put beside them.
        """
        ...

    def gather_targets(self, work: Any, targets: Handle, observed: Handle, windows: Windows, batch: Batch) -> None:
        """Put the scaled `targets` (M, C) float64 of the windows beside the outputs, with their weights `observed`."""
        ...

    def forward(
        self,
        work: Any,
        theta: Handle,
        *,
        free_run: float = 0,
        outputs: tuple[int, int] | None = None,
        dropout: float = 0.0,
        key: np.uint64 = NO_KEY,
    ) -> None:
        """Compute `outputs` k0 to k1, or all, for the parameters `theta` (n_theta,).

        With `free_run` the steps after the first output read the network's own forecasts; of a decoder's steps a share
        between 0 and 1. That share and `dropout` are drawn by the `key`.
        """
        ...

    def feed(self, work: Any, k: int, values: np.ndarray) -> None:
        """Let the step of output `k` read the scaled `values` (n, stride, C) before it."""
        ...

    def loss(self, work: Any, loss: Loss) -> None:
        """Add the batch's weighted loss and weight to the total, and compute the gradient by the outputs."""
        ...

    def backward(self, work: Any, theta: Handle, *, dropout: float = 0.0, key: np.uint64 = NO_KEY) -> None:
        """Compute the gradient by all parameters, after a forward pass with the same `dropout` and `key`."""
        ...

    def train(
        self,
        work: Any,
        theta: Handle,
        loss: Loss,
        *,
        free_run: float = 0,
        dropout: float = 0.0,
        key: np.uint64 = NO_KEY,
    ) -> None:
        """Run `forward`, `loss` and `backward`."""
        ...

    def update(
        self,
        work: Any,
        theta: Handle,
        moments: Handle,
        decay: Handle,
        hyper: np.ndarray,
        clip: float,
        norms: Handle,
        k: int = 0,
        share: float = 1.0,
    ) -> None:
        """Change theta and Adam's moments (2, n_theta) by the batch's gradient, clipped to the norm `clip`.

        `decay` is the weight decay of each parameter (n_theta,); `hyper` are learning rate, beta1, beta2, epsilon,
        1 - beta1**t and 1 - beta2**t; the norm before clipping goes to place `k` of `norms`. After clipping the
        gradient is multiplied by `share`.
        """
        ...

    def go_on_from(self, work: Any, k: int, lanes: np.ndarray) -> None:
        """Let window i of the batch compute output `k` from the decoder's states of window ``lanes[i]``."""
        ...

    def outputs(self, work: Any, first: int = 0, last: int | None = None) -> np.ndarray:
        """Return a copy of the outputs `first` to `last`, or all, of the batch, (n, n_outputs, output_size)."""
        ...

    def attention(self, work: Any) -> np.ndarray:
        """Return a copy of the weight of each encoder step in each output's step, (n, n_outputs, n_encoded)."""
        ...

    def take_total(self, work: Any) -> tuple[float, float]:
        """Return weighted loss and weight since they were last taken."""
        ...
