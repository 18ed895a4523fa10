"""What all forecasters share: reading the target, labelling the forecast, scores and updates."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from .. import frame
from ..checks import whole
from ..engine.windows import fill_gaps


class BaseForecaster(BaseEstimator):
    """A series in, its future out. A subclass fits arrays in `_fit` and continues them in `_forecast`.

    Rows are time steps. After `fit`, ``context_`` (n, n_channels) holds the rows that a forecast starts from and
    ``index_`` the labels of the series so far.
    """

    horizon: int

    def fit(self, X: Any, y: Any = None) -> BaseForecaster:
        """Fit to one series or to the columns of a wide array.

        A fit that fails or is interrupted leaves the estimator as it was, unfitted or with its earlier fit.

        Parameters
        ----------
        X : Series, DataFrame or array-like of shape (n,) or (n, n_channels)
            The target, one row for each time step; NaN where it is missing, also before a column begins. A pandas index
            must be a DatetimeIndex with a frequency, a PeriodIndex, or evenly spaced integers.
        y : None
            Not used; it stands here for scikit-learn's sake. Covariates are not supported.

        Returns
        -------
        self

        Raises
        ------
        TypeError, ValueError
            If an argument of the constructor or the target is not what it must be; the message says which, where and
            what would do.
        """
        _refuse_covariates(y)
        history = History(frame.read_target(X))
        fitted = self._fit(history)
        for name, value in fitted.items():  # all at once: a fit that fails leaves the estimator as it was
            setattr(self, name, value)
        self.target_ = history.target
        self.index_ = history.target.index
        self.context_ = history.values
        self.n_features_in_ = history.values.shape[1]
        self.season_length_ = history.season_length
        return self

    def predict(self, horizon: Any = None, *, context: Any = None) -> Any:
        """Forecast the steps after the end of the series.

        Parameters
        ----------
        horizon : int, index of dates, or None
            How many steps, or which future labels; None means the constructor's `horizon`. Any number works.
        context : Series, DataFrame or array-like, optional
            A series that was not in the fit, to be continued instead of the fitted one.

        Returns
        -------
        Series, DataFrame or ndarray
            The same kind as the target, with its name or columns and its future index.
        """
        check_is_fitted(self)
        target, index, rows = self.target_, self.index_, self.context_
        if context is not None:
            target = frame.read_target(context, name="context", freq=getattr(self.index_, "freq", None))
            index, rows = target.index, self._read_context(target)
        if horizon is None or np.ndim(horizon) == 0:
            steps = whole("horizon", self.horizon if horizon is None else horizon)
            return frame.wrap(self._continue(rows, steps), target, frame.future_index(index, steps))
        if np.ndim(horizon) > 1:
            raise TypeError(
                f"horizon has {np.ndim(horizon)} dimensions, but it is a number of steps or an index of future labels; "
                "covariates are not supported"
            )
        wanted = frame.steps_ahead(index, horizon, name="horizon")
        labels = frame.future_index(index, int(wanted.max()))[wanted - 1]
        return frame.wrap(self._continue(rows, int(wanted.max()))[wanted - 1], target, labels)

    def update(self, y_new: Any) -> BaseForecaster:
        """Move on by new observations without fitting again: later forecasts start after them.

        Parameters
        ----------
        y_new : Series, DataFrame or array-like
            The rows that follow the series so far, of the same kind; NaN where missing.

        Returns
        -------
        self
        """
        check_is_fitted(self)
        new = frame.read_target(y_new, name="y_new", freq=getattr(self.index_, "freq", None), allow_missing=True)
        self._check_kind(new, "y_new")
        if self._is_labelled(new):
            frame.follows(self.index_, new.index)
        values = np.concatenate([self.context_, new.values])
        observed = np.concatenate([np.ones(self.context_.shape, bool), new.observed])
        self.context_ = fill_gaps(values, observed)
        self.index_ = frame.extended(self.index_, len(new.values))
        return self

    def score(self, X: Any, y: Any = None) -> float:
        """Negative mean absolute scaled error of the forecasts of `X` (higher is better).

        The scale is the error of the seasonal naive forecast over the training part (Hyndman & Koehler 2006,
        doi:10.1016/j.ijforecast.2006.03.001).

        Parameters
        ----------
        X : Series, DataFrame or array-like
            What came right after the series so far, aligned by index.
        y : None
            As in `fit`.

        Returns
        -------
        float

        Raises
        ------
        ValueError
            If `X` does not follow the series, or nothing in it was observed.
        """
        check_is_fitted(self)
        _refuse_covariates(y)
        new = frame.read_target(X, freq=getattr(self.index_, "freq", None), allow_missing=True, name="X")
        self._check_kind(new, "X")
        if self._is_labelled(new):
            frame.follows(self.index_, new.index, name="X")
        if not new.observed.any():
            raise ValueError("X has no observed value to score the forecast by; pass some that was observed")
        truth = np.where(new.observed, new.values, np.nan)
        train = np.where(self.target_.observed, self.target_.values, np.nan)
        return -frame.mase(truth, self._continue(self.context_, len(truth)), train, self.season_length_)

    # ------------------------------------------------------------ for subclasses
    def _fit(self, history: History) -> dict[str, Any]:
        """The fitted attributes, from the series so far."""
        raise NotImplementedError

    def _forecast(self, context: np.ndarray, horizon: int) -> np.ndarray:
        """Continue `context` (n, n_channels) by (horizon, n_channels)."""
        raise NotImplementedError

    def _least_context(self) -> int:
        """Rows that `_forecast` needs."""
        raise NotImplementedError

    # ------------------------------------------------------------ helpers
    def _continue(self, context: np.ndarray, horizon: int) -> np.ndarray:
        """`_forecast`, or an error where it leaves the finite numbers."""
        with np.errstate(over="ignore", invalid="ignore"):
            values = self._forecast(context, horizon)
        finite = np.isfinite(values).all(axis=1)
        if not finite.all():
            raise FloatingPointError(
                f"the forecast overflows at step {int(finite.argmin()) + 1} of horizon={horizon}: rolled forward that "
                "far, the fitted model explodes; ask for fewer steps, or fit with scaling='standard' or more ridge"
            )
        return values

    def _check_kind(self, new: frame.Target, name: str) -> None:
        if new.values.shape[1] != self.n_features_in_:
            raise ValueError(
                f"{name} has {new.values.shape[1]} series, but {type(self).__name__} was fitted to "
                f"{self.n_features_in_}; pass the same columns"
            )
        ours, theirs = self.target_.columns, new.columns
        if ours is not None and theirs is not None and not theirs.equals(ours):
            raise ValueError(
                f"{name} has the columns {list(theirs)}, but the fit had {list(ours)}; pass the same columns in the "
                "same order"
            )

    def _is_labelled(self, new: frame.Target) -> bool:
        """Whether both the fitted and the new target came with an index; bare arrays just follow."""
        return not (new.kind.startswith("array") or self.target_.kind.startswith("array"))

    def _read_context(self, target: frame.Target) -> np.ndarray:
        self._check_kind(target, "context")
        history = History(target)
        for c, n in enumerate(history.n_rows):
            if n < self._least_context():
                raise ValueError(
                    f"{history.channel(c)} has {n} observations from the first observed one on, but a forecast reads "
                    f"{self._least_context()}; pass a longer series"
                )
        return history.values


class History:
    """A target as a forecaster learns from it: from the first row on that has a value, and without gaps.

    Attributes
    ----------
    target : frame.Target
    values : (n, n_channels) float64
        A missing value is the last one before it, or the first one of its channel.
    observed : (n, n_channels) bool
        Which values are the target's own.
    n_rows : (n_channels,) int
        Rows of each channel from its first observed one on.
    season_length : int
    """

    def __init__(self, target: frame.Target):
        first = int(target.observed.any(axis=1).argmax())
        self.target = target
        self.values = fill_gaps(target.values, target.observed)[first:]
        self.observed = target.observed[first:]
        self.n_rows = len(self.values) - self.observed.argmax(axis=0)
        self.season_length = frame.season_length(target.index)

    def channel(self, c: int) -> str:
        """What error messages call a channel: ``y['a']``, or just the series where there is one."""
        return "the series" if self.target.channel(c) == "y" else self.target.channel(c)


def _refuse_covariates(y: Any) -> None:
    if y is not None:
        raise ValueError("y must be None: the target is the first argument, and covariates are not supported")
