"""The grid of a panel: one regular index for all of its series, in which each row has a place.

The frequency of dates is the one that the caller gives, else that of the caller's index, else the first of these whose
steps contain all times: the frequency of all times together, those of the longest series, those of regular stretches.
Integers have the most frequent step within a series, periods have their own. `wall_clock` counts days and longer steps
in a time zone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from ..checks import Anything, shown
from ..messages import format_label
from .fixes import FREQUENCIES, has_few_steps, stretch_frequencies
from .index import AnyGrid, infer_freq
from .panel_order import SortedRows, ordinals
from .panel_rows import show_id
from .wall_clock import follows_wall_clock, localize, set_freq, wall_clock_start

#: Number of long series whose frequencies are compared.
_N_LONG = 20
#: Most labels of a grid: they are held in memory, 8 bytes each.
_MAX_LABELS = 50_000_000


def find_grid(ordered: SortedRows, freq: Anything, *, allow_irregular: bool = False) -> tuple[AnyGrid, np.ndarray]:
    """Return the grid of a panel, and the place in it of each of its times.

    Parameters
    ----------
    ordered : SortedRows
        The rows of the panel.
    freq : pandas offset, str, int or None
        Its frequency, or the step of integers; None to infer it.
    allow_irregular : bool, default=False
        Whether to return the times themselves, without a frequency, if no frequency can be inferred that fits.

    Returns
    -------
    grid : pandas.DatetimeIndex, pandas.PeriodIndex or pandas.RangeIndex
        All steps from the first time to the last.
    places : ndarray of int64 of shape (U,)
        Place in the grid of each of ``ordered.times``.

    Raises
    ------
    ValueError
        If no frequency is found, or a time is no step of it; the message names the first such row.

    Examples
    --------
    >>> from tsrnn.frame.panel_layouts import read_rows
    >>> from tsrnn.frame.panel_order import sort_rows
    >>> ordered = sort_rows(read_rows({"a": pd.Series([1.0, 2.0], [1990, 2000]), "b": pd.Series([3.0], [2020])}))
    >>> find_grid(ordered, None)
    (RangeIndex(start=1990, stop=2030, step=10), array([0, 1, 3]))
    """
    _check_freq(ordered, freq)
    try:
        if isinstance(ordered.times, pd.DatetimeIndex):
            return _grid_of_dates(ordered, freq)
        return _grid_of_numbers(ordered, freq)
    except ValueError:
        if allow_irregular and freq is None:
            return ordered.times, np.arange(len(ordered.times))
        raise


def _check_freq(ordered: SortedRows, freq: Anything) -> None:
    """Raise if a frequency is not one of the kind that the times need."""
    name, times = ordered.rows.name, ordered.times
    if freq is None:
        return
    if not isinstance(times, pd.DatetimeIndex | pd.PeriodIndex):
        if isinstance(freq, bool) or not isinstance(freq, int | np.integer) or freq < 1:
            raise ValueError(
                f"freq={shown(freq)} is no step of the times of {name}, which are integers; pass an integer of at "
                "least 1, such as freq=1, or dates"
            )
        return
    if not isinstance(freq, str | pd.offsets.BaseOffset):
        raise ValueError(f"freq={shown(freq)} is no frequency of dates: pass a code of pandas, such as freq='D'")
    if isinstance(times, pd.PeriodIndex):
        if not _is_period_of(freq, times):
            raise ValueError(
                f"freq={shown(freq)} is not the frequency of the times of {name}, which are periods of "
                f"{times.freqstr!r}; leave freq= out, or convert them with asfreq"
            )
        return
    try:
        offset = pd.tseries.frequencies.to_offset(freq)
    except ValueError as error:
        raise ValueError(f"freq={shown(freq)} is no frequency of pandas ({error}); pass one such as freq='D'") from None
    if offset.n < 1:
        raise ValueError(f"freq={shown(freq)} does not go forwards in time; pass one such as freq='D'")


def _is_period_of(freq: Any, times: pd.PeriodIndex) -> bool:
    """Whether a frequency is that of periods; some, such as 'MS', are only frequencies of dates."""
    try:
        return bool(pd.PeriodDtype(freq) == times.dtype)
    except (AttributeError, TypeError, ValueError):
        return False


def _grid_of_numbers(ordered: SortedRows, freq: Anything) -> tuple[AnyGrid, np.ndarray]:
    """Return the grid of integers or periods."""
    times = ordered.times
    labels = ordinals(times)
    first, last = int(labels[0]), int(labels[-1])
    if last - first > 2**62:
        raise ValueError(f"the times of {ordered.rows.name} go from {first} to {last}, too far for a grid of steps")
    is_period = isinstance(times, pd.PeriodIndex)
    step = times.freq.n if is_period else int(freq) if freq is not None else _usual_step(ordered)
    places, rest = np.divmod(labels - first, step)
    if rest.any():
        _refuse_off_grid(ordered, rest != 0, repr(times.freqstr) if is_period else step, freq)
    if is_period:
        _check_length(ordered, (last - first) // step + 1, repr(times.freqstr))
        return pd.period_range(times[0], times[-1], freq=times.freq), places
    return pd.RangeIndex(first, last + step, step), places


def _usual_step(ordered: SortedRows) -> int:
    """Return the most frequent difference between integers of a series; 1 if no series has two rows."""
    steps = np.diff(ordinals(ordered.times)[ordered.ranks])[ordered.is_next]
    if len(steps) == 0:
        return 1
    values, counts = np.unique(steps, return_counts=True)
    return int(values[counts.argmax()])


def _grid_of_dates(ordered: SortedRows, freq: Anything) -> tuple[AnyGrid, np.ndarray]:
    """Return the grid of dates for the first candidate of a frequency that fits, else raise for the best one."""
    times = ordered.times
    best: tuple[Any, np.ndarray] | None = None
    for offset in [pd.tseries.frequencies.to_offset(freq)] if freq is not None else _candidates(ordered):
        grid = _dates_from(ordered, offset)
        places = np.searchsorted(grid.asi8, times.asi8)
        off = np.append(grid.asi8, 0)[places] != times.asi8
        off[places == len(grid)] = True
        if not off.any():
            if freq is None and ordered.rows.freq is None:
                _refuse_finer(ordered, places, offset)
            return grid, places
        if best is None or off.sum() < best[1].sum():
            best = offset, off
    if best is None:
        raise ValueError(_no_frequency_message(ordered))
    offset, off = best
    _refuse_off_grid(ordered, off, repr(offset.freqstr), freq)
    raise AssertionError  # the line above raises


def _candidates(ordered: SortedRows) -> Iterator[Any]:
    """Yield frequencies that the times of a panel may have, the more likely ones first."""
    times, seen = ordered.times, set()
    if ordered.rows.freq is not None:
        yield ordered.rows.freq
    together = infer_freq(times) if len(times) > 2 else None
    if together is not None:
        yield together
        return
    n_rows = np.diff(ordered.indptr)
    longest = np.argsort(-n_rows, kind="stable")[:_N_LONG]
    parts = [times[ordered.ranks[ordered.indptr[s] : ordered.indptr[s + 1]]] for s in longest if n_rows[s] > 2]
    votes: Counter[str] = Counter()
    offsets = {}
    for part in parts:
        offset = infer_freq(part)
        if offset is not None:
            votes[offset.freqstr] += 1
            offsets[offset.freqstr] = offset
    for code, _ in votes.most_common():
        seen.add(code)
        yield offsets[code]
    for part in [*parts[:3], times]:
        for code in stretch_frequencies(part) if len(part) > 2 else ():
            if code not in seen:
                seen.add(code)
                yield pd.tseries.frequencies.to_offset(code)


def _dates_from(ordered: SortedRows, freq: Any) -> pd.DatetimeIndex:
    """Return the steps of a frequency from the first time on to the last, as far as these are steps."""
    times = ordered.times
    if isinstance(freq, pd.offsets.Tick | pd.offsets.Day):
        one = pd.Timedelta(freq.n, "D") if isinstance(freq, pd.offsets.Day) else pd.Timedelta(freq)
        _check_length(ordered, int((times[-1] - times[0]) / one) + 1, repr(freq.freqstr))
    if not follows_wall_clock(times, freq):
        return pd.date_range(times[0], times[-1], freq=freq, unit=times.unit)
    end = times[-1].tz_localize(None) + pd.Timedelta(2, "D")
    wall = pd.date_range(wall_clock_start(times), end, freq=freq, unit=times.unit)
    labels: Any = localize(wall, times.tz)
    return set_freq(labels[labels <= times[-1]], freq)


def max_labels(n_rows: int) -> int:
    """Return how many labels the grid of a panel of `n_rows` rows may have."""
    return max(_MAX_LABELS, 4 * n_rows)


def _check_length(ordered: SortedRows, n: int, step: str) -> None:
    """Raise if a grid has more labels than memory should hold."""
    if n > max_labels(len(ordered.ranks)):
        times, first = ordered.times, int(np.argmin(ordered.ranks))
        raise ValueError(
            f"{ordered.rows.name} has {n:,} steps of {step} from {format_label(times[0])}, of {ordered.at(first)}, to "
            f"{format_label(times[-1])}, for {len(ordered.ranks):,} rows; check the first and the last time, or pass a "
            "longer step with freq="
        )


# ---- errors ----------------------------------------------------------------------------------------------------------


def _refuse_off_grid(ordered: SortedRows, off: np.ndarray, step: Any, freq: Anything) -> None:
    """Raise for rows at times, (U,), that are no steps of the grid."""
    rows = off[ordered.ranks]
    row, n = int(np.argmax(rows)), int(rows.sum())
    more = "" if n == 1 else f", nor are {n - 1:,} more rows"
    given = f"the frequency is freq={freq!r}" if freq is not None else f"its rows have the step {step}"
    if freq is None and not isinstance(ordered.times, pd.DatetimeIndex | pd.PeriodIndex):
        labels = ordinals(ordered.times)
        least = int(np.gcd.reduce(labels - labels[0]))
        advice = f"all times are steps of freq={least}: pass it, with gaps='missing' for the steps that series lack"
    else:
        advice = _suggest_freq(ordered) or "correct or drop these rows, or pass another freq="
    raise ValueError(
        f"{ordered.at(row)} is not on the grid of {ordered.rows.name}{more}: {given}, and the first time is "
        f"{format_label(ordered.times[0])}; {advice}. Series of one panel have one frequency: fit series of other "
        "frequencies apart"
    )


def _refuse_finer(ordered: SortedRows, places: np.ndarray, freq: Any) -> None:
    """Raise if most rows are more than one step apart: series of longer steps that begin at different times."""
    steps = np.diff(places[ordered.ranks])[ordered.is_next]
    if len(steps) == 0 or 2 * np.count_nonzero(steps > 1) <= len(steps):
        return
    row = int(np.flatnonzero(ordered.is_next)[np.argmax(steps > 1)])
    raise ValueError(
        f"the times of all series of {ordered.rows.name} together have steps of {freq.freqstr!r}, but most rows of a "
        f"series are further apart: after {ordered.at(row)} comes "
        f"{format_label(ordered.times[ordered.ranks[row + 1]])}; pass freq={freq.freqstr!r} if these are gaps, else "
        "bring the series to the same dates, as with resample"
    )


def _no_frequency_message(ordered: SortedRows) -> str:
    """Return the message for times without any regular part."""
    s = int(np.argmax(np.diff(ordered.indptr)))
    n, times = int(ordered.indptr[s + 1] - ordered.indptr[s]), ordered.times
    few = ", which are too few to infer one" if len(times) < 3 else ""
    return (
        f"the times of {ordered.rows.name} have no frequency that could be inferred: all series together have "
        f"{len(times):,} different times, {format_label(times[0])} to {format_label(times[-1])}{few}, and the longest "
        f"series, {show_id(ordered.rows.ids, s)}, has {n:,} rows; "
        + (_suggest_freq(ordered) or "pass freq=, such as freq='D', or gaps='compress' if each row is one step")
    )


def _suggest_freq(ordered: SortedRows) -> str:
    """Return the advice to pass a frequency whose steps contain all times, most of them; "" if there is none."""
    times = ordered.times
    if not isinstance(times, pd.DatetimeIndex) or len(times) < 3:
        return ""
    seconds, limit = (times[-1] - times[0]).total_seconds(), 2 * len(times)
    for code in FREQUENCIES:
        if has_few_steps(seconds, code, limit):
            grid = _dates_from(ordered, pd.tseries.frequencies.to_offset(code))
            if len(grid) <= limit and times.isin(grid).all():
                return f"all times are steps of freq={code!r}: pass it"
    return ""
