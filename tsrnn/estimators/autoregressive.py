"""The autoregressive forecaster, fitted in closed form."""

from __future__ import annotations

import reprlib
import warnings
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from ..checks import Anything, choice, flag, number, whole
from ..data.panel import Panel
from ..exceptions import OrderSelectionWarning
from ..frame import PanelTarget, Target
from ..linear.autoregression import Autoregression, complete_rows, fit_autoregression
from ..linear.conditioning import Past, last_values
from ..linear.panel import (
    PanelAutoregression,
    PooledAutoregression,
    complete_rows_of_panel,
    fit_panel,
    fit_pooled,
    select_panel,
    select_pooled,
)
from ..linear.selection import Candidates, Series, seasonal_candidates, select_autoregression
from .autoregressive_panels import SeriesModels, Start, as_panel, listed, names_of
from .base import Attributes
from .history import History, Origin
from .probabilistic import ProbabilisticForecaster

TRENDS = ("n", "c", "t", "ct")


@dataclass(eq=False, repr=False, kw_only=True)
class ARForecaster(ProbabilisticForecaster):
    """Linear autoregression by least squares; ``lags=1`` is the first-order Markov model.

    Each series of a panel, or column of a wide array, has a model of its own, or all share one with ``pooled=True``.
    The models of a panel are found together and equal those of each series alone up to rounding; the last digits may
    depend on which series are fitted together. Rows with a missing value or lag are left out of the fit. Where
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
        Penalty on the squared coefficients of the lags; of a pooled model in units of the series' deviations.
    season_lengths : int, list of int or None, default None
        Number of steps in each season, for the criterion; None takes them from the frequency of the index.
    pooled : bool, default False
        Whether all series of a panel, or all columns of a wide array, share one model: each series is standardised by
        the mean and the deviation of its observed values, and all rows together give the coefficients. The constant
        and the trend are shared in these units, and the highest order that a criterion may choose follows from the
        median length. For one series without `ridge` it is the same model as with False, up to rounding. A panel may
        have short series, of which values before the first are drawn about their mean; ``context=`` and `update` may
        bring new series, which are standardised by their own rows.
    horizon : int, default 12
        Number of steps that ``predict()`` forecasts.

    Attributes
    ----------
    models_ : list of Autoregression, or dict-like of id to Autoregression
        The fitted model of each column, or of each series of a panel, in its units: lags, coefficients, effects,
        intercept, slope, sigma2, deviation, aic, bic. ``models_.arrays`` has these of a whole panel as arrays, whose
        series are sorted by id.
    pooled_model_ : Autoregression or None
        The model that all series share with ``pooled=True``, of standardised values.

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
    pooled: bool = False
    horizon: int = 12

    _overflow_advice = "fit with more ridge or fewer lags"

    def _fit(self, history: History) -> Attributes:
        whole("horizon", self.horizon)
        choice("trend", self.trend, TRENDS)
        number("ridge", self.ridge, 0.0)
        if isinstance(self.lags, str):
            choice("lags", self.lags, ("aic", "bic"))
        models: SeriesModels | list[Autoregression]
        pooled: PooledAutoregression | None = None
        if flag("pooled", self.pooled):
            pooled = self._fit_pooled(history, as_panel(history))
            models = SeriesModels(history, pooled.models(), pooled) if history.is_panel else list(pooled.models())
        elif history.is_panel:
            models = SeriesModels(history, self._fit_panel(history))
        else:
            models = [self._fit_channel(history, c) for c in range(len(history.n_rows))]
        return {
            "models_": models,
            "pooled_model_": pooled.model if pooled else None,
            "n_observations_": len(history.values),
        }

    def _reads_by_column(self, y: Anything) -> bool | None:
        return None

    # ------------------------------------------------------------ fits
    def _fit_channel(self, history: History, c: int) -> Autoregression:
        y, observed, covariates = history.values[:, c], history.observed[:, c], history.covariates
        if isinstance(self.lags, str):
            self._check_length(history, c, ())
            series = Series(y, observed, covariates, self.trend, self.ridge, self.lags)
            model, is_tried = select_autoregression(series, self._candidates(history, len(y)))
            if not is_tried:
                self._warn_of_no_order(history, np.array([c]), int(observed.sum()))
            return model
        lags = self._lags(history)
        self._check_length(history, c, lags)
        return fit_autoregression(y, complete_rows(observed, lags), lags, self.trend, self.ridge, covariates)

    def _fit_panel(self, history: History) -> PanelAutoregression:
        """A model for each series of a panel."""
        panel = history.panel
        if not isinstance(self.lags, str):
            lags = self._lags(history)
            self._check_lengths(history, lags)
            return fit_panel(panel, lags, self.trend, self.ridge)
        self._check_lengths(history, ())
        of_length = {n: self._candidates(history, n) for n in set(panel.n_rows.tolist())}
        candidates = [of_length[n] for n in panel.n_rows.tolist()]
        models, is_tried = select_panel(panel, candidates, self.trend, self.ridge, self.lags)
        if not is_tried.all():
            n_observed = np.add.reduceat(panel.observed[:, 0], panel.indptr[:-1], dtype=np.int64)
            self._warn_of_no_order(history, np.flatnonzero(~is_tried), int(n_observed[~is_tried].max()))
        return models

    def _fit_pooled(self, history: History, panel: Panel) -> PooledAutoregression:
        """The model that all series of the panel share."""
        lags = () if isinstance(self.lags, str) else self._lags(history)
        have, need = int(complete_rows_of_panel(panel, lags).sum()), self._least_rows(history, len(lags))
        if have < need:
            raise ValueError(
                f"{self._all(history)} {have} rows with all lags observed, but {self._wanted(history)} needs at "
                f"least {need}; pass longer or more series, or fewer lags"
            )
        if not isinstance(self.lags, str):
            return fit_pooled(panel, lags, self.trend, self.ridge)
        candidates = self._candidates(history, int(np.median(panel.n_rows)))
        model, is_tried = select_pooled(panel, candidates, self.trend, self.ridge, self.lags)
        if not is_tried:
            self._warn_of_no_order(history, np.arange(len(panel)), int(panel.observed.sum()))
        return model

    @staticmethod
    def _candidates(history: History, n: int) -> Candidates:
        """The lags that a criterion compares for series of n rows."""
        schwert = round(12 * (n / 100) ** 0.25)
        return seasonal_candidates(max(schwert, 2 * history.season_length), history.season_lengths)

    def _warn_of_no_order(self, history: History, series: np.ndarray, n: int) -> None:
        """Warn that the series, which have at most n observations each, or all together if pooled, have no lags."""
        each = "together" if self.pooled else "at most"
        have, its = (f"has {n}", "its") if len(series) == 1 else (f"have {each} {n}", "their")
        warnings.warn(
            f"{listed(names_of(history, series))} {have} observations, but too few of these have another one some "
            f"steps before them for lags={self.lags!r} to compare any order; {its} model has no lags and forecasts the "
            f"{'trend' if 't' in self.trend else 'mean'}. Pass a longer series, or the lags that it has",
            OrderSelectionWarning,
            stacklevel=6,
        )

    # ------------------------------------------------------------ lags and lengths
    def _lags(self, history: History) -> tuple[int, ...]:
        if isinstance(self.lags, Collection):
            self._check_number(history, len(self.lags))
            lags = tuple(whole("lags", lag) for lag in self.lags)
            if len(set(lags)) < len(lags) or not lags:
                raise ValueError(f"lags={self.lags!r} must be different positive integers, at least one")
            return tuple(sorted(lags))
        n_lags = whole("lags", self.lags, 0)
        self._check_number(history, n_lags)
        return tuple(range(1, n_lags + 1))

    def _check_number(self, history: History, n_lags: int) -> None:
        """Refuse more lags than rows, before a list or array of them is made."""
        if n_lags < history.panel.n_rows.max():
            return
        if history.is_panel:
            self._refuse_series(history, np.zeros(len(history.panel), np.int64), n_lags)
        self._refuse(history, 0, n_lags, 0)

    def _check_length(self, history: History, c: int, lags: tuple[int, ...]) -> None:
        observed = history.observed[:, c]
        have = int(complete_rows(observed, lags).sum()) if max(lags, default=0) < len(observed) else 0
        if have < self._least_rows(history, len(lags)):
            self._refuse(history, c, len(lags), have)

    def _check_lengths(self, history: History, lags: tuple[int, ...]) -> None:
        """Refuse a panel in which a series has too few rows for a model of its own."""
        panel = history.panel
        have = np.add.reduceat(complete_rows_of_panel(panel, lags), panel.indptr[:-1], dtype=np.int64)
        if (have < self._least_rows(history, len(lags))).any():
            self._refuse_series(history, have, len(lags))

    def _least_rows(self, history: History, n_lags: int) -> int:
        return max(1, n_lags + len(self.trend.replace("n", "")) + len(history.covariate_names))

    def _longest(self, n_lags: int) -> int:
        return max(self.lags) if isinstance(self.lags, list | tuple) else n_lags

    def _wanted(self, history: History) -> str:
        names = history.covariate_names
        beside = f" and {len(names)} covariates" if names else ""
        return f"lags={reprlib.repr(self.lags)} with trend={self.trend!r}{beside}"

    @staticmethod
    def _all(history: History) -> str:
        if len(history.n_rows) == 1:
            return f"{history.channel(0)} has"
        return f"all {len(history.n_rows)} {'series' if history.is_panel else 'columns'} together have"

    def _refuse(self, history: History, c: int, n_lags: int, have: int) -> None:
        need = self._least_rows(history, n_lags)
        raise ValueError(
            f"{history.channel(c)} has {int(history.observed[:, c].sum())} observations, of which {have} have all lags "
            f"observed, but {self._wanted(history)} needs at least {need} of these, as "
            f"{self._longest(n_lags) + need} observations in a row have; pass a longer series or fewer lags"
        )

    def _refuse_series(self, history: History, have: np.ndarray, n_lags: int) -> None:
        """Refuse a panel whose series `have` (S,) so many rows with all lags."""
        need = self._least_rows(history, n_lags)
        short = np.flatnonzero(have < need)
        have_now = f"{have[short[0]]}" if len(short) == 1 else f"{have[short].min()} to {have[short].max()}"
        raise ValueError(
            f"{listed(names_of(history, short))} ({len(short)} of {len(have)} series) "
            f"{'has' if len(short) == 1 else 'have'} too few observations: {self._wanted(history)} needs at least "
            f"{need} with all lags observed, as {self._longest(n_lags) + need} in a row have, not {have_now}; pass "
            "longer series or fewer lags, leave these out, or use pooled=True, which fits one model to all series"
        )

    # ------------------------------------------------------------ other series
    def _read_context(self, target: Target) -> History:
        self._check_no_trend()
        return super()._read_context(target)

    def _check_no_trend(self) -> None:
        if "t" in self.trend:
            raise ValueError(
                f"context= cannot go with trend={self.trend!r}: where another series lies in the trend's time is "
                "not known; fit to it, or use trend='c' or 'n'"
            )

    def _check_new_series(self, names: Sequence[str]) -> None:
        if names and self.models_.pooled is None:
            raise ValueError(
                f"{listed(names)} {'was' if len(names) == 1 else 'were'} not in the fit, in which each series got a "
                "model of its own; use ARForecaster(pooled=True), whose one model can forecast new series, or fit to "
                f"{'it' if len(names) == 1 else 'them'} too"
            )

    def _check_context(self, history: History) -> None:
        self._check_no_trend()
        if self.models_.pooled is not None:
            return
        assert isinstance(history.target, PanelTarget)
        need = np.array([self.models_[id].longest for id in history.target.ids.take(history.order).tolist()])
        if (short := np.flatnonzero(history.panel.n_rows < need)).size:
            raise ValueError(
                f"{listed(names_of(history, short))} {'has' if len(short) == 1 else 'have'} fewer "
                f"observations from the first observed one on than the longest lag of the model, {need[short].max()}; "
                "pass longer series"
            )

    def _min_context(self) -> int:
        if isinstance(self.models_, SeriesModels):
            return self.models_.arrays.longest
        return max(model.longest for model in self.models_)

    def _n_read(self) -> float | None:
        return np.inf if "t" in self.trend else self._min_context()  # a trend counts all rows

    # ------------------------------------------------------------ forecasts
    def _forecast(self, origin: Origin) -> np.ndarray:
        if isinstance(self.models_, SeriesModels):
            return Start.read(self.models_, origin).forecast()
        forecasts = [
            np.column_stack([model.forecast(past.mean, steps) for model, past, steps in self._channels(origin.one(i))])
            for i in range(len(origin.series))
        ]
        return np.stack(forecasts)

    def _quantiles(self, origin: Origin, levels: np.ndarray) -> np.ndarray:
        self._check_spread(origin)
        if isinstance(self.models_, SeriesModels):
            return Start.read(self.models_, origin).quantiles(levels)
        quantiles = []
        for i in range(len(origin.series)):
            for model, past, steps in self._channels(origin.one(i)):
                spread = past.spread(model, origin.n_steps)
                quantiles.append(model.forecast(past.mean, steps)[:, None] + spread[:, None] * norm.ppf(levels))
        found = np.stack(quantiles).reshape(len(origin.series), -1, origin.n_steps, len(levels))
        return np.moveaxis(found, 1, 2)

    def _sample(
        self, origin: Origin, n_paths: int, rngs: Sequence[np.random.RandomState], coverage: float = 0.0
    ) -> np.ndarray:
        self._check_spread(origin)
        if isinstance(self.models_, SeriesModels):
            return Start.read(self.models_, origin).sample(n_paths, rngs)
        paths, rng = [], rngs[0]
        for model, past, steps in self._channels(origin):
            before = past.paths(n_paths, rng)
            paths.append(model.forecast(before, steps, rng.standard_normal((origin.n_steps, n_paths))))
        return np.stack(paths, axis=1)[None]

    def _check_spread(self, origin: Origin) -> None:
        """Refuse intervals and paths of a model whose errors have no known spread."""
        if isinstance(self.models_, SeriesModels):
            unknown = np.flatnonzero(np.isnan(self.models_.of(origin.series, origin.panel).deviation))
            numbers, _ = origin.index
            assert isinstance(origin.target, PanelTarget)
            names = [origin.target.series_name(int(numbers[s])) for s in unknown]
        else:
            names = [self._one_target().channel(c) for c, model in enumerate(self.models_) if np.isnan(model.variance)]
        if names:
            raise ValueError(
                f"{listed(names)} {'was' if len(names) == 1 else 'were'} fitted with as many coefficients as rows, so "
                "that nothing tells the spread of its errors; fit fewer lags, or a longer series"
            )

    def _channels(self, origin: Origin) -> Iterator[tuple[Autoregression, Past, np.ndarray]]:
        """For each channel of one origin: model, distribution of its last values given the observed ones, and offsets.

        The offsets are those of the steps.
        """
        values, observed, n = origin.panel.values, origin.panel.observed, len(origin.panel.values)
        for c, model in enumerate(self.models_):
            offsets = model.offsets(0, origin.covariates)
            yield model, last_values(model, values[:, c], observed[:, c], offsets[:n]), offsets[n:]
