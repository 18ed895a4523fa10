"""Measures of the error of point forecasts, and the seasonal naive forecast as a baseline.

All are functions of arrays or tables: one series ``(n,)``, or several channels ``(n, n_channels)``, whose errors are
averaged. Values are matched by position; an index or a column of dates is ignored. Steps whose true value is missing
(NaN) are ignored, and so are channels without any true value; if nothing remains, the result is NaN. A missing
prediction of an observed value makes the result NaN.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..checks import Anything, choice
from .measures import percentage_error, seasonal_scale, symmetric_percentage_error
from .tables import read_table
from .target import read_numbers, refuse_dates


def mae(y_true: Anything, y_pred: Anything) -> float:
    r"""Mean absolute error: :math:`\frac{1}{h} \sum_t |y_t - \hat y_t|`.

    Parameters
    ----------
    y_true : array-like of shape (h,) or (h, n_channels)
        True values; NaN where missing.
    y_pred : array-like of the same shape
        Forecasts.

    Returns
    -------
    float
        The error, in the unit of the series; the mean over channels.

    Examples
    --------
    >>> mae([1.0, 2.0, float("nan")], [2.0, 4.0, 3.0])
    1.5
    """
    truth, prediction = read_pair(y_true, y_pred)
    return over_channels(over_steps(np.abs(truth - prediction), truth), truth)


def rmse(y_true: Anything, y_pred: Anything) -> float:
    r"""Root mean squared error: :math:`\sqrt{\frac{1}{h} \sum_t (y_t - \hat y_t)^2}`.

    Parameters
    ----------
    y_true : array-like of shape (h,) or (h, n_channels)
        True values; NaN where missing.
    y_pred : array-like of the same shape
        Forecasts.

    Returns
    -------
    float
        The error, in the unit of the series; the mean over channels, after the square root.

    Examples
    --------
    >>> rmse([0.0, 0.0], [1.0, 7.0])
    5.0
    """
    truth, prediction = read_pair(y_true, y_pred)
    return over_channels(np.sqrt(over_steps((truth - prediction) ** 2, truth)), truth)


def bias(y_true: Anything, y_pred: Anything) -> float:
    r"""Mean error: :math:`\frac{1}{h} \sum_t (\hat y_t - y_t)`, positive if the forecasts are too high.

    Parameters
    ----------
    y_true : array-like of shape (h,) or (h, n_channels)
        True values; NaN where missing.
    y_pred : array-like of the same shape
        Forecasts.

    Returns
    -------
    float
        The error, in the unit of the series; the mean over channels.

    Examples
    --------
    >>> bias([1.0, 2.0], [2.0, 5.0])
    2.0
    """
    truth, prediction = read_pair(y_true, y_pred)
    return over_channels(over_steps(prediction - truth, truth), truth)


def mape(y_true: Anything, y_pred: Anything) -> float:
    r"""Mean absolute percentage error: :math:`\frac{100}{h} \sum_t |y_t - \hat y_t| / |y_t|`.

    Parameters
    ----------
    y_true : array-like of shape (h,) or (h, n_channels)
        True values, none of which is 0; NaN where missing.
    y_pred : array-like of the same shape
        Forecasts.

    Returns
    -------
    float
        The error in per cent; the mean over channels.

    Raises
    ------
    ValueError
        If a true value is 0, of which there is no percentage.

    Examples
    --------
    >>> mape([2.0, 4.0], [1.0, 5.0])
    37.5
    """
    truth, prediction = read_pair(y_true, y_pred)
    if (truth == 0).any():
        row = int(np.argwhere(truth == 0)[0, 0])
        raise ValueError(
            f"y_true is 0 at position {row}, and there is no percentage of 0: use smape, or mase, for series with zeros"
        )
    return over_channels(over_steps(percentage_error(truth, prediction), truth), truth)


def mase(
    y_true: Anything, y_pred: Anything, y_train: Anything, season_length: int = 1, *, constant: str = "error"
) -> float:
    r"""Mean absolute scaled error of Hyndman and Koehler [1]_.

    .. math:: \frac{\frac{1}{h} \sum_t |y_t - \hat y_t|}{\frac{1}{n - m} \sum_{t=m+1}^{n} |y_t - y_{t-m}|}

    The denominator is the mean absolute error of the seasonal naive forecast, one season of :math:`m` steps ahead, on
    the training series; a result below 1 is better than that. Pairs with a missing value are ignored. For a series not
    longer than a season, :math:`m = 1` is used.

    Parameters
    ----------
    y_true : array-like of shape (h,) or (h, n_channels)
        True values; NaN where missing.
    y_pred : array-like of the same shape
        Forecasts.
    y_train : array-like of shape (n,) or (n, n_channels)
        The training series, which ends before `y_true` begins.
    season_length : int, default=1
        Number of steps in a season, :math:`m`.
    constant : {"error", "unscaled"}, default="error"
        What to do where the denominator is zero (a constant series) or has no pair: an error, or the denominator is 1
        and the result is the mean absolute error. `score` of a forecaster does the latter.

    Returns
    -------
    float
        The error, without unit; the mean over channels, each divided by its own denominator.

    Raises
    ------
    ValueError
        If a training series has no scale, unless ``constant="unscaled"``.

    References
    ----------
    .. [1] R. J. Hyndman and A. B. Koehler, "Another look at measures of forecast accuracy", International Journal of
       Forecasting 22(4), 679-688, 2006, doi:10.1016/j.ijforecast.2006.03.001.

    Examples
    --------
    >>> mase([5.0, 6.0], [4.0, 4.0], y_train=[1.0, 3.0, 1.0, 3.0])
    0.75
    """
    truth, prediction = read_pair(y_true, y_pred)
    scale = _read_scale(y_train, truth, season_length, 1, constant)
    return over_channels(over_steps(np.abs(truth - prediction), truth) / scale, truth)


def rmsse(
    y_true: Anything, y_pred: Anything, y_train: Anything, season_length: int = 1, *, constant: str = "error"
) -> float:
    r"""Root mean squared scaled error, the measure of the M5 competition [1]_ for :math:`m = 1`.

    .. math:: \sqrt{\frac{\frac{1}{h} \sum_t (y_t - \hat y_t)^2}{\frac{1}{n - m} \sum_{t=m+1}^{n} (y_t - y_{t-m})^2}}

    M5 left the zeros before the first sale out of the training series; pass a series that begins later to do so.

    Parameters
    ----------
    y_true : array-like of shape (h,) or (h, n_channels)
        True values; NaN where missing.
    y_pred : array-like of the same shape
        Forecasts.
    y_train : array-like of shape (n,) or (n, n_channels)
        The training series, which ends before `y_true` begins.
    season_length : int, default=1
        Number of steps in a season, :math:`m`; 1 for a series not longer than a season.
    constant : {"error", "unscaled"}, default="error"
        As in `mase`.

    Returns
    -------
    float
        The error, without unit; the mean over channels, after the square root.

    Raises
    ------
    ValueError
        If a training series has no scale, unless ``constant="unscaled"``.

    References
    ----------
    .. [1] S. Makridakis, E. Spiliotis and V. Assimakopoulos, "M5 accuracy competition: Results, findings, and
       conclusions", International Journal of Forecasting 38(4), 1346-1364, 2022, doi:10.1016/j.ijforecast.2021.11.013.

    Examples
    --------
    >>> rmsse([5.0, 6.0], [5.0, 2.0], y_train=[1.0, 3.0, 1.0, 3.0], season_length=1) ** 2
    2.0000000000000004
    """
    truth, prediction = read_pair(y_true, y_pred)
    scale = _read_scale(y_train, truth, season_length, 2, constant)
    return over_channels(np.sqrt(over_steps((truth - prediction) ** 2, truth) / scale), truth)


def smape(y_true: Anything, y_pred: Anything) -> float:
    r"""Symmetric mean absolute percentage error, from 0 to 200 (Makridakis [1]_).

    .. math:: \frac{1}{h} \sum_t \frac{200 \, |y_t - \hat y_t|}{|y_t| + |\hat y_t|}

    With absolute values in the denominator, the result stays between 0 and 200 also for series that change sign. A step
    where both values are zero counts as 0.

    Parameters
    ----------
    y_true : array-like of shape (h,) or (h, n_channels)
        True values; NaN where missing.
    y_pred : array-like of the same shape
        Forecasts.

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
    truth, prediction = read_pair(y_true, y_pred)
    return over_channels(over_steps(symmetric_percentage_error(truth, prediction), truth), truth)


def seasonal_naive(y_train: Anything, horizon: int, season_length: int = 1) -> np.ndarray:
    """Forecast `horizon` steps by repeating the last season.

    Parameters
    ----------
    y_train : array-like of shape (n,) or (n, n_channels)
        The series; missing values of its last season give missing forecasts.
    horizon : int
        Number of steps to forecast.
    season_length : int, default=1
        Number of steps in a season; 1 repeats the last value. For a series shorter than a season, 1 is used.

    Returns
    -------
    ndarray of shape (horizon,) or (horizon, n_channels)
        The forecasts.

    Examples
    --------
    >>> seasonal_naive([9, 1, 2, 3], horizon=5, season_length=3).tolist()
    [1.0, 2.0, 3.0, 1.0, 2.0]
    """
    train = read_values(y_train, "y_train")
    season = check_steps(season_length, "season_length")
    season = season if season <= len(train) else 1
    steps = np.arange(check_steps(horizon, "horizon")) % season
    return train[len(train) - season :][steps]


# ---- helpers ---------------------------------------------------------------------------------------------------------


def read_values(values: Anything, name: str) -> np.ndarray:
    """Return a float64 array of shape (n,) or (n, n_channels), without the labels of a table."""
    table = read_table(values, name)
    if isinstance(table.data, pd.Series | pd.DataFrame):
        array = read_numbers(table, name).reshape(table.data.shape)
    else:
        refuse_dates(table, name)
        array = np.asarray(table.data, dtype=np.float64)
    if array.ndim not in (1, 2) or array.size == 0:
        raise ValueError(
            f"{name} has shape {array.shape}: it needs shape (n,) or (n, n_channels), and at least one value"
        )
    return array


def read_pair(
    y_true: Anything, y_pred: Anything, names: tuple[str, str] = ("y_true", "y_pred")
) -> tuple[np.ndarray, np.ndarray]:
    """Return two arguments, such as true values and predictions, as arrays of the same shape."""
    truth, prediction = read_values(y_true, names[0]), read_values(y_pred, names[1])
    if truth.shape != prediction.shape:
        raise ValueError(
            f"{names[0]} has shape {truth.shape}, but {names[1]} has {prediction.shape}: they must be equal"
        )
    return truth, prediction


def _read_scale(y_train: Anything, truth: np.ndarray, season_length: Anything, power: int, constant: str) -> np.ndarray:
    """Return the scale of each channel, (n_channels,); raise where there is none, or replace it by 1."""
    choice("constant", constant, ("error", "unscaled"))
    train = read_values(y_train, "y_train")
    if train.shape[1:] != truth.shape[1:]:
        raise ValueError(f"y_train has shape {train.shape}, but y_true has {truth.shape}: pass the same channels")
    season = check_steps(season_length, "season_length")
    scale = seasonal_scale(as_columns(train), season, power)
    bad = np.isnan(scale) | (scale == 0)
    if constant == "unscaled":
        return np.where(bad, 1.0, scale)
    bad &= ~np.isnan(as_columns(truth)).all(axis=0)
    if bad.any():
        channel = int(np.argmax(bad))
        column = "y_train" if train.ndim == 1 else f"y_train[:, {channel}]"
        raise ValueError(f"{column} {no_scale(float(scale[channel]), season, len(train))}")
    return scale


def no_scale(scale: float, season_length: int, n: int) -> str:
    """Return why a training series of n rows has no scale, which is 0 or NaN, and what to do instead."""
    lag = season_length if season_length < n else 1
    apart = f"{lag} {'step' if lag == 1 else 'steps'} apart"
    why = f"has no two observed values {apart}" if np.isnan(scale) else f"does not change between values {apart}"
    return f"{why}, so that there is no scale to divide by: use mae or rmse for it, or leave it out"


def check_steps(steps: Anything, name: str) -> int:
    """Check that a number of steps is an integer of at least 1."""
    if isinstance(steps, bool) or not isinstance(steps, int | np.integer) or steps < 1:
        raise ValueError(f"{name} is {steps!r}: it must be an integer of at least 1")
    return int(steps)


def as_columns(array: np.ndarray) -> np.ndarray:
    """Return an array of shape (n,) or (n, n_channels) as (n, n_channels)."""
    return array[:, None] if array.ndim == 1 else array


def over_steps(terms: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return the mean of each channel over the steps where `truth` is observed, (n_channels,); 0 if none is."""
    observed = ~np.isnan(as_columns(truth))
    means: np.ndarray = np.where(observed, as_columns(terms), 0.0).sum(axis=0) / np.maximum(observed.sum(axis=0), 1)
    return means


def over_channels(errors: np.ndarray, truth: np.ndarray) -> float:
    """Return the mean over the channels in which `truth` has a value; NaN if none has."""
    observed = ~np.isnan(as_columns(truth)).all(axis=0)
    return float(errors[observed].mean()) if observed.any() else float("nan")
