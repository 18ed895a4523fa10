"""Ancestral sampling: what is drawn for a step is read by the next, so that the steps of a path depend on each other.

Each path is a lane of a batch. Given the steps before, the channels of a step are drawn independently.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from . import distribution
from .network import Network, Source
from .parameters import Geometry
from .windows import Windows

#: Paths of a batch, so that memory does not grow with their number.
BATCH = 256
#: Paths that stand for a distribution, and the seed of their draws: quantiles of one fit are always the same.
N_PATHS, SEED = 1000, 0


def paths(
    network: Network,
    theta: Any,
    source: Source,
    windows: Windows,
    geometry: Geometry,
    n_paths: int,
    rng: np.random.RandomState,
) -> np.ndarray:
    """Continue the only one of `windows` over all of its outputs, (n_outputs * block, n_targets, n_paths).

    The steps of a block are drawn independently, too. More steps of the same seed begin with the same ones.
    """
    a, backend = network.architecture, network.backend
    work = network.workspace(geometry, min(n_paths, BATCH))
    drawn = np.empty((n_paths, geometry.n_outputs, a.block, a.n_targets))
    for first in range(0, n_paths, BATCH):
        some = drawn[first : first + BATCH]
        of_batch = np.random.RandomState(rng.randint(2**31))
        backend.gather(work, source.series, windows, np.zeros(len(some), np.int64))
        for k in range(geometry.n_outputs):
            if k > 0:
                backend.feed(work, k, some[:, k - 1])
            backend.forward(work, theta, outputs=(k, k + 1))
            outputs = backend.outputs(work)[:, k].reshape(len(some), a.block, a.n_targets, a.loss.size)
            some[:, k] = distribution.draw(a.loss, outputs, of_batch)
    steps = windows.unscale(drawn.reshape(1, n_paths, -1, a.n_targets))[0]
    return np.moveaxis(steps, 0, -1)


def quantiles(
    network: Network, theta: Any, source: Source, windows: Windows, geometry: Geometry, levels: np.ndarray
) -> np.ndarray:
    """Quantiles of each step over many paths, (n_outputs * block, n_targets, n_levels); those of counts are counts."""
    values = paths(network, theta, source, windows, geometry, N_PATHS, np.random.RandomState(SEED))
    return np.moveaxis(np.quantile(values, levels, axis=-1, method="inverted_cdf"), 0, -1)
