"""Measures of quantiles, intervals and samples, which judge a predictive distribution.

True values have shape (h,) or (h, n_channels), as in `metrics`; quantiles and samples have one more axis, their last.
The tables that `predict_quantiles` and `sample` return are accepted as well. Steps whose true value is missing (NaN)
are ignored; if nothing remains, the result is NaN. A missing forecast of an observed value makes the result NaN.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ..checks import Anything, flag, fractions, shown
from .measures import crps_of_samples, interval_loss, is_inside, pinball_loss
from .metrics import over_channels, over_steps, read_pair, read_values
from .tables import read_table
from .target import read_numbers, refuse_dates


def pinball(y_true: Anything, y_pred: Anything, quantiles: Anything) -> float:
    r"""Pinball loss of quantiles [1]_, the mean over steps and quantiles.

    .. math:: \rho_\tau(y, q) = \max(\tau (y - q), (\tau - 1) (y - q))

    Parameters
    ----------
    y_true : array-like of shape (h,) or (h, n_channels)
        True values; NaN where missing.
    y_pred : array-like of shape (h, n_quantiles) or (h, n_channels, n_quantiles)
        Forecasts of the quantiles; for a single number in `quantiles`, of the shape of `y_true`.
    quantiles : float or list of float
        Their probabilities, ascending.

    Returns
    -------
    float
        The loss, in the unit of the series; the mean over channels. For the median it is half the `mae`.

    References
    ----------
    .. [1] R. Koenker and G. Bassett, "Regression quantiles", Econometrica 46(1), 33-50, 1978, doi:10.2307/1913643.

    Examples
    --------
    >>> pinball([5.0, 5.0], [4.0, 7.0], quantiles=0.5)
    0.75
    >>> pinball([5.0], [[4.0, 7.0]], quantiles=[0.25, 0.75])
    0.375
    """
    truth, terms = _pinball_terms(y_true, y_pred, quantiles)
    return over_channels(over_steps(terms.mean(axis=-1), truth), truth)


def weighted_quantile_loss(y_true: Anything, y_pred: Anything, quantiles: Anything) -> float:
    r"""Sum of twice the pinball losses, divided by the sum of the absolute true values [1]_.

    .. math:: \frac{2 \sum_t \rho_\tau(y_t, \hat q_t)}{\sum_t |y_t|}, \text{ the mean over } \tau

    Parameters
    ----------
    y_true, y_pred, quantiles
        As in `pinball`.

    Returns
    -------
    float
        The loss, without unit. Both sums are over the steps of all channels, so that large series weigh more.

    Raises
    ------
    ValueError
        If all true values are 0.

    References
    ----------
    .. [1] D. Salinas, V. Flunkert, J. Gasthaus and T. Januschowski, "DeepAR: Probabilistic forecasting with
       autoregressive recurrent networks", International Journal of Forecasting 36(3), 1181-1191, 2020,
       doi:10.1016/j.ijforecast.2019.07.001.

    Examples
    --------
    >>> weighted_quantile_loss([5.0, 5.0], [4.0, 7.0], quantiles=0.5)
    0.3
    """
    truth, terms = _pinball_terms(y_true, y_pred, quantiles)
    observed = ~np.isnan(truth)
    if not observed.any():
        return float("nan")
    size = np.abs(truth[observed]).sum()
    if size == 0:
        raise ValueError("all observed values of y_true are 0, so that nothing divides their loss: use pinball")
    return float(2 * terms.mean(axis=-1)[observed].sum() / size)


def crps_from_quantiles(y_true: Anything, y_pred: Anything, quantiles: Anything) -> float:
    r"""Continuous ranked probability score from quantiles: twice their mean pinball loss.

    The score is :math:`2 \int_0^1 \rho_\tau(y, q_\tau) \, d\tau` (Gneiting and Ranjan [1]_, eq. 8), and this is its
    mean over the given quantiles. It comes close for many equally spaced ones, :math:`\tau_i = (2 i - 1) / 2 n`; others
    weigh those parts of the distribution more where they are dense. For the median alone it is the `mae`.

    Parameters
    ----------
    y_true, y_pred, quantiles
        As in `pinball`.

    Returns
    -------
    float
        The score, in the unit of the series; the mean over channels. Smaller is better.

    References
    ----------
    .. [1] T. Gneiting and R. Ranjan, "Comparing density forecasts using threshold- and quantile-weighted scoring
       rules", Journal of Business & Economic Statistics 29(3), 411-422, 2011, doi:10.1198/jbes.2010.08110.

    Examples
    --------
    >>> crps_from_quantiles([5.0], [[4.0, 7.0]], quantiles=[0.25, 0.75])
    0.75
    """
    return 2 * pinball(y_true, y_pred, quantiles)


def crps_from_samples(y_true: Anything, samples: Anything, fair: bool = True) -> float:
    r"""Continuous ranked probability score from samples [1]_, fair or not [2]_.

    .. math:: \frac{1}{m} \sum_i |x_i - y| - \frac{1}{2 m d} \sum_{i,j} |x_i - x_j|

    With :math:`d = m - 1` the score is fair: its expectation is the score of the distribution that the samples were
    drawn from, whatever their number, and it may be negative. With :math:`d = m` it is the score of the empirical
    distribution of the samples, never negative, which is larger the fewer they are.

    Parameters
    ----------
    y_true : array-like of shape (h,) or (h, n_channels)
        True values; NaN where missing.
    samples : array-like of shape (h, m) or (h, n_channels, m)
        Samples of each step.
    fair : bool, default=True
        Whether the score is fair, which needs at least two samples.

    Returns
    -------
    float
        The score, in the unit of the series; the mean over steps and channels. Smaller is better.

    References
    ----------
    .. [1] T. Gneiting and A. E. Raftery, "Strictly proper scoring rules, prediction, and estimation", Journal of the
       American Statistical Association 102(477), 359-378, 2007, doi:10.1198/016214506000001437.
    .. [2] C. A. T. Ferro, "Fair scores for ensemble forecasts", Quarterly Journal of the Royal Meteorological Society
       140(683), 1917-1923, 2014, doi:10.1002/qj.2270.

    Examples
    --------
    >>> crps_from_samples([2.0], [[1.0, 3.0]]), crps_from_samples([2.0], [[1.0, 3.0]], fair=False)
    (0.0, 0.5)
    """
    truth = read_values(y_true, "y_true")
    draws = _read_stack(samples, "samples", truth)
    if flag("fair", fair) and draws.shape[-1] < 2:
        raise ValueError("samples has one sample for each step, but the fair score needs two: pass more, or fair=False")
    return over_channels(over_steps(crps_of_samples(truth, draws, is_fair=fair), truth), truth)


def coverage(y_true: Anything, lower: Anything, upper: Anything) -> float:
    """Fraction of the true values that lie within their interval, or on one of its bounds.

    Parameters
    ----------
    y_true : array-like of shape (h,) or (h, n_channels)
        True values; NaN where missing.
    lower, upper : array-like of the same shape
        Bounds of the intervals.

    Returns
    -------
    float
        The fraction; the mean over channels.

    Raises
    ------
    ValueError
        If a lower bound is above the upper one.

    Examples
    --------
    >>> coverage([1.0, 2.0, 3.0, 4.0], [0.0, 0.0, 0.0, 0.0], [3.0, 3.0, 3.0, 3.0])
    0.75
    """
    truth, low, high = _read_interval(y_true, lower, upper)
    return over_channels(over_steps(is_inside(truth, low, high), truth), truth)


def mean_width(lower: Anything, upper: Anything) -> float:
    """Mean width of intervals; of two methods with the same coverage, the one with narrower intervals is better.

    Parameters
    ----------
    lower, upper : array-like of shape (h,) or (h, n_channels)
        Bounds of the intervals.

    Returns
    -------
    float
        The width, in the unit of the series; the mean over channels.

    Raises
    ------
    ValueError
        If a lower bound is above the upper one.

    Examples
    --------
    >>> mean_width([0.0, 1.0], [3.0, 2.0])
    2.0
    """
    low, high = read_pair(lower, upper, ("lower", "upper"))
    _refuse_crossed(low, high)
    return float((high - low).mean())


def interval_score(y_true: Anything, lower: Anything, upper: Anything, coverage: float) -> float:
    r"""Interval score of central intervals, or Winkler score [1]_ [2]_.

    .. math:: u - l + \frac{2}{1 - c} \left( \max(l - y, 0) + \max(y - u, 0) \right)

    Its expectation is smallest for the interval between the quantiles :math:`(1 - c) / 2` and :math:`(1 + c) / 2`.

    Parameters
    ----------
    y_true : array-like of shape (h,) or (h, n_channels)
        True values; NaN where missing.
    lower, upper : array-like of the same shape
        Bounds of the intervals.
    coverage : float
        Nominal coverage :math:`c` of the intervals.

    Returns
    -------
    float
        The mean over the steps, in the unit of the series; the mean over channels. Smaller is better.

    Raises
    ------
    ValueError
        If a lower bound is above the upper one.

    References
    ----------
    .. [1] R. L. Winkler, "A decision-theoretic approach to interval estimation", Journal of the American Statistical
       Association 67(337), 187-191, 1972, doi:10.1080/01621459.1972.10481224.
    .. [2] T. Gneiting and A. E. Raftery, "Strictly proper scoring rules, prediction, and estimation", Journal of the
       American Statistical Association 102(477), 359-378, 2007, doi:10.1198/016214506000001437.

    Examples
    --------
    >>> interval_score([5.0, 1.0], [4.0, 2.0], [6.0, 6.0], coverage=0.5)
    5.0
    """
    level = fractions("coverage", coverage)
    if level.ndim:
        raise TypeError(f"coverage={shown(coverage)} is a list, but the bounds are those of one: pass one number")
    truth, low, high = _read_interval(y_true, lower, upper)
    return over_channels(over_steps(interval_loss(truth, low, high, float(level)), truth), truth)


def pit(y_true: Anything, samples: Anything, random_state: Any = None) -> np.ndarray:
    r"""Probability integral transform of true values by samples, randomised.

    .. math:: u = \frac{\#\{x_i < y\} + v \, (\#\{x_i = y\} + 1)}{m + 1}, \quad v \sim U(0, 1)

    If the true value and the :math:`m` samples are drawn from one distribution, :math:`u` is uniform on [0, 1],
    exactly, for continuous values and for counts. The random number :math:`v` divides ties with the samples, as is
    needed for counts [1]_, and the step between neighbouring samples. A histogram of the values shows what is wrong
    with a forecast: a hump in the middle is too wide a distribution, a U too narrow a one, a slope a bias.

    Parameters
    ----------
    y_true : array-like of shape (h,) or (h, n_channels)
        True values; NaN where missing.
    samples : array-like of shape (h, m) or (h, n_channels, m)
        Samples of each step.
    random_state : int, numpy.random.Generator or None, default=None
        Seed of :math:`v`; an int repeats it.

    Returns
    -------
    ndarray of the shape of `y_true`
        The transforms; NaN where the true value or a sample is missing.

    References
    ----------
    .. [1] C. Czado, T. Gneiting and L. Held, "Predictive model assessment for count data", Biometrics 65(4), 1254-1261,
       2009, doi:10.1111/j.1541-0420.2009.01191.x.

    Examples
    --------
    >>> u = pit([2.0, 9.0], [[1.0, 3.0, 4.0], [1.0, 2.0, 2.0]], random_state=0)
    >>> bool(0.25 <= u[0] <= 0.5), bool(u[1] >= 0.75)
    (True, True)
    """
    truth = read_values(y_true, "y_true")
    draws = _read_stack(samples, "samples", truth)
    v = np.random.default_rng(random_state).random(truth.shape)
    below = (draws < truth[..., None]).sum(axis=-1)
    equal = (draws == truth[..., None]).sum(axis=-1)
    u = (below + v * (equal + 1)) / (draws.shape[-1] + 1)
    return np.where(np.isnan(truth) | np.isnan(draws).any(axis=-1), np.nan, u)


# ---- helpers ---------------------------------------------------------------------------------------------------------


def _pinball_terms(y_true: Anything, y_pred: Anything, quantiles: Anything) -> tuple[np.ndarray, np.ndarray]:
    """Return true values (h, ...) and the losses of the quantiles (h, ..., n_quantiles)."""
    levels = fractions("quantiles", quantiles)
    truth = read_values(y_true, "y_true")
    if levels.ndim == 0:
        prediction = read_pair(truth, y_pred)[1][..., None]
    else:
        prediction = _read_stack(y_pred, "y_pred", truth, len(levels))
    return truth, pinball_loss(truth[..., None], prediction, levels)


def _read_stack(values: Anything, name: str, truth: np.ndarray, n: int | None = None) -> np.ndarray:
    """Return quantiles or samples as an array of the shape of `truth` and a last axis, of length `n` if it is given."""
    table = read_table(values, name)
    if isinstance(table.data, pd.Series | pd.DataFrame):
        array = read_numbers(table, name).reshape(table.data.shape)
        if truth.ndim == 2 and array.shape[1] % truth.shape[1] == 0:  # the columns of the first channel come first
            array = array.reshape(len(array), truth.shape[1], -1)
    else:
        refuse_dates(table, name)
        array = np.asarray(table.data, dtype=np.float64)
    last = "m" if n is None else n
    wanted = f"({', '.join(map(str, truth.shape))}, {last})"
    fits = array.ndim == truth.ndim + 1 and array.shape[:-1] == truth.shape and array.size > 0
    if not fits or (n is not None and array.shape[-1] != n):
        raise ValueError(
            f"{name} has shape {array.shape}, but y_true has {truth.shape}: {name} needs the shape {wanted}"
        )
    return array


def _read_interval(y_true: Anything, lower: Anything, upper: Anything) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return true values and both bounds as arrays of one shape."""
    truth, low = read_pair(y_true, lower, ("y_true", "lower"))
    high = read_pair(y_true, upper, ("y_true", "upper"))[1]
    _refuse_crossed(low, high)
    return truth, low, high


def _refuse_crossed(low: np.ndarray, high: np.ndarray) -> None:
    """Raise if a lower bound is above the upper one."""
    crossed = np.argwhere(low > high)
    if len(crossed):
        place = tuple(crossed[0])
        raise ValueError(
            f"lower is {low[place]:g} but upper is {high[place]:g} at position {place[0]}: swap the arguments, or sort "
            "the bounds of each step"
        )
