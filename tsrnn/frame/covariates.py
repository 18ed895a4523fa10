"""Covariates: numbers known for every step of a series and of its future, one column each, aligned by their labels.

=====================================  ===========================================================================
The covariates                         What they are
=====================================  ===========================================================================
`pandas.DataFrame` or `Series`         aligned by index: its labels must be those of the steps, in their order
2-D array or list of rows, 1-D array   in the order of the steps, of which it must have as many
=====================================  ===========================================================================

Nothing may be missing: what a step's covariates are has to be known before it is forecast.
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
from .target import read_numbers


def read_covariates(
    X: Any, steps: Grid, *, name: str = "X", of: str = "the target", columns: Sequence[Any] | None = None
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
        The columns of the covariates in the fit, which must be these, unless either have no names.

    Returns
    -------
    ndarray of shape (n, n_covariates)
        float64, a copy.

    Raises
    ------
    TypeError, ValueError
        If `X` is no table of numbers, if one is missing or infinite, or if its rows are not those of the steps: the
        message names the first label that is missing or too many.

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
    values = read_numbers(X, name)
    if isinstance(X, pd.Series | pd.DataFrame):
        _check_labels(as_labels(steps, X.index, f"the index of {name}"), steps, name, of)
    elif len(values) != len(steps):
        raise ValueError(
            f"{name} has {len(values)} rows, but {of} has {len(steps)} steps, {shown(steps[0])} to {shown(steps[-1])}; "
            "pass one row for each"
        )
    unknown = np.argwhere(~np.isfinite(values))
    if len(unknown):
        row, column = unknown[0]
        raise ValueError(
            f"{name} is {values[row, column]} at {shown(steps[row])} in column {column_names(X)[column]!r}: covariates "
            "must be known numbers at every step; fill it in before"
        )
    if columns is not None:
        _check_columns(X, values, columns, name)
    return values


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
    if X is None or np.ndim(X) == 0 or isinstance(X, pd.Index):
        raise TypeError(f"horizon={X!r} says not enough after a fit with covariates; {ask} for the steps to forecast")
    n_ahead = len(X) - n_past
    if n_ahead < 1:
        raise ValueError(f"X has {len(X)} rows, of which context needs {n_past}; {ask} for it and the steps after it")
    steps: Any = future_index(index, n_ahead)
    every: Any = index.append(steps) if n_past else steps
    of = "the context with its future" if n_past else "the forecast"
    return steps, read_covariates(X, every, of=of, columns=columns)


def column_names(X: Any) -> list[Any]:
    """The columns of covariates; x0, x1, ... where they have no names."""
    if isinstance(X, pd.DataFrame):
        return list(X.columns)
    if isinstance(X, pd.Series) and X.name is not None:
        return [X.name]
    return _numbered(1 if np.ndim(X) == 1 else np.shape(X)[1])


def _numbered(n: int) -> list[Any]:
    return [f"x{i}" for i in range(n)]


def _check_labels(labels: Any, steps: Any, name: str, of: str) -> None:
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
    raise ValueError(f"the rows of {name} are not in the order of the steps; sort them with {name}.sort_index()")


def _without_others(labels: Any, steps: Any, name: str) -> str:
    """An expression that leaves out the rows that are no steps, if that is all it takes."""
    ends = steps[0], steps[-1]
    first, last = ends if isinstance(steps, pd.RangeIndex) else map(repr, map(shown, ends))
    mends = (f"{{y}}[{{y}}.index >= {first}]", f"{{y}}[({{y}}.index >= {first}) & ({{y}}.index <= {last})]")

    def accepts(other: Any) -> bool:
        return 0 < len(other) <= len(steps) and bool((other == steps[: len(other)]).all())

    works = first_that_works(labels, name, mends, accepts, "dropping")
    return "" if works is None else f": {works}"


def _check_columns(X: Any, values: np.ndarray, columns: Sequence[Any], name: str) -> None:
    names = column_names(X)
    if values.shape[1] != len(columns):
        raise ValueError(
            f"{name} has {values.shape[1]} covariates, but the fit had {len(columns)}: {', '.join(map(str, columns))}"
        )
    numbered = _numbered(len(columns))
    alike = names == list(columns) or (numbered in (names, list(columns)) and set(names) != set(columns))
    if not alike:
        mend = f": {name}[{list(columns)}]" if set(names) == set(columns) else ""
        raise ValueError(
            f"{name} has the columns {names}, but the fit had {list(columns)}; pass the same columns in the same order"
            f"{mend}"
        )
