"""Labels after the last one, and forecasts in the form of the target.

Every index here is a regular grid as `read_target` makes it: a `pandas.DatetimeIndex` with a frequency, a
`pandas.PeriodIndex` or a `pandas.RangeIndex`. In a time zone, days and longer steps follow the wall clock, also where
it is changed: see `clock`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from .clock import clock_range, on_clock, pinned, without_freq
from .index import Grid, shown
from .target import Target

#: A forecast has no more steps: each takes its turn, and their labels and values are held in memory.
MOST_STEPS = 10_000_000


def future_index(index: Grid, h: int) -> Grid:
    """Return the `h` labels after the last one of `index`.

    Parameters
    ----------
    index : pandas.DatetimeIndex, pandas.PeriodIndex or pandas.RangeIndex
        The labels so far; a DatetimeIndex has a frequency.
    h : int
        How many labels, 0 or more.

    Returns
    -------
    pandas.Index
        Of the same kind, with the same time zone and name. It has the same frequency, unless a change of the clock
        moves one of its labels, where pandas accepts none.

    Raises
    ------
    ValueError
        If there are more than 10 million, or if they pass the last date, period or integer that there is.

    Examples
    --------
    >>> months = pd.date_range("2024-01-31", periods=2, freq="ME", name="month")
    >>> future = future_index(months, 2)
    >>> [str(label.date()) for label in future], future.freqstr, future.name
    (['2024-03-31', '2024-04-30'], 'ME', 'month')
    """
    if h > MOST_STEPS:
        gigabytes = 2 * 8 * h / 1e9  # a label and a value
        raise ValueError(
            f"a forecast of {h:,} steps of {step_shown(index)} after {shown(index[-1])} would take {gigabytes:,.1f} GB "
            f"for the labels and values of each series, and the steps are made one by one; ask for {MOST_STEPS:,} "
            "steps or fewer, or fit to a series with longer steps"
        )
    return later_labels(index, h)


def later_labels(index: Grid, h: int) -> Grid:
    """Return what `future_index` does, of any number of labels."""
    last: Any = index[-1]
    if isinstance(index, pd.RangeIndex):
        step = index.step
        if last + step * (h + 1) > np.iinfo(np.int64).max:
            raise ValueError(_no_such_labels(index, h))
        return pd.RangeIndex(last + step, last + step * (h + 1), step, name=index.name)
    try:
        labels: Any = _later(index, h)
    except (OverflowError, ValueError) as error:  # pandas says no more than that a number is too large
        raise ValueError(_no_such_labels(index, h)) from error
    if h > 0 and (labels.hasnans or labels[-1] <= last or labels[-1].year < last.year):  # periods turn over
        raise ValueError(_no_such_labels(index, h))
    return labels


def _later(index: Any, h: int) -> Any:
    """Return the `h` dates or periods after the last one of `index`."""
    last = index[-1]
    if isinstance(index, pd.PeriodIndex):
        return pd.period_range(last + index.freq, periods=h, freq=index.freq, name=index.name)
    if on_clock(index, index.freq):
        return clock_range(index, index.freq, h)
    return pd.date_range(start=last, periods=h + 1, freq=index.freq, name=index.name, unit=index.unit)[1:]


def extended(index: Grid, n: int) -> Grid:
    """Append the `n` labels that follow, and keep the frequency.

    Examples
    --------
    >>> extended(pd.RangeIndex(3), 2)
    RangeIndex(start=0, stop=5, step=1)
    """
    later: Any = later_labels(index, n)
    if not isinstance(index, pd.DatetimeIndex):
        longer: Any = index.append(later)
        return longer
    return pinned(without_freq(index).append(later), index.freq)


def wrap(values: np.ndarray, target_like: Target, index: pd.Index) -> pd.Series | pd.DataFrame | np.ndarray:
    """Give forecasts the form that the target had.

    Parameters
    ----------
    values : ndarray of shape (h, n_channels)
        The forecasts.
    target_like : Target
        The target: its kind, name and columns are taken.
    index : pandas.Index of length h
        The labels of the forecasts; arrays go without.

    Returns
    -------
    Series, DataFrame or ndarray
        A Series for a Series, a frame for a frame, a 1-D or 2-D array for an array of that shape.

    Examples
    --------
    >>> from tsrnn.frame import read_target
    >>> target = read_target(pd.Series([1.0, 2.0], name="sales"))
    >>> wrap(np.array([[3.0]]), target, future_index(target.index, 1))
    2    3.0
    Name: sales, dtype: float64
    """
    if target_like.kind == "series":
        return pd.Series(values[:, 0], index=index, name=target_like.series_name)
    if target_like.kind == "frame":
        return pd.DataFrame(values, index=index, columns=target_like.columns)
    return values[:, 0].copy() if target_like.kind == "array1d" else values


def wrap_table(
    values: np.ndarray, target_like: Target, index: pd.Index, columns: pd.Index
) -> pd.DataFrame | np.ndarray:
    """Give a table of `index` by `columns` these labels, unless the target was an array."""
    return values if target_like.kind.startswith("array") else pd.DataFrame(values, index=index, columns=columns)


def wrap_many(
    values: np.ndarray, target_like: Target, index: pd.Index, labels: Mapping[str, Any]
) -> pd.Series | pd.DataFrame | np.ndarray:
    """Give several numbers for each forecast the form that the target had: quantiles, bounds, paths.

    Parameters
    ----------
    values : ndarray of shape (h, n_channels, ...)
        With an axis for each of the `labels` that is a list.
    target_like : Target
        The target: its kind, name and columns are taken.
    index : pandas.Index of length h
        The labels of the forecasts; arrays go without.
    labels : mapping of str to list or number
        What each further axis holds, by name; a single number has no axis.

    Returns
    -------
    Series, DataFrame or ndarray
        For a Series or a frame the further axes are columns, or levels of columns; below those of a frame.

    Examples
    --------
    >>> from tsrnn.frame import read_target
    >>> target = read_target(pd.Series([1.0, 2.0]))
    >>> bounds = np.array([[[3.0, 5.0]]])
    >>> wrap_many(bounds, target, future_index(target.index, 1), {"coverage": 0.9, "bound": ["lower", "upper"]})
    bound  lower  upper
    2        3.0    5.0
    """
    axes = {name: list(label) for name, label in labels.items() if np.ndim(label) > 0}
    if not axes:
        return wrap(values, target_like, index)
    if target_like.kind.startswith("array"):
        return values[:, 0].copy() if target_like.kind == "array1d" else values
    if target_like.columns is not None:
        name = target_like.columns.name
        axes = {"series" if name is None else str(name): list(target_like.columns), **axes}
    names, labels_of = list(axes), list(axes.values())
    columns: Any = pd.Index(labels_of[0], name=names[0])
    if len(axes) > 1:
        columns = pd.MultiIndex.from_product(labels_of, names=names)
    return pd.DataFrame(values.reshape(len(values), -1), index=index, columns=columns)


# ---- helpers ---------------------------------------------------------------------------------------------------------


def _no_such_labels(index: Any, h: int) -> str:
    """The message for labels past the last one that there is, with a mend that was tried."""
    what = f"the last of {h:,} steps of {step_shown(index)} after {shown(index[-1])}"
    if isinstance(index, pd.DatetimeIndex):
        for unit in ("us", "ms", "s"):
            if _reaches(index, unit, h):
                end = "2262-04-11, where dates in nanoseconds end" if index.unit == "ns" else f"dates in {index.unit}"
                return f"{what} lies past {end}; fit to y.set_axis(y.index.as_unit({unit!r}))"
    return f"pandas has no label for {what}; ask for fewer steps, or fit to y.reset_index(drop=True)"


def _reaches(index: Any, unit: str, h: int) -> bool:
    """Whether dates of that unit hold the index without loss, and its next `h` labels."""
    coarse = without_freq(index).as_unit(unit)
    if not (coarse == index).all():
        return False
    try:
        later = _later(pinned(coarse, index.freq), h)
    except (OverflowError, ValueError):
        return False
    return bool(later[-1] > coarse[-1])


def step_shown(index: Any) -> str:
    """Write the step of a grid as messages show it."""
    return str(index.step) if isinstance(index, pd.RangeIndex) else repr(index.freqstr)
