"""The latent autoregressive forecaster: a state-space model whose hidden states drive the series."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import NamedTuple

import numpy as np
from joblib import Parallel, delayed
from scipy.stats import norm

from ..checks import flag, number, processes, whole
from ..data.panel import Panel
from ..exceptions import ConvergenceWarning
from ..frame import PanelTarget
from ..kernels import single_threaded_blas
from ..linear import statespace
from ..linear.statespace import Fit
from ..linear.statespace_model import StateSpace, count_parameters
from .autoregressive_panels import listed, names_of
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
    normal noises. The columns of a wide array share the states; each series of a panel has a model of its own. Missing
    values are left out, which is exact.

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
    n_jobs : int or None, default None
        Number of processes that fit the series of a panel, -1 for one on each processor; None is 1, unless
        `joblib.parallel_config` sets another number. The fit is the same, bit for bit, for every number. A fit to one
        series or a wide array is one model, so that one process fits it.

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

    Notes
    -----
    After a fit to a panel, each of these attributes is a dict, which has the value of every series by its id.

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
    n_jobs: int | None = None

    _overflow_advice = "fit with fewer n_states"

    def _fit(self, history: History) -> Attributes:
        whole("horizon", self.horizon)
        n_jobs = processes("n_jobs", self.n_jobs)
        worker = type(self)(**self.get_params(deep=False))  # other processes get nothing of an earlier fit
        names = [history.channel(s) for s in range(len(history.panel))] if history.is_panel else [_all(history)]
        tasks = [
            Rows(one.values, one.observed, one.known, name) for one, name in zip(history.panel, names, strict=True)
        ]
        self._check_lengths(history, tasks)
        results = Parallel(n_jobs=n_jobs)(delayed(worker._fit_rows)(rows, history.is_panel) for rows in tasks)
        self._warn_unless_converged(history, [warning for _, warning in results], names)
        if not isinstance(history.target, PanelTarget):
            return results[0][0]
        order, ids = np.argsort(history.order), history.target.ids.take(history.order).tolist()
        return {name: {ids[s]: results[s][0][name] for s in order.tolist()} for name in results[0][0]}

    def _check_lengths(self, history: History, tasks: Sequence[Rows]) -> None:
        """Refuse series that are too short, if there are several; `_fit_states` refuses a single one."""
        least = 1 if isinstance(self.n_states, str) else whole("n_states", self.n_states)
        short = np.flatnonzero([not rows.hold(least) for rows in tasks])
        if len(short) > 1:
            raise ValueError(
                f"{listed(names_of(history, short))} ({len(short)} of {len(tasks)} series) have too few observations "
                f"for n_states={self.n_states!r}, which has {tasks[0].n_parameters(least)} parameters"
                f"{' or more' if isinstance(self.n_states, str) else ''}; pass longer series, leave these out, or use "
                "ARForecaster(pooled=True), which fits one model to all series"
            )

    def _fit_rows(self, rows: Rows, is_of_panel: bool) -> tuple[Attributes, str | None]:
        """The fitted attributes for one series, or columns that share states, and a warning if it did not converge."""
        try:
            with single_threaded_blas():  # the bits must not depend on the threads of a process
                return self._fit_series(rows)
        except FloatingPointError as error:
            raise FloatingPointError(f"{rows.name}: {error}" if is_of_panel else str(error)) from error

    def _fit_series(self, rows: Rows) -> tuple[Attributes, str | None]:
        if isinstance(self.n_states, str):
            if self.n_states != "bic":
                raise ValueError(f"n_states={self.n_states!r} must be an integer or 'bic'")
            best = self._search(rows)
        else:
            best = self._fit_states(rows, whole("n_states", self.n_states))
        n_values = int(rows.observed.sum())
        states = statespace.filter_series(best.model, rows.values, rows.observed, rows.covariates)
        return {
            "model_": best.model,
            "n_states_": len(best.model.A),
            "loglike_": states.loglike,
            "aic_": 2 * (best.model.n_parameters - states.loglike),
            "bic_": _bic(best, n_values),
            "loglike_curve_": best.curve,
            "converged_": best.converged,
            "smoothed_states_": statespace.smooth_states(best.model, states).mean,
        }, self._why_not_converged(rows, best)

    def _search(self, rows: Rows) -> Fit:
        """The fit with the lowest BIC; the search ends when it has risen for `MAX_RISES` more states in a row."""
        n_values, best, n_rises = int(rows.observed.sum()), self._fit_states(rows, CANDIDATES[0]), 0
        for n_states in CANDIDATES[1:]:
            if n_rises == MAX_RISES or not rows.hold(n_states):
                break
            fit = self._fit_states(rows, n_states)
            is_better = _bic(fit, n_values) < _bic(best, n_values)
            best, n_rises = (fit, 0) if is_better else (best, n_rises + 1)
        return best

    def _fit_states(self, rows: Rows, n_states: int) -> Fit:
        max_iter, tol = whole("max_iter", self.max_iter), number("tol", self.tol, 0.0)
        polish, have = flag("polish", self.polish), int(rows.observed.sum())
        if not rows.hold(n_states):
            most = sum(1 for _ in takewhile(rows.hold, range(1, n_states)))
            raise ValueError(
                f"n_states={n_states} has {rows.n_parameters(n_states)} parameters, but {rows.name} has "
                f"{have} observations in {len(rows.values)} steps; "
                f"{f'use n_states={most} or fewer, or ' if most else ''}pass a longer series"
            )
        return statespace.fit(rows.values, rows.observed, rows.covariates, n_states, max_iter, tol, polish)

    def _why_not_converged(self, rows: Rows, fit: Fit) -> str | None:
        """How the iterations ended, and what would do; None if they converged."""
        if fit.converged:
            return None
        what, end = "L-BFGS (polish=True)" if self.polish else "EM", f"ended at max_iter={self.max_iter}"
        rise, mend = (fit.curve[-1] - fit.curve[-2]) / rows.observed.sum(), "pass a larger max_iter"
        if not fit.exhausted:
            end, mend = "found no better parameters in its last line search", "pass polish=False or fewer n_states"
        elif not self.polish:
            mend = f"its last step raised the log-likelihood by {rise:.2g} for each observed value; {mend} or tol"
        return f"{what} with n_states={len(fit.model.A)} {end} before it converged; {mend}"

    @staticmethod
    def _warn_unless_converged(history: History, reasons: Sequence[str | None], names: Sequence[str]) -> None:
        """Give one warning for all series, with the reason of the first one."""
        order = np.argsort(history.order).tolist() if history.is_panel else [0]
        open_ended = [s for s in order if reasons[s]]
        if not open_ended:
            return
        message = f"{reasons[open_ended[0]]}"
        if history.is_panel:
            message = f"{names[open_ended[0]]}: {message}"
        if len(open_ended) > 1:
            others = listed([names[s] for s in open_ended[1:]])
            message += f" ({len(open_ended)} of {len(names)} series did not converge, also {others})"
        warnings.warn(message, ConvergenceWarning, stacklevel=5)

    def _check_new_series(self, names: Sequence[str]) -> None:
        if names:
            one = len(names) == 1
            raise ValueError(
                f"{listed(names)} {'was' if one else 'were'} not in the fit, in which each series got a model of its "
                f"own; fit to {'it' if one else 'them'} too, or use ARForecaster(pooled=True), whose one model can "
                "forecast new series"
            )

    def _min_context(self) -> int:
        return 1

    def _n_read(self) -> float | None:
        return np.inf

    def _parts(self, origin: Origin) -> Iterator[tuple[StateSpace, Panel, np.ndarray]]:
        """Model, rows before the forecast and covariates of its steps, of each series."""
        models = [self.model_] * len(origin.series)
        if isinstance(self.target_, PanelTarget):
            ids = self.target_.ids.take(self._order[origin.series])
            models = [self.model_[label] for label in ids.tolist()]
        return zip(models, origin.panel, origin.ahead, strict=True)

    @staticmethod
    def _start(model: StateSpace, panel: Panel) -> tuple[np.ndarray, np.ndarray]:
        """Mean and covariance of the states after the rows of a series."""
        states = statespace.filter_series(model, panel.values, panel.observed, panel.known)
        return states.mean[-1], states.cov[-1]

    def _predict(self, origin: Origin) -> tuple[np.ndarray, np.ndarray]:
        """Means and standard deviations of each step, (S, n_steps, n_channels)."""
        parts = [
            statespace.predict(model, *self._start(model, panel), ahead) for model, panel, ahead in self._parts(origin)
        ]
        means, deviations = (np.stack(arrays) for arrays in zip(*parts, strict=True))
        return means, deviations

    def _forecast(self, origin: Origin) -> np.ndarray:
        return self._predict(origin)[0]

    def _quantiles(self, origin: Origin, levels: np.ndarray) -> np.ndarray:
        mean, deviation = self._predict(origin)
        return mean[..., None] + deviation[..., None] * norm.ppf(levels)

    def _sample(
        self, origin: Origin, n_paths: int, rngs: Sequence[np.random.RandomState], coverage: float = 0.0
    ) -> np.ndarray:
        return np.stack(
            [
                statespace.simulate(model, *self._start(model, panel), ahead, n_paths, rng)
                for (model, panel, ahead), rng in zip(self._parts(origin), rngs, strict=True)
            ]
        )


class Rows(NamedTuple):
    """What one model is fitted to.

    Attributes
    ----------
    values, observed : (n, C)
    covariates : (n, F)
    name : str
        Its name in error messages.
    """

    values: np.ndarray
    observed: np.ndarray
    covariates: np.ndarray
    name: str

    def n_parameters(self, n_states: int) -> int:
        """Number of parameters of a model with so many states."""
        return count_parameters(n_states, self.values.shape[1], self.covariates.shape[1])

    def hold(self, n_states: int) -> bool:
        """Whether there are more values than parameters, and enough steps for starting values."""
        (T, m), n_values = self.values.shape, int(self.observed.sum())
        return self.n_parameters(n_states) < n_values and statespace.has_start(T, m, n_states)


def _all(history: History) -> str:
    """Name of all channels together in error messages."""
    return "the series" if len(history.n_rows) == 1 else "the target"


def _bic(fit: Fit, n_values: int) -> float:
    return float(np.log(n_values) * fit.model.n_parameters - 2 * fit.curve[-1])
