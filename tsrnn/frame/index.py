"""What an index must be: the labels of a regular grid of time steps.

==================================  =================================================================================
The index                           What becomes of it
==================================  =================================================================================
`pandas.DatetimeIndex`              kept; a frequency is inferred where there is none, which takes three labels
`pandas.PeriodIndex`                kept
`pandas.RangeIndex`                 kept
evenly spaced integers (years)      a `pandas.RangeIndex` with their start and step
duplicates, gaps, unsorted, NaT     refused, with the first offending label and a mend that was tried
strings, floats, time deltas, ...   refused, with a mend that was tried
==================================  =================================================================================
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from .clock import clock_range, fits_clock, infer_on_clock, localised, on_clock, pinned
from .mends import advice

#: The largest integer that a label can be.
_MOST = int(np.iinfo(np.int64).max)

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


class _FaultError(ValueError):
    """What is wrong with an index, before a mend was looked for; `looks` is the frequency that it seems to have."""

    def __init__(self, message: str, reason: str = "", looks: str = ""):
        super().__init__(message)
        self.reason, self.looks = reason, looks


def _plain(label: Any) -> Any:
    """The label as Python's own number where it is NumPy's."""
    return label.item() if isinstance(label, np.number | np.bool_) else label


def read_index(data: Any, name: str, freq: Any = None) -> Grid:
    """Return a regular grid that shares nothing with the caller's index.

    Parameters
    ----------
    data : pandas.Index, Series or DataFrame
        An index, or what has one.
    name : str
        The variable that holds it.
    freq : pandas offset, str or int, optional
        What to try first where an index does not tell its frequency, or the step of a single integer.

    Returns
    -------
    pandas.DatetimeIndex, pandas.PeriodIndex or pandas.RangeIndex

    Raises
    ------
    ValueError
        If it is no regular grid. The message names the first label that breaks it, and a mend that was tried.

    Examples
    --------
    >>> read_index(pd.Index([1990, 2000, 2010]), "y")
    RangeIndex(start=1990, stop=2020, step=10)
    """
    index = data if isinstance(data, pd.Index) else data.index
    try:
        return regular(index, name, freq)
    except _FaultError as fault:
        message, reason, looks = str(fault), fault.reason, fault.looks
    wanted = pd.tseries.frequencies.to_offset(freq) if isinstance(freq, str | pd.offsets.BaseOffset) else None
    mend = advice(data, name, lambda other: _is_regular(other, name, wanted, freq), wanted)
    if looks and repr(looks) not in mend and ("asfreq(" in mend or "period" in mend):
        reason = ""  # the mend knows better
    raise ValueError(f"{message}{reason}; {mend}")


def _is_regular(index: pd.Index, name: str, wanted: Any, step: Any) -> bool:
    """Whether an index will do, which must have the frequency `wanted` if there is one."""
    try:
        grid = regular(index, name, step if wanted is None else wanted)
    except _FaultError:
        return False
    return wanted is None or getattr(grid, "freq", None) == wanted


def regular(index: pd.Index, name: str, freq: Any = None) -> Grid:
    """Return the grid, or raise what is wrong with the index."""
    if isinstance(index, pd.MultiIndex):
        raise _FaultError(
            f"{name} has a MultiIndex, as a panel has, which is not supported: pass one series, or a wide frame"
        )
    dated = isinstance(index, pd.DatetimeIndex | pd.PeriodIndex)
    if not dated and not pd.api.types.is_integer_dtype(index.dtype):
        raise _FaultError(
            f"the index of {name} holds {index.dtype} labels such as {_plain(index[0])!r}: use a "
            "DatetimeIndex, a PeriodIndex or a RangeIndex"
        )
    if index.hasnans:
        row = int(np.argmax(index.isna()))
        raise _FaultError(f"the index of {name} has a missing label (NaT) at position {row}")
    if not dated and int(index.max()) > _MOST:
        raise _FaultError(f"the index of {name} holds {index.max()}, but integers end at {_MOST}")
    labels: Any = index
    ordinals = labels.asi8 if dated else labels.to_numpy(np.int64)
    _check_order(index, ordinals, name)
    if isinstance(index, pd.DatetimeIndex):
        return _read_dates(index, name, freq)
    if isinstance(index, pd.PeriodIndex):
        return _read_periods(index, ordinals, name)
    return _read_integers(index, ordinals, name, freq)


def _check_order(index: pd.Index, ordinals: np.ndarray, name: str) -> None:
    """Refuse duplicated and unsorted labels."""
    if (ordinals[1:] > ordinals[:-1]).all():
        return
    if index.has_duplicates:
        twice, n = index[int(np.argmax(index.duplicated()))], len(index) - index.nunique()
        times = "once" if n == 1 else f"once, and {n - 1} more labels" if n < 3 else f"once, as {n} rows repeat a label"
        raise _FaultError(f"the index of {name} has {shown(twice)} more than {times}")
    row = int(np.argmax(ordinals[1:] < ordinals[:-1])) + 1
    came, after = shown(index[row]), shown(index[row - 1])
    raise _FaultError(f"the index of {name} is not sorted: {came} comes after {after}")


def _read_dates(index: pd.DatetimeIndex, name: str, freq: Any) -> pd.DatetimeIndex:
    """Return a copy that has a frequency: its own, or `freq`, or an inferred one."""
    if index.freq is not None:
        return index.copy(deep=True)
    regular = _with_freq(index, freq)
    if regular is None:
        regular = _with_freq(index, _inferred(index))
    if regular is not None:
        return regular
    looks, reason = _first_gap(index)
    if len(index) < 3:
        reason = f", and {len(index)} label{'s are' if len(index) > 1 else ' is'} too few to infer one"
    raise _FaultError(f"the index of {name} has no frequency", reason, looks)


def _inferred(index: pd.DatetimeIndex) -> Any:
    """Return the frequency of the index, or a guess that does not hold everywhere, or None."""
    freq: Any = pd.DatetimeIndex(index, freq="infer").freq
    if freq is not None or index.tz is None or len(index) < 3:
        return freq
    return infer_on_clock(index)


def _with_freq(index: pd.DatetimeIndex, freq: Any) -> pd.DatetimeIndex | None:
    """Return a copy with that frequency, or None where a label breaks it: also an inferred one is checked."""
    if not isinstance(freq, str | pd.offsets.BaseOffset):
        return None
    try:
        if on_clock(index, pd.tseries.frequencies.to_offset(freq)):
            return pinned(index.copy(deep=True), freq) if fits_clock(index, freq) else None
        return pd.DatetimeIndex(index, freq=freq, copy=True)
    except ValueError:
        return None


def _first_gap(index: pd.DatetimeIndex) -> tuple[str, str]:
    """Return the frequency of the first regular stretch of the index, and name the first label that breaks it."""
    for width in (12, 6, 4):
        for start in range(min(40, len(index) - width + 1)):
            freq = _inferred(index[start : start + width])
            if freq is None:
                continue
            try:
                grid = _continued(index[:1], freq, len(index) - 1)
            except (OverflowError, ValueError):  # the stretch is not the rule, and its steps lead past the last date
                continue
            row = int(np.argmax(grid != index))
            came, due = shown(index[row]), shown(grid[row])
            step = f"after {shown(index[row - 1])} comes {came} and" if row else f"it begins at {came},"
            return freq.freqstr, f": it looks like {freq.freqstr!r}, but {step} not {due}"
    return "", ""


def _continued(first: pd.DatetimeIndex, freq: Any, n: int) -> pd.DatetimeIndex:
    """Return the first date of a frequency at or after the one of an index, and `n` more."""
    if not on_clock(first, freq):
        return pd.date_range(first[0], periods=n + 1, freq=freq)
    start = pd.date_range(first[0].tz_localize(None), periods=1, freq=freq, unit=first.unit)
    whole: Any = localised(start, first.tz)
    return whole.append(clock_range(whole, freq, n))


def _read_periods(index: pd.PeriodIndex, ordinals: np.ndarray, name: str) -> pd.PeriodIndex:
    freq: Any = index.freq
    jumps = np.diff(ordinals) != freq.n
    if jumps.any():
        row = int(np.argmax(jumps))
        raise _FaultError(
            f"the index of {name} has a gap: after {index[row]} comes {index[row + 1]}, not {index[row] + freq}"
        )
    return index.copy(deep=True)


def _read_integers(index: pd.Index, ordinals: np.ndarray, name: str, step: Any) -> pd.RangeIndex:
    """Return integers, evenly spaced, as a range."""
    if isinstance(index, pd.RangeIndex) and (len(index) > 1 or not isinstance(step, int)):
        return index.copy()
    steps = np.diff(ordinals)
    if len(ordinals) > 1:
        step = int(ordinals[1]) - int(ordinals[0])
    elif not isinstance(step, int):
        step = 1
    start = int(ordinals[0])
    if step > _MOST:
        raise _FaultError(f"the index of {name} has a step of {step}, but integers end at {_MOST}")
    if (steps != step).any():
        row = int(np.argmax(steps != step))
        raise _FaultError(
            f"the index of {name} is not evenly spaced: after {index[row]} comes {index[row + 1]}, not "
            f"{int(index[row]) + step}"
        )
    return pd.RangeIndex(start, start + step * len(index), step, name=index.name)
