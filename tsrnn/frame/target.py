"""Conversion of a target to arrays by `read_target`. The type of the object alone decides what it is, not its dtype.

===========================================  ============  ==========================================================
Target                                       ``kind``      Meaning
===========================================  ============  ==========================================================
`pandas.Series`                              ``series``    one series
1-D array, list or other array-like          ``array1d``   one series, labelled 0, 1, 2, ...
`pandas.DataFrame`                           ``frame``     a wide multivariate series: each column is a channel
2-D array or list of rows                    ``array2d``   the same, labelled 0, 1, 2, ...
polars or pyarrow table with dates           ``frame``     a wide series: its column of dates is the index
polars or pyarrow table without dates        ``frame``     a wide series, labelled 0, 1, 2, ...
polars Series, pyarrow ChunkedArray          ``series``    one series, labelled 0, 1, 2, ...
modin or cuDF Series or DataFrame            as in pandas  as in pandas
lazy table, table with two columns of dates  error         compute it, or drop one of the columns of dates
frame with ``unique_id`` and ``ds``          a panel       a long panel: many series below each other
Series or frame with a `pandas.MultiIndex`   a panel       the same, with ids and times in the index
dict of `pandas.Series`                      a panel       a series for each id
anything else                                error         None, scalars, strings, dates, sparse and 3-D data
===========================================  ============  ==========================================================

`panel_layouts` reads panels. Rows are time steps, on a regular grid (see `index`). `tables` converts tables of other
libraries; forecasts are returned as tables of the same library, with the column of dates first.

Booleans, integers, pandas' nullable dtypes and objects that convert to numbers become float64; ``None``, ``pd.NA`` and
NaN are missing. Infinite, complex and non-numeric values raise an error; strings are never parsed.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from numbers import Number
from typing import Literal, NoReturn

import numpy as np
import pandas as pd

from ..checks import Anything, on_host, shown
from ..messages import format_label
from .index import Freq, Grid, read_index
from .tables import NativeFormat, Table, pandas_fixes, read_table

ACCEPTED = (
    "pass a pandas Series or a 1-D array of numbers for one series, "
    "a DataFrame or a 2-D array of numbers (rows are time steps) for several"
)

#: A table of pandas, or an array of one or two dimensions.
Data = pd.Series | pd.DataFrame | np.ndarray
Kind = Literal["series", "frame", "array1d", "array2d"]


@dataclass(frozen=True, eq=False)
class Target:
    """A target as arrays, and its original form, which forecasts get back.

    Attributes
    ----------
    values : ndarray of float64 of shape (n, n_channels)
        Its values, as a C-contiguous copy; NaN where missing.
    observed : ndarray of bool of shape (n, n_channels)
        False where a value is missing.
    kind : {"series", "frame", "array1d", "array2d"}
        Kind of the original object.
    columns : pandas.Index or None
        Columns of a frame.
    series_name : hashable or None
        Name of a Series.
    index : pandas.DatetimeIndex, pandas.PeriodIndex or pandas.RangeIndex
        Labels of the time steps, a regular grid; a DatetimeIndex has a frequency.
    name : str
        Name of the target in error messages.
    native_format : NativeFormat or None
        Library of the original table; None for pandas.
    """

    values: np.ndarray
    observed: np.ndarray
    kind: Kind
    columns: pd.Index | None
    series_name: Hashable
    index: Grid
    name: str
    native_format: NativeFormat | None = None

    @property
    def is_labelled(self) -> bool:
        """Whether its rows have labels, their own or those of its covariates, and not just numbers 0, 1, 2, ..."""
        own = not self.kind.startswith("array") and (
            self.native_format is None or self.native_format.has_index or self.native_format.date_column is not None
        )
        return own or not isinstance(self.index, pd.RangeIndex)

    def channel(self, column: int) -> str:
        """Return the name of a column in error messages, such as ``y['sales']``."""
        return _channel(self, column)

    def cell(self, row: int, column: int) -> str:
        """Return the place of a value in error messages, such as ``y['sales'] at position 3 (2024-05-01)``."""
        return _Location(self.name, self.kind, self.index, self.columns).cell(row, column)


def read_target(y: Anything, *, name: str = "y", freq: Freq | int | None = None, allow_missing: bool = False) -> Target:
    """Convert a target to arrays; the table at the top of this module lists the accepted kinds.

    Parameters
    ----------
    y : Series, DataFrame or array-like of shape (n,) or (n, n_channels)
        The target; it is never modified.
    name : str, default="y"
        Name of the target in error messages.
    freq : pandas offset, str or int, optional
        Frequency to try first for a DatetimeIndex without one, or the step of a single integer label. With it, one or
        two labels are enough.
    allow_missing : bool, default=False
        Whether a channel without any observed value is accepted, as in an update of a few rows.

    Returns
    -------
    Target
        The target as arrays.

    Raises
    ------
    TypeError
        If `y` is not array-like, or sparse.
    ValueError
        If its shape, its index or one of its values is not accepted. The message names the place and what to do.

    Examples
    --------
    >>> import pandas as pd
    >>> y = pd.Series([3, None, 5], pd.date_range("2024-01-31", periods=3, freq="ME"), name="sales")
    >>> target = read_target(y)
    >>> target.kind, target.series_name, target.index.freqstr
    ('series', 'sales', 'ME')
    >>> target.observed[:, 0].tolist()
    [True, False, True]
    """
    table = read_table(y, name)
    data = _pandas_or_array(table, name)
    location = _Location(name, _kind(data), *_layout(data, name, freq, table.native_format), table.native_format)
    values = _to_floats(data, location)
    observed = ~np.isnan(values)
    _refuse_infinite(values, location)
    if not allow_missing and not observed.any(axis=0).all():
        channel = _channel(location, int(np.argmin(observed.any(axis=0))))
        raise ValueError(f"{channel} has no observed value: all {len(values)} are missing; drop it or fill it")
    series_name = data.name if isinstance(data, pd.Series) else None
    return Target(
        values, observed, location.kind, location.columns, series_name, location.index, name, table.native_format
    )


def read_numbers(X: Anything, name: str) -> np.ndarray:
    """Convert a table of numbers to an array, without a check of its index.

    Parameters
    ----------
    X : DataFrame, Series or array-like of shape (n,) or (n, n_columns)
        The table.
    name : str
        Name of the table in error messages.

    Returns
    -------
    ndarray of float64 of shape (n, n_columns)
        A copy; NaN where a value is missing.

    Raises
    ------
    TypeError, ValueError
        If it is no table, is empty, or has a value that is not a number.

    Examples
    --------
    >>> read_numbers([1, None], "X").tolist()
    [[1.0], [nan]]
    """
    table = read_table(X, name)
    data = _pandas_or_array(table, name)
    columns = data.columns if isinstance(data, pd.DataFrame) else None
    location = _Location(
        name, _kind(data), getattr(data, "index", pd.RangeIndex(len(data))), columns, table.native_format
    )
    if len(data) == 0 or (data.ndim == 2 and data.shape[1] == 0):
        raise ValueError(f"{name} is empty: it has the shape {data.shape}; pass at least one row and one column")
    return _to_floats(data, location)


@dataclass(frozen=True)
class _Location:
    """Names and labels of data, to describe the place of a value in messages."""

    name: str
    kind: Kind
    index: Grid
    columns: pd.Index | None
    native_format: NativeFormat | None = None

    @property
    def pandas(self) -> str:
        """Return the expression for the data as a pandas table, for fixes that use pandas' methods."""
        return self.name if self.native_format is None else self.native_format.pandas_expression(self.name)

    def cell(self, row: int, column: int) -> str:
        """Return the place of a value in error messages."""
        label = "" if isinstance(self.index, pd.RangeIndex) else f" ({format_label(self.index[row])})"
        return f"{_channel(self, column)} at position {row}{label}"


def _channel(location: _Location | Target, column: int) -> str:
    """Return the name of a column in error messages."""
    if location.columns is not None:
        return f"{location.name}[{location.columns[column]!r}]"
    return f"{location.name}[:, {column}]" if location.kind == "array2d" else location.name


def refuse_dates(X: Anything, name: str) -> None:
    """Raise if data contain dates or time deltas, which NumPy would convert to numbers without a warning.

    Parameters
    ----------
    X : array-like or table of any library
        Data that should be numbers.
    name : str
        Name of the data in error messages.

    Raises
    ------
    TypeError, ValueError
        If a column holds dates, or `X` is a table that cannot be read.

    Examples
    --------
    >>> refuse_dates(np.array(["2024-05-01"], "datetime64[D]"), "X")
    Traceback (most recent call last):
        ...
    ValueError: X holds dates (datetime64[D]), not numbers: leave them out
    """
    table = read_table(X, name)
    data, found = table.data, None
    if table.native_format is not None and table.native_format.date_column is not None:
        found = f"{name}[{table.native_format.date_column!r}]", table.native_format.date_dtype
    elif isinstance(data, pd.DataFrame):
        found = next(((f"{name}[{c!r}]", d) for c, d in data.dtypes.items() if _is_date_dtype(d)), None)
    elif isinstance(data, pd.Series) or hasattr(data, "dtype"):
        found = (name, data.dtype) if _is_date_dtype(data.dtype) else None
    elif isinstance(data, Sequence):
        dtype = np.asarray(data).dtype
        found = (name, dtype) if _is_date_dtype(dtype) else None
    if found is not None:
        raise ValueError(f"{found[0]} holds dates ({found[1]}), not numbers: leave them out")


def is_missing_label(label: Anything) -> bool:
    """Whether a label is None, NaN, NaT or pandas' NA; no sequence or array is.

    Examples
    --------
    >>> is_missing_label(float("nan")), is_missing_label("")
    (True, False)
    """
    if label is None or label is pd.NA:
        return True
    return not hasattr(label, "__len__") and bool(label != label)


def refuse_wrong_labels(y: Anything, name: str) -> None:
    """Raise if a label is None or pandas' NA, or of another kind than the first; a NaN is left to scikit-learn.

    Parameters
    ----------
    y : list, tuple, array or Series of labels
        Anything else is left to those checks too.
    name : str
        Name of the labels in error messages.

    Raises
    ------
    ValueError
        With the position of the first wrong label.

    Examples
    --------
    >>> refuse_wrong_labels(["a", None, "b"], "y")
    Traceback (most recent call last):
        ...
    ValueError: y[1] is missing (None); give that row a label, or leave it out
    """
    if isinstance(y, pd.Series | pd.DataFrame):
        y = y.to_numpy(dtype=object)
    if isinstance(y, np.ndarray):  # one of numbers or of strings has neither
        y = y.ravel() if y.dtype == object and y.ndim and y.size == len(y) else ()
    labels = y if isinstance(y, list | tuple | np.ndarray) else ()
    for i, label in enumerate(labels):
        if label is None or label is pd.NA:
            refuse_missing_label(name, i, label)
    if len(labels) and isinstance(labels[0], str | Number | np.bool_):
        refuse_other_labels(labels, lambda i: f"{name}[{i}]")


def refuse_other_labels(labels: Sequence[Anything] | np.ndarray, place: Callable[[int], str]) -> None:
    """Raise if labels are not all strings, nor all numbers or truth values; `place` names one by its position.

    Examples
    --------
    >>> refuse_other_labels(["a", "b", 1], "y[{}]".format)
    Traceback (most recent call last):
        ...
    ValueError: y[2] is 1, but y[0] is 'a'; use strings alone, or numbers alone
    """
    kind = str if isinstance(labels[0], str) else (Number, np.bool_)
    wrong = next((i for i, label in enumerate(labels) if not isinstance(label, kind)), None)
    if wrong is not None:
        first = f", but {place(0)} is {shown(labels[0])}" if wrong else ""
        raise ValueError(f"{place(wrong)} is {shown(labels[wrong])}{first}; use strings alone, or numbers alone")


def refuse_missing_label(name: str, row: int, label: object) -> NoReturn:
    """Raise for the missing label of a row."""
    raise ValueError(f"{name}[{row}] is missing ({label}); give that row a label, or leave it out")


def _is_date_dtype(dtype: object) -> bool:
    """Whether a dtype is one of dates or time deltas."""
    return getattr(dtype, "kind", None) in ("m", "M")


def _pandas_or_array(table: Table, name: str) -> Data:
    """Return the pandas data of a table, or an array of other data."""
    return table.data if isinstance(table.data, pd.Series | pd.DataFrame) else _as_array(table.data, name)


def _as_array(y: Anything, name: str) -> np.ndarray:
    """Return an array-like as an array of one or two dimensions."""
    if hasattr(y, "toarray"):
        raise TypeError(f"{name} is sparse ({type(y).__name__}): pass {name}.toarray()")
    on_host(name, y)
    sequence = isinstance(y, Sequence) and not isinstance(y, str | bytes | bytearray)
    if not sequence and not hasattr(y, "__array__"):
        raise TypeError(f"{name} has type {type(y).__name__}, which is not accepted: {ACCEPTED}")
    if isinstance(y, np.ma.MaskedArray) and y.dtype.kind not in "mM":  # dates stay dates, which raise an error later
        y = np.ma.filled(y.astype(object), np.nan)
    try:
        array = np.asarray(y)
        if array.dtype.kind in "US" and not isinstance(y, np.ndarray):
            array = np.asarray(y, dtype=object)  # NumPy turns [1, "a"] into strings: keep what was passed
    except ValueError as error:
        raise ValueError(f"{name} has rows of different lengths: {ACCEPTED}") from error
    if array.ndim not in (1, 2) or array.dtype.kind == "V":
        what = "a structured array" if array.dtype.kind == "V" else f"{array.ndim}-dimensional"
        raise ValueError(f"{name} is {what}: {ACCEPTED}")
    return array


def _kind(data: Data) -> Kind:
    """Return the kind of a target."""
    if isinstance(data, pd.Series):
        return "series"
    if isinstance(data, pd.DataFrame):
        return "frame"
    return "array1d" if data.ndim == 1 else "array2d"


def _layout(
    data: Data, name: str, freq: Freq | int | None, native_format: NativeFormat | None
) -> tuple[Grid, pd.Index | None]:
    """Return the checked index, and the checked columns of a frame."""
    columns = None
    if isinstance(data, pd.DataFrame):
        columns = data.columns.copy()
        _refuse_long(columns, name, native_format)
        if columns.has_duplicates:
            twice = columns[columns.duplicated()][0]
            raise ValueError(f"{name} has more than one column {twice!r}: give each column a different name")
    if native_format is not None and native_format.date_column is not None and data.shape[1] == 0:
        raise ValueError(
            f"{name} has a column of dates, {native_format.date_column!r}, but no column of values: pass both"
        )
    if data.size == 0:
        raise ValueError(f"{name} is empty (shape {data.shape}): it needs at least one time step and one series")
    if isinstance(data, np.ndarray):
        return pd.RangeIndex(len(data)), None
    with pandas_fixes(native_format, name):
        return read_index(data, name, freq), columns


def _refuse_long(columns: pd.Index, name: str, native_format: NativeFormat | None) -> None:
    """Raise if a frame is a long panel, with the columns ``unique_id`` and ``ds``."""
    names = (
        columns if native_format is None or native_format.date_column is None else [native_format.date_column, *columns]
    )
    if "unique_id" in names and "ds" in names:
        is_polars = native_format is not None and native_format.library == "polars"
        table = name if native_format is None or is_polars else native_format.pandas_expression(name, index=False)
        by = "on" if is_polars else "columns"
        raise ValueError(
            f"{name} is a long panel (columns unique_id and ds), which is not expected here: pass one series, or a "
            f"wide frame with {table}.pivot(index='ds', {by}='unique_id', values='y')"
        )


# ---- values ----------------------------------------------------------------------------------------------------------


def _to_floats(data: Data, location: _Location) -> np.ndarray:
    """Return a new float64 array of shape (n, n_channels)."""
    dtypes = data.dtypes if isinstance(data, pd.DataFrame) else [data.dtype]
    if all(isinstance(dtype, np.dtype) and dtype.kind in "biuf" for dtype in dtypes):
        plain = data if isinstance(data, np.ndarray) else data.to_numpy()
        return np.array(plain, dtype=np.float64, order="C", subok=False).reshape(len(data), -1)
    table = data if isinstance(data, pd.DataFrame) else pd.DataFrame(data)
    columns = [_column_to_floats(table.iloc[:, j], j, location) for j in range(table.shape[1])]
    return np.ascontiguousarray(np.stack(columns, axis=1))


def _column_to_floats(column: pd.Series, j: int, location: _Location) -> np.ndarray:
    """Return a column of any dtype as float64, (n,)."""
    dtype = column.dtype
    if isinstance(dtype, pd.SparseDtype):
        raise TypeError(f"{_channel(location, j)} is sparse: pass it as {location.name}.sparse.to_dense()")
    if pd.api.types.is_numeric_dtype(dtype) and not pd.api.types.is_complex_dtype(dtype):
        return column.to_numpy(dtype=np.float64, na_value=np.nan)
    numbers = np.full(len(column), np.nan)
    for row, (value, missing) in enumerate(zip(column, column.isna(), strict=True)):
        if not missing:
            try:
                numbers[row] = to_float(value)
            except (TypeError, ValueError, OverflowError):
                what = f"{location.cell(row, j)} is {value!r}, not a number"
                raise ValueError(f"{what}: {_not_a_number_advice(column, value, j, location)}") from None
    return numbers


def _not_a_number_advice(column: pd.Series, value: object, j: int, location: _Location) -> str:
    """Return what to do about a value that is not a number."""
    text = isinstance(value, str) and location.columns is not None and all(map(_is_iso_date, column.dropna()))
    if not text and not isinstance(value, datetime.date | np.datetime64 | pd.Period):
        return "convert the values to real numbers; strings are not parsed"
    if location.native_format is not None and location.native_format.date_column is not None:
        return f"the index is the column {location.native_format.date_column!r}; drop this one"
    if location.columns is None:
        return "dates belong in the index of a Series or DataFrame"
    label, name, table = location.columns[j], location.name, location.pandas
    if location.native_format is not None and location.native_format.library == "polars":
        expression = (
            f"polars.col({label!r}).str.to_datetime()"
            if text
            else f"polars.Series({label!r}, {name}[{label!r}].to_list())"
        )
        return f"convert it to a column of dates, as with {name}.with_columns({expression})"
    if column.dtype.kind == "M" or isinstance(value, pd.Period):
        return f"dates belong in the index, as with {table}.set_index({label!r})"
    dates = f"pd.to_datetime({table}[{label!r}])"
    return f"dates belong in the index, as with {table}.set_index({dates}).drop(columns={label!r})"


def _is_iso_date(text: Anything) -> bool:
    """Whether a text is a date in ISO 8601, with year, month and day."""
    try:
        return datetime.datetime.fromisoformat(text) is not None
    except (TypeError, ValueError):
        return False


def to_float(value: Anything) -> float:
    """Convert an object to float; strings, complex numbers and dates raise a TypeError."""
    scalar = isinstance(value, np.generic)
    if isinstance(value, str | bytes) or (scalar and value.dtype.kind not in "biuf"):
        raise TypeError
    return float(value)


def _refuse_infinite(values: np.ndarray, location: _Location) -> None:
    """Raise if a value is infinite."""
    infinite = np.isinf(values)
    if infinite.any():
        row, column = (int(i) for i in np.argwhere(infinite)[0])
        name = location.name
        array = f"np.where(np.isinf({name}), np.nan, {name})"
        fix = array if location.kind.startswith("array") else f"{location.pandas}.replace([np.inf, -np.inf], np.nan)"
        raise ValueError(
            f"{location.cell(row, column)} is {values[row, column]}: replace infinite values by NaN, which counts as "
            f"missing, with {fix}"
        )
