"""Scorers for scikit-learn: ``scoring=neg_mae`` in `cross_val_score`, `GridSearchCV` and the like.

scikit-learn's own, such as ``scoring="neg_mean_absolute_error"``, compare `predict(X)` with `y`, so that they need
covariates. These forecast what came after the series, and work with the series alone. Greater is better.
"""

from __future__ import annotations

from sklearn.pipeline import Pipeline

from .. import frame
from ..checks import Anything
from .base import BaseForecaster


def neg_mae(estimator: Anything, X: Anything, y: Anything = None) -> float:
    """Negative mean absolute error of the forecasts of what came after the series.

    Parameters
    ----------
    estimator : fitted forecaster
        A forecaster of this package, alone or as the last step of a `Pipeline`, or a search over one. With `y` also
        any other estimator that predicts `y` from `X`.
    X : Series, DataFrame or array-like of shape (n,), (n, n_channels) or (n, n_covariates)
        Alone it is what came right after the series of the fit; beside `y`, its covariates.
    y : Series, DataFrame or array-like of shape (n,) or (n, n_channels), default None
        What came, after a fit with covariates.

    Returns
    -------
    float
        Minus the error, in the unit of the series; the mean over channels. Missing values of what came are left out.

    Raises
    ------
    TypeError, ValueError
        If `X` does not follow the series, or `estimator` is no forecaster and there is no `y`.

    Examples
    --------
    >>> from sklearn.model_selection import TimeSeriesSplit, cross_val_score
    >>> from tsrnn import ARForecaster, neg_mae
    >>> from tsrnn.datasets import load_air_passengers
    >>> y, folds = load_air_passengers(), TimeSeriesSplit(2, test_size=12)
    >>> cross_val_score(ARForecaster(), y, cv=folds, scoring=neg_mae).shape
    (2,)
    """
    return -frame.mae(*_truth_and_forecast(estimator, X, y))


def neg_rmse(estimator: Anything, X: Anything, y: Anything = None) -> float:
    """Negative root mean squared error of the forecasts of what came after the series.

    Parameters
    ----------
    estimator, X, y
        As in `neg_mae`.

    Returns
    -------
    float
        Minus the error, in the unit of the series; the mean over channels.

    Raises
    ------
    TypeError, ValueError
        As in `neg_mae`.

    Examples
    --------
    >>> from tsrnn import ARForecaster, neg_rmse
    >>> forecaster = ARForecaster(lags=0, trend="n").fit([3.0, 5.0])
    >>> neg_rmse(forecaster, [1.0, 7.0])
    -5.0
    """
    return -frame.rmse(*_truth_and_forecast(estimator, X, y))


def neg_mase(estimator: Anything, X: Anything, y: Anything = None) -> float:
    """Negative mean absolute scaled error, which is what `score` of a forecaster returns.

    Parameters
    ----------
    estimator : fitted forecaster
        A forecaster of this package, alone or as the last step of a `Pipeline`, or a search over one.
    X, y
        As in `neg_mae`.

    Returns
    -------
    float
        Minus the error in units of that of the seasonal naive forecast over the training series.

    Raises
    ------
    TypeError, ValueError
        If `X` does not follow the series, or `estimator` is no forecaster.

    Examples
    --------
    >>> from tsrnn import ARForecaster, neg_mase
    >>> forecaster = ARForecaster(lags=0, trend="n").fit([3.0, 5.0])
    >>> neg_mase(forecaster, [1.0, 7.0])
    -2.0
    """
    forecaster, X = _last_step(estimator, X)
    if not isinstance(forecaster, BaseForecaster):
        raise TypeError(
            f"neg_mase scales by the training series, which {type(forecaster).__name__} has not; use a forecaster of "
            "tsrnn, or neg_mae"
        )
    return forecaster.score(X, y)


# ---------------------------------------------------------------- helpers
def _truth_and_forecast(estimator: Anything, X: Anything, y: Anything) -> tuple[Anything, Anything]:
    """What came, NaN where missing, and its forecast."""
    forecaster, inputs = _last_step(estimator, X)
    if isinstance(forecaster, BaseForecaster):
        return forecaster._truth_and_forecast(inputs, y)
    if y is None:
        raise TypeError(
            f"{type(forecaster).__name__} is no forecaster of tsrnn, so that the scorer needs y beside X; pass both"
        )
    return y, estimator.predict(X)


def _last_step(estimator: Anything, X: Anything) -> tuple[Anything, Anything]:
    """The forecaster within a search or a pipeline, and what the steps before it make of `X`."""
    estimator = getattr(estimator, "best_estimator_", estimator)
    if isinstance(estimator, Pipeline):
        before = estimator[:-1]
        return _last_step(estimator[-1], before.transform(X) if len(before) else X)
    return estimator, X
