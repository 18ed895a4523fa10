"""Recursive: one step ahead at every position that has its lags, rolled forward on its own forecasts."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import ancestral, distribution
from ..network import Network, Source
from ..parameters import Geometry
from ..windows import SeriesScaling, Windows, ahead_of


def geometry(context_length: int, horizon: int) -> Geometry:
    """`horizon` one-step outputs, the first after `context_length` steps; training reads the truth."""
    return Geometry(context_length, n_outputs=horizon, block=1)


def forecast(
    network: Network, theta: Any, context: np.ndarray, covariates: np.ndarray, scaling: SeriesScaling, horizon: int
) -> np.ndarray:
    """Continue `context` (context_length, C) by `horizon` steps, (horizon, C).

    `covariates` (context_length + horizon, F) are those of the context and of the steps ahead.
    """
    source, windows, shape = _window(network, context, covariates, scaling, horizon)
    outputs = network.predict(theta, source, windows, shape, free_run=True)
    return windows.unscale(distribution.point(network.architecture.loss, outputs[:, :, 0]))[0]


def quantiles(
    network: Network,
    theta: Any,
    context: np.ndarray,
    covariates: np.ndarray,
    scaling: SeriesScaling,
    horizon: int,
    levels: np.ndarray,
) -> np.ndarray | None:
    """Quantiles of each step over paths, (horizon, C, n_levels).

    None where the loss is no likelihood: trained quantiles are those of a step given that the ones before it were as
    forecast.
    """
    if not network.architecture.loss.family:
        return None
    return ancestral.quantiles(network, theta, *_window(network, context, covariates, scaling, horizon), levels)


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
    """Paths whose steps depend on each other, (horizon, C, n_paths)."""
    return ancestral.paths(network, theta, *_window(network, context, covariates, scaling, horizon), n_paths, rng)


def _window(
    network: Network, context: np.ndarray, covariates: np.ndarray, scaling: SeriesScaling, horizon: int
) -> tuple[Source, Windows, Geometry]:
    """The context as the only window."""
    shape = geometry(len(context), horizon)
    windows = scaling.windows(context, np.zeros(1, np.int64), shape)
    return Source.upload(network.backend, ahead_of(context, covariates), context, context), windows, shape
