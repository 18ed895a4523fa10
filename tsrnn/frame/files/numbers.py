"""Numbers in text: which decimal mark and which thousands separator they are written with.

``1.234,5`` reads in one way only, and so does ``12,5``. ``1,234`` reads in two, and is refused where the file does not
tell which one is meant.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from .cells import Remark, Table, all_match, looks_like_data, short

_BLANKS = " \u00a0\u202f\u2009"
_MARKS = {".": r"\.", ",": ",", "'": "['\u2019]", " ": f"[{_BLANKS}]"}
_NAMES = {"point": ".", "comma": ",", "space": " ", "apostrophe": "'", "none": ""}
#: What may stand before or after each number of a column, if it does so always.
_CURRENCY = r"[$€£¥]|EUR|USD|GBP|CHF|JPY"
_PLAIN = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"


@dataclass(frozen=True)
class Style:
    """How numbers are written.

    Parameters
    ----------
    decimal : str
        The decimal mark.
    thousands : str
        What separates groups of three digits, "" for nothing.
    """

    decimal: str
    thousands: str

    def pattern(self) -> str:
        """Return the regular expression of a number in this style."""
        mark = _MARKS.get(self.decimal, re.escape(self.decimal))
        whole = r"\d+"
        if self.thousands:
            group = _MARKS.get(self.thousands, re.escape(self.thousands))
            whole = rf"(?:[1-9]\d{{0,2}}(?:{group}\d{{2,3}})*{group}\d{{3}}|\d+)"
        return rf"[+-]?(?:{whole}(?:{mark}\d*)?|{mark}\d+)(?:[eE][+-]?\d+)?"

    def read(self, cells: pd.Series) -> np.ndarray:
        """Return cells that have the pattern as float64."""
        if self.thousands:
            group = _MARKS.get(self.thousands, re.escape(self.thousands))
            cells = cells.str.replace(group, "", regex=True)
        if self.decimal != ".":
            cells = cells.str.replace(self.decimal, ".", regex=False)
        return pd.to_numeric(cells).to_numpy(np.float64)

    def options(self) -> str:
        """Return the options that choose this style."""
        decimal = f"--decimal {_shown(self.decimal)}"
        return f"{decimal} --thousands {_shown(self.thousands)}" if self.thousands else decimal


_STYLES = [Style(".", ""), Style(",", ""), *(Style(d, t) for d, t in (".,", ",.", ". ", ", ", ".'", ",'"))]


def style_from(decimal: str | None, thousands: str | None) -> list[Style]:
    """Return the styles that the options leave.

    Raises
    ------
    ValueError
        If an option is no mark, or both are the same.

    Examples
    --------
    >>> style_from(None, ".")
    [Style(decimal=',', thousands='.')]
    """
    marks = [None if each is None else _NAMES.get(each, each) for each in (decimal, thousands)]
    for option, mark, few in (("--decimal", marks[0], 1), ("--thousands", marks[1], 0)):
        if mark is not None and (not few <= len(mark) <= 1 or mark.isalnum() or mark in "+-" * bool(mark)):
            raise ValueError(f"{option} {mark!r} is no mark; give one character, or its name: {', '.join(_NAMES)}")
    if marks[0] is not None and marks[0] == marks[1]:
        raise ValueError(f"--decimal and --thousands are both {marks[0]!r}; a mark is one of the two")
    found = [
        style for style in _STYLES
        if marks[0] in (None, style.decimal) and marks[1] in (None, style.thousands)
    ]  # fmt: skip
    if found:
        return found
    return [Style(marks[0] or ("," if marks[1] == "." else "."), marks[1] or "")]


def styles_of(cells: pd.Series, styles: Iterable[Style]) -> list[Style]:
    """Return the first style of each set of values that some cells can be read as.

    Examples
    --------
    >>> [style.options() for style in styles_of(pd.Series(["1,234", "5,678"]), _STYLES)]
    ['--decimal ,', '--decimal . --thousands ,']
    """
    found: list[tuple[Style, np.ndarray]] = []
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
    table : Table
        The cells.
    columns : list of str
        Those that may hold numbers.
    decimal, thousands : str, optional
        The marks, by default those that the columns tell.
    """

    def __init__(self, table: Table, columns: list[str], decimal: str | None, thousands: str | None) -> None:
        self.table = table
        self.allowed = style_from(decimal, thousands)
        self.given = decimal is not None or thousands is not None
        self.styles = {name: self._styles(name) for name in columns}

    def _known(self, name: str) -> pd.Series:
        """Cells with something in them; a typographic minus is one."""
        text = self._text(name)
        before, after = self._affix(text)
        return text.str.removeprefix(before).str.removesuffix(after).str.strip() if before or after else text

    def _text(self, name: str) -> pd.Series:
        cells = self.table.cells[name]
        text = [cell.replace("\u2212", "-") for cell in cells if cell not in self.table.missing]
        return pd.Series(text, cells.index[self._is_known(name)], dtype=object)

    def _is_known(self, name: str) -> np.ndarray:
        return np.array([cell not in self.table.missing for cell in self.table.cells[name]])

    def _affix(self, cells: pd.Series) -> tuple[str, str]:
        """Return the currency before all numbers, and the currency or percent sign after all of them."""
        first = cells.iloc[0] if len(cells) else ""
        before, after = re.match(_CURRENCY, first), re.search(rf"(?:{_CURRENCY}|%)$", first)
        start, end = before[0] if before else "", after[0] if after else ""
        start = start if start and all(cell.startswith(start) for cell in cells) else ""
        return start, end if end and all(cell.endswith(end) for cell in cells) else ""

    def _styles(self, name: str) -> list[Style]:
        known = self._known(name)
        if not len(known):
            return []
        usual = Style(".", "")
        if usual in self.allowed and self.table.separator in (",", "|", " ") and all_match(known, _PLAIN):
            return [usual]  # as in most files; between semicolons or tabs, 1.234 may be a thousand
        return styles_of(known, self.allowed)

    @property
    def numeric(self) -> list[str]:
        """Names of the columns that hold numbers alone."""
        return [name for name, styles in self.styles.items() if styles]

    def read(self, name: str, remark: Remark) -> np.ndarray:
        """Return a column as float64, NaN where nothing is.

        Raises
        ------
        ValueError
            If its numbers read in several ways, or some are none.
        """
        styles = self.styles[name]
        if not styles:
            raise ValueError(f"a series is made of numbers, but {self.text_in(name)}")
        if len(styles) > 1:
            styles = self._by_others(styles) or styles
        known = self._known(name)
        if len(styles) > 1:
            several = ((line, cell) for line, cell in known.items() if len({_value(each, cell) for each in styles}) > 1)
            line, cell = next(several)
            ways = " or ".join(f"{_value(each, cell):.15g} ({each.options()})" for each in styles)
            raise ValueError(f"column {name!r} has {short(cell)} in line {line}, which is {ways}")
        (style,) = styles
        if affix := " and ".join(repr(each) for each in self._affix(self._text(name)) if each):
            remark(f"In column {name!r}, {affix} is left out of each number.")
        if style != Style(".", "") and not self.given:
            kind = f"{_shown(style.decimal)!r} is the decimal mark"
            kind += f" and {_shown(style.thousands)!r} separates thousands" if style.thousands else ""
            remark(f"In column {name!r}, {kind}, as only that reads all of it ({style.options()}).")
        values = np.full(len(self.table.cells), np.nan)
        values[self._is_known(name)] = style.read(known)
        return values

    def _by_others(self, styles: list[Style]) -> list[Style]:
        """Styles that columns with a single one leave: a file is written in one."""
        single = {
            found[0]
            for name, found in self.styles.items()
            if len(found) == 1 and self._known(name).str.contains("[.,]").any()
        }
        marks = {style.decimal for style in single if style in styles or style.decimal == ","}
        return [style for style in styles if style.decimal in marks] if len(marks) == 1 else []

    def why_none(self) -> str:
        """Return why no column is numeric, by those that hold some numbers, or all."""
        some = [name for name in self.styles if self._known(name).map(looks_like_data).any()]
        return "; ".join(map(self.text_in, (some or list(self.styles))[:3]))

    def text_in(self, name: str) -> str:
        """Return the first cell that is no number, in words, and what would do."""
        known = self._known(name)
        if not len(known):
            return f"column {name!r} is empty"
        fits = {style: known.str.fullmatch(style.pattern()).to_numpy() for style in self.allowed}
        best = max(fits, key=lambda style: int(fits[style].sum()))
        row = int((~fits[best]).argmin()) if fits[best].all() else int((~fits[best]).argmax())
        cell, line = known.iloc[row], known.index[row]
        return f"column {name!r} has {short(cell)} in line {line}{self._mend(cell, known[~fits[best]])}"

    def _mend(self, cell: str, misfits: pd.Series) -> str:
        """Return what would make the cells of a column numbers that are none."""
        if self.given and (other := next((s for s in _STYLES if re.fullmatch(s.pattern(), cell)), None)) is not None:
            return f", which is a number with {other.options()}"
        texts = list(misfits.unique())
        if len(texts) > 5 or any(len(text) > 20 or re.search(r"\d", text) for text in texts):
            return ", which is no number"
        options = " ".join(f"--missing {shlex.quote(text)}" for text in texts)
        return f", which is no number; if that means that there is no value, say so with {options}"


def _value(style: Style, cell: str) -> float:
    return float(style.read(pd.Series([cell]))[0])


def _shown(mark: str) -> str:
    return {" ": "space", "'": "apostrophe", "": "none"}.get(mark, mark)
