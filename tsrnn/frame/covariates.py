"""Conversion of covariates to arrays: values known in advance for each step of a series and of its future.

=====================================  ===========================================================================
Covariates                             Alignment with the steps
=====================================  ===========================================================================
`pandas.DataFrame` or `Series`         by index: its labels must be those of the steps, in the same order
table with a column of dates           the same: that column is the index (polars, pyarrow; see `tables`)
2-D array or list of rows, 1-D array   by position: one row for each step
table or series without dates          by position (polars, pyarrow)
=====================================  ===========================================================================

Columns with names are matched with those of the fit by name, in any order; columns without names by position. Values
may be missing; see `data.completion`.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..checks import Anything, shown
from ..messages import format_label
from .compatibility import convert_labels
from .fixes import first_working_fix
from .future import future_index
from .index import AnyGrid, Grid
from .tables import NativeFormat, Table, read_table
from .target import Target, read_numbers

if TYPE_CHECKING:
    from .panel import PanelTarget


def read_covariates(
    X: Anything,
    steps: Grid,
    *,
    name: str = "X",
    of: str = "the target",
    columns: Sequence[Hashable] | None = None,
    target: Target | None = None,
    past: Sequence[Hashable] = (),
) -> np.ndarray:
    """Convert the covariates of the `steps` to an array.

    Parameters
    ----------
    X : DataFrame, Series or array-like of shape (n,) or (n, n_covariates)
        One row for each step.
    steps : pandas.DatetimeIndex, pandas.PeriodIndex or pandas.RangeIndex of length n
        Labels of the steps.
    name : str, default="X"
        Name of `X` in error messages.
    of : str, default="the target"
        Name of the series of the `steps` in error messages.
    columns : sequence, optional
        Columns of the covariates in the fit; `X` must have the same ones in any order, unless one of the two has no
        names.
    target : Target, optional
        Target of the steps; a covariate that equals it raises an error.
    past : sequence, optional
        Columns that may equal it, since they are known only when their row has come.

    Returns
    -------
    ndarray of float64 of shape (n, n_covariates)
        A copy, in the order of `columns` if these are given; NaN where a value is missing.

    Raises
    ------
    TypeError, ValueError
        If `X` is no table of numbers, if a value is infinite, if its rows are not those of the steps (the
        message names the first missing or surplus label), or if a covariate equals the target.

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
        _check_labels(
            convert_labels(steps, table.data.index, f"the index of {name}"), steps, name, of, table.native_format
        )
    elif len(values) != len(steps):
        raise ValueError(
            f"{name} has {len(values)} rows, but {of} has {len(steps)} steps, {format_label(steps[0])} to "
            f"{format_label(steps[-1])}; pass one row for each"
        )
    if target is not None:
        names = column_names(table)
        known = [k for k, label in enumerate(names) if label not in past]
        _check_not_target(values[:, known], [names[k] for k in known], target, name)
    infinite = np.argwhere(np.isinf(values))
    if len(infinite):
        row, column = infinite[0]
        where = f"{format_label(steps[row])} in column {column_names(table)[column]!r}"
        raise ValueError(
            f"{name} is {values[row, column]} at {where}: covariates must be finite numbers; replace this value, by "
            "NaN if it is not known"
        )
    return values if columns is None else _reorder_columns(values, column_names(table), columns, name)


def read_future_covariates(
    X: Anything, index: Grid, n_past: int, columns: Sequence[Hashable]
) -> tuple[Grid, np.ndarray]:
    """Convert the covariates of the steps after `index`, and if `n_past` is not 0 also of those in `index`.

    Parameters
    ----------
    X : DataFrame, Series or array-like of shape (n_past + h,) or (n_past + h, n_covariates)
        One row for each of these steps.
    index : pandas.DatetimeIndex, pandas.PeriodIndex or pandas.RangeIndex
        Labels of the series.
    n_past : int
        0, or the length of `index`.
    columns : sequence
        Columns of the covariates in the fit.

    Returns
    -------
    steps : index of length h
        Labels of the steps after `index`.
    covariates : ndarray of float64 of shape (n_past + h, n_covariates)
        The covariates.

    Raises
    ------
    TypeError, ValueError
        If `X` is no table of covariates, or its rows are not those of the steps.

    Examples
    --------
    >>> steps, values = read_future_covariates([[1.0], [2.0]], pd.RangeIndex(5), 0, ["price"])
    >>> steps.tolist(), values.shape
    ([5, 6], (2, 1))
    """
    ask = f"pass X with the rows of the covariates {', '.join(map(repr, columns))}"
    table = read_table(X, "X")
    data = table.data
    if data is None or np.ndim(data) == 0 or isinstance(data, pd.Index):
        raise TypeError(
            f"horizon={shown(data)} is not enough after a fit with covariates; {ask} for "
            + ("context and the steps after it" if n_past else "the steps to forecast")
        )
    n_ahead = len(data) - n_past
    if n_ahead < 1:
        raise ValueError(
            f"X has {len(data)} rows, but context alone needs {n_past}; {ask} for it and the steps after it"
        )
    steps: Any = future_index(index, n_ahead)
    all_steps: Any = index.append(steps) if n_past else steps
    of = "the context with its future" if n_past else "the forecast"
    return steps, read_covariates(table, all_steps, of=of, columns=columns)


def column_names(X: Anything) -> list[Hashable]:
    """Return the names of the covariates; x0, x1, ... if they have no names.

    Parameters
    ----------
    X : DataFrame, Series or array-like of shape (n,) or (n, n_covariates)
        The covariates.

    Returns
    -------
    list of length n_covariates

    Examples
    --------
    >>> column_names(np.zeros((3, 2)))
    ['x0', 'x1']
    """
    table = read_table(X, "X")
    data = table.data
    if isinstance(data, pd.DataFrame):
        return list(data.columns)
    if isinstance(data, pd.Series) and data.name is not None and (table.native_format is None or data.name != ""):
        return [data.name]  # other libraries use "" where pandas uses None
    return _default_names(1 if np.ndim(data) == 1 else np.shape(data)[1])


def check_argument_order(
    X: Table, y: Table, call: str, fitted: tuple[Sequence[Hashable], Target] | None = None
) -> None:
    """Raise if target and covariates were passed in the wrong order.

    Parameters
    ----------
    X, y : Table
        The arguments for covariates and target. If `X` has one dimension and `y` two, their order is wrong.
    call : str
        The call with its arguments in the right order, for the message.
    fitted : (sequence, Target), optional
        Names of the covariates in the fit, and its target. If `X` has the names of the target and `y` those of the
        covariates, their order is wrong.

    Raises
    ------
    ValueError
        If the order is wrong.

    Examples
    --------
    >>> check_argument_order(Table([1.0, 2.0]), Table([[0.0], [1.0]]), "fit(X, y)")
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
    if _column_names_of(X) == series != list(covariates) == _column_names_of(y):
        raise ValueError(
            f"{X_name} has the name {series} of the target, and {y_name} the names of the covariates: {order}"
        )


def _column_names_of(table: Table) -> list[Hashable]:
    """Return the names of the columns of a table, or the name of a series; [None] for an array."""
    data = table.data
    return list(data.columns) if isinstance(data, pd.DataFrame) else [getattr(data, "name", None)]


def find_linear_copy(values: np.ndarray, target: Target) -> tuple[int, int] | None:
    """Find a covariate that equals a linear function of a channel of the target at every step, up to rounding.

    A scaled copy of the target is such a covariate. Channels that change by the same amount at each step are ignored,
    since the covariate may then be the time.

    Parameters
    ----------
    values : ndarray of shape (n, n_covariates)
        The covariates.
    target : Target
        The target of the same n steps.

    Returns
    -------
    (int, int) or None
        Column of the covariate and column of the channel; None if there is no such covariate.

    Examples
    --------
    >>> from tsrnn.frame import read_target
    >>> y = np.array([3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0, 6.0])
    >>> find_linear_copy((y[:, None] - y.mean()) / y.std(), read_target(y))
    (0, 0)
    """
    for channel in range(target.values.shape[1]):
        observed = target.observed[:, channel]
        error = _error_of_line(values[observed], target.values[observed, channel])
        if error is not None and error.min(initial=np.inf) <= 1:
            return int(error.argmin()), channel
    return None


def find_linear_copy_in_panel(values: np.ndarray, panel: PanelTarget) -> int | None:
    """Find a covariate that equals a linear function of the target in each series, up to rounding.

    The function may differ between series, as that of a target standardised by series does. Series with few values, and
    those that change by the same amount at each step, are ignored.

    Parameters
    ----------
    values : ndarray of shape (N, n_covariates)
        The covariates.
    panel : PanelTarget
        The target of the same N rows.

    Returns
    -------
    int or None
        Column of the covariate; None if there is no such covariate.
    """
    is_copy, n_judged = np.ones(values.shape[1], bool), 0
    for first, last in pairwise(panel.indptr):  # columns that are no copies mostly drop out at the first series
        if not is_copy.any():
            return None
        observed = panel.observed[first:last, 0]
        error = _error_of_line(values[first:last][observed], panel.values[first:last, 0][observed])
        if error is not None:
            is_copy, n_judged = is_copy & (error <= 1), n_judged + 1
    return int(is_copy.argmax()) if n_judged and is_copy.any() else None


def _error_of_line(known: np.ndarray, truth: np.ndarray) -> np.ndarray | None:
    """Return the largest errors (F,), in units of rounding, of the truth (n,) as linear functions of covariates (n, F).

    None where these values cannot tell: they are few, or a line in time.
    """
    if len(truth) < MIN_OBSERVED:
        return None
    rounding = 64 * np.finfo(float).eps * np.abs(truth).max()
    if np.ptp(np.diff(truth)) <= 4 * rounding:
        return None
    truth, known = truth - truth.mean(), known - known.mean(axis=0)
    power = (known**2).sum(axis=0)
    slope = known.T @ truth / np.where(power > 0, power, 1.0)
    return np.abs(truth[:, None] - slope * known).max(axis=0) / rounding


#: With fewer observed values, a linear relation may be chance.
MIN_OBSERVED = 8


def _check_not_target(values: np.ndarray, names: Sequence[Hashable], target: Target, name: str) -> None:
    """Raise if a covariate equals a channel of the target, or its copy in float32, at every observed step.

    Constant covariates are not compared.
    """
    for channel in range(target.values.shape[1]):
        observed = target.observed[:, channel]
        truth, known = target.values[observed, channel][:, None], values[observed]
        with np.errstate(over="ignore"):
            short, known_short = (x.astype(np.float32).astype(np.float64) for x in (truth, known))
        same = [(a == b).all(axis=0) for a, b in ((known, truth), (known, short), (known_short, truth))]
        copies = np.any(same, axis=0) & (np.ptp(known, axis=0) != 0)
        if copies.any():
            raise ValueError(
                f"{name}[{names[int(copies.argmax())]!r}] equals {target.channel(channel)}, the target, at every step: "
                "a covariate must be known before the step that it helps to forecast. To forecast the series from its "
                "own past, pass it alone, fit(y) or cross_val_score(forecaster, y, scoring=tsrnn.neg_mae): the models "
                "use its past values anyway. Or pass a copy that is known in advance, shifted by at least the number "
                "of steps to forecast"
            )


def _default_names(n: int) -> list[Hashable]:
    """Return the names x0, x1, ..."""
    return [f"x{i}" for i in range(n)]


def _check_labels(labels: pd.Index, steps: AnyGrid, name: str, of: str, native_format: NativeFormat | None) -> None:
    """Raise unless the labels of the rows are those of the steps, in the same order."""
    if len(labels) == len(steps) and bool((labels == steps).all()):
        return
    advice = f"pass one row for each step, from {format_label(steps[0])} on" + _drop_advice(labels, steps, name)
    missing, extra = steps.difference(labels, sort=False), labels.difference(steps, sort=False)
    if len(missing) and not (len(extra) and extra[0] < missing[0]):
        raise ValueError(f"{name} has no row for {format_label(missing[0])}, a step of {of}; {advice}")
    if len(extra):
        raise ValueError(f"{name} has a row for {format_label(extra[0])}, which is no step of {of}; {advice}")
    if labels.has_duplicates:
        twice = labels[labels.duplicated()][0]
        raise ValueError(f"{name} has more than one row for {format_label(twice)}; {advice}")
    sort = f"{name}.sort_index()"
    if native_format is not None and not native_format.has_index:
        sort = f"{name}.{'sort' if native_format.library == 'polars' else 'sort_by'}({native_format.date_column!r})"
    raise ValueError(f"the rows of {name} are not in the order of the steps; sort them with {sort}")


def _drop_advice(labels: pd.Index, steps: Grid, name: str) -> str:
    """Return an expression that drops the rows of other labels, if the rest are the steps; else ""."""
    ends = steps[0], steps[-1]
    first, last = ends if isinstance(steps, pd.RangeIndex) else map(repr, map(format_label, ends))
    fixes = (f"{{y}}[{{y}}.index >= {first}]", f"{{y}}[({{y}}.index >= {first}) & ({{y}}.index <= {last})]")

    def accepts(other: pd.Index) -> bool:
        return 0 < len(other) <= len(steps) and bool((other == steps[: len(other)]).all())

    works = first_working_fix(labels, name, fixes, accepts, "dropping")
    return "" if works is None else f": {works}"


def _reorder_columns(values: np.ndarray, names: list[Hashable], columns: Sequence[Hashable], name: str) -> np.ndarray:
    """Return the columns in the order of the fit: matched by name, or by position if one of the two has no names."""
    if values.shape[1] != len(columns):
        raise ValueError(
            f"{name} has {values.shape[1]} covariates, but the fit had {len(columns)}: {', '.join(map(str, columns))}; "
            "pass these columns"
        )
    ours, theirs = (pd.Index(labels, tupleize_cols=False) for labels in (list(columns), names))
    if ours.equals(theirs):
        return values
    if ours.is_unique and theirs.is_unique and (order := theirs.get_indexer(ours)).min() >= 0:
        return np.ascontiguousarray(values[:, order])
    if _default_names(len(columns)) in (names, list(columns)):
        return values
    raise ValueError(f"{name} has the columns {names}, but the fit had {list(columns)}; pass the same columns")
