"""New rows of a panel: where they lie in its grid, and the panel with them."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, KeysView, Sequence, Set
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from ..checks import Anything
from ..messages import format_label
from .future import Labels
from .panel import PanelTarget
from .panel_layouts import show_id
from .panel_tables import places_of, read_places
from .tables import column_labels


def is_long_table(y: Anything) -> bool:
    """Return whether data are a table with its ids and times in columns, as far as their form tells."""
    return getattr(getattr(y, "index", None), "nlevels", 1) == 1 and bool(column_labels(y))


def number_series(new: PanelTarget, panel: PanelTarget) -> np.ndarray:
    """Return the number in a panel of each series of another one, (n,); -1 for a series that is new."""
    return panel.ids.get_indexer(new.ids)


def select_series(ids: Anything, panel: PanelTarget) -> np.ndarray:
    """Return the numbers of the series with these ids, in their order; those of a set in the order of the panel.

    Parameters
    ----------
    ids : list, set or other collection of ids, one id, or None
        Ids of the panel; None stands for all.
    panel : PanelTarget
        The panel.

    Raises
    ------
    ValueError
        If an id is unknown, or repeated.
    """
    if ids is None:
        return np.arange(len(panel))
    wanted: Sequence[Labels] = [ids] if is_one_id(ids) else list(ids)
    numbers = panel.ids.get_indexer(pd.Index(wanted, tupleize_cols=False))
    if len(numbers) == 0:
        raise ValueError(f"ids={ids!r} names no series; name one of {panel.name}, or leave it out for all of them")
    if (numbers < 0).any():
        unknown = wanted[int(np.argmin(numbers))]
        raise ValueError(
            f"ids has {unknown!r}, but the fit had no series of this id, only {_some(panel)}; pass its rows as context="
        )
    if len(np.unique(numbers)) < len(numbers):
        twice = next(label for k, label in enumerate(wanted) if label in wanted[:k])
        raise ValueError(f"ids has {twice!r} more than once; name each series once")
    is_ordered = not isinstance(ids, Set) or isinstance(ids, KeysView)
    return numbers if is_ordered else np.sort(numbers)


def is_one_id(ids: Anything) -> bool:
    """Whether `ids` is one id, and no collection of them."""
    return isinstance(ids, str | bytes) or not isinstance(ids, Iterable) or getattr(ids, "ndim", 1) == 0


def append_rows(panel: PanelTarget, new: PanelTarget) -> tuple[PanelTarget, np.ndarray]:
    """Return the panel after new rows of its series and of new ones, and the number of each new row's series.

    Parameters
    ----------
    panel : PanelTarget
        The panel so far.
    new : PanelTarget
        Rows that follow its series, and series that it does not have.

    Returns
    -------
    panel : PanelTarget
        Its ends are those after the new rows; its values are those of the panel so far, and of the new series.
    series : ndarray of int of shape (S_new,)
        The number of each series of `new` in the result.

    Raises
    ------
    ValueError
        If the new rows of a series do not begin right after its end, or have another frequency.
    """
    numbers = number_series(new, panel)
    if pd.api.types.is_numeric_dtype(new.ids) != pd.api.types.is_numeric_dtype(panel.ids):
        raise ValueError(
            f"the ids of {new.name} are {new.ids.dtype}, but those of the fit are {panel.ids.dtype}, so that none "
            "would be that of a fitted series; convert the column, as with astype(str)"
        )
    grid = panel.extended_grid(int(panel.end.max()) + int(new.n_rows.max(initial=0)))
    while grid[-1] < new.grid[-1]:  # a new series may begin much later than the others end
        grid = panel.extended_grid(2 * len(grid))
    places = places_of(new.grid, grid, panel, new.name)
    first, end = places[new.first], places[new.end - 1] + 1
    known = numbers >= 0
    wrong = (first < 0) | (end - first != new.n_rows) | (known & (first != panel.end[numbers]))
    if wrong.any():
        s = int(np.argmax(wrong))
        begins, number = format_label(new.grid[int(new.first[s])]), int(numbers[s])
        where = f"{new.name}: series {show_id(new.ids, s)} begins at {begins}"
        if number < 0 and new.grid[int(new.first[s])] < grid[0]:
            raise ValueError(
                f"{where}, before the first step of the panel that was fitted, {format_label(grid[0])}; leave out its "
                "rows before that step, or pass the rows of all series as context="
            )
        if number < 0:
            raise ValueError(f"{where}, which is no step of the panel that was fitted; use its frequency")
        expected = format_label(panel.extended_grid(int(panel.end[number]) + 1)[int(panel.end[number])])
        raise ValueError(
            f"{where}, but the rows so far end before {expected}, where it must go on; leave out the rows that are "
            "known, and fill missing ones with NaN"
        )
    added = np.flatnonzero(~known)
    series = numbers.copy()
    series[added] = len(panel) + np.arange(len(added))
    ends = np.concatenate([panel.end, end[added]])
    ends[numbers[known]] = end[known]
    rows = np.concatenate([np.arange(new.indptr[s], new.indptr[s + 1]) for s in added] or [np.empty(0, np.int64)])
    later = replace(
        panel,
        values=np.concatenate([panel.values, new.values[rows]]),
        observed=np.concatenate([panel.observed, new.observed[rows]]),
        indptr=np.concatenate([panel.indptr, panel.indptr[-1] + np.cumsum(new.n_rows[added])]),
        ids=panel.ids.append(new.ids.take(added)) if len(added) else panel.ids,
        grid=panel.extended_grid(int(ends.max())),
        first=np.concatenate([panel.first, first[added]]),
        end=ends,
        id_dtype=_with_categories(panel.id_dtype, new.ids.take(added)),
        names=_with_names(panel, new, added),
    )
    return later, series


def count_steps(X: Anything, panel: PanelTarget, series: np.ndarray, *, name: str = "X") -> int:
    """Return how many steps after the ends of some series a table of covariates has rows for.

    Parameters
    ----------
    X : DataFrame, Series or table of another library
        One row for each id and time, as in `read_panel_table`.
    panel : PanelTarget
        The panel.
    series : ndarray of int of shape (n,)
        Numbers of the series.
    name : str, default="X"
        Name of `X` in error messages.

    Raises
    ------
    ValueError
        If there is no row after the end of any of these series.
    """
    numbers, places = read_places(X, panel, name)
    ahead = np.where(np.isin(numbers, series), places - panel.end[numbers] + 1, 0)
    if ahead.max(initial=0) < 1:
        s = int(series[0])
        raise ValueError(
            f"{name} has no row after the end of any series, such as series {show_id(panel.ids, s)}, which ends at "
            f"{format_label(panel.grid[int(panel.end[s]) - 1])}; pass the rows of the steps to forecast"
        )
    return int(ahead.max())


def _with_categories(dtype: Any, ids: pd.Index) -> Any:
    """Return the dtype of the ids; categories with those that are new."""
    if not isinstance(dtype, pd.CategoricalDtype):
        return dtype
    added = ids[~ids.isin(dtype.categories)]
    return pd.CategoricalDtype(dtype.categories.append(added), dtype.ordered) if len(added) else dtype


def _with_names(panel: PanelTarget, new: PanelTarget, added: np.ndarray) -> tuple[Hashable, ...] | None:
    """Return the names of the Series of a dict, also of the series that are new."""
    if panel.names is None:
        return None
    return (*panel.names, *(panel.columns.target if new.names is None else new.names[s] for s in added))


def _some(panel: PanelTarget) -> str:
    """Return the first ids of a panel for messages."""
    shown = ", ".join(show_id(panel.ids, s) for s in range(min(3, len(panel))))
    return f"{shown}, ... ({len(panel):,} series)" if len(panel) > 3 else shown
