"""Ancestral sampling: each step of a path is drawn given the draws of the steps before, which the network reads.

Each path is a window of a batch. Given the steps before, the channels of a step are drawn independently.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ..data.windows import Geometry, Windows
from ..networks.network import Handle, Network, Source
from . import distribution

#: Number of paths of a series that have draws of their own generator; changing it changes the draws.
BATCH = 256
#: Paths, of several series where these have few, that are computed together, so that memory does not grow with them.
LANES = 1024
#: Number of paths from which quantiles and means are computed, and their seed: those of one fit are always the same.
N_PATHS, SEED = 1000, 0
#: Series of which so many paths are kept at a time.
SERIES = 64


def paths(
    network: Network,
    theta: Handle,
    source: Source,
    windows: Windows,
    geometry: Geometry,
    n_paths: int,
    rngs: Sequence[np.random.RandomState],
    known: np.ndarray | None = None,
) -> np.ndarray:
    """Draw paths of all outputs after each of n `windows`, (n, n_outputs * block, n_targets, n_paths).

    Each window has its own generator, so that its paths do not depend on the others. The steps of a block are drawn
    independently, too. With the same seed and more steps, the first steps are the same. Where `known` (m, n_targets)
    is not NaN, it replaces the draws of the first m steps after the only window.
    """
    a, backend, n = network.architecture, network.backend, len(windows)
    together = max(1, LANES // min(n_paths, BATCH))
    work = network.workspace(geometry, min(n, together) * min(n_paths, BATCH))
    drawn = np.empty((n, n_paths, geometry.n_outputs, a.block, a.n_targets))
    given = _scaled(known, windows, geometry.n_outputs * a.block).reshape(drawn.shape[2:])
    for first in range(0, n, together):
        for start in range(0, n_paths, BATCH):
            some = drawn[first : first + together, start : start + BATCH]
            m, p = some.shape[:2]
            of_batch = [np.random.RandomState(rng.randint(2**31)) for rng in rngs[first : first + together]]
            backend.gather(work, source.series, windows, np.repeat(first + np.arange(m), p))
            for k in range(geometry.n_outputs):
                if k > 0:
                    backend.feed(work, k, some[:, :, k - 1].reshape(m * p, a.block, a.n_targets))
                backend.forward(work, theta, outputs=(k, k + 1))
                outputs = backend.outputs(work)[:, k].reshape(m, p, a.block, a.n_targets, a.loss.size)
                values = distribution.draw_each(a.loss, outputs, of_batch)
                some[:, :, k] = np.where(np.isnan(given[k]), values, given[k])
    steps = windows.unscale(drawn.reshape(n, n_paths, -1, a.n_targets))
    return np.moveaxis(steps, 1, -1)


def _scaled(known: np.ndarray | None, windows: Windows, n_steps: int) -> np.ndarray:
    """Known values in the units of the only window, (n_steps, n_targets), NaN where nothing is known."""
    values = np.full((n_steps, windows.target_shift.shape[1]), np.nan)
    if known is not None:
        m = min(len(known), n_steps)
        values[:m] = (known[:m] - windows.target_shift) / windows.target_scale
    return values


def summarise(
    sample: Callable[[np.ndarray, int, list[np.random.RandomState]], np.ndarray],
    n: int,
    summary: Callable[[np.ndarray], np.ndarray],
) -> np.ndarray:
    """``summary(paths)`` of many paths after each of n series, (n, n_steps, n_targets, ...).

    ``sample(series, n_paths, rngs)`` draws the paths of some of them, (n_series, n_steps, n_targets, n_paths).
    """
    found = []
    for first in range(0, n, SERIES):
        series = np.arange(first, min(first + SERIES, n))
        found.append(summary(sample(series, N_PATHS, [np.random.RandomState(SEED) for _ in series])))
    return np.concatenate(found)


def quantiles(paths: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Quantiles over paths (..., n_paths), (..., n_levels); those of counts are counts."""
    return np.moveaxis(np.quantile(paths, levels, axis=-1, method="inverted_cdf"), 0, -1)
