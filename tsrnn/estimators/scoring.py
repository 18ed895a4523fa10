"""Scorers for scikit-learn: ``scoring=neg_mae`` in `cross_val_score`, `GridSearchCV` and the like.

scikit-learn's own, such as ``scoring="neg_mean_absolute_error"``, compare `predict(X)` with `y`, so that they need
covariates. These forecast what came after the series, and work with the series alone. Greater is better.
"""

from __future__ import annotations

import numpy as np
from sklearn.pipeline import Pipeline

from .. import frame
from ..checks import Anything, fractions
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
    forecaster, X = _own_forecaster(estimator, X, "neg_mase scales by the training series, which", "neg_mae")
    return forecaster.score(X, y)


def neg_rmsse(estimator: Anything, X: Anything, y: Anything = None) -> float:
    """Negative root mean squared scaled error, in units of the seasonal naive forecast's over the training series.

    Parameters
    ----------
    estimator : fitted forecaster
        As in `neg_mase`.
    X, y
        As in `neg_mae`.

    Returns
    -------
    float
        Minus the error, without unit; the mean over channels or, of a panel, over the series. A constant training
        series has the scale 1, as in `neg_mase`.

    Raises
    ------
    TypeError, ValueError
        If `X` does not follow the series, or `estimator` is no forecaster.

    Examples
    --------
    >>> from tsrnn import ARForecaster, neg_rmsse
    >>> forecaster = ARForecaster(lags=0, trend="n").fit([3.0, 5.0])
    >>> neg_rmsse(forecaster, [1.0, 7.0])
    -2.5
    """
    forecaster, X = _own_forecaster(estimator, X, "neg_rmsse scales by the training series, which", "neg_rmse")
    return -forecaster._scaled_error(frame.rmsse, X, y)


def neg_smape(estimator: Anything, X: Anything, y: Anything = None) -> float:
    """Negative symmetric mean absolute percentage error, from -200 to 0.

    Parameters
    ----------
    estimator, X, y
        As in `neg_mae`.

    Returns
    -------
    float
        Minus the error in per cent; the mean over channels.

    Raises
    ------
    TypeError, ValueError
        As in `neg_mae`.

    Examples
    --------
    >>> from tsrnn import ARForecaster, neg_smape
    >>> forecaster = ARForecaster(lags=0, trend="n").fit([3.0, 5.0])
    >>> neg_smape(forecaster, [1.0, 7.0])
    -200.0
    """
    return -frame.smape(*_truth_and_forecast(estimator, X, y))


def neg_pinball(
    estimator: Anything, X: Anything, y: Anything = None, *, quantiles: Anything = (0.1, 0.5, 0.9)
) -> float:
    """Negative pinball loss of quantile forecasts, the mean over the quantiles.

    Twice this loss is close to the continuous ranked probability score, if the quantiles are many and equally spaced.
    For other quantiles pass ``functools.partial(neg_pinball, quantiles=[0.05, 0.95])``.

    Parameters
    ----------
    estimator : fitted forecaster
        A forecaster of this package, alone or as the last step of a `Pipeline`, or a search over one.
    X, y
        As in `neg_mae`.
    quantiles : float or list of float, default (0.1, 0.5, 0.9)
        Probabilities of the quantiles, ascending.

    Returns
    -------
    float
        Minus the loss, in the unit of the series; the mean over channels.

    Raises
    ------
    TypeError, ValueError
        If `X` does not follow the series, or `estimator` has no quantiles.

    Examples
    --------
    >>> from tsrnn import ARForecaster, neg_pinball
    >>> forecaster = ARForecaster(lags=0, trend="n").fit([3.0, 5.0])
    >>> round(neg_pinball(forecaster, [1.0, 7.0], quantiles=0.5), 6)
    -2.0
    """
    forecaster, X = _own_forecaster(estimator, X, "neg_pinball scores quantiles, which", "neg_mae")
    levels = np.atleast_1d(fractions("quantiles", quantiles))
    truth, forecast = forecaster._truth_and_forecast(X, y, lambda at: forecaster._finite_quantiles(at, levels))
    return -frame.pinball(truth, forecast, levels)


# ---------------------------------------------------------------- helpers
def _own_forecaster(estimator: Anything, X: Anything, why: str, other: str) -> tuple[Anything, Anything]:
    """The forecaster of this package within a search or a pipeline, and its inputs; raise for other estimators."""
    forecaster, X = _last_step(estimator, X)
    if not isinstance(forecaster, BaseForecaster):
        raise TypeError(f"{why} {type(forecaster).__name__} has not; use a forecaster of tsrnn, or {other}")
    return forecaster, X


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
