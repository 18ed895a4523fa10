"""Several series in one file, one below the other: the columns that distinguish them, and the choice of one series."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from dataclasses import replace
from itertools import combinations

import numpy as np
import pandas as pd

from .labels import Labels, describe_columns
from .text_table import TextTable, all_match, quoted


def several_series_message(labels: Labels) -> str | None:
    """Return the message for repeated labels, with the options that select one series; None if none is repeated."""
    index = labels.interpretation.labels
    if not index.has_duplicates:
        return None
    others = [name for name in labels.table.cells.columns if name not in labels.columns]
    groups = [name for name in others if _may_name_series(labels.table.cells[name])]
    for size in (1, 2, 3):
        for columns in combinations(groups, size):
            keys = labels.table.cells[list(columns)].assign(**{"": np.asarray(index)})
            if not keys.duplicated().any():
                return _selection_message(labels, list(columns))
    row = int(index.duplicated().argmax())
    label, line = labels.table.cells[labels.columns[0]].iloc[row], labels.table.cells.index[row]
    return (
        f"{labels.table.source} has {quoted(label)[1:-1]} more than once in {labels.where}, again in line {line}, and "
        "no column distinguishes these rows; keep one row for each label, or number the rows with --no-index"
    )


def _may_name_series(cells: pd.Series) -> bool:
    """Whether a column may hold names of series: at most half as many values as rows, all text or all integers."""
    n = int(cells.nunique())
    whole = all_match(cells, r"\d+")
    text = not cells.str.fullmatch(r"[+-]?[\d.,]+").any()
    return 1 < n <= len(cells) // 2 and bool(whole or text)


def _selection_message(labels: Labels, columns: list[str]) -> str:
    """Return the message for several series, with the options that select the longest one."""
    cells = labels.table.cells[columns]
    longest = cells.value_counts().index[0]
    options = [f"--where {shlex.quote(f'{name}={value}')}" for name, value in zip(columns, longest, strict=True)]
    values = [_list_values(cells[name]) for name in columns]
    n = len(cells.drop_duplicates())
    is_option = len(columns) == 1 or not any("," in name for name in columns)  # --id has commas between names
    together = f"; or forecast all of them with --id {shlex.quote(','.join(columns))}" if is_option else ""
    verb = "distinguishes" if len(columns) == 1 else "distinguish"
    return (
        f"{labels.table.source} has {n} series, one below the other: {describe_columns(columns)} {verb} them "
        f"({' and '.join(values)}); choose one with {' '.join(options)}{together}"
    )


def _list_values(cells: pd.Series, n_max: int = 5) -> str:
    """Return the first different values of a column as text."""
    values: Iterable[str] = cells.unique()
    listed = [quoted(value) for value in values]
    return ", ".join(listed[:n_max]) + (", ..." if len(listed) > n_max else "")


def select_rows(table: TextTable, where: Iterable[str]) -> TextTable:
    """Return the rows in which columns have given values, without these columns.

    Parameters
    ----------
    table : TextTable
        The table.
    where : iterable of str
        Conditions, each as ``column=value``.

    Returns
    -------
    TextTable

    Raises
    ------
    ValueError
        If a condition has another form, or no row fulfils it.
    """
    for condition in where:
        ends = [match.start() for match in re.finditer("=", condition)]
        name, value = next(
            ((condition[:i].strip(), condition[i + 1 :].strip()) for i in ends if condition[:i].strip() in table.cells),
            (condition.partition("=")[0].strip(), None),
        )
        if not ends:
            raise ValueError(f"--where {condition} is not of the form column=value")
        cells = table.column(name)
        if not (cells == value).any():
            raise ValueError(f"no row has {value!r} in column {name!r}; give one of its values, {_list_values(cells)}")
        table = table.rows((cells == value).to_numpy())
        table = replace(table, cells=table.cells.drop(columns=name))
    return table
