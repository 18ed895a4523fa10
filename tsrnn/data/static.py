"""Static covariates of series: numbers and categories that do not change over time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Static:
    """Static covariates of R series, in the order of the rows of their scales.

    Attributes
    ----------
    numbers : (R, n_static) float64
        Scaled numbers.
    codes : (R, n_categories) int64
        Code of each category: 0 for one that the training did not see, else 1 to its number of categories.
    """

    numbers: np.ndarray
    codes: np.ndarray

    @classmethod
    def zeros(cls, n_series: int, n_static: int, n_categories: int) -> Static:
        """Return numbers that are 0 and categories that are unseen."""
        return cls(np.zeros((n_series, n_static)), np.zeros((n_series, n_categories), np.int64))
