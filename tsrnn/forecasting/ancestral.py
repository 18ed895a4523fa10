"""Ancestral sampling: each step of a path is drawn given the draws of the steps before, which the network reads.

Each path is a window of a batch. Given the steps before, the channels of a step are drawn independently.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..data.windows import Geometry, Windows
from ..networks.network import Handle, Network, Source
from . import distribution

#: Number of paths in a batch, so that memory does not grow with the number of paths.
BATCH = 256
#: Number of paths from which quantiles are computed, and their seed: quantiles of one fit are always the same.
N_PATHS, SEED = 1000, 0


def paths(
    network: Network,
    theta: Handle,
    source: Source,
    windows: Windows,
    geometry: Geometry,
    n_paths: int,
    rng: np.random.RandomState,
    known: np.ndarray | None = None,
) -> np.ndarray:
    """Draw paths of all outputs after the only one of `windows`, (n_outputs * block, n_targets, n_paths).

    The steps of a block are drawn independently, too. With the same seed and more steps, the first steps are the same.
    Where `known` (m, n_targets) is not NaN, it replaces the draws of the first m steps.
    """
    a, backend = network.architecture, network.backend
    work = network.workspace(geometry, min(n_paths, BATCH))
    drawn = np.empty((n_paths, geometry.n_outputs, a.block, a.n_targets))
    given = _scaled(known, windows, geometry.n_outputs * a.block).reshape(drawn.shape[1:])
    for first in range(0, n_paths, BATCH):
        some = drawn[first : first + BATCH]
        of_batch = np.random.RandomState(rng.randint(2**31))
        backend.gather(work, source.series, windows, np.zeros(len(some), np.int64))
        for k in range(geometry.n_outputs):
            if k > 0:
                backend.feed(work, k, some[:, k - 1])
            backend.forward(work, theta, outputs=(k, k + 1))
            outputs = backend.outputs(work)[:, k].reshape(len(some), a.block, a.n_targets, a.loss.size)
            some[:, k] = np.where(np.isnan(given[k]), distribution.draw(a.loss, outputs, of_batch), given[k])
    steps = windows.unscale(drawn.reshape(1, n_paths, -1, a.n_targets))[0]
    return np.moveaxis(steps, 0, -1)


def _scaled(known: np.ndarray | None, windows: Windows, n_steps: int) -> np.ndarray:
    """Known values in the units of the only window, (n_steps, n_targets), NaN where nothing is known."""
    values = np.full((n_steps, windows.target_shift.shape[1]), np.nan)
    if known is not None:
        m = min(len(known), n_steps)
        values[:m] = (known[:m] - windows.target_shift) / windows.target_scale
    return values


def quantiles(sample: Callable[[int, np.random.RandomState], np.ndarray], levels: np.ndarray) -> np.ndarray:
    """Quantiles of each step over many paths, (n_steps, n_targets, n_levels); quantiles of counts are counts.

    ``sample(n_paths, rng)`` draws the paths, (n_steps, n_targets, n_paths).
    """
    values = sample(N_PATHS, np.random.RandomState(SEED))
    return np.moveaxis(np.quantile(values, levels, axis=-1, method="inverted_cdf"), 0, -1)
