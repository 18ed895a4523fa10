"""Where a training starts: the parameters that have a closed form or a short search of their own."""

from __future__ import annotations

import numpy as np

from ..data.windows import Buckets, WindowIndex, Windows
from ..networks.architecture import Architecture
from ..networks.network import Network, Source
from .biases import Predictions
from .plan import Plan
from .ridge import LinearStart, ridge_start


def starting_values(
    network: Network, theta: np.ndarray, plan: Plan, source: Source, windows: Windows | WindowIndex | Buckets
) -> np.ndarray:
    """A copy of `theta` in which the linear skip is the ridge solution on `windows`, and a likelihood's biases fit."""
    a, theta = network.architecture, theta.copy()
    if a.lags:  # only forecasters have a linear skip
        assert plan.panel is not None
        assert not isinstance(windows, Buckets)
        set_linear(a, theta, ridge_start(plan.panel, plan.weight, windows, plan.geometry, a.n_seasonal))
    if a.loss.family:
        predictions = Predictions.of(network, theta, source, windows, plan.geometry, plan.targets, plan.weight)
        a.bias(theta)[:] += predictions.first_biases()
    return theta


def set_linear(a: Architecture, theta: np.ndarray, start: LinearStart) -> None:
    """Write the ridge solution to the linear parts of theta, and its intercept to the head's bias."""
    views = a.views(theta)
    views["skip"][:] = start.lags
    if a.n_seasonal:
        views["season"][:] = start.season
    bias = a.bias(theta).reshape(a.block, a.n_targets, a.loss.size)
    for p in a.loss.location:
        bias[:, :, p] = start.intercept.T
        for j in range(a.block if a.n_covariates else 0):
            of_step = views[f"ahead{j}"].reshape(a.n_targets, a.loss.size, -1)
            of_step[:, p] = start.ahead[:, j, : of_step.shape[2]]
