"""Dates that are spread over several columns: a year and a month, or a day and a time."""

from __future__ import annotations

from itertools import product

import pandas as pd

from .date_formats import MONTHS, format_resolution, normalize_word
from .dates import choose_plausible, interpret_as
from .interpretations import Interpretation, find_interpretations
from .text_table import TextTable, all_match

#: Names of columns with a part of a date.
_NAMES = {
    "year": "year yr yyyy yy jahr annee ano anno jaar",
    "quarter": "quarter qtr q quartal trimestre trimester kwartaal",
    "month": "month mon mm mo monat mois mes mese maand",
    "week": "week wk kw woche semaine semana settimana isoweek",
    "day": "day dd dom doy yday tag jour dia giorno dag",
    "hour": "hour hr hh h stunde heure hora ora uur",
    "minute": "minute min minuto",
    "second": "second sec ss sekunde seconde segundo secondo",
    "time": "time zeit uhrzeit hhmm",
}
_PARTS = {name: part for part, names in _NAMES.items() for name in names.split()}
_OTHER_NAMES = "date datum fecha data timestamp datetime period t ts step index no nr id ds"
#: Names of columns with dates or with numbers of rows.
INDEX_NAMES = frozenset(_PARTS) | frozenset(_OTHER_NAMES.split())

_DIRECTIVES = {
    "year": ["%Y", "%y"], "quarter": ["%q", "Q%q"], "month": ["%m", "%b"], "week": ["%V", "W%V"], "day": ["%d", "%j"],
    "hour": ["%H"], "minute": ["%M"], "second": ["%S"],
}  # fmt: skip
_TIME = r"\d{1,2}:\d\d(?::\d\d(?:[.,]\d+)?)?(?:\s*[AaPp]\.?[Mm]\.?)?"


def find_date_columns(table: TextTable, days: list[str]) -> list[list[str]]:
    """Return sets of columns that may make up dates, those with the finest resolution first.

    Parameters
    ----------
    table : TextTable
        The table. Times of day are recognised by their text, other parts by the names of their columns.
    days : list of str
        The column with days, if a time is to be found for it; empty to find a year with finer parts.

    Returns
    -------
    list of list of str
        Names of the columns of each set.
    """
    parts: dict[str, str] = {}
    for name in table.cells.columns:
        if (part := _PARTS.get(normalize_word(name))) is not None:
            parts.setdefault(part, name)
    clock = [parts[part] for part in ("hour", "minute", "second") if part in parts]
    if days:
        times = [name for name in table.cells.columns if name not in days and _holds_times(table.cells[name])]
        return [[*days, *found] for found in (times[:1], clock) if found]
    found = []
    for names in (["month", "day"], ["month"], ["quarter"], ["week"], ["day"]):
        if "year" in parts and all(name in parts for name in names):
            date = [parts["year"], *(parts[name] for name in names)]
            found += [[*date, *clock], date] if clock and "day" in names else [date]
    return found


def _holds_times(cells: pd.Series) -> bool:
    """Whether a column has times of day, or integers such as 930 if its name means a time."""
    cells = cells[cells != ""]
    pattern = rf"{_TIME}|\d{{1,4}}" if _PARTS.get(normalize_word(str(cells.name))) == "time" else _TIME
    return len(cells) > 0 and bool(all_match(cells.iloc[:20], pattern) and all_match(cells, pattern))


def interpret_columns(
    table: TextTable, columns: list[str], date_format: str | None, days: Interpretation | None = None
) -> Interpretation:
    """Return the interpretation of several columns, joined by blanks.

    Parameters
    ----------
    table : TextTable
        The table, without empty cells in these columns.
    columns : list of str
        The parts of a date, in any order.
    date_format : str, optional
        Format of the joined text, such as ``%Y %m``.
    days : Interpretation, optional
        Interpretation of the first column, if the others are the time of day.

    Returns
    -------
    Interpretation

    Raises
    ------
    ValueError
        If there is no plausible interpretation, or several.
    """
    kinds = [_PARTS.get(normalize_word(name), "") for name in columns]
    parts = [table.cells[name].str.replace(r"\.0*$", "", regex=True) for name in columns]
    parts = [_padded(cells, kind) for cells, kind in zip(parts, kinds, strict=True)]
    name = ", ".join(columns)
    joined = _joined(parts, " ", name)
    if date_format is not None:
        fitting = _interpret_or_none(joined, date_format) or _interpret_or_none(
            _date_and_time(parts, name), date_format
        )
        return fitting[0] if fitting else interpret_as(joined, date_format)
    formats = [_part_formats(cells, kind) for cells, kind in zip(parts, kinds, strict=True)]
    if not all(formats):
        joined = _date_and_time(parts, name)
        found = find_interpretations(joined)
        if days is not None and not days.is_standard:
            found = [candidate for candidate in found if candidate.date_format.startswith(days.date_format)]
        return choose_plausible(joined, found)
    joined_formats = [" ".join(choice) for choice in product(*formats)]
    joined_formats = [text.replace("%Y", "%G") if "%V" in text else text for text in joined_formats]
    return choose_plausible(
        joined,
        [found for text in joined_formats if format_resolution(text)[0] for found in _interpret_or_none(joined, text)],
    )


def _padded(cells: pd.Series, kind: str) -> pd.Series:
    """Return minutes and seconds with two digits, other cells unchanged."""
    return cells.str.zfill(2) if kind in ("minute", "second") else cells


def _joined(parts: list[pd.Series], separator: str, name: str) -> pd.Series:
    """Return the cells of several columns as one text."""
    joined = parts[0]
    for cells in parts[1:]:
        joined = joined + separator + cells
    return joined.rename(name)


def _interpret_or_none(cells: pd.Series, date_format: str) -> list[Interpretation]:
    """Return the interpretation by a format, none if some text does not match it."""
    try:
        return [interpret_as(cells, date_format)]
    except ValueError:  # this format does not match; `choose_plausible` raises if none does
        return []


def _part_formats(cells: pd.Series, kind: str) -> list[str]:
    """Return the directives that a column may mean; none for a complete date or time of day."""
    if kind:
        return _DIRECTIVES.get(kind, [])
    if cells.map(lambda cell: normalize_word(cell) in MONTHS).all():
        return ["%b"]
    if all_match(cells, r"\d{4}") and cells.astype(int).between(1500, 2199).all():
        return ["%Y"]
    if all_match(cells, r"[Qq]?\d{1,2}"):
        return ["%m", "%q", "Q%q", "%V", "%d", "%H"]
    return []


def _date_and_time(parts: list[pd.Series], name: str) -> pd.Series:
    """Return a date and a time of day as one text; an hour alone is the full hour, and 930 is 9:30."""
    date, *clock = parts
    if len(clock) > 1:
        return _joined([date, _joined(clock, ":", name)], " ", name)
    if all_match(clock[0], r"\d{1,4}"):
        numbers = clock[0].astype(int)
        hours, minutes = (numbers // 100, numbers % 100) if numbers.max() > 24 else (numbers, 0 * numbers)
        clock = [hours.astype(str) + ":" + minutes.astype(str).str.zfill(2)]
    return _joined([date, *clock], " ", name)
