"""Conversion of tables of any library to pandas, through narwhals, and of forecasts back to that library.

=============================================  =======================================================================
Table                                          How it is read
=============================================  =======================================================================
pandas Series or DataFrame                     values and index
polars or pyarrow table, one column of dates   that column is the index, the other columns are the values
polars or pyarrow table without dates          its columns are the values; its rows have no labels, as in an array
polars Series, pyarrow Array or ChunkedArray   its values; its rows have no labels
modin or cuDF Series or DataFrame              as in pandas
lazy tables, and other tables                  an error that names the method to call first
=============================================  =======================================================================

A column of dates has a date or datetime type; text is never parsed.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
from narwhals.exceptions import DuplicateError

from ..checks import Anything
from ..messages import format_label

#: A table, column or type of another library, which may not be installed.
Native = Any
#: Method that computes a lazy table, by narwhals' name of its library.
COMPUTE_METHODS = {
    "POLARS": "collect",
    "DASK": "compute",
    "PYSPARK": "toPandas",
    "DUCKDB": "arrow",
    "IBIS": "to_pyarrow",
}


@dataclass(frozen=True)
class NativeFormat:
    """The library and the date column of a table that is not pandas', used to build forecasts in the same form.

    Attributes
    ----------
    library : str
        Name of the library's module: "polars", "pyarrow", "modin.pandas" or "cudf".
    date_column : str or None
        Name of the column of dates.
    date_dtype : object
        The library's type of that column.
    """

    library: str
    date_column: str | None = None
    date_dtype: Native = None

    @property
    def has_index(self) -> bool:
        """Whether the library's tables have an index, like pandas'."""
        return self.library not in ("polars", "pyarrow")

    def pandas_expression(self, name: str, *, index: bool = True) -> str:
        """Return the expression that converts the variable `name` to pandas, by default with its dates as index."""
        if self.has_index:
            return name
        table = f"{name}.to_pandas({'date_as_object=False' if self.library == 'pyarrow' else ''})"
        return f"{table}.set_index({self.date_column!r})" if index and self.date_column is not None else table

    def to_native(self, data: pd.Series | pd.DataFrame) -> Native:
        """Convert a pandas table to a table of this library, with its index in the column of dates."""
        if self.has_index:
            return getattr(importlib.import_module(self.library), type(data).__name__)(data)
        if isinstance(data, pd.Series):
            return self._native_column(data.name, data.to_numpy())
        names = [label if isinstance(label, str) else format_label(label) for label in data.columns]
        if self.date_column in names:
            raise ValueError(
                f"the column of dates has the name {self.date_column!r}, and so has a column of the result; rename the "
                "column of dates"
            )
        columns = {name: self._native_column(name, data.iloc[:, c].to_numpy()) for c, name in enumerate(names)}
        if self.date_column is not None:
            columns = {self.date_column: self._native_dates(data.index)} | columns
        make_table = getattr(importlib.import_module(self.library), _TABLE[self.library])
        return make_table(columns)

    def to_native_columns(self, columns: Mapping[str, pd.Index | np.ndarray], types: Mapping[str, Native]) -> Native:
        """Return a table of this library with these columns; `types` are the library's types of some of them."""
        made = {}
        for name, values in columns.items():
            if isinstance(values, pd.DatetimeIndex):
                made[name] = replace(self, date_column=name, date_dtype=types[name])._native_dates(values)
                continue
            array = values.to_numpy() if isinstance(values, pd.Index) else values
            column = self._native_column(name, array if array.dtype != object else array.tolist())
            made[name] = column.cast(types[name]) if name in types else column
        make_table = getattr(importlib.import_module(self.library), _TABLE[self.library])
        return make_table(made)

    def _native_column(self, name: Any, values: np.ndarray | list) -> Native:  # any label of pandas
        """Return a column of this library, (n,)."""
        backend: Any = self.library
        data = values if isinstance(values, list) else np.ascontiguousarray(values)
        return nw.new_series(name, data, backend=backend).to_native()

    def _native_dates(self, index: pd.Index) -> Native:
        """Return an index as a column of the type of the column of dates, which includes the time zone."""
        dates: Any = index
        instants = dates.tz_convert("UTC").tz_localize(None) if dates.tz is not None else dates
        stamps = instants.as_unit("ms").to_numpy() if dates.unit == "s" else instants.to_numpy()
        return self._native_column(self.date_column, stamps).cast(self.date_dtype)


@dataclass(frozen=True, eq=False)
class Table:
    """A table as pandas data; other data unchanged.

    Attributes
    ----------
    data : Series, DataFrame or object
        A pandas table, or other data, which `read_target` reads as an array or refuses.
    native_format : NativeFormat or None
        Library of the original table; None for pandas and for data that are no table.
    """

    data: Anything
    native_format: NativeFormat | None = None

    @property
    def is_labelled(self) -> bool:
        """Whether its rows have labels; arrays and tables without dates have none."""
        if not isinstance(self.data, pd.Series | pd.DataFrame):
            return False
        return self.native_format is None or self.native_format.has_index or self.native_format.date_column is not None

    @property
    def ndim(self) -> int:
        """Number of dimensions; the rows of a list may differ in length."""
        data = self.data
        is_list = isinstance(data, Sequence) and not isinstance(data, str) and len(data) > 0
        return 1 + np.ndim(data[0]) if is_list else np.ndim(data)


def read_table(data: Anything, name: str) -> Table:
    """Convert a table of any library to pandas, with its names and dates; return other data unchanged.

    Parameters
    ----------
    data : object
        The data.
    name : str
        Name of the data in error messages.

    Returns
    -------
    Table

    Raises
    ------
    TypeError
        If it is a lazy table, or a table of a library that is not supported.
    ValueError
        If it has two columns of dates, or two columns of the same name.

    Examples
    --------
    >>> import pyarrow
    >>> months = pd.date_range("2024-01-01", periods=2, freq="MS")
    >>> table = read_table(pyarrow.table({"month": months, "sales": [3.0, 5.0]}), "y")
    >>> table.data
                sales
    month
    2024-01-01    3.0
    2024-02-01    5.0
    >>> table.native_format.library, table.native_format.date_column
    ('pyarrow', 'month')
    """
    if isinstance(data, Table):
        return data
    if isinstance(data, pd.Series | pd.DataFrame | np.ndarray):
        return Table(data)
    wrapped = _with_narwhals(data, name)
    if not isinstance(wrapped, nw.DataFrame | nw.Series):
        return Table(wrapped)
    if wrapped.implementation.is_pandas_like():
        library = wrapped.implementation.to_native_namespace().__name__
        return Table(wrapped.to_pandas(), None if library == "pandas" else NativeFormat(library))
    return _read_series(wrapped) if isinstance(wrapped, nw.Series) else _read_frame(wrapped, name)


def read_flat_table(data: Anything, name: str) -> tuple[Table, dict[str, Native]]:
    """Convert a table like `read_table`, but with its dates as columns among the others, as in a panel.

    Parameters
    ----------
    data : object
        The data.
    name : str
        Name of the data in error messages.

    Returns
    -------
    table : Table
        The table; polars and pyarrow tables have rows 0, 1, 2, ... and no column of dates of their own.
    types : dict
        The library's types of the columns of a polars or pyarrow table; empty for others.

    Raises
    ------
    TypeError, ValueError
        As in `read_table`, but with any number of columns of dates.

    Examples
    --------
    >>> import pyarrow
    >>> days = pd.date_range("2024-01-01", periods=2)
    >>> table, types = read_flat_table(pyarrow.table({"unique_id": ["a", "b"], "ds": days, "y": [3.0, 5.0]}), "y")
    >>> table.data
      unique_id         ds    y
    0         a 2024-01-01  3.0
    1         b 2024-01-02  5.0
    """
    if isinstance(data, Table | pd.Series | pd.DataFrame):
        return read_table(data, name), {}
    wrapped = _with_narwhals(data, name)
    if not isinstance(wrapped, nw.DataFrame) or wrapped.implementation.is_pandas_like():
        return read_table(data, name), {}
    library = wrapped.implementation.name.lower()
    columns = [wrapped[column] for column in wrapped.columns]
    types = {column.name: getattr(column.to_native(), _DTYPE[library]) for column in columns}
    read = [_read_column(column) for column in columns]
    frame = pd.DataFrame(dict(enumerate(read)), index=pd.RangeIndex(len(wrapped)))
    return Table(frame.set_axis(pd.Index(list(types)), axis=1), NativeFormat(library)), types


def column_labels(data: Anything) -> list[Hashable]:
    """Return the labels of the columns of a table of any library, without a conversion; none for other data.

    Parameters
    ----------
    data : object
        The data.

    Returns
    -------
    list of hashable
        Empty also for lazy tables, and for tables with two columns of one name, which `read_table` refuses.

    Examples
    --------
    >>> column_labels(pd.DataFrame({"a": [1], "b": [2]})), column_labels([1.0])
    (['a', 'b'], [])
    """
    if isinstance(data, pd.DataFrame):
        return list(data.columns)
    try:
        table = nw.from_native(_as_table(nw.to_native(data, pass_through=True)), pass_through=True)
    except DuplicateError:
        return []
    return list(table.columns) if isinstance(table, nw.DataFrame) else []


def labelled_table(values: np.ndarray, rows: Sequence[Hashable], columns: Sequence[Hashable]) -> pd.DataFrame:
    """Values (n, m) with any labels, which may occur several times.

    Examples
    --------
    >>> labelled_table(np.eye(2), ["a", "a"], [(1, 2), "b"]).shape
    (2, 2)
    """
    index, header = (pd.Index(list(each), dtype=object, tupleize_cols=False) for each in (rows, columns))
    return pd.DataFrame(values, index, header)


def with_constant(data: Anything, label: Hashable, value: str) -> Anything:
    """Return a table of any library with one more column, which has the same text in each row.

    Examples
    --------
    >>> with_constant(pd.DataFrame({"y": [1.0, 2.0]}), "id", "a")
         y id
    0  1.0  a
    1  2.0  a
    """
    if isinstance(data, pd.DataFrame):
        return data.assign(**{str(label): value})
    table = nw.from_native(_as_table(nw.to_native(data, pass_through=True)))
    return table.with_columns(nw.lit(value).alias(str(label))).to_native()


def _with_narwhals(data: Anything, name: str) -> Anything:
    """Return a table or column as one of narwhals, other data unchanged; raise for lazy and unknown tables."""
    data = nw.to_native(data, pass_through=True)
    try:
        wrapped = nw.from_native(_as_table(data), pass_through=True, allow_series=True)
    except DuplicateError:
        raise ValueError(f"{name} has several columns of the same name: give each column a different name") from None
    if isinstance(wrapped, nw.LazyFrame):
        method = COMPUTE_METHODS.get(wrapped.implementation.name, "collect")
        raise TypeError(f"{name} is a lazy table ({type(data).__name__}), not computed yet: pass {name}.{method}()")
    if not isinstance(wrapped, nw.DataFrame | nw.Series):
        _refuse_unknown(data, name)
        return data
    return wrapped


@contextmanager
def pandas_fixes(native_format: NativeFormat | None, name: str) -> Iterator[None]:
    """Add to an error, whose fix uses pandas' methods, how to convert the variable `name` to pandas.

    Parameters
    ----------
    native_format : NativeFormat or None
        Library of the table; None for pandas, for which nothing is added.
    name : str
        Name of the variable.

    Examples
    --------
    >>> with pandas_fixes(NativeFormat("polars", "day"), "y"):
    ...     raise ValueError("use y.asfreq('D')")
    Traceback (most recent call last):
        ...
    ValueError: use y.asfreq('D') (in pandas y is y.to_pandas().set_index('day'))
    """
    try:
        yield
    except ValueError as error:
        if native_format is None or native_format.has_index:
            raise
        raise ValueError(f"{error} (in pandas {name} is {native_format.pandas_expression(name)})") from None


def _as_table(data: Anything) -> Anything:
    """Return an Array or RecordBatch of pyarrow in a container that narwhals reads; other data unchanged."""
    if not type(data).__module__.startswith("pyarrow"):
        return data
    arrow = importlib.import_module("pyarrow")
    if isinstance(data, arrow.Array):
        return arrow.chunked_array([data])
    return arrow.Table.from_batches([data]) if isinstance(data, arrow.RecordBatch) else data


def _refuse_unknown(data: Anything, name: str) -> None:
    """Raise if data are a table of another library, since an array of its values would lose names and labels."""
    fixes = {
        "to_pandas": f"{name}.to_pandas()",
        "divisions": f"{name}.compute()",  # dask's Series
        "__arrow_c_stream__": f"pyarrow.table({name})",
    }
    fix = next((fix for attribute, fix in fixes.items() if hasattr(data, attribute)), None)
    if fix is not None:
        kind = f"{type(data).__module__}.{type(data).__name__}"
        raise TypeError(f"{name} has type {kind}, whose names and labels cannot be read: pass {fix}")


# ---- polars and pyarrow ----------------------------------------------------------------------------------------------


def _read_series(series: nw.Series[Native]) -> Table:
    """Convert a polars Series or a pyarrow ChunkedArray."""
    values = pd.Series(_read_dates(series)) if _is_date_column(series) else _values(series)
    return Table(values.rename(series.name), NativeFormat(series.implementation.name.lower()))


def _read_frame(table: nw.DataFrame[Native], name: str) -> Table:
    """Convert a polars or pyarrow table; its column of dates, if it has one, becomes the index."""
    library = table.implementation.name.lower()
    columns = [table[column] for column in table.columns]
    dates = [column for column in columns if _is_date_column(column)]
    if len(dates) > 1:
        first, second = dates[0].name, dates[1].name
        drop = "drop_columns" if library == "pyarrow" else "drop"
        raise ValueError(
            f"{name} has two columns of dates, {first!r} and {second!r}, but only one can be the index: drop the "
            f"other, as with {name}.{drop}({second!r})"
        )
    native_format = NativeFormat(library)
    index: Any = pd.RangeIndex(len(table))
    if dates:
        native_format, index = (
            NativeFormat(library, dates[0].name, getattr(dates[0].to_native(), _DTYPE[library])),
            _read_dates(dates[0]),
        )
    values = [column for column in columns if not dates or column.name != native_format.date_column]
    data = pd.DataFrame(dict(enumerate(map(_values, values))), index=pd.RangeIndex(len(table)))
    return Table(data.set_axis(index).set_axis(pd.Index([column.name for column in values]), axis=1), native_format)


#: Attribute of a column that holds its type, and function that makes a table from a dict of columns, by library.
_DTYPE = {"polars": "dtype", "pyarrow": "type"}
_TABLE = {"polars": "DataFrame", "pyarrow": "table"}


def _is_date_column(column: nw.Series[Native]) -> bool:
    """Whether a column has a date or datetime type."""
    dtype = column.dtype
    if dtype == nw.Unknown:  # such as pyarrow's date64
        return column.to_numpy().dtype.kind == "M"
    return dtype == nw.Date or dtype == nw.Datetime


def _read_dates(column: nw.Series[Native]) -> pd.DatetimeIndex:
    """Return a column of dates as an index, with its time zone."""
    instants = pd.DatetimeIndex(column.to_numpy(), name=column.name)
    zone = getattr(column.dtype, "time_zone", None)
    return instants if zone is None else instants.tz_localize("UTC").tz_convert(zone)


def _read_column(column: nw.Series[Native]) -> pd.Series:
    """Return dates, texts or values, (n,); texts as categories, without an object for each row, if pyarrow is there."""
    if _is_date_column(column):
        return pd.Series(_read_dates(column))
    if column.dtype != nw.String or importlib.util.find_spec("pyarrow") is None:
        return _values(column)
    encoded = column.to_arrow().dictionary_encode()
    encoded = encoded.combine_chunks() if hasattr(encoded, "combine_chunks") else encoded
    codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    return pd.Series(pd.Categorical.from_codes(codes, pd.Index(encoded.dictionary.to_pylist(), dtype=object)))


def _values(column: nw.Series[Native]) -> pd.Series:
    """Return the values of a column, (n,); as objects if NumPy has no exact type, which `read_numbers` checks."""
    dtype = column.dtype
    short = dtype.is_integer() and dtype not in (nw.Int128, nw.UInt128)
    if dtype.is_float() or (short and column.null_count() == 0):
        return pd.Series(column.to_numpy())
    return pd.Series(column.to_list(), dtype=object)
