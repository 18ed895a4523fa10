"""Direct: one head for the whole horizon, decoded from the final state; beyond it, block after block."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..network import Network, Source
from ..parameters import Geometry
from ..windows import SeriesScaling, ahead_of


def geometry(context_length: int, horizon: int) -> Geometry:
    """One output of `horizon` steps after `context_length` steps."""
    return Geometry(context_length, n_outputs=1, block=horizon)


def forecast(
    network: Network, theta: Any, context: np.ndarray, covariates: np.ndarray, scaling: SeriesScaling, horizon: int
) -> np.ndarray:
    """Continue `context` (context_length, C) by `horizon` steps; each block reads the forecasts before it.

    `covariates` (context_length + horizon, F) are those of the context and of the steps ahead.
    """
    length, block = len(context), network.architecture.block
    shape = geometry(length, block)
    series = context
    while len(series) < length + horizon:
        done = len(series) - length
        context, known = series[done:], covariates[done : done + length + block]
        windows = scaling.windows(context, np.zeros(1, np.int64), shape)
        source = Source.upload(network.backend, ahead_of(context, known), context, context)
        outputs = network.predict(theta, source, windows, shape, free_run=False)
        steps = windows.unscale(outputs[:, 0, :, :, network.architecture.loss.point].astype(np.float64))[0]
        series = np.concatenate([series, steps])
    return series[length : length + horizon]
