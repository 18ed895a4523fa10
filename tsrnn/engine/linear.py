"""The ridge solution on windows, from which the linear skip of a network starts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.linalg import cho_solve, cholesky, eigh

from .parameters import Geometry
from .windows import Windows

#: Ridge penalties that are tried, in units of the mean eigenvalue of the lags' covariance.
PENALTIES = np.logspace(-8, 2, 41)
#: Windows that enter the normal equations at a time, so that memory does not grow with windows times length.
CHUNK = 1024
#: Of a window's outputs, how many enter. Later ones matter: their lags have left the context that the window is scaled
#: by, and only they tell how a forecast follows the level.
POSITIONS = 6


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
