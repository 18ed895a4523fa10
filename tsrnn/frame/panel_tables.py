"""Covariates of a panel in a table of their own, found by id and time; and forecasts in the form of the panel."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from ..checks import Anything
from ..messages import format_label
from .future import Forecasts, Labels, added_levels, append_levels, flat_names, format_step, wrap_many, wrap_totals
from .index import AnyGrid
from .panel import PanelTarget
from .panel_grid import max_labels
from .panel_labels import Times, like_ids
from .panel_layouts import ID, TIME, read_rows
from .panel_order import ordinals, sort_rows
from .panel_rows import Rows, position, show_id, show_value
from .tables import column_labels
from .wall_clock import without_freq

#: Number of rows that an error about missing rows names.
_N_SHOWN = 3


def read_panel_table(
    X: Anything,
    panel: PanelTarget,
    columns: Sequence[Hashable] | None = None,
    *,
    name: str = "X",
    fills: bool = False,
) -> tuple[np.ndarray, list[Hashable]]:
    """Return the covariates of the rows of a panel.

    Parameters
    ----------
    X : DataFrame, Series, dict or table of another library
        One row for each id and time, in any order; columns of ids and times with the names of the panel's, or an index
        with these two levels, or a dict of Series or frames. Rows of other ids and times are not read.
    panel : PanelTarget
        The panel.
    columns : sequence of hashable, optional
        Names of the columns to read; by default all.
    name : str, default="X"
        Name of `X` in error messages.
    fills : bool, default=False
        Whether a row of the panel without a value may lack its row in `X`, as where ``gaps="missing"`` added it.

    Returns
    -------
    values : ndarray of float64 of shape (N, n_columns)
        NaN where a value is missing.
    columns : list of hashable
        Their names.

    Raises
    ------
    TypeError, ValueError
        If there is no row for a row of the panel, no such column, or a value is no number.

    Examples
    --------
    >>> from tsrnn.frame import read_panel
    >>> panel, _ = read_panel({"a": pd.Series([1.0, 2.0]), "b": pd.Series([3.0])})
    >>> X = pd.DataFrame({"unique_id": ["b", "a", "a"], "ds": [0, 1, 0], "price": [7.0, 6.0, 5.0]})
    >>> read_panel_table(X, panel)
    (array([[5.],
           [6.],
           [7.]]), ['price'])
    """
    series = np.repeat(np.arange(len(panel)), panel.n_rows)
    optional = ~panel.observed[:, 0] & fills
    return _look_up(X, panel, series, panel.row_places, columns, name, optional)


def align_future(
    X: Anything,
    panel: PanelTarget,
    places: np.ndarray,
    columns: Sequence[Hashable] | None = None,
    *,
    series: np.ndarray | None = None,
    name: str = "X",
) -> np.ndarray:
    """Return the covariates of steps of a panel, such as those after the end of each series.

    Parameters
    ----------
    X : DataFrame, Series, dict or table of another library
        One row for each id and time, as in `read_panel_table`.
    panel : PanelTarget
        The panel.
    places : ndarray of int of shape (n, h)
        Places of the steps in the grid of the panel, which is extended as far as needed.
    columns : sequence of hashable, optional
        Names of the columns to read; by default all.
    series : ndarray of int of shape (n,), optional
        Numbers of the series; by default all.
    name : str, default="X"
        Name of `X` in error messages.

    Returns
    -------
    ndarray of float64 of shape (n, h, n_columns)

    Raises
    ------
    TypeError, ValueError
        If a row is missing; the message names the first ids and times, and their number.

    Examples
    --------
    >>> from tsrnn.frame import read_panel
    >>> panel, _ = read_panel({"a": pd.Series([1.0, 2.0]), "b": pd.Series([3.0])})
    >>> X = pd.DataFrame({"unique_id": ["a", "b"], "ds": [2, 2], "price": [7.0, 6.0]})
    >>> align_future(X, panel, panel.end[:, None])
    Traceback (most recent call last):
        ...
    ValueError: X has no row for series 'b' at 1; pass one row for each series and step, 1 of 2 is missing
    """
    numbers = np.arange(len(panel)) if series is None else np.asarray(series)
    values, names = _look_up(X, panel, np.repeat(numbers, places.shape[1]), places.ravel(), columns, name)
    return values.reshape(*places.shape, len(names))


def constant_columns(y: Anything, panel: PanelTarget, columns: Sequence[Hashable]) -> pd.DataFrame:
    """Return columns of a panel that have one value in each series, such as static covariates.

    Parameters
    ----------
    y : DataFrame or table of another library
        The panel.
    panel : PanelTarget
        The same panel as arrays.
    columns : sequence of hashable
        Names of the columns.

    Returns
    -------
    DataFrame with S rows
        The values, with the ids of the panel as index.

    Raises
    ------
    ValueError
        If there is no such column, or a series has two values; the message names the series and both.

    Examples
    --------
    >>> from tsrnn.frame import read_panel
    >>> y = pd.DataFrame({"unique_id": ["b", "b", "a"], "ds": [0, 1, 1], "y": 1.0, "region": ["n", "n", "s"]})
    >>> panel, _ = read_panel(y, others=["region"])
    >>> constant_columns(y, panel, ["region"])["region"].to_dict()
    {'b': 'n', 'a': 's'}
    """
    rows = read_rows(y, id=panel.id, time=panel.columns.time, name=panel.name, covariates=None, has_target=False)
    first = np.empty(len(rows.ids), np.int64)
    first[rows.codes[::-1]] = np.arange(len(rows.codes) - 1, -1, -1)
    found = {}
    for k, label in enumerate(columns):
        if position(rows.table.columns, label) < 0:
            raise ValueError(f"{panel.name} has no column {label!r}, only {list(rows.table.columns)}")
        column = rows.table.iloc[:, position(rows.table.columns, label)]
        codes = pd.factorize(column)[0]
        other = codes != codes[first][rows.codes]
        if other.any():
            row = int(np.argmax(other))
            values = [show_value(column.iloc[i]) for i in (first[rows.codes[row]], row)]
            raise ValueError(
                f"{rows.column(label)} is static, but series {show_id(rows.ids, rows.codes[row])} has {values[0]} at "
                f"{format_label(rows.times[first[rows.codes[row]]])} and {values[1]} at "
                f"{format_label(rows.times[row])}; name it as a covariate of each row instead, future= or past="
            )
        found[k] = column.iloc[first].reset_index(drop=True)
    frame = pd.DataFrame(found).set_axis(pd.Index(list(columns), tupleize_cols=False), axis=1)
    return frame.set_axis(rows.ids).iloc[rows.ids.get_indexer(panel.ids)]


def wrap_panel(
    values: np.ndarray,
    panel: PanelTarget,
    series: np.ndarray,
    places: np.ndarray,
    labels: Mapping[str, Labels] | None = None,
) -> Forecasts:
    """Return forecasts in the form of the panel: a long frame, a Series or frame with two index levels, or a dict.

    Parameters
    ----------
    values : ndarray of shape (n, h) or (n, h, ...)
        The forecasts; one further axis for each of the `labels` that is a list.
    panel : PanelTarget
        The panel.
    series : ndarray of int of shape (n,)
        Numbers of the series.
    places : ndarray of int of shape (n, h)
        Places of the steps in the grid of the panel, which is extended as far as needed.
    labels : mapping of str to list or number, optional
        Labels of each further axis, by its name, as for `wrap_many`.

    Returns
    -------
    DataFrame, Series, dict or table of another library

    Examples
    --------
    >>> from tsrnn.frame import read_panel
    >>> panel, _ = read_panel(pd.DataFrame({"unique_id": ["a", "b"], "ds": [1, 2], "y": [3.0, 4.0]}))
    >>> wrap_panel(np.array([[5.0], [6.0]]), panel, np.arange(2), panel.end[:, None])
      unique_id  ds    y
    0         a   2  5.0
    1         b   3  6.0
    """
    labels = {} if labels is None else labels
    n, h = places.shape
    grid = panel.extended_grid(int(places.max(initial=-1)) + 1)
    if panel.wide is not None:
        wide = values.swapaxes(0, 1)
        return wrap_many(wide, _columns_of(panel, series), _common_steps(grid, places), labels)
    if panel.layout == "dict":
        grid = grid.rename(panel.columns.time)
        return {
            _key(panel.ids[s]): _wrap_one(values[i], panel, int(s), grid.take(places[i]), labels)
            for i, s in enumerate(series)
        }
    added = added_levels(labels)
    flat = values.reshape(n * h, math.prod(values.shape[2:]))
    if panel.layout == "long":
        names = [panel.columns.target] if added is None else flat_names(None, added)
        return _wrap_long(flat, panel, np.repeat(series, h), grid, places.ravel(), names)
    index = _two_levels(panel, np.repeat(series, h), grid, places.ravel())
    if panel.is_series and added is None:
        return _to_pandas_like(pd.Series(flat[:, 0], index, name=panel.columns.target), panel)
    target = None if panel.is_series else pd.Index([panel.columns.target], tupleize_cols=False)
    columns = target if added is None else append_levels(target, added)
    return _to_pandas_like(pd.DataFrame(flat, index, columns), panel)


def wrap_panel_totals(values: np.ndarray, panel: PanelTarget, series: np.ndarray, labels: Sequence[str]) -> Forecasts:
    """Return some numbers of each series of a panel as a table with a row for each.

    Parameters
    ----------
    values : ndarray of shape (n, n_labels)
        The numbers.
    panel : PanelTarget
        The panel.
    series : ndarray of int of shape (n,)
        Numbers of the series.
    labels : sequence of str of length n_labels
        Names of the numbers.

    Returns
    -------
    DataFrame, dict of Series or table of another library
        A long table has the ids in a column; two index levels become one, of the ids.

    Examples
    --------
    >>> from tsrnn.frame import read_panel
    >>> panel, _ = read_panel(pd.DataFrame({"unique_id": ["a", "b"], "ds": [1, 2], "y": [3.0, 4.0]}))
    >>> wrap_panel_totals(np.array([[5.0], [6.0]]), panel, np.arange(2), ["total"])
      unique_id  total
    0         a    5.0
    1         b    6.0
    """
    if panel.wide is not None:
        return wrap_totals(values, _columns_of(panel, series), labels)
    if panel.layout == "dict":
        return {_key(panel.ids[s]): pd.Series(values[i], list(labels)) for i, s in enumerate(series)}
    ids = id_columns(panel, series)
    if panel.layout == "index":
        index = pd.MultiIndex.from_arrays(ids) if len(ids) > 1 else ids[0]
        return _to_pandas_like(pd.DataFrame(values, index.set_names(panel.id_names), list(labels)), panel)
    for label in panel.id_names:
        if label in labels:
            raise ValueError(f"the column {label!r} of {panel.name} has the name of a column of the result; rename it")
    columns: dict[Hashable, Any] = dict(zip(panel.id_names, ids, strict=True))
    columns |= {label: values[:, k] for k, label in enumerate(labels)}
    native = panel.native_format
    if native is not None and not native.has_index:
        kept = {label: dtype for label, dtype in panel.types.items() if label in panel.id_names}
        return native.to_native_columns({str(label): column for label, column in columns.items()}, kept)
    return _to_pandas_like(pd.DataFrame(columns), panel)


def wrap_panel_table(values: np.ndarray, panel: PanelTarget, places: np.ndarray, columns: pd.Index) -> Forecasts:
    """Return values of one series of a panel as a table with a row for each step and these columns.

    Parameters
    ----------
    values : ndarray of shape (n, n_columns)
        The values.
    panel : PanelTarget
        The panel; its library is used.
    places : ndarray of int of shape (n,)
        Place of each step in the grid of the panel, which may be after its end.
    columns : pandas.Index of length n_columns
        Labels of the columns.

    Returns
    -------
    DataFrame or table of another library

    Examples
    --------
    >>> from tsrnn.frame import read_panel
    >>> panel, _ = read_panel(pd.DataFrame({"unique_id": ["a", "a"], "ds": [1, 2], "y": [3.0, 4.0]}))
    >>> wrap_panel_table(np.array([[0.25, 0.75]]), panel, np.array([2]), panel.labels(0))
          1     2
    3  0.25  0.75
    """
    index, native = panel.extended_grid(int(places.max()) + 1).take(places), panel.native_format
    if native is None or native.has_index:
        return _to_pandas_like(pd.DataFrame(values, index, columns), panel)
    time = str(panel.columns.time)
    table = {time: index} | {format_label(label): values[:, k] for k, label in enumerate(columns)}
    return native.to_native_columns(table, {time: panel.types[time]})


def empty_panel_table(
    panel: PanelTarget, series: np.ndarray, places: np.ndarray, columns: Sequence[Hashable]
) -> Forecasts:
    """Return a table of ids and times with empty columns, to be filled in with covariates.

    Parameters
    ----------
    panel : PanelTarget
        The panel.
    series : ndarray of int of shape (n,)
        Numbers of the series.
    places : ndarray of int of shape (n, h)
        Places of the steps in the grid of the panel, which is extended as far as needed.
    columns : sequence of hashable
        Names of the columns.

    Returns
    -------
    DataFrame or table of another library
        Two index levels if the panel has them, else a long table; NaN in all `columns`.

    Examples
    --------
    >>> from tsrnn.frame import read_panel
    >>> panel, _ = read_panel({"a": pd.Series([1.0, 2.0]), "b": pd.Series([3.0])})
    >>> empty_panel_table(panel, np.arange(2), panel.end[:, None], ["price"])
      unique_id  ds  price
    0         a   2    NaN
    1         b   1    NaN
    """
    n, h = places.shape
    grid, series = panel.extended_grid(int(places.max(initial=-1)) + 1), np.repeat(series, h)
    empty = np.full((n * h, len(columns)), np.nan)
    if panel.layout == "index":
        names = pd.Index(list(columns), tupleize_cols=False)
        return _to_pandas_like(pd.DataFrame(empty, _two_levels(panel, series, grid, places.ravel()), names), panel)
    if panel.layout == "dict":
        panel = replace(panel, columns=panel.columns._replace(id=ID, time=panel.columns.time or TIME))
    return _wrap_long(empty, panel, series, grid, places.ravel(), columns)


# ---- tables of covariates --------------------------------------------------------------------------------------------


def _look_up(
    X: Anything,
    panel: PanelTarget,
    series: np.ndarray,
    places: np.ndarray,
    columns: Sequence[Hashable] | None,
    name: str,
    optional: np.ndarray | bool = False,
) -> tuple[np.ndarray, list[Hashable]]:
    """Return the values of a table at series and places, (n, n_columns), and the names of the columns.

    The values of an `optional` (n,) row that it lacks are NaN.
    """
    rows = read_table_rows(X, panel, name)
    names: list[Hashable] = list(rows.table.columns if columns is None else columns)
    if columns is None:
        names = [label for label in names if label != panel.columns.target]
    if columns is None and len(names) < rows.table.shape[1]:
        raise ValueError(
            f"{name} holds {panel.columns.target!r}, the target of {panel.name}, which is not known in advance: pass "
            f"{rows.pandas}.drop(columns={panel.columns.target!r})"
        )
    for label in names:
        if position(rows.table.columns, label) < 0:
            raise ValueError(f"{name} has no column {label!r}, only {list(rows.table.columns)}; pass it in {name} too")
    sort_rows(rows)  # missing and repeated ids and times
    grid = panel.extended_grid(int(places.max(initial=-1)) + 1)
    numbers_of = panel.ids.get_indexer(like_ids(rows.ids, panel.ids, name))
    row_series, row_places = numbers_of[rows.codes], places_of(rows.times, grid, panel, name)
    known = np.flatnonzero((row_series >= 0) & (row_places >= 0))
    keys = row_series[known] * len(grid) + row_places[known]
    order = np.argsort(keys, kind="stable")
    keys, wanted = keys[order], series * len(grid) + places
    at = np.minimum(np.searchsorted(keys, wanted), max(len(keys) - 1, 0))
    found = keys[at] == wanted if len(keys) else np.zeros(len(wanted), bool)
    if not (found | optional).all():
        _refuse_missing_rows(panel, series, places, ~(found | optional), grid, name)
    taken = known[order][at[found]]
    values = [np.full(len(wanted), np.nan) for _ in names]
    for column, label in zip(values, names, strict=True):
        column[found] = rows.values(label)[taken]
    return (np.stack(values, axis=1) if values else np.empty((len(wanted), 0))), names


def read_table_rows(X: Anything, panel: PanelTarget, name: str) -> Rows:
    """Return the rows of a table of covariates, whose columns of ids and times have the panel's names or the usual.

    Functions that take such a table take these rows as well, so that a large one is read once.
    """
    if isinstance(X, Rows):
        return X
    table = _join(X, name) if isinstance(X, Mapping) else X
    levels = getattr(table, "index", None)
    if isinstance(levels, pd.MultiIndex):
        if isinstance(table, pd.Series):
            table = _as_frame(table)
        usual: tuple[Any, Any] = (None, None)
        columns = list(levels.names)
    else:
        usual, columns = (ID, TIME), column_labels(table)
    id: Any = panel.id
    time: Any = panel.columns.time
    if id is None or (len(panel.id_names) == 1 and id not in columns and usual[0] in columns):
        id = usual[0]
    if time is None or (time not in columns and usual[1] in columns):
        time = usual[1]
    if isinstance(levels, pd.MultiIndex):
        id = id if all(label in columns for label in panel.id_names) else None
        time = time if time in columns else None
    return read_rows(table, id=id, time=time, name=name, covariates=None, has_target=False)


def _as_frame(data: pd.Series | pd.DataFrame) -> pd.DataFrame:
    """Return a Series as a frame of one column; its name is x0 if it has none."""
    if isinstance(data, pd.DataFrame):
        return data
    label: Any = "x0" if data.name is None else data.name
    return data.to_frame(label)


def _join(X: Mapping[Hashable, Anything], name: str) -> pd.DataFrame:
    """Return a dict of Series or frames as one frame with two index levels."""
    for key, item in X.items():
        if not isinstance(item, pd.Series | pd.DataFrame) or isinstance(item.index, pd.MultiIndex):
            raise TypeError(
                f"{name}[{key!r}] has type {type(item).__name__}, but a dict of covariates holds pandas Series or "
                "frames with one index level, their times: pass one for each id"
            )
    if len(X) == 0:
        raise ValueError(f"{name} is an empty dict: pass covariates for each id")
    frames = [_as_frame(item) for item in X.values()]
    joined = pd.concat(frames)
    ids = np.repeat(np.arange(len(frames)), [len(frame) for frame in frames])
    levels = [pd.Index(list(X), tupleize_cols=False).take(ids), joined.index]
    return joined.set_axis(pd.MultiIndex.from_arrays(levels, names=[None, None]))


def check_times(times: Times, panel: PanelTarget, name: str) -> None:
    """Raise unless times are of the kind of those of a panel: dates, with or without a time zone, periods, integers."""
    grid = panel.grid
    is_number = pd.api.types.is_integer_dtype(times.dtype)
    same_kind = is_number if pd.api.types.is_integer_dtype(grid.dtype) else type(times) is type(grid)
    if same_kind and isinstance(grid, pd.DatetimeIndex):
        if (times.tz is None) != (grid.tz is None):
            ours, theirs = grid.tz or "none", times.tz or "none"
            raise ValueError(
                f"the times of {name} have the time zone {theirs}, but those of {panel.name} have {ours}; use "
                "tz_localize or tz_convert on them"
            )
    elif same_kind and isinstance(grid, pd.PeriodIndex):
        same_kind = times.dtype == grid.dtype
    if not same_kind:
        raise ValueError(
            f"the times of {name} are {times.dtype}, but those of {panel.name} are {grid.dtype}; convert them"
        )


def reach(panel: PanelTarget, labels: Times, name: str) -> PanelTarget:
    """Return a panel whose grid goes on to the last of some labels; a grid without a frequency gets all of them."""
    check_times(labels, panel, name)
    grid = panel.grid
    if panel.has_steps:
        last, n, most = labels.max(), max(1, int((labels.unique() > grid[-1]).sum())), max_labels(len(panel.values))
        while grid[-1] < last:
            if len(grid) >= most:
                raise ValueError(
                    f"{name} has {format_label(last)}, more than {most:,} steps of {format_step(grid)} after the first "
                    f"one of {panel.name}, {format_label(grid[0])}; check that time"
                )
            grid, n = panel.extended_grid(min(len(grid) + n, most)), 2 * n
        return replace(panel, grid=grid)
    assert panel.places is not None
    if isinstance(labels, pd.DatetimeIndex):
        joined = without_freq(grid.union((labels if labels.tz is None else labels.tz_convert(grid.tz)).unique()))
    else:
        joined = pd.Index(np.union1d(grid.to_numpy(), labels.to_numpy()))
    at = joined.get_indexer(grid)
    later = {s: at[places] for s, places in panel.later_places.items()}
    return replace(
        panel,
        grid=joined,
        first=at[panel.first],
        end=at[panel.end - 1] + 1,
        places=at[panel.places],
        later_places=later,
    )


def places_of(times: Times, grid: AnyGrid, panel: PanelTarget, name: str) -> np.ndarray:
    """Return the place of times in a grid, (n,); -1 for those that are not in it."""
    check_times(times, panel, name)
    at = np.full(len(times), -1, np.int64)
    inside = np.flatnonzero((times >= grid[0]) & (times <= grid[-1]))
    found = times[inside]
    if isinstance(grid, pd.DatetimeIndex) and found.unit != grid.unit:
        coarse = found.as_unit(grid.unit)
        inside, found = inside[coarse == found], coarse[coarse == found]
    labels, wanted = ordinals(grid), ordinals(found)
    places = np.searchsorted(labels, wanted)
    at[inside] = np.where(labels[places] == wanted, places, -1)
    return at


def _refuse_missing_rows(
    panel: PanelTarget, series: np.ndarray, places: np.ndarray, missing: np.ndarray, grid: AnyGrid, name: str
) -> None:
    """Raise for series and places without a row; the message names the first ones."""
    n, first = int(missing.sum()), np.flatnonzero(missing)[:_N_SHOWN]
    cells = [f"series {show_id(panel.ids, series[k])} at {format_label(grid[int(places[k])])}" for k in first]
    more = ", ..." if n > len(first) else ""
    raise ValueError(
        f"{name} has no row for {', '.join(cells)}{more}; pass one row for each series and step, {n:,} of "
        f"{len(missing):,} {'is' if n == 1 else 'are'} missing"
    )


# ---- forecasts -------------------------------------------------------------------------------------------------------


def _wrap_long(
    flat: np.ndarray,
    panel: PanelTarget,
    series: np.ndarray,
    grid: AnyGrid,
    places: np.ndarray,
    names: Sequence[Hashable],
) -> Forecasts:
    """Return values as a long table: ids, times, then one column for each name."""
    beside: dict[Hashable, Any] = dict(zip(panel.id_names, id_columns(panel, series), strict=True))
    beside[panel.columns.time] = grid.take(places)
    for label in beside:
        if label in names:
            raise ValueError(f"the column {label!r} of {panel.name} has the name of a column of the result; rename it")
    native = panel.native_format
    if native is not None and not native.has_index:
        columns = {str(label): column for label, column in beside.items()}
        values = {str(label): flat[:, k] for k, label in enumerate(names)}
        kept = {label: dtype for label, dtype in panel.types.items() if label in columns}
        return native.to_native_columns({**columns, **values}, kept)
    frame = pd.DataFrame(dict(enumerate([*beside.values(), *flat.T])))
    frame.columns = pd.Index([*beside, *names], tupleize_cols=False)
    return _to_pandas_like(frame, panel)


def _two_levels(panel: PanelTarget, series: np.ndarray, grid: AnyGrid, places: np.ndarray) -> pd.MultiIndex:
    """Return the index of ids and times, of a level for each part of the ids."""
    low = int(places.min()) if len(places) else 0
    times = grid[low : int(places.max(initial=-1)) + 1]
    used, codes = np.unique(series, return_inverse=True)
    levels: list[Any] = []
    all_codes: list[Any] = []
    for part in id_columns(panel, used):
        if panel.ids.nlevels == 1:
            of_used, level = np.arange(len(used)), part
        else:
            of_used, level = pd.factorize(part)
        levels.append(level)
        all_codes.append(of_used[codes])
    names = [*panel.id_names, panel.columns.time]
    levels.append(times)
    all_codes.append(places - low)
    return pd.MultiIndex(levels=levels, codes=all_codes, names=names)


def id_columns(panel: PanelTarget | Rows, series: np.ndarray) -> list[pd.Index]:
    """Return the ids of series, each part of them as a column with the caller's categories."""
    ids, dtypes = panel.ids.take(series), panel.id_dtype
    if isinstance(ids, pd.MultiIndex):
        parts, dtypes = [ids.get_level_values(k) for k in range(ids.nlevels)], dtypes or [None] * ids.nlevels
    else:
        parts, dtypes = [ids], [dtypes]
    return [
        part.astype(dtype) if isinstance(dtype, pd.CategoricalDtype) else part
        for part, dtype in zip(parts, dtypes, strict=True)
    ]


def _key(label: Any) -> Hashable:
    """Return an id as a key of a dict: a NumPy number as a number of Python."""
    key: Hashable = label.item() if isinstance(label, np.generic) else label
    return key


def _wrap_one(
    values: np.ndarray, panel: PanelTarget, s: int, index: AnyGrid, labels: Mapping[str, Labels]
) -> pd.Series | pd.DataFrame:
    """Return the forecasts of one series of a dict."""
    added = added_levels(labels)
    if added is None:
        name = panel.columns.target if panel.names is None else panel.names[s]
        return pd.Series(values.ravel(), index, name=name)
    return pd.DataFrame(values.reshape(len(index), len(added)), index, append_levels(None, added))


def _common_steps(grid: AnyGrid, places: np.ndarray) -> AnyGrid:
    """Return the labels of the steps of a wide frame, the same for all of its columns."""
    steps = places[0]
    if len(steps) and int(steps[-1]) - int(steps[0]) == len(steps) - 1 and (np.diff(steps) == 1).all():
        return grid[int(steps[0]) : int(steps[-1]) + 1]  # a slice keeps the frequency
    return grid.take(steps)


def _columns_of(panel: PanelTarget, series: np.ndarray) -> Any:
    """Return the target of a wide frame, unless only some of its columns are wanted."""
    if not np.array_equal(series, np.arange(len(panel))):
        raise ValueError("forecasts of a wide frame have all of its columns: leave ids out")
    return panel.wide


def _to_pandas_like(data: pd.Series | pd.DataFrame, panel: PanelTarget) -> Forecasts:
    """Return a pandas table as one of a library with the same interface, if the panel came from it."""
    return data if panel.native_format is None else panel.native_format.to_native(data)
