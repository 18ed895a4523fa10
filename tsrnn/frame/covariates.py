"""Covariates: numbers known for every step of a series and of its future, one column each, aligned by their labels.

=====================================  ===========================================================================
The covariates                         What they are
=====================================  ===========================================================================
`pandas.DataFrame` or `Series`         aligned by index: its labels must be those of the steps, in their order
table with a column of dates           the same: that column is the index (polars, pyarrow; see `tables`)
2-D array or list of rows, 1-D array   in the order of the steps, of which it must have as many
table or series without dates          as an array (polars, pyarrow)
=====================================  ===========================================================================

Columns with names are paired with those of the fit by name, in whatever order; columns without by position. Nothing
may be missing: what a step's covariates are has to be known before it is forecast.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from .alike import as_labels
from .future import future_index
from .index import Grid, shown
from .mends import first_that_works
from .tables import Form, Table, read_table
from .target import Target, read_numbers


def read_covariates(
    X: Any,
    steps: Grid,
    *,
    name: str = "X",
    of: str = "the target",
    columns: Sequence[Any] | None = None,
    target: Target | None = None,
) -> np.ndarray:
    """Read covariates for the `steps`.

    Parameters
    ----------
    X : DataFrame, Series or array-like of shape (n,) or (n, n_covariates)
        One row for each step.
    steps : pandas.DatetimeIndex, pandas.PeriodIndex or pandas.RangeIndex
        The labels of the steps.
    name : str, default="X"
        What error messages call `X`.
    of : str, default="the target"
        What error messages call the `steps`.
    columns : sequence, optional
        The columns of the covariates in the fit, which must be these in any order, unless either have no names.
    target : Target, optional
        The target of the steps, which none of the covariates may be.

    Returns
    -------
    ndarray of shape (n, n_covariates)
        float64, a copy; in the order of `columns`, where these are given.

    Raises
    ------
    TypeError, ValueError
        If `X` is no table of numbers, if one is missing or infinite, if its rows are not those of the steps (the
        message names the first label that is missing or too many), or if a covariate is the target.

    Examples
    --------
    >>> days = pd.date_range("2024-05-01", periods=2)
    >>> read_covariates(pd.Series([0, 1], days, name="holiday"), days).ravel().tolist()
    [0.0, 1.0]
    >>> read_covariates(pd.Series([0, 1], days + pd.Timedelta("1D")), days)
    Traceback (most recent call last):
        ...
    ValueError: X has no row for 2024-05-01, a step of the target; pass one row for each step, from 2024-05-01 on
    """
    table = read_table(X, name)
    values = read_numbers(table, name)
    if table.is_labelled:
        _check_labels(as_labels(steps, table.data.index, f"the index of {name}"), steps, name, of, table.form)
    elif len(values) != len(steps):
        raise ValueError(
            f"{name} has {len(values)} rows, but {of} has {len(steps)} steps, {shown(steps[0])} to {shown(steps[-1])}; "
            "pass one row for each"
        )
    if target is not None:
        _refuse_target(values, column_names(table), target, name)
    unknown = np.argwhere(~np.isfinite(values))
    if len(unknown):
        row, column = unknown[0]
        where = f"{shown(steps[row])} in column {column_names(table)[column]!r}"
        raise ValueError(
            f"{name} is {values[row, column]} at {where}: covariates must be known numbers at every step; fill it in "
            "before"
        )
    return values if columns is None else _paired(values, column_names(table), columns, name)


def read_ahead(X: Any, index: Grid, n_past: int, columns: Sequence[Any]) -> tuple[Grid, np.ndarray]:
    """Read covariates for the steps after `index`, and for the last `n_past` steps of it before them.

    Parameters
    ----------
    X : DataFrame, Series or array-like
        One row for each of these steps.
    index : pandas.DatetimeIndex, pandas.PeriodIndex or pandas.RangeIndex
        The labels so far.
    n_past : int
        0, or the length of `index`.
    columns : sequence
        The columns of the covariates in the fit.

    Returns
    -------
    index, ndarray
        The labels of the steps ahead, and the covariates, (n_past + number of these, n_covariates).

    Raises
    ------
    TypeError, ValueError
        If `X` is no table of covariates, or its rows are not those of the steps.

    Examples
    --------
    >>> steps, values = read_ahead([[1.0], [2.0]], pd.RangeIndex(5), 0, ["price"])
    >>> steps.tolist(), values.shape
    ([5, 6], (2, 1))
    """
    ask = f"pass X with the rows of the covariates {', '.join(map(repr, columns))}"
    table = read_table(X, "X")
    data = table.data
    if data is None or np.ndim(data) == 0 or isinstance(data, pd.Index):
        raise TypeError(
            f"horizon={data!r} says not enough after a fit with covariates; {ask} for the steps to forecast"
        )
    n_ahead = len(data) - n_past
    if n_ahead < 1:
        raise ValueError(
            f"X has {len(data)} rows, of which context needs {n_past}; {ask} for it and the steps after it"
        )
    steps: Any = future_index(index, n_ahead)
    every: Any = index.append(steps) if n_past else steps
    of = "the context with its future" if n_past else "the forecast"
    return steps, read_covariates(table, every, of=of, columns=columns)


def column_names(X: Any) -> list[Any]:
    """The columns of covariates; x0, x1, ... where they have no names."""
    table = read_table(X, "X")
    data = table.data
    if isinstance(data, pd.DataFrame):
        return list(data.columns)
    if isinstance(data, pd.Series) and data.name is not None and (table.form is None or data.name != ""):
        return [data.name]  # other libraries' series have an empty name where pandas' have None
    return _numbered(1 if np.ndim(data) == 1 else np.shape(data)[1])


def refuse_swapped(X: Table, y: Table, call: str, fitted: tuple[Sequence[Any], Target] | None = None) -> None:
    """Refuse a target in the place of covariates, and covariates in that of the target.

    Parameters
    ----------
    X, y : Table
        What was passed as covariates and as target. One dimension beside two is the order of other packages.
    call : str
        The call with its arguments in order, for the message.
    fitted : (sequence, Target), optional
        The names of the covariates in the fit, and its target: names may not be those of the other.

    Examples
    --------
    >>> refuse_swapped(Table([1.0, 2.0]), Table([[0.0], [1.0]]), "fit(X, y)")
    Traceback (most recent call last):
        ...
    ValueError: X has one dimension and y has two: the order is fit(X, y), where X holds the covariates and y the
    target; one covariate beside several series is a table of one column
    """
    X_name, y_name = ("X_new", "y_new") if "X_new" in call else ("X", "y")
    order = f"the order is {call}, where {X_name} holds the covariates and {y_name} the target"
    if X.ndim == 1 and y.ndim == 2:
        raise ValueError(
            f"{X_name} has one dimension and {y_name} has two: {order}; one covariate beside several series is a table "
            "of one column"
        )
    if fitted is None:
        return
    covariates, target = fitted
    series = list(target.columns) if target.columns is not None else [target.series_name]
    if _labels(X) == series != list(covariates) == _labels(y):
        raise ValueError(f"{X_name} has the name {series} of the target, and {y_name} those of the covariates: {order}")


def _labels(table: Table) -> list[Any]:
    """The names of a table, empty for what has none."""
    data = table.data
    return list(data.columns) if isinstance(data, pd.DataFrame) else [getattr(data, "name", None)]


def linear_copy(values: np.ndarray, target: Target) -> tuple[int, int] | None:
    """Find a covariate that is a linear function of a channel of the target at every step, but for rounding.

    A scaled copy of the target is one. Channels that change by the same amount at each step do not count: their
    covariate may be time itself.

    Parameters
    ----------
    values : ndarray of shape (n, n_covariates)
        The covariates.
    target : Target
        The target, with a value for each row.

    Returns
    -------
    (int, int) or None
        The columns of the covariate and of the channel.

    Examples
    --------
    >>> from tsrnn.frame import read_target
    >>> y = np.array([3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0, 6.0])
    >>> linear_copy((y[:, None] - y.mean()) / y.std(), read_target(y))
    (0, 0)
    """
    for channel in range(target.values.shape[1]):
        seen = target.observed[:, channel]
        truth, known = target.values[seen, channel], values[seen]
        rounding = 64 * np.finfo(float).eps * np.abs(truth).max()
        if len(truth) < FEW or np.ptp(np.diff(truth)) <= 4 * rounding:
            continue
        truth, known = truth - truth.mean(), known - known.mean(axis=0)
        power = (known**2).sum(axis=0)
        slope = known.T @ truth / np.where(power > 0, power, 1.0)
        error = np.abs(truth[:, None] - slope * known).max(axis=0)
        if error.min() <= rounding:
            return int(error.argmin()), channel
    return None


#: With fewer observed values, a linear function of a covariate may be chance.
FEW = 8


def _refuse_target(values: np.ndarray, names: Sequence[Any], target: Target, name: str) -> None:
    """Refuse a covariate that equals a channel of the target wherever it is observed, or its copy in float32.

    Constants are not compared: a covariate of zeros tells nothing of a target of zeros.
    """
    for channel in range(target.values.shape[1]):
        seen = target.observed[:, channel]
        truth, known = target.values[seen, channel][:, None], values[seen]
        with np.errstate(over="ignore"):
            short, known_short = (x.astype(np.float32).astype(np.float64) for x in (truth, known))
        same = [(a == b).all(axis=0) for a, b in ((known, truth), (known, short), (known_short, truth))]
        copies = np.any(same, axis=0) & (np.ptp(known, axis=0) != 0)
        if copies.any():
            raise ValueError(
                f"{name}[{names[int(copies.argmax())]!r}] equals {target.channel(channel)}, the target, at every step: "
                "a covariate must be known before the step that it helps to forecast. To forecast the series from its "
                "own past, pass it alone, fit(y), or cross_val_score(forecaster, y, scoring=tsrnn.neg_mae): its lagged "
                "values come in by themselves. Or pass a copy that is known ahead, shifted by as many steps as are "
                "forecast"
            )


def _numbered(n: int) -> list[Any]:
    return [f"x{i}" for i in range(n)]


def _check_labels(labels: Any, steps: Any, name: str, of: str, form: Form | None) -> None:
    if len(labels) == len(steps) and bool((labels == steps).all()):
        return
    each = f"pass one row for each step, from {shown(steps[0])} on" + _without_others(labels, steps, name)
    missing, extra = steps.difference(labels, sort=False), labels.difference(steps, sort=False)
    if len(missing) and not (len(extra) and extra[0] < missing[0]):
        raise ValueError(f"{name} has no row for {shown(missing[0])}, a step of {of}; {each}")
    if len(extra):
        raise ValueError(f"{name} has a row for {shown(extra[0])}, which is no step of {of}; {each}")
    if labels.has_duplicates:
        twice = labels[labels.duplicated()][0]
        raise ValueError(f"{name} has more than one row for {shown(twice)}; {each}")
    sort = f"{name}.sort_index()"
    if form is not None and not form.has_index:
        sort = f"{name}.{'sort' if form.library == 'polars' else 'sort_by'}({form.dates!r})"
    raise ValueError(f"the rows of {name} are not in the order of the steps; sort them with {sort}")


def _without_others(labels: Any, steps: Any, name: str) -> str:
    """An expression that leaves out the rows that are no steps, if that is all it takes."""
    ends = steps[0], steps[-1]
    first, last = ends if isinstance(steps, pd.RangeIndex) else map(repr, map(shown, ends))
    mends = (f"{{y}}[{{y}}.index >= {first}]", f"{{y}}[({{y}}.index >= {first}) & ({{y}}.index <= {last})]")

    def accepts(other: Any) -> bool:
        return 0 < len(other) <= len(steps) and bool((other == steps[: len(other)]).all())

    works = first_that_works(labels, name, mends, accepts, "dropping")
    return "" if works is None else f": {works}"


def _paired(values: np.ndarray, names: list[Any], columns: Sequence[Any], name: str) -> np.ndarray:
    """The covariates in the order of the fit: paired by name, or by position where either have no names."""
    if values.shape[1] != len(columns):
        raise ValueError(
            f"{name} has {values.shape[1]} covariates, but the fit had {len(columns)}: {', '.join(map(str, columns))}"
        )
    ours, theirs = (pd.Index(labels, tupleize_cols=False) for labels in (list(columns), names))
    if ours.equals(theirs):
        return values
    if ours.is_unique and theirs.is_unique and (order := theirs.get_indexer(ours)).min() >= 0:
        return np.ascontiguousarray(values[:, order])
    if _numbered(len(columns)) in (names, list(columns)):
        return values
    raise ValueError(f"{name} has the columns {names}, but the fit had {list(columns)}; pass the same columns")
