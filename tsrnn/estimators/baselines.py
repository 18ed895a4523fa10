"""Simple forecasters to compare the models with: naive, seasonal naive, drift and theta."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import norm

from .. import frame
from ..checks import Anything, flag, shown, whole
from ..data.channels import Channels
from ..linear.theta import ThetaModel, Thetas
from ..linear.walks import DriftWalk, SeasonalWalk
from .base import Attributes
from .history import History, Origin
from .probabilistic import ProbabilisticForecaster


class _Baseline(ProbabilisticForecaster):
    """A forecaster of each channel on its own, whose forecasts are normally distributed, with means and deviations."""

    #: Fewest values with which the spread of the errors can be estimated, for the error message.
    _fewest = "two values"
    _overflow_advice = "fit to the series divided by a constant"

    def _check_history(self, history: History) -> None:
        super()._check_history(history)
        if history.covariate_names:
            names = ", ".join(map(repr, history.covariate_names))
            raise ValueError(f"{type(self).__name__} has no use for the covariates {names}; fit it to the series alone")

    def _min_context(self) -> int:
        return 1

    def _reads_by_column(self, y: Anything) -> bool | None:
        return None

    def _n_read(self) -> float | None:
        return np.inf

    def _fit(self, history: History) -> Attributes:
        whole("horizon", self.horizon)
        return {}

    def _forecast(self, origin: Origin) -> np.ndarray:
        return _by_series(self._means(origin, Channels.of(origin.panel)), origin)

    def _quantiles(self, origin: Origin, levels: np.ndarray) -> np.ndarray:
        channels = Channels.of(origin.panel)
        means, spread = self._means(origin, channels), self._spread(origin, channels)
        return _by_series(means[:, :, None] + self._checked(spread, origin)[:, :, None] * norm.ppf(levels), origin)

    def _sample(
        self, origin: Origin, n_paths: int, rngs: Sequence[np.random.RandomState], coverage: float = 0.0
    ) -> np.ndarray:
        channels, n_channels = Channels.of(origin.panel), origin.panel.values.shape[1]
        self._checked(self._spread(origin, channels), origin)
        n_shocks = self._n_shocks(channels, origin.n_steps)
        shocks = [rng.standard_normal((n_channels, n_shocks, n_paths)) for rng in rngs]
        return _by_series(self._paths(origin, channels, np.concatenate(shocks)), origin)

    # ------------------------------------------------------------ for subclasses: K channels
    def _means(self, origin: Origin, channels: Channels) -> np.ndarray:
        """Means of the steps, (K, n_steps)."""
        raise NotImplementedError

    def _spread(self, origin: Origin, channels: Channels) -> np.ndarray:
        """Standard deviations of the steps, (K, n_steps); NaN where they cannot be estimated."""
        raise NotImplementedError

    def _paths(self, origin: Origin, channels: Channels, shocks: np.ndarray) -> np.ndarray:
        """Paths (K, n_steps, n_paths) from standard normal shocks (K, n_shocks, n_paths)."""
        raise NotImplementedError

    def _n_shocks(self, channels: Channels, n_steps: int) -> int:
        """Number of shocks of a path."""
        return n_steps

    # ------------------------------------------------------------ helpers
    def _checked(self, spread: np.ndarray, origin: Origin) -> np.ndarray:
        """The spread as it is, with an error for a channel that is too short for one."""
        unknown = np.flatnonzero(np.isnan(spread[:, 0]))
        if len(unknown):
            k, target = int(unknown[0]), origin.target
            if isinstance(target, frame.PanelTarget):
                name, mend = target.series_name(int(origin.index[0][k])), "leave it out with ids=, or pass longer ones"
            else:
                name = "the series" if target.channel(k) == "y" else target.channel(k)
                mend = "pass a longer series"
            raise ValueError(
                f"{name} has too few values to estimate the spread of errors, which needs at least {self._fewest}; "
                f"predict() works, for intervals {mend}"
            )
        return spread

    def _season(self, history: History) -> int:
        """The season to use, 1 where there is none: the one of the argument, or the shortest of the index."""
        if self.season_lengths is not None and len(history.season_lengths) > 1:
            raise ValueError(
                f"season_lengths={shown(self.season_lengths)} has {len(history.season_lengths)} seasons, but "
                f"{type(self).__name__} has one; pass season_lengths={history.season_length}, or another of them"
            )
        return history.season_length


def _by_series(values: np.ndarray, origin: Origin) -> np.ndarray:
    """Values (K, n_steps, ...) as (S, n_steps, C, ...)."""
    return np.moveaxis(values.reshape(len(origin.panel), -1, *values.shape[1:]), 1, 2)


class _Walk(_Baseline):
    """A forecaster whose distribution comes from the rows before the forecast alone; a subclass says which walk."""

    def _walk(self, channels: Channels) -> SeasonalWalk | DriftWalk:
        raise NotImplementedError

    def _means(self, origin: Origin, channels: Channels) -> np.ndarray:
        return self._walk(channels).forecast(origin.n_steps)

    def _spread(self, origin: Origin, channels: Channels) -> np.ndarray:
        return self._walk(channels).spread(origin.n_steps)

    def _paths(self, origin: Origin, channels: Channels, shocks: np.ndarray) -> np.ndarray:
        return self._walk(channels).paths(origin.n_steps, shocks)


@dataclass(eq=False, repr=False, kw_only=True)
class NaiveForecaster(_Walk):
    """The last value of each series, with the intervals of a random walk.

    The variance of h steps is h times the mean squared change of one step. Missing values are left out, and the steps
    of a gap at the end count as steps.

    Parameters
    ----------
    horizon : int, default 12
        Number of steps that ``predict()`` forecasts.

    References
    ----------
    Hyndman & Athanasopoulos (2021), Forecasting: Principles and Practice, 3rd ed., sections 5.2 and 5.5.

    Examples
    --------
    >>> from tsrnn import NaiveForecaster
    >>> NaiveForecaster().fit([3.0, 1.0, 2.0]).predict(2)
    array([2., 2.])
    """

    horizon: int = 12

    def _walk(self, channels: Channels) -> SeasonalWalk:
        return SeasonalWalk.of(channels, 1)


@dataclass(eq=False, repr=False, kw_only=True)
class SeasonalNaiveForecaster(NaiveForecaster):
    """The last observed value one season, or several, before each step.

    The variance grows with the number of seasons since that value, by the mean squared change over a season. A missing
    value is left out, so the season before takes its place; a phase of the season that was never observed, as in a
    series shorter than a season, has the last value of the series.

    Parameters
    ----------
    season_lengths : int or None, default None
        Number of steps in the season. None takes the shortest season of the frequency of the index, and an empty list
        means none: the naive forecast.
    horizon : int, default 12
        Number of steps that ``predict()`` forecasts.

    References
    ----------
    Hyndman & Athanasopoulos (2021), Forecasting: Principles and Practice, 3rd ed., sections 5.2 and 5.5.

    Examples
    --------
    >>> from tsrnn import SeasonalNaiveForecaster
    >>> SeasonalNaiveForecaster(season_lengths=3).fit([3.0, 1.0, 2.0, 4.0]).predict(4)
    array([1., 2., 4., 1.])
    """

    season_lengths: int | Sequence[int] | None = None
    horizon: int = 12

    _fewest = "two values one season apart"

    def _fit(self, history: History) -> Attributes:
        self._season(history)
        return super()._fit(history)

    def _walk(self, channels: Channels) -> SeasonalWalk:
        return SeasonalWalk.of(channels, self.season_length_)


@dataclass(eq=False, repr=False, kw_only=True)
class DriftForecaster(_Walk):
    """The line through the first and the last value of each series: a random walk with drift.

    The variance of h steps after n values is ``s^2 h (1 + h / (n - 1))``, in which s is the standard deviation of the
    changes of one step; the second term is the variance of the slope. Missing values are left out.

    Parameters
    ----------
    horizon : int, default 12
        Number of steps that ``predict()`` forecasts.

    References
    ----------
    Hyndman & Athanasopoulos (2021), Forecasting: Principles and Practice, 3rd ed., sections 5.2 and 5.5.

    Examples
    --------
    >>> from tsrnn import DriftForecaster
    >>> DriftForecaster().fit([1.0, 4.0, 5.0]).predict(2)
    array([7., 9.])
    """

    horizon: int = 12

    _fewest = "three values"

    def _walk(self, channels: Channels) -> DriftWalk:
        return DriftWalk.of(channels)

    def _n_shocks(self, channels: Channels, n_steps: int) -> int:
        return 1 + n_steps  # one for the slope


@dataclass(eq=False, repr=False, kw_only=True)
class ThetaForecaster(_Baseline):
    """The dynamic optimised theta model (DOTM), with seasonal adjustment.

    A series is seasonally adjusted if it has two seasons and its autocorrelation at the season differs from zero at the
    90 % level: by classical decomposition, multiplicative if all values are positive and additive otherwise. Then the
    initial level, alpha in [0.1, 0.99] and theta >= 1 minimise the sum of squared errors of one step ahead, which for
    normal errors is the maximum of the likelihood. The first two errors of the dynamic model do not count, because no
    line goes through fewer than two values. With fewer than 8 values nothing is estimated: theta is 2, alpha is 0.5.

    Each column of a wide array and each series of a panel has a model of its own. Forecasts are normally distributed,
    with the variance of the state-space form for the estimated parameters and seasonal indices. A missing value is the
    last one before it, seasonally adjusted, and its error does not count; after a gap at the end, forecasts are those
    of gap + horizon steps. `update` keeps the parameters and filters the new values. Each series of ``context=``, and
    a series that came with an update, has a model that is fitted to its own values.

    Parameters
    ----------
    season_lengths : int or None, default None
        Number of steps in the season. None takes the shortest season of the frequency of the index, and an empty list
        means none.
    dynamic : bool, default True
        Whether the line of a step goes through the values before it (DOTM), or through all values of the fit (OTM).
    horizon : int, default 12
        Number of steps that ``predict()`` forecasts.

    Attributes
    ----------
    models_ : list or dict of ThetaModel
        The model of each column, of a panel that of each id: level, alpha, theta, deviation, kind, seasonal.

    References
    ----------
    Fiorucci, Pellegrini, Louzada, Petropoulos & Koehler (2016), Models for optimising the theta method and their
    relationship to state space models, International Journal of Forecasting 32(4), 1151-1161,
    doi:10.1016/j.ijforecast.2016.02.005; Assimakopoulos & Nikolopoulos (2000), doi:10.1016/S0169-2070(00)00066-2.

    Examples
    --------
    >>> import numpy as np
    >>> from tsrnn import ThetaForecaster
    >>> ThetaForecaster().fit(3.0 + 2 * np.arange(20)).predict(2).round(6)
    array([43., 45.])
    """

    season_lengths: int | Sequence[int] | None = None
    dynamic: bool = True
    horizon: int = 12

    def _fit(self, history: History) -> Attributes:
        dynamic, season = flag("dynamic", self.dynamic), self._season(history)
        return super()._fit(history) | {"_thetas": Thetas.fit(Channels.of(history.panel), season, dynamic)}

    @property
    def models_(self) -> list[ThetaModel] | dict[Any, ThetaModel]:
        """The model of each column, of a panel that of each id."""
        if isinstance(self.target_, frame.PanelTarget):
            fitted = zip(self.target_.ids[self._order[: len(self._thetas)]], self._thetas, strict=True)
            models = dict(fitted)
            return {label: models[label] for label in self.target_.ids if label in models}
        return list(self._thetas)

    def _origin(self, horizon: Anything, context: Anything, ids: Anything = None, static: Anything = None) -> Origin:
        origin = super()._origin(horizon, context, ids, static)
        return origin if context is None else origin._replace(series=np.full(len(origin.series), -1))

    def _models(self, origin: Origin, channels: Channels) -> Thetas:
        """Models of the channels of the origin, fitted now where the fit did not have them."""
        n_channels = origin.panel.values.shape[1]
        is_new = np.repeat(origin.series < 0, n_channels)
        series = np.repeat(origin.series * n_channels, n_channels) + np.tile(np.arange(n_channels), len(origin.series))
        models = self._thetas.take(np.where(is_new, 0, series))
        if is_new.any():
            new = Thetas.fit(channels.take(np.flatnonzero(is_new)), self.season_length_, models.dynamic)
            models = models.replaced(np.flatnonzero(is_new), new)
        return models

    def _means(self, origin: Origin, channels: Channels) -> np.ndarray:
        return self._models(origin, channels).forecast(channels, origin.n_steps)

    def _spread(self, origin: Origin, channels: Channels) -> np.ndarray:
        return self._models(origin, channels).spread(channels, origin.n_steps)

    def _paths(self, origin: Origin, channels: Channels, shocks: np.ndarray) -> np.ndarray:
        return self._models(origin, channels).paths(channels, origin.n_steps, shocks)

    def _n_shocks(self, channels: Channels, n_steps: int) -> int:
        return Thetas.n_shocks(channels, n_steps)
