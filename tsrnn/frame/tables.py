"""Tables of any library: read through narwhals into pandas, and forecasts turned back into the library's own tables.

=============================================  =======================================================================
The table                                      What is read of it
=============================================  =======================================================================
pandas Series or DataFrame                     its values and its index
polars or pyarrow table, one column of dates   that column is the index, the other columns are the values
polars or pyarrow table without dates          its columns; its rows have no labels, as those of an array
polars Series, pyarrow Array or ChunkedArray   its values; its rows have no labels
modin or cuDF Series or DataFrame              as pandas'
lazy tables, and other tables                  refused, with the method that makes one of the tables above
=============================================  =======================================================================

A column of dates is one whose type is a date or a date with a time; text is never parsed.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
from narwhals.exceptions import DuplicateError

from .index import shown

#: How to compute a lazy table, by narwhals' name of its library.
COMPUTE = {"POLARS": "collect", "DASK": "compute", "PYSPARK": "toPandas", "DUCKDB": "arrow", "IBIS": "to_pyarrow"}


@dataclass(frozen=True)
class Form:
    """The library of a table that is not pandas', and its column of dates: what it takes to make another such table.

    Attributes
    ----------
    library : str
        The module that makes its tables: "polars", "pyarrow", "modin.pandas", "cudf".
    dates : str or None
        The name of its column of dates.
    dtype : object
        The library's type of that column.
    """

    library: str
    dates: str | None = None
    dtype: Any = None

    @property
    def has_index(self) -> bool:
        """Whether the library's tables have an index, as pandas' have."""
        return self.library not in ("polars", "pyarrow")

    def pandas(self, name: str, *, index: bool = True) -> str:
        """The expression that makes a pandas table of the variable `name`, by default with its dates as index."""
        if self.has_index:
            return name
        table = f"{name}.to_pandas({'date_as_object=False' if self.library == 'pyarrow' else ''})"
        return f"{table}.set_index({self.dates!r})" if index and self.dates is not None else table

    def make(self, data: pd.Series | pd.DataFrame) -> Any:
        """Turn a pandas answer into a table of this library, with the labels in the column of dates."""
        if self.has_index:
            return getattr(importlib.import_module(self.library), type(data).__name__)(data)
        if isinstance(data, pd.Series):
            return self._column(data.name, data.to_numpy())
        names = [label if isinstance(label, str) else shown(label) for label in data.columns]
        if self.dates in names:
            raise ValueError(
                f"the column of dates is called {self.dates!r}, and so is a column of the answer; rename that of dates"
            )
        columns = {name: self._column(name, data.iloc[:, c].to_numpy()) for c, name in enumerate(names)}
        if self.dates is not None:
            columns = {self.dates: self._column_of_dates(data.index)} | columns
        make = getattr(importlib.import_module(self.library), _TABLE[self.library])
        return make(columns)

    def _column(self, name: Any, values: np.ndarray) -> Any:
        """A column of the library itself."""
        backend: Any = self.library
        return nw.new_series(name, np.ascontiguousarray(values), backend=backend).to_native()

    def _column_of_dates(self, index: Any) -> Any:
        """The labels in the type of the column of dates; their time zone, if any, is that type's."""
        instants = index.tz_convert("UTC").tz_localize(None) if index.tz is not None else index
        stamps = instants.as_unit("ms").to_numpy() if index.unit == "s" else instants.to_numpy()
        return self._column(self.dates, stamps).cast(self.dtype)


@dataclass(frozen=True, eq=False)
class Table:
    """Data as they were passed, or in pandas where they are a table.

    Attributes
    ----------
    data : Series, DataFrame or object
        A pandas table, or something else that `read_target` reads as an array, or refuses.
    form : Form or None
        What the table was before; None for pandas and for what is no table.
    """

    data: Any
    form: Form | None = None

    @property
    def is_labelled(self) -> bool:
        """Whether its rows have labels; those of arrays, and of tables without dates, have none."""
        if not isinstance(self.data, pd.Series | pd.DataFrame):
            return False
        return self.form is None or self.form.has_index or self.form.dates is not None

    @property
    def ndim(self) -> int:
        """Dimensions; the rows of a list may differ in length."""
        data = self.data
        is_list = isinstance(data, Sequence) and not isinstance(data, str) and len(data) > 0
        return 1 + np.ndim(data[0]) if is_list else np.ndim(data)


def read_table(data: Any, name: str) -> Table:
    """Read names, types and dates of a table of any library; what is no table is left as it is.

    Parameters
    ----------
    data : object
        The data.
    name : str
        What error messages call it.

    Returns
    -------
    Table

    Raises
    ------
    TypeError
        If it is a lazy table, or a table of a library that is not known here.
    ValueError
        If it has two columns of dates, or two columns of one name.

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
    >>> table.form.library, table.form.dates
    ('pyarrow', 'month')
    """
    if isinstance(data, Table):
        return data
    if isinstance(data, pd.Series | pd.DataFrame):
        return Table(data)
    data = nw.to_native(data, pass_through=True)
    try:
        known = nw.from_native(_as_table(data), pass_through=True, allow_series=True)
    except DuplicateError:
        raise ValueError(f"{name} has several columns of one name: give each a name of its own") from None
    if isinstance(known, nw.LazyFrame):
        method = COMPUTE.get(known.implementation.name, "collect")
        raise TypeError(f"{name} is a lazy table ({type(data).__name__}), not computed yet: pass {name}.{method}()")
    if not isinstance(known, nw.DataFrame | nw.Series):
        _refuse_unknown(data, name)
        return Table(data)
    if known.implementation.is_pandas_like():
        library = known.implementation.to_native_namespace().__name__
        return Table(known.to_pandas(), None if library == "pandas" else Form(library))
    return _read_series(known) if isinstance(known, nw.Series) else _read_frame(known, name)


@contextmanager
def mends_in_pandas(form: Form | None, name: str) -> Iterator[None]:
    """Let an error whose mend is a method of pandas say how to make a pandas table of the variable `name`."""
    try:
        yield
    except ValueError as error:
        if form is None or form.has_index:
            raise
        raise ValueError(f"{error} (in pandas {name} is {form.pandas(name)})") from None


def _as_table(data: Any) -> Any:
    """pyarrow's other containers as those that narwhals reads."""
    if not type(data).__module__.startswith("pyarrow"):
        return data
    arrow = importlib.import_module("pyarrow")
    if isinstance(data, arrow.Array):
        return arrow.chunked_array([data])
    return arrow.Table.from_batches([data]) if isinstance(data, arrow.RecordBatch) else data


def _refuse_unknown(data: Any, name: str) -> None:
    """Refuse a table whose names, types and labels an array of its values would lose."""
    mends = {
        "to_pandas": f"{name}.to_pandas()",
        "divisions": f"{name}.compute()",  # dask's Series
        "__arrow_c_stream__": f"pyarrow.table({name})",
    }
    mend = next((mend for attribute, mend in mends.items() if hasattr(data, attribute)), None)
    if mend is not None:
        kind = f"{type(data).__module__}.{type(data).__name__}"
        raise TypeError(f"{name} has type {kind}, whose names and labels are not read: pass {mend}")


# ---- polars and pyarrow ----------------------------------------------------------------------------------------------


def _read_series(series: nw.Series[Any]) -> Table:
    values = pd.Series(_dates(series)) if _has_dates(series) else _values(series)
    return Table(values.rename(series.name), Form(series.implementation.name.lower()))


def _read_frame(table: nw.DataFrame[Any], name: str) -> Table:
    library = table.implementation.name.lower()
    columns = [table[column] for column in table.columns]
    dates = [column for column in columns if _has_dates(column)]
    if len(dates) > 1:
        first, second = dates[0].name, dates[1].name
        drop = "drop_columns" if library == "pyarrow" else "drop"
        raise ValueError(
            f"{name} has the columns {first!r} and {second!r} of dates, but one is the index: leave out the other, as "
            f"with {name}.{drop}({second!r})"
        )
    form = Form(library)
    index: Any = pd.RangeIndex(len(table))
    if dates:
        form, index = Form(library, dates[0].name, getattr(dates[0].to_native(), _DTYPE[library])), _dates(dates[0])
    values = [column for column in columns if not dates or column.name != form.dates]
    data = pd.DataFrame(dict(enumerate(map(_values, values))), index=pd.RangeIndex(len(table)))
    return Table(data.set_axis(index).set_axis(pd.Index([column.name for column in values]), axis=1), form)


#: The attribute of a column that holds its type, and what makes a table of columns by name.
_DTYPE = {"polars": "dtype", "pyarrow": "type"}
_TABLE = {"polars": "DataFrame", "pyarrow": "table"}


def _has_dates(column: nw.Series[Any]) -> bool:
    dtype = column.dtype
    if dtype == nw.Unknown:  # such as pyarrow's date64
        return column.to_numpy().dtype.kind == "M"
    return dtype == nw.Date or dtype == nw.Datetime


def _dates(column: nw.Series[Any]) -> pd.DatetimeIndex:
    instants = pd.DatetimeIndex(column.to_numpy(), name=column.name)
    zone = getattr(column.dtype, "time_zone", None)
    return instants if zone is None else instants.tz_localize("UTC").tz_convert(zone)


def _values(column: nw.Series[Any]) -> pd.Series:
    """The values of a column; those that NumPy has no exact type for are objects, for `read_numbers` to judge."""
    dtype = column.dtype
    short = dtype.is_integer() and dtype not in (nw.Int128, nw.UInt128)
    if dtype.is_float() or (short and column.null_count() == 0):
        return pd.Series(column.to_numpy())
    return pd.Series(column.to_list(), dtype=object)
