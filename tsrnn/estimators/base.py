"""The base class of forecasters: it reads the target, labels the forecast, scores and updates."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import replace
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from .. import frame
from ..checks import Anything, whole
from ..data.panel import Panel
from ..frame.future import Forecasts, Labels
from ..frame.index import Grid
from .history import History, Origin, labelled_by, refuse_empty
from .origins import LaterRows, Rolled, roll
from .panels import (
    UPDATE,
    NewRows,
    Reading,
    panel_origin,
    panel_scaled_error,
    panel_truth_and_forecast,
    read_panel,
    update_panel,
    with_static,
)

#: Fitted attributes by name, of many types.
Attributes = dict[str, Any]
#: Fitted attributes that an update changes.
UPDATED = ("target_", "index_", "panel_", "_order", "_new_static")


class BaseForecaster(BaseEstimator):
    """A forecaster of one or several series. A subclass fits a history in `_fit` and forecasts it in `_forecast`.

    Rows are time steps. After `fit`, ``panel_`` holds the rows that forecasts start from, and ``index_`` their labels,
    of a panel the labels from the first row of any series to the last.
    """

    horizon: int
    season_lengths: Anything = None
    target_: frame.Target | frame.PanelTarget
    index_: Grid
    panel_: Panel
    covariate_names_: list[Hashable]
    past_names_: list[Hashable]
    static_: frame.Static | None
    n_features_in_: int
    feature_names_in_: np.ndarray
    season_lengths_: tuple[int, ...]
    season_length_: int

    def fit(
        self,
        X: Anything,
        y: Anything = None,
        *,
        id: Hashable | list[Hashable] = None,
        time: Hashable = None,
        target: Hashable = None,
        freq: Anything = None,
        gaps: str = "error",
        short: str = "error",
        future: Sequence[Hashable] | None = None,
        past: Sequence[Hashable] | None = None,
        static: Anything = None,
    ) -> BaseForecaster:
        """Fit to one series, to the columns of a wide array, or to a panel of many series; perhaps with covariates.

        A fit that fails or is interrupted leaves the estimator as it was, unfitted or with its earlier fit.

        Parameters
        ----------
        X : Series, DataFrame or array-like of shape (n,), (n, n_channels) or (n, n_covariates); or a panel
            Alone it is the target, one row for each time step; NaN where it is missing, also before a column begins. A
            pandas index must be a DatetimeIndex with a frequency, a PeriodIndex, or evenly spaced integers. A panel is
            a long frame with the columns ``unique_id``, ``ds`` and ``y``, a Series or frame with two index levels or
            more, of ids and times, or a dict of Series. Beside `y`, `X` holds covariates: numbers known for every
            step, also for those to be forecast, aligned by index, of a panel by id and time.
        y : Series, DataFrame or array-like of shape (n,) or (n, n_channels), or a panel; optional
            The target, where `X` holds covariates.
        id, time, target : hashable, optional
            Names of the columns of a long frame, where they are not ``unique_id``, ``ds`` and ``y``. A list `id` names
            the parts of ids of several columns.
        freq : pandas offset, str or int, optional
            Frequency of a panel, or step of integers; by default it is inferred.
        gaps : {"error", "missing", "compress"}, default "error"
            What happens where a series of a panel has no row for a step: an error; a missing value; or the rows that
            exist are the steps, as for days of trading.
        short : {"error", "skip"}, default "error"
            What happens to series of a panel with fewer than two rows: an error, or they are left out, and
            ``skipped_`` names them.
        future, past : list of hashable, optional
            Names of the columns that are covariates: known ahead, or known only when a row has come. Of a table `X`
            beside `y`, what is not named is known ahead; that of a wide frame with ``multivariate="independent"`` has
            the covariates of all columns.
        static : DataFrame, optional
            A row for each series of a panel, with its id as a column or as the index: numbers, and categories, for
            which vectors are learned. The ids of a wide frame with ``multivariate="independent"`` are its columns.

        Returns
        -------
        self

        Raises
        ------
        TypeError, ValueError
            If an argument of the constructor, the target or a covariate is not what it must be; the message says which,
            where and what would do.
        """
        reading = Reading(id, time, target, freq, gaps, short, future, past, static)
        data = X if y is None else y
        earlier = None if static is None else self._earlier_static()
        if frame.is_panel(data, id):
            history = read_panel(X, y, reading, self._seasons_to_read(), self._n_lost, earlier)
        else:
            by_column = bool(self._reads_by_column(data))
            reading.refuse_for_one_series(data, by_column=by_column, has_X=y is not None)
            history = History.read(X, y, self._seasons_to_read(), by_column=by_column, **reading.roles)
            history = with_static(history, static, earlier)
        return self._fit_to(history, is_named=history.is_panel or bool(frame.column_labels(X)))

    def __sklearn_tags__(self) -> Tags:
        """Tags of scikit-learn: a target alone may be fitted, of one or two dimensions, with missing values."""
        tags = super().__sklearn_tags__()
        tags.target_tags.required = False  # `fit(y)` has the target in the place of X
        tags.target_tags.multi_output = True
        tags.input_tags.one_d_array = True
        tags.input_tags.allow_nan = True  # a missing value of the target
        return tags

    def predict(
        self, horizon: Anything = None, *, context: Anything = None, ids: Anything = None, static: Anything = None
    ) -> Forecasts:
        """Forecast the steps after the end of the series, of a panel after the end of each series.

        Parameters
        ----------
        horizon : int, index of dates, covariates, or None
            How many steps, or which future labels; None means the constructor's `horizon`. Any number works. After a
            fit with covariates, their rows for the steps to forecast: a frame, whose index must be these steps', or an
            array; of a panel a table with a row for each id and time. A panel takes labels only if its rows are the
            steps, ``gaps="compress"``.
        context : Series, DataFrame or array-like, or a panel; optional
            A series that was not in the fit, to be continued instead of the fitted one: of the same columns, and with
            an index of the same kind, frequency and time zone, or an array. After a fit with covariates, their rows
            begin with those of this series, also of the past for a wide frame; a panel holds its covariates as columns.
        ids : list of ids, or one id; optional
            The series of a panel to forecast; by default all. An id of several columns is a tuple.
        static : DataFrame, optional
            Static covariates of the series of a panel in `context`.

        Returns
        -------
        Series, DataFrame, ndarray or dict
            The same kind as the target, with its name or columns and its future index. A long frame has the columns of
            ids, times and target, ids in order of first appearance.
        """
        origin = self._origin(horizon, context, ids, static)
        return wrap_many(origin.choose(self._continue(origin)), origin, {})

    def update(self, y_new: Anything, X_new: Anything = None, *, static: Anything = None) -> BaseForecaster:
        """Append new observations without fitting again: later forecasts start after them.

        The intervals of networks and of `ConformalForecaster` follow the errors of their forecasts of these rows.

        Parameters
        ----------
        y_new : Series, DataFrame or array-like, or a panel
            The rows that follow the series so far, of the same kind; NaN where missing. Of a panel the rows of some
            series, and of new ones; steps without a row before them are read by the `gaps` of the fit.
        X_new : Series, DataFrame or array-like
            Their covariates, after a fit with covariates; of a panel they may be columns of `y_new`.
        static : DataFrame, optional
            Static covariates of the series of a panel that are new; rows of others are ignored.

        Returns
        -------
        self
        """
        check_is_fitted(self)
        self.__dict__.update(self._updated(y_new, X_new, static))  # all at once: an update that fails changes nothing
        return self

    def predict_origins(
        self,
        y_new: Anything,
        X_new: Anything = None,
        *,
        static: Anything = None,
        n_after: Sequence[int],
        n_steps: int,
        coverage: Sequence[float] = (),
    ) -> Rolled | None:
        """Forecast from several origins among new rows at once, as `update` and `predict` in turn would.

        The result is the same bit for bit, and the forecaster stays as it is. Each series is forecast that has rows on
        both sides of an origin.

        Parameters
        ----------
        y_new, X_new, static
            As in `update`: the rows after the fit up to the last origin, and then `n_steps` more, whose target may be
            missing; only what is known ahead is read of them.
        n_after : list of int
            How many steps before the end of the new rows each origin lies, `n_steps` or more.
        n_steps : int
            Number of steps to forecast from each origin.
        coverage : list of float
            Coverages of intervals.

        Returns
        -------
        Rolled or None
            None if the forecaster cannot forecast origins together: if an update changes more than its rows, or a
            subclass has a `predict`, `update` or `predict_interval` of its own.
        """
        check_is_fitted(self)
        return roll(self, LaterRows(y_new, X_new, static), np.asarray(n_after), n_steps, np.asarray(coverage, float))

    def score(self, X: Anything, y: Anything = None) -> float:
        """Negative mean absolute scaled error of the forecasts of new observations (higher is better).

        The scale is the error of the seasonal naive forecast over the training part (Hyndman & Koehler 2006,
        doi:10.1016/j.ijforecast.2006.03.001). Of a panel it is the mean over the series.

        Parameters
        ----------
        X : Series, DataFrame or array-like
            Alone it holds the observations right after the series so far, aligned by index; beside `y`, covariates.
        y : Series, DataFrame or array-like, optional
            The observations, where `X` holds covariates.

        Returns
        -------
        float

        Raises
        ------
        ValueError
            If it does not follow the series, or nothing in it was observed.
        """
        return -self._scaled_error(frame.mase, X, y)

    # ------------------------------------------------------------ for subclasses
    #: Advice in the error message for a forecast that is not finite.
    _overflow_advice = "fit with scaling='standard'"

    def _seasons_to_read(self) -> Anything:
        """The argument `season_lengths` by which `fit` reads a history."""
        return self.season_lengths

    def _reads_by_column(self, y: Anything) -> bool | None:
        """Whether the columns of a wide frame are series of their own, as in a panel; None if both are the same."""
        return False

    def _updated(self, y_new: Anything, X_new: Anything, static: Anything) -> Attributes:
        """The fitted attributes that the new rows of `update` change."""
        return self._after(y_new, X_new, UPDATE, static)[1]

    def _earlier_static(self) -> frame.Static | None:
        """Static covariates of an earlier fit whose parameters this one goes on with; they are coded alike."""
        return None

    def _n_lost(self, history: History) -> int:
        """Number of first rows of a series from which nothing is learned."""
        return 0

    def _check_history(self, history: History) -> None:
        """Refuse a history that the forecaster cannot learn from."""
        for given, what in ((history.past_names, "covariates of the past"), (history.static, "static covariates")):
            if given:
                raise ValueError(f"{type(self).__name__} has no use for {what}; leave them out, or use a network")

    def _with_validation(self, history: History, state: Attributes) -> tuple[History, Attributes]:
        """The history with the rows that validate it, and the attributes after a fit, of which `state` has no row."""
        return history, state

    def _check_new_series(self, names: Sequence[str]) -> None:
        """Refuse series of `context` or `update` that were in no fit, where each series has a model of its own."""

    def _check_context(self, history: History) -> None:
        """Refuse a panel in `context` whose series cannot be continued."""

    def _fit(self, history: History) -> Attributes:
        """Fit; return the fitted attributes by name."""
        raise NotImplementedError

    def _forecast(self, origin: Origin) -> np.ndarray:
        """Point forecasts of the steps after `origin`, (S, n_steps, n_channels)."""
        raise NotImplementedError

    def _min_context(self) -> int:
        """Number of rows that `_forecast` needs before the origin."""
        raise NotImplementedError

    def _n_read(self) -> float | None:
        """Number of last rows on which forecasts of a fitted series depend if all of their values were observed.

        It is infinite where forecasts depend on all rows, and None where an update changes more than the rows, so that
        origins cannot be forecast together; see `predict_origins`.
        """
        return None

    def _bounds(self, origin: Origin, levels: np.ndarray) -> np.ndarray:
        """Bounds of central intervals of all steps, (S, n_steps, n_channels, n_levels, 2)."""
        raise NotImplementedError

    @property
    def context_(self) -> np.ndarray:
        """The rows that a forecast starts from, (n, n_channels); missing values are filled."""
        return self.panel_.values

    @property
    def observed_(self) -> np.ndarray:
        """Which values of ``context_`` were observed, (n, n_channels)."""
        return self.panel_.observed

    @property
    def covariates_(self) -> np.ndarray:
        """Covariates of ``context_``, (n, n_covariates)."""
        return self.panel_.known

    # ------------------------------------------------------------ helpers
    def _after(
        self, y_new: Anything, X_new: Anything, names: NewRows, static: Anything = None
    ) -> tuple[frame.Target | frame.PanelTarget, Attributes]:
        """New rows that follow the series so far, and the fitted attributes that they change."""
        if isinstance(self.target_, frame.PanelTarget):
            return update_panel(self, y_new, X_new, names, static)
        self._refuse_for_one_series(static=static)
        new, covariates = self._read_new(y_new, X_new, names)
        return new, self._joined(new, covariates)

    def _joined(self, new: frame.Target, covariates: np.ndarray) -> Attributes:
        """The fitted attributes after new rows of one series, whose covariates (n, F) may have gaps."""
        before, n = self.panel_, len(new.values)
        values, observed = np.concatenate([before.values, new.values]), np.concatenate([before.observed, new.observed])
        later = Panel.of_one(values, np.vstack([np.ones_like(before.observed), new.observed])).filled()
        known = np.concatenate([before.known, self._completed(covariates)])
        return {
            "panel_": Panel.of_one(later.values, observed, known),
            "index_": frame.extend_index(self.index_, n),
        }

    def _set_rows(self, changed: Attributes) -> None:
        """Take over fitted attributes with later rows."""
        self.__dict__.update(changed)

    def _completed(self, covariates: np.ndarray) -> np.ndarray:
        """Covariates (n, F) of the rows after one series, without gaps."""
        return self._completions[1].complete_ahead(covariates[None], self.panel_, self.panel_.known)[0]

    def _refuse_for_one_series(self, **given: Anything) -> None:
        """Refuse arguments that only mean something for a panel."""
        for name, value in given.items():
            if value is not None:
                raise ValueError(f"{name}= is for panels, but the fit had one series or a wide frame; leave it out")

    def _fit_to(self, history: History, *, is_named: bool) -> BaseForecaster:
        """Fit to a history, whose covariates have names or not."""
        self._check_history(history)
        state = {
            "target_": history.target,
            "index_": history.target.grid if isinstance(history.target, frame.PanelTarget) else history.target.index,
            "panel_": history.panel,
            "static_": history.static,
            "_new_static": None if history.static is None else history.static.take(np.empty(0, np.int64)),
            "covariate_names_": history.covariate_names,
            "past_names_": history.past_names,
            "n_features_in_": len(history.covariate_names) or history.values.shape[1],
            "season_lengths_": history.season_lengths,
            "season_length_": history.season_length,
            "skipped_": history.skipped,
            "_order": history.order,
            "_completions": history.completions,
            "_n_series": len(history.panel),
            "_gaps": history.gaps,
        }
        history, state = self._with_validation(history, state)
        fitted = self._fit(history) | state
        named = fitted["covariate_names_"] if is_named else []
        self.__dict__.pop("feature_names_in_", None)  # of an earlier fit; scikit-learn's rule: all names are texts
        if named and all(isinstance(name, str) for name in named):
            fitted["feature_names_in_"] = np.array(named, object)
        self.__dict__.update(fitted)  # all at once: a fit that fails leaves the estimator as it was
        return self

    def _one_target(self) -> frame.Target:
        """The target of a fit to one series or to the columns of a wide array; no property, which `dir` would read."""
        target = self.target_.wide if isinstance(self.target_, frame.PanelTarget) else self.target_
        assert target is not None
        return target

    def _scaled_error(self, measure: Callable[..., float], X: Anything, y: Anything) -> float:
        """`frame.mase` or `frame.rmsse` of the forecasts of new observations; of a panel the mean over the series."""
        check_is_fitted(self)
        if isinstance(self.target_, frame.PanelTarget):
            return panel_scaled_error(self, measure, X, y)
        truth, forecast = self._truth_and_forecast(X, y)
        train = np.where(self._one_target().observed, self._one_target().values, np.nan)
        return measure(truth, forecast, train, self.season_length_, constant="unscaled")

    def _truth_and_forecast(
        self, X: Anything, y: Anything, forecast: Callable[[Origin], np.ndarray] | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """New observations, NaN where missing, and their forecasts, (n_steps, n_channels) both.

        `forecast` computes something else from an origin, (S, n_steps, n_channels, ...), such as quantiles.
        """
        check_is_fitted(self)
        forecast = self._continue if forecast is None else forecast
        if isinstance(self.target_, frame.PanelTarget):
            return panel_truth_and_forecast(self, X, y, forecast)[:2]
        data, covariates, name = (X, None, "X") if y is None else (y, X, "y")
        new, covariates = self._read_new(data, covariates, NewRows(name, "X", "score(X, y)"))
        if not new.observed.any():
            raise ValueError(f"{new.name} has no observed value to score the forecast by; pass some that was observed")
        origin = self._origin_at_end(frame.future_index(self.index_, len(new.values)), self._completed(covariates))
        return np.where(new.observed, new.values, np.nan), forecast(origin)[0]

    def _continue(self, origin: Origin) -> np.ndarray:
        """`_forecast`, with an error where a value is not finite."""
        with np.errstate(over="ignore", invalid="ignore"):
            return self._finite(self._forecast(origin), origin)

    def _finite(self, values: np.ndarray, origin: Origin) -> np.ndarray:
        """The values (S, n_steps, ...) as they are, with an error where one is not finite."""
        finite = np.isfinite(values).all(axis=(0, *range(2, values.ndim)))
        if not finite.all():
            raise FloatingPointError(
                f"the forecast overflows at step {int(finite.argmin()) + 1} of horizon={origin.n_steps}: rolled "
                f"forward that far, the fitted model explodes; ask for fewer steps, or {self._overflow_advice}"
            )
        return values

    def _origin(self, horizon: Anything, context: Anything, ids: Anything = None, static: Anything = None) -> Origin:
        """Read the arguments of `predict`."""
        check_is_fitted(self)
        if isinstance(self.target_, frame.PanelTarget):
            return panel_origin(self, horizon, context, ids, static)
        self._refuse_for_one_series(ids=ids, static=static)
        here, index = self._origin_at_end(self.index_, np.empty((0, len(self.covariate_names_)))), self.index_
        if self.covariate_names_ or not (horizon is None or isinstance(horizon, Integral)):  # a table of any library
            ahead = frame.read_table(horizon, "X" if self.covariate_names_ else "horizon")
            horizon = ahead.data
        if context is not None:
            target = frame.read_target(context, name="context", freq=frame.index_step(self.index_))
            if self.covariate_names_:
                target = labelled_by(ahead, target, frame.index_step(self.index_))
            history, index = self._read_context(target), target.index
            here = here._replace(target=target, panel=history.panel)
        if self.covariate_names_:
            steps, known = frame.read_future_covariates(
                ahead, index, 0 if context is None else len(index), self.covariate_names_
            )
            completion = self._completions[1]
            if context is not None:
                known = known[-(len(here.panel.values) + len(steps)) :]
                before = completion.complete(known[: -len(steps)], here.panel.indptr)
                here = here._replace(panel=replace(here.panel, known=before))
            refuse_empty(known[None, -len(steps) :], self.covariate_names_, completion)
            ahead_ = completion.complete_ahead(known[None, -len(steps) :], here.panel, here.panel.known)
            return here._replace(ahead=ahead_, index=steps, wanted=np.arange(len(steps)))
        if horizon is None or np.ndim(horizon) == 0:
            n = whole("horizon", self.horizon if horizon is None else horizon)
            labels: Any = frame.future_index(index, n)  # a grid, or some labels of one
            wanted = np.arange(n)
        elif np.ndim(horizon) == 1:
            wanted = frame.steps_ahead(index, horizon, name="horizon") - 1
            n = int(wanted.max()) + 1
            labels = frame.future_index(index, n)[wanted]
        else:
            raise TypeError(
                f"horizon has {np.ndim(horizon)} dimensions, but it is a number of steps or an index of future labels: "
                f"this {type(self).__name__} was fitted without covariates"
            )
        return here._replace(ahead=np.empty((1, n, 0)), index=labels, wanted=wanted)

    def _origin_at_end(self, index: Grid, covariates: np.ndarray) -> Origin:
        """Origin at the end of the series, for all steps of `index`, with their covariates."""
        return Origin(self.target_, self.panel_, covariates[None], np.zeros(1, np.int64), index, np.arange(len(index)))

    def _read_new(self, y: Anything, X: Anything, given: NewRows) -> tuple[frame.Target, np.ndarray]:
        """Read a target that follows the series so far, and its covariates (n, F), which may have gaps."""
        y_name, X_name, call, _ = given
        y, X = frame.read_table(y, y_name), None if X is None else frame.read_table(X, X_name)
        if X is not None:
            frame.check_argument_order(X, y, call, (self.covariate_names_, self._one_target()))
        new = frame.read_target(y, name=y_name, freq=frame.index_step(self.index_), allow_missing=True)
        self._check_kind(new, y_name)
        if self._is_labelled(new):
            with frame.pandas_fixes(new.native_format, y_name):
                frame.check_continuation(self.index_, new.index, name=y_name)
        names = [*self.past_names_, *self.covariate_names_]
        if (X is not None) != bool(names):
            had = f"had the covariates {', '.join(map(repr, names))}" if names else "had no covariates"
            raise ValueError(f"the fit of this {type(self).__name__} {had}; pass the same ones for {y_name}, or none")
        if X is None:
            return new, np.empty((len(new.values), 0))
        steps = frame.future_index(self.index_, len(new.values))
        return new, frame.read_covariates(X, steps, name=X_name, of=y_name, columns=names)

    def _check_kind(self, new: frame.Target, name: str) -> None:
        ours, theirs = self._one_target().values.shape[1], new.values.shape[1]
        if theirs != ours:
            raise ValueError(
                f"{name} has {theirs} series, but {type(self).__name__} was fitted to {ours}; pass the same columns"
            )
        columns = self._one_target().columns
        if columns is not None and new.columns is not None and not new.columns.equals(columns):
            raise ValueError(
                f"{name} has the columns {list(new.columns)}, but the fit had {list(columns)}; pass the same columns "
                "in the same order"
            )

    def _is_labelled(self, new: frame.Target) -> bool:
        """Whether both the fitted and the new target have labels, or their covariates have; arrays have none."""
        return new.is_labelled and self._one_target().is_labelled

    def _check_grid(self, context: frame.Target) -> None:
        """Refuse labels of another kind, frequency or time zone."""
        if self._is_labelled(context):
            with frame.pandas_fixes(context.native_format, "context"):
                frame.check_same_grid(self.index_, context.index, name="context")

    def _read_context(self, target: frame.Target) -> History:
        self._check_kind(target, "context")
        self._check_grid(target)
        history = History.of(target)
        for c, n in enumerate(history.n_rows):
            if n < self._min_context():
                raise ValueError(
                    f"{history.channel(c)} has {n} observations from the first observed one on, but a forecast reads "
                    f"{self._min_context()}; pass a longer series"
                )
        return history


def wrap_many(values: np.ndarray, origin: Origin, labels: Mapping[str, Labels]) -> Forecasts:
    """The wanted values (S, n_wanted, n_channels, ...) in the form of the target; see `frame.wrap_many`."""
    if isinstance(origin.target, frame.PanelTarget):
        numbers, places = origin.index
        return frame.wrap_panel(values[:, :, 0], origin.target, numbers, places, labels)
    return frame.wrap_many(values[0], origin.target, origin.index, labels)
