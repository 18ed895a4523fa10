"""A date that stands in several columns: a year and a month, or a day and a time."""

from __future__ import annotations

from itertools import product

import pandas as pd

from .cells import Table, all_match
from .dates import decide, read_as
from .formats import MONTHS, plain, step_of
from .readings import Reading, readings

#: Names of columns that hold a part of a date.
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
#: Names of columns that date or count the rows.
INDEX_NAMES = frozenset(_PARTS) | frozenset(_OTHER_NAMES.split())

_DIRECTIVES = {
    "year": ["%Y", "%y"], "quarter": ["%q", "Q%q"], "month": ["%m", "%b"], "week": ["%V", "W%V"], "day": ["%d", "%j"],
    "hour": ["%H"], "minute": ["%M"], "second": ["%S"],
}  # fmt: skip
_TIME = r"\d{1,2}:\d\d(?::\d\d(?:[.,]\d+)?)?(?:\s*[AaPp]\.?[Mm]\.?)?"


def sets_of_parts(table: Table, days: list[str]) -> list[list[str]]:
    """Return sets of columns that may hold dates together, the finest first.

    Parameters
    ----------
    table : Table
        The columns; a time of day is told by its text, other parts by the names of their columns.
    days : list of str
        The column with days, to be read with a time; none to look for a year.

    Returns
    -------
    list of list of str
        Names of columns.
    """
    parts: dict[str, str] = {}
    for name in table.cells.columns:
        if (part := _PARTS.get(plain(name))) is not None:
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
    """Whether a column has times of the day, or whole numbers such as 930 under a name that says so."""
    cells = cells[cells != ""]
    pattern = rf"{_TIME}|\d{{1,4}}" if _PARTS.get(plain(str(cells.name))) == "time" else _TIME
    return len(cells) > 0 and bool(all_match(cells.iloc[:20], pattern) and all_match(cells, pattern))


def read_together(table: Table, columns: list[str], date_format: str | None, days: Reading | None = None) -> Reading:
    """Return the reading of several columns, joined by blanks.

    Parameters
    ----------
    table : Table
        The rows, each with a cell in every column.
    columns : list of str
        The parts of a date, in any order.
    date_format : str, optional
        How they are written when they are joined, such as ``%Y %m``.
    days : Reading, optional
        That of the first column, where the others are the time of day.

    Raises
    ------
    ValueError
        If they have no plausible reading, or several.
    """
    kinds = [_PARTS.get(plain(name), "") for name in columns]
    parts = [table.cells[name].str.replace(r"\.0*$", "", regex=True) for name in columns]
    parts = [_padded(cells, kind) for cells, kind in zip(parts, kinds, strict=True)]
    name = ", ".join(columns)
    joined = _joined(parts, " ", name)
    if date_format is not None:
        fitting = _try(joined, date_format) or _try(_date_and_time(parts, name), date_format)
        return fitting[0] if fitting else read_as(joined, date_format)
    formats = [_part_formats(cells, kind) for cells, kind in zip(parts, kinds, strict=True)]
    if not all(formats):
        joined = _date_and_time(parts, name)
        found = readings(joined)
        if days is not None and not days.is_usual:
            found = [each for each in found if each.date_format.startswith(days.date_format)]
        return decide(joined, found)
    choices = [" ".join(choice) for choice in product(*formats)]
    choices = [each.replace("%Y", "%G") if "%V" in each else each for each in choices]
    return decide(joined, [found for each in choices if step_of(each)[0] for found in _try(joined, each)])


def _padded(cells: pd.Series, kind: str) -> pd.Series:
    return cells.str.zfill(2) if kind in ("minute", "second") else cells


def _joined(parts: list[pd.Series], separator: str, name: str) -> pd.Series:
    joined = parts[0]
    for cells in parts[1:]:
        joined = joined + separator + cells
    return joined.rename(name)


def _try(cells: pd.Series, date_format: str) -> list[Reading]:
    try:
        return [read_as(cells, date_format)]
    except ValueError:  # this format does not fit; `decide` tells where none does
        return []


def _part_formats(cells: pd.Series, kind: str) -> list[str]:
    """Return the directives that a column may stand for; none where it is a date or a time of the day by itself."""
    if kind:
        return _DIRECTIVES.get(kind, [])
    if cells.map(lambda cell: plain(cell) in MONTHS).all():
        return ["%b"]
    if all_match(cells, r"\d{4}") and cells.astype(int).between(1500, 2199).all():
        return ["%Y"]
    if all_match(cells, r"[Qq]?\d{1,2}"):
        return ["%m", "%q", "Q%q", "%V", "%d", "%H"]
    return []


def _date_and_time(parts: list[pd.Series], name: str) -> pd.Series:
    """Return a date and a time as one text: an hour alone begins it, and 930 is 9:30."""
    date, *clock = parts
    if len(clock) > 1:
        return _joined([date, _joined(clock, ":", name)], " ", name)
    if all_match(clock[0], r"\d{1,4}"):
        numbers = clock[0].astype(int)
        hours, minutes = (numbers // 100, numbers % 100) if numbers.max() > 24 else (numbers, 0 * numbers)
        clock = [hours.astype(str) + ":" + minutes.astype(str).str.zfill(2)]
    return _joined([date, *clock], " ", name)
