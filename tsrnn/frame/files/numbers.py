"""Numbers in text, with any decimal mark and thousands separator.

``1.234,5`` and ``12,5`` have only one meaning. ``1,234`` has two; if no other number of the file decides between them,
the error names the options that do.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from .text_table import Report, TextTable, all_match, looks_like_data, quoted

_BLANKS = " \u00a0\u202f\u2009"
_MARK_PATTERNS = {".": r"\.", ",": ",", "'": "['\u2019]", " ": f"[{_BLANKS}]"}
_NAMES = {"point": ".", "comma": ",", "space": " ", "apostrophe": "'", "none": ""}
#: Currencies that may stand before or after all numbers of a column.
_CURRENCY = r"[$€£¥]|EUR|USD|GBP|CHF|JPY"
_PLAIN = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"


@dataclass(frozen=True)
class NumberStyle:
    """Format of numbers.

    Attributes
    ----------
    decimal : str
        Decimal mark.
    thousands : str
        Separator of thousands, "" for none.
    """

    decimal: str
    thousands: str

    def pattern(self) -> str:
        """Return the regular expression of a number in this style."""
        mark = _MARK_PATTERNS.get(self.decimal, re.escape(self.decimal))
        whole = r"\d+"
        if self.thousands:
            group = _MARK_PATTERNS.get(self.thousands, re.escape(self.thousands))
            whole = rf"(?:[1-9]\d{{0,2}}(?:{group}\d{{2,3}})*{group}\d{{3}}|\d+)"
        return rf"[+-]?(?:{whole}(?:{mark}\d*)?|{mark}\d+)(?:[eE][+-]?\d+)?"

    def read(self, cells: pd.Series) -> np.ndarray:
        """Return cells that match the pattern as float64, (n,)."""
        if self.thousands:
            group = _MARK_PATTERNS.get(self.thousands, re.escape(self.thousands))
            cells = cells.str.replace(group, "", regex=True)
        if self.decimal != ".":
            cells = cells.str.replace(self.decimal, ".", regex=False)
        return pd.to_numeric(cells).to_numpy(np.float64)

    def options(self) -> str:
        """Return the options that choose this style."""
        decimal = f"--decimal {_mark_name(self.decimal)}"
        return f"{decimal} --thousands {_mark_name(self.thousands)}" if self.thousands else decimal


_STYLES = [
    NumberStyle(".", ""),
    NumberStyle(",", ""),
    *(NumberStyle(d, t) for d, t in (".,", ",.", ". ", ", ", ".'", ",'")),
]


def allowed_styles(decimal: str | None, thousands: str | None) -> list[NumberStyle]:
    """Return the styles with the given decimal mark and thousands separator.

    Raises
    ------
    ValueError
        If an option is not a single character or a name of one, or if both are the same.

    Examples
    --------
    >>> allowed_styles(None, ".")
    [NumberStyle(decimal=',', thousands='.')]
    """
    marks = [None if mark is None else _NAMES.get(mark, mark) for mark in (decimal, thousands)]
    for option, mark, few in (("--decimal", marks[0], 1), ("--thousands", marks[1], 0)):
        if mark is not None and (not few <= len(mark) <= 1 or mark.isalnum() or mark in "+-" * bool(mark)):
            raise ValueError(f"{option} {mark!r} is not a mark; give one character, or its name: {', '.join(_NAMES)}")
    if marks[0] is not None and marks[0] == marks[1]:
        raise ValueError(f"--decimal and --thousands are both {marks[0]!r}; give two different marks")
    found = [
        style for style in _STYLES
        if marks[0] in (None, style.decimal) and marks[1] in (None, style.thousands)
    ]  # fmt: skip
    if found:
        return found
    return [NumberStyle(marks[0] or ("," if marks[1] == "." else "."), marks[1] or "")]


def matching_styles(cells: pd.Series, styles: Iterable[NumberStyle]) -> list[NumberStyle]:
    """Return the styles that match all cells, one style for each different set of values.

    Examples
    --------
    >>> [style.options() for style in matching_styles(pd.Series(["1,234", "5,678"]), _STYLES)]
    ['--decimal ,', '--decimal . --thousands ,']
    """
    found: list[tuple[NumberStyle, np.ndarray]] = []
    for style in styles:
        if all_match(cells, style.pattern()):
            values = style.read(cells)
            if not any(np.array_equal(values, others) for _, others in found):
                found.append((style, values))
    return [style for style, _ in found]


class Numbers:
    """The columns of a table as numbers.

    Parameters
    ----------
    table : TextTable
        The table.
    columns : list of str
        Names of the columns that may have numbers.
    decimal, thousands : str, optional
        Decimal mark and thousands separator, by default found from each column.
    """

    def __init__(self, table: TextTable, columns: list[str], decimal: str | None, thousands: str | None) -> None:
        self.table = table
        self.allowed = allowed_styles(decimal, thousands)
        self.is_given = decimal is not None or thousands is not None
        self.styles = {name: self._styles(name) for name in columns}

    def _present_cells(self, name: str) -> pd.Series:
        """Return the cells of a column that are not missing, without currencies."""
        text = self._text(name)
        before, after = self._currency(text)
        return text.str.removeprefix(before).str.removesuffix(after).str.strip() if before or after else text

    def _text(self, name: str) -> pd.Series:
        """Return the cells of a column that are not missing, with typographic minus signs replaced."""
        cells = self.table.cells[name]
        text = [cell.replace("\u2212", "-") for cell in cells if cell not in self.table.missing]
        return pd.Series(text, cells.index[self._is_present(name)], dtype=object)

    def _is_present(self, name: str) -> np.ndarray:
        """Return which cells of a column are not missing, (n,)."""
        return np.array([cell not in self.table.missing for cell in self.table.cells[name]])

    def _currency(self, cells: pd.Series) -> tuple[str, str]:
        """Return the currency before all numbers, and the currency or percent sign after all numbers; "" for none."""
        first = cells.iloc[0] if len(cells) else ""
        before, after = re.match(_CURRENCY, first), re.search(rf"(?:{_CURRENCY}|%)$", first)
        start, end = before[0] if before else "", after[0] if after else ""
        start = start if start and all(cell.startswith(start) for cell in cells) else ""
        return start, end if end and all(cell.endswith(end) for cell in cells) else ""

    def _styles(self, name: str) -> list[NumberStyle]:
        """Return the allowed styles that match a column."""
        present = self._present_cells(name)
        if not len(present):
            return []
        usual = NumberStyle(".", "")
        if usual in self.allowed and self.table.separator in (",", "|", " ") and all_match(present, _PLAIN):
            return [usual]  # the usual case; in files with semicolons or tabs, 1.234 may be 1234
        return matching_styles(present, self.allowed)

    @property
    def numeric(self) -> list[str]:
        """Names of the columns that have only numbers."""
        return [name for name, styles in self.styles.items() if styles]

    def read(self, name: str, report: Report) -> np.ndarray:
        """Return a column as float64, (n,), NaN where a value is missing.

        Raises
        ------
        ValueError
            If its numbers have several meanings, or some cells are not numbers.
        """
        styles = self.styles[name]
        if not styles:
            raise ValueError(f"a series must have numbers only, but {self.describe_text(name)}")
        if len(styles) > 1:
            styles = self._styles_of_other_columns(styles) or styles
        present = self._present_cells(name)
        if len(styles) > 1:
            ambiguous = (
                (line, cell) for line, cell in present.items() if len({_value(style, cell) for style in styles}) > 1
            )
            line, cell = next(ambiguous)
            meanings = " or ".join(f"{_value(style, cell):.15g} ({style.options()})" for style in styles)
            raise ValueError(
                f"column {name!r} has {quoted(cell)} in line {line}, which means {meanings}; give one of these"
            )
        (style,) = styles
        if left_out := " and ".join(repr(text) for text in self._currency(self._text(name)) if text):
            report(f"In column {name!r}, {left_out} is left out of each number.")
        if style != NumberStyle(".", "") and not self.is_given:
            kind = f"{_mark_name(style.decimal)!r} is the decimal mark"
            kind += f" and {_mark_name(style.thousands)!r} separates thousands" if style.thousands else ""
            report(f"In column {name!r}, {kind}, since no other format matches all numbers ({style.options()}).")
        values = np.full(len(self.table.cells), np.nan)
        values[self._is_present(name)] = style.read(present)
        return values

    def _styles_of_other_columns(self, styles: list[NumberStyle]) -> list[NumberStyle]:
        """Return the styles with the decimal mark of the other columns, if these have a single one."""
        single = {
            found[0]
            for name, found in self.styles.items()
            if len(found) == 1 and self._present_cells(name).str.contains("[.,]").any()
        }
        marks = {style.decimal for style in single if style in styles or style.decimal == ","}
        return [style for style in styles if style.decimal in marks] if len(marks) == 1 else []

    def no_numbers_message(self) -> str:
        """Return why no column is numeric, for up to three columns, those with some numbers if there are any."""
        some = [name for name in self.styles if self._present_cells(name).map(looks_like_data).any()]
        return "; ".join(map(self.describe_text, (some or list(self.styles))[:3]))

    def describe_text(self, name: str) -> str:
        """Return a phrase on the first cell of a column that is not a number, and what to do."""
        present = self._present_cells(name)
        if not len(present):
            return f"column {name!r} is empty"
        fits = {style: present.str.fullmatch(style.pattern()).to_numpy() for style in self.allowed}
        best = max(fits, key=lambda style: int(fits[style].sum()))
        row = int((~fits[best]).argmin()) if fits[best].all() else int((~fits[best]).argmax())
        cell, line = present.iloc[row], present.index[row]
        return f"column {name!r} has {quoted(cell)} in line {line}{self._advice(cell, present[~fits[best]])}"

    def _advice(self, cell: str, misfits: pd.Series) -> str:
        """Return a phrase on what to do about the cells that are not numbers."""
        if self.is_given and (other := next((s for s in _STYLES if re.fullmatch(s.pattern(), cell)), None)) is not None:
            return f", which is a number with {other.options()}"
        texts = list(misfits.unique())
        if len(texts) > 5 or any(len(text) > 20 or re.search(r"\d", text) for text in texts):
            return ", which is not a number"
        options = " ".join(f"--missing {shlex.quote(text)}" for text in texts)
        return f", which is not a number; if it means a missing value, add {options}"


def _value(style: NumberStyle, cell: str) -> float:
    """Return the number that a cell means in a style."""
    return float(style.read(pd.Series([cell]))[0])


def _mark_name(mark: str) -> str:
    """Return the name of a mark as its option takes it."""
    return {" ": "space", "'": "apostrophe", "": "none"}.get(mark, mark)
