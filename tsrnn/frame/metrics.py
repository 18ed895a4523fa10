"""Measures of forecast error, and the seasonal naive forecast that they are held against.

All are plain functions of arrays or tables: one series ``(n,)``, or several ``(n, n_channels)``, of which each is
measured by itself and the mean is returned. Values are paired by position, whatever index or column of dates they
carry. Steps whose true value is missing (NaN) are left out, and so is a series without any true value; with none left
the result is NaN. A missing prediction of an observed value makes the result NaN.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from .tables import read_table
from .target import read_numbers, refuse_dates


def mae(y_true: Any, y_pred: Any) -> float:
    r"""Mean absolute error: :math:`\frac{1}{h} \sum_t |y_t - \hat y_t|`.

    Parameters
    ----------
    y_true : array-like of shape (h,) or (h, n_channels)
        What came; NaN where missing.
    y_pred : array-like of the same shape
        What was predicted.

    Returns
    -------
    float
        The error, in the unit of the series; the mean over channels.

    Examples
    --------
    >>> mae([1.0, 2.0, float("nan")], [2.0, 4.0, 3.0])
    1.5
    """
    truth, prediction = _pair(y_true, y_pred)
    return _over_channels(_over_steps(np.abs(truth - prediction), truth), truth)


def rmse(y_true: Any, y_pred: Any) -> float:
    r"""Root mean squared error: :math:`\sqrt{\frac{1}{h} \sum_t (y_t - \hat y_t)^2}`.

    Parameters
    ----------
    y_true : array-like of shape (h,) or (h, n_channels)
        What came; NaN where missing.
    y_pred : array-like of the same shape
        What was predicted.

    Returns
    -------
    float
        The error, in the unit of the series; the mean of the channels' roots.

    Examples
    --------
    >>> rmse([0.0, 0.0], [1.0, 7.0])
    5.0
    """
    truth, prediction = _pair(y_true, y_pred)
    return _over_channels(np.sqrt(_over_steps((truth - prediction) ** 2, truth)), truth)


def mase(y_true: Any, y_pred: Any, y_train: Any, season_length: int = 1) -> float:
    r"""Mean absolute scaled error of Hyndman and Koehler [1]_.

    .. math:: \frac{\frac{1}{h} \sum_t |y_t - \hat y_t|}{\frac{1}{n - m} \sum_{t=m+1}^{n} |y_t - y_{t-m}|}

    The scale below the line is the error of the seasonal naive forecast, one step of season :math:`m` ahead, on the
    training series: a value below 1 beats it. Pairs with a missing value are left out of it. A series not longer than
    a season takes :math:`m = 1`; a scale of zero (a constant series), or one without any pair, counts as 1, so that
    the result is the plain absolute error.

    Parameters
    ----------
    y_true : array-like of shape (h,) or (h, n_channels)
        What came; NaN where missing.
    y_pred : array-like of the same shape
        What was predicted.
    y_train : array-like of shape (n,) or (n, n_channels)
        The training series, which ends before `y_true` begins.
    season_length : int, default=1
        The steps in a season, :math:`m`.

    Returns
    -------
    float
        The error, without unit; each channel by its own scale, then the mean over channels.

    References
    ----------
    .. [1] R. J. Hyndman and A. B. Koehler, "Another look at measures of forecast accuracy", International Journal of
       Forecasting 22(4), 679-688, 2006, doi:10.1016/j.ijforecast.2006.03.001.

    Examples
    --------
    >>> mase([5.0, 6.0], [4.0, 4.0], y_train=[1.0, 3.0, 1.0, 3.0])
    0.75
    """
    truth, prediction = _pair(y_true, y_pred)
    train = _table(y_train, "y_train")
    if train.shape[1:] != truth.shape[1:]:
        raise ValueError(f"y_train has shape {train.shape}, but y_true has {truth.shape}: channels differ")
    lag = _whole(season_length, "season_length")
    lag = lag if lag < len(train) else 1
    differences = np.abs(train[lag:] - train[:-lag])
    scale = _over_steps(differences, differences)
    scale[scale == 0] = 1.0
    return _over_channels(_over_steps(np.abs(truth - prediction), truth) / scale, truth)


def smape(y_true: Any, y_pred: Any) -> float:
    r"""Symmetric mean absolute percentage error, from 0 to 200 (Makridakis [1]_).

    .. math:: \frac{1}{h} \sum_t \frac{200 \, |y_t - \hat y_t|}{|y_t| + |\hat y_t|}

    The absolute values below the line keep it within 0 and 200 for series that change sign. A step where both values
    are zero counts as 0.

    Parameters
    ----------
    y_true : array-like of shape (h,) or (h, n_channels)
        What came; NaN where missing.
    y_pred : array-like of the same shape
        What was predicted.

    Returns
    -------
    float
        The error in per cent; the mean over channels.

    References
    ----------
    .. [1] S. Makridakis, "Accuracy measures: theoretical and practical concerns", International Journal of Forecasting
       9(4), 527-529, 1993, doi:10.1016/0169-2070(93)90079-3.

    Examples
    --------
    >>> smape([1.0, 0.0], [3.0, 0.0])
    50.0
    """
    truth, prediction = _pair(y_true, y_pred)
    size = np.abs(truth) + np.abs(prediction)
    terms = 200 * np.abs(truth - prediction) / np.where(size == 0, 1.0, size)
    return _over_channels(_over_steps(terms, truth), truth)


def seasonal_naive(y_train: Any, horizon: int, season_length: int = 1) -> np.ndarray:
    """Repeat the last season.

    Parameters
    ----------
    y_train : array-like of shape (n,) or (n, n_channels)
        The series so far; missing values of its last season are repeated as missing.
    horizon : int
        How many steps to forecast.
    season_length : int, default=1
        The steps in a season; 1 repeats the last value. A series shorter than a season takes 1.

    Returns
    -------
    ndarray of shape (horizon,) or (horizon, n_channels)
        The forecasts.

    Examples
    --------
    >>> seasonal_naive([9, 1, 2, 3], horizon=5, season_length=3).tolist()
    [1.0, 2.0, 3.0, 1.0, 2.0]
    """
    train = _table(y_train, "y_train")
    season = _whole(season_length, "season_length")
    season = season if season <= len(train) else 1
    steps = np.arange(_whole(horizon, "horizon")) % season
    return train[len(train) - season :][steps]


# ---- helpers ---------------------------------------------------------------------------------------------------------


def _table(values: Any, name: str) -> np.ndarray:
    """Return an array of shape (n,) or (n, n_channels), without the dates of a table."""
    table = read_table(values, name)
    if isinstance(table.data, pd.Series | pd.DataFrame):
        array = read_numbers(table, name).reshape(table.data.shape)
    else:
        refuse_dates(table, name)
        array = np.asarray(table.data, dtype=np.float64)
    if array.ndim not in (1, 2) or array.size == 0:
        raise ValueError(f"{name} has shape {array.shape}: it needs shape (n,) or (n, n_channels), and a value in it")
    return array


def _pair(y_true: Any, y_pred: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return truth and prediction as arrays of the same shape."""
    truth, prediction = _table(y_true, "y_true"), _table(y_pred, "y_pred")
    if truth.shape != prediction.shape:
        raise ValueError(f"y_true has shape {truth.shape}, but y_pred has {prediction.shape}: they must be equal")
    return truth, prediction


def _whole(steps: Any, name: str) -> int:
    """Return a count of steps that is a whole number of at least 1."""
    if isinstance(steps, bool) or not isinstance(steps, int | np.integer) or steps < 1:
        raise ValueError(f"{name} is {steps!r}: it must be a whole number of at least 1")
    return int(steps)


def _columns(array: np.ndarray) -> np.ndarray:
    return array[:, None] if array.ndim == 1 else array


def _over_steps(terms: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return each channel's mean over the steps where `truth` is observed; 0 where none is."""
    seen = ~np.isnan(_columns(truth))
    means: np.ndarray = np.where(seen, _columns(terms), 0.0).sum(axis=0) / np.maximum(seen.sum(axis=0), 1)
    return means


def _over_channels(errors: np.ndarray, truth: np.ndarray) -> float:
    """Return the mean over the channels in which `truth` has a value; NaN where none has."""
    seen = ~np.isnan(_columns(truth)).all(axis=0)
    return float(errors[seen].mean()) if seen.any() else float("nan")
