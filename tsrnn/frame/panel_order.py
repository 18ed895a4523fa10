"""The order of the rows of a panel: series by series, each in the order of time, without repeated rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..messages import format_label
from .panel_labels import Times
from .panel_rows import Rows, id_names, show_id


@dataclass(frozen=True, eq=False)
class SortedRows:
    """The rows of a panel in the order of series and time.

    Attributes
    ----------
    rows : Rows
        The rows in the order of the caller.
    order : ndarray of int of shape (N,) or None
        Their numbers in that order; None if they were sorted.
    series : ndarray of int of shape (N,)
        Number of the series of each row.
    indptr : ndarray of int64 of shape (S + 1,)
        Rows ``indptr[s]`` to ``indptr[s + 1] - 1`` are those of series s.
    times : pandas.Index of length U
        All times, each once, sorted.
    ranks : ndarray of int of shape (N,)
        Place of the time of each row in `times`.
    """

    rows: Rows
    order: np.ndarray | None
    series: np.ndarray
    indptr: np.ndarray
    times: Times
    ranks: np.ndarray

    def at(self, row: int) -> str:
        """Return id and time of a sorted row for messages."""
        return f"series {show_id(self.rows.ids, self.series[row])} at {format_label(self.times[self.ranks[row]])}"

    @property
    def is_next(self) -> np.ndarray:
        """Whether row i + 1 is of the same series as row i, (N - 1,)."""
        return self.series[1:] == self.series[:-1]


def ordinals(times: Times) -> np.ndarray:
    """Return the integers that stand for times, (n,)."""
    return times.asi8 if isinstance(times, pd.DatetimeIndex | pd.PeriodIndex) else times.to_numpy(np.int64)


def sort_rows(rows: Rows) -> SortedRows:
    """Return the rows in the order of series and time; raise if an id or a time is missing, or a row repeated.

    Parameters
    ----------
    rows : Rows
        The rows in the order of the caller.

    Returns
    -------
    SortedRows

    Raises
    ------
    ValueError
        If there is such a row. The message names the first one, their number, and what to do.

    Examples
    --------
    >>> from tsrnn.frame.panel_layouts import read_rows
    >>> rows = read_rows(pd.DataFrame({"unique_id": ["b", "a", "b"], "ds": [7, 7, 6], "y": [1.0, 2.0, 3.0]}))
    >>> ordered = sort_rows(rows)
    >>> ordered.order.tolist(), ordered.indptr.tolist(), rows.ids.tolist()
    ([2, 0, 1], [0, 2, 3], ['b', 'a'])
    """
    _refuse_missing(rows)
    codes, uniques = pd.factorize(ordinals(rows.times))
    ascending = np.argsort(uniques)
    rank_of = np.empty(len(uniques), np.int64)
    rank_of[ascending] = np.arange(len(uniques))
    first_rows = np.empty(len(uniques), np.int64)
    first_rows[codes[::-1]] = np.arange(len(codes) - 1, -1, -1)
    times = rows.times[first_rows[ascending]]
    series, ranks, order = rows.codes, rank_of[codes], None
    del codes
    key = series * len(times) + ranks
    if not (key[1:] > key[:-1]).all():
        order = _order_of(key, len(rows.ids) * len(times))
        series, ranks = series[order], ranks[order]
    del key
    indptr = np.zeros(len(rows.ids) + 1, np.int64)
    np.cumsum(np.bincount(series, minlength=len(rows.ids)), out=indptr[1:])
    ordered = SortedRows(rows, order, series, indptr, times, ranks)
    _refuse_duplicates(ordered)
    return ordered


def _order_of(keys: np.ndarray, n_keys: int) -> np.ndarray:
    """Return the order that sorts keys below `n_keys`; equal keys keep their order."""
    if n_keys <= 4 * len(keys):  # a place for each key, in linear time
        rows = np.full(n_keys, -1, np.int64)
        rows[keys] = np.arange(len(keys))
        order = rows[rows >= 0]
        if len(order) == len(keys):
            return order
    return np.argsort(keys, kind="stable")


def _refuse_missing(rows: Rows) -> None:
    """Raise if an id or a time is missing."""
    missing_times = rows.times.isna() if rows.times.hasnans else np.zeros(0, bool)
    what: tuple[tuple[str, str, np.ndarray], ...] = (
        ("id", "missing ids", rows.codes < 0),
        ("time", "missing times", missing_times),
    )
    for role, problem, missing in what:
        if missing.any():
            row, n = int(np.argmax(missing)), int(missing.sum())
            named = id_names(rows.columns, rows.ids) if role == "id" else [rows.columns.time]
            label = ", ".join(map(repr, named))
            of = f"series {show_id(rows.ids, rows.codes[row])}" if role == "time" else format_label(rows.times[row])
            more = "" if n == 1 else f", and {n - 1:,} more rows"
            raise ValueError(
                f"{rows.name} has a missing {role} ({label}) in row {row}, of {of}{more}; fill it in, or drop such "
                f"rows with {rows.mend(problem)}"
            )


def _refuse_duplicates(ordered: SortedRows) -> None:
    """Raise if a series has a time twice."""
    rows = ordered.rows
    twice = ordered.is_next & (ordered.ranks[1:] == ordered.ranks[:-1])
    n = int(twice.sum())
    if n == 0:
        return
    row = int(np.argmax(twice)) + 1
    both = [row - 1, row] if ordered.order is None else [int(k) for k in ordered.order[row - 1 : row + 1]]
    more = "" if n == 1 else f", and {n - 1:,} more rows repeat id and time"
    clock, label = "", ordered.times[ordered.ranks[row]]
    if isinstance(label, pd.Timestamp) and label.tz is None and label != label.normalize():
        clock = "; if that is the hour that a change of the clock repeats, pass the times in UTC"
    raise ValueError(
        f"{rows.name} has {ordered.at(row)} more than once, in rows {both[0]} and {both[1]}{more}; keep the first of "
        f"each with {rows.mend('duplicates')}, or average them with {rows.mend('averages')}{clock}"
    )
