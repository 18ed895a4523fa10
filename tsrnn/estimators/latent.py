"""The latent autoregressive forecaster: a state-space model whose hidden states drive the series."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile

import numpy as np
from scipy.stats import norm

from ..checks import flag, number, whole
from ..exceptions import ConvergenceWarning
from ..linear import statespace
from ..linear.statespace import Fit
from ..linear.statespace_model import count_parameters
from .base import Attributes
from .history import History, Origin
from .probabilistic import ProbabilisticForecaster

#: Numbers of states that ``n_states="bic"`` compares, in this order.
CANDIDATES = range(1, 9)
#: Number of further states in a row that may raise the criterion before the search ends: a wave needs two states.
MAX_RISES = 2


@dataclass(eq=False, repr=False, kw_only=True)
class LatentARForecaster(ProbabilisticForecaster):
    """Latent autoregression: a linear-Gaussian state-space model, fitted by expectation maximisation.

    States follow ``z' = A z + B u + w``, and the series is ``y = C z + D u + d + v``, with covariates u and independent
    normal noises. The columns of a wide array share the states. Missing values are left out, which is exact.

    Parameters
    ----------
    n_states : int or "bic", default "bic"
        Number of states, or the number from 1 to 8 with the lowest Bayesian information criterion; the search ends
        when two further states have not lowered it.
    max_iter : int, default 200
        Maximum number of iterations of EM, and of L-BFGS after it.
    tol : float, default 0.0001
        EM stops when the log-likelihood of each observed value rises by less than this on average.
    polish : bool, default False
        Whether L-BFGS follows, which maximises the likelihood with the exact gradient.
    horizon : int, default 12
        Number of steps that ``predict()`` forecasts.

    Attributes
    ----------
    model_ : StateSpace
        The parameters A, B, C, D, d, Q, R, m0, P0.
    n_states_ : int
        The number of states.
    loglike_, aic_, bic_ : float
        Log-likelihood, and criteria whose number of parameters leaves out the free choice of the states' basis.
    loglike_curve_ : ndarray
        The log-likelihood before each iteration and at the end.
    converged_ : bool
        Whether the iterations met the tolerance; if not, `fit` gives a `tsrnn.exceptions.ConvergenceWarning`.
    smoothed_states_ : ndarray of shape (n, n_states)
        Means of the states given the whole series.

    References
    ----------
    Shumway & Stoffer (1982), doi:10.1111/j.1467-9892.1982.tb00349.x; Durbin & Koopman (2012), Time Series Analysis by
    State Space Methods, 2nd ed., ch. 4, 6.4 and 7.3.

    Examples
    --------
    >>> import numpy as np
    >>> from tsrnn import LatentARForecaster
    >>> y = np.sin(np.arange(80) / 3)
    >>> interval = LatentARForecaster(n_states=2, tol=1e-3).fit(y).predict_interval(5, 0.9)
    >>> bool((interval[:, 0] < interval[:, 1]).all())
    True
    """

    n_states: int | str = "bic"
    max_iter: int = 200
    tol: float = 1e-4
    polish: bool = False
    horizon: int = 12

    _overflow_advice = "fit with fewer n_states"

    def _fit(self, history: History) -> Attributes:
        whole("horizon", self.horizon)
        if isinstance(self.n_states, str):
            if self.n_states != "bic":
                raise ValueError(f"n_states={self.n_states!r} must be an integer or 'bic'")
            best = self._search(history)
        else:
            best = self._fit_states(history, whole("n_states", self.n_states))
        self._warn_unless_converged(history, best)
        n_values = int(history.observed.sum())
        states = statespace.filter_series(best.model, history.values, history.observed, history.covariates)
        return {
            "model_": best.model,
            "n_states_": len(best.model.A),
            "loglike_": states.loglike,
            "aic_": 2 * (best.model.n_parameters - states.loglike),
            "bic_": _bic(best, n_values),
            "loglike_curve_": best.curve,
            "converged_": best.converged,
            "smoothed_states_": statespace.smooth_states(best.model, states).mean,
        }

    def _search(self, history: History) -> Fit:
        """The fit with the lowest BIC; the search ends when it has risen for `MAX_RISES` more states in a row."""
        n_values, best, n_rises = int(history.observed.sum()), self._fit_states(history, CANDIDATES[0]), 0
        for n_states in CANDIDATES[1:]:
            if n_rises == MAX_RISES or not _holds(history, n_states):
                break
            fit = self._fit_states(history, n_states)
            is_better = _bic(fit, n_values) < _bic(best, n_values)
            best, n_rises = (fit, 0) if is_better else (best, n_rises + 1)
        return best

    def _fit_states(self, history: History, n_states: int) -> Fit:
        max_iter, tol = whole("max_iter", self.max_iter), number("tol", self.tol, 0.0)
        polish, have = flag("polish", self.polish), int(history.observed.sum())
        if not _holds(history, n_states):
            most = sum(1 for _ in takewhile(lambda n: _holds(history, n), range(1, n_states)))
            raise ValueError(
                f"n_states={n_states} has {_n_parameters(history, n_states)} parameters, but {_all(history)} has "
                f"{have} observations in {len(history.values)} steps; "
                f"{f'use n_states={most} or fewer, or ' if most else ''}pass a longer series"
            )
        return statespace.fit(history.values, history.observed, history.covariates, n_states, max_iter, tol, polish)

    def _warn_unless_converged(self, history: History, fit: Fit) -> None:
        if fit.converged:
            return
        what, end = "L-BFGS (polish=True)" if self.polish else "EM", f"ended at max_iter={self.max_iter}"
        rise, mend = (fit.curve[-1] - fit.curve[-2]) / history.observed.sum(), "pass a larger max_iter"
        if not fit.exhausted:
            end, mend = "found no better parameters in its last line search", "pass polish=False or fewer n_states"
        elif not self.polish:
            mend = f"its last step raised the log-likelihood by {rise:.2g} for each observed value; {mend} or tol"
        warnings.warn(
            f"{what} with n_states={len(fit.model.A)} {end} before it converged; {mend}",
            ConvergenceWarning,
            stacklevel=4,
        )

    def _min_context(self) -> int:
        return 1

    def _start(self, origin: Origin) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Mean and covariance of the states before a forecast, and the covariates of its steps."""
        panel = origin.panel
        states = statespace.filter_series(self.model_, panel.values, panel.observed, panel.known)
        return states.mean[-1], states.cov[-1], origin.ahead[0]

    def _predict(self, origin: Origin) -> tuple[np.ndarray, np.ndarray]:
        """Means and standard deviations of each step, (n_steps, n_channels)."""
        return statespace.predict(self.model_, *self._start(origin))

    def _forecast(self, origin: Origin) -> np.ndarray:
        return self._predict(origin)[0][None]

    def _quantiles(self, origin: Origin, levels: np.ndarray) -> np.ndarray:
        mean, deviation = self._predict(origin)
        return (mean[:, :, None] + deviation[:, :, None] * norm.ppf(levels))[None]

    def _sample(self, origin: Origin, n_paths: int, rngs: Sequence[np.random.RandomState]) -> np.ndarray:
        return statespace.simulate(self.model_, *self._start(origin), n_paths, rngs[0])[None]


def _all(history: History) -> str:
    """Name of all channels together in error messages."""
    return "the series" if len(history.n_rows) == 1 else "the target"


def _n_parameters(history: History, n_states: int) -> int:
    m, F = len(history.n_rows), len(history.covariate_names)
    return count_parameters(n_states, m, F)


def _holds(history: History, n_states: int) -> bool:
    """Whether there are more values than parameters, and enough steps for starting values."""
    (T, m), n_values = history.values.shape, int(history.observed.sum())
    return _n_parameters(history, n_states) < n_values and statespace.has_start(T, m, n_states)


def _bic(fit: Fit, n_values: int) -> float:
    return float(np.log(n_values) * fit.model.n_parameters - 2 * fit.curve[-1])
