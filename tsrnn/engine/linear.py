"""Linear forecasts in closed form: autoregression by least squares, and the ridge start of a network's linear skip."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.linalg import eigh, lstsq

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
def ridge_skip(
    series: np.ndarray, observed: np.ndarray, windows: Windows, geometry: Geometry
) -> tuple[np.ndarray, np.ndarray]:
    """Weights (C, block, context) and intercepts (block, C) of each channel's own lags, in scaled units.

    One penalty for each channel minimises generalised cross-validation (Golub, Heath & Wahba 1979,
    doi:10.1080/00401706.1979.10489751, eq. 1.4), which needs the eigenvalues of the normal equations and no refit.
    Windows with a missing target are left out.
    """
    C, P, n = series.shape[1], geometry.context, geometry.block
    weights, intercepts = np.zeros((C, n, P)), np.zeros((n, C))
    positions = np.unique(np.linspace(0, geometry.n_outputs - 1, POSITIONS).astype(int))
    for c in range(C):
        lags, targets = sliding_window_view(series[:, c], P), sliding_window_view(series[:, c], n)
        seen = np.all(sliding_window_view(observed[:, c], n), axis=1)
        moments = _Moments(P, n)
        for first in range(0, len(windows), CHUNK):
            some = windows.take(np.arange(first, min(first + CHUNK, len(windows))))
            for k in positions:
                use = some.take(np.flatnonzero(seen[some.target + k]))
                shift, scale = use.shift[:, c, None], use.scale[:, c, None]
                x, y = (lags[use.start + k] - shift) / scale, (targets[use.target + k] - shift) / scale
                moments.add(x, y, weight=1 / len(positions))
        weights[c], intercepts[:, c] = moments.solve()
    return weights, intercepts


class _Moments:
    """Sums over windows from which every ridge solution follows."""

    def __init__(self, n_lags: int, n_targets: int):
        self.n = 0.0
        self.x, self.y = np.zeros(n_lags), np.zeros(n_targets)
        self.xx, self.xy = np.zeros((n_lags, n_lags)), np.zeros((n_lags, n_targets))
        self.yy = np.zeros(n_targets)

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
        """Weights (n_targets, n_lags) and intercepts of the penalty with the lowest GCV; zeros where there is none."""
        if self.n == 0 or not all(np.isfinite(sums).all() for sums in (self.xx, self.xy, self.yy)):
            return np.zeros_like(self.xy.T), np.zeros_like(self.y)
        x, y = self.x / self.n, self.y / self.n
        values, vectors = eigh(self.xx - self.n * np.outer(x, x))
        values = np.maximum(values, 0.0)
        projected = vectors.T @ (self.xy - self.n * np.outer(x, y))
        total = (self.yy - self.n * y**2).sum()
        unit = values.mean() or 1.0
        best = min(PENALTIES[::-1], key=lambda penalty: self._gcv(penalty * unit, values, projected, total))
        weights = (vectors @ (projected / (values + best * unit)[:, None])).T
        return weights, y - weights @ x

    def _gcv(self, penalty: float, values: np.ndarray, projected: np.ndarray, total: float) -> float:
        shrunk = projected / (values + penalty)[:, None]
        residual = total - (shrunk * (2 * projected - values[:, None] * shrunk)).sum()
        freedom = self.n - 1 - (values / (values + penalty)).sum()
        return float(max(residual, 0.0) / freedom**2) if freedom > 0 else np.inf


# ---------------------------------------------------------------- autoregression
@dataclass(frozen=True)
class Autoregression:
    """y_t = intercept + slope * t + sum of coefficients[i] * y_{t - lags[i]} + e_t; t counts from 1.

    `sigma2` is the mean squared residual, `aic` and `bic` are those of the Gaussian likelihood with it (Hamilton 1994,
    Time Series Analysis, ch. 5.2): ``n log sigma2 + penalty * (number of coefficients + 1)`` and constants.
    """

    lags: tuple[int, ...]
    coefficients: np.ndarray
    intercept: float
    slope: float
    sigma2: float
    aic: float
    bic: float

    def forecast(self, context: np.ndarray, n_before: int, horizon: int) -> np.ndarray:
        """Continue `context` (at least max(lags) values, ending at time `n_before`) by `horizon` steps."""
        longest = max(self.lags, default=0)
        values = np.concatenate([context[len(context) - longest :], np.empty(horizon)])
        back = np.asarray(self.lags, np.int64)
        for t in range(longest, longest + horizon):
            level = self.intercept + self.slope * (n_before + 1 + t - longest)
            values[t] = level + self.coefficients @ values[t - back]
        return values[longest:]


def complete_rows(observed: np.ndarray, lags: Iterable[int]) -> np.ndarray:
    """Where the value and all of its `lags` were observed, (n,) bool."""
    rows = observed.copy()
    for lag in lags:
        rows[:lag] = False
        rows[lag:] &= observed[: len(observed) - lag]
    return rows


def fit_autoregression(
    y: np.ndarray, rows: np.ndarray, lags: tuple[int, ...], trend: str, ridge: float
) -> Autoregression:
    """Least squares over the `rows` (n,) that are True, which must be complete.

    The penalty ``ridge * sum(coefficients²)`` spares the trend. A power of two as unit keeps squares of large and small
    values in range; a residual that is all rounding counts as one of that size, so that criteria then compare orders.
    """
    time = np.flatnonzero(rows)
    unit = float(np.ldexp(0.5, np.frexp(np.abs(y).max())[1]))
    scaled = y / unit
    terms: list[np.ndarray] = [np.ones(len(time))] if "c" in trend else []
    terms += [time + 1.0] if "t" in trend else []
    x = np.column_stack([*terms, *(scaled[time - lag] for lag in lags), np.empty((len(time), 0))])
    target, k = scaled[time], x.shape[1]
    penalty = np.zeros((len(lags) if ridge else 0, k))
    penalty[:, len(terms) :] = np.sqrt(ridge) / unit * np.eye(*penalty[:, len(terms) :].shape)
    solution = lstsq(np.vstack([x, penalty]), np.concatenate([target, np.zeros(len(penalty))]))[0]
    sigma2 = float(np.mean((target - x @ solution) ** 2))
    deviance = len(time) * (np.log(2 * np.pi * max(sigma2, 100 * np.finfo(float).eps ** 2)) + 2 * np.log(unit) + 1)
    return Autoregression(
        lags=lags,
        coefficients=solution[len(terms) :],
        intercept=float(solution[0]) * unit if "c" in trend else 0.0,
        slope=float(solution[len(terms) - 1]) * unit if "t" in trend else 0.0,
        sigma2=sigma2 * unit * unit,
        aic=deviance + 2 * (k + 1),
        bic=deviance + np.log(len(time)) * (k + 1),
    )


def select_autoregression(
    y: np.ndarray, observed: np.ndarray, longest: int, trend: str, ridge: float, criterion: str
) -> Autoregression:
    """The order from 0 to `longest` with the lowest `criterion`, all compared on the same rows, then fitted on all."""
    orders = [tuple(range(1, order + 1)) for order in range(longest + 1)]
    common = complete_rows(observed, orders[-1])
    best = min(orders, key=lambda lags: getattr(fit_autoregression(y, common, lags, trend, ridge), criterion))
    return fit_autoregression(y, complete_rows(observed, best), best, trend, ridge)
