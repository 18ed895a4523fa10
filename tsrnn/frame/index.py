"""Checks of an index: its labels must be a regular grid of time steps.

==================================  =================================================================================
Index                               Result
==================================  =================================================================================
`pandas.DatetimeIndex`              unchanged; if it has no frequency, one is inferred from at least three labels
`pandas.PeriodIndex`                unchanged
`pandas.RangeIndex`                 unchanged
evenly spaced integers (years)      a `pandas.RangeIndex` with their start and step
duplicates, gaps, unsorted, NaT     an error that names the first such label and a fix that was tried
strings, floats, time deltas, ...   an error that names a fix that was tried
==================================  =================================================================================
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ..messages import format_label
from .fixes import PandasData, suggest_fix
from .wall_clock import (
    follows_wall_clock,
    infer_wall_clock_freq,
    is_wall_clock_grid,
    localize,
    next_wall_clock_labels,
    set_freq,
)

#: The largest integer label.
_MAX_INTEGER = int(np.iinfo(np.int64).max)

#: A frequency, or its code.
Freq = pd.offsets.BaseOffset | str
#: A Timestamp, Period or integer, for which pandas has no common type.
Label = Any
#: A regular grid, in functions whose arithmetic is right for all kinds of grids, which pandas-stubs cannot check.
AnyGrid = Any
#: An index that is a regular grid.
Grid = pd.DatetimeIndex | pd.PeriodIndex | pd.RangeIndex


class _IrregularIndexError(ValueError):
    """An index that is no regular grid, without a fix yet; `apparent_freq` is the frequency of its regular part."""

    def __init__(self, message: str, reason: str = "", apparent_freq: str = ""):
        super().__init__(message)
        self.reason, self.apparent_freq = reason, apparent_freq


def _to_python(label: Label) -> Label:
    """Return a NumPy number as a number of Python, other labels unchanged."""
    return label.item() if isinstance(label, np.number | np.bool_) else label


def read_index(data: PandasData, name: str, freq: Freq | int | None = None) -> Grid:
    """Return the regular grid of an index, as a copy.

    Parameters
    ----------
    data : pandas.Index, Series or DataFrame
        An index, or data with an index.
    name : str
        Name of the variable in error messages.
    freq : pandas offset, str or int, optional
        Frequency to try first for dates without one, or the step of a single integer.

    Returns
    -------
    pandas.DatetimeIndex, pandas.PeriodIndex or pandas.RangeIndex

    Raises
    ------
    ValueError
        If it is no regular grid. The message names the first label that is wrong, and a fix that was tried.

    Examples
    --------
    >>> read_index(pd.Index([1990, 2000, 2010]), "y")
    RangeIndex(start=1990, stop=2020, step=10)
    """
    index = data if isinstance(data, pd.Index) else data.index
    try:
        return to_grid(index, name, freq)
    except _IrregularIndexError as error:
        message, reason, apparent_freq = str(error), error.reason, error.apparent_freq
    wanted = pd.tseries.frequencies.to_offset(freq) if isinstance(freq, str | pd.offsets.BaseOffset) else None
    fix = suggest_fix(data, name, lambda other: _is_regular(other, name, wanted, freq), wanted)
    if apparent_freq and repr(apparent_freq) not in fix and ("asfreq(" in fix or "period" in fix):
        reason = ""  # the fix has another frequency, which was tried on the whole index
    raise ValueError(f"{message}{reason}; {fix}")


def _is_regular(index: pd.Index, name: str, wanted: pd.offsets.BaseOffset | None, step: Freq | int | None) -> bool:
    """Whether an index is a regular grid, of the frequency `wanted` if one is given."""
    try:
        grid = to_grid(index, name, step if wanted is None else wanted)
    except _IrregularIndexError:
        return False
    return wanted is None or getattr(grid, "freq", None) == wanted


def to_grid(index: pd.Index, name: str, freq: Freq | int | None = None) -> Grid:
    """Return the regular grid of an index; a ValueError without a fix if it is none."""
    if isinstance(index, pd.MultiIndex):
        raise _IrregularIndexError(
            f"{name} has a MultiIndex, as a panel has, which is not expected here: pass one series, or a wide frame"
        )
    is_dated = isinstance(index, pd.DatetimeIndex | pd.PeriodIndex)
    if not is_dated and not pd.api.types.is_integer_dtype(index.dtype):
        raise _IrregularIndexError(
            f"the index of {name} holds {index.dtype} labels such as {_to_python(index[0])!r}: use a "
            "DatetimeIndex, a PeriodIndex or a RangeIndex"
        )
    if index.hasnans:
        row = int(np.argmax(index.isna()))
        raise _IrregularIndexError(f"the index of {name} has a missing label (NaT) at position {row}")
    if not is_dated and int(index.max()) > _MAX_INTEGER:
        raise _IrregularIndexError(
            f"the index of {name} holds {index.max()}, but the largest integer is {_MAX_INTEGER}"
        )
    labels: Any = index
    ordinals = labels.asi8 if is_dated else labels.to_numpy(np.int64)
    _check_order(index, ordinals, name)
    if isinstance(index, pd.DatetimeIndex):
        return _read_dates(index, name, freq)
    if isinstance(index, pd.PeriodIndex):
        return _read_periods(index, ordinals, name)
    return _read_integers(index, ordinals, name, freq)


def _check_order(index: pd.Index, ordinals: np.ndarray, name: str) -> None:
    """Raise if labels are duplicated or not sorted."""
    if (ordinals[1:] > ordinals[:-1]).all():
        return
    if index.has_duplicates:
        twice, n = index[int(np.argmax(index.duplicated()))], len(index) - index.nunique()
        times = "once" if n == 1 else f"once, and {n - 1} more labels" if n < 3 else f"once, as {n} rows repeat a label"
        raise _IrregularIndexError(f"the index of {name} has {format_label(twice)} more than {times}")
    row = int(np.argmax(ordinals[1:] < ordinals[:-1])) + 1
    label, previous = format_label(index[row]), format_label(index[row - 1])
    raise _IrregularIndexError(f"the index of {name} is not sorted: {label} comes after {previous}")


def _read_dates(index: pd.DatetimeIndex, name: str, freq: Freq | int | None) -> pd.DatetimeIndex:
    """Return a copy with a frequency: its own, else `freq`, else an inferred one."""
    if index.freq is not None:
        return index.copy(deep=True)
    grid = _with_freq(index, freq)
    if grid is None:
        grid = _with_freq(index, infer_freq(index))
    if grid is not None:
        return grid
    apparent_freq, reason = _first_gap(index)
    if len(index) < 3:
        reason = f", and {len(index)} label{'s are' if len(index) > 1 else ' is'} too few to infer one"
    raise _IrregularIndexError(f"the index of {name} has no frequency", reason, apparent_freq)


def infer_freq(index: pd.DatetimeIndex) -> pd.offsets.BaseOffset | None:
    """Return the frequency that pandas or the wall clock suggests, not checked at every label; None for none."""
    freq: Any = pd.DatetimeIndex(index, freq="infer").freq
    if freq is not None or index.tz is None or len(index) < 3:
        return freq
    return infer_wall_clock_freq(index)


def _with_freq(index: pd.DatetimeIndex, freq: Freq | int | None) -> pd.DatetimeIndex | None:
    """Return a copy with that frequency, None if a label is not one of its steps."""
    if not isinstance(freq, str | pd.offsets.BaseOffset):
        return None
    try:
        if follows_wall_clock(index, pd.tseries.frequencies.to_offset(freq)):
            return set_freq(index.copy(deep=True), freq) if is_wall_clock_grid(index, freq) else None
        return pd.DatetimeIndex(index, freq=freq, copy=True)
    except ValueError:
        return None


def _first_gap(index: pd.DatetimeIndex) -> tuple[str, str]:
    """Return the frequency of the first regular part of the index, and a phrase on the first label outside it."""
    for width in (12, 6, 4):
        for start in range(min(40, len(index) - width + 1)):
            freq = infer_freq(index[start : start + width])
            if freq is None:
                continue
            try:
                grid = _grid_from(index[:1], freq, len(index) - 1)
            except (OverflowError, ValueError):  # this frequency leads past the last date
                continue
            row = int(np.argmax(grid != index))
            label, expected = format_label(index[row]), format_label(grid[row])
            step = f"after {format_label(index[row - 1])} comes {label} and" if row else f"it begins at {label},"
            return freq.freqstr, f": it looks like {freq.freqstr!r}, but {step} not {expected}"
    return "", ""


def _grid_from(first: pd.DatetimeIndex, freq: pd.offsets.BaseOffset, n: int) -> pd.DatetimeIndex:
    """Return the first step of a frequency that is not before the single date `first`, and `n` more steps."""
    if not follows_wall_clock(first, freq):
        return pd.date_range(first[0], periods=n + 1, freq=freq)
    start = pd.date_range(first[0].tz_localize(None), periods=1, freq=freq, unit=first.unit)
    whole: Any = localize(start, first.tz)
    return whole.append(next_wall_clock_labels(whole, freq, n))


def _read_periods(index: pd.PeriodIndex, ordinals: np.ndarray, name: str) -> pd.PeriodIndex:
    """Return a copy of the periods; raise if there is a gap."""
    freq: Any = index.freq
    jumps = np.diff(ordinals) != freq.n
    if jumps.any():
        row = int(np.argmax(jumps))
        raise _IrregularIndexError(
            f"the index of {name} has a gap: after {index[row]} comes {index[row + 1]}, not {index[row] + freq}"
        )
    return index.copy(deep=True)


def _read_integers(index: pd.Index, ordinals: np.ndarray, name: str, step: Freq | int | None) -> pd.RangeIndex:
    """Return evenly spaced integers as a range."""
    if isinstance(index, pd.RangeIndex) and (len(index) > 1 or not isinstance(step, int)):
        return index.copy()
    steps = np.diff(ordinals)
    if len(ordinals) > 1:
        step = int(ordinals[1]) - int(ordinals[0])
    elif not isinstance(step, int):
        step = 1
    start = int(ordinals[0])
    if step > _MAX_INTEGER:
        raise _IrregularIndexError(
            f"the index of {name} has a step of {step}, but the largest integer is {_MAX_INTEGER}"
        )
    if (steps != step).any():
        row = int(np.argmax(steps != step))
        raise _IrregularIndexError(
            f"the index of {name} is not evenly spaced: after {index[row]} comes {index[row + 1]}, not "
            f"{int(index[row]) + step}"
        )
    return pd.RangeIndex(start, start + step * len(index), step, name=index.name)
