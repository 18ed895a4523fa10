"""Direct: one head for the whole horizon, decoded from the final state; beyond it, block after block."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..network import Network, Source
from ..parameters import Geometry
from ..windows import Scaling, series_windows


def geometry(context_length: int, horizon: int) -> Geometry:
    """One output of `horizon` steps after `context_length` steps."""
    return Geometry(context_length, n_outputs=1, block=horizon)


def forecast(network: Network, theta: Any, context: np.ndarray, scaling: Scaling, horizon: int) -> np.ndarray:
    """Continue `context` (context_length, n_channels) by `horizon` steps; each block reads the forecasts before it."""
    length, block = len(context), network.architecture.block
    shape = geometry(length, block)
    series = context
    while len(series) < length + horizon:
        context = series[-length:]
        windows = series_windows(context, np.zeros(1, np.int64), shape, scaling)
        source = Source.upload(network.backend, context, context, context)
        outputs = network.predict(theta, source, windows, shape, free_run=False)
        steps = windows.unscale(outputs[:, 0, :, :, network.architecture.loss.point].astype(np.float64))[0]
        series = np.concatenate([series, steps])
    return series[length : length + horizon]
