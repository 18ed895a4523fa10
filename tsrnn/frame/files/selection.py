"""Several series in one file, one below the other: how they are told apart, and how one of them is selected."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from itertools import combinations

import numpy as np
import pandas as pd

from .cells import Table, all_match, short
from .labels import Labels, in_words


def several_series(labels: Labels) -> str | None:
    """Return what to say of labels that are there more than once; None where they are not."""
    index = labels.reading.labels
    if not index.has_duplicates:
        return None
    others = [name for name in labels.table.cells.columns if name not in labels.columns]
    groups = [name for name in others if _may_name_series(labels.table.cells[name])]
    for size in (1, 2, 3):
        for columns in combinations(groups, size):
            keys = labels.table.cells[list(columns)].assign(**{"": np.asarray(index)})
            if not keys.duplicated().any():
                return _choose_series(labels, list(columns))
    row = int(index.duplicated().argmax())
    twice, line = labels.table.cells[labels.columns[0]].iloc[row], labels.table.cells.index[row]
    return (
        f"{labels.table.source} has {short(twice)[1:-1]} more than once in {labels.where}, again in line {line}, and "
        "no column tells the rows apart; keep one of each, or number the rows with --no-index"
    )


def _may_name_series(cells: pd.Series) -> bool:
    """Whether a column has few values, each many times, as the names of series are."""
    n = int(cells.nunique())
    whole = all_match(cells, r"\d+")
    text = not cells.str.fullmatch(r"[+-]?[\d.,]+").any()
    return 1 < n <= len(cells) // 2 and bool(whole or text)


def _choose_series(labels: Labels, columns: list[str]) -> str:
    cells = labels.table.cells[columns]
    longest = cells.value_counts().index[0]
    options = [f"--where {shlex.quote(f'{name}={value}')}" for name, value in zip(columns, longest, strict=True)]
    values = [_listed(cells[name]) for name in columns]
    n = len(cells.drop_duplicates())
    verb = "tells" if len(columns) == 1 else "tell"
    return (
        f"{labels.table.source} has {n} series, one below the other: {in_words(columns)} {verb} them apart "
        f"({' and '.join(values)}); choose one with {' '.join(options)}"
    )


def _listed(cells: pd.Series, most: int = 5) -> str:
    values: Iterable[str] = cells.unique()
    listed = [short(value) for value in values]
    return ", ".join(listed[:most]) + (", ..." if len(listed) > most else "")


def select(table: Table, where: Iterable[str]) -> Table:
    """Return the rows where columns have certain values, without these columns.

    Parameters
    ----------
    table : Table
        The rows.
    where : iterable of str
        Conditions, each as ``column=value``.

    Raises
    ------
    ValueError
        If a condition is none, or no row meets it.
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
            raise ValueError(f"no row has {value!r} in column {name!r}, which has {_listed(cells)}")
        table = table.rows((cells == value).to_numpy())
        table = Table(table.source, table.cells.drop(columns=name), table.separator, table.header, table.missing)
    return table
