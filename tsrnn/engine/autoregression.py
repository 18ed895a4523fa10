"""Linear autoregression by least squares: one model for certain lags, and the choice of an order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy.linalg import lstsq
from scipy.signal import lfilter


@dataclass(frozen=True)
class Autoregression:
    """y_t = intercept + slope * t + sum of coefficients[i] * y_{t - lags[i]} + effects @ u_t + e_t; t counts from 1.

    `sigma2` is the mean squared residual, `variance` the unbiased one of e_t, NaN where no degree of freedom is left;
    `aic` and `bic` are those of the Gaussian likelihood with `sigma2` (Hamilton 1994, Time Series Analysis, ch. 5.2):
    ``n log sigma2 + penalty * (number of coefficients + 1)`` and constants.
    """

    lags: tuple[int, ...]
    coefficients: np.ndarray
    effects: np.ndarray
    intercept: float
    slope: float
    sigma2: float
    variance: float
    aic: float
    bic: float

    def forecast(
        self, context: np.ndarray, n_before: int, covariates: np.ndarray, shocks: np.ndarray | None = None
    ) -> np.ndarray:
        """Continue `context` (max(lags) values or more, the last at time `n_before`) over `covariates` (horizon, F).

        With standard normal `shocks` (horizon, n_paths) the result is a path for each of their columns.
        """
        longest, horizon = max(self.lags, default=0), len(covariates)
        values = self.intercept + self.slope * (n_before + 1 + np.arange(horizon)) + covariates @ self.effects
        if shocks is not None:
            values = values[:, None] + np.sqrt(self.variance) * shocks
        start = context[len(context) - longest :].reshape(-1, *(1,) * (values.ndim - 1))
        values = np.concatenate([np.broadcast_to(start, (longest, *values.shape[1:])), values])
        back = np.asarray(self.lags, np.int64)
        for t in range(longest, longest + horizon):
            values[t] += self.coefficients @ values[t - back]
        return values[longest:]

    def spread(self, horizon: int) -> np.ndarray:
        """Standard deviation of the error of each step ahead: sqrt(variance * (1 + psi_1² + ... + psi_{k-1}²)).

        psi are the weights of past shocks (Box, Jenkins, Reinsel & Ljung 2015, eq. 5.1.16 and 5.2.3).
        """
        polynomial = np.zeros(max(self.lags, default=0) + 1)
        polynomial[0], polynomial[np.asarray(self.lags, np.int64)] = 1.0, -self.coefficients
        psi = lfilter([1.0], polynomial, np.eye(1, horizon)[0])
        return np.sqrt(self.variance * np.cumsum(psi**2))


def complete_rows(observed: np.ndarray, lags: Iterable[int]) -> np.ndarray:
    """Where the value and all of its `lags` were observed, (n,) bool."""
    rows = observed.copy()
    for lag in lags:
        rows[:lag] = False
        rows[lag:] &= observed[: len(observed) - lag]
    return rows


def fit_autoregression(
    y: np.ndarray, rows: np.ndarray, lags: tuple[int, ...], trend: str, ridge: float, covariates: np.ndarray
) -> Autoregression:
    """Least squares over the `rows` (n,) that are True, which must be complete; `covariates` (n, F) join the lags.

    The penalty ``ridge * sum(coefficients²)`` spares the trend. A power of two as unit keeps squares of large and small
    values in range (each covariate has its own); a residual that is all rounding counts as one of that size, so that
    criteria then compare orders.
    """
    time = np.flatnonzero(rows)
    unit = float(_power_of_two(y))
    scaled, units, n_lags = y / unit, _power_of_two(covariates), len(lags)
    terms: list[np.ndarray] = [np.ones(len(time))] if "c" in trend else []
    terms += [time + 1.0] if "t" in trend else []
    x = np.column_stack([*terms, *(scaled[time - lag] for lag in lags), covariates[time] / units])
    target, k, first = scaled[time], x.shape[1], len(terms)
    penalty = np.zeros((n_lags if ridge else 0, k))
    penalty[:, first : first + n_lags] = np.sqrt(ridge) / unit * np.eye(len(penalty), n_lags)
    solution = lstsq(np.vstack([x, penalty]), np.concatenate([target, np.zeros(len(penalty))]))[0]
    sigma2 = float(np.mean((target - x @ solution) ** 2))
    deviance = len(time) * (np.log(2 * np.pi * max(sigma2, 100 * np.finfo(float).eps ** 2)) + 2 * np.log(unit) + 1)
    return Autoregression(
        lags=lags,
        coefficients=solution[first : first + n_lags],
        effects=solution[first + n_lags :] * unit / units,
        intercept=float(solution[0]) * unit if "c" in trend else 0.0,
        slope=float(solution[first - 1]) * unit if "t" in trend else 0.0,
        sigma2=sigma2 * unit * unit,
        variance=sigma2 * unit * unit * len(time) / (len(time) - k) if len(time) > k else np.nan,
        aic=deviance + 2 * (k + 1),
        bic=deviance + np.log(len(time)) * (k + 1),
    )


def _power_of_two(values: np.ndarray) -> np.ndarray:
    """At least the largest magnitude of each column, and 1 for zeros."""
    largest = np.abs(values).max(axis=0, initial=0.0)
    return np.where(largest > 0, np.ldexp(0.5, np.frexp(largest)[1]), 1.0)


def select_autoregression(
    y: np.ndarray, observed: np.ndarray, longest: int, trend: str, ridge: float, criterion: str, covariates: np.ndarray
) -> Autoregression:
    """The order from 0 to `longest` with the lowest `criterion`, all compared on the same rows, then fitted on all."""
    orders = [tuple(range(1, order + 1)) for order in range(longest + 1)]
    common = complete_rows(observed, orders[-1])

    def value(lags: tuple[int, ...]) -> float:
        return getattr(fit_autoregression(y, common, lags, trend, ridge, covariates), criterion)

    best = min(orders, key=value)
    return fit_autoregression(y, complete_rows(observed, best), best, trend, ridge, covariates)
