"""What the target is: one function, `read_target`, decides it by the kind of object alone and never by its dtype.

===========================================  ============  ==========================================================
The target                                   ``kind``      What it is
===========================================  ============  ==========================================================
`pandas.Series`                              ``series``    one series
1-D array, list or other array-like          ``array1d``   one series, labelled 0, 1, 2, ...
`pandas.DataFrame`                           ``frame``     a wide multivariate series: one column a channel
2-D array or list of rows                    ``array2d``   the same, labelled 0, 1, 2, ...
polars or pyarrow table with dates           ``frame``     a wide series: its column of dates is the index
polars or pyarrow table without dates        ``frame``     a wide series, whose rows are numbered as an array's
polars Series, pyarrow ChunkedArray          ``series``    one series, whose rows are numbered as an array's
modin or cuDF Series or DataFrame            as pandas'    the same as pandas'
lazy table, table with two columns of dates  refused       compute it, or leave one of the columns of dates out
frame with ``unique_id`` and ``ds``          refused       a long panel: pass one series, or pivot it to a wide frame
Series or frame with a `pandas.MultiIndex`   refused       a panel: pass one series, or unstack it to a wide frame
anything else                                refused       None, scalars, strings, dicts, dates, sparse and 3-D data
===========================================  ============  ==========================================================

Rows are time steps, on the regular grid that `index` describes. `tables` reads what is not pandas', and forecasts come
back in the library that the target came from, with the column of dates first.

Booleans, integers, pandas' nullable dtypes and objects that convert to numbers become float64; ``None``, ``pd.NA`` and
NaN are missing. Infinite, complex and non-numeric values are refused, and strings are never parsed.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from ..checks import on_host
from .index import Grid, read_index, shown
from .tables import Form, Table, mends_in_pandas, read_table

ACCEPTED = (
    "pass a pandas Series or a 1-D array of numbers for one series, "
    "a DataFrame or a 2-D array of numbers (rows are time steps) for several"
)

Kind = Literal["series", "frame", "array1d", "array2d"]


@dataclass(frozen=True, eq=False)
class Target:
    """A target as arrays, with what it takes to give a forecast the same form.

    Attributes
    ----------
    values : ndarray of shape (n, n_channels)
        Its numbers: float64, C-contiguous, a copy; NaN where missing.
    observed : ndarray of shape (n, n_channels)
        False where a value is missing.
    kind : {"series", "frame", "array1d", "array2d"}
        What the input was.
    columns : pandas.Index or None
        The columns of a frame.
    series_name : hashable or None
        The name of a Series.
    index : pandas.DatetimeIndex, pandas.PeriodIndex or pandas.RangeIndex
        The time steps: a regular grid; a DatetimeIndex has a frequency.
    name : str
        What error messages call it.
    form : Form or None
        The library that it came from, where that is not pandas.
    """

    values: np.ndarray
    observed: np.ndarray
    kind: Kind
    columns: pd.Index | None
    series_name: Any
    index: Grid
    name: str
    form: Form | None = None

    @property
    def is_labelled(self) -> bool:
        """Whether its rows have labels, of their own or of its covariates, and are not just numbered."""
        own = not self.kind.startswith("array") and (
            self.form is None or self.form.has_index or self.form.dates is not None
        )
        return own or not isinstance(self.index, pd.RangeIndex)

    def channel(self, column: int) -> str:
        """What error messages call one of its columns."""
        return _channel(self, column)

    def cell(self, row: int, column: int) -> str:
        """What error messages call one of its values."""
        return _Place(self.name, self.kind, self.index, self.columns).cell(row, column)


def read_target(y: Any, *, name: str = "y", freq: Any = None, allow_missing: bool = False) -> Target:
    """Read a target of any accepted kind; the tables at the top of this module list them.

    Parameters
    ----------
    y : Series, DataFrame or array-like
        The target; it is never modified.
    name : str, default="y"
        What error messages call it.
    freq : pandas offset or str, optional
        A frequency to try first where a DatetimeIndex carries none. With it, one or two labels are enough.
    allow_missing : bool, default=False
        Accept a channel without a single observed value, as an update of a few rows may have.

    Returns
    -------
    Target
        The target as arrays.

    Raises
    ------
    TypeError
        If `y` is not array-like, or sparse.
    ValueError
        If its shape, its index or one of its values is refused. The message names the place and the mend.

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
    place = _Place(name, _kind(data), *_layout(data, name, freq, table.form), table.form)
    values = _numbers(data, place)
    observed = ~np.isnan(values)
    _refuse_infinite(values, place)
    if not allow_missing and not observed.any(axis=0).all():
        channel = _channel(place, int(np.argmin(observed.any(axis=0))))
        raise ValueError(f"{channel} has no observed value: all {len(values)} are missing; drop it or fill it")
    series_name = data.name if isinstance(data, pd.Series) else None
    return Target(values, observed, place.kind, place.columns, series_name, place.index, name, table.form)


def read_numbers(X: Any, name: str) -> np.ndarray:
    """A table of numbers, (n, n_columns) float64, NaN where one is missing; its index is not looked at."""
    table = read_table(X, name)
    data = _pandas_or_array(table, name)
    columns = data.columns if isinstance(data, pd.DataFrame) else None
    place = _Place(name, _kind(data), getattr(data, "index", pd.RangeIndex(len(data))), columns, table.form)
    if len(data) == 0 or (data.ndim == 2 and data.shape[1] == 0):
        raise ValueError(f"{name} is empty: it has the shape {data.shape}")
    return _numbers(data, place)


@dataclass(frozen=True)
class _Place:
    """Where a value stands, for messages."""

    name: str
    kind: Kind
    index: Grid
    columns: pd.Index | None
    form: Form | None = None

    @property
    def pandas(self) -> str:
        """The expression of the data as a pandas table, for mends in pandas' methods."""
        return self.name if self.form is None else self.form.pandas(self.name)

    def cell(self, row: int, column: int) -> str:
        label = "" if isinstance(self.index, pd.RangeIndex) else f" ({shown(self.index[row])})"
        return f"{_channel(self, column)} at position {row}{label}"


def _channel(place: _Place | Target, column: int) -> str:
    if place.columns is not None:
        return f"{place.name}[{place.columns[column]!r}]"
    return f"{place.name}[:, {column}]" if place.kind == "array2d" else place.name


def refuse_dates(X: Any, name: str) -> None:
    """Refuse dates and time deltas, which NumPy converts to numbers without a word.

    Parameters
    ----------
    X : array-like or table of any library
        Data that are to be an array of numbers.
    name : str
        What error messages call them.

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
    if table.form is not None and table.form.dates is not None:
        found = f"{name}[{table.form.dates!r}]", table.form.dtype
    elif isinstance(data, pd.DataFrame):
        found = next(((f"{name}[{c!r}]", d) for c, d in data.dtypes.items() if _are_dates(d)), None)
    elif isinstance(data, pd.Series) or hasattr(data, "dtype"):
        found = (name, data.dtype) if _are_dates(data.dtype) else None
    elif isinstance(data, Sequence):
        dtype = np.asarray(data).dtype
        found = (name, dtype) if _are_dates(dtype) else None
    if found is not None:
        raise ValueError(f"{found[0]} holds dates ({found[1]}), not numbers: leave them out")


def _are_dates(dtype: Any) -> bool:
    return getattr(dtype, "kind", None) in ("m", "M")


def _pandas_or_array(table: Table, name: str) -> Any:
    return table.data if isinstance(table.data, pd.Series | pd.DataFrame) else _as_array(table.data, name)


def _as_array(y: Any, name: str) -> np.ndarray:
    """Return an array-like that is not from pandas as an array of one or two dimensions."""
    if hasattr(y, "toarray"):
        raise TypeError(f"{name} is sparse ({type(y).__name__}): pass {name}.toarray()")
    on_host(name, y)
    sequence = isinstance(y, Sequence) and not isinstance(y, str | bytes | bytearray)
    if not sequence and not hasattr(y, "__array__"):
        raise TypeError(f"{name} has type {type(y).__name__}, which is no target: {ACCEPTED}")
    if isinstance(y, np.ma.MaskedArray) and y.dtype.kind not in "mM":  # dates stay dates, which are refused
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


def _kind(data: Any) -> Kind:
    if isinstance(data, pd.Series):
        return "series"
    if isinstance(data, pd.DataFrame):
        return "frame"
    return "array1d" if data.ndim == 1 else "array2d"


def _layout(data: Any, name: str, freq: Any, form: Form | None) -> tuple[Grid, pd.Index | None]:
    """Return the index, checked, and the columns of a frame, checked."""
    columns = None
    if isinstance(data, pd.DataFrame):
        columns = data.columns.copy()
        _refuse_long(columns, name, form)
        if columns.has_duplicates:
            twice = columns[columns.duplicated()][0]
            raise ValueError(f"{name} has more than one column {twice!r}: give each series a label of its own")
    if form is not None and form.dates is not None and data.shape[1] == 0:
        raise ValueError(f"{name} has a column of dates, {form.dates!r}, but none of values: pass both")
    if data.size == 0:
        raise ValueError(f"{name} is empty (shape {data.shape}): it needs at least one time step and one series")
    if isinstance(data, np.ndarray):
        return pd.RangeIndex(len(data)), None
    with mends_in_pandas(form, name):
        return read_index(data, name, freq), columns


def _refuse_long(columns: pd.Index, name: str, form: Form | None) -> None:
    names = columns if form is None or form.dates is None else [form.dates, *columns]
    if "unique_id" in names and "ds" in names:
        is_polars = form is not None and form.library == "polars"
        table = name if form is None or is_polars else form.pandas(name, index=False)
        by = "on" if is_polars else "columns"
        raise ValueError(
            f"{name} is a long panel (columns unique_id and ds), which is not supported: pass one series, or a wide "
            f"frame with {table}.pivot(index='ds', {by}='unique_id', values='y')"
        )


# ---- values ----------------------------------------------------------------------------------------------------------


def _numbers(data: Any, place: _Place) -> np.ndarray:
    """Return a fresh float64 array of shape (n, n_channels)."""
    dtypes = data.dtypes if isinstance(data, pd.DataFrame) else [data.dtype]
    if all(isinstance(dtype, np.dtype) and dtype.kind in "biuf" for dtype in dtypes):
        plain = data if isinstance(data, np.ndarray) else data.to_numpy()
        return np.array(plain, dtype=np.float64, order="C", subok=False).reshape(len(data), -1)
    table = data if isinstance(data, pd.DataFrame) else pd.DataFrame(data)
    columns = [_column(table.iloc[:, j], j, place) for j in range(table.shape[1])]
    return np.ascontiguousarray(np.stack(columns, axis=1))


def _column(column: pd.Series, j: int, place: _Place) -> np.ndarray:
    """Return one channel of any dtype as float64."""
    dtype = column.dtype
    if isinstance(dtype, pd.SparseDtype):
        raise TypeError(f"{_channel(place, j)} is sparse: pass it as {place.name}.sparse.to_dense()")
    if pd.api.types.is_numeric_dtype(dtype) and not pd.api.types.is_complex_dtype(dtype):
        return column.to_numpy(dtype=np.float64, na_value=np.nan)
    numbers = np.full(len(column), np.nan)
    for row, (value, missing) in enumerate(zip(column, column.isna(), strict=True)):
        if not missing:
            try:
                numbers[row] = _number(value)
            except (TypeError, ValueError, OverflowError):
                what = f"{place.cell(row, j)} is {value!r}, not a number"
                raise ValueError(f"{what}: {_mend(column, value, j, place)}") from None
    return numbers


def _mend(column: pd.Series, value: Any, j: int, place: _Place) -> str:
    """What to do with a value that is no number."""
    text = isinstance(value, str) and place.columns is not None and all(map(_is_date, column.dropna()))
    if not text and not isinstance(value, datetime.date | np.datetime64 | pd.Period):
        return "only real numbers are, and strings are not parsed"
    if place.form is not None and place.form.dates is not None:
        return f"the index is the column {place.form.dates!r}; leave this one out"
    if place.columns is None:
        return "dates belong in the index of a Series or DataFrame"
    label, name, table = place.columns[j], place.name, place.pandas
    if place.form is not None and place.form.library == "polars":
        read = (
            f"polars.col({label!r}).str.to_datetime()"
            if text
            else f"polars.Series({label!r}, {name}[{label!r}].to_list())"
        )
        return f"give its dates a type of dates, as with {name}.with_columns({read})"
    if column.dtype.kind == "M" or isinstance(value, pd.Period):
        return f"dates belong in the index, as with {table}.set_index({label!r})"
    dates = f"pd.to_datetime({table}[{label!r}])"
    return f"dates belong in the index, as with {table}.set_index({dates}).drop(columns={label!r})"


def _is_date(text: Any) -> bool:
    """Whether a text is a date with the year, the month and the day, as ISO 8601 writes them."""
    try:
        return datetime.datetime.fromisoformat(text) is not None
    except (TypeError, ValueError):
        return False


def _number(value: Any) -> float:
    """Convert one object; neither strings, nor complex numbers, nor dates are numbers."""
    scalar = isinstance(value, np.generic)
    if isinstance(value, str | bytes) or (scalar and value.dtype.kind not in "biuf"):
        raise TypeError
    return float(value)


def _refuse_infinite(values: np.ndarray, place: _Place) -> None:
    infinite = np.isinf(values)
    if infinite.any():
        row, column = (int(i) for i in np.argwhere(infinite)[0])
        name = place.name
        array = f"np.where(np.isinf({name}), np.nan, {name})"
        mend = array if place.kind.startswith("array") else f"{place.pandas}.replace([np.inf, -np.inf], np.nan)"
        raise ValueError(
            f"{place.cell(row, column)} is {values[row, column]}: replace infinite values by NaN, which counts as "
            f"missing, with {mend}"
        )
