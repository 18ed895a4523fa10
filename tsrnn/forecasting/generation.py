"""Generation: series without a context, which begin in the states that static covariates set.

Step k of the network reads value k - 1, its own one in a free run. Step 0 reads the mean of the training, which is zero
after scaling.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..data.scaling import Scales, Scaling
from ..data.static import Static
from ..data.windows import Geometry, Windows
from ..networks.network import Handle, Network, Source
from . import ancestral, distribution


def geometry_of(n_steps: int) -> Geometry:
    """An output for each of `n_steps` steps, the first after the row before the series."""
    return Geometry(context=1, n_outputs=n_steps)


def windows_of(static: Static, scaling: Scaling, n_steps: int, distance: int) -> Windows:
    """A window for each row of `static`; the row before each series lies `distance` rows after the one before."""
    series = np.arange(len(static.numbers))
    mean, scale = (np.repeat(values, len(series), axis=0) for values in (scaling.mean, scaling.scale))
    scales = Scales.of_table(mean, scale, mean, scale)
    return replace(Windows.at(distance * series, series, scales, geometry_of(n_steps)), static=static)


def point_paths(network: Network, theta: Handle, static: Static, scaling: Scaling, n_steps: int) -> np.ndarray:
    """Point forecasts, each of which reads the one before, (n, n_steps, C)."""
    source, windows = _beginnings(network, static, scaling, n_steps)
    outputs = network.predict(theta, source, windows, geometry_of(n_steps), free_run=True)
    return windows.unscale(distribution.point(network.architecture.loss, outputs))[:, :, 0]


def sampled_paths(
    network: Network, theta: Handle, static: Static, scaling: Scaling, n_steps: int, n_paths: int,
    rngs: Sequence[np.random.RandomState],
) -> np.ndarray:  # fmt: skip
    """Draws, each of which reads the one before, (n, n_steps, C, n_paths); each row has a generator of its own."""
    source, windows = _beginnings(network, static, scaling, n_steps)
    return ancestral.paths(network, theta, source, windows, geometry_of(n_steps), n_paths, rngs)


def _beginnings(network: Network, static: Static, scaling: Scaling, n_steps: int) -> tuple[Source, Windows]:
    """Windows that share the same rows: all that is read of these is the first, the others are fed."""
    rows = np.repeat(scaling.mean, 1 + n_steps, axis=0)
    return Source.upload(network.backend, rows), windows_of(static, scaling, n_steps, distance=0)
