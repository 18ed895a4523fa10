"""The rows of a panel in one form, and what messages say about them."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd

from ..messages import format_label
from .panel_labels import Times
from .tables import Native, NativeFormat
from .target import to_float

#: How the caller passed a panel; "columns" is a wide frame.
Layout = Literal["long", "index", "dict", "columns"]


class PanelColumns(NamedTuple):
    """Names of the columns of a panel, or of its index levels and its Series; a name may be None.

    Where ids have several parts, `id` is a tuple of the names of their columns, and the ids are a MultiIndex.
    """

    id: Hashable
    time: Hashable
    target: Hashable


@dataclass(frozen=True, eq=False)
class Rows:
    """The rows of a panel, in the order of the caller.

    Attributes
    ----------
    name : str
        Name of the panel in error messages.
    layout : {"long", "index", "dict"}
        How the caller passed it.
    columns : PanelColumns
        Names of ids, times and target.
    codes : ndarray of int of shape (N,)
        Number of the series of each row, its place in `ids`; -1 where the id is missing.
    ids : pandas.Index of length S
        Ids in order of first appearance; a MultiIndex if they have several parts.
    times : pandas.Index of length N
        A DatetimeIndex, a PeriodIndex or integers.
    table : DataFrame with N rows
        All other columns, among them the target.
    is_series : bool
        Whether the values came as Series and not as columns of a frame.
    id_dtype : dtype, tuple of dtypes or None
        The dtype of the caller's ids, or of each part of them.
    freq : pandas offset or None
        Frequency of the times, if the caller's index has one.
    native_format, types
        Library of the original table and its types of the columns; None and empty for pandas.
    names : tuple or None
        Names of the Series of a dict.
    """

    name: str
    layout: Layout
    columns: PanelColumns
    codes: np.ndarray
    ids: pd.Index
    times: Times
    table: pd.DataFrame
    is_series: bool = False
    id_dtype: Any = None
    freq: Any = None
    native_format: NativeFormat | None = None
    types: Mapping[str, Native] = field(default_factory=dict)
    names: tuple[Hashable, ...] | None = None

    @property
    def pandas(self) -> str:
        """Expression for the panel as pandas data, for mends that use pandas' methods."""
        return self.name if self.native_format is None else self.native_format.pandas_expression(self.name, index=False)

    def place(self, row: int) -> str:
        """Return id and time of a row for messages: ``series 'a' at 2024-05-01``."""
        return f"series {show_id(self.ids, self.codes[row])} at {format_label(self.times[row])}"

    def column(self, label: Hashable) -> str:
        """Return the name of a column for messages: ``y['sales']``."""
        return self.name if self.is_series else f"{self.name}[{label!r}]"

    def values(self, label: Hashable) -> np.ndarray:
        """Return the numbers of a column, (N,), NaN where missing; raise for any other value."""
        column = self.table.iloc[:, 0 if self.is_series else position(self.table.columns, label)]
        values = numbers(column, lambda row: f"{self.column(label)} of {self.place(row)}")
        infinite = np.isinf(values)
        if infinite.any():
            row = int(np.argmax(infinite))
            raise ValueError(
                f"{self.column(label)} of {self.place(row)} is {values[row]}: replace infinite values by NaN, which "
                f"counts as missing, with {self.mend('infinite')}"
            )
        return values

    def mend(self, problem: str) -> str:
        """Return the expression that solves a problem of the rows; see `_MENDS`."""
        names = id_names(self.columns, self.ids)
        parts = {"y": self.pandas, "ids": ", ".join(map(repr, names)), "levels": list(range(len(names)))}
        return _MENDS[problem][self.layout].format(**self.columns._asdict(), **parts)


#: Expressions that solve a problem of the rows of a panel, by the layout of the panel.
_MENDS: dict[str, dict[str, str]] = {
    "duplicates": {
        "long": "{y}.drop_duplicates([{ids}, {time!r}])",
        "index": "{y}[~{y}.index.duplicated()]",
        "dict": "{{id: s[~s.index.duplicated()] for id, s in {y}.items()}}",
    },
    "averages": {
        "long": "{y}.groupby([{ids}, {time!r}], sort=False, as_index=False).mean(numeric_only=True)",
        "index": "{y}.groupby(level=list(range({y}.index.nlevels)), sort=False).mean()",
        "dict": "{{id: s.groupby(level=0).mean() for id, s in {y}.items()}}",
    },
    "missing ids": {
        "long": "{y}.dropna(subset=[{ids}])",
        "index": "{y}[{y}.index.to_frame().notna().all(axis=1).to_numpy()]",
        "dict": "{{id: s for id, s in {y}.items() if id == id and id is not None}}",
    },
    "missing times": {
        "long": "{y}.dropna(subset=[{time!r}])",
        "index": "{y}[{y}.index.get_level_values(-1).notna()]",
        "dict": "{{id: s[s.index.notna()] for id, s in {y}.items()}}",
    },
    "all missing": {
        "long": "{y}[{y}.groupby([{ids}])[{target!r}].transform('count') > 0]",
        "index": "{y}[{y}.notna().groupby(level={levels}).transform('any').to_numpy()]",
        "dict": "{{id: s for id, s in {y}.items() if s.notna().any()}}",
    },
    "infinite": {
        "long": "{y}.replace([np.inf, -np.inf], np.nan)",
        "index": "{y}.replace([np.inf, -np.inf], np.nan)",
        "dict": "{{id: s.replace([np.inf, -np.inf], np.nan) for id, s in {y}.items()}}",
    },
}


def id_names(columns: PanelColumns, ids: pd.Index) -> list[Hashable]:
    """Return the names of the columns of ids: one, or one for each part of the ids."""
    return list(columns.id) if isinstance(ids, pd.MultiIndex) and isinstance(columns.id, tuple) else [columns.id]


def show_id(ids: pd.Index, s: int) -> str:
    """Return the id of a series for messages."""
    return show_value(ids[s : int(s) + 1].tolist()[0] if isinstance(ids, pd.MultiIndex) else ids[int(s)])


def show_value(value: Any) -> str:
    """Return a value of a column for messages, a NumPy number as a number of Python."""
    return repr(value.item() if isinstance(value, np.generic) else value)


def position(columns: pd.Index, label: Hashable) -> int:
    """Return the position of a column by its name, -1 if there is none."""
    return next((k for k, column in enumerate(columns) if type(column) is type(label) and column == label), -1)


def numbers(column: pd.Series, cell: Callable[[int], str]) -> np.ndarray:
    """Return a column of any dtype as float64 (N,), NaN where missing; an error names the `cell` of a row."""
    dtype = column.dtype
    if isinstance(dtype, pd.SparseDtype):
        column = pd.Series(column.to_numpy())
    exact = pd.api.types.is_numeric_dtype(dtype) and not pd.api.types.is_complex_dtype(dtype)
    if exact or pd.api.types.infer_dtype(column) in _NUMBERS:
        return column.to_numpy(dtype=np.float64, na_value=np.nan)
    values = np.full(len(column), np.nan)
    for row, (value, missing) in enumerate(zip(column, column.isna(), strict=True)):
        if not missing:
            try:
                values[row] = to_float(value)
            except (TypeError, ValueError, OverflowError):
                raise ValueError(
                    f"{cell(row)} is {value!r}, not a number: convert the values to real numbers; strings are not "
                    "parsed"
                ) from None
    return values


#: Kinds of objects, in pandas' words, that NumPy converts to float64 without parsing text.
_NUMBERS = ("integer", "floating", "mixed-integer-float", "boolean", "integer-na")
