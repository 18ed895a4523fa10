"""A table with a year in each row and its months, or quarters, in columns."""

from __future__ import annotations

import re

import pandas as pd

from .cells import Remark, Table, all_match, is_total
from .formats import MONTHS, plain


def stacked(table: Table, remark: Remark) -> Table:
    """Return the table with a row for each month, if it has a column with years and one for each month.

    Parameters
    ----------
    table : Table
        Any table; it is returned as it is if it has other columns than these, save totals.
    remark : callable
        Is called with a sentence on what was done.

    Returns
    -------
    Table
        With the columns ``year``, ``month`` or ``quarter``, and ``value``.
    """
    columns = [name for name in table.cells.columns if not (is_total(name) or plain(name) == "annual")]
    for part, n in (("month", 12), ("quarter", 4)):
        numbers = [_number(name, part) for name in columns[1:]]
        if numbers == list(range(1, n + 1)) and _holds_years(table.cells[columns[0]]):
            break
    else:
        return table
    rows = [
        (line, row.iloc[0], str(number), cell)
        for line, row in table.cells[columns].iterrows()
        for number, cell in enumerate(row.iloc[1:], 1)
    ]
    lines, *parts = zip(*rows, strict=True)
    cells = pd.DataFrame(dict(zip(("year", part, "value"), parts, strict=True)), index=list(lines), dtype=object)
    remark(
        f"{table.source} has a year in each row: its columns {columns[1]!r} to {columns[-1]!r} are read one after "
        "the other."
    )
    return Table(table.source, cells, table.separator, table.header, table.missing)


def _number(name: str, part: str) -> int | None:
    """Return the number of the month or quarter that a column is named after."""
    if part == "month" and plain(name) in MONTHS:
        return MONTHS[plain(name)]
    found = re.fullmatch(r"m?0?([1-9]|1[0-2])" if part == "month" else r"q([1-4])", plain(name))
    return int(found[1]) if found else None


def _holds_years(cells: pd.Series) -> bool:
    return bool(cells.is_unique and all_match(cells, r"1[5-9]\d\d|2[01]\d\d"))
