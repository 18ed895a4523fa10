"""Mends of an index that is no regular grid, each tried on the data before an error offers it.

A mend is one Python expression in the name of the variable, such as ``y.to_period('M')``. It is evaluated as it will be
shown, and offered only if the result has a regular index and every observed value is still there. Of several, the one
that adds the fewest missing steps is taken; none may add more steps than there were.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

#: Mends in a row, such as sorting and then filling gaps.
_DEPTH = 3
#: What rounds jittered dates, from coarse to fine.
_ROUND = ("D", "h", "30min", "15min", "10min", "5min", "min", "s")
_PERIODS = ("Y", "Q", "M", "W", "D", "h", "min", "s")
_VERBS = {".sort_index(": "sort it with", "[~": "keep one of each with", "[": "drop that row with"}
_SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
_FREQUENCIES = ("YS", "YE", "QS", "QE", "BQE", "MS", "ME", "BMS", "BME", "SMS", "SME", "D", "B", "h", "min", "s")
#: How dates are written with the year last or without separators; the day and the month of some can be confused.
_FORMATS = (
    *("%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d-%m-%Y", "%m-%d-%Y", "%d/%m/%y", "%m/%d/%y", "%m/%Y", "%m-%Y"),
    *("%b %Y", "%B %Y", "%b-%Y", "%b-%y", "%d %b %Y", "%d-%b-%Y", "%b %d, %Y", "%d %B %Y", "%B %d, %Y"),
)


class Mend(NamedTuple):
    """An expression that mends an index.

    Attributes
    ----------
    text : str
        The expression.
    n_missing : int
        Steps that become missing by it.
    """

    text: str
    n_missing: int

    @property
    def by_position(self) -> bool:
        """Whether the labels are lost and the steps counted."""
        return self.text.endswith(".reset_index(drop=True)")


def advice(data: Any, name: str, is_regular: Callable[[Any], bool], freq: Any = None) -> str:
    """Return a sentence with the mend of an index, or with both if its dates can be read in two ways.

    Parameters
    ----------
    data : Series, DataFrame or Index
        What has the index; of an index alone each label counts as observed.
    name : str
        The variable that holds it.
    is_regular : callable
        Whether an index is accepted.
    freq : pandas offset, optional
        A frequency that is likely.

    Returns
    -------
    str

    Examples
    --------
    >>> advice(pd.Index([1, 2, 4]), "y", lambda index: (np.diff(index) == 1).all())
    'use y.reindex(range(1, 5)) (1 of its 4 steps becomes missing, which fit masks)'
    """
    column = _series_column(data, is_regular)
    if column is not None:
        pivot = f"{name}.set_index({column!r}, append=True).unstack()"
        return f"these are several series, told apart by the column {column!r}: use {pivot}"
    search = _Search(data, name, is_regular, freq)
    found = search.best()
    if not found:
        of = "of a regular grid" if freq is None else f"with the steps {freq.freqstr!r} of the series"
        return f"pass labels {of}"
    best, index = found[0], search.codes.index
    if len(found) > 1:
        return f"the dates can be read in two ways: use {best.text} for the one, {found[1].text} for the other"
    if best.by_position:
        lost = ""
        if index.has_duplicates and not isinstance(index, pd.MultiIndex):
            lost = "keeping one of each would lose values: decide which of them counts, or "
        elif index.hasnans:
            lost = "give that row its label, or "
        return f"{lost}use {best.text} (which counts the steps and loses the labels)"
    verb = next((verb for start, verb in _VERBS.items() if best.text.startswith(name + start)), "use")
    n, total = best.n_missing, len(index) + best.n_missing
    become = "becomes" if n == 1 else "become"
    return f"{verb} {best.text}" + (f" ({n} of its {total} steps {become} missing, which fit masks)" if n else "")


def first_that_works(
    labels: pd.Index, name: str, templates: tuple[str, ...], accepts: Callable[[Any], bool], allows: str = ""
) -> str | None:
    """Return the first mend of labels that is accepted, with ``{y}`` filled in, or None.

    Parameters
    ----------
    labels : pandas.Index
        What is to be mended.
    name : str
        The variable that holds a series with these labels, or an expression for the labels themselves.
    templates : tuple of str
        Expressions in ``{y}``.
    accepts : callable
        Whether the labels after the mend will do.
    allows : {"", "filling", "dropping"}
        Whether more than half of the labels may be new ones, or some may be left out.

    Examples
    --------
    >>> hours = pd.date_range("2024-01-01", periods=3, freq="h")
    >>> first_that_works(hours, "y", ("{y}.tz_convert('UTC')", "{y}.tz_localize('UTC')"), lambda labels: labels.tz)
    "y.tz_localize('UTC')"
    """
    for template in templates:
        for data in (pd.Series(np.arange(len(labels), dtype=float), labels), labels):
            try:
                mended = _evaluated(template.replace("{y}", "y"), y=data)
                n_kept = mended.notna().sum() if isinstance(mended, pd.Series) else len(mended)
                if n_kept < len(labels) and allows != "dropping":
                    continue
                if len(mended) > 2 * len(labels) and allows != "filling":
                    continue
                if accepts(getattr(mended, "index", mended)):
                    return template.replace("{y}", name)
            except Exception:  # a mend that fails for whatever reason is no mend
                continue
    return None


def _evaluated(text: str, **variables: Any) -> Any:
    """The value of an expression of ours; one that pandas warns about is no mend."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return eval(text, {"pd": pd, "np": np, **variables})


class _Search:
    """Expressions that give data a regular index and lose none of them."""

    def __init__(self, data: Any, name: str, is_regular: Callable[[pd.Index], bool], freq: Any):
        self.codes, self.name, self.is_regular, self.freq = _codes(data), name, is_regular, freq
        self.values = np.unique(self.codes.dropna())

    def best(self) -> list[Mend]:
        """The mend with the fewest missing steps; two where the day and the month can be confused."""
        found = self.all()
        if not found:
            return []
        best = min(found, key=lambda mend: (mend.by_position, mend.n_missing))
        twins = [mend for mend in found if _unordered(mend.text) == _unordered(best.text)]
        return twins if twins[0].n_missing == twins[-1].n_missing else [best]

    def all(self) -> list[Mend]:
        """All mends that work; longer ones only where the shorter ones add missing steps."""
        found: list[Mend] = []
        ways: list[tuple[str, pd.Index]] = [(self.name, self.codes.index)]
        seen = {_key(self.codes.index)}
        for _ in range(_DEPTH):
            longer = []
            for text, index in ways:
                for template in candidates(index, self.freq):
                    mend = template.replace("{y}", text)
                    mended = self.tried(mend)
                    if mended is None:
                        continue
                    if self.is_regular(mended.index):
                        found.append(Mend(mend, max(0, len(mended) - len(self.codes))))
                    elif _key(mended.index) not in seen:
                        seen.add(_key(mended.index))
                        longer.append((mend, mended.index))
            if any(mend.n_missing == 0 and not mend.by_position for mend in found):
                break
            ways = longer
        return found

    def tried(self, text: str) -> Any:
        """The data after a mend, or None where it fails, loses an observed value or adds too many steps."""
        try:
            mended = _evaluated(text, **{self.name: self.codes})
        except Exception:  # a mend that fails for whatever reason is no mend
            return None
        left = np.unique(mended.to_numpy().ravel())
        kept = np.array_equal(left[~np.isnan(left)], self.values)
        merged = mended.index.has_duplicates and not self.codes.index.has_duplicates
        return mended if kept and not merged and len(mended) <= 2 * len(self.codes) else None


def _series_column(data: Any, is_regular: Callable[[Any], bool]) -> Any:
    """The column of a frame that tells apart rows with the same label, or None."""
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


def _key(index: pd.Index) -> Any:
    """The same for indexes with the same labels."""
    return type(index), str(index.dtype), tuple(pd.util.hash_pandas_object(index, index=False))


def _unordered(text: str) -> str:
    """The expression without the order of day and month."""
    return re.sub("%d.%m|%m.%d", "", text)


def _codes(data: Any) -> pd.Series:
    """Numbers that stand for the rows: the same one for rows that are equal, NaN for those without a value."""
    if isinstance(data, pd.Index):
        return pd.Series(np.arange(len(data), dtype=float), data)
    index, rows = data.index, data.to_frame() if isinstance(data, pd.Series) else data
    codes = np.arange(len(rows), dtype=float)
    if not index.is_unique:
        hashes = pd.util.hash_pandas_object(rows.astype(str), index=False).to_numpy()
        codes = pd.factorize(pd.MultiIndex.from_arrays([np.asarray(index.astype(str)), hashes]))[0].astype(float)
    missing = rows.isna().to_numpy().all(axis=1) & index.isna() if not isinstance(index, pd.MultiIndex) else False
    return pd.Series(np.where(missing, np.nan, codes), index)


# ---- what could help -------------------------------------------------------------------------------------------------


def candidates(index: pd.Index, freq: Any = None) -> Iterator[str]:
    """Expressions in ``{y}`` that may mend an index, the more usual ones first."""
    if isinstance(index, pd.MultiIndex):
        yield from _of_levels(index)
    elif index.hasnans:
        yield "{y}[{y}.index.notna()]"
    elif _is_typed(index) and not index.is_monotonic_increasing:
        yield from () if index.is_unique else _of_duplicates(index)
        yield "{y}.sort_index(kind='stable')" if index.has_duplicates else "{y}.sort_index()"
        return  # their positions are not in the order of time
    elif _is_typed(index) and index.has_duplicates:
        yield from _of_duplicates(index)
    elif isinstance(index, pd.DatetimeIndex):
        yield from _of_dates(index, freq)
    elif isinstance(index, pd.PeriodIndex):
        first, last = str(index[0]), str(index[-1])
        yield f"{{y}}.reindex(pd.period_range({first!r}, {last!r}, freq={index.freqstr!r}))"
        for code in _PERIODS[:4]:
            if _holds(index.asfreq(code), index):
                yield f"{{y}}.set_axis({{y}}.index.asfreq({code!r}))"
    elif pd.api.types.is_integer_dtype(index.dtype):
        yield from _of_integers(index)
    elif pd.api.types.is_float_dtype(index.dtype):
        yield from _of_floats(index)
    else:
        yield from _of_objects(index)
    yield "{y}.reset_index(drop=True)"


def _is_typed(index: pd.Index) -> bool:
    """Whether the labels are dates, periods or numbers, and not text that may stand for some."""
    return isinstance(index, pd.DatetimeIndex | pd.PeriodIndex) or pd.api.types.is_numeric_dtype(index.dtype)


def _of_levels(index: pd.MultiIndex) -> Iterator[str]:
    """A level that is the same in all rows, year and month, or several series."""
    yield from (f"{{y}}.droplevel({k})" for k in range(index.nlevels) if len(index.unique(k)) == 1)
    if index.nlevels == 2 and all(pd.api.types.is_integer_dtype(level.dtype) for level in index.levels):
        part = "quarter" if index.levels[1].max() <= 4 else "month"
        fields = f"year=list({{y}}.index.get_level_values(0)), {part}=list({{y}}.index.get_level_values(1))"
        yield f"{{y}}.set_axis(pd.PeriodIndex.from_fields({fields}, freq={part[0].upper()!r}))"
    for k in range(index.nlevels - 1, -1, -1):
        others = [i for i in range(index.nlevels) if i != k]
        yield f"{{y}}.unstack({others[0] if len(others) == 1 else others})"


def _of_duplicates(index: pd.Index) -> Iterator[str]:
    """Rows that are there twice, or several series below each other."""
    yield "{y}[~{y}.index.duplicated()]"
    if index.value_counts().nunique() == 1:
        yield "{y}.set_axis(pd.MultiIndex.from_arrays([{y}.index, {y}.groupby(level=0).cumcount()])).unstack()"


def _of_dates(index: pd.DatetimeIndex, freq: Any) -> Iterator[str]:
    """Gaps in a frequency, dates beside the clock, dates within a period, another clock."""
    if len(index) == 1:
        yield "{y}.asfreq('D')"
        return
    seconds, limit = (index.asi8[-1] / 2 - index.asi8[0] / 2) * 2 * _SECONDS[index.unit], 2 * len(index)
    usual = [*_stretches(index), *_FREQUENCIES, *{f"W-{label.day_name()[:3].upper()}" for label in index[:1]}]
    for code in dict.fromkeys(([] if freq is None else [freq.freqstr]) + usual):
        if _is_short(seconds, code, limit):
            yield f"{{y}}.asfreq({code!r})"
            yield from _on_clock(index, code)
    if index.tz is not None:
        yield "{y}.tz_convert('UTC')"
        yield "{y}.tz_localize(None)"
    for code in _ROUND:
        if _is_short(seconds, code, limit):
            yield f"{{y}}.set_axis({{y}}.index.round({code!r}))"
    yield "{y}.set_axis({y}.index.normalize())"
    for code in () if index.tz is not None else _PERIODS:
        periods = index.to_period(code)
        if periods.is_unique and periods[-1].ordinal - periods[0].ordinal < limit:
            yield f"{{y}}.to_period({code!r})"


def _on_clock(index: pd.DatetimeIndex, code: str) -> Iterator[str]:
    """Gaps in days or longer steps of a clock that is changed meanwhile."""
    if index.tz is not None:
        first, last = str(index[0].tz_localize(None)), str(index[-1].tz_localize(None))
        clock = "{y}.index.tz, ambiguous=True, nonexistent='shift_forward'"
        yield f"{{y}}.reindex(pd.date_range({first!r}, {last!r}, freq={code!r}).tz_localize({clock}))"


def _stretches(index: pd.DatetimeIndex) -> dict[str, None]:
    """Frequencies that stretches of the index have, those of long stretches first."""
    found: dict[str, None] = {}
    for width in (12, 6, 4, 3):
        for start in range(min(40, len(index) - width + 1)):
            freq: Any = pd.DatetimeIndex(index[start : start + width], freq="infer").freq
            if freq is not None:
                found[freq.freqstr] = None
    return found


def _is_short(seconds: float, code: str, limit: int) -> bool:
    """Whether that frequency gives few enough labels in so much time to be tried."""
    freq = pd.tseries.frequencies.to_offset(code)
    if isinstance(freq, pd.offsets.Day):
        return seconds <= limit * freq.n * 86_400
    return not isinstance(freq, pd.offsets.Tick) or seconds <= limit * pd.Timedelta(freq).total_seconds()


def _holds(longer: pd.PeriodIndex, index: pd.PeriodIndex) -> bool:
    """Whether periods lie within other ones."""
    begin, end = longer.start_time <= index.start_time, index.end_time <= longer.end_time
    return bool(np.all(begin & end) and longer.freqstr != index.freqstr)


def _of_integers(index: pd.Index) -> Iterator[str]:
    """Dates written as numbers, and gaps."""
    low, high = int(index[0]), int(index[-1])
    for code, least, most in (("%Y%m%d", 16_000_101, 22_001_231), ("%Y%m", 160_001, 220_012)):
        if least <= low and high <= most:
            yield f"{{y}}.set_axis(pd.to_datetime({{y}}.index.astype(str), format={code!r}))"
    step = int(np.gcd.reduce(np.diff(index.to_numpy()).astype(np.int64)))
    if step and (high - low) // step <= 2 * len(index):
        every = "" if step == 1 else f", {step}"
        yield f"{{y}}.reindex(range({low}, {high + step}{every}))"


def _of_floats(index: pd.Index) -> Iterator[str]:
    """Whole numbers, and years with their months or quarters as fractions."""
    values = index.to_numpy(np.float64)
    if (values == np.floor(values)).all():
        yield "{y}.set_axis({y}.index.astype('int64'))"
        return
    for code, n in (("M", 12), ("Q", 4)) if 1600 < values[0] < values[-1] < 2200 else ():
        steps = np.round(values * n)
        if np.abs(values * n - steps).max() < 0.1 and (np.diff(steps) == 1).all():
            first = pd.Period(year=int(steps[0] // n), month=int(steps[0] % n) * (12 // n) + 1, freq=code)
            yield f"{{y}}.set_axis(pd.period_range({str(first)!r}, periods=len({{y}}), freq={code!r}))"


def _of_objects(index: pd.Index) -> Iterator[str]:
    """Text, dates of other classes, intervals."""
    text = [str(label) for label in index]
    if all(re.fullmatch(r"\d+", label) for label in text):
        for code, width in (("%Y%m%d", 8), ("%Y%m", 6)):
            if all(len(label) == width for label in text):
                yield f"{{y}}.set_axis(pd.to_datetime({{y}}.index, format={code!r}))"
        yield "{y}.set_axis({y}.index.astype('int64'))"
    elif all(re.match(r"\d{4}-?Q\d$", label) for label in text):
        yield "{y}.set_axis(pd.PeriodIndex({y}.index, freq='Q'))"
    elif all(re.match(r"\d{4}", label) for label in text):  # with the year first nothing is unclear
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
