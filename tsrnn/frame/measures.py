"""Terms of measures of forecast error: one number for each value, before any mean is taken.

Plain NumPy, element by element; NaN in, NaN out. `metrics` and `distribution_metrics` take means of these over arrays,
`tsrnn.evaluation` over groups of rows of a table, so that each formula stands here once.
"""

from __future__ import annotations

import numpy as np


def percentage_error(truth: np.ndarray, forecast: np.ndarray) -> np.ndarray:
    """100 |y - f| / |y|, (...); y is not 0."""
    return 100 * np.abs(truth - forecast) / np.abs(truth)


def symmetric_percentage_error(truth: np.ndarray, forecast: np.ndarray) -> np.ndarray:
    """200 |y - f| / (|y| + |f|), (...); 0 where both are 0."""
    size = np.abs(truth) + np.abs(forecast)
    return 200 * np.abs(truth - forecast) / np.where(size == 0, 1.0, size)


def pinball_loss(truth: np.ndarray, quantile: np.ndarray, level: float | np.ndarray) -> np.ndarray:
    """Level * (y - q) where y is above the quantile q, (1 - level) * (q - y) below, (...)."""
    error = truth - quantile
    return np.maximum(level * error, (level - 1) * error)


def interval_loss(truth: np.ndarray, lower: np.ndarray, upper: np.ndarray, coverage: float) -> np.ndarray:
    """Width, plus 2 / (1 - coverage) times the distance of y from the interval, (...)."""
    outside = np.maximum(lower - truth, 0) + np.maximum(truth - upper, 0)
    return upper - lower + 2 / (1 - coverage) * outside


def is_inside(truth: np.ndarray, lower: np.ndarray, upper: np.ndarray) -> np.ndarray:
    """1 where y is within the bounds or on one, else 0, (...); NaN where one of them is missing."""
    inside = ((lower <= truth) & (truth <= upper)).astype(float)
    return np.where(np.isnan(truth) | np.isnan(lower) | np.isnan(upper), np.nan, inside)


def crps_of_samples(truth: np.ndarray, samples: np.ndarray, *, is_fair: bool) -> np.ndarray:
    """CRPS of m draws, (..., m), for values (...): mean |x_i - y| - sum_ij |x_i - x_j| / (2 m d).

    The divisor d is m - 1 if the score is fair, else m. The double sum takes sorted draws: it is the sum over i from 1
    to m of 2 (2 i - m - 1) x_i.
    """
    m = samples.shape[-1]
    ranks = 2 * np.arange(1, m + 1) - m - 1
    spread = (np.sort(samples, axis=-1) * ranks).sum(axis=-1) / (m * (m - 1 if is_fair else m))
    return np.abs(samples - truth[..., None]).mean(axis=-1) - spread


def seasonal_scale(train: np.ndarray, season_length: int, power: int) -> np.ndarray:
    """Mean of |y_t - y_(t-m)|**power of each channel of a training series (n, n_channels), (n_channels,).

    The lag m is the season, or 1 for a series not longer than a season. Pairs with a missing value are left out; NaN
    without any pair.
    """
    lag = season_length if season_length < len(train) else 1
    terms = np.abs(train[lag:] - train[:-lag]) ** power
    counts = (~np.isnan(terms)).sum(axis=0)
    return np.where(counts == 0, np.nan, np.nansum(terms, axis=0) / np.maximum(counts, 1))
