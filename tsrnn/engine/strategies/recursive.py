"""Recursive: one step ahead at every position that has its lags, rolled forward on its own forecasts."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..network import Network, Source
from ..parameters import Geometry
from ..windows import SeriesScaling, ahead_of


def geometry(context_length: int, horizon: int) -> Geometry:
    """`horizon` one-step outputs, the first after `context_length` steps; training reads the truth."""
    return Geometry(context_length, n_outputs=horizon, block=1)


def forecast(
    network: Network, theta: Any, context: np.ndarray, covariates: np.ndarray, scaling: SeriesScaling, horizon: int
) -> np.ndarray:
    """Continue `context` (context_length, C) by `horizon` steps, (horizon, C).

    `covariates` (context_length + horizon, F) are those of the context and of the steps ahead.
    """
    shape = geometry(len(context), horizon)
    windows = scaling.windows(context, np.zeros(1, np.int64), shape)
    source = Source.upload(network.backend, ahead_of(context, covariates), context, context)
    outputs = network.predict(theta, source, windows, shape, free_run=True)
    return windows.unscale(outputs[:, :, 0, :, network.architecture.loss.point].astype(np.float64))[0]
