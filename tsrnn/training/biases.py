"""Biases of the head under a likelihood: their start before training, and their widening after it.

Training alone would need hundreds of updates to bring a scale from 1 to that of the residuals, or a mean to the level
of counts, and early stopping may end before. After training the scale is that of the errors on the training data, which
is too small for new data.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from ..data.windows import Buckets, Geometry, WindowIndex, Windows, buckets_of
from ..losses.loss import Loss
from ..networks.network import Network, Source

#: Largest change of a bias in a search. Training can still move it further, where a series seems to have no spread.
BOUND = 8.0
#: The least deviation that a distribution starts with, and the least mean of counts, in units of the level.
TINY = 1e-6
#: Number of windows that the searches read, evenly spaced: a few parameters need no more.
WINDOWS = 512
#: A search ends where the derivatives of the mean likelihood are smaller. The likelihood depends little on the degrees
#: of freedom of Student's t: with a larger limit, float32 and float64 outputs would lead to different ones.
LEVEL = 1e-9


@dataclass
class Predictions:
    """Network outputs on sampled windows, with their targets and weights.

    `first_biases` and `widening` are changes of the head's biases, (O,) for O = block * C * size outputs.

    Attributes
    ----------
    loss : Loss
    outputs : (n, n_outputs, block, C, size)
    y, weight : (n, n_outputs, block, C)
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
        windows: Windows | WindowIndex | Buckets,
        geometry: Geometry,
        targets: np.ndarray,
        weight: np.ndarray,
    ) -> Predictions:
        """Predictions for some of the `windows`, with their `targets` (M, C), which have this `weight` (M, C)."""
        chosen = np.linspace(0, len(windows) - 1, min(WINDOWS, len(windows))).astype(np.int64)
        handle, parts = network.backend.upload(theta, network.dtype), buckets_of(windows.take(chosen), geometry)
        predicted = [network.predict(handle, source, part, of_part, free_run=False) for of_part, part in parts]
        outputs = np.concatenate(predicted).astype(np.float64)
        ahead = [part.ahead(targets, weight, of_part.n_ahead) for of_part, part in parts]
        y, of_y = (np.concatenate(each) for each in zip(*ahead, strict=True))
        shape = outputs.shape[:-1]
        return cls(network.architecture.loss, outputs, np.where(of_y > 0, y, 0.0).reshape(shape), of_y.reshape(shape))

    def first_biases(self) -> np.ndarray:
        """Maximum-likelihood start of the head's biases, (O,), searched for each step and channel by itself."""
        return np.concatenate([self.part(j, c).first_bias() for j, c in np.ndindex(self.y.shape[2:])])

    def part(self, step: int, channel: int) -> Predictions:
        """Predictions of one step of the block and one channel."""
        one = np.s_[:, :, step : step + 1, channel : channel + 1]
        return Predictions(self.loss, self.outputs[one], self.y[one], self.weight[one])

    def first_bias(self) -> np.ndarray:
        """Maximum-likelihood start of the biases of a `part`, (size,)."""
        start, unit = self.by_moments()
        is_location = np.isin(np.arange(self.loss.size), self.loss.location)
        bounds = [(None, None) if free else (-BOUND, BOUND) for free in is_location]
        return self.likeliest(start, np.diag(np.where(is_location, unit, 1.0)), bounds)

    def widening(self) -> np.ndarray:
        """Change of the biases, (O,), that widens all distributions by one maximum-likelihood factor, at least 1."""
        size, spread = self.outputs[0, 0].size, np.array(self.loss.spread, float)
        direction = np.tile(spread, size // len(spread))
        return self.likeliest(np.zeros(size), direction[None], [(0.0, BOUND)])

    def mean(self, values: np.ndarray) -> np.ndarray:
        """Weighted mean over windows and outputs, (block, C)."""
        total = self.weight.sum(axis=(0, 1))
        return (self.weight * values).sum(axis=(0, 1)) / np.where(total > 0, total, 1.0)

    def by_moments(self) -> tuple[np.ndarray, np.ndarray]:
        """Biases that match mean and standard deviation, (O,), and this deviation as the unit of each, (O,)."""
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
        """The sum of `start` (O,) and multiples of the `directions` (n, O) that maximises the likelihood, (O,)."""
        loss, weight = self.loss, self.weight / max(self.weight.sum(), 1)
        shape, (equation,) = self.outputs.shape[2:], loss.equations

        def value_and_gradient(x: np.ndarray) -> tuple[float, np.ndarray]:
            parameters = self.outputs + (start + x @ directions).reshape(shape)
            value, *derivatives = equation(self.y, *np.moveaxis(parameters, -1, 0), loss.constants[0])
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
