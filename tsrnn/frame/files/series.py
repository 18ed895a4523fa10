"""A series from a CSV file, one small step after the other.

Nothing is guessed that could be wrong unnoticed: where a file reads in one way only, that is taken and said; where it
reads in several, the error shows them with the options that choose.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from ...messages import format_label
from .cells import Remark, Table, all_match, read_table
from .grid import LEAST_COVERAGE, date_grid, number_grid
from .labels import Labels, counts_or_dates, explain_number_gap, find_labels, in_words, read_labels
from .numbers import Numbers
from .opening import read_text
from .readings import NUMBERS
from .selection import select, several_series
from .wide import stacked


def read_csv(
    path: Path,
    *,
    column: str | None = None,
    index_column: str | None = None,
    no_index: bool = False,
    date_format: str | None = None,
    freq: str | None = None,
    where: Iterable[str] = (),
    separator: str | None = None,
    decimal: str | None = None,
    thousands: str | None = None,
    missing: Iterable[str] = (),
    encoding: str | None = None,
    remark: Remark = warnings.warn,
) -> pd.Series:
    """Read a series from a CSV file.

    Parameters
    ----------
    path : Path
        The file.
    column : str, optional
        The column to read. None takes the first one with numbers.
    index_column : str, optional
        The column with dates, or with whole numbers such as years; several with commas between them, such as
        ``year,month``, are read together. None takes the one that reads as dates.
    no_index : bool
        Whether the rows are numbered instead.
    date_format : str, optional
        How dates are written, such as ``%d/%m/%Y``; ``%q`` is a quarter's number. ``unix-s``, ``unix-ms``, ``unix-us``
        and ``unix-ns`` count from 1970, ``excel`` is a spreadsheet's count of days, ``decimal-year`` a month as in
        1949.083, ``number`` is no date. None takes the only plausible reading.
    freq : str, optional
        The frequency, a pandas code. None infers it.
    where : iterable of str
        Conditions, each as ``column=value``, on the rows to read.
    separator : str, optional
        What separates columns. None takes a comma, semicolon, tab or bar, or blanks, by the lines that each divides
        alike.
    decimal, thousands : str, optional
        The decimal mark, and what separates thousands. None takes those that the numbers tell.
    missing : iterable of str
        Texts that mean that there is no value, beside an empty cell, NA, NaN and others that pandas knows.
    encoding : str, optional
        The file's encoding. None is UTF-8, or what a byte order mark says.
    remark : callable
        Is called with a sentence on each choice made for the caller.

    Returns
    -------
    Series
        In the order of time, on a regular grid; NaN where a date is not in the file.

    Raises
    ------
    ValueError
        If the file is no such series; the message says where, and what would do.
    """
    text = read_text(path, encoding)
    table = select(read_table(text, str(path), separator=separator, missing=missing, remark=remark), where)
    if column is None and index_column is None and not no_index:
        table = stacked(table, remark)
    labels = _labels(table, index_column, no_index, date_format, remark)
    if labels is None:
        if date_format is not None or freq is not None:
            option = "--date-format" if date_format is not None else "--freq"
            raise ValueError(
                f"{option} is about dates, and {path} has no column with dates; name it with --index-column"
            )
        y = _values(table, [], None, column, decimal, thousands, remark)
        return _without_blank_end(y.set_axis(pd.RangeIndex(len(y))), str(path), remark)
    if (several := several_series(labels)) is not None:
        raise ValueError(several)
    index = labels.reading.labels
    y = _values(labels.table, labels.columns, index, column, decimal, thousands, remark).set_axis(index).sort_index()
    return _on_grid(_without_blank_end(y, str(path), remark), labels, freq, date_format, remark)


# ---- labels and values -----------------------------------------------------------------------------------------------


def _labels(
    table: Table, index_column: str | None, no_index: bool, date_format: str | None, remark: Remark
) -> Labels | None:
    if no_index:
        if index_column is not None or date_format is not None:
            option = "--index-column" if index_column is not None else "--date-format"
            raise ValueError(f"--no-index numbers the rows, and {option} reads their dates; give one of them")
        return None
    if index_column is not None:
        return read_labels(table, index_column, date_format, remark)
    found = find_labels(table, date_format, remark)
    if found is None:
        remark(f"{table.source} has no column with dates: its rows are numbered.")
    return found


def _values(
    table: Table,
    label_columns: list[str],
    index: pd.Index | None,
    column: str | None,
    decimal: str | None,
    thousands: str | None,
    remark: Remark,
) -> pd.Series:
    """Return the numbers of the series."""
    others = [name for name in table.cells.columns if name not in label_columns]
    if column is not None and column in others:
        numbers = Numbers(table, others, decimal, thousands)
        return pd.Series(numbers.read(column, remark), table.cells.index, name=column)
    if column is not None:
        there = ", ".join(map(repr, others))
        raise ValueError(f"there is no column {column!r}; there are {there}")
    if not others:
        raise ValueError(f"{table.source} has no column with numbers beside {in_words(label_columns)}")
    counts = [name for name in others if counts_or_dates(table, name, first_counts=index is None)]
    numbers = Numbers(table, [name for name in others if name not in counts] or others, decimal, thousands)
    if not numbers.numeric:
        raise ValueError(f"no column holds numbers alone: {numbers.why_none()}")
    series = [name for name in numbers.numeric if not _is_part(table.cells[name], index)] or numbers.numeric
    if len(series) > 1:
        more = ", ..." if len(series) > 9 else ""
        remark(f"Column {series[0]!r} is taken; there are also {', '.join(series[1:9])}{more}.")
    return pd.Series(numbers.read(series[0], remark), table.cells.index, name=series[0])


def _is_part(cells: pd.Series, index: pd.Index | None) -> bool:
    """Whether a column repeats a part of the dates, such as their year."""
    if not isinstance(index, pd.DatetimeIndex) or not all_match(cells, r"\d{1,4}"):
        return False
    values = cells.astype(int).to_numpy()
    parts = (index.year, index.quarter, index.month, index.day, index.hour, index.day_of_year, index.day_of_week + 1)
    return any(np.array_equal(values, part) for part in parts)


def _without_blank_end(y: pd.Series, source: str, remark: Remark) -> pd.Series:
    """Return the series up to its last value: a file may have rows for the future."""
    known = np.flatnonzero(y.notna().to_numpy())
    if not len(known):
        raise ValueError(f"column {y.name!r} of {source} has no values")
    n_blank = len(y) - 1 - known[-1]
    if n_blank:
        first, last = format_label(y.index[known[-1] + 1]), format_label(y.index[-1])
        rows = f"The last {n_blank} rows ({first} to {last}) have" if n_blank > 1 else f"The last row ({first}) has"
        remark(f"{rows} no value in column {y.name!r}: the series ends before.")
    return y.iloc[: known[-1] + 1]


def _on_grid(y: pd.Series, labels: Labels, freq: str | None, date_format: str | None, remark: Remark) -> pd.Series:
    """Return the series with all steps of its grid."""
    grid: pd.Index
    if labels.reading.several_offsets:
        where = f"{labels.where[0].upper()}{labels.where[1:]}"
        remark(f"{where} has several offsets from UTC, as across a clock change: its dates are in UTC.")
    if labels.reading.step == "number":
        if freq is not None:
            raise ValueError(f"--freq is about dates, and {labels.where} has numbers; leave it out")
        if date_format != NUMBERS and labels.reading.coverage < LEAST_COVERAGE:
            raise ValueError(explain_number_gap(labels))
        grid = number_grid(y.index, labels.where)
    else:
        assert isinstance(y.index, pd.DatetimeIndex)
        grid = date_grid(y.index, labels.reading.step, freq, labels.where, sparse=date_format is not None)
    if len(grid) > len(y):
        step = f" (frequency {grid.freqstr})" if isinstance(grid, pd.DatetimeIndex | pd.PeriodIndex) else ""
        remark(
            f"{len(grid) - len(y)} steps of the index are not in {labels.table.source}; they count as missing{step}."
        )
    if isinstance(grid, pd.PeriodIndex):
        remark(
            f"There is one date in each step, such as {format_label(y.index[0])}: the dates are read as the periods "
            f"{grid[0]} to {grid[-1]}."
        )
        y = y.set_axis(y.index.tz_localize(None).to_period(grid.freq))  # type: ignore[attr-defined]
    return y.reindex(grid)


def pick(table: pd.DataFrame, column: str | None, remark: Remark) -> pd.Series:
    """Return the `column` of a frame of numbers, or its first one, as float64."""
    names = [str(name) for name in table.columns]
    if column is None:
        column = names[0]
        if len(names) > 1:
            remark(f"Column {column!r} is taken; there are also {', '.join(names[1:])}.")
    if column not in names:
        raise ValueError(f"there is no column {column!r}; there are {', '.join(map(repr, names))}")
    return table[column].astype("float64")
