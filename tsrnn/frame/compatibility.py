"""Comparison of new labels with those of a fitted series.

`check_continuation` checks rows that follow the end of the series, `check_same_grid` the labels of another series.
`steps_ahead` counts the steps to the labels of a forecast, and `convert_labels` converts those of covariates. All use
the same rules for kinds of labels, frequencies and time zones. An error suggests an expression that was tried on the
labels; where none works, it says in words what to do.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd

from ..checks import Anything
from ..messages import format_label
from .fixes import Allowed, first_working_fix
from .future import format_step, next_labels
from .index import AnyGrid, Grid, Label, to_grid
from .wall_clock import follows_wall_clock, set_freq, wall_clock_labels_until, without_freq

#: Two time zones with the same wall-clock times at these instants count as equal.
_INSTANTS_OF_A_YEAR = pd.date_range("2024-01-01", periods=12, freq="MS", tz="UTC")
_NANOSECONDS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}


def check_continuation(index: Grid, new_index: Grid, *, name: str = "y_new") -> None:
    """Check that the first new label is the step right after the end of the series.

    Parameters
    ----------
    index : pandas.DatetimeIndex, pandas.PeriodIndex or pandas.RangeIndex
        Labels of the series.
    new_index : pandas.DatetimeIndex, pandas.PeriodIndex or pandas.RangeIndex
        Labels of the new rows, as `read_target` returns them.
    name : str, deproblem="y_new"
        Name of the new rows in error messages.

    Raises
    ------
    ValueError
        If the kinds, frequencies or time zones differ, or if there is a gap or an overlap between the two. The same
        instants in another time zone are accepted.

    Examples
    --------
    >>> check_continuation(pd.RangeIndex(10), pd.RangeIndex(10, 12))
    >>> check_continuation(pd.RangeIndex(10), pd.RangeIndex(11, 12))
    Traceback (most recent call last):
        ...
    ValueError: gap: y_new begins at 11, but the series ends at 9 and continues at 10; fill y_new with NaN from 10 on: \
y_new.reindex(range(10, 12))
    """
    _raise_problem(lambda labels: _continuation_problem(index, labels, name), new_index, name)


def check_same_grid(index: Grid, other: Grid, *, name: str = "context") -> None:
    """Check that another series has labels of the same kind, frequency and time zone.

    Parameters
    ----------
    index : pandas.DatetimeIndex, pandas.PeriodIndex or pandas.RangeIndex
        Labels of the series.
    other : pandas.DatetimeIndex, pandas.PeriodIndex or pandas.RangeIndex
        Labels of the other series, as `read_target` returns them.
    name : str, deproblem="context"
        Name of the other series in error messages.

    Raises
    ------
    ValueError
        If they differ. The message names the difference and what to do.

    Examples
    --------
    >>> days = pd.date_range("2024-01-01", periods=5)
    >>> check_same_grid(days, pd.date_range("1999-03-04", periods=9))
    >>> check_same_grid(days, pd.date_range("2024-01-01", periods=5, freq="W"))
    Traceback (most recent call last):
        ...
    ValueError: context has the frequency 'W-SUN', but the series has 'D'; resample context to 'D'
    """
    _raise_problem(lambda labels: _kind_problem(index, labels, name) or _step_problem(index, labels, name), other, name)


def index_step(index: Grid) -> pd.offsets.BaseOffset | int | None:
    """Return the frequency of dates or periods, or the step of integers.

    Parameters
    ----------
    index : pandas.DatetimeIndex, pandas.PeriodIndex or pandas.RangeIndex
        Labels of a series.

    Returns
    -------
    pandas offset or int

    Examples
    --------
    >>> index_step(pd.RangeIndex(1990, 2020, 10))
    10
    """
    return index.step if isinstance(index, pd.RangeIndex) else index.freq


def steps_ahead(index: Grid, wanted: Anything, *, name: str = "index") -> np.ndarray:
    """Count the steps from the end of `index` to each of the wanted labels.

    Parameters
    ----------
    index : pandas.DatetimeIndex, pandas.PeriodIndex or pandas.RangeIndex
        Labels of the series.
    wanted : pandas.Index or array-like of shape (n,)
        Dates, periods or integers after its end, in any order.
    name : str, deproblem="index"
        Name of `wanted` in error messages.

    Returns
    -------
    ndarray of int of shape (n,)
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
    labels = convert_labels(index, wanted, name)
    last = index[-1]
    late = np.asarray(labels > last)
    if not late.all():
        label = format_label(labels[int(np.argmin(late))])
        raise ValueError(
            f"{name} holds {label}, which is not after the end of the series, {format_label(last)}; pass labels after "
            "that one"
        )
    steps = _count_steps(index, labels)
    if (steps < 1).any():
        label = format_label(labels[int(np.argmax(steps < 1))])
        raise ValueError(
            f"{name} holds {label}, which is not on the grid of the series: steps of {format_step(index)} from "
            f"{format_label(last)}; pass labels on this grid"
        )
    return steps


def convert_labels(index: AnyGrid, wanted: Anything, name: str) -> pd.Index:
    """Return labels as an index of the same kind as `index`, with the same time zone.

    Parameters
    ----------
    index : pandas.DatetimeIndex, pandas.PeriodIndex or pandas.RangeIndex
        Labels of the series.
    wanted : pandas.Index or array-like of shape (n,)
        Dates, periods or integers.
    name : str
        Name of `wanted` in error messages.

    Returns
    -------
    pandas.Index of length n

    Raises
    ------
    ValueError
        If there is no label, a label is missing, or the labels are of another kind.

    Examples
    --------
    >>> convert_labels(pd.period_range("1990", "1999", freq="Y"), ["2001", "2000"], "index")
    PeriodIndex(['2001', '2000'], dtype='period[Y-DEC]')
    """
    labels = wanted if isinstance(wanted, pd.Index) else pd.Index(wanted)
    if len(labels) == 0:
        raise ValueError(f"{name} is empty: pass at least one label after the end of the series")
    if labels.dtype == object or isinstance(labels.dtype, pd.StringDtype):
        labels = _parse_labels(index, labels, name)
    if labels.hasnans:
        raise ValueError(f"{name} has a missing label at position {int(np.argmax(labels.isna()))}; drop it")
    variable = name.removeprefix("the index of ")
    if variable == name and labels is not wanted:
        variable = f"pd.Index({name})" if isinstance(index, pd.RangeIndex) else f"pd.{type(index).__name__}({name})"
    problem = _kind_problem(index, labels, name)
    if problem is not None:
        works = first_working_fix(
            labels, variable, problem.templates, lambda other: _kind_problem(index, other, name) is None
        )
        raise ValueError(problem.message(works))
    return labels.tz_convert(index.tz) if isinstance(labels, pd.DatetimeIndex) and labels.tz is not None else labels


# ---- problems with labels and their fixes ----------------------------------------------------------------------------


class _Problem(NamedTuple):
    """A difference between labels and those of the series.

    Attributes
    ----------
    text : str
        What is wrong, where, and what was expected.
    advice : str
        What to do, in words, if none of the fixes works.
    templates : tuple of str
        Expressions in ``{y}`` that may fix it.
    prefix : str
        Text before such an expression.
    allows : {"", "filling", "dropping"}
        Whether a fix may fill a long gap or drop labels, as for `first_working_fix`.
    """

    text: str
    advice: str
    templates: tuple[str, ...] = ()
    prefix: str = "use "
    allows: Allowed = ""

    def message(self, fix: str | None) -> str:
        """Return the error message, with the fix if one works."""
        return f"{self.text}; {self.advice if fix is None else self.prefix + fix}"


def _raise_problem(find_problem: Callable[[Grid], _Problem | None], labels: Grid, name: str) -> None:
    """Raise the problem of the labels, if there is one, with the first fix that solves it."""
    problem = find_problem(labels)
    if problem is None:
        return

    def accepts(other: pd.Index) -> bool:
        try:
            return len(other) > 0 and find_problem(to_grid(other, name)) is None
        except ValueError:
            return False

    raise ValueError(problem.message(first_working_fix(labels, name, problem.templates, accepts, problem.allows)))


def _continuation_problem(index: Grid, new: Grid, name: str) -> _Problem | None:
    """Find why labels do not follow the end of `index`, None if they do."""
    problem = _kind_problem(index, new, name)
    if problem is not None:
        return problem
    expected = next_labels(index, len(new))
    if bool((new == expected).all()):  # time zones and names of frequencies (QS-JAN and QS-OCT) may differ
        return None
    return _step_problem(index, new, name) or _position_problem(index, new, expected, name)


def _kind_problem(index: AnyGrid, other: AnyGrid, name: str) -> _Problem | None:
    """Find another kind of labels, another period, or a time zone that only one of the two has."""
    integers = pd.api.types.is_integer_dtype(other.dtype)
    if not (integers if isinstance(index, pd.RangeIndex) else type(other) is type(index)):
        have = "integer" if integers else type(other).__name__
        text = f"{name} has {have} labels, but the series has a {type(index).__name__}"
        return _Problem(text, f"use a {type(index).__name__}", _conversion_fixes(index))
    if isinstance(index, pd.PeriodIndex) and index.freq != other.freq:
        text = f"{name} has the frequency {other.freqstr!r}, but the series has {index.freqstr!r}"
        return _Problem(
            text, f"resample {name} to {index.freqstr!r}", (f"{{y}}.set_axis({{y}}.index.asfreq({index.freqstr!r}))",)
        )
    if isinstance(index, pd.DatetimeIndex) and (index.tz is None) != (other.tz is None):
        return _zone_problem(index, other, name)
    return None


def _conversion_fixes(index: Grid) -> tuple[str, ...]:
    """Return expressions that convert dates to the periods of `index`, or periods to its dates."""
    if isinstance(index, pd.PeriodIndex):
        return (f"{{y}}.to_period({index.freqstr!r})", f"{{y}}.tz_localize(None).to_period({index.freqstr!r})")
    if not isinstance(index, pd.DatetimeIndex):
        return ()
    zone = "" if index.tz is None else f".tz_localize({str(index.tz)!r})"
    last_day = "{y}.set_axis({y}.index.to_timestamp(how='end').normalize())"
    return (f"{{y}}.to_timestamp(){zone}", last_day + zone)


def _zone_problem(index: pd.DatetimeIndex, other: pd.DatetimeIndex, name: str) -> _Problem:
    """Describe different time zones, or a time zone that only one of the two has."""
    ours, theirs = index.tz or "none", other.tz or "none"
    zone, moved = repr(str(index.tz)), "ambiguous=True, nonexistent='shift_forward'"
    if index.tz is None:
        templates: tuple[str, ...] = ("{y}.tz_localize(None)", "{y}.tz_convert(None)")
    elif other.tz is None:
        localize = f"{{y}}.tz_localize({zone}"
        templates = (f"{localize})", f"{localize}, ambiguous='infer')", f"{localize}, {moved})")
        templates += (f"{{y}}.tz_localize('UTC').tz_convert({zone})",)
    else:
        templates = (f"{{y}}.tz_convert({zone})", f"{{y}}.tz_localize(None).tz_localize({zone})")
    text = f"{name} has the time zone {theirs}, but the series has {ours}"
    return _Problem(text, f"use tz_localize or tz_convert on {name}", templates)


def _step_problem(index: AnyGrid, other: AnyGrid, name: str) -> _Problem | None:
    """Find another time zone or other steps, for labels of the same kind."""
    if isinstance(index, pd.DatetimeIndex) and index.tz is not None and not _shows_same_time(index.tz, other):
        return _zone_problem(index, other, name)
    if len(other) > 1 and not _has_same_step(index, other):
        text = f"{name} has the frequency {format_step(other)}, but the series has {format_step(index)}"
        templates = () if isinstance(index, pd.RangeIndex) else (f"{{y}}.asfreq({index.freqstr!r})",)
        return _Problem(text, f"resample {name} to {format_step(index)}", templates)
    return None


def _shows_same_time(tz: datetime.tzinfo, other: pd.DatetimeIndex) -> bool:
    """Whether a zone has the same wall-clock times as that of `other`, at its labels and in each month of a year."""
    instants = [other, _INSTANTS_OF_A_YEAR.tz_convert(other.tz)]
    return all(labels.tz_convert(tz).tz_localize(None).equals(labels.tz_localize(None)) for labels in instants)


def _has_same_step(index: AnyGrid, other: AnyGrid) -> bool:
    """Whether labels of the same kind and zone have the step of `index`."""
    if isinstance(index, pd.RangeIndex):
        return bool(index.step == other.step)
    if index.freq == other.freq:
        return True
    try:
        expected = next_labels(set_freq(other[:1], index.freq), len(other) - 1)
    except ValueError:  # its first label is not on the grid of that frequency
        return False
    return bool((expected == other[1:]).all())


def _position_problem(index: AnyGrid, new: AnyGrid, expected: AnyGrid, name: str) -> _Problem:
    """Describe a gap, an overlap, or labels between two steps."""
    first, last, next_label = new[0], index[-1], expected[0]
    where = f"{name} begins at {format_label(first)}, but the series ends at {format_label(last)}"
    if first <= last:
        label = last if isinstance(index, pd.RangeIndex) else repr(format_label(last))
        advice = f"all labels of {name} are before its end; pass later rows"
        return _Problem(
            f"overlap: {where}", advice, (f"{{y}}[{{y}}.index > {label}]",), "keep the later rows, ", "dropping"
        )
    ahead = _count_steps(index, new)
    if (ahead < 1).any():
        advice = f"move its labels to the steps of {format_step(index)} from {format_label(last)}"
        codes = ("D", "h", "min", "s") if isinstance(index, pd.DatetimeIndex) else ()
        fixes = tuple(f"{{y}}.set_axis({{y}}.index.{how}({code!r}))" for code in codes for how in ("floor", "round"))
        return _Problem(f"off the grid: {where} and continues at {format_label(next_label)}", advice, fixes)
    fill = f"fill {name} with NaN from {format_label(next_label)} on"
    labels = _range_expression(index, next_label, new[-1])
    templates = (f"{{y}}.reindex({labels})",) if ahead[-1] < 10**6 else ()
    return _Problem(
        f"gap: {where} and continues at {format_label(next_label)}", fill, templates, f"{fill}: ", "filling"
    )


def _range_expression(index: AnyGrid, first: Label, last: Label) -> str:
    """Return the expression for the labels from `first` to `last` with the steps of `index`."""
    if isinstance(index, pd.RangeIndex):
        step = "" if index.step == 1 else f", {index.step}"
        return f"range({first}, {last + index.step}{step})"
    if isinstance(index, pd.PeriodIndex):
        return f"pd.period_range({str(first)!r}, {str(last)!r}, freq={index.freqstr!r})"
    if index.tz is None:
        return f"pd.date_range({format_label(first)!r}, {format_label(last)!r}, freq={index.freqstr!r})"
    if not follows_wall_clock(index, index.freq):
        first, last = (format_label(label.tz_convert(None)) for label in (first, last))
        return f"pd.date_range({first!r}, {last!r}, freq={index.freqstr!r}, tz='UTC').tz_convert({{y}}.index.tz)"
    first, last = (format_label(label.tz_localize(None)) for label in (first, last))
    clock = "{y}.index.tz, ambiguous=True, nonexistent='shift_forward'"
    return f"pd.date_range({first!r}, {last!r}, freq={index.freqstr!r}).tz_localize({clock})"


# ---- helpers ---------------------------------------------------------------------------------------------------------


def _to_dates(labels: pd.Index) -> pd.DatetimeIndex:
    """Convert labels to dates, in seconds where they lie past 2262, the end of dates in nanoseconds."""
    try:
        return pd.DatetimeIndex(labels)
    except pd.errors.OutOfBoundsDatetime:
        return pd.DatetimeIndex(labels.to_numpy(dtype="M8[s]"))


def _parse_labels(index: Grid, labels: pd.Index, name: str) -> pd.Index:
    """Convert strings and other objects, such as `datetime.date`, to dates or periods."""
    try:
        if isinstance(index, pd.DatetimeIndex):
            return _to_dates(labels)
        if isinstance(index, pd.PeriodIndex):
            return pd.PeriodIndex(labels, freq=index.freq)
    except (TypeError, ValueError):
        pass
    raise ValueError(f"{name} holds {labels[0]!r}, but the series has a {type(index).__name__}; use one")


def _count_steps(index: AnyGrid, labels: AnyGrid) -> np.ndarray:
    """Return the number of steps from the end of `index` to each label, (n,); 0 or less between two steps."""
    last = index[-1]
    if isinstance(index, pd.RangeIndex):
        whole, rest = divmod(labels.to_numpy(np.int64) - last, index.step)
        return np.where(rest == 0, whole, 0)
    freq = index.freq
    if isinstance(index, pd.PeriodIndex):
        whole, rest = divmod(labels.asi8 - last.ordinal, freq.n)
        return np.where(rest == 0, whole, 0)
    if isinstance(freq, pd.offsets.Tick) and not isinstance(freq, pd.offsets.Day):  # steps of equal length
        end = int(index.asi8[-1]) * _NANOSECONDS[index.unit]
        later = labels.asi8.astype(object) * _NANOSECONDS[labels.unit] - end  # Python's integers: no overflow
        step = pd.Timedelta(freq).value
        return np.where(later % step == 0, later // step, 0).astype(np.int64)
    try:
        end = labels.max().as_unit(index.unit)
    except ValueError:  # later than the last date of that unit
        index = set_freq(without_freq(index).as_unit("s"), freq)
        last, end = index[-1], labels.max()
    if follows_wall_clock(index, freq):
        return wall_clock_labels_until(index, freq, end).get_indexer(labels) + 1
    return pd.date_range(last, end, freq=freq, unit=index.unit).get_indexer(labels)
