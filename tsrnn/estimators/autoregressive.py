"""The autoregressive forecaster, fitted in closed form."""

from __future__ import annotations

import reprlib
import warnings
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from ..checks import choice, number, whole
from ..exceptions import OrderSelectionWarning
from ..frame import Target
from ..linear.autoregression import Autoregression, complete_rows, fit_autoregression
from ..linear.conditioning import Past, last_values
from ..linear.selection import Candidates, Series, seasonal_candidates, select_autoregression
from .base import Attributes
from .history import History, Origin
from .probabilistic import ProbabilisticForecaster

TRENDS = ("n", "c", "t", "ct")


@dataclass(eq=False, repr=False, kw_only=True)
class ARForecaster(ProbabilisticForecaster):
    """Linear autoregression by least squares; ``lags=1`` is the first-order Markov model.

    Each column of a wide array has a model of its own. Rows with a missing value or lag are left out of the fit. Where
    values are missing among the last ones, forecasts start from their normal distribution given the observed values,
    so that point forecasts, intervals and paths are those of the model. If no chain of lags connects a missing value
    with an observed one, as with ``lags=[2, 24]`` and every second value missing, it is interpolated linearly, with the
    variance of the interpolation's errors.

    Parameters
    ----------
    lags : int, list of int, "aic" or "bic", default "aic"
        All lags up to a number, the lags of a list, or those that minimise a criterion: an order from 0 up to
        ``12 (n / 100)^(1/4)`` (Schwert 1989, doi:10.1080/07350015.1989.10509723) or two of the shortest seasons,
        whichever is longer, alone or with lags about the longer seasons. All are compared on the same rows. Where
        values are missing, lags that would leave few rows are skipped in several ways, and the best lags of each way
        are compared by the exact likelihood (Jones 1980, doi:10.1080/00401706.1980.10486171).
    trend : {"n", "c", "t", "ct"}, default "c"
        No trend, a constant, a linear trend, or both.
    ridge : float, default 0.0
        Penalty on the squared coefficients of the lags.
    season_lengths : int, list of int or None, default None
        Number of steps in each season, for the criterion; None takes them from the frequency of the index.
    horizon : int, default 12
        Number of steps that ``predict()`` forecasts.

    Attributes
    ----------
    models_ : list of Autoregression
        The fitted model of each column: lags, coefficients, intercept, slope, sigma2, deviation, aic, bic.

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
    season_lengths: int | Collection[int] | None = None
    horizon: int = 12

    _overflow_advice = "fit with more ridge or fewer lags"

    def _fit(self, history: History) -> Attributes:
        whole("horizon", self.horizon)
        choice("trend", self.trend, TRENDS)
        number("ridge", self.ridge, 0.0)
        models = [self._fit_channel(history, c) for c in range(len(history.n_rows))]
        return {"models_": models, "n_observations_": len(history.values)}

    def _fit_channel(self, history: History, c: int) -> Autoregression:
        y, observed, covariates = history.values[:, c], history.observed[:, c], history.covariates
        if isinstance(self.lags, str):
            choice("lags", self.lags, ("aic", "bic"))
            self._check_length(history, c, ())
            series = Series(y, observed, covariates, self.trend, self.ridge, self.lags)
            model, is_tried = select_autoregression(series, self._candidates(history))
            if not is_tried:
                self._warn_of_no_order(history, c)
            return model
        lags = self._lags(history, c)
        self._check_length(history, c, lags)
        return fit_autoregression(y, complete_rows(observed, lags), lags, self.trend, self.ridge, covariates)

    @staticmethod
    def _candidates(history: History) -> Candidates:
        schwert = round(12 * (len(history.values) / 100) ** 0.25)
        return seasonal_candidates(max(schwert, 2 * history.season_length), history.season_lengths)

    def _warn_of_no_order(self, history: History, c: int) -> None:
        n = int(history.observed[:, c].sum())
        warnings.warn(
            f"{history.channel(c)} has {n} observations, but too few of these have another one some steps before them "
            f"for lags={self.lags!r} to compare any order; its model has no lags and forecasts the "
            f"{'trend' if 't' in self.trend else 'mean'}. Pass a longer series, or the lags that it has",
            OrderSelectionWarning,
            stacklevel=5,
        )

    def _lags(self, history: History, c: int) -> tuple[int, ...]:
        if isinstance(self.lags, Collection):
            self._check_number(history, c, len(self.lags))
            lags = tuple(whole("lags", lag) for lag in self.lags)
            if len(set(lags)) < len(lags) or not lags:
                raise ValueError(f"lags={self.lags!r} must be different positive integers, at least one")
            return tuple(sorted(lags))
        n_lags = whole("lags", self.lags, 0)
        self._check_number(history, c, n_lags)
        return tuple(range(1, n_lags + 1))

    def _check_number(self, history: History, c: int, n_lags: int) -> None:
        """Refuse more lags than rows, before a list or array of them is made."""
        if n_lags >= len(history.values):
            self._refuse(history, c, n_lags, 0)

    def _check_length(self, history: History, c: int, lags: tuple[int, ...]) -> None:
        observed = history.observed[:, c]
        have = int(complete_rows(observed, lags).sum()) if max(lags, default=0) < len(observed) else 0
        if have < self._least_rows(history, len(lags)):
            self._refuse(history, c, len(lags), have)

    def _least_rows(self, history: History, n_lags: int) -> int:
        return max(1, n_lags + len(self.trend.replace("n", "")) + len(history.covariate_names))

    def _refuse(self, history: History, c: int, n_lags: int, have: int) -> None:
        names, need = history.covariate_names, self._least_rows(history, n_lags)
        beside = f" and {len(names)} covariates" if names else ""
        longest = max(self.lags) if isinstance(self.lags, list | tuple) else n_lags
        raise ValueError(
            f"{history.channel(c)} has {int(history.observed[:, c].sum())} observations, of which {have} have all lags "
            f"observed, but lags={reprlib.repr(self.lags)} with trend={self.trend!r}{beside} needs at least {need} of "
            f"these, as {longest + need} observations in a row have; pass a longer series or fewer lags"
        )

    def _read_context(self, target: Target) -> History:
        if "t" in self.trend:
            raise ValueError(
                f"context= cannot go with trend={self.trend!r}: where another series lies in the trend's time is "
                "not known; fit to it, or use trend='c' or 'n'"
            )
        return super()._read_context(target)

    def _min_context(self) -> int:
        return max(model.longest for model in self.models_)

    def _forecast(self, origin: Origin) -> np.ndarray:
        return np.column_stack([model.forecast(past.mean, steps) for model, past, steps in self._channels(origin)])[
            None
        ]

    def _quantiles(self, origin: Origin, levels: np.ndarray) -> np.ndarray:
        self._check_spread()
        quantiles = []
        for model, past, steps in self._channels(origin):
            spread = past.spread(model, origin.n_steps)
            quantiles.append(model.forecast(past.mean, steps)[:, None] + spread[:, None] * norm.ppf(levels))
        return np.stack(quantiles, axis=1)[None]

    def _sample(self, origin: Origin, n_paths: int, rngs: Sequence[np.random.RandomState]) -> np.ndarray:
        self._check_spread()
        paths, rng = [], rngs[0]
        for model, past, steps in self._channels(origin):
            before = past.paths(n_paths, rng)
            paths.append(model.forecast(before, steps, rng.standard_normal((origin.n_steps, n_paths))))
        return np.stack(paths, axis=1)[None]

    def _check_spread(self) -> None:
        for c, model in enumerate(self.models_):
            if np.isnan(model.variance):
                raise ValueError(
                    f"{self._one_target.channel(c)} was fitted with as many coefficients as rows, so that nothing "
                    "tells the spread of its errors; fit fewer lags, or a longer series"
                )

    def _channels(self, origin: Origin) -> Iterator[tuple[Autoregression, Past, np.ndarray]]:
        """For each channel: model, distribution of its last values given the observed ones, offsets of its steps."""
        values, observed, n = origin.panel.values, origin.panel.observed, len(origin.panel.values)
        for c, model in enumerate(self.models_):
            offsets = model.offsets(0, origin.covariates)
            yield model, last_values(model, values[:, c], observed[:, c], offsets[:n]), offsets[n:]
