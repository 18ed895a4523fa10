"""Conformal intervals around any forecaster, from its errors at rolling origins."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import KW_ONLY, dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from sklearn.base import MetaEstimatorMixin, clone
from sklearn.utils.validation import check_is_fitted

from .. import frame
from ..checks import Anything, choice, number, shown, whole
from ..data.panel import Panel
from ..forecasting.conformal import ErrorWindows, extended
from ..forecasting.rolling import RollingScores
from ..frame.measures import seasonal_scale
from .base import UPDATED, Attributes, BaseForecaster
from .history import History, Origin
from .probabilistic import ProbabilisticForecaster

METHODS = ("split", "cqr", "aci")
#: From an origin to values of its steps, (S, n_steps, C, ...).
Function = Callable[[Origin], np.ndarray]
#: From some origins to the scores of their forecasts, (n_windows, S, n_leads, C).
Score = Callable[["_Calibration"], np.ndarray]


class _Fitted(MetaEstimatorMixin, ProbabilisticForecaster):
    """Types of the fitted attributes, which are no arguments of the constructor."""

    model_: BaseForecaster
    scale_: np.ndarray
    method_: str
    _kept: np.ndarray
    _n_leads: int
    _errors: np.ndarray
    _scores: RollingScores
    _calibration: _Calibration
    _n_fitted: np.ndarray
    _scores_of: dict[float, tuple[np.ndarray, RollingScores]]  # with the number of rows that they cover


@dataclass(eq=False, repr=False)
class ConformalForecaster(_Fitted):
    """Any forecaster of this package, with conformal prediction intervals from its errors at rolling origins.

    A copy of the model is fitted to the rows before the first origin, and forecasts `horizon` steps from each of
    `n_windows` origins. Of the errors of each step, one of a certain rank is the margin of its interval. The model of
    the forecasts is fitted to all rows. So intervals hold a new value with the probability asked for as far as its
    error is exchangeable with those of the calibration, and the model of all rows is no worse than the copy: split
    conformal prediction holds exactly for the copy itself (Lei et al. 2018, algorithm 2). `update` adds the errors of
    its rows to those of the calibration.

    With "split", a quantile is the bound of the interval that ends there, and a path is the point forecast plus the
    errors of all steps from one origin, drawn at random; the other methods have intervals only. Beyond the steps that
    were calibrated, the margin of step l + k is the root of the sum of the squared margins of steps l and k, and a path
    continues with the errors from another origin, both as for a random walk; the margin of "cqr" stays the last one.
    With "aci" a bound is infinite where the adapted coverage needs more errors than there are.

    Parameters
    ----------
    model : forecaster
        The forecaster; a copy of it is fitted. Its own `horizon` is the number of steps that are calibrated.
    method : {"split", "cqr", "aci"}, default "split"
        "split": the absolute errors, the margin on both sides of the point forecast. "cqr": conformalized quantile
        regression, the signed distance outside the model's own interval, which is widened or narrowed by the margin
        (Romano, Patterson & Candes 2019, eqs. 6 to 8). "aci": as "split", but `update` adapts the coverage of each step
        to how often the intervals so far were missed (Gibbs & Candes 2021, eq. 2).
    n_windows : int, default 19
        Number of origins. A coverage c needs c / (1 - c) errors of each step: 19 are enough for 0.95.
    step : int, default 1
        Number of rows between two origins.
    gamma : float, default 0.005
        Step size of "aci".

    Attributes
    ----------
    model_ : forecaster
        The model that was fitted to all rows.
    scale_ : (S, C)
        Mean absolute error of the seasonal naive forecast in the rows before the first origin, the unit in which errors
        of several series are compared; of all rows where a series is too short for the origins, and 1 where it is
        constant. Series are in the order of their ids.

    References
    ----------
    Lei, G'Sell, Rinaldo, Tibshirani & Wasserman (2018), Distribution-free predictive inference for regression, JASA
    113(523), 1094-1111, doi:10.1080/01621459.2017.1307116; Romano, Patterson & Candes (2019), Conformalized quantile
    regression, arXiv:1905.03222; Gibbs & Candes (2021), Adaptive conformal inference under distribution shift,
    arXiv:2106.00170.

    Examples
    --------
    >>> from tsrnn import ConformalForecaster, NaiveForecaster
    >>> y = [0.0, 1.0, 3.0, 6.0, 10.0, 15.0]
    >>> forecaster = ConformalForecaster(NaiveForecaster(horizon=1), n_windows=4).fit(y)
    >>> forecaster.predict_interval(1, coverage=0.8)
    array([[10., 20.]])
    """

    model: Anything
    _: KW_ONLY
    method: str = "split"
    n_windows: int = 19
    step: int = 1
    gamma: float = 0.005

    @property
    def horizon(self) -> int:  # type: ignore[override]
        """Number of steps of ``predict()``, that of the model."""
        return self._checked_model().horizon

    @property
    def season_lengths(self) -> Anything:
        """The argument of the model."""
        return self._checked_model().season_lengths

    def _updated(self, y_new: Anything, X_new: Anything, static: Anything) -> Attributes:
        """The errors of forecasts of the new rows join the calibration."""
        model = copy(self.model_)
        model.update(y_new, X_new, static=static)
        later: Attributes = {"model_": model, **{name: getattr(model, name) for name in UPDATED}}
        if self.method_ == "cqr":  # whose scores are computed for each coverage that is asked for
            later["_scores_of"] = dict(self._scores_of)
        else:
            n_before = self.panel_.n_rows[self._kept]
            later["_scores"] = self._scores.then(self._later_scores(model, n_before, _Calibration.distances))
        return later

    # ------------------------------------------------------------ what the model does
    def _checked_model(self) -> BaseForecaster:
        if not isinstance(self.model, BaseForecaster) or isinstance(self.model, ConformalForecaster):
            raise TypeError(
                f"model={shown(self.model)} must be a forecaster of tsrnn that is no ConformalForecaster, such as "
                "NaiveForecaster()"
            )
        return self.model

    def _reads_by_column(self, y: Anything) -> bool | None:
        return self._checked_model()._reads_by_column(y)

    def _n_lost(self, history: History) -> int:
        return self._checked_model()._n_lost(history)

    def _check_history(self, history: History) -> None:
        self._checked_model()._check_history(history)

    def _origin(self, horizon: Anything, context: Anything, ids: Anything = None, static: Anything = None) -> Origin:
        check_is_fitted(self)
        return self.model_._origin(horizon, context, ids, static)

    def _forecast(self, origin: Origin) -> np.ndarray:
        return self.model_._forecast(origin)

    def _min_context(self) -> int:
        return self.model_._min_context()

    def _bounds(self, origin: Origin, levels: np.ndarray) -> np.ndarray:
        is_new = self._is_new(origin)
        middle = self._continue(origin)[..., None, None] if self.method_ != "cqr" else np.empty(0)
        bounds = []
        for c in levels:
            margin = self._margins(origin, float(c), is_new)[..., None]
            if self.method_ == "cqr":
                own = self._finite(self.model_._quantiles(origin, np.array([(1 - c) / 2, (1 + c) / 2])), origin)
                bounds.append(_widened(own, margin))
            else:
                bounds.append(middle[..., 0] + margin * np.array([-1.0, 1.0]))
        return np.stack(bounds, axis=-2)

    def _quantiles(self, origin: Origin, levels: np.ndarray) -> np.ndarray:
        self._check_has_distribution()
        bounds = self._bounds(origin, np.abs(2 * levels - 1))
        return np.where(levels < 0.5, bounds[..., 0], bounds[..., 1])

    def _sample(
        self, origin: Origin, n_paths: int, rngs: Sequence[np.random.RandomState], coverage: float = 0.0
    ) -> np.ndarray:
        self._check_has_distribution()
        n_leads = np.maximum(self._n_leads, origin.n_steps + origin.gaps.max(axis=1))
        series, is_new = self._series(origin), self._is_new(origin)
        drawn, _ = self._windows(int(n_leads.max())).paths_of(series, n_leads, n_paths, rngs, coverage)
        errors = self._after_gaps(np.moveaxis(drawn, 0, 1), origin)
        return self._forecast(origin)[..., None] + errors * self._units(origin, series, is_new)[:, None, :, None]

    def _check_has_distribution(self) -> None:
        if self.method_ != "split":
            raise ValueError(
                f"method={self.method_!r} calibrates the interval of each coverage on its own, which gives neither "
                "quantiles nor paths; use predict_interval, or fit with method='split'"
            )

    def _has_distribution(self, levels: np.ndarray) -> bool:
        return self.method_ == "split"

    # ------------------------------------------------------------ calibration
    def _fit(self, history: History) -> Attributes:
        method, n_windows = choice("method", self.method, METHODS), whole("n_windows", self.n_windows)
        step, model = whole("step", self.step), clone(self._checked_model())
        number("gamma", self.gamma, 0.0, open_low=True)
        if method == "cqr" and not hasattr(model, "_quantiles"):
            raise ValueError(f"method='cqr' needs quantiles, which {type(model).__name__} has not; use method='split'")
        if getattr(getattr(model, "early_stopping", None), "validation", None) is not None:
            raise ValueError(
                "the model has EarlyStopping(validation=...), whose rows lie after those that the intervals are tested "
                "on; use EarlyStopping(validation_size=...), which holds out the end of what is fitted"
            )
        n_leads = whole("horizon", model.horizon)
        ends = 1 + history.panel.last_observed.max(axis=1) - n_leads  # the last origin of each series
        first = ends - (n_windows - 1) * step
        kept = self._with_origins(history, first)
        training = replace(
            history,
            panel=history.panel.part(last=np.maximum(first, 0)).take(kept),
            order=history.order[kept],
            static=None if history.static is None else history.static.take(kept),
        )
        early = clone(model)._fit_to(training, is_named=False)
        early._set_rows({"panel_": history.panel.take(kept)})  # its own intervals follow the rows before each origin
        scale = _scales(history.panel, history.season_length)  # of a series that is too short, by all of its rows
        scale[kept] = _scales(training.panel, history.season_length)
        origins = first[kept] + step * np.arange(n_windows)[:, None]
        fitted: Attributes = {
            "model_": model._fit_to(history, is_named=False),
            "scale_": scale,
            "method_": method,
            "_kept": kept,
            "_n_leads": n_leads,
        }
        calibration = _Calibration(early, history.panel.take(kept), origins, n_leads)
        fitted["_n_fitted"] = history.panel.n_rows[kept]
        if method == "cqr":
            return fitted | {"_calibration": calibration, "_scores_of": {}}
        errors = calibration.errors()
        return fitted | {"_errors": errors, "_scores": self._scaled(np.abs(errors), scale, kept)}

    def _with_origins(self, history: History, first: np.ndarray) -> np.ndarray:
        """Series with enough rows before their `first` origin to fit the copy; an error if there is none."""
        least = 2 + self._n_lost(history)
        kept = np.flatnonzero(first >= least)
        if not len(kept):
            longest = int(first.argmax())
            most = (int(first[longest]) - least) // self.step + self.n_windows
            mend = f"n_windows={most} or fewer" if most > 0 else "a model with a shorter horizon"
            raise ValueError(
                f"{history.channel(longest)} has {int(history.panel.n_rows[longest])} rows, too few to fit the model "
                f"to {least} or more before n_windows={self.n_windows} origins, step={self.step} apart and "
                f"{self.horizon} steps before the end; use {mend}, or a longer series"
            )
        if not history.is_panel:
            unseen = np.flatnonzero(history.panel.first_observed[0] >= first[0])
            if len(unseen):
                raise ValueError(
                    f"{history.channel(int(unseen[0]))} has no observed value before the first of n_windows="
                    f"{self.n_windows} origins, so that the model cannot be fitted; use fewer, or drop the column"
                )
        return kept

    @staticmethod
    def _scaled(scores: np.ndarray, scale: np.ndarray, kept: np.ndarray) -> RollingScores:
        """Scores (n, S_kept, n_leads, C) of some series, as those of all in units of their scales."""
        n, _, n_leads, C = scores.shape
        found = np.full((n, n_leads, len(scale), C), np.nan)
        found[:, :, kept] = scores.transpose(0, 2, 1, 3) / scale[kept]
        return RollingScores.of(found.reshape(n, n_leads, -1))

    def _later_scores(self, model: BaseForecaster, n_before: np.ndarray, score: Score) -> np.ndarray:
        """Scores of the rows after `n_before` (S_kept,), (n_rows, n_leads, U), aligned at the end of each series."""
        kept, n_leads = self._kept, self._n_leads
        panel = model.panel_.take(kept)
        n_new = panel.n_rows - n_before
        most, back = int(n_new.max()), np.arange(1, n_leads + int(n_new.max()))
        if not most:
            return np.empty((0, n_leads, self.scale_.size))
        # the first origin whose steps reach a new row; a series with fewer new rows than another has no earlier one
        ends = np.maximum(panel.n_rows - back[:, None], n_before + 1 - n_leads)
        by_origin = score(_Calibration(model, panel, ends, n_leads, kept))
        age = np.arange(most)[::-1]
        # the row j rows before the end is lead l of the origin j + l rows before it
        scores = np.stack([by_origin[age + lead, :, lead] for lead in range(n_leads)], axis=2)
        scores[age[:, None] >= n_new] = np.nan
        return self._scaled(scores, self.scale_, kept).calibration

    def _margins(self, origin: Origin, coverage: float, is_new: np.ndarray) -> np.ndarray:
        """Margins of each step after `origin` in the units of its series, (S, n_steps, C)."""
        gaps, C = origin.gaps, self.scale_.shape[1]
        if self.method_ == "aci":
            margins = self._scores.adapted(coverage, float(self.gamma))
        else:
            margins = self._scores_for(coverage).margins(np.array([coverage]))[..., 0]
        series = self._series(origin)
        units = np.where(series[:, None] < 0, -1, series[:, None] * C + np.arange(C))
        margins = margins[:, units]  # (n_leads, S, C)
        if (beyond := int(gaps.max()) + origin.n_steps - len(margins)) > 0:
            margins = self._extended(margins, beyond)
        return self._after_gaps(margins, origin) * self._units(origin, series, is_new)[:, None]

    def _windows(self, n_leads: int) -> _Windows:
        """Errors from the origins of the calibration and from those after the fit so far, with `n_leads` or more.

        The windows from origins after the fit are those of the model of all rows; the last ones are not complete.
        """
        panel, n_before = self.model_.panel_.take(self._kept), self._n_fitted
        n_new = panel.n_rows - n_before
        back = np.arange(n_new.max(), 0, -1)[:, None]
        errors, is_there = self._errors, np.ones((len(self._errors), len(n_new)), bool)
        if len(back):
            ends = np.maximum(panel.n_rows - back, n_before)  # a series with fewer new rows has no more origins
            later = _Calibration(self.model_, panel, ends, self._n_leads, self._kept).errors()
            errors, is_there = np.concatenate([errors, later]), np.concatenate([is_there, back <= n_new])
        scaled = (errors / self.scale_[self._kept][:, None]).swapaxes(0, 1)[is_there.T]
        beyond = max(0, n_leads - self._n_leads)
        padded = np.pad(scaled, ((0, 0), (0, beyond), (0, 0)), constant_values=np.nan)
        return _Windows(padded, np.repeat(self._kept, is_there.sum(axis=0)), len(self.scale_))

    def _series(self, origin: Origin) -> np.ndarray:
        """Number of each series of an origin among those of the calibration, -1 for others."""
        return np.where(origin.series < len(self.scale_), origin.series, -1)

    def _is_new(self, origin: Origin) -> np.ndarray:
        """Whether each series of an origin was not in the fit, (S,), as that of a `context` after a single series."""
        is_of_fit = isinstance(origin.target, frame.PanelTarget) or any(
            origin.target is fitted.target_ for fitted in (self, self.model_)
        )
        return (self._series(origin) < 0) | (not is_of_fit)

    @staticmethod
    def _after_gaps(values: np.ndarray, origin: Origin) -> np.ndarray:
        """Values (n_leads, S, C, ...) of the steps after `origin`, whose leads count gaps, (S, n_steps, C, ...)."""
        gaps = origin.gaps
        leads = gaps[:, None] + np.arange(origin.n_steps)[:, None]
        return values[leads, np.arange(len(gaps))[:, None, None], np.arange(gaps.shape[1])]

    def _extended(self, margins: np.ndarray, beyond: int) -> np.ndarray:
        """Margins (n_leads, S, C) of `beyond` more leads."""
        if self.method_ == "cqr":
            return np.concatenate([margins, np.repeat(margins[-1:], beyond, axis=0)])
        padded = np.concatenate([margins, np.full((beyond, *margins.shape[1:]), np.nan)])
        return extended(padded)

    def _scores_for(self, coverage: float) -> RollingScores:
        """The scores of a coverage, of all rows so far."""
        if self.method_ == "split":
            return self._scores
        if coverage not in self._scores_of:
            scores = self._calibration.distances(coverage)
            self._scores_of[coverage] = self._n_fitted, self._scaled(scores, self.scale_, self._kept)
        n_before, known = self._scores_of[coverage]
        n_rows = self.panel_.n_rows[self._kept]
        if (n_rows > n_before).any():
            score = partial(_Calibration.distances, coverage=coverage)
            known = known.then(self._later_scores(self.model_, n_before, score))
            self._scores_of[coverage] = n_rows, known
        return known

    def _units(self, origin: Origin, series: np.ndarray, is_new: np.ndarray) -> np.ndarray:
        """Scale of each series of an origin, (S, C); that of its own rows where it was not in the fit."""
        units = self.scale_[series]
        if is_new.any():
            units[is_new] = _scales(origin.panel.take(np.flatnonzero(is_new)), self.season_length_)
        return units


class _Windows(ErrorWindows):
    """Errors from rolling origins."""

    _advice = "fit with a larger n_windows"


@dataclass(frozen=True)
class _Calibration:
    """A fitted model and the origins from which it forecasts known rows.

    Attributes
    ----------
    model : BaseForecaster
    panel : Panel
        The rows of S series.
    ends : (n_windows, S) int
        Number of rows of each series before each origin.
    n_leads : int
    series : (S,) int or None
        Number of each series in the fit of the model; by default in the same order.
    """

    model: BaseForecaster
    panel: Panel
    ends: np.ndarray
    n_leads: int
    series: np.ndarray | None = None

    def errors(self) -> np.ndarray:
        """Values minus point forecasts, (n_windows, S, n_leads, C); NaN where nothing was observed."""
        return self._differences(self.model._continue)[..., 0]

    def distances(self, coverage: float | None = None) -> np.ndarray:
        """Distances from the point forecasts, (n_windows, S, n_leads, C); NaN where nothing was observed.

        With a coverage those from the model's own intervals, max(lower - y, y - upper), negative within them.
        """
        if coverage is None:
            return np.abs(self.errors())
        tails, model = np.array([(1 - coverage) / 2, (1 + coverage) / 2]), self.model
        outside = self._differences(lambda origin: model._finite(model._quantiles(origin, tails), origin))
        return np.maximum(-outside[..., 0], outside[..., 1])

    def _differences(self, forecast: Function) -> np.ndarray:
        """Values minus forecasts, (n_windows, S, n_leads, C, ...)."""
        truth = np.where(self.panel.observed, self.panel.values, np.nan)
        last, leads, found = self.panel.indptr[1:, None], np.arange(self.n_leads), []
        for ends in self.ends:
            rows = self.panel.indptr[:-1, None] + ends[:, None] + leads  # (S, n_leads)
            within = np.minimum(rows, last - 1)
            forecasts = forecast(self._origin(ends, self.panel.known[within]))
            forecasts = forecasts.reshape(*forecasts.shape[:3], -1)
            values = np.where((rows < last)[..., None], truth[within], np.nan)
            found.append(values[..., None] - forecasts)
        return np.stack(found)

    def _origin(self, ends: np.ndarray, ahead: np.ndarray) -> Origin:
        """The origin after `ends` (S,) rows of each series."""
        model, before = self.model, self.panel.part(last=ends)
        series = np.arange(len(ends)) if self.series is None else self.series
        index: Any = model.index_  # it only names places in error messages
        if isinstance(model.target_, frame.PanelTarget):
            numbers = model._order[series]
            index = numbers, model.target_.first[numbers, None] + ends[:, None] + np.arange(self.n_leads)
        n_known, time = self._known(ends, series)
        return Origin(model.target_, before, ahead, series, index, np.arange(self.n_leads), n_known=n_known, time=time)

    def _known(self, ends: np.ndarray, series: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Rows of each series of the fit that are known at each time of the origins, and the number of each's time.

        Series of a panel may end at different times; of the others the rows before an origin's time are known.
        """
        model, target = self.model, self.model.target_
        if not isinstance(target, frame.PanelTarget):
            return ends[None], np.zeros(1, np.int64)
        numbers, n_rows = model._order[: model._n_series], model.panel_.n_rows[: model._n_series]
        at = target.end[numbers[series]] - self.panel.n_rows + ends
        times, time = np.unique(at, return_inverse=True)
        return np.maximum(n_rows - (target.end[numbers] - times[:, None]), 0), time


def _widened(bounds: np.ndarray, margin: np.ndarray) -> np.ndarray:
    """Bounds (..., 2) moved apart by a margin (..., 1); where a negative one makes them cross, both are the middle."""
    moved = bounds + margin * np.array([-1.0, 1.0])
    middle = bounds.mean(axis=-1, keepdims=True)
    return np.where(moved[..., :1] > moved[..., 1:], middle, moved)


def _scales(panel: Panel, season_length: int) -> np.ndarray:
    """Mean absolute error of the seasonal naive forecast of each series, (S, C); 1 where there is none or it is 0."""
    truth = np.where(panel.observed, panel.values, np.nan)
    scales = np.stack([seasonal_scale(truth[rows], season_length, 1) for rows in panel.slices()])
    return np.where(scales > 0, scales, 1.0)
