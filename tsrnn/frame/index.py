"""What an index must be: the labels of a regular grid of time steps.

==================================  =================================================================================
The index                           What becomes of it
==================================  =================================================================================
`pandas.DatetimeIndex`              kept; a frequency is inferred where there is none, which takes three labels
`pandas.PeriodIndex`                kept
`pandas.RangeIndex`                 kept
evenly spaced integers (years)      a `pandas.RangeIndex` with their start and step
duplicates, gaps, unsorted, NaT     refused, with the first offending label and the mend
strings, floats, time deltas, ...   refused
==================================  =================================================================================
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

Grid = pd.DatetimeIndex | pd.PeriodIndex | pd.RangeIndex


def shown(label: Any) -> str:
    """Write an index label as messages show it: a date without its midnight.

    Parameters
    ----------
    label : object
        A label of an index.

    Returns
    -------
    str
        The label in words.

    Examples
    --------
    >>> shown(pd.Timestamp("2024-05-01"))
    '2024-05-01'
    """
    return str(label).removesuffix(" 00:00:00")


def read_index(index: pd.Index, name: str, freq: Any = None) -> Grid:
    """Return a regular grid that shares nothing with the caller's index."""
    if isinstance(index, pd.MultiIndex):
        raise ValueError(
            f"{name} has a MultiIndex, as a panel has, which is not supported: pass one series, or a wide frame "
            f"(series in columns) with {name}.unstack(0) or pivot"
        )
    if not isinstance(index, pd.DatetimeIndex | pd.PeriodIndex) and not pd.api.types.is_integer_dtype(index.dtype):
        raise ValueError(
            f"the index of {name} holds {index.dtype} labels such as {index[0]!r}: use a DatetimeIndex "
            f"(pd.to_datetime makes one), a PeriodIndex or a RangeIndex"
        )
    if index.hasnans:
        row = int(np.argmax(index.isna()))
        raise ValueError(f"the index of {name} has a missing label (NaT) at position {row}: drop that row")
    ordinals = index.asi8 if isinstance(index, pd.DatetimeIndex | pd.PeriodIndex) else index.to_numpy(np.int64)
    _check_order(index, ordinals, name)
    if isinstance(index, pd.DatetimeIndex):
        return _read_dates(index, name, freq)
    if isinstance(index, pd.PeriodIndex):
        return _read_periods(index, ordinals, name)
    return _read_integers(index, ordinals, name)


def _check_order(index: pd.Index, ordinals: np.ndarray, name: str) -> None:
    """Refuse duplicated and unsorted labels."""
    if (np.diff(ordinals) > 0).all():
        return
    if index.has_duplicates:
        twice = shown(index[int(np.argmax(index.duplicated()))])
        raise ValueError(
            f"the index of {name} has {twice} more than once: keep one of each with {name}[~{name}.index.duplicated()]"
        )
    row = int(np.argmax(np.diff(ordinals) < 0)) + 1
    raise ValueError(
        f"the index of {name} is not sorted: {shown(index[row])} comes after {shown(index[row - 1])}; "
        f"sort it with {name}.sort_index()"
    )


def _read_dates(index: pd.DatetimeIndex, name: str, freq: Any) -> pd.DatetimeIndex:
    """Return a copy that has a frequency: its own, or `freq`, or an inferred one."""
    if index.freq is not None:
        return index.copy(deep=True)
    regular = _with_freq(index, freq)
    if regular is None:
        regular = _with_freq(index, pd.DatetimeIndex(index, freq="infer").freq)
    if regular is not None:
        return regular
    guess, reason = _first_gap(index)
    if len(index) < 3:
        reason = f", and {len(index)} label{'s are' if len(index) > 1 else ' is'} too few to infer one"
    raise ValueError(
        f"the index of {name} has no frequency{reason}; use {name}.asfreq(...), as in {name}.asfreq({guess!r}) "
        f"(missing dates become NaN, which fit masks; dates off that grid are dropped)"
    )


def _with_freq(index: pd.DatetimeIndex, freq: Any) -> pd.DatetimeIndex | None:
    """Return a copy with that frequency, or None where a label breaks it: also an inferred one is checked."""
    try:
        return None if freq is None else pd.DatetimeIndex(index, freq=freq, copy=True)
    except ValueError:
        return None


def _first_gap(index: pd.DatetimeIndex) -> tuple[str, str]:
    """Guess a frequency from the first regular stretch of the index, and name the first label that breaks it."""
    for width in (12, 6, 4):
        for start in range(min(40, len(index) - width + 1)):
            freq = pd.DatetimeIndex(index[start : start + width], freq="infer").freq
            if freq is None:
                continue
            grid = pd.date_range(index[0], periods=len(index), freq=freq)
            row = int(np.argmax(grid != index))
            came, due = shown(index[row]), shown(grid[row])
            step = f"after {shown(index[row - 1])} comes {came} and" if row else f"it begins at {came},"
            return freq.freqstr, f": it looks like {freq.freqstr!r}, but {step} not {due}"
    return "D", ""


def _read_periods(index: pd.PeriodIndex, ordinals: np.ndarray, name: str) -> pd.PeriodIndex:
    freq: Any = index.freq
    jumps = np.diff(ordinals) != freq.n
    if jumps.any():
        row = int(np.argmax(jumps))
        raise ValueError(
            f"the index of {name} has a gap: after {index[row]} comes {index[row + 1]}, not {index[row] + freq}; "
            f"use {name}.reindex(pd.period_range({name}.index[0], {name}.index[-1], freq={index.freqstr!r})) "
            f"(missing periods become NaN, which fit masks)"
        )
    return index.copy(deep=True)


def _read_integers(index: pd.Index, ordinals: np.ndarray, name: str) -> pd.RangeIndex:
    """Return integers, evenly spaced, as a range."""
    if isinstance(index, pd.RangeIndex):
        return index.copy()
    steps = np.diff(ordinals)
    step = int(steps[0]) if len(steps) else 1
    if (steps != step).any():
        row = int(np.argmax(steps != step))
        raise ValueError(
            f"the index of {name} is not evenly spaced: after {index[row]} comes {index[row + 1]}, not "
            f"{index[row] + step}; use {name}.reindex(range(...)) (missing steps become NaN, which fit masks)"
        )
    start = int(ordinals[0])
    return pd.RangeIndex(start, start + step * len(index), step, name=index.name)
