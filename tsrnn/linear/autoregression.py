"""Linear autoregression by least squares: a model with given lags, from rows reduced by a QR decomposition."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

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
        return self.deviation * self.deviation  # infinite above 1e154, where a power would raise

    def spread(self, horizon: int) -> np.ndarray:
        """Standard deviation of the forecast error of each step: deviation * sqrt(1 + psi_1² + ... + psi_{k-1}²).

        psi are the weights of past shocks (Box, Jenkins, Reinsel & Ljung 2015, eq. 5.1.16 and 5.2.3).
        """
        from scipy.signal import lfilter  # a tenth of a second, which only intervals need

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

    The columns are the terms of the trend, the covariates, the lags and the target, each in its unit. The leading axes
    ``...`` are those of several series, none for one series.

    Attributes
    ----------
    triangle : (..., n_columns, n_columns)
        The R.
    n_rows : (...)
        Number of rows of the regression.
    trend : str
        "n", "c", "t" or "ct".
    lags : tuple of int
    unit : (...)
        Unit of the series.
    units : (..., F)
        Units of the covariates.
    """

    triangle: np.ndarray
    n_rows: np.ndarray
    trend: str
    lags: tuple[int, ...]
    unit: np.ndarray
    units: np.ndarray

    @property
    def n_others(self) -> int:
        """Number of columns before the lags."""
        return len(self.trend.replace("n", "")) + self.units.shape[-1]

    def penalty(self, n_lags: int, ridge: float) -> np.ndarray:
        """Rows that penalise the coefficients of the last `n_lags` regressors, (..., n_lags, n_others + n_lags)."""
        return np.eye(n_lags, self.n_others + n_lags, self.n_others) * (np.sqrt(ridge) / self.unit)[..., None, None]

    def deviance(self, sigma2: np.ndarray) -> np.ndarray:
        """-2 times the Gaussian log-likelihood for mean squared residuals in units of the series, (..., m)."""
        logarithms = np.log(2 * np.pi * np.maximum(sigma2, ROUNDING)) + 2 * np.log(self.unit)[..., None]
        return self.n_rows[..., None] * (logarithms + 1)

    def criterion(self, name: str, sigma2: np.ndarray, n_coefficients: np.ndarray | int) -> np.ndarray:
        """AIC or BIC for mean squared residuals in units of the series, (..., m); the variance is a parameter."""
        penalty = 2.0 if name == "aic" else np.log(self.n_rows)[..., None]
        return self.deviance(sigma2) + penalty * (n_coefficients + 1)

    def solve(self, ridge: float) -> Estimates:
        """Least squares with the penalty ``ridge * sum(coefficients²)``, which acts on the lags alone."""
        x, target = self.triangle[..., :-1], self.triangle[..., -1]
        penalised, padded = x, target
        if ridge:
            penalised = np.concatenate([x, self.penalty(len(self.lags), ridge)], axis=-2)
            padded = np.concatenate([target, np.zeros((*target.shape[:-1], len(self.lags)))], axis=-1)
        with single_threaded_blas():
            solution = least_squares(penalised, padded)
            residual = target - (x @ solution[..., None])[..., 0]
        n, k, unit = self.n_rows, x.shape[-1], self.unit
        sigma2 = np.sum(residual**2, axis=-1) / n
        unbiased = np.where(n > k, sigma2 * n / np.maximum(n - k, 1), np.nan)
        n_terms, none = self.n_others - self.units.shape[-1], np.zeros(unit.shape)
        with np.errstate(over="ignore"):  # the square of values above 1e154 is infinite
            variance = sigma2 * unit * unit
        return Estimates(
            coefficients=solution[..., self.n_others :],
            effects=solution[..., n_terms : self.n_others] * unit[..., None] / self.units,
            intercept=solution[..., 0] * unit if "c" in self.trend else none,
            slope=solution[..., n_terms - 1] * unit if "t" in self.trend else none,
            sigma2=variance,
            deviation=unit * np.sqrt(unbiased),
            aic=self.criterion("aic", sigma2[..., None], k)[..., 0],
            bic=self.criterion("bic", sigma2[..., None], k)[..., 0],
        )


class Estimates(NamedTuple):
    """The attributes of `Autoregression` for one or several series; all lags are the same."""

    coefficients: np.ndarray
    effects: np.ndarray
    intercept: np.ndarray
    slope: np.ndarray
    sigma2: np.ndarray
    deviation: np.ndarray
    aic: np.ndarray
    bic: np.ndarray


def reduce_rows(
    y: np.ndarray, rows: np.ndarray, lags: tuple[int, ...], trend: str, covariates: np.ndarray
) -> Regression:
    """Reduce the regression of the `rows` (n,) that are True, which must be complete, block by block.

    Units are powers of two, so that squares of large and small values neither overflow nor underflow.
    """
    time = np.flatnonzero(rows)
    unit, units = power_of_two(y), power_of_two(covariates)
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
    return Regression(square, np.array(len(time)), trend, lags, unit, units)


def triangle_of(rows: np.ndarray) -> np.ndarray:
    """R of the QR decomposition of `rows` (..., n, k), (..., min(n, k), k)."""
    return np.asarray(np.linalg.qr(rows, mode="r"))


def least_squares(x: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The shortest solution of least squares for `x` (..., n, k) and `target` (..., n), (..., k).

    Singular values below rounding count as zero, as in LAPACK's gelsd.
    """
    left, sizes, right = np.linalg.svd(x, full_matrices=False)
    kept = sizes > np.finfo(float).eps * sizes.max(axis=-1, initial=0.0, keepdims=True)
    parts = (left.swapaxes(-1, -2) @ target[..., None])[..., 0]
    parts = np.where(kept, parts, 0.0) / np.where(kept, sizes, 1.0)
    return (right.swapaxes(-1, -2) @ parts[..., None])[..., 0]


def fit_autoregression(
    y: np.ndarray, rows: np.ndarray, lags: tuple[int, ...], trend: str, ridge: float, covariates: np.ndarray
) -> Autoregression:
    """Least squares over the `rows` (n,) that are True, which must be complete, with `covariates` (n, F).

    The penalty ``ridge * sum(coefficients²)`` does not act on trend and covariates. In the criteria a residual below
    rounding counts as `ROUNDING`.
    """
    found = reduce_rows(y, rows, lags, trend, covariates).solve(ridge)
    return Autoregression(lags, found.coefficients, found.effects, *map(float, found[2:]))


def power_of_two(values: np.ndarray) -> np.ndarray:
    """A power of two near the largest magnitude of each column, 1 for a column of zeros."""
    largest = np.abs(values).max(axis=0, initial=0.0)
    return np.where(largest > 0, np.ldexp(0.5, np.frexp(largest)[1]), 1.0)
