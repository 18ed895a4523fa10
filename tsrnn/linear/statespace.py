"""The latent autoregressive model: a linear-Gaussian state-space model, fitted by EM and polished by its own gradient.

    z_t = A z_{t-1} + B u_t + w_t,        w ~ N(0, Q)            z_1 ~ N(m0, P0)
    y_t = C z_t + D u_t + d + v_t,        v ~ N(0, diag(R))

for n states z, m series y and F covariates u, both scaled. Missing values are left out, which is exact.
"""

from __future__ import annotations

from dataclasses import fields, replace
from typing import NamedTuple

import numpy as np
from scipy.linalg import cho_factor, cho_solve, cholesky, lstsq, svd
from scipy.optimize import minimize

from ..data.scaling import mean_and_scale
from ..kernels import get_kalman, single_threaded_blas
from .statespace_model import Covariances, Filtered, Smoothed, StateSpace, standardised

#: Least variance of a noise, in units of the variance of the scaled series, so that a likelihood stays finite.
LEAST_NOISE = 1e-8


def filter_series(model: StateSpace, series: np.ndarray, observed: np.ndarray, covariates: np.ndarray) -> Filtered:
    """Kalman filter over the `observed` (T, m) values of a series (T, m); the log-likelihood is in its own units."""
    y, u = model.scaled(series, covariates)
    states = filter_states(model, y, observed, u)
    return states._replace(loglike=states.loglike - _log_jacobian(model, observed))


def _log_jacobian(model: StateSpace, observed: np.ndarray) -> float:
    """Jacobian term of the scaling: sum of the log scales over the observed values."""
    return float((observed.sum(axis=0) * np.log(model.scale)).sum())


def filter_states(model: StateSpace, y: np.ndarray, observed: np.ndarray, u: np.ndarray) -> Filtered:
    """Kalman filter over scaled y (T, m) and u (T, F).

    Raises
    ------
    FloatingPointError
        If a covariance is singular, or the likelihood not finite.
    """
    (T, m), n = y.shape, len(model.A)
    a, b = model.inputs(u)
    means, tables, at = np.empty((2, T, n)), np.empty((2, T, n, n)), np.empty(T, np.int64)
    loglike = get_kalman().filter(
        *map(_plain, (y, np.asarray(observed, bool), a, b, model.A, model.C, model.Q, model.R, model.m0, model.P0)),
        means[0], tables[0], means[1], tables[1], at, np.empty(n + n * n + m * n + 2 * m),
    )  # fmt: skip
    if not np.isfinite(loglike):
        raise FloatingPointError(
            "the likelihood of the state-space model is not finite: a covariance is singular or its states explode; "
            "use fewer n_states"
        )
    predicted, filtered = (Covariances(table[: at[-1] + 1], at) for table in tables)
    return Filtered(means[0], predicted, means[1], filtered, float(loglike))


def smooth_states(model: StateSpace, states: Filtered) -> Smoothed:
    """Kalman smoother, from the result of the filter."""
    (T, n), mean = states.mean.shape, np.empty_like(states.mean)
    cov, lag, at = np.empty((T, n, n)), np.empty((T, n, n)), np.empty(T, np.int64)
    predicted, filtered = states.predicted_cov, states.cov
    get_kalman().smoother(
        _plain(model.A), _plain(model.Q),
        *map(_plain, (states.predicted_mean, predicted.table, states.mean, filtered.table, filtered.at)),
        mean, cov, lag, at, np.empty(5 * n * n),
    )  # fmt: skip
    k = at[0] + 1
    return Smoothed(mean, Covariances(cov[:k], at), Covariances(lag[:k], at))


def _plain(array: np.ndarray) -> np.ndarray:
    """The array contiguous and writable, so that the compiler makes one version of a function."""
    return array if array.flags.carray else np.array(array, order="C")


# ---------------------------------------------------------------- forecasts
def predict(model: StateSpace, z: np.ndarray, P: np.ndarray, ahead: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Means and standard deviations (h, m) of the steps with covariates `ahead` (h, F), after states N(z, P)."""
    a, b = model.inputs((ahead - model.centre) / model.width)
    means, variances = np.empty_like(b), np.empty_like(b)
    for k in range(len(ahead)):
        z, P = model.A @ z + a[k], model.A @ P @ model.A.T + model.Q
        means[k] = model.C @ z + b[k]
        variances[k] = np.einsum("ci,ij,cj->c", model.C, P, model.C) + model.R
    return model.level + model.scale * means, model.scale * np.sqrt(variances)


def simulate(
    model: StateSpace, z: np.ndarray, P: np.ndarray, ahead: np.ndarray, n_paths: int, rng: np.random.RandomState
) -> np.ndarray:
    """Random paths (h, m, n_paths) of the steps with covariates `ahead` (h, F), after states N(z, P)."""
    (a, b), n = model.inputs((ahead - model.centre) / model.width), len(z)
    states = z[:, None] + _root(P) @ rng.standard_normal((n, n_paths))
    root, noise, paths = _root(model.Q), np.sqrt(model.R)[:, None], np.empty((*b.shape, n_paths))
    for k in range(len(ahead)):
        states = model.A @ states + a[k][:, None] + root @ rng.standard_normal((n, n_paths))
        paths[k] = model.C @ states + b[k][:, None] + noise * rng.standard_normal((len(b[k]), n_paths))
    return model.level[:, None] + model.scale[:, None] * paths


def _root(P: np.ndarray) -> np.ndarray:
    """A matrix whose product with its transpose is P, which may be singular."""
    values, vectors = np.linalg.eigh(P)
    return vectors * np.sqrt(np.maximum(values, 0.0))


# ---------------------------------------------------------------- expectation and maximisation
class Sums(NamedTuple):
    """Expected sums of products of y, states z, and regressors x = [z of the step before; u] and h = [z; u; 1]."""

    steps: int  # from the second on
    zz: np.ndarray  # (n, n), from the second step on
    zx: np.ndarray  # (n, n + F)
    xx: np.ndarray  # (n + F, n + F)
    values: np.ndarray  # (m,) number of observed values
    yy: np.ndarray  # (m,)
    yh: np.ndarray  # (m, n + F + 1)
    hh: np.ndarray  # (m, n + F + 1, n + F + 1)
    first: np.ndarray  # (n,) mean of the first step's states

    def of_states(self, G: np.ndarray) -> np.ndarray:
        """The sum of (z - G x) (z - G x)', (n, n)."""
        return self.zz - G @ self.zx.T - self.zx @ G.T + G @ self.xx @ G.T

    def of_series(self, H: np.ndarray) -> np.ndarray:
        """The sums of (y - H h)², (m,)."""
        return self.yy - 2 * (H * self.yh).sum(axis=1) + np.einsum("ci,cij,cj->c", H, self.hh, H)


def expected_sums(smoothed: Smoothed, y: np.ndarray, observed: np.ndarray, u: np.ndarray) -> Sums:
    """The E-step (Shumway & Stoffer 1982, doi:10.1111/j.1467-9892.1982.tb00349.x, eq. 3.10 to 3.12)."""
    z, P = smoothed.mean, smoothed.cov
    T, n = z.shape
    first, last = np.ones(T), np.ones(T)
    first[0] = last[-1] = 0.0
    h = np.hstack([z, u, np.ones((T, 1))])
    moments, covariance = h.T @ h, P.sum(np.ones(T))
    x = h[:-1, :-1].copy()
    x[:, n:] = u[1:]
    xx, zx = x.T @ x, z[1:].T @ x
    xx[:n, :n] += P.sum(last)
    zx[:, :n] += smoothed.lag_cov.sum(last)
    hh, seen = np.repeat(moments[None], y.shape[1], axis=0), observed.astype(float)
    hh[:, :n, :n] += covariance
    for c in np.flatnonzero(~observed.all(axis=0)):
        hh[c] = (h * seen[:, c : c + 1]).T @ h
        hh[c, :n, :n] += P.sum(seen[:, c])
    values = np.where(observed, y, 0.0)
    zz = moments[:n, :n] - np.outer(z[0], z[0]) + P.sum(first)
    return Sums(T - 1, zz, zx, xx, seen.sum(axis=0), (values**2).sum(axis=0), values.T @ h, hh, z[0])


def maximise(model: StateSpace, sums: Sums) -> StateSpace:
    """The M-step: parameters that maximise the expected log-likelihood (the same paper, eq. 3.13 to 3.15)."""
    n, F = len(model.A), model.B.shape[1]
    G = lstsq(sums.xx, sums.zx.T)[0].T
    H = np.stack([lstsq(hh, yh)[0] for hh, yh in zip(sums.hh, sums.yh, strict=True)])
    Q, R = sums.of_states(G) / sums.steps, sums.of_series(H) / sums.values
    return replace(
        model, A=G[:, :n], B=G[:, n:], Q=_positive(Q), C=H[:, :n], D=H[:, n : n + F], d=H[:, -1],
        R=np.maximum(R, LEAST_NOISE), m0=sums.first,
    )  # fmt: skip


def _positive(Q: np.ndarray) -> np.ndarray:
    """Nearest symmetric matrix whose eigenvalues are at least `LEAST_NOISE`."""
    values, vectors = np.linalg.eigh((Q + Q.T) / 2)
    return (vectors * np.maximum(values, LEAST_NOISE)) @ vectors.T


# ---------------------------------------------------------------- fitting
class Fit(NamedTuple):
    """A fitted model, the log-likelihood before each iteration of EM and at the end, and how the iterations ended.

    `converged`: the iterations met the tolerance; `exhausted`: they reached the largest number allowed.
    """

    model: StateSpace
    curve: np.ndarray
    converged: bool
    exhausted: bool


def fit(
    series: np.ndarray,
    observed: np.ndarray,
    covariates: np.ndarray,
    n_states: int,
    max_iter: int,
    tol: float,
    polish: bool,
) -> Fit:
    """EM from a subspace estimate, until the log-likelihood of a value rises by less than `tol`; then L-BFGS.

    The gaps of the series (T, m) are filled; only the subspace estimate reads these values.
    """
    level, scale = _mean_and_scale(series, observed)
    centre, width = _mean_and_scale(covariates, True)
    y, u = standardised(series, level, scale), standardised(covariates, centre, width)
    model = replace(start(y, u, n_states), level=level, scale=scale, centre=centre, width=width)
    curve: list[float] = []
    converged = False
    with single_threaded_blas():
        for _ in range(max_iter):
            states = filter_states(model, y, observed, u)
            curve.append(states.loglike)
            converged = len(curve) > 1 and curve[-1] - curve[-2] < tol * observed.sum()
            if converged:
                break
            model = maximise(model, expected_sums(smooth_states(model, states), y, observed, u))
        exhausted = not converged
        if polish:
            model, converged, exhausted = _polish(model, y, observed, u, max_iter)
        curve.append(filter_states(model, y, observed, u).loglike)
    return Fit(model, np.array(curve) - _log_jacobian(model, observed), bool(converged), exhausted)


def _mean_and_scale(values: np.ndarray, observed: np.ndarray | bool) -> tuple[np.ndarray, np.ndarray]:
    """`mean_and_scale` of each column; near the largest floats computed from a quarter, so that nothing overflows."""
    unit = 4.0 if np.abs(values).max(initial=0.0) > np.finfo(float).max / 4 else 1.0
    mean, scale = mean_and_scale(values.T / unit, np.transpose(observed))
    return unit * mean, unit * scale


def start(y: np.ndarray, u: np.ndarray, n_states: int) -> StateSpace:
    """Subspace estimate of a model, the start of EM (Larimore 1983; Van Overschee & De Moor 1994).

    The past of a step is the values of some steps before it. The regression of the future on the past is reduced to its
    n_states largest singular values. The projections of the past on their singular vectors are the states; regressions
    on these states give the parameters.
    """
    (T, m), n, F = y.shape, n_states, u.shape[1]
    constant = np.hstack([u, np.ones((T, 1))])
    effects = lstsq(constant, y)[0]
    rest = y - constant @ effects
    lags = _start_lags(T, m, n)
    rows = np.arange(lags, T - lags + 1)
    if len(rows) < 2:
        raise ValueError(f"n_states={n_states} needs more than {2 * lags} steps, but there are {T}; use fewer")
    past = np.hstack([rest[rows - k] for k in range(1, lags + 1)])
    future = np.hstack([rest[rows + k] for k in range(lags)])
    gram = past.T @ past / len(rows)
    root = cholesky(gram + 1e-6 * (np.trace(gram) / len(gram) + 1e-6) * np.eye(len(gram)), lower=True)
    whitened = np.linalg.solve(root, past.T).T
    weights = svd(future.T @ whitened / len(rows), full_matrices=False)[2][:n]
    z = whitened @ weights.T
    x = np.hstack([z[:-1], u[rows[1:]]])
    G = lstsq(x, z[1:])[0].T
    H = lstsq(z, rest[rows])[0].T
    return StateSpace(
        A=G[:, :n] * min(1.0, 0.99 / max(np.abs(np.linalg.eigvals(G[:, :n])).max(), 1e-9)),
        B=G[:, n:],
        C=H,
        D=effects[:F].T,
        d=effects[F],
        Q=_positive(np.cov(z[1:].T - G @ x.T).reshape(n, n) + 1e-3 * np.eye(n)),
        R=np.maximum((rest[rows] - z @ H.T).var(axis=0), 1e-3),
        m0=np.zeros(n),
        P0=np.eye(n),
        level=np.zeros(m),
        scale=np.ones(m),
        centre=np.zeros(F),
        width=np.ones(F),
    )


def _start_lags(T: int, m: int, n_states: int) -> int:
    """Number of past steps that the subspace estimate uses."""
    blocks = -(-n_states // m)
    return max(blocks, min(2 * blocks + 2, T // (3 * m)))


def has_start(T: int, m: int, n_states: int) -> bool:
    """Whether a series (T, m) is long enough for the subspace estimate of so many states."""
    return T - 2 * _start_lags(T, m, n_states) + 1 >= 2


# ---------------------------------------------------------------- polish
def _polish(
    model: StateSpace, y: np.ndarray, observed: np.ndarray, u: np.ndarray, max_iter: int
) -> tuple[StateSpace, bool, bool]:
    """Maximum likelihood by L-BFGS; return the model, and `converged` and `exhausted` as in `Fit`."""
    size = observed.sum()

    def negative(vector: np.ndarray) -> tuple[float, np.ndarray]:
        trial = _unpack(model, vector)
        try:
            states = filter_states(trial, y, observed, u)
        except FloatingPointError:  # a step of the line search that went too far
            return np.inf, np.zeros_like(vector)
        return -states.loglike / size, -score(trial, states, y, observed, u) / size

    n, rest = len(model.A), model.m0.size
    free = [(None, None)] * (_pack(model).size - n * (n + 1) // 2 - len(model.R) - rest)
    least = np.log(LEAST_NOISE)
    of_root = [(least / 2, None) if i == j else (None, None) for i, j in zip(*np.tril_indices(n), strict=True)]
    bounds = [*free, *of_root, *[(least, None)] * len(model.R), *[(None, None)] * rest]
    options = {"maxiter": max_iter}
    found = minimize(negative, _pack(model), jac=True, method="L-BFGS-B", bounds=bounds, options=options)
    return _unpack(model, found.x), bool(found.success), bool(found.nit >= max_iter)


def score(model: StateSpace, states: Filtered, y: np.ndarray, observed: np.ndarray, u: np.ndarray) -> np.ndarray:
    """Gradient of the log-likelihood by the vector of `_pack`, from the expected sums.

    By Fisher's identity it is the gradient of the expected complete log-likelihood (Durbin & Koopman 2012, ch. 7.3.3).
    """
    sums = expected_sums(smooth_states(model, states), y, observed, u)
    factor = cho_factor(model.Q)
    G, H = np.hstack([model.A, model.B]), np.hstack([model.C, model.D, model.d[:, None]])
    dG = cho_solve(factor, sums.zx - G @ sums.xx)
    inverse = cho_solve(factor, np.eye(len(G)))
    dQ = 0.5 * (inverse @ sums.of_states(G) @ inverse - sums.steps * inverse)
    dH = (sums.yh - np.einsum("cij,cj->ci", sums.hh, H)) / model.R[:, None]
    dR = 0.5 * (sums.of_series(H) / model.R - sums.values)  # by log R
    root = np.linalg.cholesky(model.Q)
    droot = np.tril(2 * dQ @ root)
    np.fill_diagonal(droot, np.diag(droot) * np.diag(root))  # by the logarithm of the diagonal
    dm0 = np.linalg.solve(model.P0, sums.first - model.m0)
    n, F = len(G), u.shape[1]
    of_states, of_series = (dG[:, :n], dG[:, n:]), (dH[:, :n], dH[:, n : n + F], dH[:, -1])
    parts = (*of_states, *of_series, droot[np.tril_indices(n)], dR, dm0)
    return np.concatenate([part.ravel() for part in parts])


def _pack(model: StateSpace) -> np.ndarray:
    """Unbounded parameters: A, B, C, D, d, the Cholesky factor of Q with a logarithmic diagonal, log R, m0."""
    root = np.linalg.cholesky(model.Q)
    np.fill_diagonal(root, np.log(np.diag(root)))
    parts = (model.A, model.B, model.C, model.D, model.d, root[np.tril_indices(len(root))], np.log(model.R), model.m0)
    return np.concatenate([part.ravel() for part in parts])


def _unpack(model: StateSpace, vector: np.ndarray) -> StateSpace:
    """`model` with the parameters of a vector of `_pack`."""
    n, parts, at = len(model.A), {}, 0
    shapes = {field.name: getattr(model, field.name).shape for field in fields(model)} | {"Q": (n * (n + 1) // 2,)}
    for name in ("A", "B", "C", "D", "d", "Q", "R", "m0"):
        size = int(np.prod(shapes[name]))
        parts[name] = vector[at : at + size].reshape(shapes[name])
        at += size
    root = np.zeros((n, n))
    root[np.tril_indices(n)] = parts["Q"]
    np.fill_diagonal(root, np.exp(np.diag(root)))
    return replace(model, **(parts | {"Q": root @ root.T, "R": np.exp(parts["R"])}))
