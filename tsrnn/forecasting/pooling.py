"""Combine forecasts of the same steps by several models: points, quantiles, and the number of paths of each."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

#: How the forecasts of a step may be combined.
COMBINATIONS = ("mean", "median")


class Pool(NamedTuple):
    """How the forecasts of K models are combined.

    Attributes
    ----------
    combine : {"mean", "median"}
    weights : (K,)
        Positive; the median does not read them.
    lower : float or None
        Smallest value of a combined forecast.
    """

    combine: str
    weights: np.ndarray
    lower: float | None = None

    def combined(self, values: np.ndarray) -> np.ndarray:
        """Points, or quantiles at the same levels, of all models (K, ...) as those of the pool, (...).

        The mean of quantile functions is a quantile function, and so is their median at each level.
        """
        if self.combine == "median":
            return self.clipped(np.median(values, axis=0))
        return self.clipped(np.average(values, axis=0, weights=self.weights))

    def clipped(self, values: np.ndarray) -> np.ndarray:
        """The values, `lower` in the place of smaller ones."""
        return values if self.lower is None else np.maximum(values, self.lower)

    def n_paths(self, n: int) -> np.ndarray:
        """Number of paths that each model gives of `n`, in proportion to the weights, by largest remainders, (K,)."""
        quotas = n * self.weights / self.weights.sum()
        counts = np.floor(quotas).astype(np.int64)
        largest = np.argsort(counts - quotas, kind="stable")  # the first of equal ones
        counts[largest[: n - counts.sum()]] += 1
        return counts
