"""A likelihood's biases: where its training starts, and how much wider it has to be on data that was held out.

Training alone would need hundreds of updates to bring a scale from 1 to what is left of the series, or a mean to the
level of counts; early stopping may not wait for it. In the end a scale is that of the data that was trained on, which
is too small for any other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from ..data.windows import Geometry, Windows
from ..losses.loss import Loss
from ..networks.network import Network, Source

#: How far a bias may go from where it starts: where a series seems to have no spread beyond the distribution's least,
#: training still can.
BOUND = 8.0
#: The least deviation that a distribution starts with, and the least mean of counts, in units of the level.
TINY = 1e-6
#: Windows that are looked at, evenly spaced: a few numbers need no more.
WINDOWS = 512
#: Largest derivative of the mean likelihood at what counts as its maximum. The likelihood is nearly level in Student's
#: degrees of freedom, where a search that stops sooner ends elsewhere for outputs in float32 than for those in float64.
LEVEL = 1e-9


@dataclass
class Outcomes:
    """What a network says of windows, and what came: outputs (n, n_outputs, block, C, size), y and weight without size.

    `first_biases` and `widening` are both to be added to the head's biases, (O,).
    """

    loss: Loss
    outputs: np.ndarray
    y: np.ndarray
    weight: np.ndarray

    @classmethod
    def of(
        cls,
        network: Network,
        theta: np.ndarray,
        source: Source,
        windows: Windows,
        geometry: Geometry,
        targets: np.ndarray,
        observed: np.ndarray,
    ) -> Outcomes:
        """Over some of the `windows` into `targets` (m, C), which count where `observed`."""
        chosen = np.linspace(0, len(windows) - 1, min(WINDOWS, len(windows))).astype(np.int64)
        windows = windows.take(chosen)
        handle = network.backend.upload(theta, network.dtype)
        outputs = network.predict(handle, source, windows, geometry, free_run=False).astype(np.float64)
        truth, weight = windows.ahead(targets, observed, geometry.n_ahead)
        y = np.where(weight > 0, truth, 0.0)
        shape = outputs.shape[:-1]
        return cls(network.architecture.loss, outputs, y.reshape(shape), weight.reshape(shape))

    def first_biases(self) -> np.ndarray:
        """Biases with which the observed values are likeliest, (O,); each step of each channel has its own search."""
        return np.concatenate([self.part(j, c).first_bias() for j, c in np.ndindex(self.y.shape[2:])])

    def part(self, step: int, channel: int) -> Outcomes:
        """Those of one step of the block and one channel."""
        one = np.s_[:, :, step : step + 1, channel : channel + 1]
        return Outcomes(self.loss, self.outputs[one], self.y[one], self.weight[one])

    def first_bias(self) -> np.ndarray:
        """The biases of a part, (size,), in one search."""
        start, unit = self.by_moments()
        is_location = np.isin(np.arange(self.loss.size), self.loss.location)
        bounds = [(None, None) if free else (-BOUND, BOUND) for free in is_location]
        return self.likeliest(start, np.diag(np.where(is_location, unit, 1.0)), bounds)

    def widening(self) -> np.ndarray:
        """The same with one number for all, which may make the distributions wider, never narrower."""
        size, spread = self.outputs[0, 0].size, np.array(self.loss.spread, float)
        direction = np.tile(spread, size // len(spread))
        return self.likeliest(np.zeros(size), direction[None], [(0.0, BOUND)])

    def mean(self, values: np.ndarray) -> np.ndarray:
        """Of what was observed, for each step of the block and channel, (block, C)."""
        total = self.weight.sum(axis=(0, 1))
        return (self.weight * values).sum(axis=(0, 1)) / np.where(total > 0, total, 1.0)

    def by_moments(self) -> tuple[np.ndarray, np.ndarray]:
        """What to add for the right mean and deviation of each output, (O,); and the deviation, as their unit."""
        loss, mean = self.loss, self.mean(self.y)
        off = self.y - mean - (self.outputs[..., loss.point] - self.mean(self.outputs[..., loss.point]))
        deviation = np.maximum(np.sqrt(self.mean(off**2)), TINY * np.maximum(np.abs(mean), 1.0))
        level = mean if loss.support == "real" else np.maximum(mean, TINY)
        wanted = np.stack(np.broadcast_arrays(*loss.start(level, deviation)), axis=-1)
        current = np.stack([self.mean(self.outputs[..., p]) for p in range(loss.size)], axis=-1)
        return (wanted - current).ravel(), np.repeat(deviation.ravel(), loss.size)

    def likeliest(
        self, start: np.ndarray, directions: np.ndarray, bounds: Sequence[tuple[float | None, float | None]]
    ) -> np.ndarray:
        """`start` (O,) and so much of each of the `directions` (n, O) as maximises the likelihood."""
        loss, weight = self.loss, self.weight / max(self.weight.sum(), 1)
        shape = self.outputs.shape[2:]

        def value_and_gradient(x: np.ndarray) -> tuple[float, np.ndarray]:
            parameters = self.outputs + (start + x @ directions).reshape(shape)
            value, *derivatives = loss.equation(self.y, *np.moveaxis(parameters, -1, 0), loss.constants[0])
            by_output = np.stack([(weight * d).sum(axis=(0, 1)) for d in derivatives], axis=-1)
            return (weight * value).sum(), directions @ by_output.ravel()

        options = {"ftol": 0.0, "gtol": LEVEL}
        with np.errstate(over="ignore", invalid="ignore"):
            found = minimize(
                value_and_gradient,
                np.zeros(len(directions)),
                jac=True,
                method="L-BFGS-B",
                bounds=bounds,
                options=options,
            )
        return start + found.x @ directions if np.isfinite(found.x).all() else start
