"""A likelihood's biases: where its training starts, and how much wider it has to be on data that was held out.

Training alone would need hundreds of updates to bring a scale from 1 to what is left of the series, or a mean to the
level of counts; early stopping may not wait for it. In the end a scale is that of the data that was trained on, which
is too small for any other.
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


def first_biases(
    network: Network,
    theta: np.ndarray,
    source: Source,
    windows: Windows,
    geometry: Geometry,
    targets: np.ndarray,
    observed: np.ndarray,
) -> np.ndarray:
    """What to add to the head's biases, (O,), for `targets` (m, C) to be likeliest where `observed`."""
    a = network.architecture
    location = np.isin(np.arange(a.output_size) % a.loss.size, a.loss.location)
    low, high = np.where(location, -np.inf, -BOUND), np.where(location, np.inf, BOUND)
    return _likeliest(network, theta, source, windows, geometry, targets, observed, np.eye(a.output_size), low, high)


def widening(
    network: Network,
    theta: np.ndarray,
    source: Source,
    windows: Windows,
    geometry: Geometry,
    targets: np.ndarray,
    observed: np.ndarray,
) -> np.ndarray:
    """The same with one number for all, which may make the distributions wider, never narrower."""
    a = network.architecture
    directions = np.tile(np.array(a.loss.spread, float), a.block * a.n_targets)
    low, high = np.zeros(1), np.full(1, BOUND)
    return _likeliest(network, theta, source, windows, geometry, targets, observed, directions[None], low, high)


def _likeliest(
    network: Network,
    theta: np.ndarray,
    source: Source,
    windows: Windows,
    geometry: Geometry,
    targets: np.ndarray,
    observed: np.ndarray,
    directions: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
) -> np.ndarray:
    """The sum of `directions` (n, O), each so many times, `low` to `high`, that maximises the likelihood; or zeros."""
    a, loss = network.architecture, network.architecture.loss
    handle = network.backend.upload(theta, network.dtype)
    outputs: Any = network.predict(handle, source, windows, geometry, free_run=False).astype(np.float64)
    first = windows.target[:, None, None] + geometry.stride * np.arange(geometry.n_outputs)[:, None]
    rows = first + np.arange(geometry.block)
    shift, scale = (moment[:, None, None] for moment in (windows.target_shift, windows.target_scale))
    y, weight = (targets[rows] - shift) / scale, observed[rows] / max(observed[rows].sum(), 1)

    def value_and_gradient(x: np.ndarray) -> tuple[float, np.ndarray]:
        added = (x @ directions).reshape(a.block, a.n_targets, loss.size)
        value, *derivatives = loss.equation(y, *np.moveaxis(outputs + added, -1, 0), loss.constants[0])
        by_output = np.stack([(weight * d).sum(axis=(0, 1)) for d in derivatives], axis=-1)
        return (weight * value).sum(), directions @ by_output.ravel()

    bounds = list(zip(low, high, strict=True))
    with np.errstate(over="ignore", invalid="ignore"):
        found = minimize(value_and_gradient, np.zeros(len(directions)), jac=True, method="L-BFGS-B", bounds=bounds)
    return found.x @ directions if np.isfinite(found.x).all() else np.zeros(a.output_size)
