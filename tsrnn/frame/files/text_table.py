"""Parsing of a text into a table: its separator, its header and its cells, still as text.

Files may have a title above the table, totals below it, blank rows or no header. Each line that is dropped is reported.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from ...messages import shorten
from .date_formats import candidate_formats, normalize_word

#: Called with one sentence on each choice; its result is ignored.
Report = Callable[[str], object]
SEPARATORS = {"comma": ",", "semicolon": ";", "tab": "\t", "bar": "|", "space": " "}
_MAX_LINES_ABOVE = 20  # lines of title above a table

#: Texts that mean a missing value, as in pandas.
MISSING = frozenset(
    {"", "#N/A", "#NA", "<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null", "-nan", "-NaN"}
)

_NUMBER = re.compile("[(+\u2212-]?[.,]?\\d[\\d.,'\u2019\\s]*(?:[eE][+-]?\\d+)?\\)?")


@dataclass(frozen=True)
class TextTable:
    """A table whose cells are text.

    Attributes
    ----------
    source : str
        Name of the file in messages.
    cells : DataFrame of str
        Cells without blanks around them, "" for empty ones. The index holds the line of each row in the file.
    separator : str
        The character between cells.
    has_header : bool
        Whether the file has names of columns; otherwise they are numbered from 1.
    missing : frozenset of str
        Texts that mean a missing value.
    """

    source: str
    cells: pd.DataFrame
    separator: str
    has_header: bool
    missing: frozenset[str]

    def column(self, name: str) -> pd.Series:
        """Return the column of that name; raise a ValueError if there is none."""
        if name not in self.cells.columns:
            there = ", ".join(map(repr, self.cells.columns))
            raise ValueError(f"there is no column {name!r}; give one of {there}")
        return self.cells[name]

    def rows(self, keep: np.ndarray) -> TextTable:
        """Return the table with the rows where `keep`, (n_rows,) of bool, is true."""
        return replace(self, cells=self.cells[keep])


def parse_table(
    text: str, source: str, *, separator: str | None = None, missing: Iterable[str] = (), report: Report
) -> TextTable:
    """Parse a text into a table.

    Parameters
    ----------
    text : str
        Text of a file.
    source : str
        Name of the file in messages.
    separator : str, optional
        Character between cells, or its name, such as ``tab``; by default the one that splits most lines into the same
        number of cells.
    missing : iterable of str
        Texts that mean a missing value, in addition to the usual ones.
    report : callable
        Called with a sentence on the lines that are dropped.

    Returns
    -------
    TextTable

    Raises
    ------
    ValueError
        If there are no rows, or if rows are longer than the header.
    """
    separator = find_separator(text) if separator is None else SEPARATORS.get(separator, separator)
    rows = _split_rows(text, separator, source)
    if not rows:
        raise ValueError(f"{source} cannot be read as a CSV file: it is empty")
    empty = MISSING | {text.strip() for text in missing}
    start, header = _find_header([cells for _, cells in rows], empty)
    names = rows[header][1] if header is not None else []
    if names[:1] == ["#"] and len(names) > max(len(cells) for _, cells in rows[start:] or [(0, [])]):
        names = names[1:]
    _check_widths(rows[start:], rows[header] if header is not None else None, separator)
    above = [row for i, row in enumerate(rows[:start]) if i != header]
    if above:
        lines = f"Line {above[0][0]}" if len(above) == 1 else f"Lines {above[0][0]} to {above[-1][0]}"
        verb, start_of = ("is" if len(above) == 1 else "are"), " ".join(filter(None, above[0][1]))
        report(f"{lines} of {source} {verb} left out: {quoted(start_of)} is above the table.")
    body = rows[start:]
    if not body:
        raise ValueError(f"{source} has no rows below its header")
    if header is None:
        names = [str(i + 1) for i in range(max(len(cells) for _, cells in body))]
        named = "its column has the name 1" if len(names) == 1 else f"its columns are numbered, from 1 to {len(names)}"
        report(f"{source} has no header: {named}.")
    table = [cells + [""] * (len(names) - len(cells)) for _, cells in body]
    cells = pd.DataFrame(table, index=[line for line, _ in body], columns=_unique_names(names), dtype=object)
    return TextTable(source, cells, separator, header is not None, empty)


def quoted(text: str) -> str:
    """Return a text in quotation marks, without its middle if it is longer than 40 characters.

    Examples
    --------
    >>> quoted("Total")
    "'Total'"
    """
    return repr(shorten(text, 40))


def all_match(cells: Iterable[str], pattern: str) -> bool:
    """Whether all cells match a regular expression.

    Examples
    --------
    >>> all_match(["1", "22"], "[0-9]"), all_match([], "a")
    (False, True)
    """
    return all(map(re.compile(pattern).fullmatch, cells))


# ---- rows ------------------------------------------------------------------------------------------------------------


def find_separator(text: str) -> str:
    """Return the character that splits most lines into the same number of cells, at least two; else a comma.

    Examples
    --------
    >>> find_separator(chr(10).join(["day;sales", "2024-01-01;1,5", "2024-01-02;2,5"]))
    ';'
    """
    sample = "\n".join([line for line in text[:200_000].splitlines() if line.strip()][:500])
    found = {}
    for candidate in "\t;|, ":
        try:
            sizes = Counter(len(cells) for _, cells in _split(sample, candidate))
        except csv.Error:
            continue
        width, n = max(sizes.items(), key=lambda item: (item[1], item[0]), default=(0, 0))
        if width > 1:
            found[candidate] = n / max(1, sum(sizes.values())) - (candidate == " ")  # blanks only if nothing else does
    return max(found, key=lambda candidate: found[candidate], default=",")


def _split(text: str, separator: str) -> Iterable[tuple[int, list[str]]]:
    """Yield the line number and the cells of each row, without empty cells at its end."""
    if separator == " ":
        split = ((i, line.split()) for i, line in enumerate(text.splitlines(), 1))
    else:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=True)
        split = ((reader.line_num, [cell.strip() for cell in cells]) for cells in reader)
    for line, cells in split:
        while cells and not cells[-1]:
            cells.pop()
        if cells:
            yield line, cells


def _split_rows(text: str, separator: str, source: str) -> list[tuple[int, list[str]]]:
    """Return the line number and the cells of each row; raise if the text is not in CSV format."""
    if len(separator) != 1:
        names = ", ".join(SEPARATORS)
        raise ValueError(f"the separator {separator!r} is not one character; give one, or its name: {names}")
    limit = csv.field_size_limit(len(text) + 1)  # cells may have any length; messages shorten them
    try:
        return list(_split(text, separator))
    except csv.Error as error:
        raise ValueError(f"{source} cannot be read as a CSV file: {error}; is a quotation mark not closed?") from error
    finally:
        csv.field_size_limit(limit)


def _check_widths(body: list[tuple[int, list[str]]], header: tuple[int, list[str]] | None, separator: str) -> None:
    """Raise if a row is longer than the header, since its cells would get wrong names."""
    if header is None:
        return
    for line, cells in body:
        if len(cells) > len(header[1]):
            comma = " or decimal commas" if separator == "," else ""
            raise ValueError(
                f"line {line} has {len(cells)} cells, but the header in line {header[0]} has {len(header[1])}: put "
                f"cells with the separator{comma} in them between quotation marks, or name another separator with "
                "--separator"
            )


def _unique_names(names: list[str]) -> list[str]:
    """Return names that are unique and not empty."""
    found: dict[str, None] = {}
    for i, name in enumerate(names, 1):
        unique, n = name.lstrip("#").strip() or f"Unnamed: {i - 1}", 1
        while unique in found:
            unique, n = f"{name}.{n}", n + 1
        found[unique] = None
    return list(found)


# ---- the header ------------------------------------------------------------------------------------------------------


def looks_like_data(cell: str) -> bool:
    """Whether a cell looks like a number or a date in any common format.

    Examples
    --------
    >>> looks_like_data("1.234,5"), looks_like_data("Jan-15"), looks_like_data("sales")
    (True, True, False)
    """
    return _looks_like_number(cell) or bool(candidate_formats(cell.partition("/")[0] if len(cell) == 21 else cell))


def _looks_like_number(cell: str) -> bool:
    """Whether a cell looks like a number in any common format."""
    return _NUMBER.fullmatch(cell) is not None


def _find_header(rows: list[list[str]], empty: frozenset[str]) -> tuple[int, int | None]:
    """Return the first row with data, and the row of the header; None if there is no header."""
    body = rows[min(_MAX_LINES_ABOVE, len(rows) // 2) :][:200]
    width = Counter(map(len, body)).most_common(1)[0][0]
    tests = {i: _content_test([cells[i] for cells in body if len(cells) > i], empty) for i in range(width)}
    columns = {i: test for i, test in tests.items() if test is not None}
    if not columns:
        return 1, 0
    start = next((i for i, cells in enumerate(rows[:_MAX_LINES_ABOVE]) if _is_data(cells, columns, width)), len(rows))
    if start == 0:
        return 0, None
    if start == len(rows):  # a single line, or no row of data
        return 1, 0
    full = [i for i in range(start) if len(rows[i]) >= width and all(rows[i])]
    nearly = [
        i for i in range(start) if len(rows[i]) >= width and all(rows[i][1:])
    ]  # pandas' counter of rows has no name
    if full or nearly:
        return start, (full or nearly)[-1]
    return start, None if rows[start - 1][0].startswith("#") else start - 1  # a comment, not a header


def _content_test(column: list[str], empty: frozenset[str]) -> Callable[[str], bool] | None:
    """Return the test that most cells of a column pass, for numbers or for dates; None for text."""
    present = [cell for cell in column if cell not in empty]
    tests = (_looks_like_number, looks_like_data)
    return next((test for test in tests if present and sum(map(test, present)) >= 0.8 * len(present)), None)


def _is_data(cells: list[str], columns: dict[int, Callable[[str], bool]], width: int) -> bool:
    """Whether a row has a number or a date in a column where the rows below have them."""
    if len([cell for cell in cells if cell]) < min(2, width) and not looks_like_data(cells[0]):
        return False  # a title
    dated = [i for i, test in columns.items() if test is looks_like_data]
    first = (dated or list(columns))[0]  # other cells may be text for a missing value
    return first < len(cells) and columns[first](cells[first])


# ---- rows that are not part of the series ----------------------------------------------------------------------------

_TOTALS = (
    "total totals sum subtotal mean average avg summe gesamt insgesamt mittelwert durchschnitt somme moyenne suma "
    "media totale somma totaal"
)


def is_total(cell: str) -> bool:
    """Whether a cell is the label of a total, such as ``Total 2015``.

    Examples
    --------
    >>> is_total("Grand total:"), is_total("Totnes")
    (True, False)
    """
    if not cell or (cell[0].isdigit() and cell[-1].isdigit()):
        return False  # most likely a date; this test is fast
    words = [normalize_word(word) for word in re.findall(r"[^\W\d_]+", cell)]
    return bool(words) and not {words[0], words[-1]}.isdisjoint(_TOTALS.split())


def is_footer(cell: str) -> bool:
    """Whether a cell is text, such as ``Source: ...``, and not a date."""
    return bool(re.search(r"[^\W\d_]{3}", cell)) and not candidate_formats(cell)
