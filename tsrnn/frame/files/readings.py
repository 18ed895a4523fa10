"""The readings of a column: the dates, or the numbers, that its text could mean."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ...messages import format_label
from .cells import all_match, short
from .formats import candidate_formats, directives, read_dates, step_of
from .grid import LEAST_COVERAGE, coverage

#: Units of time since 1970 by their option; the count of 1973-03-03, below which such numbers are not recognised.
_EPOCHS = {"unix-s": 1, "unix-ms": 10**3, "unix-us": 10**6, "unix-ns": 10**9}
_EPOCH_RANGE = (10**8, 41 * 10**8)
_EXCEL, _EXCEL_RANGE = "excel", (20_000, 80_000)  # 1954 to 2119
_DECIMAL_YEAR = "decimal-year"
NUMBERS = "number"
#: Values of ``--date-format`` that are no formats.
WORDS = (*_EPOCHS, _EXCEL, _DECIMAL_YEAR, NUMBERS)

_ISO_DAY = r"\d{4}-\d\d-\d\d"
_ISO = r"\d{4}-\d\d-\d\d(?:[Tt ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?)?\s?(?:Z|[+-]\d\d:?\d\d)?"
_YEARS = (1700, 2199)  # of dates that are written as a whole number
_CALENDAR = {"%Y%m", "%Y%m%d", "%Y%m%d%H", "%Y%m%d%H%M", "%Y%m%d%H%M%S"}


@dataclass(frozen=True)
class Reading:
    """Labels that a column could mean.

    Parameters
    ----------
    date_format : str
        The value of ``--date-format`` that chooses this reading.
    step : str
        What the text tells apart: "year", "quarter", "month", "week", "day", "time" or "number".
    labels : Index
        The dates, or the whole numbers.
    coverage : float
        The share of the steps of a regular grid that are there.
    lacks : str
        What the text lacks, "" for nothing; the labels are no dates then.
    """

    date_format: str
    step: str
    labels: pd.Index
    coverage: float
    lacks: str = ""
    several_offsets: bool = False

    @property
    def words(self) -> str:
        """The reading in words."""
        unit = {"unix-s": "seconds", "unix-ms": "milliseconds", "unix-us": "microseconds", "unix-ns": "nanoseconds"}
        if self.lacks:
            return f"days without a {self.lacks}" if self.lacks == "year" else f"times without a {self.lacks}"
        kind = {"number": "numbers", "time": "dates and times"}.get(self.step, f"{self.step}s")
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
        """The first and the last label in the order of time."""
        return f"{format_label(self.labels.min())} to {format_label(self.labels.max())}"

    @property
    def is_usual(self) -> bool:
        """Whether nothing needs to be said: ISO 8601, or numbers."""
        return self.date_format in ("ISO 8601", NUMBERS)


def option(reading: Reading) -> str:
    """Return the option that chooses a reading, as a shell takes it."""
    return f"--date-format {shlex.quote(reading.date_format)}"


def readings(cells: pd.Series) -> list[Reading]:
    """Return all readings of a column, those that lack a year or a date among them."""
    if all_match(cells, _ISO):
        return _iso_reading(cells)
    if all_match(cells, r"[+-]?\d+(?:\.0*)?"):
        return _whole_readings(cells.str.replace(r"\.0*$", "", regex=True))
    if all_match(cells, rf"{_ISO_DAY}/{_ISO_DAY}"):
        return _iso_reading(cells.str[:10])  # a week, as pandas writes its periods
    if all_match(cells, r"\d+\.\d+|\d+"):
        month = read_format(cells, "%Y.%m") if all_match(cells, r"\d{4}\.\d\d") else None
        found = _present(month, _decimal_year_reading(cells), _excel_reading(cells), _epoch_reading(cells, "unix-s"))
        return [each for each in found if each.coverage >= LEAST_COVERAGE]  # other numbers are values
    return _present(*(read_format(cells, each) for each in candidate_formats(cells.iloc[0])))


def _present(*found: Reading | None) -> list[Reading]:
    return [reading for reading in found if reading is not None]


def _iso_reading(cells: pd.Series) -> list[Reading]:
    offsets = cells.str.extract(r":\d\d.*(Z|[+-]\d\d:?\d\d)$")[0]
    several = offsets.nunique() > 1
    try:
        labels = pd.DatetimeIndex(pd.to_datetime(cells, format="ISO8601", utc=several))
    except ValueError:
        return []
    step = "time" if cells.str.contains(":").any() else "day"
    return [Reading("ISO 8601", step, labels, coverage(labels, step), several_offsets=several)]


def read_format(cells: pd.Series, date_format: str) -> Reading | None:
    """Return the reading by a format, None where some text does not fit it."""
    step, lacks = step_of(date_format)
    if lacks:
        return _lacking_reading(cells, date_format, lacks)
    sample = cells.iloc[:: max(1, len(cells) // 100)]
    if np.isnat(read_dates(sample, date_format)[0]).any():
        return None  # which saves reading a long column by each of its formats
    found = None
    # Two digits are a year from 1950 to 2049, as in spreadsheets, or of the 20th century where only that is regular.
    for first_year in (1950, 1900) if "y" in directives(date_format) else (1950,):
        dates, offsets = read_dates(cells, date_format, first_year)
        if np.isnat(dates).any():
            return None
        labels, several = _labels(dates, offsets)
        reading = Reading(date_format, step, labels, coverage(labels, step), several_offsets=several)
        if found is None or (found.coverage < LEAST_COVERAGE and reading.coverage > found.coverage):
            found = reading
    return found


def _labels(dates: np.ndarray, offsets: np.ndarray) -> tuple[pd.DatetimeIndex, bool]:
    """Return dates as an index, in UTC where they have several offsets from it."""
    if np.isnan(offsets).all():
        return _index(dates), False
    minutes = np.unique(offsets)
    universal = _index(dates - (offsets * 60 * 10**6).astype(np.int64) * np.timedelta64(1, "us")).tz_localize("UTC")
    if len(minutes) > 1 or minutes[0] == 0:
        return universal, len(minutes) > 1
    import datetime

    return universal.tz_convert(datetime.timezone(datetime.timedelta(minutes=minutes[0]))), False


def _index(dates: np.ndarray) -> pd.DatetimeIndex:
    """Return dates in pandas' own unit, where that reaches so far."""
    index = pd.DatetimeIndex(dates)
    try:
        return index.as_unit(pd.date_range("2000", periods=1).unit)
    except pd.errors.OutOfBoundsDatetime:
        return index


def _lacking_reading(cells: pd.Series, date_format: str, lacks: str) -> Reading | None:
    """Return days of a year that the text does not say, to judge how regular they would be."""
    if lacks not in ("year", "date"):
        return None
    names = set(directives(date_format))
    filled = date_format + {"year": " %Y", "date": " %F"}[lacks]
    if "V" in names:
        filled = filled.replace("%Y", "%G")
    if names <= {"a"}:
        return Reading(date_format, "day", pd.Index([]), 1.0, lacks)
    padding = {"year": " 2000", "date": " 2000-01-01"}[lacks]
    dates, _ = read_dates(cells + padding, filled)
    if np.isnat(dates).any():
        return None
    period = np.timedelta64(366 if lacks == "year" else 1, "D")
    turns = np.concatenate([[0], np.cumsum(np.diff(dates) < np.timedelta64(0, "us"))])
    labels = _index(dates + turns * period)
    step = "month" if not names & {"d", "V", "j", "H", "I"} else "time"
    return Reading(date_format, step, labels, coverage(labels, step, same_day=False), lacks)


# ---- numbers ---------------------------------------------------------------------------------------------------------


def _whole_readings(cells: pd.Series) -> list[Reading]:
    """Return the readings of whole numbers; numbers themselves come last, and dates drive out what is far-fetched."""
    digits = cells.str.len().unique()
    formats = candidate_formats(cells.iloc[0]) if len(digits) == 1 and cells.iloc[0].isdigit() else []
    found = _present(*(read_format(cells, each) for each in formats))
    found = [each for each in found if "%y" in each.date_format or _is_near(each.labels)]
    regular = {each.date_format for each in found if each.coverage >= LEAST_COVERAGE}
    numbers = _number_reading(cells)
    years = _present(read_format(cells, "%y") if digits.tolist() == [2] and cells.iloc[0].isdigit() else None)
    if years and _in_order(years[0]) and not (numbers and _in_order(numbers)):
        return years  # 98, 99, 00, 01: as numbers, the rows would change places
    if regular & _CALENDAR:
        return [each for each in found if each.date_format != "%G%V"]
    epochs = _present(*(_epoch_reading(cells, unit) for unit in _EPOCHS))
    if any(each.coverage >= LEAST_COVERAGE for each in epochs):
        return epochs
    if numbers is not None and numbers.coverage >= LEAST_COVERAGE and cells.str.len().max() <= 4:
        return [numbers]  # 1821, 1822, ... are years
    return [*found, *years, *_present(_excel_reading(cells), numbers), *epochs]


def _in_order(reading: Reading) -> bool:
    """Whether the rows are in the order of time, or all in the opposite one."""
    return bool(reading.labels.is_monotonic_increasing or reading.labels.is_monotonic_decreasing)


def _is_near(labels: pd.Index) -> bool:
    years = pd.DatetimeIndex(labels).year
    return bool(_YEARS[0] <= years.min() and years.max() <= _YEARS[1])


def _number_reading(cells: pd.Series) -> Reading | None:
    values = [int(cell) for cell in cells]
    if max(map(abs, values)) >= 2**62:
        return None
    labels = pd.Index(np.array(values, np.int64))
    return Reading(NUMBERS, "number", labels, coverage(labels, "number"))


def _epoch_reading(cells: pd.Series, unit: str, *, anywhere: bool = False) -> Reading | None:
    per_second = _EPOCHS[unit]
    values = np.array([_scaled(cell, per_second) for cell in cells], dtype=object)
    if not anywhere and not all(_EPOCH_RANGE[0] * 10**9 <= value < _EPOCH_RANGE[1] * 10**9 for value in values):
        return None
    if not all(abs(value) < 2**63 for value in values):
        return None
    nanoseconds = values.astype(np.int64)
    fine = bool((nanoseconds % 1000).any())
    labels = pd.DatetimeIndex(nanoseconds.astype("datetime64[ns]"))
    labels = labels if fine else _index(nanoseconds.astype("datetime64[ns]").astype("datetime64[us]"))
    return Reading(unit, "time", labels, coverage(labels, "time"))


def _scaled(cell: str, per_second: int) -> int:
    """Return a count since 1970 in nanoseconds, without rounding."""
    whole, _, rest = cell.partition(".")
    scale = 10**9 // per_second
    fraction = int(rest) * scale // 10 ** len(rest) if rest else 0
    return int(whole) * scale + (-fraction if cell.startswith("-") else fraction)


def _excel_reading(cells: pd.Series, *, anywhere: bool = False) -> Reading | None:
    values = cells.astype(float).to_numpy()
    low, high = (1, 2_958_466) if anywhere else _EXCEL_RANGE
    if values.min() < low or values.max() >= high:
        return None
    seconds = np.round(values * 86_400).astype(np.int64)
    labels = _index((np.datetime64("1899-12-30", "s") + seconds * np.timedelta64(1, "s")).astype("datetime64[us]"))
    step = "day" if (seconds % 86_400 == 0).all() else "time"
    return Reading(_EXCEL, step, labels, coverage(labels, step))


def _decimal_year_reading(cells: pd.Series) -> Reading | None:
    """Return months that are written as 1949.083, by their begin or their middle."""
    values = cells.astype(float).to_numpy()
    if values.min() < _YEARS[0] or values.max() > _YEARS[1]:
        return None
    months = values * 12
    begins, middles = np.round(months), np.floor(months)
    if np.abs(months - begins).max() <= 0.07:  # 1949.08 is a month and 0.04 of one off
        months = begins
    elif np.abs(months - middles - 0.5).max() <= 0.2:
        months = middles
    else:
        return None
    labels = _index((months.astype(np.int64) - 1970 * 12).astype("datetime64[M]").astype("datetime64[us]"))
    return Reading(_DECIMAL_YEAR, "month", labels, coverage(labels, "month"))


def read_word(cells: pd.Series, word: str) -> Reading | None:
    """Return the reading by one of `WORDS`, None where numbers are beyond its range."""
    pattern = r"[+-]?\d+(?:\.0*)?" if word == NUMBERS else r"-?\d+(?:\.\d*)?"
    if not all_match(cells, pattern):
        line, cell = next((line, cell) for line, cell in cells.items() if not re.fullmatch(pattern, cell))
        kind = "whole number" if word == NUMBERS else "number"
        raise ValueError(f"column {cells.name!r} has {short(cell)} in line {line}, which is no {kind}")
    text = cells.str.replace(r"\.0*$", "", regex=True)
    read: dict[str, Callable[[], Reading | None]] = {
        NUMBERS: lambda: _number_reading(text),
        _EXCEL: lambda: _excel_reading(text, anywhere=True),
        _DECIMAL_YEAR: lambda: _decimal_year_reading(text),
    }
    return read.get(word, lambda: _epoch_reading(text, word, anywhere=True))()
