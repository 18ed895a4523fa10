"""Labels that come to a fitted forecaster, compared with those of its series.

`follows` is for rows that go on where the series ends, `same_steps` for another series, `steps_ahead` for the labels of
a forecast, and `as_labels` for covariates. The first two give the same answer about kinds, frequencies and time zones.
An error offers a mend that was tried on the labels, or else says in words what would do.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from .clock import clock_until, on_clock, pinned, without_freq
from .future import later_labels, step_shown
from .index import Grid, regular, shown
from .mends import first_that_works

#: Instants at which two time zones that show different clocks do so.
_YEAR = pd.date_range("2024-01-01", periods=12, freq="MS", tz="UTC")
_NANOSECONDS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}


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
        If the kinds, frequencies or time zones differ, or if there is a gap or an overlap between the two. In another
        time zone the labels may be the same instants.

    Examples
    --------
    >>> follows(pd.RangeIndex(10), pd.RangeIndex(10, 12))
    >>> follows(pd.RangeIndex(10), pd.RangeIndex(11, 12))
    Traceback (most recent call last):
        ...
    ValueError: gap: y_new begins at 11, but the series ends at 9 and goes on at 10; fill y_new with NaN from 10 on: \
y_new.reindex(range(10, 12))
    """
    _refuse(lambda labels: _following_fault(index, labels, name), new_index, name)


def same_steps(index: Grid, other: Grid, *, name: str = "context") -> None:
    """Check that another series has labels of the same kind, frequency and time zone.

    Parameters
    ----------
    index : pandas.DatetimeIndex, pandas.PeriodIndex or pandas.RangeIndex
        The labels of the series.
    other : pandas.DatetimeIndex, pandas.PeriodIndex or pandas.RangeIndex
        Those of the other one, as `read_target` returned them.
    name : str, default="context"
        What error messages call the other one.

    Raises
    ------
    ValueError
        If they differ. The message says in what, and what would do.

    Examples
    --------
    >>> days = pd.date_range("2024-01-01", periods=5)
    >>> same_steps(days, pd.date_range("1999-03-04", periods=9))
    >>> same_steps(days, pd.date_range("2024-01-01", periods=5, freq="W"))
    Traceback (most recent call last):
        ...
    ValueError: context has the frequency 'W-SUN', but the series has 'D'; resample context to it
    """
    _refuse(lambda labels: _kind_fault(index, labels, name) or _step_fault(index, labels, name), other, name)


def step_of(index: Grid) -> Any:
    """Return the frequency of dates or periods, the step of integers."""
    return index.step if isinstance(index, pd.RangeIndex) else index.freq


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
        steps_from = f"steps of {step_shown(index)} from {shown(last)}"
        raise ValueError(f"{name} holds {label}, which is not on the grid of the series: {steps_from}")
    return steps


def as_labels(index: Any, wanted: Any, name: str) -> Any:
    """Return wanted labels as an index of the kind of `index`; dates in another time zone are the same instants."""
    labels = wanted if isinstance(wanted, pd.Index) else pd.Index(wanted)
    if len(labels) == 0:
        raise ValueError(f"{name} is empty: it needs at least one label after the end of the series")
    if labels.dtype == object or isinstance(labels.dtype, pd.StringDtype):
        labels = _parsed(index, labels, name)
    if labels.hasnans:
        raise ValueError(f"{name} has a missing label at position {int(np.argmax(labels.isna()))}")
    variable = name.removeprefix("the index of ")
    if variable == name and labels is not wanted:
        variable = f"pd.Index({name})" if isinstance(index, pd.RangeIndex) else f"pd.{type(index).__name__}({name})"
    fault = _kind_fault(index, labels, name)
    if fault is not None:
        works = first_that_works(
            labels, variable, fault.templates, lambda other: _kind_fault(index, other, name) is None
        )
        raise ValueError(fault.message(works))
    return labels.tz_convert(index.tz) if isinstance(labels, pd.DatetimeIndex) and labels.tz is not None else labels


# ---- what is wrong ---------------------------------------------------------------------------------------------------


class _Fault(NamedTuple):
    """What is wrong with labels.

    Attributes
    ----------
    text : str
        Where, and what was expected.
    words : str
        What to do, where no mend works.
    templates : tuple of str
        Expressions in ``{y}`` that may mend it.
    verb : str
        What stands before such an expression.
    allows : str
        Whether it may fill a long gap or drop labels, as for `first_that_works`.
    """

    text: str
    words: str
    templates: tuple[str, ...] = ()
    verb: str = "use "
    allows: str = ""

    def message(self, mend: str | None) -> str:
        """The message of the error, with a mend if there is one that works."""
        return f"{self.text}; {self.words if mend is None else self.verb + mend}"


def _refuse(find_fault: Callable[[Grid], _Fault | None], labels: Any, name: str) -> None:
    """Raise what is wrong with the labels, with the first mend after which nothing is."""
    fault = find_fault(labels)
    if fault is None:
        return

    def accepts(other: pd.Index) -> bool:
        try:
            return len(other) > 0 and find_fault(regular(other, name)) is None
        except ValueError:
            return False

    raise ValueError(fault.message(first_that_works(labels, name, fault.templates, accepts, fault.allows)))


def _following_fault(index: Any, new: Any, name: str) -> _Fault | None:
    """What keeps labels from being those after the end of `index`."""
    fault = _kind_fault(index, new, name)
    if fault is not None:
        return fault
    due: Any = later_labels(index, len(new))
    if bool((new == due).all()):  # also in another zone, or by another name: QS-JAN and QS-OCT
        return None
    return _step_fault(index, new, name) or _place_fault(index, new, due, name)


def _kind_fault(index: Any, other: Any, name: str) -> _Fault | None:
    """Labels of another kind, of another period, or with a time zone where there is none."""
    integers = pd.api.types.is_integer_dtype(other.dtype)
    if not (integers if isinstance(index, pd.RangeIndex) else type(other) is type(index)):
        have = "integer" if integers else type(other).__name__
        text = f"{name} has {have} labels, but the series has a {type(index).__name__}"
        return _Fault(text, "use that kind", _other_kinds(index))
    if isinstance(index, pd.PeriodIndex) and index.freq != other.freq:
        text = f"{name} has the frequency {other.freqstr!r}, but the series has {index.freqstr!r}"
        return _Fault(text, f"resample {name} to it", (f"{{y}}.set_axis({{y}}.index.asfreq({index.freqstr!r}))",))
    if isinstance(index, pd.DatetimeIndex) and (index.tz is None) != (other.tz is None):
        return _zone_fault(index, other, name)
    return None


def _other_kinds(index: Any) -> tuple[str, ...]:
    """Turn dates into periods, and periods into dates."""
    if isinstance(index, pd.PeriodIndex):
        return (f"{{y}}.to_period({index.freqstr!r})", f"{{y}}.tz_localize(None).to_period({index.freqstr!r})")
    if not isinstance(index, pd.DatetimeIndex):
        return ()
    zone = "" if index.tz is None else f".tz_localize({str(index.tz)!r})"
    last_day = "{y}.set_axis({y}.index.to_timestamp(how='end').normalize())"
    return (f"{{y}}.to_timestamp(){zone}", last_day + zone)


def _zone_fault(index: Any, other: Any, name: str) -> _Fault:
    ours, theirs = index.tz or "none", other.tz or "none"
    zone, moved = repr(str(index.tz)), "ambiguous=True, nonexistent='shift_forward'"
    if index.tz is None:
        templates: tuple[str, ...] = ("{y}.tz_localize(None)", "{y}.tz_convert(None)")
    elif other.tz is None:
        localise = f"{{y}}.tz_localize({zone}"
        templates = (f"{localise})", f"{localise}, ambiguous='infer')", f"{localise}, {moved})")
        templates += (f"{{y}}.tz_localize('UTC').tz_convert({zone})",)
    else:
        templates = (f"{{y}}.tz_convert({zone})", f"{{y}}.tz_localize(None).tz_localize({zone})")
    text = f"{name} has the time zone {theirs}, but the series has {ours}"
    return _Fault(text, f"use tz_localize or tz_convert on {name}", templates)


def _step_fault(index: Any, other: Any, name: str) -> _Fault | None:
    """Labels in another time zone, or with other steps; of the same kind."""
    if isinstance(index, pd.DatetimeIndex) and index.tz is not None and not _same_clock(index.tz, other):
        return _zone_fault(index, other, name)
    if len(other) > 1 and not _same_step(index, other):
        text = f"{name} has the frequency {step_shown(other)}, but the series has {step_shown(index)}"
        templates = () if isinstance(index, pd.RangeIndex) else (f"{{y}}.asfreq({index.freqstr!r})",)
        return _Fault(text, f"resample {name} to it", templates)
    return None


def _same_clock(tz: Any, other: pd.DatetimeIndex) -> bool:
    """Whether a zone shows the same time as that of `other`, at its labels and all the year round."""
    instants = [other, _YEAR.tz_convert(other.tz)]
    return all(labels.tz_convert(tz).tz_localize(None).equals(labels.tz_localize(None)) for labels in instants)


def _same_step(index: Any, other: Any) -> bool:
    """Whether labels of the same kind, in the same zone, have the steps of `index`."""
    if isinstance(index, pd.RangeIndex):
        return bool(index.step == other.step)
    if index.freq == other.freq:
        return True
    try:
        due = later_labels(pinned(other[:1], index.freq), len(other) - 1)
    except ValueError:  # it does not begin on such a step
        return False
    return bool((due == other[1:]).all())


def _place_fault(index: Any, new: Any, due: Any, name: str) -> _Fault:
    """A gap, an overlap, or labels between two steps."""
    first, last, next_label = new[0], index[-1], due[0]
    where = f"{name} begins at {shown(first)}, but the series ends at {shown(last)}"
    if first <= last:
        label = last if isinstance(index, pd.RangeIndex) else repr(shown(last))
        words = f"all of {name} lies before its end; pass what comes later"
        return _Fault(
            f"overlap: {where}", words, (f"{{y}}[{{y}}.index > {label}]",), "keep what comes later, ", "dropping"
        )
    ahead = _count_steps(index, new)
    if (ahead < 1).any():
        words = f"move its labels to the steps of {step_shown(index)} from {shown(last)}"
        codes = ("D", "h", "min", "s") if isinstance(index, pd.DatetimeIndex) else ()
        rounds = tuple(f"{{y}}.set_axis({{y}}.index.{how}({code!r}))" for code in codes for how in ("floor", "round"))
        return _Fault(f"off the grid: {where} and goes on at {shown(next_label)}", words, rounds)
    fill = f"fill {name} with NaN from {shown(next_label)} on"
    templates = tuple(
        f"{{y}}.reindex({labels})" for labels in _written(index, next_label, new[-1]) if ahead[-1] < 10**6
    )
    return _Fault(f"gap: {where} and goes on at {shown(next_label)}", fill, templates, f"{fill}: ", "filling")


def _written(index: Any, first: Any, last: Any) -> tuple[str, ...]:
    """Expressions for the labels from `first` to `last` with the steps of `index`."""
    if isinstance(index, pd.RangeIndex):
        step = "" if index.step == 1 else f", {index.step}"
        return (f"range({first}, {last + index.step}{step})",)
    if isinstance(index, pd.PeriodIndex):
        return (f"pd.period_range({str(first)!r}, {str(last)!r}, freq={index.freqstr!r})",)
    if index.tz is None:
        return (f"pd.date_range({shown(first)!r}, {shown(last)!r}, freq={index.freqstr!r})",)
    if not on_clock(index, index.freq):
        first, last = (shown(label.tz_convert(None)) for label in (first, last))
        return (f"pd.date_range({first!r}, {last!r}, freq={index.freqstr!r}, tz='UTC').tz_convert({{y}}.index.tz)",)
    first, last = (shown(label.tz_localize(None)) for label in (first, last))
    clock = "{y}.index.tz, ambiguous=True, nonexistent='shift_forward'"
    return (f"pd.date_range({first!r}, {last!r}, freq={index.freqstr!r}).tz_localize({clock})",)


# ---- helpers ---------------------------------------------------------------------------------------------------------


def _dates(labels: pd.Index) -> pd.DatetimeIndex:
    """Read dates, also those past the last one in nanoseconds, which pandas 2 reads by default."""
    try:
        return pd.DatetimeIndex(labels)
    except pd.errors.OutOfBoundsDatetime:
        return pd.DatetimeIndex(labels.to_numpy(dtype="M8[s]"))


def _parsed(index: Grid, labels: pd.Index, name: str) -> pd.Index:
    """Read labels that are strings or other objects, such as `datetime.date`."""
    try:
        if isinstance(index, pd.DatetimeIndex):
            return _dates(labels)
        if isinstance(index, pd.PeriodIndex):
            return pd.PeriodIndex(labels, freq=index.freq)
    except (TypeError, ValueError):
        pass
    raise ValueError(f"{name} holds {labels[0]!r}, but the series has a {type(index).__name__}: use that kind")


def _count_steps(index: Any, labels: Any) -> np.ndarray:
    """Count the steps from the end of `index` to later labels; 0 or less where one lies between two steps."""
    last = index[-1]
    if isinstance(index, pd.RangeIndex):
        whole, rest = divmod(labels.to_numpy(np.int64) - last, index.step)
        return np.where(rest == 0, whole, 0)
    freq = index.freq
    if isinstance(index, pd.PeriodIndex):
        whole, rest = divmod(labels.asi8 - last.ordinal, freq.n)
        return np.where(rest == 0, whole, 0)
    if isinstance(freq, pd.offsets.Tick) and not isinstance(freq, pd.offsets.Day):  # the clock's steps are all equal
        end = int(index.asi8[-1]) * _NANOSECONDS[index.unit]
        later = labels.asi8.astype(object) * _NANOSECONDS[labels.unit] - end  # Python's integers, as far as they lead
        step = pd.Timedelta(freq).value
        return np.where(later % step == 0, later // step, 0).astype(np.int64)
    try:
        end = labels.max().as_unit(index.unit)
    except ValueError:  # past the last date of that unit
        index = pinned(without_freq(index).as_unit("s"), freq)
        last, end = index[-1], labels.max()
    if on_clock(index, freq):
        return clock_until(index, freq, end).get_indexer(labels) + 1
    return pd.date_range(last, end, freq=freq, unit=index.unit).get_indexer(labels)  # the calendar's are not
