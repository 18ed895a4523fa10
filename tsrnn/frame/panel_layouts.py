"""Rows of a panel in one form, whatever the layout of the object that holds them.

==========================================  =================  =======================================================
Panel                                       ``layout``         Ids, times and values
==========================================  =================  =======================================================
`pandas.DataFrame` with a column of ids     ``long``           columns: ``unique_id``, ``ds``, ``y``, or other names
polars or pyarrow table with such a column  ``long``           the same
Series or DataFrame with two index levels   ``index``          first level, second level, values or a column
dict of Series                              ``dict``           key, index, values
==========================================  =================  =======================================================

`read_rows` gives ids, times and values of all rows, in the order of the caller. It checks names and types, but neither
the order of the rows nor the steps between them.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd

from ..checks import Anything, shown
from ..messages import format_label
from .fixes import candidate_fixes, first_working_fix
from .tables import Native, NativeFormat, read_flat_table
from .target import to_float

Layout = Literal["long", "index", "dict", "columns"]
#: An index of times, whose attributes pandas-stubs cannot check for all kinds.
Times = Any
#: Default names of the columns of a long panel.
ID, TIME, TARGET = "unique_id", "ds", "y"
_WAYS_TO_PASS = (
    f"a long frame with the columns {ID}, {TIME} and {TARGET} (or other names, as id=, time= and target=), a Series or "
    "DataFrame with two index levels (id, then time), or a dict of Series"
)
_NAMING = "name them as covariates: future=[...], past=[...] or static=...; or drop them"


class PanelColumns(NamedTuple):
    """Names of the columns of a panel, or of its index levels and its Series; a name may be None."""

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
        Ids in order of first appearance.
    times : pandas.Index of length N
        A DatetimeIndex, a PeriodIndex or integers.
    table : DataFrame with N rows
        All other columns, among them the target.
    is_series : bool
        Whether the values came as Series and not as columns of a frame.
    id_dtype : dtype or None
        The dtype of the caller's ids.
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
        levels = {"id_level": 0, "time_level": 1, "y": self.pandas}
        return _MENDS[problem][self.layout].format(**self.columns._asdict(), **levels)


#: Expressions that solve a problem of the rows of a panel, by the layout of the panel.
_MENDS: dict[str, dict[str, str]] = {
    "duplicates": {
        "long": "{y}.drop_duplicates([{id!r}, {time!r}])",
        "index": "{y}[~{y}.index.duplicated()]",
        "dict": "{{id: s[~s.index.duplicated()] for id, s in {y}.items()}}",
    },
    "averages": {
        "long": "{y}.groupby([{id!r}, {time!r}], sort=False, as_index=False).mean(numeric_only=True)",
        "index": "{y}.groupby(level=[0, 1], sort=False).mean()",
        "dict": "{{id: s.groupby(level=0).mean() for id, s in {y}.items()}}",
    },
    "missing ids": {
        "long": "{y}.dropna(subset=[{id!r}])",
        "index": "{y}[{y}.index.get_level_values(0).notna()]",
        "dict": "{{id: s for id, s in {y}.items() if id == id and id is not None}}",
    },
    "missing times": {
        "long": "{y}.dropna(subset=[{time!r}])",
        "index": "{y}[{y}.index.get_level_values(1).notna()]",
        "dict": "{{id: s[s.index.notna()] for id, s in {y}.items()}}",
    },
    "all missing": {
        "long": "{y}[{y}[{target!r}].notna().groupby({y}[{id!r}]).transform('any')]",
        "index": "{y}[{y}.notna().groupby(level=0).transform('any').to_numpy()]",
        "dict": "{{id: s for id, s in {y}.items() if s.notna().any()}}",
    },
    "infinite": {
        "long": "{y}.replace([np.inf, -np.inf], np.nan)",
        "index": "{y}.replace([np.inf, -np.inf], np.nan)",
        "dict": "{{id: s.replace([np.inf, -np.inf], np.nan) for id, s in {y}.items()}}",
    },
}


def show_id(ids: pd.Index, s: int) -> str:
    """Return the id of a series for messages."""
    label = ids[int(s)]
    return repr(label.item() if isinstance(label, np.generic) else label)


def position(columns: pd.Index, label: Hashable) -> int:
    """Return the position of a column by its name, -1 if there is none."""
    return next((k for k, column in enumerate(columns) if type(column) is type(label) and column == label), -1)


def is_long(columns: Sequence[Hashable]) -> bool:
    """Whether columns are those of a long panel: ``unique_id`` beside ``ds``."""
    return ID in columns and TIME in columns


def read_rows(
    y: Anything,
    *,
    id: Hashable = None,
    time: Hashable = None,
    target: Hashable = None,
    name: str = "y",
    covariates: Sequence[Hashable] | None = (),
    others: Sequence[Hashable] = (),
    has_target: bool = True,
) -> Rows:
    """Return the rows of a panel of any layout.

    Parameters
    ----------
    y : DataFrame, Series, dict of Series or table of another library
        The panel; it is never modified.
    id, time, target : hashable, optional
        Names of the columns of ids, times and target; by default ``unique_id``, ``ds`` and ``y``, or the only other
        column. Of an index with two levels, their names.
    name : str, default="y"
        Name of the panel in error messages.
    covariates, others : sequence of hashable
        Names of all other columns; a column that they leave out raises an error. None for the covariates: any column.
    has_target : bool, default=True
        Whether one column is a target; a table of covariates has none.

    Returns
    -------
    Rows

    Raises
    ------
    TypeError, ValueError
        If it is no panel, or lacks a column, or has a column without a role.

    Examples
    --------
    >>> rows = read_rows({"a": pd.Series([1.0, 2.0]), "b": pd.Series([3.0])})
    >>> rows.codes.tolist(), rows.times.tolist(), rows.layout
    ([0, 0, 1], [0, 1, 0], 'dict')
    """
    if isinstance(y, Mapping):
        _refuse_names(id, time, target, name)
        return _read_dict(y, name)
    flat, types = read_flat_table(y, name)
    data = flat.data
    if not isinstance(data, pd.Series | pd.DataFrame):
        raise TypeError(f"{name} has type {type(y).__name__}, which is no panel: pass {_WAYS_TO_PASS}")
    if data.size == 0 and len(data) == 0:
        raise ValueError(f"{name} is empty (shape {data.shape}): a panel needs at least one row")
    if isinstance(data, pd.DataFrame) and data.columns.has_duplicates:
        twice = data.columns[data.columns.duplicated()][0]
        raise ValueError(f"{name} has more than one column {twice!r}: give each column a different name")
    if isinstance(data.index, pd.MultiIndex):
        found = _read_levels(data, id, time, name)
    elif isinstance(data, pd.DataFrame):
        found = _read_long(data, id, time, name, flat.native_format)
    else:
        raise ValueError(f"{name} is one Series with one index level, not a panel: pass {_WAYS_TO_PASS}")
    table: Any = found.pop("table")
    label: Hashable = None
    if isinstance(data, pd.Series):
        label = data.name
        if (target is not None and target != label) or covariates or others:
            raise ValueError(f"{name} is a Series with one column, {label!r}: leave target= and covariates out")
    else:
        if has_target:
            label = _find_target(table, target, name, [*(covariates or ()), *others])
        _check_columns(table.columns, label, has_target, covariates, others, name)
    return Rows(
        name=name,
        columns=PanelColumns(found.pop("id"), found.pop("time"), label),
        table=table,
        is_series=isinstance(data, pd.Series),
        native_format=flat.native_format,
        types=types,
        **found,
    )


# ---- layouts ---------------------------------------------------------------------------------------------------------


def _read_long(
    data: pd.DataFrame, id: Hashable, time: Hashable, name: str, native_format: NativeFormat | None
) -> dict[str, Any]:
    """Return the parts of a long frame, as arguments of `Rows`."""
    table = name if native_format is None else native_format.pandas_expression(name, index=False)
    places = {}
    for role, label, default in (("id", id, ID), ("time", time, TIME)):
        wanted = default if label is None else label
        places[role] = position(data.columns, wanted)
        if places[role] >= 0:
            continue
        if wanted in data.index.names:
            raise ValueError(
                f"{name} has {wanted!r} in its index, not in a column: pass {name}.reset_index(), whose columns are "
                "all of its labels and values"
            )
        dates = [c for c, dtype in data.dtypes.items() if getattr(dtype, "kind", "") == "M" or _is_period(dtype)]
        hint = f", as with time={dates[0]!r}" if role == "time" and dates else f" with {role}="
        raise ValueError(
            f"{name} has no column {wanted!r} for the {role}s of a long panel, only {_listed(data.columns)}; name that "
            f"column{hint}"
        )
    if places["id"] == places["time"]:
        raise ValueError(f"id={id!r} and time={time!r} are the same column of {name}: name two columns")
    codes, ids, dtype = factorize_ids(data.iloc[:, places["id"]])
    label = data.columns[places["time"]]
    mend = _TimeMend(_assign(table, label), f"pd.Index({table}[{label!r}])")
    times = _read_times(data.iloc[:, places["time"]], f"{name}[{label!r}]", mend)
    kept = [k for k in range(data.shape[1]) if k not in places.values()]
    return {
        "layout": "long",
        "id": data.columns[places["id"]],
        "time": label,
        "codes": codes,
        "ids": ids,
        "id_dtype": dtype,
        "times": times,
        "table": data.iloc[:, kept],
    }


def _read_levels(data: pd.Series | pd.DataFrame, id: Hashable, time: Hashable, name: str) -> dict[str, Any]:
    """Return the parts of data with two index levels, as arguments of `Rows`."""
    index: Any = data.index
    names = list(index.names)
    if index.nlevels != 2:
        joined = f"{name}.set_axis(pd.MultiIndex.from_arrays([{name}.index.droplevel(-1).map(str), "
        joined += f"{name}.index.get_level_values(-1)]))"
        raise ValueError(
            f"{name} has {index.nlevels} index levels, {names}, but a panel has two, ids and times; join the levels of "
            f"the ids with {joined}"
        )
    for role, label in (("id", id), ("time", time)):
        if label is not None and label not in names:
            raise ValueError(f"{role}={label!r} is no index level of {name}, whose levels are {names}; name one")
    k = names.index(id) if id is not None else 1 - names.index(time) if time is not None else 0
    if names[1 - k] is not None and time is not None and names[1 - k] != time:
        raise ValueError(f"id={id!r} and time={time!r} are the same index level of {name}: name two levels")
    first, second = index.levels
    if k == 0 and id is None and _are_dates(first) and not _are_dates(second):
        raise ValueError(
            f"the first index level of {name} holds dates, the second {second.dtype} labels, but the ids come first; "
            f"use {name}.swaplevel()"
        )
    if [str(label).lower() for label in names] in (["year", "month"], ["year", "quarter"]):
        part = str(names[1]).lower()
        fields = f"year=list({name}.index.get_level_values(0)), {part}=list({name}.index.get_level_values(1))"
        raise ValueError(
            f"the index levels of {name} are {names}, the time of one series and not ids and times; use "
            f"{name}.set_axis(pd.PeriodIndex.from_fields({fields}, freq={part[0].upper()!r}))"
        )
    if names[0] == names[1] and names[0] is not None:
        raise ValueError(f"both index levels of {name} have the name {names[0]!r}: give each a different name")
    codes, used = pd.factorize(index.codes[k])  # levels may hold labels that no row has
    times = _read_times(
        index.levels[1 - k],
        f"the index level {1 - k} of {name}",
        _TimeMend(f"{name}.set_axis({name}.index.set_levels(<>, level={1 - k}))", f"{name}.index.levels[{1 - k}]"),
    )
    return {
        "layout": "index",
        "id": names[k],
        "time": names[1 - k],
        "codes": np.where(index.codes[k] < 0, -1, codes),
        "ids": _plain(index.levels[k].take(used[used >= 0])),
        "id_dtype": index.levels[k].dtype,
        "times": _take(times, np.asarray(index.codes[1 - k])),
        "freq": getattr(times, "freq", None),
        "table": data.to_frame(0) if isinstance(data, pd.Series) else data,
    }


def _read_dict(y: Mapping[Hashable, Anything], name: str) -> Rows:
    """Return the rows of a dict of Series."""
    if len(y) == 0:
        raise ValueError(f"{name} is an empty dict: a panel needs at least one series")
    for key, series in y.items():
        _check_item(key, series, name)
    parts = list(y.values())
    ids = pd.Index(list(y), tupleize_cols=False)
    _check_alike(ids, [part.index for part in parts], name)
    freqs = {getattr(part.index, "freq", None) for part in parts}
    joined = parts[0].index.append([part.index for part in parts[1:]]) if len(parts) > 1 else parts[0].index
    mend = _TimeMend(f"{{id: s.set_axis(<>) for id, s in {name}.items()}}", "s.index")
    times = _read_times(joined, f"the index of the Series of {name}", mend)
    names = tuple(part.name for part in parts)
    values = pd.concat([part.reset_index(drop=True) for part in parts], ignore_index=True)
    return Rows(
        name=name,
        layout="dict",
        columns=PanelColumns(None, parts[0].index.name, names[0]),
        codes=np.repeat(np.arange(len(parts)), [len(part) for part in parts]),
        ids=ids,
        times=times,
        table=values.to_frame(0),
        is_series=True,
        freq=freqs.pop() if len(freqs) == 1 else None,
        names=names,
    )


def _check_item(key: Hashable, series: Anything, name: str) -> None:
    """Raise unless an item of a dict is a Series with rows and one index level."""
    what = f"{name}[{key!r}]"
    if key is None or key != key:
        raise ValueError(f"{name} has the key {key!r}, which is no id: give that series an id")
    if not isinstance(series, pd.Series):
        mend = f"pd.Series({what})" if isinstance(series, list | tuple | np.ndarray) else "one Series for each id"
        if isinstance(series, pd.DataFrame):
            mend = f"one of its columns, as {what}[{series.columns[0]!r}]" if series.shape[1] else "a Series"
        raise TypeError(f"{what} has type {type(series).__name__}, but a dict panel holds pandas Series: pass {mend}")
    if len(series) == 0:
        raise ValueError(f"{what} is empty; leave it out: {{id: s for id, s in {name}.items() if len(s)}}")
    if isinstance(series.index, pd.MultiIndex):
        raise ValueError(f"{what} has {series.index.nlevels} index levels: a Series of a dict panel has one, its times")


def _check_alike(ids: pd.Index, indexes: list[Any], name: str) -> None:
    """Raise unless the indexes of a dict's Series have one kind, time zone and period."""
    for s, index in enumerate(indexes):
        for what, kind in (("labels", _kind_of), ("time zone", _zone_of), ("frequency", _period_of)):
            ours, theirs = kind(indexes[0]), kind(index)
            if ours != theirs:
                advice = {
                    "labels": "give all series the same kind of index",
                    "time zone": f"convert all to one, as with {{id: s.tz_convert('UTC') for id, s in {name}.items()}}",
                    "frequency": f"convert all to one, as with s.set_axis(s.index.asfreq({ours!r}))",
                }[what]
                if what == "time zone" and "none" in (ours, theirs):
                    advice = "give all series a time zone, or none, with tz_localize"
                raise ValueError(
                    f"the {what} of {name} differ: series {show_id(ids, 0)} has {ours}, series {show_id(ids, s)} has "
                    f"{theirs}; {advice}"
                )


def _kind_of(index: pd.Index) -> str:
    """Return the kind of labels of an index, for messages."""
    if isinstance(index, pd.DatetimeIndex | pd.PeriodIndex):
        return f"a {type(index).__name__}"
    return "integers" if pd.api.types.is_integer_dtype(index.dtype) else f"{index.dtype} labels"


def _zone_of(index: Times) -> str:
    """Return the time zone of dates, for messages."""
    return str(getattr(index, "tz", None) or "none")


def _period_of(index: Times) -> str:
    """Return the frequency of periods, for messages; dates of one panel may have none or different objects."""
    return index.freqstr if isinstance(index, pd.PeriodIndex) else ""


# ---- ids and times ---------------------------------------------------------------------------------------------------


def factorize_ids(column: pd.Series | pd.Index) -> tuple[np.ndarray, pd.Index, Any]:
    """Return numbers of the ids (N,), -1 where missing, the ids in order of first appearance, and their dtype."""
    codes, ids = pd.factorize(column, use_na_sentinel=True)
    return codes, _plain(pd.Index(ids)), column.dtype


def _plain(ids: pd.Index) -> pd.Index:
    """Return ids without categories and without a name."""
    if isinstance(ids.dtype, pd.CategoricalDtype):
        ids = pd.Index(ids.astype(ids.dtype.categories.dtype))
    return ids.rename(None)


class _TimeMend(NamedTuple):
    """An expression that replaces the times of a panel by others, which stand at ``<>``, and one for its times."""

    template: str
    labels: str


def _read_times(column: pd.Series | pd.Index, what: str, mend: _TimeMend) -> Times:
    """Return times as a DatetimeIndex, a PeriodIndex or integers."""
    index: Any = column if isinstance(column, pd.Index) else pd.Index(column)
    if index.dtype == object:
        index = _infer_times(index, what)
    if isinstance(index, pd.DatetimeIndex | pd.PeriodIndex):
        return index.rename(None)
    if pd.api.types.is_integer_dtype(index.dtype):
        if not index.hasnans and int(index.max()) > np.iinfo(np.int64).max:
            raise ValueError(f"{what} holds {index.max()}, but the largest integer is {np.iinfo(np.int64).max}")
        return index.rename(None)
    labels = index.dropna().unique()
    if len(labels) == 0:
        raise ValueError(f"{what} has only missing labels: pass the time of each row")
    example = labels[0].item() if isinstance(labels[0], np.generic) else labels[0]
    raise ValueError(
        f"{what} holds {index.dtype} labels such as {example!r}, not dates, periods or integers"
        + _mend_times(labels, mend)
    )


def _infer_times(index: pd.Index, what: str) -> pd.Index:
    """Return objects as dates or periods if all are, with one time zone; unchanged if they are others."""
    labels = index.tolist()
    zones = {str(label.tzinfo) for label in labels if isinstance(label, pd.Timestamp) or hasattr(label, "tzinfo")}
    if len(zones) > 1:
        both = sorted(zones)[:2]
        raise ValueError(
            f"{what} has times of different time zones, such as {both[0]} and {both[1]}; convert them to one, with "
            "pd.to_datetime(..., utc=True) if all have one"
        )
    return pd.Index(labels) if zones or all(isinstance(label, pd.Period) for label in labels) else index


def _mend_times(labels: pd.Index, mend: _TimeMend) -> str:
    """Return a phrase with the expression that converts labels to times, after it was tried; "" if none works."""
    inside, works = "{y}.set_axis(", []
    for template in candidate_fixes(labels):
        if template.startswith(inside) and first_working_fix(labels, "y", (template,), _are_unique_times) is not None:
            works.append(template[len(inside) : -1])
    if not works:
        return ""
    readings = [text for text in works if _without_day_and_month(text) == _without_day_and_month(works[0])]
    uses = [mend.template.replace("<>", text.replace("{y}.index", mend.labels)) for text in readings]
    if len(uses) == 1:
        return f"; use {uses[0]}"
    return f"; the dates can be read in two ways: use {uses[0]} for the one, {uses[1]} for the other"


def _without_day_and_month(expression: str) -> str:
    """Return an expression without the order of day and month."""
    return expression.replace("%d", "%m")


def _are_unique_times(labels: pd.Index) -> bool:
    """Whether labels are unique dates, periods or integers."""
    is_time = _are_dates(labels) or pd.api.types.is_integer_dtype(labels.dtype)
    return bool(is_time and labels.is_unique and not labels.hasnans)


def _are_dates(labels: pd.Index) -> bool:
    """Whether labels are dates or periods."""
    return isinstance(labels, pd.DatetimeIndex | pd.PeriodIndex)


def _is_period(dtype: object) -> bool:
    """Whether a dtype is one of periods."""
    return isinstance(dtype, pd.PeriodDtype)


def _take(times: Times, codes: np.ndarray) -> Times:
    """Return the labels of codes, missing where the code is -1."""
    if codes.min(initial=0) >= 0:
        return times.take(codes)
    return times.take(codes, allow_fill=True, fill_value=pd.NaT if _are_dates(times) else None)


def _assign(table: str, label: Hashable) -> str:
    """Return the template of an expression that replaces a column of a table."""
    column = f"{label}=<>" if isinstance(label, str) and label.isidentifier() else f"**{{{label!r}: <>}}"
    return f"{table}.assign({column})"


# ---- values ----------------------------------------------------------------------------------------------------------


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


def _find_target(table: pd.DataFrame, target: Hashable, name: str, named: Sequence[Hashable]) -> Hashable:
    """Return the name of the column of the target."""
    wanted = TARGET if target is None else target
    if position(table.columns, wanted) >= 0:
        return wanted
    left = [column for column in table.columns if position(pd.Index(list(named), tupleize_cols=False), column) < 0]
    if target is None and len(left) == 1:
        return left[0]
    raise ValueError(
        f"{name} has no column {wanted!r} for the target, beside its ids and times only {_listed(table.columns)}; name "
        "that column with target="
    )


def _check_columns(
    columns: pd.Index,
    target: Hashable,
    has_target: bool,
    covariates: Sequence[Hashable] | None,
    others: Sequence[Hashable],
    name: str,
) -> None:
    """Raise if a named covariate is no column, is the target, or if a column has no role."""
    named = [*(covariates or ()), *others]
    for label in named:
        if position(columns, label) < 0:
            raise ValueError(f"{name} has no column {label!r}, only {_listed(columns)}; name a column that it has")
        if has_target and label == target:
            raise ValueError(f"{label!r} is the target of {name} and cannot be a covariate too: leave it out")
    if covariates is None:
        return
    known = pd.Index([*named, *([target] if has_target else [])], tupleize_cols=False)
    left = [column for column in columns if position(known, column) < 0]
    if left:
        raise ValueError(f"{name} has columns without a role, {_listed(left)}; {_NAMING}")


def _refuse_names(id: Hashable, time: Hashable, target: Hashable, name: str) -> None:
    """Raise if columns of a dict are named, which has none."""
    for role, label in (("id", id), ("time", time), ("target", target)):
        if label is not None:
            raise ValueError(
                f"{role}={shown(label)} names a column, but {name} is a dict of Series, whose keys are the ids and "
                f"whose indexes are the times; leave {role}= out"
            )


def _listed(columns: Sequence[Hashable] | pd.Index) -> str:
    """Return the first names of columns for messages."""
    names = [repr(column) for column in columns]
    return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "") if names else "no others"
