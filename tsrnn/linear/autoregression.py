"""Linear autoregression by least squares: a model with given lags, from rows reduced by a QR decomposition."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.linalg import lstsq
from scipy.signal import lfilter

from ..kernels import single_threaded_blas

#: Number of rows of the regression that are in memory at a time.
BLOCK = 8192
#: Least mean squared residual in units of the series: smaller ones are rounding, which should not select an order.
ROUNDING = 100 * np.finfo(float).eps ** 2


@dataclass(frozen=True)
class Autoregression:
    """y_t = intercept + slope * t + sum of coefficients[i] * y_{t - lags[i]} + effects @ u_t + e_t; t counts from 1.

    `sigma2` is the mean squared residual. `deviation` is the square root of the unbiased variance of e_t, NaN if no
    degree of freedom is left. `aic` and `bic` are those of the Gaussian likelihood with `sigma2` (Hamilton 1994, Time
    Series Analysis, ch. 5.2): ``n log sigma2 + penalty * (number of coefficients + 1)`` and constants.
    """

    lags: tuple[int, ...]
    coefficients: np.ndarray
    effects: np.ndarray
    intercept: float
    slope: float
    sigma2: float
    deviation: float
    aic: float
    bic: float

    @property
    def longest(self) -> int:
        """The longest lag, 0 without lags."""
        return max(self.lags, default=0)

    def offsets(self, n_before: int, covariates: np.ndarray) -> np.ndarray:
        """Intercept, trend and effects of covariates (n, F) in the n rows after time `n_before`, (n,)."""
        return self.intercept + self.slope * (n_before + 1 + np.arange(len(covariates))) + covariates @ self.effects

    def forecast(self, before: np.ndarray, offsets: np.ndarray, shocks: np.ndarray | None = None) -> np.ndarray:
        """Forecasts of the steps with `offsets` (horizon,) after the values `before` (longest or more, ...).

        The shape is (horizon, ...). With standard normal `shocks` (horizon, n_paths) each column is a random path.
        """
        steps = offsets.reshape(-1, *(1,) * (before.ndim - 1))
        if shocks is not None:
            steps = steps + self.deviation * shocks
        width = np.broadcast_shapes(before.shape[1:], steps.shape[1:])
        values = np.empty((self.longest + len(steps), *width))
        values[: self.longest], values[self.longest :] = before[len(before) - self.longest :], steps
        back = np.asarray(self.lags, np.int64)
        for t in range(self.longest, len(values)):
            values[t] += self.coefficients @ values[t - back]
        return values[self.longest :]

    @property
    def variance(self) -> float:
        """Unbiased variance of e_t."""
        return self.deviation**2

    def spread(self, horizon: int) -> np.ndarray:
        """Standard deviation of the forecast error of each step: deviation * sqrt(1 + psi_1² + ... + psi_{k-1}²).

        psi are the weights of past shocks (Box, Jenkins, Reinsel & Ljung 2015, eq. 5.1.16 and 5.2.3).
        """
        polynomial = np.zeros(self.longest + 1)
        polynomial[0], polynomial[np.asarray(self.lags, np.int64)] = 1.0, -self.coefficients
        psi = lfilter([1.0], polynomial, np.eye(1, horizon)[0])
        return self.deviation * np.sqrt(np.cumsum(psi**2))


def complete_rows(observed: np.ndarray, lags: Iterable[int]) -> np.ndarray:
    """Whether the value of each row and all of its `lags` were observed, (n,) bool."""
    rows = observed.copy()
    for lag in lags:
        rows[:lag] = False
        rows[lag:] &= observed[: max(len(observed) - lag, 0)]
    return rows


class Regression(NamedTuple):
    """The R of a QR decomposition of the rows of a regression; both have the same least-squares solution.

    The columns are the terms of the trend, the covariates, the lags and the target, each in its unit.

    Attributes
    ----------
    triangle : (n_columns, n_columns)
        The R.
    n_rows : int
        Number of rows of the regression.
    trend : str
        "n", "c", "t" or "ct".
    lags : tuple of int
    unit : float
        Unit of the series.
    units : (F,)
        Units of the covariates.
    """

    triangle: np.ndarray
    n_rows: int
    trend: str
    lags: tuple[int, ...]
    unit: float
    units: np.ndarray

    @property
    def n_others(self) -> int:
        """Number of columns before the lags."""
        return len(self.trend.replace("n", "")) + len(self.units)

    def penalty(self, n_lags: int, ridge: float) -> np.ndarray:
        """Rows that penalise the coefficients of the last `n_lags` of the regressors, (n_lags, n_others + n_lags)."""
        return np.eye(n_lags, self.n_others + n_lags, self.n_others) * (np.sqrt(ridge) / self.unit)

    def deviance(self, sigma2: np.ndarray | float) -> np.ndarray | float:
        """-2 times the Gaussian log-likelihood for a mean squared residual in units of the series."""
        return self.n_rows * (np.log(2 * np.pi * np.maximum(sigma2, ROUNDING)) + 2 * np.log(self.unit) + 1)

    def criterion(self, name: str, sigma2: np.ndarray | float, n_coefficients: np.ndarray | int) -> np.ndarray | float:
        """AIC or BIC for mean squared residuals in units of the series; the variance counts as a parameter."""
        penalty = 2.0 if name == "aic" else np.log(self.n_rows)
        return self.deviance(sigma2) + penalty * (n_coefficients + 1)


def reduce_rows(
    y: np.ndarray, rows: np.ndarray, lags: tuple[int, ...], trend: str, covariates: np.ndarray
) -> Regression:
    """Reduce the regression of the `rows` (n,) that are True, which must be complete, block by block.

    Units are powers of two, so that squares of large and small values neither overflow nor underflow.
    """
    time = np.flatnonzero(rows)
    unit, units = float(power_of_two(y)), power_of_two(covariates)
    scaled, n_terms = y / unit, len(trend.replace("n", ""))
    n_columns = n_terms + len(units) + len(lags) + 1
    triangle = np.zeros((0, n_columns))
    with single_threaded_blas():
        for part in np.array_split(time, -(-len(time) // max(BLOCK, 4 * n_columns)) or 1):
            top = len(triangle)
            block = np.empty((top + len(part), n_columns), order="F")
            block[:top] = triangle
            if "c" in trend:
                block[top:, 0] = 1.0
            if "t" in trend:
                block[top:, n_terms - 1] = part + 1.0
            block[top:, n_terms : n_terms + len(units)] = covariates[part] / units
            for column, lag in enumerate(lags, n_terms + len(units)):
                block[top:, column] = scaled[part - lag]
            block[top:, -1] = scaled[part]
            triangle = triangle_of(block)
    square = np.zeros((n_columns, n_columns))
    square[: len(triangle)] = triangle
    return Regression(square, len(time), trend, lags, unit, units)


def triangle_of(rows: np.ndarray) -> np.ndarray:
    """R of the QR decomposition of `rows` (n, k), (min(n, k), k)."""
    return np.asarray(np.linalg.qr(rows, mode="r"))


def fit_autoregression(
    y: np.ndarray, rows: np.ndarray, lags: tuple[int, ...], trend: str, ridge: float, covariates: np.ndarray
) -> Autoregression:
    """Least squares over the `rows` (n,) that are True, which must be complete, with `covariates` (n, F).

    The penalty ``ridge * sum(coefficients²)`` does not act on trend and covariates. In the criteria a residual below
    rounding counts as `ROUNDING`.
    """
    regression = reduce_rows(y, rows, lags, trend, covariates)
    n, unit, units, first = regression.n_rows, regression.unit, regression.units, regression.n_others
    x, target = regression.triangle[:, :-1], regression.triangle[:, -1]
    penalty = regression.penalty(len(lags), ridge) if ridge else np.empty((0, x.shape[1]))
    with single_threaded_blas():
        solution = lstsq(np.vstack([x, penalty]), np.concatenate([target, np.zeros(len(penalty))]))[0]
        sigma2, k = float(np.sum((target - x @ solution) ** 2)) / n, x.shape[1]
    n_terms = first - len(units)
    return Autoregression(
        lags=lags,
        coefficients=solution[first:],
        effects=solution[n_terms:first] * unit / units,
        intercept=float(solution[0]) * unit if "c" in trend else 0.0,
        slope=float(solution[n_terms - 1]) * unit if "t" in trend else 0.0,
        sigma2=sigma2 * unit * unit,
        deviation=unit * np.sqrt(sigma2 * n / (n - k)) if n > k else np.nan,
        aic=float(regression.criterion("aic", sigma2, k)),
        bic=float(regression.criterion("bic", sigma2, k)),
    )


def power_of_two(values: np.ndarray) -> np.ndarray:
    """A power of two near the largest magnitude of each column, 1 for a column of zeros."""
    largest = np.abs(values).max(axis=0, initial=0.0)
    return np.where(largest > 0, np.ldexp(0.5, np.frexp(largest)[1]), 1.0)
