"""The autoregressive forecaster, in closed form."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import norm

from ..checks import choice, number, whole
from ..engine.autoregression import Autoregression, complete_rows, fit_autoregression, select_autoregression
from ..frame import Target
from .base import History, Origin
from .probabilistic import ProbabilisticForecaster

TRENDS = ("n", "c", "t", "ct")


@dataclass(eq=False, repr=False, kw_only=True)
class ARForecaster(ProbabilisticForecaster):
    """Linear autoregression by least squares; ``lags=1`` is the first-order Markov model.

    Each column of a wide array has a model of its own. Rows with a missing value or lag are left out of the fit. Values
    that are missing at the end of the series are forecast, too; a missing one before counts as the last before it.

    Parameters
    ----------
    lags : int, list of int, "aic" or "bic", default "aic"
        All lags up to a number, certain lags, or the order that minimises a criterion, from none up to
        ``12 (n / 100)^(1/4)`` (Schwert 1989, doi:10.1080/07350015.1989.10509723) or two seasons, whichever is longer.
    trend : {"n", "c", "t", "ct"}, default "c"
        Nothing, a constant, a linear trend, or both.
    ridge : float, default 0.0
        Penalty on the squared coefficients of the lags.
    horizon : int, default 12
        What ``predict()`` forecasts.

    Attributes
    ----------
    models_ : list of Autoregression
        The fitted model of each column: lags, coefficients, intercept, slope, sigma2, aic, bic.

    References
    ----------
    Box, Jenkins, Reinsel & Ljung (2015), Time Series Analysis, 5th ed., ch. 7; Yule (1927),
    doi:10.1098/rsta.1927.0007.

    Examples
    --------
    >>> import numpy as np
    >>> from tsrnn import ARForecaster
    >>> y = 0.5 ** np.arange(20.0)
    >>> ARForecaster(lags=1, trend="n").fit(y).predict(2) / y[-1]
    array([0.5 , 0.25])
    """

    lags: int | Collection[int] | str = "aic"
    trend: str = "c"
    ridge: float = 0.0
    horizon: int = 12

    _calmer = "fit with more ridge or fewer lags"

    def _fit(self, history: History) -> dict[str, Any]:
        whole("horizon", self.horizon)
        choice("trend", self.trend, TRENDS)
        number("ridge", self.ridge, 0.0)
        models = [self._fit_channel(history, c) for c in range(len(history.n_rows))]
        return {"models_": models, "n_observations_": len(history.values)}

    def _fit_channel(self, history: History, c: int) -> Autoregression:
        y, observed, covariates = history.values[:, c], history.observed[:, c], history.covariates
        if isinstance(self.lags, str):
            choice("lags", self.lags, ("aic", "bic"))
            longest = self._longest(observed, history)
            self._check_length(history, c, ())
            return select_autoregression(y, observed, longest, self.trend, self.ridge, self.lags, covariates)
        lags = self._lags()
        self._check_length(history, c, lags)
        return fit_autoregression(y, complete_rows(observed, lags), lags, self.trend, self.ridge, covariates)

    def _longest(self, observed: np.ndarray, history: History) -> int:
        """The longest lag to try: the orders are compared on the rows that have it, of which it needs twice as many."""
        season, others = history.season_length, len(self.trend) + len(history.covariate_names) + 3
        longest = max(round(12 * (len(observed) / 100) ** 0.25), 2 * season if season > 1 else 0)
        return next((k for k in range(longest, 0, -1) if self._n_rows(observed, k) >= 2 * k + others), 0)

    def _n_rows(self, observed: np.ndarray, longest: int) -> int:
        return int(complete_rows(observed, range(1, longest + 1)).sum()) if longest < len(observed) else 0

    def _lags(self) -> tuple[int, ...]:
        if isinstance(self.lags, Collection):
            lags = tuple(whole("lags", lag) for lag in self.lags)
            if len(set(lags)) < len(lags) or not lags:
                raise ValueError(f"lags={self.lags!r} must be different positive integers, at least one")
            return tuple(sorted(lags))
        return tuple(range(1, whole("lags", self.lags, 0) + 1))

    def _check_length(self, history: History, c: int, lags: tuple[int, ...]) -> None:
        observed, names = history.observed[:, c], history.covariate_names
        longest, need = max(lags, default=0), max(1, len(lags) + len(self.trend.replace("n", "")) + len(names))
        have = int(complete_rows(observed, lags).sum()) if longest < len(observed) else 0
        if have < need:
            beside = f" and {len(names)} covariates" if names else ""
            raise ValueError(
                f"{history.channel(c)} has {int(observed.sum())} observations, of which {have} have all lags observed, "
                f"but lags={self.lags!r} with trend={self.trend!r}{beside} needs at least {need} of these, and so "
                f"{longest + need} observations in a row; pass a longer series or fewer lags"
            )

    def _read_context(self, target: Target) -> History:
        if "t" in self.trend:
            raise ValueError(
                f"context= cannot go with trend={self.trend!r}: where another series lies in the trend's time is "
                "not known; fit to it, or use trend='c' or 'n'"
            )
        return super()._read_context(target)

    def _least_context(self) -> int:
        return max(max(model.lags, default=0) for model in self.models_)

    def _forecast(self, origin: Origin) -> np.ndarray:
        return np.column_stack([model.forecast(*start)[gap:] for model, gap, start in self._channels(origin)])

    def _quantiles(self, origin: Origin, levels: np.ndarray) -> np.ndarray:
        self._check_spread()
        spread = [model.spread(gap + origin.n_steps)[gap:] for model, gap, _ in self._channels(origin)]
        return self._forecast(origin)[:, :, None] + np.column_stack(spread)[:, :, None] * norm.ppf(levels)

    def _sample(self, origin: Origin, n_paths: int, rng: np.random.RandomState) -> np.ndarray:
        self._check_spread()
        paths = []
        for model, gap, start in self._channels(origin):
            shocks = rng.standard_normal((gap + origin.n_steps, n_paths))
            paths.append(model.forecast(*start, shocks)[gap:])
        return np.stack(paths, axis=1)

    def _check_spread(self) -> None:
        for c, model in enumerate(self.models_):
            if np.isnan(model.variance):
                raise ValueError(
                    f"{self.target_.channel(c)} was fitted with as many coefficients as rows, so that nothing tells "
                    "the spread of its errors; fit fewer lags, or a longer series"
                )

    def _channels(self, origin: Origin) -> Iterator[tuple[Autoregression, int, tuple[np.ndarray, int, np.ndarray]]]:
        """Each model, the steps missing at the end of its channel, and what its forecast starts from before these."""
        n = len(origin.context)
        for c, model in enumerate(self.models_):
            missing = int(origin.observed[::-1, c].argmax())
            gap = min(missing, n - max(model.lags, default=0))
            yield model, gap, (origin.context[: n - gap, c], n - gap, origin.covariates[n - gap :])
