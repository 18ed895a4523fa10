"""Tables with a year in each row and its months or quarters in columns."""

from __future__ import annotations

import re
from dataclasses import replace

import pandas as pd

from .date_formats import MONTHS, normalize_word
from .text_table import Report, TextTable, all_match, is_total


def stack_wide_table(table: TextTable, report: Report) -> TextTable:
    """Convert a table with one column for each month, or quarter, to a table with one row for each.

    Parameters
    ----------
    table : TextTable
        Any table; it is returned unchanged if it has other columns than a year, its months or quarters, and totals.
    report : callable
        Called with a sentence if the table was converted.

    Returns
    -------
    TextTable
        A table with the columns ``year``, ``month`` or ``quarter``, and ``value``.
    """
    columns = [name for name in table.cells.columns if not (is_total(name) or normalize_word(name) == "annual")]
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
    report(
        f"{table.source} has a year in each row: its columns {columns[1]!r} to {columns[-1]!r} are read one after "
        "the other."
    )
    return replace(table, cells=cells)


def _number(name: str, part: str) -> int | None:
    """Return the number of the month or quarter that the name of a column means, None for other names."""
    if part == "month" and normalize_word(name) in MONTHS:
        return MONTHS[normalize_word(name)]
    found = re.fullmatch(r"m?0?([1-9]|1[0-2])" if part == "month" else r"q([1-4])", normalize_word(name))
    return int(found[1]) if found else None


def _holds_years(cells: pd.Series) -> bool:
    """Whether a column has different years."""
    return bool(cells.is_unique and all_match(cells, r"1[5-9]\d\d|2[01]\d\d"))
