"""Direct: one head for the whole horizon, decoded from the final state; beyond it, block after block."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import distribution
from ..network import Network, Source
from ..parameters import Geometry
from ..windows import SeriesScaling, Windows, ahead_of


def geometry(context_length: int, horizon: int) -> Geometry:
    """One output of `horizon` steps after `context_length` steps."""
    return Geometry(context_length, n_outputs=1, block=horizon)


def forecast(
    network: Network, theta: Any, context: np.ndarray, covariates: np.ndarray, scaling: SeriesScaling, horizon: int
) -> np.ndarray:
    """Continue `context` (context_length, C) by `horizon` steps; each block reads the forecasts before it.

    `covariates` (context_length + horizon, F) are those of the context and of the steps ahead.
    """
    length = len(context)
    series = context
    while len(series) < length + horizon:
        done = len(series) - length
        outputs, windows = _block(network, theta, series[done:], covariates[done:], scaling)
        series = np.concatenate([series, windows.unscale(distribution.point(network.architecture.loss, outputs))[0]])
    return series[length : length + horizon]


def quantiles(
    network: Network,
    theta: Any,
    context: np.ndarray,
    covariates: np.ndarray,
    scaling: SeriesScaling,
    horizon: int,
    levels: np.ndarray,
) -> np.ndarray | None:
    """Quantiles of each step, (horizon, C, n_levels); None where the outputs are neither a distribution nor quantiles.

    Raises
    ------
    ValueError
        Beyond the trained horizon, or where a level was not trained.
    """
    loss = network.architecture.loss
    if not (loss.family or loss.levels):
        return None
    outputs, windows = _block(network, theta, context, covariates, scaling, horizon)
    values = distribution.quantiles(loss, outputs[0, :horizon], levels)
    return np.moveaxis(windows.unscale(values[None])[0], 0, -1)


def sample(
    network: Network,
    theta: Any,
    context: np.ndarray,
    covariates: np.ndarray,
    scaling: SeriesScaling,
    horizon: int,
    n_paths: int,
    rng: np.random.RandomState,
) -> np.ndarray:
    """Draws of each step, (horizon, C, n_paths): steps and channels are independent, given the context.

    Raises
    ------
    ValueError
        Beyond the trained horizon.
    """
    outputs, windows = _block(network, theta, context, covariates, scaling, horizon)
    each = np.broadcast_to(outputs[:, :horizon], (n_paths, *outputs[0, :horizon].shape))
    values = distribution.draw(network.architecture.loss, each, rng)
    return np.moveaxis(windows.unscale(values[None])[0], 0, -1)


def _block(
    network: Network,
    theta: Any,
    context: np.ndarray,
    covariates: np.ndarray,
    scaling: SeriesScaling,
    horizon: int = 1,
) -> tuple[np.ndarray, Windows]:
    """The outputs of the block after `context`, (1, block, C, loss.size), and its window.

    A `horizon` beyond it is an error, since a later block would read points where this one has distributions.
    """
    length, block = len(context), network.architecture.block
    if horizon > block:
        raise ValueError(
            f"a direct network knows the distribution of horizon={block} steps ahead, not of {horizon}; fit with a "
            "longer horizon"
        )
    shape = geometry(length, block)
    windows = scaling.windows(context, np.zeros(1, np.int64), shape)
    source = Source.upload(network.backend, ahead_of(context, covariates[: length + block]), context, context)
    return network.predict(theta, source, windows, shape, free_run=False)[:, 0], windows
