"""A series from a CSV file, as strangers write them: dates in one of its columns, numbers in another.

Nothing is guessed that could be wrong unnoticed: dates that read two ways are refused, and so is a grid that does not
hold every date. Dates that a grid has and the file has not count as missing, and the caller is told.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from .index import shown


def read_csv(
    path: Path,
    *,
    column: str | None = None,
    index_column: str | None = None,
    date_format: str | None = None,
    freq: str | None = None,
    remark: Callable[[str], Any] = warnings.warn,
) -> pd.Series:
    """Read a series from a CSV file with a header; commas, semicolons or tabs separate its columns.

    Parameters
    ----------
    path : Path
        The file, in UTF-8.
    column : str, optional
        The column to read. None takes the first one with numbers.
    index_column : str, optional
        The column with dates, or with whole numbers such as years. None takes the first one, or numbers the rows of a
        file with one column.
    date_format : str, optional
        How dates are written, such as ``%d/%m/%Y``. None is for dates with the year first, and others that read but
        one way.
    freq : str, optional
        The frequency, a pandas code. None infers it.
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
    table = _read_table(path)
    if index_column is None:
        if table.shape[1] == 1:
            remark(f"{path} has no column with dates: its rows are numbered.")
            return pick(table, column, remark)
        index_column = str(table.columns[0])
    index = _read_index(_column(table, index_column), date_format, remark)
    y = pick(table.drop(columns=index_column), column, remark)
    y.index = index
    y = y.sort_index()
    if y.index.has_duplicates:
        twice = shown(y.index[y.index.duplicated()][0])
        raise ValueError(f"{path} has {twice} more than once in its column {index_column!r}; keep one of each")
    grid = _date_grid(y.index, freq) if isinstance(y.index, pd.DatetimeIndex) else _number_grid(y.index)
    if len(grid) > len(y):
        step = f" (frequency {grid.freqstr})" if isinstance(grid, pd.DatetimeIndex) else ""
        remark(f"{len(grid) - len(y)} steps of the index are not in {path}; they count as missing{step}.")
    return y.reindex(grid)


def pick(table: pd.DataFrame, column: str | None, remark: Callable[[str], Any]) -> pd.Series:
    """The `column` of a table, or the first one with numbers, as float64."""
    if column is None:
        numeric = [str(name) for name in table.columns if pd.api.types.is_numeric_dtype(table[name])]
        if not numeric:
            raise ValueError(f"no column holds numbers alone: {'; '.join(_text_in(table[name]) for name in table)}")
        column = numeric[0]
        if len(numeric) > 1:
            remark(f"Column {column!r} is taken; there are also {', '.join(numeric[1:])}.")
    values = _column(table, column)
    if not pd.api.types.is_numeric_dtype(values):
        raise ValueError(f"a series is made of numbers, but {_text_in(values)}")
    return values.astype("float64")


def _read_table(path: Path) -> pd.DataFrame:
    try:
        with path.open(encoding="utf-8-sig") as file:
            header = file.readline()
        table = pd.read_csv(path, sep=max(",;\t", key=header.count), encoding="utf-8-sig")
    except (OSError, UnicodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise ValueError(f"{path} cannot be read as a CSV file in UTF-8: {error}") from error
    if table.empty:
        raise ValueError(f"{path} has no rows below its header")
    return table


def _column(table: pd.DataFrame, name: str) -> pd.Series:
    if name not in table.columns:
        raise ValueError(f"there is no column {name!r}; there are {', '.join(map(repr, map(str, table.columns)))}")
    return table[name]


def _text_in(values: pd.Series) -> str:
    """The first value that is no number, in words."""
    row = int((pd.to_numeric(values, errors="coerce").isna() & values.notna()).argmax())
    return f"column {values.name!r} has {values.iloc[row]!r} in row {row + 1}"


# ---- the index -------------------------------------------------------------------------------------------------------


def _read_index(labels: pd.Series, date_format: str | None, remark: Callable[[str], Any]) -> pd.Index:
    """Dates, or whole numbers such as years."""
    where = f"column {labels.name!r}"
    if labels.isna().any():
        raise ValueError(f"{where} has no date in row {int(labels.isna().argmax()) + 1}")
    if date_format is None and pd.api.types.is_integer_dtype(labels):
        return pd.Index(labels)
    if date_format is None and pd.api.types.is_numeric_dtype(labels):
        raise ValueError(f"{where} has {labels.iloc[0]} in row 1, which is no date; name the column with dates")
    text = labels.astype(str)
    utc = text.str.extract(r":\d\d.*(Z|[+-]\d\d:?\d\d)$")[0].nunique() > 1
    if utc:
        remark(f"Column {labels.name!r} has several offsets from UTC, as across a clock change: its dates are in UTC.")
    unclear = date_format is None and not text.str.match(r"\d{4}").all()  # with the year first nothing is unclear
    readings, failure = [], None
    for dayfirst in (False, True)[: 1 + unclear]:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # pandas warns where it reads dates one by one
                readings.append(pd.to_datetime(text, format=date_format, dayfirst=dayfirst, utc=utc))
        except ValueError as error:
            failure = error
    if not readings:
        reason = str(failure).splitlines()[0].rstrip(".")
        raise ValueError(
            f"{where} cannot be read as dates: {reason}. Name the column with dates, or give the date format, such as "
            "%d/%m/%Y"
        ) from failure
    if not readings[0].equals(readings[-1]):
        row = int((readings[0] != readings[-1]).argmax())
        raise ValueError(
            f"{where} has {text.iloc[row]!r} in row {row + 1}: which is the day? Give the date format, %d/%m/%Y or "
            "%m/%d/%Y"
        )
    return pd.DatetimeIndex(readings[0])


def _number_grid(index: pd.Index) -> pd.RangeIndex:
    """All steps between the first and the last, of the largest width that meets every label."""
    step = math.gcd(*(int(difference) for difference in np.diff(index))) or 1
    return pd.RangeIndex(int(index[0]), int(index[-1]) + step, step, name=index.name)


def _date_grid(index: pd.DatetimeIndex, freq: str | None) -> pd.DatetimeIndex:
    """The dates of `freq`, or of the first likely frequency, that meet every label."""
    for likely in _likely(index) if freq is None else [freq]:
        try:
            grid = pd.date_range(index[0], index[-1], freq=likely, name=index.name)
        except ValueError as error:
            raise ValueError(f"{likely!r} is no frequency that pandas knows, such as MS or W-SAT") from error
        off = index[~index.isin(grid)]
        if len(off) == 0:
            return grid
    if freq is None:
        raise ValueError("the dates keep to no regular steps; give the frequency, such as MS, W-SAT or D")
    raise ValueError(f"the frequency {freq} does not fit: {shown(off[0])} is not on its grid")


def _likely(index: pd.DatetimeIndex) -> list[pd.offsets.BaseOffset]:
    """Frequencies that stretches of the index have, those of long stretches first."""
    found: dict[pd.offsets.BaseOffset, None] = {}
    for width in (len(index), 12, 6, 4, 3):
        for start in range(min(50, len(index) - width + 1) if width > 2 else 0):
            freq = pd.DatetimeIndex(index[start : start + width], freq="infer").freq
            if freq is not None:
                found[freq] = None
    return list(found)
