"""A network: an architecture on a backend. Initialise it, let it forecast windows, train it one batch at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ..data.windows import Geometry, Windows
from ..kernels import get_backend
from ..kernels.backend import Backend, Batch, Handle, Workspace
from ..parts.layout import Layout
from .architecture import Architecture

#: Windows of a forecast that are computed together, so that memory does not grow with their number.
BATCH = 256
#: Layouts that a network keeps; to make one takes less than a millisecond.
MAX_LAYOUTS = 64


@dataclass
class Source:
    """What windows index into, as handles of a backend; without targets where nothing is compared with them."""

    series: Handle  # inputs (N, n_inputs)
    targets: Handle = None  # (M, n_targets)
    observed: Handle = None  # weight of each target, (M, n_targets); 0 where it is missing

    @classmethod
    def upload(
        cls, backend: Backend, series: np.ndarray, targets: np.ndarray | None = None, observed: np.ndarray | None = None
    ) -> Source:
        """Bring the arrays to the backend; a series that is its own target is brought there once."""
        handle = backend.upload(series, np.float64)
        if targets is None:
            return cls(handle)
        return cls(
            handle,
            handle if targets is series else backend.upload(targets, np.float64),
            backend.upload(observed, np.float64),
        )


class Network:
    """An `architecture` in one precision on one backend; it holds no parameters.

    It is trained in batches of `n_lanes` windows, for which a device may lay it out.
    """

    def __init__(
        self,
        architecture: Architecture,
        dtype: DTypeLike = "float32",
        backend: Backend | None = None,
        n_lanes: int | None = None,
    ):
        self.architecture = architecture
        self.dtype = np.dtype(dtype)
        self.backend: Backend = backend or get_backend("cpu")
        self.n_lanes = n_lanes
        self._layouts: dict[Geometry, Layout] = {}

    def __getstate__(self) -> dict[str, Any]:  # attributes of any type
        """Return what is pickled: layouts are made anew."""
        return vars(self) | {"_layouts": {}}

    def on(self, device: str) -> Network:
        """The same on the device of that name."""
        return Network(self.architecture, self.dtype, get_backend(device, self.n_lanes), self.n_lanes)

    def layout(self, geometry: Geometry) -> Layout:
        """The layout for windows of `geometry`, which is made at its first use, and again after many others."""
        layout = self._layouts.get(geometry)
        if layout is None:
            if len(self._layouts) >= MAX_LAYOUTS:
                self._layouts = {}  # a new one: another thread may read the old one
            layout = self._layouts[geometry] = self.architecture.layout(geometry)
        return layout

    def workspace(self, geometry: Geometry, n_lanes: int, **options: Any) -> Workspace:
        """Room for `n_lanes` windows of `geometry`; `options` as the backend's workspace takes them."""
        return self.backend.workspace(self.layout(geometry), n_lanes, self.dtype, **options)

    def some_room(self, geometry: Geometry, n_lanes: int, **options: Any) -> Workspace:
        """Room for `n_lanes` windows, or if there is too little memory for a half, a quarter and so on."""
        try:
            return self.workspace(geometry, n_lanes, **options)
        except MemoryError:
            if n_lanes == 1:
                raise
        return self.some_room(geometry, n_lanes // 2, **options)

    def predict(
        self,
        theta: Handle,
        source: Source,
        windows: Windows,
        geometry: Geometry,
        *,
        free_run: bool,
        batch_size: int = BATCH,
    ) -> np.ndarray:
        """Outputs of all windows, scaled, (n_windows, n_outputs, block, n_targets, loss.size)."""
        a = self.architecture
        n = len(windows)
        work = self.some_room(geometry, min(n, batch_size))
        outputs = np.empty((n, geometry.n_outputs, a.output_size), self.dtype)
        for first in range(0, n, work.capacity):
            batch = np.arange(first, min(first + work.capacity, n))
            self.backend.gather(work, source.series, windows, batch)
            self.backend.forward(work, theta, free_run=free_run)
            outputs[batch] = self.backend.outputs(work)
        return outputs.reshape(n, geometry.n_outputs, a.block, a.n_targets, a.loss.size)

    def attention(
        self, theta: Handle, source: Source, windows: Windows, geometry: Geometry, *, free_run: bool = True
    ) -> np.ndarray:
        """Weight that each output gives to each step of the encoder, (n_windows, n_outputs, n_encoded)."""
        n, weights = len(windows), []
        work = self.some_room(geometry, min(n, BATCH))
        for first in range(0, n, work.capacity):
            batch = np.arange(first, min(first + work.capacity, n))
            self.backend.gather(work, source.series, windows, batch)
            self.backend.forward(work, theta, free_run=free_run)
            weights.append(self.backend.attention(work))
        return np.concatenate(weights)

    def evaluate(
        self, work: Workspace, theta: Handle, source: Source, windows: Windows, *, free_run: bool
    ) -> tuple[float, float]:
        """Weighted loss and weight of all windows, in batches of the size that `work` was made for."""
        n = len(windows)
        self.backend.take_total(work)
        order = self.backend.upload(np.arange(n), np.int64)
        for first in range(0, n, work.capacity):
            self._gather(work, source, windows, self.backend.part(order, first, first + work.capacity))
            self.backend.forward(work, theta, free_run=free_run)
            self.backend.loss(work, self.architecture.loss)
        return self.backend.take_total(work)

    def loss_and_grad(
        self, work: Workspace, theta: Handle, source: Source, windows: Windows, batch: Batch, **options: Any
    ) -> None:
        """Loss and gradient of one batch; both stay in `work`. `options` as the backend's `train` takes them."""
        self._gather(work, source, windows, batch)
        self.backend.train(work, theta, self.architecture.loss, **options)

    def _gather(self, work: Workspace, source: Source, windows: Windows, batch: Batch) -> None:
        self.backend.gather(work, source.series, windows, batch)
        self.backend.gather_targets(work, source.targets, source.observed, windows, batch)
