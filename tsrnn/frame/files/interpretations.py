"""Interpretations of a column: the dates or numbers that its text may mean."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ...messages import format_label
from .date_formats import candidate_formats, directives, format_resolution, read_dates
from .grid import MIN_COVERAGE, coverage
from .text_table import all_match, quoted

#: Ticks per second since 1970, by format name; range of seconds that is recognised, from 1973 to 2099.
_EPOCHS = {"unix-s": 1, "unix-ms": 10**3, "unix-us": 10**6, "unix-ns": 10**9}
_EPOCH_RANGE = (10**8, 41 * 10**8)
_EXCEL, _EXCEL_RANGE = "excel", (20_000, 80_000)  # days, 1954 to 2119
_DECIMAL_YEAR = "decimal-year"
NUMBER = "number"
#: Values of ``--date-format`` that are names instead of formats.
FORMAT_NAMES = (*_EPOCHS, _EXCEL, _DECIMAL_YEAR, NUMBER)

_ISO_DAY = r"\d{4}-\d\d-\d\d"
_ISO = r"\d{4}-\d\d-\d\d(?:[Tt ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?)?\s?(?:Z|[+-]\d\d:?\d\d)?"
_YEARS = (1700, 2199)  # of dates that are written as numbers
_CALENDAR = {"%Y%m", "%Y%m%d", "%Y%m%d%H", "%Y%m%d%H%M", "%Y%m%d%H%M%S"}


@dataclass(frozen=True)
class Interpretation:
    """Labels that the text of a column may mean.

    Attributes
    ----------
    date_format : str
        Value of ``--date-format`` that chooses this interpretation.
    resolution : {"year", "quarter", "month", "week", "day", "time", "number"}
        Resolution of the text.
    labels : Index of length n
        Dates or integers.
    coverage : float
        Fraction of the steps of a regular grid that are present.
    missing_part : str
        Part of a date that is missing in the text, such as "year"; "" for none. With a missing part, the labels are
        used only to compute the coverage.
    has_several_offsets : bool
        Whether the text has more than one offset from UTC.
    """

    date_format: str
    resolution: str
    labels: pd.Index
    coverage: float
    missing_part: str = ""
    has_several_offsets: bool = False

    @property
    def description(self) -> str:
        """The kind of labels in words, such as "ISO weeks"."""
        unit = {"unix-s": "seconds", "unix-ms": "milliseconds", "unix-us": "microseconds", "unix-ns": "nanoseconds"}
        if self.missing_part:
            return (
                f"days without a {self.missing_part}"
                if self.missing_part == "year"
                else f"times without a {self.missing_part}"
            )
        kind = {"number": "numbers", "time": "dates and times"}.get(self.resolution, f"{self.resolution}s")
        if self.date_format in unit:
            kind = f"{unit[self.date_format]} since 1970 (UTC)"
        elif self.date_format == _EXCEL:
            kind = "Excel's count of days"
        elif self.date_format == _DECIMAL_YEAR:
            kind = "months in decimal years"
        elif "%V" in self.date_format:
            kind = f"ISO {kind}"
        return kind

    @property
    def span(self) -> str:
        """The earliest and the latest label, such as "2015-01-01 to 2015-03-01"."""
        return f"{format_label(self.labels.min())} to {format_label(self.labels.max())}"

    @property
    def is_standard(self) -> bool:
        """Whether the labels are in ISO 8601 or plain numbers, which is not reported."""
        return self.date_format in ("ISO 8601", NUMBER)


def format_option(interpretation: Interpretation) -> str:
    """Return the option that chooses an interpretation, quoted for a shell."""
    return f"--date-format {shlex.quote(interpretation.date_format)}"


def find_interpretations(cells: pd.Series) -> list[Interpretation]:
    """Return all interpretations of a column, including those without a year or without a date."""
    if all_match(cells, _ISO):
        return _iso_interpretations(cells)
    if all_match(cells, r"[+-]?\d+(?:\.0*)?"):
        return _integer_interpretations(cells.str.replace(r"\.0*$", "", regex=True))
    if all_match(cells, rf"{_ISO_DAY}/{_ISO_DAY}"):
        return _iso_interpretations(cells.str[:10])  # a week, as pandas writes its periods
    if all_match(cells, r"\d+\.\d+|\d+"):
        month = interpret_format(cells, "%Y.%m") if all_match(cells, r"\d{4}\.\d\d") else None
        found = _without_none(
            month,
            _decimal_year_interpretation(cells),
            _excel_interpretation(cells),
            _epoch_interpretation(cells, "unix-s"),
        )
        return [candidate for candidate in found if candidate.coverage >= MIN_COVERAGE]  # other numbers are values
    return _without_none(*(interpret_format(cells, date_format) for date_format in candidate_formats(cells.iloc[0])))


def _without_none(*found: Interpretation | None) -> list[Interpretation]:
    """Return the interpretations that are not None."""
    return [interpretation for interpretation in found if interpretation is not None]


def _iso_interpretations(cells: pd.Series) -> list[Interpretation]:
    """Return the interpretation of dates in ISO 8601; none if one does not exist."""
    offsets = cells.str.extract(r":\d\d.*(Z|[+-]\d\d:?\d\d)$")[0]
    several = offsets.nunique() > 1
    try:
        labels = pd.DatetimeIndex(pd.to_datetime(cells, format="ISO8601", utc=several))
    except ValueError:
        return []
    resolution = "time" if cells.str.contains(":").any() else "day"
    return [Interpretation("ISO 8601", resolution, labels, coverage(labels, resolution), has_several_offsets=several)]


def interpret_format(cells: pd.Series, date_format: str) -> Interpretation | None:
    """Return the interpretation by a format, None if some text does not match it."""
    resolution, missing_part = format_resolution(date_format)
    if missing_part:
        return _incomplete_interpretation(cells, date_format, missing_part)
    sample = cells.iloc[:: max(1, len(cells) // 100)]
    if np.isnat(read_dates(sample, date_format)[0]).any():
        return None  # faster than parsing a long column by each format
    found = None
    # Two digits mean 1950 to 2049, as in spreadsheets, or 1900 to 1999 if only those years make a regular grid.
    for first_year in (1950, 1900) if "y" in directives(date_format) else (1950,):
        dates, offsets = read_dates(cells, date_format, first_year)
        if np.isnat(dates).any():
            return None
        labels, several = _labels(dates, offsets)
        interpretation = Interpretation(
            date_format, resolution, labels, coverage(labels, resolution), has_several_offsets=several
        )
        if found is None or (found.coverage < MIN_COVERAGE and interpretation.coverage > found.coverage):
            found = interpretation
    return found


def _labels(dates: np.ndarray, offsets: np.ndarray) -> tuple[pd.DatetimeIndex, bool]:
    """Return dates as an index, in UTC if they have several offsets, and whether they have several."""
    if np.isnan(offsets).all():
        return _index(dates), False
    minutes = np.unique(offsets)
    universal = _index(dates - (offsets * 60 * 10**6).astype(np.int64) * np.timedelta64(1, "us")).tz_localize("UTC")
    if len(minutes) > 1 or minutes[0] == 0:
        return universal, len(minutes) > 1
    import datetime

    return universal.tz_convert(datetime.timezone(datetime.timedelta(minutes=minutes[0]))), False


def _index(dates: np.ndarray) -> pd.DatetimeIndex:
    """Return dates as an index in pandas' default unit, or in microseconds if that unit cannot hold them."""
    index = pd.DatetimeIndex(dates)
    try:
        return index.as_unit(pd.date_range("2000", periods=1).unit)
    except pd.errors.OutOfBoundsDatetime:
        return index


def _incomplete_interpretation(cells: pd.Series, date_format: str, missing_part: str) -> Interpretation | None:
    """Return dates in assumed years, or times on assumed days, to compute how regular they are."""
    if missing_part not in ("year", "date"):
        return None
    names = set(directives(date_format))
    filled = date_format + {"year": " %Y", "date": " %F"}[missing_part]
    if "V" in names:
        filled = filled.replace("%Y", "%G")
    if names <= {"a"}:
        return Interpretation(date_format, "day", pd.Index([]), 1.0, missing_part)
    padding = {"year": " 2000", "date": " 2000-01-01"}[missing_part]
    dates, _ = read_dates(cells + padding, filled)
    if np.isnat(dates).any():
        return None
    period = np.timedelta64(366 if missing_part == "year" else 1, "D")
    turns = np.concatenate([[0], np.cumsum(np.diff(dates) < np.timedelta64(0, "us"))])
    labels = _index(dates + turns * period)
    resolution = "month" if not names & {"d", "V", "j", "H", "I"} else "time"
    return Interpretation(date_format, resolution, labels, coverage(labels, resolution, same_day=False), missing_part)


# ---- numbers ---------------------------------------------------------------------------------------------------------


def _integer_interpretations(cells: pd.Series) -> list[Interpretation]:
    """Return the interpretations of integers: as dates, or as numbers if no date is likelier."""
    digits = cells.str.len().unique()
    formats = candidate_formats(cells.iloc[0]) if len(digits) == 1 and cells.iloc[0].isdigit() else []
    found = _without_none(*(interpret_format(cells, date_format) for date_format in formats))
    found = [candidate for candidate in found if "%y" in candidate.date_format or _is_plausible_year(candidate.labels)]
    regular = {candidate.date_format for candidate in found if candidate.coverage >= MIN_COVERAGE}
    numbers = _number_interpretation(cells)
    years = _without_none(interpret_format(cells, "%y") if digits.tolist() == [2] and cells.iloc[0].isdigit() else None)
    if years and _in_order(years[0]) and not (numbers and _in_order(numbers)):
        return years  # 98, 99, 00, 01 are in order as years only
    if regular & _CALENDAR:
        return [candidate for candidate in found if candidate.date_format != "%G%V"]
    epochs = _without_none(*(_epoch_interpretation(cells, unit) for unit in _EPOCHS))
    if any(candidate.coverage >= MIN_COVERAGE for candidate in epochs):
        return epochs
    if numbers is not None and numbers.coverage >= MIN_COVERAGE and cells.str.len().max() <= 4:
        return [numbers]  # 1821, 1822, ... are years
    return [*found, *years, *_without_none(_excel_interpretation(cells), numbers), *epochs]


def _in_order(interpretation: Interpretation) -> bool:
    """Whether the labels are ascending or descending."""
    return bool(interpretation.labels.is_monotonic_increasing or interpretation.labels.is_monotonic_decreasing)


def _is_plausible_year(labels: pd.Index) -> bool:
    """Whether all dates are in the years of `_YEARS`."""
    years = pd.DatetimeIndex(labels).year
    return bool(_YEARS[0] <= years.min() and years.max() <= _YEARS[1])


def _number_interpretation(cells: pd.Series) -> Interpretation | None:
    """Return integers as labels, None if they are too large."""
    values = [int(cell) for cell in cells]
    if max(map(abs, values)) >= 2**62:
        return None
    labels = pd.Index(np.array(values, np.int64))
    return Interpretation(NUMBER, "number", labels, coverage(labels, "number"))


def _epoch_interpretation(cells: pd.Series, unit: str, *, anywhere: bool = False) -> Interpretation | None:
    """Return ticks since 1970 as dates, None if one is outside the usual range, or with `anywhere` outside pandas'."""
    per_second = _EPOCHS[unit]
    values = np.array([_to_nanoseconds(cell, per_second) for cell in cells], dtype=object)
    if not anywhere and not all(_EPOCH_RANGE[0] * 10**9 <= value < _EPOCH_RANGE[1] * 10**9 for value in values):
        return None
    if not all(abs(value) < 2**63 for value in values):
        return None
    nanoseconds = values.astype(np.int64)
    fine = bool((nanoseconds % 1000).any())
    labels = pd.DatetimeIndex(nanoseconds.astype("datetime64[ns]"))
    labels = labels if fine else _index(nanoseconds.astype("datetime64[ns]").astype("datetime64[us]"))
    return Interpretation(unit, "time", labels, coverage(labels, "time"))


def _to_nanoseconds(cell: str, per_second: int) -> int:
    """Return a number of ticks since 1970 in nanoseconds, without rounding."""
    whole, _, rest = cell.partition(".")
    scale = 10**9 // per_second
    fraction = int(rest) * scale // 10 ** len(rest) if rest else 0
    return int(whole) * scale + (-fraction if cell.startswith("-") else fraction)


def _excel_interpretation(cells: pd.Series, *, anywhere: bool = False) -> Interpretation | None:
    """Return Excel's day numbers as dates, None if one is outside the usual range, or with `anywhere` Excel's."""
    values = cells.astype(float).to_numpy()
    low, high = (1, 2_958_466) if anywhere else _EXCEL_RANGE
    if values.min() < low or values.max() >= high:
        return None
    seconds = np.round(values * 86_400).astype(np.int64)
    labels = _index((np.datetime64("1899-12-30", "s") + seconds * np.timedelta64(1, "s")).astype("datetime64[us]"))
    resolution = "day" if (seconds % 86_400 == 0).all() else "time"
    return Interpretation(_EXCEL, resolution, labels, coverage(labels, resolution))


def _decimal_year_interpretation(cells: pd.Series) -> Interpretation | None:
    """Return months written as 1949.083, the beginning or the middle of a month."""
    values = cells.astype(float).to_numpy()
    if values.min() < _YEARS[0] or values.max() > _YEARS[1]:
        return None
    months = values * 12
    begins, middles = np.round(months), np.floor(months)
    if np.abs(months - begins).max() <= 0.07:  # 1949.08 is rounded by 0.04 months
        months = begins
    elif np.abs(months - middles - 0.5).max() <= 0.2:
        months = middles
    else:
        return None
    labels = _index((months.astype(np.int64) - 1970 * 12).astype("datetime64[M]").astype("datetime64[us]"))
    return Interpretation(_DECIMAL_YEAR, "month", labels, coverage(labels, "month"))


def interpret_named_format(cells: pd.Series, name: str) -> Interpretation | None:
    """Return the interpretation by one of `FORMAT_NAMES`, None if numbers are out of its range."""
    pattern = r"[+-]?\d+(?:\.0*)?" if name == NUMBER else r"-?\d+(?:\.\d*)?"
    if not all_match(cells, pattern):
        line, cell = next((line, cell) for line, cell in cells.items() if not re.fullmatch(pattern, cell))
        kind = "an integer" if name == NUMBER else "a number"
        raise ValueError(
            f"column {cells.name!r} has {quoted(cell)} in line {line}, which is not {kind}; correct it, or leave out "
            f"--date-format {name}"
        )
    text = cells.str.replace(r"\.0*$", "", regex=True)
    read: dict[str, Callable[[], Interpretation | None]] = {
        NUMBER: lambda: _number_interpretation(text),
        _EXCEL: lambda: _excel_interpretation(text, anywhere=True),
        _DECIMAL_YEAR: lambda: _decimal_year_interpretation(text),
    }
    return read.get(name, lambda: _epoch_interpretation(text, name, anywhere=True))()
