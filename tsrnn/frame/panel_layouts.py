"""Rows of a panel in one form, whatever the layout of the object that holds them.

==========================================  =================  =======================================================
Panel                                       ``layout``         Ids, times and values
==========================================  =================  =======================================================
`pandas.DataFrame` with a column of ids     ``long``           columns: ``unique_id``, ``ds``, ``y``, or other names
polars or pyarrow table with such a column  ``long``           the same
Series or DataFrame with index levels       ``index``          all levels but the last, last, values or a column
dict of Series                              ``dict``           key, index, values
==========================================  =================  =======================================================

Ids may have several parts, in several columns or index levels. `read_rows` gives ids, times and values of all rows, in
the order of the caller. It checks names and types, but neither the order of the rows nor the steps between them.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ..checks import Anything, shown
from .panel_labels import (
    TimeMend,
    Times,
    are_dates,
    factorize_ids,
    is_period,
    join_ids,
    plain_ids,
    read_times,
    take_times,
)
from .panel_rows import PanelColumns, Rows, position, show_id
from .tables import NativeFormat, read_flat_table

#: Default names of the columns of a long panel.
ID, TIME, TARGET = "unique_id", "ds", "y"
_WAYS_TO_PASS = (
    f"a long frame with the columns {ID}, {TIME} and {TARGET} (or other names, as id=, time= and target=), a Series or "
    "DataFrame with two index levels (id, then time), or a dict of Series"
)
_NAMING = (
    "name them as covariates: future=[...] or past=[...]; or drop them, also if they are columns of static=, which is "
    "a table of its own with one row for each id"
)


def is_long(columns: Sequence[Hashable]) -> bool:
    """Whether columns are those of a long panel: ``unique_id`` beside ``ds``."""
    return ID in columns and TIME in columns


def read_rows(
    y: Anything,
    *,
    id: Hashable | list[Hashable] = None,
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
        column. Of an index with two or more levels, their names. `id` may be a list of names: the parts of the ids.
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
    parts = _read_id(id)
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
        found = _read_levels(data, parts, time, name)
    elif isinstance(data, pd.DataFrame):
        found = _read_long(data, parts, time, name, flat.native_format)
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


def _read_id(id: Anything) -> list[Hashable]:
    """Return the names of the columns of ids; empty where none is given."""
    if id is None:
        return []
    if not isinstance(id, list):
        return [id]
    if not id or any(label in id[:k] for k, label in enumerate(id)):
        raise ValueError(f"id={shown(id)} must name one column or more, each once")
    return id


# ---- layouts ---------------------------------------------------------------------------------------------------------


def _read_long(
    data: pd.DataFrame, id: list[Hashable], time: Hashable, name: str, native_format: NativeFormat | None
) -> dict[str, Any]:
    """Return the parts of a long frame, as arguments of `Rows`."""
    table = name if native_format is None else native_format.pandas_expression(name, index=False)
    places = []
    for role, wanted in (*(("id", label) for label in id or [ID]), ("time", TIME if time is None else time)):
        places.append(position(data.columns, wanted))
        if places[-1] >= 0:
            continue
        if wanted in data.index.names:
            raise ValueError(
                f"{name} has {wanted!r} in its index, not in a column: pass {name}.reset_index(), whose columns are "
                "all of its labels and values"
            )
        dates = [c for c, dtype in data.dtypes.items() if getattr(dtype, "kind", "") == "M" or is_period(dtype)]
        hint = f", as with time={dates[0]!r}" if role == "time" and dates else f" with {role}="
        raise ValueError(
            f"{name} has no column {wanted!r} for the {role}s of a long panel, only {_listed(data.columns)}; name that "
            f"column{hint}"
        )
    of_ids, of_time = places[:-1], places[-1]
    if of_time in of_ids:
        raise ValueError(
            f"id={shown(id[0] if len(id) == 1 else id)} and time={time!r} are the same column of {name}: name two "
            "columns"
        )
    codes, ids, dtype = join_ids([factorize_ids(data.iloc[:, k]) for k in of_ids])
    label = data.columns[of_time]
    mend = TimeMend(_assign(table, label), f"pd.Index({table}[{label!r}])")
    times = read_times(data.iloc[:, of_time], f"{name}[{label!r}]", mend)
    kept = [k for k in range(data.shape[1]) if k not in places]
    names = tuple(data.columns[k] for k in of_ids)
    return {
        "layout": "long",
        "id": names if len(names) > 1 else names[0],
        "time": label,
        "codes": codes,
        "ids": ids,
        "id_dtype": dtype,
        "times": times,
        "table": data.iloc[:, kept],
    }


def _read_levels(data: pd.Series | pd.DataFrame, id: list[Hashable], time: Hashable, name: str) -> dict[str, Any]:
    """Return the parts of data with two or more index levels, as arguments of `Rows`."""
    index: Any = data.index
    names = list(index.names)
    _check_levels(index, id, time, name)
    of_time = names.index(time) if time is not None else _level_left(names, id)
    of_ids = [names.index(label) for label in id] or [k for k in range(len(names)) if k != of_time]
    if len(of_ids) < len(names) - 1 or of_time in of_ids:
        raise ValueError(
            f"id={shown(id[0] if len(id) == 1 else id)} and time={names[of_time]!r} are not all index levels of "
            f"{name}, which are {names}; name each once, one of them as time="
        )
    if not id and are_dates(index.levels[of_ids[0]]) and not are_dates(index.levels[of_time]):
        swapped = f"{name}.swaplevel()" if len(names) == 2 else f"{name}.swaplevel(0, -1)"
        raise ValueError(
            f"the first index level of {name} holds dates, the last {index.levels[of_time].dtype} labels, but the ids "
            f"come first; use {swapped}"
        )
    times = read_times(
        index.levels[of_time],
        f"the index level {of_time} of {name}",
        TimeMend(f"{name}.set_axis({name}.index.set_levels(<>, level={of_time}))", f"{name}.index.levels[{of_time}]"),
    )
    codes, ids, dtype = join_ids([_ids_of_level(index, k) for k in of_ids])
    id_names = tuple(names[k] for k in of_ids)
    return {
        "layout": "index",
        "id": id_names if len(id_names) > 1 else id_names[0],
        "time": names[of_time],
        "codes": codes,
        "ids": ids,
        "id_dtype": dtype,
        "times": take_times(times, np.asarray(index.codes[of_time])),
        "freq": getattr(times, "freq", None),
        "table": data.to_frame(0) if isinstance(data, pd.Series) else data,
    }


def _check_levels(index: Any, id: list[Hashable], time: Hashable, name: str) -> None:
    """Raise if a named level does not exist, two have one name, or the levels are the year and month of one series."""
    names = list(index.names)
    if index.nlevels < 2:
        raise ValueError(
            f"{name} has a MultiIndex of one level, {names}, but a panel has ids and times; use {name}.reset_index()"
        )
    for role, label in (*(("id", label) for label in id), *([] if time is None else [("time", time)])):
        if label not in names:
            raise ValueError(f"{role}={label!r} is no index level of {name}, whose levels are {names}; name one")
    if [str(label).lower() for label in names] in (["year", "month"], ["year", "quarter"]):
        part = str(names[1]).lower()
        fields = f"year=list({name}.index.get_level_values(0)), {part}=list({name}.index.get_level_values(1))"
        raise ValueError(
            f"the index levels of {name} are {names}, the time of one series and not ids and times; use "
            f"{name}.set_axis(pd.PeriodIndex.from_fields({fields}, freq={part[0].upper()!r}))"
        )
    twice = next((label for k, label in enumerate(names) if label is not None and label in names[:k]), None)
    if twice is not None:
        raise ValueError(f"both index levels of {name} have the name {twice!r}: give each a different name")


def _level_left(names: list[Hashable], id: list[Hashable]) -> int:
    """Return the number of the last index level that is not one of ids."""
    return max((k for k, label in enumerate(names) if label not in id), default=len(names) - 1)


def _ids_of_level(index: Any, k: int) -> tuple[np.ndarray, pd.Index, Any]:
    """Return numbers, ids and dtype of an index level, as `factorize_ids` gives those of a column."""
    codes, used = pd.factorize(index.codes[k])  # levels may hold labels that no row has
    ids = plain_ids(index.levels[k].take(used[used >= 0]))
    if (used < 0).any():  # numbers without that of missing ids
        codes = codes - (codes > int(np.argmax(used < 0)))
    return np.where(index.codes[k] < 0, -1, codes), ids, index.levels[k].dtype


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
    mend = TimeMend(f"{{id: s.set_axis(<>) for id, s in {name}.items()}}", "s.index")
    times = read_times(joined, f"the index of the Series of {name}", mend)
    names = tuple(part.name for part in parts)
    values = pd.concat(parts, ignore_index=True)
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


def _assign(table: str, label: Hashable) -> str:
    """Return the template of an expression that replaces a column of a table."""
    column = f"{label}=<>" if isinstance(label, str) and label.isidentifier() else f"**{{{label!r}: <>}}"
    return f"{table}.assign({column})"


# ---- columns ---------------------------------------------------------------------------------------------------------


def _find_target(table: pd.DataFrame, target: Hashable, name: str, named: Sequence[Hashable]) -> Hashable:
    """Return the name of the column of the target."""
    wanted = TARGET if target is None else target
    if position(table.columns, wanted) >= 0:
        return wanted
    left = [column for column in table.columns if position(pd.Index(list(named), tupleize_cols=False), column) < 0]
    if target is None and len(left) == 1:
        return left[0]
    raise ValueError(
        f"{name} has no column {wanted!r} for the target: beside ids and times it has {_listed(table.columns)}; name "
        "the column of the target with target="
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


def _refuse_names(id: Anything, time: Hashable, target: Hashable, name: str) -> None:
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
    return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "") if names else "no columns"
