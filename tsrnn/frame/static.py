"""Static covariates: quantities of a series that do not change with time, from a table with one row for each series.

========================================================  ============================================================
Column                                                    Becomes
========================================================  ============================================================
numbers, booleans                                         standardised numbers; missing: the mean of the fit
text, `pandas.Categorical`, other objects of one type     codes 1, 2, ... of categories; missing, or not in the fit: 0
dates, values of two kinds, infinite or complex numbers   an error that names the column and a value
========================================================  ============================================================
"""

from __future__ import annotations

import datetime
import decimal
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd

from ..checks import Anything, shown
from .panel_layouts import ID
from .panel_rows import show_id
from .tables import column_labels, read_table

#: Most ids that a message lists.
LISTED = 5
#: Name of the only column of class labels.
LABEL = "class"
_ACCEPTED = "pass a table with one row for each series and a column of ids, or with the ids as its index"
#: Types of values that are neither numbers nor categories.
_DATES = (datetime.date, datetime.time, datetime.timedelta, np.datetime64, np.timedelta64, pd.Period)
_REFUSED = (*_DATES, complex, np.complexfloating)


@dataclass(frozen=True)
class StaticCodes:
    """What the fit learned of the static columns, by which those of other series are converted.

    Attributes
    ----------
    number_names : tuple of length F
        Columns of numbers.
    category_names : tuple of length K
        Columns of categories.
    mean, deviation : ndarray of float64 of shape (F,)
        Mean and standard deviation over the series of the fit; the deviation of a constant is 1.
    categories : tuple of length K
        The categories of each column, in order of first appearance: the first has the code 1.
    """

    number_names: tuple[Hashable, ...]
    category_names: tuple[Hashable, ...]
    mean: np.ndarray
    deviation: np.ndarray
    categories: tuple[tuple[Hashable, ...], ...]

    @property
    def names(self) -> tuple[Hashable, ...]:
        """Names of all columns: numbers, then categories."""
        return self.number_names + self.category_names

    @property
    def cardinalities(self) -> tuple[int, ...]:
        """Number of codes of each column of categories, with the code 0."""
        return tuple(len(found) + 1 for found in self.categories)


@dataclass(frozen=True, eq=False)
class Static:
    """The static covariates of S series.

    Attributes
    ----------
    numbers : ndarray of float64 of shape (S, F)
        Numbers, standardised.
    codes : ndarray of int64 of shape (S, K)
        Codes of the categories; 0 for one that is missing or was not in the fit.
    coding : StaticCodes
        Names of the columns, and how they were converted.
    """

    numbers: np.ndarray
    codes: np.ndarray
    coding: StaticCodes

    def take(self, series: np.ndarray) -> Static:
        """Return the static covariates of the series with these numbers."""
        return Static(self.numbers[series], self.codes[series], self.coding)

    def joined(self, other: Static) -> Static:
        """Return the static covariates of these series, then those of others that were coded in the same way."""
        numbers, codes = np.vstack([self.numbers, other.numbers]), np.vstack([self.codes, other.codes])
        return Static(numbers, codes, self.coding)


def read_static(
    static: Anything, ids: pd.Index, id_name: Hashable, *, known: StaticCodes | None = None, name: str = "static"
) -> Static:
    """Convert a table of static covariates to arrays, with a row for each of the `ids`.

    A missing number is replaced by the mean of the fit, so it is 0 after standardisation. A missing category counts as
    one that was not in the fit. Rows of other ids are ignored, also in the means.

    Parameters
    ----------
    static : DataFrame, Series or table of another library
        One row for each series, in any order; the ids are its column `id_name`, or else its index.
    ids : pandas.Index of length S
        Ids of the series.
    id_name : hashable or None
        Name of the column of ids; None for ``unique_id``. Where `ids` have several parts, a tuple of names.
    known : StaticCodes, optional
        What an earlier fit learned. The table must have the same columns, in any order.
    name : str, default="static"
        Name of the table in error messages.

    Returns
    -------
    Static

    Raises
    ------
    TypeError, ValueError
        If it is no such table, an id has no row or two rows, or a column is not one of numbers or categories.

    Examples
    --------
    >>> shops = pd.DataFrame({"size": [1.0, 3.0, 2.0], "city": ["Bonn", "Ulm", "Bonn"]}, index=["a", "b", "c"])
    >>> found = read_static(shops, pd.Index(["b", "a", "c"]), "unique_id")
    >>> found.numbers.ravel().round(3).tolist(), found.codes.ravel().tolist(), found.coding.categories
    ([1.225, -1.225, 0.0], [1, 2, 2], (('Ulm', 'Bonn'),))
    >>> new = pd.DataFrame({"size": [2.0], "city": ["Kiel"]}, index=["d"])
    >>> read_static(new, pd.Index(["d"]), "unique_id", known=found.coding).codes.tolist()
    [[0]]
    """
    id_name = ID if id_name is None else id_name
    columns_of_ids = list(id_name) if isinstance(ids, pd.MultiIndex) and isinstance(id_name, tuple) else [id_name]
    once = f"drop_duplicates({columns_of_ids if len(columns_of_ids) > 1 else id_name!r})"
    if not set(columns_of_ids) <= set(column_labels(static)):
        once = f"{name}[~{name}.index.duplicated()]"
    table = _rows_of(_read_frame(static, ids, id_name, name), ids, name, once)
    if known is not None:
        _check_columns(table.columns, known, name)
    columns = [_Column(table[column], f"{name}[{column!r}]") for column in table.columns]
    return _converted(columns, _learn(columns) if known is None else known)


def is_one_dimensional(X: Anything, name: str = "X") -> bool:
    """Return whether data are a list, an array or a column of labels, and not a table or an array of vectors."""
    table = read_table(X, name)
    is_list = isinstance(table.data, list | tuple)
    return (table.ndim if is_list else getattr(table.data, "ndim", None) or np.asarray(table.data).ndim) == 1


def has_categories(X: Anything, name: str = "X") -> bool:
    """Return whether data are a table with a column of other values than numbers and booleans."""
    data = read_table(X, name).data
    return isinstance(data, pd.DataFrame) and not all(map(pd.api.types.is_numeric_dtype, data.dtypes))


def read_vectors(
    X: Anything, *, known: StaticCodes | None = None, learned_from: np.ndarray | None = None, name: str = "X"
) -> Static:
    """Convert vectors or class labels, one for each series, to arrays in the order of the rows; none may be missing.

    Parameters
    ----------
    X : table or array of shape (n, n_features), or labels of shape (n,)
        Columns of numbers and categories, or one label for each row: text, whole numbers, other objects of one type.
    known : StaticCodes, optional
        What an earlier fit learned.
    learned_from : ndarray of int, optional
        Numbers of the rows from which means, deviations and categories are learned without `known`; by default all.
    name : str, default="X"
        Name of the data in error messages.

    Returns
    -------
    Static

    Raises
    ------
    ValueError
        If a value is missing or infinite, labels are no whole numbers, or a column is not one of numbers or categories.

    Examples
    --------
    >>> found = read_vectors(["b", "a", "b"])
    >>> found.codes.ravel().tolist(), found.coding.categories
    ([1, 2, 1], (('b', 'a'),))
    >>> read_vectors(["a", "c"], known=found.coding).codes.ravel().tolist()
    [2, 0]
    """
    if is_one_dimensional(X, name):
        labels = pd.Series(read_table(X, name).data).reset_index(drop=True)
        if pd.api.types.is_float_dtype(labels.dtype):
            raise ValueError(
                f"{name} is one-dimensional, so it holds the class of each series, but {labels[0]} is no label; for "
                f"one number of each series pass a column, np.reshape({name}, (-1, 1)), or whole numbers or text for "
                "classes"
            )
        columns = {LABEL: (labels.astype("category"), name)}
    else:
        table = pd.DataFrame(read_table(X, name).data).reset_index(drop=True)
        columns = {column: (table[column], f"{name}[{column!r}]") for column in table.columns}
    if known is not None:
        _check_columns(pd.Index(columns), known, name)
    for values, place in columns.values():
        _refuse_missing(values, place)
    every = [_Column(values.rename(column), place) for column, (values, place) in columns.items()]
    if known is None:
        rows = np.arange(len(every[0].values)) if learned_from is None else learned_from
        known = _learn([_Column(column.values.iloc[rows], column.place) for column in every])
    return _converted(every, known)


def label_paths(values: np.ndarray, X: Anything, columns: pd.Index | None) -> np.ndarray | pd.DataFrame:
    """Return series (n, n_steps) as a frame with the rows of `X` and the columns of the fit; without these as they are.

    Of more steps than the fit had, the columns are the numbers 0, 1, ...
    """
    if columns is None:
        return values
    data, n_steps = read_table(X, "X").data, values.shape[1]
    steps = columns[:n_steps] if n_steps <= len(columns) else pd.RangeIndex(n_steps)
    index = data.index if isinstance(data, pd.Series | pd.DataFrame) else None
    return pd.DataFrame(values, index=index, columns=steps)


def _refuse_missing(values: pd.Series, place: str) -> None:
    """Raise if a value is missing or infinite."""
    is_missing = np.array(values.isna(), bool)
    if pd.api.types.is_float_dtype(values.dtype):
        is_missing |= np.isinf(values.to_numpy(dtype=np.float64, na_value=np.nan))
    if is_missing.any():
        row = int(is_missing.argmax())
        raise ValueError(
            f"{place} is {values.iloc[row]} (missing or infinite, NaN or inf) in row {row}; fill it, or leave that row "
            "out"
        )


def _converted(columns: Sequence[_Column], known: StaticCodes) -> Static:
    """Return the columns as arrays, in the order in which the fit learned them."""
    by_name, n = {column.values.name: column for column in columns}, len(columns[0].values)
    numbers = [by_name[column].numbers() for column in known.number_names]
    codes = [by_name[column].codes(seen) for column, seen in zip(known.category_names, known.categories, strict=True)]
    array = np.stack(numbers, axis=1) if numbers else np.empty((n, 0))
    array = (np.where(np.isnan(array), known.mean, array) - known.mean) / known.deviation
    return Static(array, np.stack(codes, axis=1) if codes else np.empty((n, 0), np.int64), known)


# ---- rows ------------------------------------------------------------------------------------------------------------


def _read_frame(static: Anything, ids: pd.Index, id_name: Hashable, name: str) -> pd.DataFrame:
    """Return the table as a frame with the ids as index."""
    table = read_table(static, name)
    data, native = table.data, table.native_format
    if isinstance(data, pd.Series) and (native is None or native.has_index):
        data = data.to_frame()
    if not isinstance(data, pd.DataFrame):
        raise TypeError(f"{name} has type {type(static).__name__}, which is not accepted: {_ACCEPTED}")
    if native is not None and native.date_column is not None:
        raise ValueError(f"{name}[{native.date_column!r}] holds dates, not numbers or categories: leave it out")
    if data.columns.has_duplicates:
        twice = data.columns[data.columns.duplicated()][0]
        raise ValueError(f"{name} has more than one column {twice!r}: give each column a different name")
    if isinstance(ids, pd.MultiIndex) and isinstance(id_name, tuple):
        data = _with_levels(data, list(id_name), name)
    elif id_name in data.columns:
        data = data.set_index(id_name)
    elif (native is not None and not native.has_index) or isinstance(data.index, pd.MultiIndex):
        raise ValueError(f"{name} has no column {id_name!r} of ids, but {shown(list(data.columns))}: {_ACCEPTED}")
    if data.shape[1] == 0:
        raise ValueError(f"{name} has no column beside the ids; pass the columns of static covariates, or static=None")
    return data


def _with_levels(data: pd.DataFrame, names: list[Hashable], name: str) -> pd.DataFrame:
    """Return a table with the parts of the ids as levels of its index."""
    if all(label in data.columns for label in names):
        return data.set_index(names)
    levels = list(data.index.names)
    if len(levels) != len(names):
        raise ValueError(
            f"{name} has neither the columns {names} nor an index with these levels, but {shown(list(data.columns))}; "
            "pass a table with one row for each series, and its ids in both"
        )
    if levels != names and set(levels) == set(names):
        order = [data.index.get_level_values(levels.index(label)) for label in names]
        return data.set_axis(pd.MultiIndex.from_arrays(order))
    return data


def _rows_of(table: pd.DataFrame, ids: pd.Index, name: str, once: str) -> pd.DataFrame:
    """Return the rows of the ids, in their order; `once` is the expression that keeps one row for each id."""
    have, wanted = table.index.astype(object), ids.astype(object)
    if have.has_duplicates:
        twice = have[have.duplicated()]
        raise ValueError(
            f"{name} has more than one row for the id {show_id(twice, 0)}"
            + (f", and for {twice.nunique() - 1} more ids" if twice.nunique() > 1 else "")
            + f"; keep one row for each id, as with {once}"
        )
    rows = have.get_indexer(wanted)
    missing = wanted[rows < 0]
    if len(missing):
        listed = ", ".join(map(repr, missing[:LISTED].tolist())) + (", ..." if len(missing) > LISTED else "")
        example = f"; its ids are such as {show_id(have, 0)}" if len(have) else ""
        raise ValueError(
            f"{name} has no row for {len(missing)} of {len(wanted)} ids: {listed}{example}. Add these rows, with NaN "
            "where a value is not known"
        )
    return table.iloc[rows]


def _check_columns(columns: pd.Index, known: StaticCodes, name: str) -> None:
    """Raise unless the columns are those of the fit, in any order."""
    if set(columns) != set(known.names):
        raise ValueError(
            f"{name} has the columns {list(columns)}, but the fit had {list(known.names)}; pass the same columns"
        )


# ---- columns ---------------------------------------------------------------------------------------------------------


class _Column:
    """A column of the table, with the name of its place in messages."""

    def __init__(self, values: pd.Series, place: str):
        self.values, self.place = values, place
        self.missing = np.asarray(values.isna(), bool)
        plain = pd.api.types.is_numeric_dtype(values.dtype) and not pd.api.types.is_complex_dtype(values.dtype)
        self.objects: Sequence[Any] = [] if plain else list(values[~self.missing].astype(object))
        self.is_number = plain or (self._kind() is float and not isinstance(values.dtype, pd.CategoricalDtype))

    def _kind(self) -> type:
        """Return the kind of the objects, float if there are none; raise if they are of two kinds, or dates."""
        kinds = [_kind(value) for value in self.objects]
        other = next((i for i, kind in enumerate(kinds) if kind is not kinds[0]), None)
        if other is not None:
            raise ValueError(
                f"{self.place} has values of two kinds, {shown(self.objects[0])} and {shown(self.objects[other])}: "
                "convert the column to numbers, or all of its values to text"
            )
        if kinds and issubclass(kinds[0], _REFUSED):
            raise ValueError(f"{self.place} holds {shown(self.objects[0])}, not a number or category: leave it out")
        return kinds[0] if kinds else float

    def numbers(self) -> np.ndarray:
        """Return the numbers, NaN where missing, (S,)."""
        if not self.is_number:
            raise ValueError(
                f"{self.place} holds {shown(self.objects[0])}, but it was a column of numbers in the fit; pass numbers"
            )
        found = np.full(len(self.values), np.nan)
        found[~self.missing] = self.values[~self.missing].to_numpy(dtype=np.float64)
        if np.isinf(found).any():
            row = int(np.argmax(np.isinf(found)))
            raise ValueError(
                f"{self.place} is {found[row]} for the id {self.values.index[row]!r}; pass a finite number, or NaN for "
                "the mean"
            )
        return found

    def categories(self) -> tuple[Hashable, ...]:
        """Return the different categories in order of first appearance."""
        try:
            return tuple(dict.fromkeys(self.objects))
        except TypeError:
            value = next(value for value in self.objects if not isinstance(value, Hashable))
            raise ValueError(
                f"{self.place} holds {shown(value)}, whose type {type(value).__name__} cannot be a category: convert "
                "the values to text"
            ) from None

    def codes(self, categories: Sequence[Hashable]) -> np.ndarray:
        """Return the code of each category, (S,)."""
        values = [None if missing else x for x, missing in zip(self.values.astype(object), self.missing, strict=True)]
        known = next(iter(categories), None)
        other = next((x for x in values if x is not None and _kind(x) is not _kind(known)), None)
        if known is not None and other is not None:
            raise ValueError(
                f"{self.place} holds {shown(other)}, but in the fit it had categories of another type, such as "
                f"{shown(known)}; convert the values to this type"
            )
        code_of = {category: code for code, category in enumerate(categories, 1)}
        return np.array([0 if x is None else code_of.get(x, 0) for x in values], np.int64)


def _kind(value: Any) -> type:
    """Return the kind of a value: float for all real numbers and booleans, str for text, else its type."""
    if isinstance(value, Real | np.bool_ | decimal.Decimal):
        return float
    return str if isinstance(value, str) else type(value)


def _learn(columns: Sequence[_Column]) -> StaticCodes:
    """Return means, deviations and categories of the columns of a fit."""
    numbers = [column for column in columns if column.is_number]
    categories = [column for column in columns if not column.is_number]
    moments = np.array([_moments(column) for column in numbers]).reshape(-1, 2)
    return StaticCodes(
        number_names=tuple(column.values.name for column in numbers),
        category_names=tuple(column.values.name for column in categories),
        mean=moments[:, 0],
        deviation=moments[:, 1],
        categories=tuple(column.categories() for column in categories),
    )


def _moments(column: _Column) -> tuple[float, float]:
    """Return mean and standard deviation of a column of numbers; the deviation of a constant is 1."""
    found = column.numbers()
    found = found[~np.isnan(found)]
    if len(found) == 0:
        raise ValueError(f"{column.place} has no value: all {len(column.values)} are missing; drop it or fill it")
    unit = np.abs(found).max() or 1.0  # so that squares of large and small numbers stay in range
    mean, deviation = float(np.mean(found / unit) * unit), float(np.std(found / unit) * unit)
    constant = np.ptp(found / unit) <= 4 * np.finfo(float).eps
    return (float(found[0]), 1.0) if constant else (mean, deviation)
