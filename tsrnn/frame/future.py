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


def wrap(values: np.ndarray, target_like: Target, index: pd.Index) -> Any:
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
    Series, DataFrame, ndarray or table of another library
        A Series for a Series, a frame for a frame, a 1-D or 2-D array for an array of that shape. For a table of
        another library the same, with the labels in its column of dates.

    Examples
    --------
    >>> from tsrnn.frame import read_target
    >>> target = read_target(pd.Series([1.0, 2.0], name="sales"))
    >>> wrap(np.array([[3.0]]), target, future_index(target.index, 1))
    2    3.0
    Name: sales, dtype: float64
    """
    if target_like.kind == "series":
        return _in_form(pd.Series(values[:, 0], index=index, name=target_like.series_name), target_like)
    if target_like.kind == "frame":
        return _in_form(pd.DataFrame(values, index=index, columns=target_like.columns), target_like)
    return values[:, 0].copy() if target_like.kind == "array1d" else values


def wrap_table(values: np.ndarray, target_like: Target, index: pd.Index, columns: pd.Index) -> Any:
    """Give a table of `index` by `columns` these labels, unless the target was an array."""
    if target_like.kind.startswith("array"):
        return values
    return _in_form(pd.DataFrame(values, index=index, columns=columns), target_like)


def wrap_many(values: np.ndarray, target_like: Target, index: pd.Index, labels: Mapping[str, Any]) -> Any:
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
        For a Series or a frame the further axes are columns, or levels of columns; below those of a frame, whatever
        levels it has. For a table of another library they are words of the columns' names.

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
    added = pd.MultiIndex.from_product(list(axes.values()), names=list(axes))
    flat = target_like.form is not None and not target_like.form.has_index
    columns = _names(target_like.columns, added) if flat else _levels(target_like.columns, added)
    return _in_form(pd.DataFrame(values.reshape(len(values), -1), index=index, columns=columns), target_like)


# ---- helpers ---------------------------------------------------------------------------------------------------------


def _in_form(data: pd.Series | pd.DataFrame, target_like: Target) -> Any:
    """The answer as a table of the library that the target came from."""
    return data if target_like.form is None else target_like.form.make(data)


def _levels(columns: pd.Index | None, added: pd.MultiIndex) -> pd.Index:
    """The levels of `added` below the columns of a frame, whatever these are: each column has all of `added`."""
    if columns is None:
        return added if added.nlevels > 1 else added.get_level_values(0)
    outer: Any = columns if isinstance(columns, pd.MultiIndex) else _one_level(columns)
    below: Any = added
    rows, rows_below = np.repeat(np.arange(len(columns)), len(added)), np.tile(np.arange(len(added)), len(columns))
    return pd.MultiIndex(
        levels=[*outer.levels, *below.levels],
        codes=[*(codes[rows] for codes in outer.codes), *(codes[rows_below] for codes in below.codes)],
        names=[*outer.names, *below.names],
    )


def _one_level(columns: Any) -> pd.MultiIndex:
    """Columns as the only level of a MultiIndex, also tuples and missing labels."""
    codes, labels = columns.factorize()
    return pd.MultiIndex(levels=[labels], codes=[codes], names=["series" if columns.name is None else columns.name])


def _names(columns: pd.Index | None, added: pd.MultiIndex) -> list[str]:
    """Columns of a table without levels: ``sales_lower``, ``sales_lower_0.9``, ``sales_quantile_0.1``."""
    series = [""] if columns is None else [f"{column}_" for column in columns]
    return [before + _name(dict(zip(added.names, labels, strict=True))) for before in series for labels in added]


def _name(labels: Mapping[Any, Any]) -> str:
    """Words before numbers; a number without a word has the name of its level: ``lower_0.9``, ``path_3``."""
    words = [label for label in labels.values() if isinstance(label, str)]
    numbers = [str(label) for label in labels.values() if not isinstance(label, str)]
    return "_".join([*(words or labels), *numbers])


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
