"""Ridge regression on windows: the start of a network's linear skip."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.linalg import cho_solve, cholesky, eigh, solve_triangular

from ..data.panel import Panel
from ..data.windows import Geometry, WindowIndex, Windows, spread

#: Candidate penalties, in units of the mean eigenvalue of the lags' covariance.
PENALTIES = np.logspace(-8, 2, 41)
#: Relative difference of scores below which rounding decides which is lower; then the largest penalty is chosen.
TIE = 1e-6
#: A centred sum of squares that is so much smaller than the sum itself is rounding.
LOST = 1e-12
#: With fewer windows the penalty is on the distance from the last value; with more, where that has the lower GCV.
MIN_WINDOWS = 10
#: Most windows that are used: of more, these are spread evenly.
MAX_WINDOWS = 100_000
#: Windows added to the normal equations at a time, so that memory does not grow with windows times length.
CHUNK = 1024
#: Number of a window's outputs that are used. Late ones matter: their lags lie after the context by which the window is
#: scaled, and only they show how a forecast follows the level.
POSITIONS = 6


@dataclass(frozen=True)
class LinearStart:
    """A linear forecast of each step of a block, in scaled units.

    Attributes
    ----------
    lags : (C, block, context)
        Weights of each channel's own lags.
    season : (C, 2, block, S)
        Weights of each channel's own seasonal inputs: of those of the first step, and of each step's own.
    ahead : (C, block, (block + 1) * F)
        Weights of the covariates of the step before the block and of its steps; 0 for those after the step itself.
    intercept : (C, block)
    """

    lags: np.ndarray
    season: np.ndarray
    ahead: np.ndarray
    intercept: np.ndarray


def ridge_start(
    panel: Panel, weight: np.ndarray, windows: Windows | WindowIndex, geometry: Geometry, n_seasonal: int = 0
) -> LinearStart:
    """Ridge solution on windows of a panel; values with a positive `weight` (N, C) are targets.

    `panel.known` (N, F + C * S) holds the F covariates and S = `n_seasonal` seasonal inputs of each channel. The
    penalty is on the distance of the weights from zero, or from those that repeat the last value of the context. For
    each channel these two and the size of the penalty minimise generalised cross-validation (Golub, Heath & Wahba 1979,
    doi:10.1080/00401706.1979.10489751, eq. 1.4), which needs the eigenvalues of the normal equations and no refit. Few
    windows cannot tell the two apart, and the penalty is on the distance from the last value. Windows with a missing
    target, or that start late, are left out.
    """
    C, S, P, n = panel.values.shape[1], n_seasonal, geometry.context, geometry.block
    F, column = panel.known.shape[1] - C * S, C + panel.past.shape[1]
    start = LinearStart(np.zeros((C, n, P)), np.zeros((C, 2, n, S)), np.zeros((C, n, (n + 1) * F)), np.zeros((C, n)))
    windows = windows.take(spread(len(windows), MAX_WINDOWS))
    positions = np.unique(np.linspace(0, geometry.n_outputs - 1, POSITIONS).astype(int))
    for c in range(C):
        lags, targets = sliding_window_view(panel.values[:, c], P), sliding_window_view(panel.values[:, c], n)
        is_complete = np.all(sliding_window_view(weight[:, c] > 0, n), axis=1)
        moments = _Moments(P + S + F, F, n, S)
        read = np.r_[0:F, F + c * S : F + (c + 1) * S]
        steps_ahead = sliding_window_view(panel.known[:, read], n, axis=0).swapaxes(1, 2)  # (rows, n, F + S)
        for first in range(0, len(windows), CHUNK):
            chunk = windows.take(np.arange(first, min(first + CHUNK, len(windows))))
            for k in positions * geometry.stride:
                use = np.flatnonzero(is_complete[chunk.target + k] & (chunk.length == geometry.n_steps))
                x_rows, y_rows = chunk.start[use] + k, chunk.target[use] + k
                shift, scale = chunk.shift[use], chunk.scale[use]
                own_shift, own_scale = shift[:, c, None], scale[:, c, None]
                x, y = (lags[x_rows] - own_shift) / own_scale, (targets[y_rows] - own_shift) / own_scale
                u = (steps_ahead[y_rows] - shift[:, None, column + read]) / scale[:, None, column + read]
                own, before = u[:, :, F:].reshape(len(x), n * S), np.maximum(y_rows - 1, chunk.start[use] + 1)
                v = (panel.known[before, :F] - shift[:, column : column + F]) / scale[:, column : column + F]
                shared = np.hstack([x, own[:, :S], v, u[:, :, :F].reshape(len(x), n * F)])
                is_moving = np.ptp(np.hstack([x, y]), axis=1) > 0
                moments.add(shared, own, y, is_moving, weight=1 / len(positions))
        if not moments.usable():
            continue
        weights, of_own, start.intercept[c] = _solution(moments, P)
        start.lags[c], start.season[c, 0], start.ahead[c] = np.split(weights, [P, P + S], axis=1)
        start.season[c, 1] = of_own
    return start


def _solution(moments: _Moments, n_lags: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Weights, weights of each step's own regressors, and intercepts, shrunk towards the last lag or towards zero."""
    moments.centre()
    changes = moments.less(n_lags - 1)
    (score, to_zero), (score_of_changes, to_last) = moments.penalty(), changes.penalty()
    if moments.n_moving >= MIN_WINDOWS and score < score_of_changes:
        return moments.solve(to_zero)
    weights, of_own, intercept = changes.solve(to_last)
    weights[:, n_lags - 1] += 1
    return weights, of_own, intercept


class _Moments:
    """Sums over windows from which every ridge solution follows.

    The regressors of a step are those that all steps share, the covariates up to the step, and some of its own. In the
    order [shared; covariates of step 1; of step 2; ...] the first two kinds are leading ones, so that the normal
    equations of a step are the upper left corner of those of all, bordered by those of its own regressors.
    """

    def __init__(self, n_shared: int, n_covariates: int, n_steps: int, n_own: int):
        self.reads = n_shared + n_covariates * np.arange(1, n_steps + 1)
        p, q = n_shared + n_covariates * n_steps, n_steps * n_own
        self.n, self.n_moving, self.n_own = 0.0, 0.0, n_own
        self.x, self.own, self.y = np.zeros(p), np.zeros(q), np.zeros(n_steps)
        self.xx, self.xy, self.x_own = np.zeros((p, p)), np.zeros((p, n_steps)), np.zeros((p, q))
        self.own_own, self.own_y = np.zeros((n_steps, n_own, n_own)), np.zeros((n_steps, n_own))
        self.yy = np.zeros(n_steps)

    def add(self, x: np.ndarray, own: np.ndarray, y: np.ndarray, is_moving: np.ndarray, weight: float) -> None:
        """Add rows of weight `weight`, less than 1 because the outputs of one window are not independent.

        Windows in which nothing moves, such as the zeros before a product is launched, fit every model, and so they
        are not counted among those that tell a good penalty from a bad one.
        """
        self.n_moving += weight * is_moving.sum()
        each = own.reshape(len(own), len(self.y), self.n_own)
        self.n += weight * len(x)
        self.x += weight * x.sum(axis=0)
        self.own += weight * own.sum(axis=0)
        self.y += weight * y.sum(axis=0)
        with np.errstate(over="ignore", invalid="ignore"):  # `usable` checks it
            self.xx += weight * (x.T @ x)
            self.xy += weight * (x.T @ y)
            self.x_own += weight * (x.T @ own)
            self.own_own += weight * np.einsum("wjq,wjr->jqr", each, each)
            self.own_y += weight * np.einsum("wjq,wj->jq", each, y)
            self.yy += weight * (y**2).sum(axis=0)

    def usable(self) -> bool:
        """Whether there are windows and all sums are finite."""
        sums = (self.xx, self.xy, self.x_own, self.own_own, self.own_y, self.yy)
        return self.n > 0 and all(np.isfinite(some).all() for some in sums)

    def less(self, regressor: int) -> _Moments:
        """The centred sums for the targets minus one of the shared regressors."""
        other, change = copy(self), self.xx[regressor]
        other.y = self.y - self.x[regressor]
        other.yy = np.maximum(self.yy - 2 * self.xy[regressor] + change[regressor], 0.0)
        other.xy = self.xy - change[:, None]
        other.own_y = self.own_y - self.x_own[regressor].reshape(self.own_y.shape)
        return other

    def solve(self, penalty: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Weights (n_steps, p), of each step's own regressors (n_steps, n_own), and intercepts (n_steps,)."""
        weights, of_own = np.zeros_like(self.xy.T), np.zeros_like(self.own_y)
        root = cholesky(self.xx + penalty * np.eye(len(self.xx)), lower=True)  # a corner's root is the root's corner
        for size in np.unique(self.reads):
            steps = np.flatnonzero(self.reads == size)
            weights[steps, :size], of_own[steps] = self._bordered(root[:size, :size], steps, penalty)
        own = self.own.reshape(of_own.shape)
        return weights, of_own, self.y - weights @ self.x - (of_own * own).sum(axis=1)

    def centre(self) -> None:
        """Turn the sums into means, and the sums of products into those of deviations from the means.

        Of a regressor that does not change, as the lags of a straight line relative to its last value, only rounding
        would remain; it gets zeros.
        """
        before = np.diag(self.xx).copy()
        self.x, self.own, self.y = self.x / self.n, self.own / self.n, self.y / self.n
        own = self.own.reshape(self.own_y.shape)
        self.xx -= self.n * np.outer(self.x, self.x)
        self.xy -= self.n * np.outer(self.x, self.y)
        self.x_own -= self.n * np.outer(self.x, self.own)
        self.own_own -= self.n * own[:, :, None] * own[:, None]
        self.own_y -= self.n * own * self.y[:, None]
        self.yy -= self.n * self.y**2
        is_lost = np.diag(self.xx) <= LOST * before
        self.xx[is_lost], self.xx[:, is_lost], self.xy[is_lost], self.x_own[is_lost] = 0.0, 0.0, 0.0, 0.0

    def _border(self, size: int, steps: np.ndarray) -> np.ndarray:
        """Products of the first `size` regressors with the own ones of each of the `steps`, (size, steps, n_own)."""
        return self.x_own[:size].reshape(size, len(self.y), self.n_own)[:, steps]

    def _bordered(self, root: np.ndarray, steps: np.ndarray, penalty: float) -> tuple[np.ndarray, np.ndarray]:
        """Weights of `steps` with the same shared regressors, and of their own, by block elimination."""
        size, moment = len(root), self.xy[: len(root), steps]
        if self.n_own == 0:
            return cho_solve((root, True), moment).T, self.own_y[steps]
        border = self._border(size, steps)
        z = solve_triangular(root, border.reshape(size, -1), lower=True).reshape(border.shape)
        u = solve_triangular(root, moment, lower=True)
        rest = self.own_own[steps] + penalty * np.eye(self.n_own) - np.einsum("pjq,pjr->jqr", z, z)
        of_own = np.linalg.solve(rest, (self.own_y[steps] - np.einsum("pjq,pj->jq", z, u))[..., None])[..., 0]
        shared = solve_triangular(root, u - np.einsum("pjq,jq->pj", z, of_own), lower=True, trans="T")
        return shared.T, of_own

    def penalty(self) -> tuple[float, float]:
        """Lowest GCV, summed over all steps or three of them, and its penalty."""
        spectra, unit = [], np.trace(self.xx) / len(self.xx)
        unit = unit if unit > 0 else 1.0
        for size, steps in self._groups():
            gram, moment = self.xx[:size, :size], self.xy[:size, steps]
            if self.n_own:
                border = self._border(size, steps)[:, 0]
                gram = np.block([[gram, border], [border.T, self.own_own[steps[0]]]])
                moment = np.vstack([moment, self.own_y[steps].T])
            values, vectors = eigh(gram / unit)
            total = self.yy[steps].sum() / unit
            spectra.append((np.maximum(values, 0.0), vectors.T @ (moment / unit), total))
        scores = np.array([sum(self._gcv(penalty, *spectrum) for spectrum in spectra) for penalty in PENALTIES])
        best = PENALTIES[scores <= scores.min() * (1 + TIE)].max()
        return float(unit * scores.min()), float(unit * best)

    def _groups(self) -> list[tuple[int, np.ndarray]]:
        """Numbers of regressors, each with the steps that have so many: the first, the middle and the last group."""
        sizes = np.unique(self.reads)
        groups = [(int(size), np.flatnonzero(self.reads == size)) for size in sizes]
        if self.n_own:
            groups = [(int(size), np.array([j])) for j, size in enumerate(self.reads)]
        return [groups[i] for i in np.unique(np.linspace(0, len(groups) - 1, 3).astype(int))]

    def _gcv(self, penalty: float, values: np.ndarray, projected: np.ndarray, total: float) -> float:
        kept = penalty / (values + penalty)  # fraction that the penalty leaves in the residual
        explained = (projected**2).sum(axis=1) / np.where(values > 0, values, np.inf)
        residual = max(total - explained.sum(), 0.0) + (kept**2 * explained).sum()
        freedom = self.n_moving - 1 - (values / (values + penalty)).sum()
        return float(residual / freedom**2) if freedom > 0 else np.inf
