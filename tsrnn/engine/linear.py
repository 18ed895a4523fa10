"""Linear forecasts in closed form: autoregression by least squares, and the ridge start of a network's linear skip."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.linalg import cho_solve, cholesky, eigh, lstsq
from scipy.signal import lfilter

from .parameters import Geometry
from .windows import Windows

#: Ridge penalties that are tried, in units of the mean eigenvalue of the lags' covariance.
PENALTIES = np.logspace(-8, 2, 41)
#: Windows that enter the normal equations at a time, so that memory does not grow with windows times length.
CHUNK = 1024
#: Of a window's outputs, how many enter. Later ones matter: their lags have left the context that the window is scaled
#: by, and only they tell how a forecast follows the level.
POSITIONS = 6


# ---------------------------------------------------------------- ridge on windows
@dataclass(frozen=True)
class LinearStart:
    """A linear forecast of each step of a block, in scaled units.

    Attributes
    ----------
    lags : (C, block, context)
        Weights of each channel's own lags.
    ahead : (C, block, block * F)
        Weights of the covariates of the steps ahead, the first step's first; 0 for those after the step itself.
    intercept : (C, block)
    """

    lags: np.ndarray
    ahead: np.ndarray
    intercept: np.ndarray


def ridge_start(
    values: np.ndarray, covariates: np.ndarray, observed: np.ndarray, windows: Windows, geometry: Geometry
) -> LinearStart:
    """The ridge solution on windows of values (n, C) with covariates (n, F).

    One penalty for each channel minimises generalised cross-validation (Golub, Heath & Wahba 1979,
    doi:10.1080/00401706.1979.10489751, eq. 1.4), which needs the eigenvalues of the normal equations and no refit.
    Windows with a missing target are left out.
    """
    C, F, P, n = values.shape[1], covariates.shape[1], geometry.context, geometry.block
    start = LinearStart(np.zeros((C, n, P)), np.zeros((C, n, n * F)), np.zeros((C, n)))
    positions = np.unique(np.linspace(0, geometry.n_outputs - 1, POSITIONS).astype(int))
    known = sliding_window_view(covariates, n, axis=0)  # (rows, F, n)
    for c in range(C):
        lags, targets = sliding_window_view(values[:, c], P), sliding_window_view(values[:, c], n)
        seen = np.all(sliding_window_view(observed[:, c], n), axis=1)
        moments = _Moments(P, F, n)
        for first in range(0, len(windows), CHUNK):
            some = windows.take(np.arange(first, min(first + CHUNK, len(windows))))
            for k in positions * geometry.stride:
                use = some.take(np.flatnonzero(seen[some.target + k]))
                shift, scale = use.shift[:, c, None], use.scale[:, c, None]
                x, y = (lags[use.start + k] - shift) / scale, (targets[use.target + k] - shift) / scale
                u = (known[use.target + k] - use.shift[:, C:, None]) / use.scale[:, C:, None]
                x = np.hstack([x, u.swapaxes(1, 2).reshape(len(x), n * F)])
                moments.add(x, y, weight=1 / len(positions))
        weights, start.intercept[c] = moments.solve()
        start.lags[c], start.ahead[c] = weights[:, :P], weights[:, P:]
    return start


class _Moments:
    """Sums over windows from which every ridge solution follows.

    A step reads the lags and the covariates up to it: of the regressors [lags; covariates of step 1; of step 2; ...]
    the first ones, so that its normal equations are the upper left corner of those of all.
    """

    def __init__(self, n_lags: int, n_covariates: int, n_steps: int):
        self.reads = n_lags + n_covariates * np.arange(1, n_steps + 1)
        p = n_lags + n_covariates * n_steps
        self.n = 0.0
        self.x, self.y = np.zeros(p), np.zeros(n_steps)
        self.xx, self.xy = np.zeros((p, p)), np.zeros((p, n_steps))
        self.yy = np.zeros(n_steps)

    def add(self, x: np.ndarray, y: np.ndarray, weight: float) -> None:
        """Rows that count `weight` each: the outputs of one window are no independent observations."""
        self.n += weight * len(x)
        self.x += weight * x.sum(axis=0)
        self.y += weight * y.sum(axis=0)
        with np.errstate(over="ignore", invalid="ignore"):  # `solve` looks
            self.xx += weight * (x.T @ x)
            self.xy += weight * (x.T @ y)
            self.yy += weight * (y**2).sum(axis=0)

    def solve(self) -> tuple[np.ndarray, np.ndarray]:
        """Weights (n_steps, p) and intercepts of the penalty with the lowest GCV; zeros where there is none."""
        weights = np.zeros_like(self.xy.T)
        if self.n == 0 or not all(np.isfinite(sums).all() for sums in (self.xx, self.xy, self.yy)):
            return weights, np.zeros_like(self.y)
        x, y = self.x / self.n, self.y / self.n
        gram, moment = self.xx - self.n * np.outer(x, x), self.xy - self.n * np.outer(x, y)
        unit = np.trace(gram) / len(gram)
        unit = unit if unit > 0 else 1.0
        penalty = unit * self._penalty(gram / unit, moment / unit, (self.yy - self.n * y**2) / unit)
        root = cholesky(gram + penalty * np.eye(len(gram)), lower=True)  # its corners are the corners' roots
        for size in np.unique(self.reads):
            steps = self.reads == size
            weights[steps, :size] = cho_solve((root[:size, :size], True), moment[:size, steps]).T
        return weights, y - weights @ x

    def _penalty(self, gram: np.ndarray, moment: np.ndarray, total: np.ndarray) -> float:
        """The penalty with the lowest GCV over some of the steps, or over all where they read the same."""
        sizes = np.unique(self.reads)
        spectra = []
        for size in sizes[np.unique(np.linspace(0, len(sizes) - 1, 3).astype(int))]:
            steps = self.reads == size
            values, vectors = eigh(gram[:size, :size])
            spectra.append((np.maximum(values, 0.0), vectors.T @ moment[:size, steps], total[steps].sum()))
        return min(PENALTIES[::-1], key=lambda penalty: sum(self._gcv(penalty, *spectrum) for spectrum in spectra))

    def _gcv(self, penalty: float, values: np.ndarray, projected: np.ndarray, total: float) -> float:
        shrunk = projected / (values + penalty)[:, None]
        residual = total - (shrunk * (2 * projected - values[:, None] * shrunk)).sum()
        freedom = self.n - 1 - (values / (values + penalty)).sum()
        return float(max(residual, 0.0) / freedom**2) if freedom > 0 else np.inf


# ---------------------------------------------------------------- autoregression
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
