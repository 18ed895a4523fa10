"""Labels after the last one: the future index of a forecast, and where given labels lie in it.

Every index here is a regular grid as `read_target` makes it: a `pandas.DatetimeIndex` with a frequency, a
`pandas.PeriodIndex` or a `pandas.RangeIndex`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from .index import Grid, shown
from .target import Target


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
        Of the same kind, with the same frequency, time zone and name.

    Examples
    --------
    >>> months = pd.date_range("2024-01-31", periods=2, freq="ME", name="month")
    >>> future = future_index(months, 2)
    >>> [str(label.date()) for label in future], future.freqstr, future.name
    (['2024-03-31', '2024-04-30'], 'ME', 'month')
    """
    last: Any = index[-1]
    if isinstance(index, pd.DatetimeIndex):
        labels = pd.date_range(start=last, periods=h + 1, freq=index.freq, name=index.name, unit=index.unit)
        return labels[1:]
    if isinstance(index, pd.PeriodIndex):
        return pd.period_range(last + index.freq, periods=h, freq=index.freq, name=index.name)
    step = index.step
    return pd.RangeIndex(last + step, last + step * (h + 1), step, name=index.name)


def extended(index: Grid, n: int) -> Grid:
    """Append the `n` labels that follow, and keep the frequency.

    Examples
    --------
    >>> extended(pd.RangeIndex(3), 2)
    RangeIndex(start=0, stop=5, step=1)
    """
    longer: Any = index.append(future_index(index, n))
    freq: Any = getattr(index, "freq", None)
    return pd.DatetimeIndex(longer, freq=freq) if isinstance(index, pd.DatetimeIndex) else longer


def follows(index: Grid, new_index: Grid, *, name: str = "y_new") -> None:
    """Check that a target goes on exactly where another one ends.

    Parameters
    ----------
    index : pandas.DatetimeIndex, pandas.PeriodIndex or pandas.RangeIndex
        The labels so far.
    new_index : pandas.DatetimeIndex, pandas.PeriodIndex or pandas.RangeIndex
        The labels that came, as `read_target` returned them.
    name : str, default="y_new"
        What error messages call the target that came.

    Raises
    ------
    ValueError
        If the kinds, frequencies or time zones differ, or if there is a gap or an overlap between the two.

    Examples
    --------
    >>> follows(pd.RangeIndex(10), pd.RangeIndex(10, 12))
    >>> follows(pd.RangeIndex(10), pd.RangeIndex(11, 12))
    Traceback (most recent call last):
        ...
    ValueError: gap: y_new begins at 11, but the series ends at 9 and goes on at 10; fill y_new with NaN from 10 on
    """
    _same_kind(index, new_index, name)
    last: Any = index[-1]
    first: Any = new_index[0]
    due: Any = future_index(index, 1)[0]
    where = f"{name} begins at {shown(first)}, but the series ends at {shown(last)}"
    if first <= last:
        label = last if isinstance(index, pd.RangeIndex) else repr(shown(last))
        raise ValueError(f"overlap: {where}; keep what comes later, {name}[{name}.index > {label}]")
    if first != due:
        what = "gap" if first > due else "off the grid"
        raise ValueError(f"{what}: {where} and goes on at {shown(due)}; fill {name} with NaN from {shown(due)} on")
    if len(new_index) > 1 and not _same_step(index, new_index):
        raise ValueError(
            f"{name} has the frequency {_step(new_index)}, but the series has {_step(index)}: resample {name} to it"
        )


def steps_ahead(index: Grid, wanted: Any, *, name: str = "index") -> np.ndarray:
    """Count how many steps after the end of `index` the wanted labels lie.

    Parameters
    ----------
    index : pandas.DatetimeIndex, pandas.PeriodIndex or pandas.RangeIndex
        The labels so far.
    wanted : pandas.Index or array-like
        Dates, periods or integers after its end, in any order.
    name : str, default="index"
        What error messages call `wanted`.

    Returns
    -------
    ndarray of int
        The step of each label; the one right after the end is step 1.

    Raises
    ------
    ValueError
        If a label is of another kind, not after the end or not on the grid.

    Examples
    --------
    >>> years = pd.period_range("1990", "1999", freq="Y")
    >>> steps_ahead(years, pd.PeriodIndex(["2000", "2004"], freq="Y")).tolist()
    [1, 5]
    """
    labels = as_labels(index, wanted, name)
    last = index[-1]
    late = np.asarray(labels > last)
    if not late.all():
        label = shown(labels[int(np.argmin(late))])
        raise ValueError(f"{name} holds {label}, which is not after the end of the series, {shown(last)}")
    steps = _count_steps(index, labels)
    if (steps < 1).any():
        label = shown(labels[int(np.argmax(steps < 1))])
        raise ValueError(
            f"{name} holds {label}, which is not on the grid of the series: steps of {_step(index)} from {shown(last)}"
        )
    return steps


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


def _step(index: Any) -> str:
    """Write the step of a grid as messages show it."""
    return str(index.step) if isinstance(index, pd.RangeIndex) else repr(index.freqstr)


def _same_kind(index: Grid, other: Any, name: str) -> None:
    """Refuse labels of another kind, of another period or without the time zone."""
    if isinstance(index, pd.RangeIndex):
        same = pd.api.types.is_integer_dtype(other.dtype)
    else:
        same = type(other) is type(index)
    if not same:
        have = "integer" if pd.api.types.is_integer_dtype(other.dtype) else type(other).__name__
        raise ValueError(f"{name} has {have} labels, but the series has a {type(index).__name__}: use that kind")
    if isinstance(index, pd.PeriodIndex) and index.freq != other.freq:
        raise ValueError(f"{name} has the frequency {other.freqstr!r}, but the series has {index.freqstr!r}")
    if isinstance(index, pd.DatetimeIndex) and (index.tz is None) != (other.tz is None):
        ours, theirs = index.tz or "none", other.tz or "none"
        raise ValueError(f"{name} has the time zone {theirs}, but the series has {ours}: use tz_localize on {name}")


def _same_step(index: Grid, new_index: Any) -> bool:
    """Whether two grids, of which one goes on where the other ends, have the same steps."""
    if isinstance(index, pd.RangeIndex):
        return bool(index.step == new_index.step)
    if index.freq == new_index.freq and getattr(index, "tz", None) == getattr(new_index, "tz", None):
        return True
    return bool((future_index(index, len(new_index)) == new_index).all())  # the same by another name: QS-JAN and QS-OCT


def as_labels(index: Any, wanted: Any, name: str) -> Any:
    """Return wanted labels as an index of the kind of `index`."""
    labels = wanted if isinstance(wanted, pd.Index) else pd.Index(wanted)
    if len(labels) == 0:
        raise ValueError(f"{name} is empty: it needs at least one label after the end of the series")
    if labels.dtype == object or isinstance(labels.dtype, pd.StringDtype):
        labels = _parsed(index, labels, name)
    if labels.hasnans:
        raise ValueError(f"{name} has a missing label at position {int(np.argmax(labels.isna()))}")
    _same_kind(index, labels, name)
    return labels.tz_convert(index.tz) if isinstance(labels, pd.DatetimeIndex) and labels.tz is not None else labels


def _parsed(index: Grid, labels: pd.Index, name: str) -> pd.Index:
    """Read labels that are strings or other objects, such as `datetime.date`."""
    try:
        if isinstance(index, pd.DatetimeIndex):
            return pd.DatetimeIndex(labels)
        if isinstance(index, pd.PeriodIndex):
            return pd.PeriodIndex(labels, freq=index.freq)
    except (TypeError, ValueError):
        pass
    raise ValueError(f"{name} holds {labels[0]!r}, but the series has a {type(index).__name__}: use that kind")


def _count_steps(index: Grid, labels: Any) -> np.ndarray:
    """Count the steps from the end of `index` to later labels; 0 or less where one lies between two steps."""
    last: Any = index[-1]
    if isinstance(index, pd.RangeIndex):
        whole, rest = divmod(labels.to_numpy(np.int64) - last, index.step)
        return np.where(rest == 0, whole, 0)
    freq: Any = index.freq
    if isinstance(index, pd.PeriodIndex):
        whole, rest = divmod(labels.asi8 - last.ordinal, freq.n)
        return np.where(rest == 0, whole, 0)
    if isinstance(freq, pd.offsets.Tick) and not isinstance(freq, pd.offsets.Day):  # the clock's steps are all equal
        whole, rest = divmod(labels - last, pd.Timedelta(freq))
        return np.where(rest == pd.Timedelta(0), whole, 0)
    end = labels.max().as_unit(index.unit)
    return pd.date_range(last, end, freq=freq, unit=index.unit).get_indexer(labels)  # the calendar's are not
