"""Where the training of a likelihood starts: the head's biases fit its distribution to the network's first forecasts.

Training alone would need hundreds of updates to bring a scale from 1 to what is left of the series, or a mean to the
level of counts; early stopping may not wait for it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.optimize import minimize

from .network import Network, Source
from .parameters import Geometry
from .windows import Windows

#: How far a bias may go: where a series seems to have no spread beyond the distribution's least, training still can.
BOUND = 8.0


def fit_biases(
    network: Network,
    theta: np.ndarray,
    source: Source,
    windows: Windows,
    geometry: Geometry,
    targets: np.ndarray,
    observed: np.ndarray,
) -> None:
    """Add to the head's biases in `theta` what maximises the likelihood of `targets` (m, C) where `observed`."""
    a, loss = network.architecture, network.architecture.loss
    handle = network.backend.upload(theta, network.dtype)
    outputs: Any = network.predict(handle, source, windows, geometry, free_run=False).astype(np.float64)
    rows = windows.target[:, None, None] + np.arange(geometry.n_outputs)[:, None] + np.arange(geometry.block)
    shift, scale = (moment[:, None, None] for moment in (windows.target_shift, windows.target_scale))
    y, weight = (targets[rows] - shift) / scale, observed[rows] / max(observed[rows].sum(), 1)

    def value_and_gradient(added: np.ndarray) -> tuple[float, np.ndarray]:
        parameters = np.moveaxis(outputs + added.reshape(a.block, a.n_targets, loss.size), -1, 0)
        value, *derivatives = loss.equation(y, *parameters, loss.constants[0])
        return (weight * value).sum(), np.stack([(weight * d).sum(axis=(0, 1)) for d in derivatives], axis=-1).ravel()

    free = np.isin(np.arange(loss.size), loss.location)
    bounds = [(None, None) if each else (-BOUND, BOUND) for each in np.tile(free, a.block * a.n_targets)]
    with np.errstate(over="ignore", invalid="ignore"):
        found = minimize(value_and_gradient, np.zeros(a.output_size), jac=True, method="L-BFGS-B", bounds=bounds)
    if np.isfinite(found.x).all():
        a.bias(theta)[:] += found.x
