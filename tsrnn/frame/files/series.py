"""Reading of a series from a CSV file.

If a file has only one plausible meaning, that one is used and reported; if it has several, the error lists them with
the options that choose one.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from ...messages import format_label
from .decoding import read_text
from .grid import MIN_COVERAGE, date_grid, number_grid
from .interpretations import NUMBER
from .labels import Labels, describe_columns, find_labels, is_counter_or_date, read_labels, sparse_numbers_message
from .numbers import Numbers
from .selection import select_rows, several_series_message
from .text_table import Report, TextTable, all_match, parse_table
from .wide import stack_wide_table


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
    report: Report = warnings.warn,
) -> pd.Series:
    r"""Read a series from a CSV file.

    Parameters
    ----------
    path : Path
        The file, which may be compressed.
    column : str, optional
        Column with the values. None uses the first column of numbers.
    index_column : str, optional
        Column with dates, or with integers such as years. Several columns separated by commas, such as
        ``year,month``, are read together. None uses the column that can be read as dates.
    no_index : bool, default=False
        Whether the rows are numbered instead.
    date_format : str, optional
        Format of the dates, such as ``%d/%m/%Y``; ``%q`` is the number of a quarter. ``unix-s``, ``unix-ms``,
        ``unix-us`` and ``unix-ns`` count from 1970, ``excel`` is the day number of spreadsheets, ``decimal-year`` a
        month as in 1949.083, and ``number`` means integers that are no dates. None uses the only plausible format.
    freq : str, optional
        Frequency, a code of pandas. None infers it.
    where : iterable of str, default=()
        Conditions on the rows to read, each as ``column=value``.
    separator : str, optional
        Character between columns, or its name, such as ``tab``. None uses the comma, semicolon, tab, bar or blank that
        splits most lines into the same number of cells.
    decimal, thousands : str, optional
        Decimal mark and thousands separator. None finds them from the numbers.
    missing : iterable of str, default=()
        Texts that mean a missing value, in addition to an empty cell, NA, NaN and others of pandas.
    encoding : str, optional
        Encoding of the file. None uses that of the byte order mark, or UTF-8 without one.
    report : callable, default=warnings.warn
        Called with one sentence on each choice that was not given as an argument.

    Returns
    -------
    Series of float64
        In the order of time, on a regular grid; NaN for dates that are not in the file.

    Raises
    ------
    ValueError
        If the file has no such series, or several meanings. The message names the place and what to do.

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp(), "sales.csv")
    >>> _ = file.write_text("month,sales\n2024-01,3\n2024-02,5\n")
    >>> read_csv(file, report=print)
    Column 'month' holds the dates: months from 2024-01-01 to 2024-02-01 (--date-format %Y-%m).
    2024-01-01    3.0
    2024-02-01    5.0
    Freq: MS, Name: sales, dtype: float64
    """
    text = read_text(path, encoding)
    table = select_rows(parse_table(text, str(path), separator=separator, missing=missing, report=report), where)
    if column is None and index_column is None and not no_index:
        table = stack_wide_table(table, report)
    labels = _labels(table, index_column, no_index, date_format, report)
    if labels is None:
        if date_format is not None or freq is not None:
            option = "--date-format" if date_format is not None else "--freq"
            raise ValueError(
                f"{option} is about dates, and {path} has no column with dates; name one with --index-column, or leave "
                f"{option} out"
            )
        y = read_values(table, [], None, column, decimal, thousands, report)
        return _without_trailing_missing(y.set_axis(pd.RangeIndex(len(y))), str(path), report)
    if (several := several_series_message(labels)) is not None:
        raise ValueError(several)
    index = labels.interpretation.labels
    y = (
        read_values(labels.table, labels.columns, index, column, decimal, thousands, report)
        .set_axis(index)
        .sort_index()
    )
    return _on_grid(_without_trailing_missing(y, str(path), report), labels, freq, date_format, report)


# ---- labels and values -----------------------------------------------------------------------------------------------


def _labels(
    table: TextTable, index_column: str | None, no_index: bool, date_format: str | None, report: Report
) -> Labels | None:
    """Return the labels that the arguments name, or those that are found; None if the rows are to be numbered."""
    if no_index:
        if index_column is not None or date_format is not None:
            option = "--index-column" if index_column is not None else "--date-format"
            raise ValueError(f"--no-index numbers the rows, but {option} reads their dates; give only one of the two")
        return None
    if index_column is not None:
        return read_labels(table, index_column, date_format, report)
    found = find_labels(table, date_format, report)
    if found is None:
        report(f"{table.source} has no column with dates: its rows are numbered.")
    return found


def read_values(
    table: TextTable,
    label_columns: list[str],
    index: pd.Index | None,
    column: str | None,
    decimal: str | None,
    thousands: str | None,
    report: Report,
) -> pd.Series:
    """Return the values of the series, with the lines of the file as index."""
    others = [name for name in table.cells.columns if name not in label_columns]
    if column is not None and column in others:
        numbers = Numbers(table, others, decimal, thousands)
        return pd.Series(numbers.read(column, report), table.cells.index, name=column)
    if column is not None:
        there = ", ".join(map(repr, others))
        raise ValueError(f"there is no column {column!r}; give one of {there}")
    if not others:
        raise ValueError(
            f"{table.source} has no column with numbers beside {describe_columns(label_columns)}; add one, or name "
            "another column of labels with --index-column"
        )
    counts = [name for name in others if is_counter_or_date(table, name, first_counts=index is None)]
    numbers = Numbers(table, [name for name in others if name not in counts] or others, decimal, thousands)
    if not numbers.numeric:
        raise ValueError(f"no column has numbers only: {numbers.no_numbers_message()}")
    series = [name for name in numbers.numeric if not _repeats_date_part(table.cells[name], index)] or numbers.numeric
    if len(series) > 1:
        more = ", ..." if len(series) > 9 else ""
        report(f"Column {series[0]!r} is used; there are also {', '.join(series[1:9])}{more}.")
    return pd.Series(numbers.read(series[0], report), table.cells.index, name=series[0])


def _repeats_date_part(cells: pd.Series, index: pd.Index | None) -> bool:
    """Whether a column repeats a part of the dates, such as the year."""
    if not isinstance(index, pd.DatetimeIndex) or not all_match(cells, r"\d{1,4}"):
        return False
    values = cells.astype(int).to_numpy()
    parts = (index.year, index.quarter, index.month, index.day, index.hour, index.day_of_year, index.day_of_week + 1)
    return any(np.array_equal(values, part) for part in parts)


def _without_trailing_missing(y: pd.Series, source: str, report: Report) -> pd.Series:
    """Return the series up to its last observed value; a file may have empty rows for the future."""
    observed = np.flatnonzero(y.notna().to_numpy())
    if not len(observed):
        raise ValueError(f"column {y.name!r} of {source} has no values; name another one with --column")
    n_blank = len(y) - 1 - observed[-1]
    if n_blank:
        first, last = format_label(y.index[observed[-1] + 1]), format_label(y.index[-1])
        rows = f"The last {n_blank} rows ({first} to {last}) have" if n_blank > 1 else f"The last row ({first}) has"
        report(f"{rows} no value in column {y.name!r}: the series ends before.")
    return y.iloc[: observed[-1] + 1]


def _on_grid(y: pd.Series, labels: Labels, freq: str | None, date_format: str | None, report: Report) -> pd.Series:
    """Return the series with all steps of its regular grid."""
    grid: pd.Index
    if labels.interpretation.has_several_offsets:
        where = f"{labels.where[0].upper()}{labels.where[1:]}"
        report(f"{where} has several offsets from UTC, as across a clock change: its dates are in UTC.")
    if labels.interpretation.resolution == "number":
        if freq is not None:
            raise ValueError(f"--freq is about dates, but {labels.where} has numbers; leave it out")
        if date_format != NUMBER and labels.interpretation.coverage < MIN_COVERAGE:
            raise ValueError(sparse_numbers_message(labels))
        grid = number_grid(y.index, labels.where)
    else:
        assert isinstance(y.index, pd.DatetimeIndex)
        grid = date_grid(y.index, labels.interpretation.resolution, freq, labels.where, sparse=date_format is not None)
    if len(grid) > len(y):
        step = f" (frequency {grid.freqstr})" if isinstance(grid, pd.DatetimeIndex | pd.PeriodIndex) else ""
        report(
            f"{len(grid) - len(y)} steps of the index are not in {labels.table.source}; they count as missing{step}."
        )
    if isinstance(grid, pd.PeriodIndex):
        report(
            f"There is one date in each step, such as {format_label(y.index[0])}: the dates are read as the periods "
            f"{grid[0]} to {grid[-1]}."
        )
        y = y.set_axis(y.index.tz_localize(None).to_period(grid.freq))  # type: ignore[attr-defined]
    return y.reindex(grid)


def select_column(table: pd.DataFrame, column: str | None, report: Report) -> pd.Series:
    """Return a column of a frame of numbers, by default the first one, as float64."""
    names = [str(name) for name in table.columns]
    if column is None:
        column = names[0]
        if len(names) > 1:
            report(f"Column {column!r} is used; there are also {', '.join(names[1:])}.")
    if column not in names:
        raise ValueError(f"there is no column {column!r}; give one of {', '.join(map(repr, names))}")
    return table[column].astype("float64")
