"""Naive2, the forecast that the M4 competition compared all others with, and OWA, its measure."""

from __future__ import annotations

import numpy as np

from ..checks import Anything
from ..frame.metrics import as_columns, check_steps, mase, read_values, seasonal_naive, smape

#: Quantile of the normal distribution for the test for a season, one-sided at 5 %.
_CRITICAL = 1.645


def naive2(y_train: Anything, horizon: int, season_length: int = 1) -> np.ndarray:
    """Forecast by the last value of the seasonally adjusted series, times the seasonal indices [1]_.

    The series is adjusted if it is positive, has at least three seasons, and its autocorrelation at lag m differs from
    0 by more than 1.645 standard errors (Bartlett's, from the autocorrelations at shorter lags). The indices come from
    a classical multiplicative decomposition: ratios to a centred moving average of m steps, averaged over the seasons,
    with the mean 1. Otherwise the forecast is the last value. This follows the code of the competition, which, unlike
    this function, also divides series that are not positive.

    Parameters
    ----------
    y_train : array-like of shape (n,) or (n, n_channels)
        The series, without missing values.
    horizon : int
        Number of steps to forecast.
    season_length : int, default=1
        Number of steps in a season, m.

    Returns
    -------
    ndarray of shape (horizon,) or (horizon, n_channels)
        The forecasts.

    Raises
    ------
    ValueError
        If a value is missing.

    References
    ----------
    .. [1] S. Makridakis, E. Spiliotis and V. Assimakopoulos, "The M4 Competition: 100,000 time series and 61
       forecasting methods", International Journal of Forecasting 36(1), 54-74, 2020,
       doi:10.1016/j.ijforecast.2019.04.014.

    Examples
    --------
    >>> naive2([1, 2, 4] * 6, horizon=4, season_length=3).round(9).tolist()
    [1.0, 2.0, 4.0, 1.0]
    """
    train = read_values(y_train, "y_train")
    steps, season = check_steps(horizon, "horizon"), check_steps(season_length, "season_length")
    if np.isnan(train).any():
        row = int(np.argwhere(np.isnan(train))[0, 0])
        raise ValueError(f"y_train is missing at position {row}: fill it, as by interpolation, before naive2")
    columns = [_naive2(column, steps, season) for column in as_columns(train).T]
    return np.stack(columns, axis=1).reshape(steps, *train.shape[1:])


def owa(
    y_true: Anything, y_pred: Anything, y_train: Anything, season_length: int = 1, *, y_naive2: Anything = None
) -> float:
    r"""Overall weighted average of the M4 competition [1]_: below 1 the forecast is better than `naive2`.

    .. math:: \frac{1}{2} \left( \frac{\text{sMAPE}}{\text{sMAPE of Naive2}} +
       \frac{\text{MASE}}{\text{MASE of Naive2}} \right)

    Parameters
    ----------
    y_true : array-like of shape (h,) or (h, n_channels)
        True values; NaN where missing.
    y_pred : array-like of the same shape
        Forecasts.
    y_train : array-like of shape (n,) or (n, n_channels)
        The training series, which ends right before `y_true` begins.
    season_length : int, default=1
        Number of steps in a season.
    y_naive2 : array-like of the shape of `y_true`, optional
        Forecasts to compare with; by default those of `naive2`.

    Returns
    -------
    float
        Of several channels, sMAPE and MASE are averaged over them before the ratios are taken, as in the competition.

    Raises
    ------
    ValueError
        If a training series has no scale, or the forecasts to compare with have no error.

    References
    ----------
    .. [1] S. Makridakis, E. Spiliotis and V. Assimakopoulos, "The M4 Competition: 100,000 time series and 61
       forecasting methods", International Journal of Forecasting 36(1), 54-74, 2020,
       doi:10.1016/j.ijforecast.2019.04.014.

    Examples
    --------
    >>> owa([5.0, 6.0], [4.5, 6.0], y_train=[1.0, 2.0, 4.0]) < 1
    True
    """
    if y_naive2 is None:
        y_naive2 = naive2(y_train, len(read_values(y_true, "y_true")), season_length)
    errors = [
        (smape(y_true, forecast), mase(y_true, forecast, y_train, season_length)) for forecast in (y_pred, y_naive2)
    ]
    return overall_average(*errors)


def overall_average(errors: tuple[float, float], of_naive2: tuple[float, float]) -> float:
    """Mean of the two ratios of sMAPE and MASE; raise if one of Naive2's is 0."""
    if 0 in of_naive2:
        raise ValueError(
            "Naive2 forecasts without error, so that nothing divides the errors of the forecasts: use smape and mase"
        )
    return float(np.mean(np.divide(errors, of_naive2)))


def _naive2(series: np.ndarray, horizon: int, season: int) -> np.ndarray:
    """Forecast one series (n,), (horizon,)."""
    if not (series > 0).all() or not _is_seasonal(series, season):
        return seasonal_naive(series, horizon)
    indices = _seasonal_indices(series, season)
    return series[-1] / indices[-1] * seasonal_naive(indices, horizon, season)


def _is_seasonal(series: np.ndarray, season: int) -> bool:
    """Whether the autocorrelation at the lag of a season is significant."""
    n = len(series)
    centred = series - series.mean()
    variance = float(centred @ centred)
    if season == 1 or n < 3 * season or variance == 0:
        return False
    correlations = np.array([centred[lag:] @ centred[:-lag] for lag in range(1, season + 1)]) / variance
    limit = _CRITICAL * np.sqrt((1 + 2 * (correlations[:-1] ** 2).sum()) / n)
    return bool(abs(correlations[-1]) > limit)


def _seasonal_indices(series: np.ndarray, season: int) -> np.ndarray:
    """Seasonal index of each value, (n,): its ratio to a centred moving average, the mean over the seasons."""
    weights = np.ones(season) if season % 2 else np.concatenate([[0.5], np.ones(season - 1), [0.5]])
    trend = np.convolve(series, weights / season, mode="valid")
    places = len(weights) // 2 + np.arange(len(trend))
    sums = np.bincount(places % season, series[places] / trend, season)
    indices = sums / np.bincount(places % season, minlength=season)
    return (indices / indices.mean())[np.arange(len(series)) % season]
