"""Fixes of an index that is no regular grid, each tried on the data before an error suggests it.

A fix is one Python expression in the name of the variable, such as ``y.to_period('M')``. It is evaluated as the message
shows it, and suggested only if the result has a regular index and still contains every observed value. Of several
fixes, the one with the fewest new missing steps is suggested; none may more than double the number of steps.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Hashable, Iterator
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd

#: Data with an index, or an index.
PandasData = pd.Series | pd.DataFrame | pd.Index
#: Changes of the labels that a fix may make, beside replacing each of them.
Allowed = Literal["", "filling", "dropping"]
#: Most fixes in one expression, such as sorting and then filling gaps.
_MAX_CHAINED = 3
#: Frequencies to which jittered dates are rounded, from coarse to fine.
_ROUNDING = ("D", "h", "30min", "15min", "10min", "5min", "min", "s")
_PERIODS = ("Y", "Q", "M", "W", "D", "h", "min", "s")
_VERBS = {".sort_index(": "sort it with", "[~": "keep one of each with", "[": "drop that row with"}
_SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
FREQUENCIES = ("YS", "YE", "QS", "QE", "BQE", "MS", "ME", "BMS", "BME", "SMS", "SME", "D", "B", "h", "min", "s")
#: Formats of dates with the year last; in some of them day and month can be confused.
_FORMATS = (
    *("%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d-%m-%Y", "%m-%d-%Y", "%d/%m/%y", "%m/%d/%y", "%m/%Y", "%m-%Y"),
    *("%b %Y", "%B %Y", "%b-%Y", "%b-%y", "%d %b %Y", "%d-%b-%Y", "%b %d, %Y", "%d %B %Y", "%B %d, %Y"),
)


class Fix(NamedTuple):
    """An expression that makes an index regular.

    Attributes
    ----------
    text : str
        The expression.
    n_missing : int
        Number of steps that it adds, whose values are missing.
    """

    text: str
    n_missing: int

    @property
    def drops_labels(self) -> bool:
        """Whether it replaces the labels by 0, 1, 2, ..."""
        return self.text.endswith(".reset_index(drop=True)")


def suggest_fix(
    data: PandasData, name: str, is_regular: Callable[[pd.Index], bool], freq: pd.offsets.BaseOffset | None = None
) -> str:
    """Return a phrase with the best fix of an index, or with two if day and month can be confused.

    Parameters
    ----------
    data : Series, DataFrame or Index
        Data with the index; for an index alone each label counts as an observed value.
    name : str
        Name of the variable that holds the data.
    is_regular : callable
        Returns whether an index is accepted.
    freq : pandas offset, optional
        Frequency to try first.

    Returns
    -------
    str

    Examples
    --------
    >>> suggest_fix(pd.Index([1, 2, 4]), "y", lambda index: (np.diff(index) == 1).all())
    'use y.reindex(range(1, 5)) (1 of its 4 steps becomes missing, which fit masks)'
    """
    column = _series_column(data, is_regular)
    if column is not None:
        pivot = f"{name}.set_index({column!r}, append=True).unstack()"
        return f"its rows are several series, which the column {column!r} distinguishes: use {pivot}"
    search = _FixSearch(data, name, is_regular, freq)
    found = search.best()
    if not found:
        of = "of a regular grid" if freq is None else f"with the steps {freq.freqstr!r} of the series"
        return f"pass labels {of}"
    best, index = found[0], search.codes.index
    if len(found) > 1:
        return f"the dates can be read in two ways: use {best.text} for the one, {found[1].text} for the other"
    if best.drops_labels:
        other = ""
        if index.has_duplicates and not isinstance(index, pd.MultiIndex):
            other = "the rows of a repeated label have different values: keep one of them, or "
        elif index.hasnans:
            other = "give that row its label, or "
        return f"{other}use {best.text} (which replaces the labels by 0, 1, 2, ...)"
    verb = next((verb for start, verb in _VERBS.items() if best.text.startswith(name + start)), "use")
    n, total = best.n_missing, len(index) + best.n_missing
    become = "becomes" if n == 1 else "become"
    return f"{verb} {best.text}" + (f" ({n} of its {total} steps {become} missing, which fit masks)" if n else "")


def first_working_fix(
    labels: pd.Index, name: str, templates: tuple[str, ...], accepts: Callable[[pd.Index], bool], allows: Allowed = ""
) -> str | None:
    """Return the first fix after which the labels are accepted, with ``{y}`` replaced by `name`, or None.

    Parameters
    ----------
    labels : pandas.Index
        The labels to fix.
    name : str
        Name of a series with these labels, or an expression for the labels themselves.
    templates : tuple of str
        Expressions in ``{y}``.
    accepts : callable
        Returns whether labels are accepted.
    allows : {"", "filling", "dropping"}
        "filling": more than half of the labels may be new; "dropping": labels may be dropped.

    Examples
    --------
    >>> hours = pd.date_range("2024-01-01", periods=3, freq="h")
    >>> first_working_fix(hours, "y", ("{y}.tz_convert('UTC')", "{y}.tz_localize('UTC')"), lambda labels: labels.tz)
    "y.tz_localize('UTC')"
    """
    for template in templates:
        for data in (pd.Series(np.arange(len(labels), dtype=float), labels), labels):
            try:
                fixed = _evaluate(template.replace("{y}", "y"), y=data)
                n_kept = fixed.notna().sum() if isinstance(fixed, pd.Series) else len(fixed)
                if n_kept < len(labels) and allows != "dropping":
                    continue
                if len(fixed) > 2 * len(labels) and allows != "filling":
                    continue
                if accepts(getattr(fixed, "index", fixed)):
                    return template.replace("{y}", name)
            except Exception:  # an expression that raises anything is no fix
                continue
    return None


def _evaluate(text: str, **variables: PandasData) -> Any:  # whatever pandas returns
    """Return the value of an expression of this module; a warning of pandas counts as an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return eval(text, {"pd": pd, "np": np, **variables})


class _FixSearch:
    """Search for expressions that give data a regular index and lose no value."""

    def __init__(
        self, data: PandasData, name: str, is_regular: Callable[[pd.Index], bool], freq: pd.offsets.BaseOffset | None
    ) -> None:
        self.codes, self.name, self.is_regular, self.freq = _row_codes(data), name, is_regular, freq
        self.values = np.unique(self.codes.dropna())

    def best(self) -> list[Fix]:
        """Return the fix with the fewest missing steps; two where the day and the month can be confused."""
        found = self.all()
        if not found:
            return []
        best = min(found, key=lambda fix: (fix.drops_labels, fix.n_missing))
        equal = [fix for fix in found if _without_day_month_order(fix.text) == _without_day_month_order(best.text)]
        return equal if equal[0].n_missing == equal[-1].n_missing else [best]

    def all(self) -> list[Fix]:
        """Return all fixes that work; chained ones are tried only if the shorter ones add missing steps."""
        found: list[Fix] = []
        pending: list[tuple[str, pd.Index]] = [(self.name, self.codes.index)]
        seen = {_index_key(self.codes.index)}
        for _ in range(_MAX_CHAINED):
            irregular = []
            for text, index in pending:
                for template in candidate_fixes(index, self.freq):
                    fix = template.replace("{y}", text)
                    fixed = self.apply(fix)
                    if fixed is None:
                        continue
                    if self.is_regular(fixed.index):
                        found.append(Fix(fix, max(0, len(fixed) - len(self.codes))))
                    elif _index_key(fixed.index) not in seen:
                        seen.add(_index_key(fixed.index))
                        irregular.append((fix, fixed.index))
            if any(fix.n_missing == 0 and not fix.drops_labels for fix in found):
                break
            pending = irregular
        return found

    def apply(self, text: str) -> pd.Series | pd.DataFrame | None:
        """Return the data after a fix, None if it raises, loses an observed value or adds too many steps."""
        try:
            fixed = _evaluate(text, **{self.name: self.codes})
        except Exception:  # an expression that raises anything is no fix
            return None
        left = np.unique(fixed.to_numpy().ravel())
        kept = np.array_equal(left[~np.isnan(left)], self.values)
        merged = fixed.index.has_duplicates and not self.codes.index.has_duplicates
        return fixed if kept and not merged and len(fixed) <= 2 * len(self.codes) else None


def _series_column(data: PandasData, is_regular: Callable[[pd.Index], bool]) -> Hashable | None:
    """Return the column of a frame that distinguishes rows with the same label, or None."""
    if not isinstance(data, pd.DataFrame) or data.shape[1] < 2 or not data.index.has_duplicates:
        return None
    n_labels = data.index.nunique()
    for column in data.columns[~data.columns.duplicated()]:
        names = data[column]
        if pd.api.types.is_float_dtype(names.dtype) or names.nunique() * n_labels != len(data):
            continue
        if not pd.MultiIndex.from_arrays([data.index, names]).has_duplicates and is_regular(data.index.unique()):
            return column
    return None


def _index_key(index: pd.Index) -> Hashable:
    """Return a key that is equal for indexes with equal labels."""
    return type(index), str(index.dtype), tuple(pd.util.hash_pandas_object(index, index=False))


def _without_day_month_order(text: str) -> str:
    """Return the expression without its codes of day and month."""
    return re.sub("%d.%m|%m.%d", "", text)


def _row_codes(data: PandasData) -> pd.Series:
    """Return a number for each row, (n,): equal rows have equal numbers, rows without any value NaN."""
    if isinstance(data, pd.Index):
        return pd.Series(np.arange(len(data), dtype=float), data)
    index: Any = data.index
    rows = data.to_frame() if isinstance(data, pd.Series) else data
    codes = np.arange(len(rows), dtype=float)
    if not index.is_unique:
        hashes = pd.util.hash_pandas_object(rows.astype(str), index=False).to_numpy()
        codes = pd.factorize(pd.MultiIndex.from_arrays([np.asarray(index.astype(str)), hashes]))[0].astype(float)
    missing = rows.isna().to_numpy().all(axis=1) & index.isna() if not isinstance(index, pd.MultiIndex) else False
    return pd.Series(np.where(missing, np.nan, codes), index)


# ---- candidates -------------------------------------------------------------------------------------------------


def candidate_fixes(index: pd.Index, freq: pd.offsets.BaseOffset | None = None) -> Iterator[str]:
    """Yield expressions in ``{y}`` that may make an index regular, the more usual ones first."""
    if isinstance(index, pd.MultiIndex):
        yield from _level_fixes(index)
    elif index.hasnans:
        yield "{y}[{y}.index.notna()]"
    elif _is_typed(index) and not index.is_monotonic_increasing:
        yield from () if index.is_unique else _duplicate_fixes(index)
        yield "{y}.sort_index(kind='stable')" if index.has_duplicates else "{y}.sort_index()"
        return  # without its labels, the data would not be in the order of time
    elif _is_typed(index) and index.has_duplicates:
        yield from _duplicate_fixes(index)
    elif isinstance(index, pd.DatetimeIndex):
        yield from _date_fixes(index, freq)
    elif isinstance(index, pd.PeriodIndex):
        first, last = str(index[0]), str(index[-1])
        yield f"{{y}}.reindex(pd.period_range({first!r}, {last!r}, freq={index.freqstr!r}))"
        for code in _PERIODS[:4]:
            if _are_within(index.asfreq(code), index):
                yield f"{{y}}.set_axis({{y}}.index.asfreq({code!r}))"
    elif pd.api.types.is_integer_dtype(index.dtype):
        yield from _integer_fixes(index)
    elif pd.api.types.is_float_dtype(index.dtype):
        yield from _float_fixes(index)
    else:
        yield from _object_fixes(index)
    yield "{y}.reset_index(drop=True)"


def _is_typed(index: pd.Index) -> bool:
    """Whether the labels are dates, periods or numbers, and not text."""
    return isinstance(index, pd.DatetimeIndex | pd.PeriodIndex) or pd.api.types.is_numeric_dtype(index.dtype)


def _level_fixes(index: pd.MultiIndex) -> Iterator[str]:
    """Yield fixes of a MultiIndex: drop a constant level, join year and month, or unstack several series."""
    yield from (f"{{y}}.droplevel({k})" for k in range(index.nlevels) if len(index.unique(k)) == 1)
    if index.nlevels == 2 and all(pd.api.types.is_integer_dtype(level.dtype) for level in index.levels):
        part = "quarter" if index.levels[1].max() <= 4 else "month"
        fields = f"year=list({{y}}.index.get_level_values(0)), {part}=list({{y}}.index.get_level_values(1))"
        yield f"{{y}}.set_axis(pd.PeriodIndex.from_fields({fields}, freq={part[0].upper()!r}))"
    for k in range(index.nlevels - 1, -1, -1):
        others = [i for i in range(index.nlevels) if i != k]
        yield f"{{y}}.unstack({others[0] if len(others) == 1 else others})"


def _duplicate_fixes(index: pd.Index) -> Iterator[str]:
    """Yield fixes of repeated labels: drop repeated rows, or unstack several series."""
    yield "{y}[~{y}.index.duplicated()]"
    if index.value_counts().nunique() == 1:
        yield "{y}.set_axis(pd.MultiIndex.from_arrays([{y}.index, {y}.groupby(level=0).cumcount()])).unstack()"


def _date_fixes(index: pd.DatetimeIndex, freq: pd.offsets.BaseOffset | None) -> Iterator[str]:
    """Yield fixes of dates: fill gaps, change the time zone, round, or convert to periods."""
    if len(index) == 1:
        yield "{y}.asfreq('D')"
        return
    seconds, limit = (index.asi8[-1] / 2 - index.asi8[0] / 2) * 2 * _SECONDS[index.unit], 2 * len(index)
    usual = [*stretch_frequencies(index), *FREQUENCIES, *{f"W-{label.day_name()[:3].upper()}" for label in index[:1]}]
    for code in dict.fromkeys(([] if freq is None else [freq.freqstr]) + usual):
        if has_few_steps(seconds, code, limit):
            yield f"{{y}}.asfreq({code!r})"
            yield from _wall_clock_fixes(index, code)
    if index.tz is not None:
        yield "{y}.tz_convert('UTC')"
        yield "{y}.tz_localize(None)"
    for code in _ROUNDING:
        if has_few_steps(seconds, code, limit):
            yield f"{{y}}.set_axis({{y}}.index.round({code!r}))"
    yield "{y}.set_axis({y}.index.normalize())"
    for code in () if index.tz is not None else _PERIODS:
        periods = index.to_period(code)
        if periods.is_unique and periods[-1].ordinal - periods[0].ordinal < limit:
            yield f"{{y}}.to_period({code!r})"


def _wall_clock_fixes(index: pd.DatetimeIndex, code: str) -> Iterator[str]:
    """Yield a fix that fills gaps on the wall clock of a time zone."""
    if index.tz is not None:
        first, last = str(index[0].tz_localize(None)), str(index[-1].tz_localize(None))
        clock = "{y}.index.tz, ambiguous=True, nonexistent='shift_forward'"
        yield f"{{y}}.reindex(pd.date_range({first!r}, {last!r}, freq={code!r}).tz_localize({clock}))"


def stretch_frequencies(index: pd.DatetimeIndex) -> dict[str, None]:
    """Return the frequencies of parts of the index, those of long parts first."""
    found: dict[str, None] = {}
    for width in (12, 6, 4, 3):
        for start in range(min(40, len(index) - width + 1)):
            freq: Any = pd.DatetimeIndex(index[start : start + width], freq="infer").freq
            if freq is not None:
                found[freq.freqstr] = None
    return found


def has_few_steps(seconds: float, code: str, limit: int) -> bool:
    """Whether that frequency has at most `limit` steps in so many seconds; True for calendar steps."""
    freq = pd.tseries.frequencies.to_offset(code)
    if isinstance(freq, pd.offsets.Day):
        return seconds <= limit * freq.n * 86_400
    return not isinstance(freq, pd.offsets.Tick) or seconds <= limit * pd.Timedelta(freq).total_seconds()


def _are_within(longer: pd.PeriodIndex, index: pd.PeriodIndex) -> bool:
    """Whether each period of `index` lies within the one of `longer`, of another frequency."""
    begin, end = longer.start_time <= index.start_time, index.end_time <= longer.end_time
    return bool(np.all(begin & end) and longer.freqstr != index.freqstr)


def _integer_fixes(index: pd.Index) -> Iterator[str]:
    """Yield fixes of integers: convert numbers such as 20240131 to dates, or fill gaps."""
    low, high = int(index[0]), int(index[-1])
    for code, least, most in (("%Y%m%d", 16_000_101, 22_001_231), ("%Y%m", 160_001, 220_012)):
        if least <= low and high <= most:
            yield f"{{y}}.set_axis(pd.to_datetime({{y}}.index.astype(str), format={code!r}))"
    step = int(np.gcd.reduce(np.diff(index.to_numpy()).astype(np.int64)))
    if step and (high - low) // step <= 2 * len(index):
        every = "" if step == 1 else f", {step}"
        yield f"{{y}}.reindex(range({low}, {high + step}{every}))"


def _float_fixes(index: pd.Index) -> Iterator[str]:
    """Yield fixes of floats: convert to integers, or decimal years to months or quarters."""
    values = index.to_numpy(np.float64)
    if (values == np.floor(values)).all():
        yield "{y}.set_axis({y}.index.astype('int64'))"
        return
    for code, n in (("M", 12), ("Q", 4)) if 1600 < values[0] < values[-1] < 2200 else ():
        steps = np.round(values * n)
        if np.abs(values * n - steps).max() < 0.1 and (np.diff(steps) == 1).all():
            first = pd.Period(year=int(steps[0] // n), month=int(steps[0] % n) * (12 // n) + 1, freq=code)
            yield f"{{y}}.set_axis(pd.period_range({str(first)!r}, periods=len({{y}}), freq={code!r}))"


def _object_fixes(index: pd.Index) -> Iterator[str]:
    """Yield fixes of text, date objects and intervals."""
    text = [str(label) for label in index]
    if all(re.fullmatch(r"\d+", label) for label in text):
        for code, width in (("%Y%m%d", 8), ("%Y%m", 6)):
            if all(len(label) == width for label in text):
                yield f"{{y}}.set_axis(pd.to_datetime({{y}}.index, format={code!r}))"
        yield "{y}.set_axis({y}.index.astype('int64'))"
    elif all(re.match(r"\d{4}-?Q\d$", label) for label in text):
        yield "{y}.set_axis(pd.PeriodIndex({y}.index, freq='Q'))"
    elif all(re.match(r"\d{4}", label) for label in text):  # with the year first, day and month cannot be confused
        yield "{y}.set_axis(pd.to_datetime({y}.index))"
        yield "{y}.set_axis(pd.DatetimeIndex({y}.index.to_numpy()))"
        if pd.api.types.is_string_dtype(index.dtype) and any(re.search(r":.*[+-]\d", label) for label in text):
            yield "{y}.set_axis(pd.to_datetime({y}.index.str.replace(r'[+-]\\d\\d:?\\d\\d$', '', regex=True)))"
        yield "{y}.set_axis(pd.to_datetime({y}.index, utc=True))"
        yield "{y}.set_axis(pd.to_datetime({y}.index, format='%YM%m'))"
        yield "{y}.set_axis(pd.PeriodIndex({y}.index))"
    else:
        yield from (f"{{y}}.set_axis(pd.to_datetime({{y}}.index, format={code!r}))" for code in _FORMATS)
    if isinstance(index, pd.IntervalIndex):
        yield "{y}.set_axis({y}.index.left)"
