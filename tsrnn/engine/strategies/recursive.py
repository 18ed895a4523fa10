"""Recursive: one step ahead at every position that has its lags, rolled forward on its own forecasts."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..network import Network, Source
from ..parameters import Geometry
from ..windows import Scaling, series_windows


def geometry(context_length: int, horizon: int) -> Geometry:
    """`horizon` one-step outputs, the first after `context_length` steps; training reads the truth."""
    return Geometry(context_length, n_outputs=horizon, block=1)


def forecast(network: Network, theta: Any, context: np.ndarray, scaling: Scaling, horizon: int) -> np.ndarray:
    """Continue `context` (context_length, n_channels) by `horizon` steps, (horizon, n_channels)."""
    shape = geometry(len(context), horizon)
    windows = series_windows(context, np.zeros(1, np.int64), shape, scaling)
    source = Source.upload(network.backend, context, context, context)
    outputs = network.predict(theta, source, windows, shape, free_run=True)
    return windows.unscale(outputs[:, :, 0, :, network.architecture.loss.point].astype(np.float64))[0]
