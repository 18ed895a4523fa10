"""Labels after the end of an index, and forecasts in the form of the target.

Every index here is a regular grid as `read_target` returns it: a `pandas.DatetimeIndex` with a frequency, a
`pandas.PeriodIndex` or a `pandas.RangeIndex`. In a time zone, days and longer steps follow the wall clock: see
`wall_clock`.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ..messages import format_label
from .index import AnyGrid, Grid
from .target import Target
from .wall_clock import follows_wall_clock, next_wall_clock_labels, set_freq, without_freq

#: A Series, DataFrame, array, or a table of another library, which may not be installed.
Forecasts = Any
#: A number, or a list of numbers or texts, for which np.ndim tells which.
Labels = Any
#: Most steps of a forecast: they are computed one after the other, and labels and values are held in memory.
MAX_STEPS = 10_000_000


def future_index(index: Grid, h: int) -> Grid:
    """Return the `h` labels after the end of `index`.

    Parameters
    ----------
    index : pandas.DatetimeIndex, pandas.PeriodIndex or pandas.RangeIndex
        Labels of the series; a DatetimeIndex has a frequency.
    h : int
        Number of labels, 0 or more.

    Returns
    -------
    pandas.Index of length h
        Of the same kind, with the same time zone and name. It has the same frequency, unless a change of the clock
        moves one of its labels: pandas then allows no frequency.

    Raises
    ------
    ValueError
        If `h` is more than 10 million, or the labels go past the last date, period or integer that pandas can hold.

    Examples
    --------
    >>> months = pd.date_range("2024-01-31", periods=2, freq="ME", name="month")
    >>> future = future_index(months, 2)
    >>> [str(label.date()) for label in future], future.freqstr, future.name
    (['2024-03-31', '2024-04-30'], 'ME', 'month')
    """
    if h > MAX_STEPS:
        gigabytes = 2 * 8 * h / 1e9  # a label and a value
        raise ValueError(
            f"a forecast of {h:,} steps of {format_step(index)} after {format_label(index[-1])} would take "
            f"{gigabytes:,.1f} GB for the labels and values of each series, and the steps are computed one by one; ask "
            f"for {MAX_STEPS:,} steps or fewer, or fit to a series with longer steps"
        )
    return next_labels(index, h)


def next_labels(index: Grid, h: int) -> Grid:
    """Return the `h` labels after the end of `index`, like `future_index` but without its limit."""
    last: Any = index[-1]
    if isinstance(index, pd.RangeIndex):
        step = index.step
        if last + step * (h + 1) > np.iinfo(np.int64).max:
            raise ValueError(_out_of_range_message(index, h))
        return pd.RangeIndex(last + step, last + step * (h + 1), step, name=index.name)
    try:
        labels: Any = _next_dates(index, h)
    except (OverflowError, ValueError) as error:  # pandas' message names neither step nor label
        raise ValueError(_out_of_range_message(index, h)) from error
    if h > 0 and (labels.hasnans or labels[-1] <= last or labels[-1].year < last.year):  # periods overflow
        raise ValueError(_out_of_range_message(index, h))
    return labels


def _next_dates(index: AnyGrid, h: int) -> AnyGrid:
    """Return the `h` dates or periods after the end of `index`."""
    last = index[-1]
    if isinstance(index, pd.PeriodIndex):
        return pd.period_range(last + index.freq, periods=h, freq=index.freq, name=index.name)
    if follows_wall_clock(index, index.freq):
        return next_wall_clock_labels(index, index.freq, h)
    return pd.date_range(start=last, periods=h + 1, freq=index.freq, name=index.name, unit=index.unit)[1:]


def extend_index(index: Grid, n: int) -> Grid:
    """Return `index` with the next `n` labels appended, and with its frequency.

    Parameters
    ----------
    index : pandas.DatetimeIndex, pandas.PeriodIndex or pandas.RangeIndex
        Labels of the series.
    n : int
        Number of labels to append.

    Returns
    -------
    pandas.Index of length len(index) + n

    Raises
    ------
    ValueError
        If the labels go past the last one that pandas can hold.

    Examples
    --------
    >>> extend_index(pd.RangeIndex(3), 2)
    RangeIndex(start=0, stop=5, step=1)
    """
    later: Any = next_labels(index, n)
    if not isinstance(index, pd.DatetimeIndex):
        longer: Any = index.append(later)
        return longer
    dates: Any = without_freq(index).append(later)
    freq: Any = index.freq
    return set_freq(dates, freq)


def wrap(values: np.ndarray, target: Target, index: pd.Index) -> Forecasts:
    """Return forecasts in the form of the target.

    Parameters
    ----------
    values : ndarray of shape (h, n_channels)
        The forecasts.
    target : Target
        The target; its kind, name and columns are used.
    index : pandas.Index of length h
        Labels of the forecasts; arrays have none.

    Returns
    -------
    Series, DataFrame, ndarray or table of another library
        A Series for a Series, a DataFrame for a DataFrame, an array for an array of the same number of dimensions. For
        a table of another library, a table of that library, with the labels in its column of dates.

    Examples
    --------
    >>> from tsrnn.frame import read_target
    >>> target = read_target(pd.Series([1.0, 2.0], name="sales"))
    >>> wrap(np.array([[3.0]]), target, future_index(target.index, 1))
    2    3.0
    Name: sales, dtype: float64
    """
    if target.kind == "series":
        return _to_native(pd.Series(values[:, 0], index=index, name=target.series_name), target)
    if target.kind == "frame":
        return _to_native(pd.DataFrame(values, index=index, columns=target.columns), target)
    return values[:, 0].copy() if target.kind == "array1d" else values


def wrap_table(values: np.ndarray, target: Target, index: pd.Index, columns: pd.Index) -> Forecasts:
    """Return values as a table with these labels, or unchanged if the target was an array.

    Parameters
    ----------
    values : ndarray of shape (n_rows, n_columns)
        The values.
    target : Target
        The target; its kind is used.
    index : pandas.Index of length n_rows
        Labels of the rows.
    columns : pandas.Index of length n_columns
        Labels of the columns.

    Returns
    -------
    DataFrame, ndarray or table of another library

    Examples
    --------
    >>> from tsrnn.frame import read_target
    >>> target = read_target(pd.Series([1.0, 2.0]))
    >>> wrap_table(np.array([[0.25, 0.75]]), target, pd.Index([2]), target.index)
          0     1
    2  0.25  0.75
    """
    if target.kind.startswith("array"):
        return values
    return _to_native(pd.DataFrame(values, index=index, columns=columns), target)


def wrap_many(values: np.ndarray, target: Target, index: pd.Index, labels: Mapping[str, Labels]) -> Forecasts:
    """Return quantiles, bounds or paths, several numbers for each forecast, in the form of the target.

    Parameters
    ----------
    values : ndarray of shape (h, n_channels, ...)
        One further axis for each of the `labels` that is a list.
    target : Target
        The target; its kind, name and columns are used.
    index : pandas.Index of length h
        Labels of the forecasts; arrays have none.
    labels : mapping of str to list or number
        Labels of each further axis, by its name; a single number has no axis.

    Returns
    -------
    Series, DataFrame, ndarray or table of another library
        For a Series the further axes are levels of the columns; for a DataFrame they are levels below those of its
        columns. For a table of another library they are parts of the columns' names.

    Examples
    --------
    >>> from tsrnn.frame import read_target
    >>> target = read_target(pd.Series([1.0, 2.0]))
    >>> bounds = np.array([[[3.0, 5.0]]])
    >>> wrap_many(bounds, target, future_index(target.index, 1), {"coverage": 0.9, "bound": ["lower", "upper"]})
    bound  lower  upper
    2        3.0    5.0
    """
    added = added_levels(labels)
    if added is None:
        return wrap(values, target, index)
    if target.kind.startswith("array"):
        return values[:, 0].copy() if target.kind == "array1d" else values
    flat = target.native_format is not None and not target.native_format.has_index
    columns = flat_names(target.columns, added) if flat else append_levels(target.columns, added)
    return _to_native(pd.DataFrame(values.reshape(len(values), -1), index=index, columns=columns), target)


def wrap_totals(values: np.ndarray, target: Target, labels: Sequence[str]) -> Forecasts:
    """Return some numbers of each channel, such as the total of a forecast, in the form that fits the target.

    Parameters
    ----------
    values : ndarray of shape (n_channels, n_labels)
        The numbers.
    target : Target
        The target; its kind, name and columns are used.
    labels : sequence of str of length n_labels
        Names of the numbers.

    Returns
    -------
    Series, DataFrame, ndarray or table of another library
        A Series with these labels for one series, a frame with a row for each column of a wide frame; arrays of shape
        (n_labels,) and (n_channels, n_labels) for arrays. A table of a library without index has the names of the
        columns in a column ``series``, and one row for one series.

    Examples
    --------
    >>> from tsrnn.frame import read_target
    >>> wrap_totals(np.array([[3.0, 5.0]]), read_target(pd.Series([1.0, 2.0], name="sales")), ["total", "upper"])
    total    3.0
    upper    5.0
    Name: sales, dtype: float64
    """
    if target.kind.startswith("array"):
        return values[0] if target.kind == "array1d" else values
    native = target.native_format
    if native is not None and not native.has_index:
        columns: dict[str, Any] = {label: values[:, k] for k, label in enumerate(labels)}
        names = {} if target.columns is None else {"series": target.columns}
        return native.to_native_columns({**names, **columns}, {})
    if target.kind == "series":
        return _to_native(pd.Series(values[0], list(labels), name=target.series_name), target)
    return _to_native(pd.DataFrame(values, target.columns, list(labels)), target)


def added_levels(labels: Mapping[str, Labels]) -> pd.MultiIndex | None:
    """Return the levels of columns for the labels that are lists; None if there is none."""
    axes = {name: list(label) for name, label in labels.items() if np.ndim(label) > 0}
    return pd.MultiIndex.from_product(list(axes.values()), names=list(axes)) if axes else None


def empty_table(target: Target, index: pd.Index, columns: Sequence[Hashable]) -> Forecasts:
    """Return a table with empty columns, to be filled in with covariates.

    Parameters
    ----------
    target : Target
        The target; its library is used.
    index : pandas.Index of length h
        Labels of the rows.
    columns : sequence of hashable
        Names of the columns.

    Returns
    -------
    DataFrame or table of another library
        NaN in all `columns`. The labels are the column of dates of a table of another library; if that has none, the
        table is one of pandas, with the labels as its index.

    Examples
    --------
    >>> from tsrnn.frame import read_target
    >>> target = read_target(pd.Series([1.0, 2.0]))
    >>> empty_table(target, future_index(target.index, 2), ["price"])
       price
    2    NaN
    3    NaN
    """
    frame = pd.DataFrame(np.nan, index=index, columns=pd.Index(list(columns), tupleize_cols=False))
    native = target.native_format
    is_labelled = native is not None and (native.has_index or native.date_column is not None)
    return _to_native(frame, target) if is_labelled else frame


# ---- helpers ---------------------------------------------------------------------------------------------------------


def _to_native(data: pd.Series | pd.DataFrame, target: Target) -> Forecasts:
    """Return forecasts as a table of the target's library."""
    return data if target.native_format is None else target.native_format.to_native(data)


def append_levels(columns: pd.Index | None, added: pd.MultiIndex) -> pd.Index:
    """Return the product of the columns of a frame, whatever their labels, and of the levels below them."""
    if columns is None:
        return added if added.nlevels > 1 else added.get_level_values(0)
    outer: Any = columns if isinstance(columns, pd.MultiIndex) else _single_level(columns)
    below: Any = added
    rows, rows_below = np.repeat(np.arange(len(columns)), len(added)), np.tile(np.arange(len(added)), len(columns))
    return pd.MultiIndex(
        levels=[*outer.levels, *below.levels],
        codes=[*(codes[rows] for codes in outer.codes), *(codes[rows_below] for codes in below.codes)],
        names=[*outer.names, *below.names],
    )


def _single_level(columns: pd.Index) -> pd.MultiIndex:
    """Return columns as the only level of a MultiIndex, also if they are tuples or missing labels."""
    codes, labels = (list(part) for part in columns.factorize())
    return pd.MultiIndex(levels=[labels], codes=[codes], names=["series" if columns.name is None else columns.name])


def flat_names(columns: pd.Index | None, added: pd.MultiIndex) -> list[str]:
    """Return the column names of a table without levels: ``sales_lower``, ``sales_lower_0.9``, ``sales_path_3``."""
    series = [""] if columns is None else [f"{column}_" for column in columns]
    return [before + _flat_name(dict(zip(added.names, labels, strict=True))) for before in series for labels in added]


def _flat_name(labels: Mapping[Hashable, Hashable]) -> str:
    """Join text labels, then numbers; if all are numbers, the names of the levels come first: ``path_3``."""
    texts = [label for label in labels.values() if isinstance(label, str)]
    numbers = [str(label) for label in labels.values() if not isinstance(label, str)]
    return "_".join([*(texts or labels), *numbers])


def _out_of_range_message(index: Grid, h: int) -> str:
    """Return the message for labels past the last one that pandas can hold, with a fix that was tried."""
    label = f"the last of {h:,} steps of {format_step(index)} after {format_label(index[-1])}"
    if isinstance(index, pd.DatetimeIndex):
        for unit in ("us", "ms", "s"):
            if _unit_reaches(index, unit, h):
                end = "2262-04-11, where dates in nanoseconds end" if index.unit == "ns" else f"dates in {index.unit}"
                return f"{label} lies past {end}; fit to y.set_axis(y.index.as_unit({unit!r}))"
    return f"pandas has no label for {label}; ask for fewer steps, or fit to y.reset_index(drop=True)"


def _unit_reaches(index: AnyGrid, unit: str, h: int) -> bool:
    """Whether the index and its next `h` labels can be converted to dates of that unit without loss."""
    dates: Any = without_freq(index)
    coarse = dates.as_unit(unit)
    if not (coarse == index).all():
        return False
    try:
        later = _next_dates(set_freq(coarse, index.freq), h)
    except (OverflowError, ValueError):
        return False
    return bool(later[-1] > coarse[-1])


def format_step(index: Grid) -> str:
    """Return the step of a grid as text for messages."""
    return str(index.step) if isinstance(index, pd.RangeIndex) else repr(index.freqstr)
