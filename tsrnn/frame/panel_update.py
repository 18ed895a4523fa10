"""New rows of a panel: where they lie in its grid, and the panel with them."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, KeysView, Sequence, Set
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from ..checks import Anything
from ..messages import format_label
from .compatibility import convert_labels
from .future import Labels
from .panel import PanelTarget, refuse_many
from .panel_labels import like_ids
from .panel_rows import show_id
from .panel_tables import places_of, reach, read_table_rows
from .tables import column_labels


def is_long_table(y: Anything) -> bool:
    """Return whether data are a table with its ids and times in columns, as far as their form tells."""
    return getattr(getattr(y, "index", None), "nlevels", 1) == 1 and bool(column_labels(y))


def number_series(new: PanelTarget, panel: PanelTarget) -> np.ndarray:
    """Return the number in a panel of each series of another one, (n,); -1 for a series that is new."""
    return panel.ids.get_indexer(like_ids(new.ids, panel.ids, f"the ids of {new.name}"))


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
    wanted: Sequence[Labels] = [ids] if is_one_id(ids, panel.ids) else list(ids)
    numbers = panel.ids.get_indexer(like_ids(wanted, panel.ids, "ids"))
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


def is_one_id(ids: Anything, known: pd.Index) -> bool:
    """Whether `ids` is one id, and no collection of them; an id of several parts is a tuple."""
    if isinstance(known, pd.MultiIndex) and isinstance(ids, tuple):
        return not all(isinstance(label, tuple) for label in ids)
    return isinstance(ids, str | bytes) or not isinstance(ids, Iterable) or getattr(ids, "ndim", 1) == 0


def follow(
    panel: PanelTarget, new: PanelTarget, extra: np.ndarray, *, fills: bool = False
) -> tuple[PanelTarget, PanelTarget, np.ndarray]:
    """Return the panel, new rows of it with their places in its grid, and further columns of these rows.

    Parameters
    ----------
    panel : PanelTarget
        The panel so far.
    new : PanelTarget
        Rows that follow its series, and series that it does not have.
    extra : ndarray of shape (N, K)
        Further columns of the new rows.
    fills : bool, default=False
        Whether steps without a row between the end of a series and its first new row become rows whose values are
        missing, as ``gaps="missing"`` reads them.

    Returns
    -------
    panel : PanelTarget
        The same rows; its grid holds all new steps.
    new : PanelTarget
        The new rows in this grid, each series of the panel from the step after its end on; where rows are the steps
        (``gaps="compress"``), from any later one on.
    extra : ndarray of shape (N_new, K)
        Their further columns; NaN in rows that were added.

    Raises
    ------
    ValueError
        If the new rows of a series do not follow it, or have another frequency.

    Examples
    --------
    >>> from tsrnn.frame import read_panel
    >>> panel, _ = read_panel({"a": pd.Series([1.0, 2.0])})
    >>> new, extra = read_panel({"a": pd.Series([5.0], [3])})
    >>> follow(panel, new, extra, fills=True)[1].values.ravel()
    array([nan,  5.])
    """
    new = replace(new, ids=like_ids(new.ids, panel.ids, f"the ids of {new.name}"))
    numbers = number_series(new, panel)
    for theirs, ours in zip(_dtypes(new.ids), _dtypes(panel.ids), strict=True):
        is_number = pd.api.types.is_numeric_dtype(ours)
        if pd.api.types.is_numeric_dtype(theirs) != is_number:
            raise ValueError(
                f"the ids of {new.name} are {theirs}, but those of the fit are {ours}, so that none would be that of a "
                f"fitted series; convert the column, as with astype({str(ours) if is_number else 'str'})"
            )
    panel = reach(panel, new.row_labels, new.name)
    places = places_of(new.row_labels, panel.grid, panel, new.name)
    is_off = np.maximum.reduceat(places < 0, new.indptr[:-1])
    first, end = places[new.indptr[:-1]], places[new.indptr[1:] - 1] + 1
    if panel.places is None:
        is_off |= end - first != new.n_rows
    known = numbers >= 0
    begin = np.where(known, panel.end[numbers], first)
    wrong = is_off | (first < begin) | ((first > begin) & (panel.places is None) & (not fills))
    if wrong.any():
        _refuse(panel, new, int(np.argmax(wrong)), places)
    placed = replace(new, grid=panel.grid, first=first, end=end, places=None if panel.places is None else places)
    if panel.places is not None or not (first > begin).any():
        return panel, placed, extra
    return panel, *_from(placed, extra, begin)


def _refuse(panel: PanelTarget, new: PanelTarget, s: int, places: np.ndarray) -> None:
    """Raise for a series of new rows that do not follow the panel, and have these places, -1 for none."""
    number, grid, labels = int(number_series(new, panel)[s]), panel.grid, new.labels(s)
    series, begins = f"{new.name}: series {show_id(new.ids, s)}", format_label(labels[0])
    if number < 0 and labels[0] < grid[0]:
        raise ValueError(
            f"{series} begins at {begins}, before the first step of the panel that was fitted, "
            f"{format_label(grid[0])}; leave out its rows before that step, or pass the rows of all series as context="
        )
    is_off = places[new.indptr[s] : new.indptr[s + 1]] < 0
    if number < 0 or (is_off.any() and labels[0] > grid[int(panel.end[number]) - 1]):
        off = format_label(labels[int(np.argmax(is_off))])
        raise ValueError(
            f"{series} has a row at {off}, which is no step of the panel that was fitted; use its frequency"
        )
    last = int(panel.end[number]) - 1
    if panel.places is not None:
        raise ValueError(
            f"{series} begins at {begins}, but the rows so far end at {format_label(grid[last])}, after which it must "
            "go on; leave out the rows that are known"
        )
    expected = format_label(panel.extended_grid(last + 2)[last + 1])
    raise ValueError(
        f"{series} begins at {begins}, but the rows so far end before {expected}, where it must go on; leave out the "
        "rows that are known, and fill missing ones with NaN, or fit with gaps='missing' or gaps='compress'"
    )


def _from(new: PanelTarget, extra: np.ndarray, begin: np.ndarray) -> tuple[PanelTarget, np.ndarray]:
    """Return new rows and their further columns with missing rows before them, from the places `begin` (S,) on."""
    added = new.first - begin
    longest = show_id(new.ids, int(np.argmax(added)))
    refuse_many(int(added.sum()), len(new.values), new.grid, new.name, longest)
    indptr = np.concatenate([[0], np.cumsum(new.n_rows + added)])
    kept = np.arange(len(new.values)) + np.repeat(indptr[:-1] + added - new.indptr[:-1], new.n_rows)
    values, observed = np.full((int(indptr[-1]), 1), np.nan), np.zeros((int(indptr[-1]), 1), bool)
    further = np.full((len(values), extra.shape[1]), np.nan)
    values[kept], observed[kept], further[kept] = new.values, new.observed, extra
    return replace(new, values=values, observed=observed, indptr=indptr, first=begin), further


def append_rows(panel: PanelTarget, new: PanelTarget) -> tuple[PanelTarget, np.ndarray]:
    """Return the panel after new rows of its series and of new ones, and the number of each new row's series.

    Parameters
    ----------
    panel, new : PanelTarget
        The panel so far and the new rows, as `follow` returns them.

    Returns
    -------
    panel : PanelTarget
        Its ends are those after the new rows; its values are those of the panel so far, and of the new series.
    series : ndarray of int of shape (S_new,)
        The number of each series of `new` in the result.
    """
    numbers = number_series(new, panel)
    known = numbers >= 0
    added = np.flatnonzero(~known)
    series = numbers.copy()
    series[added] = len(panel) + np.arange(len(added))
    ends = np.concatenate([panel.end, new.end[added]])
    ends[numbers[known]] = new.end[known]
    rows = np.flatnonzero(np.repeat(~known, new.n_rows))
    later_places = dict(panel.later_places)
    for s in np.flatnonzero(known) if panel.places is not None else ():
        number, own = int(numbers[s]), new.row_places[new.indptr[s] : new.indptr[s + 1]]
        later_places[number] = np.concatenate([later_places.get(number, own[:0]), own])
    later = replace(
        panel,
        values=np.concatenate([panel.values, new.values[rows]]),
        observed=np.concatenate([panel.observed, new.observed[rows]]),
        indptr=np.concatenate([panel.indptr, panel.indptr[-1] + np.cumsum(new.n_rows[added])]),
        ids=panel.ids.append(new.ids.take(added)) if len(added) else panel.ids,
        grid=panel.grid[: int(ends.max())],
        first=np.concatenate([panel.first, new.first[added]]),
        end=ends,
        places=None if panel.places is None else np.concatenate([panel.places, new.row_places[rows]]),
        id_dtype=_with_categories(panel.id_dtype, new.ids.take(added)),
        names=_with_names(panel, new, added),
        later_places=later_places,
    )
    return later, series


def find_steps(
    X: Anything, panel: PanelTarget, series: np.ndarray, *, name: str = "X"
) -> tuple[PanelTarget, np.ndarray]:
    """Return the steps after the ends of some series for which a table of covariates has rows.

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

    Returns
    -------
    panel : PanelTarget
        The same rows; its grid holds these steps.
    places : ndarray of int of shape (n, h)
        Their places: all up to the last row of any of these series; where the rows are the steps, those that `X` has.

    Raises
    ------
    ValueError
        If there is no row after the end of any of these series; where the rows are the steps, also if one has more
        than another.

    Examples
    --------
    >>> from tsrnn.frame import read_panel
    >>> panel, _ = read_panel({"a": pd.Series([1.0, 2.0], [0, 3])}, gaps="compress", freq=1)
    >>> X = pd.DataFrame({"unique_id": "a", "ds": [4, 7], "price": [7.0, 6.0]})
    >>> find_steps(X, panel, np.arange(1))[1]
    array([[4, 7]])
    """
    rows = read_table_rows(X, panel, name)
    panel = reach(panel, rows.times, name)
    numbers = panel.ids.get_indexer(like_ids(rows.ids, panel.ids, name))[rows.codes]
    places = places_of(rows.times, panel.grid, panel, name)
    is_asked = np.isin(numbers, series)
    ahead = np.where(is_asked, places - panel.end[numbers] + 1, 0)
    h = int(ahead.max(initial=0))
    if h < 1:
        s = int(series[0])
        raise ValueError(
            f"{name} has no row after the end of any series, such as series {show_id(panel.ids, s)}, which ends at "
            f"{format_label(panel.grid[int(panel.end[s]) - 1])}; pass the rows of the steps to forecast"
        )
    if panel.places is None:
        return panel, panel.end[series, None] + np.arange(h)
    is_off = is_asked & (places < 0) & np.asarray(rows.times > panel.grid[int(panel.end[series].min()) - 1])
    if is_off.any():
        raise ValueError(
            f"{name} has a row for {rows.place(int(np.argmax(is_off)))}, which is no step of the panel that was "
            "fitted; leave it out, or use its frequency"
        )
    counts = np.bincount(numbers[ahead > 0], minlength=len(panel))[series]
    if (counts != counts[0]).any():
        other = int(np.argmax(counts != counts[0]))
        raise ValueError(
            f"{name} has {counts[0]} rows after the end of series {show_id(panel.ids, int(series[0]))}, but "
            f"{counts[other]} after that of series {show_id(panel.ids, int(series[other]))}; with gaps='compress' the "
            "rows are the steps: pass as many for each series, or choose series with ids="
        )
    found = np.flatnonzero(ahead > 0)
    found = found[np.lexsort([places[found], numbers[found]])]
    rank = np.empty(len(panel), np.int64)
    rank[np.sort(series)] = np.arange(len(series))
    return panel, places[found].reshape(len(series), -1)[rank[series]]


def label_steps(
    labels: Anything, panel: PanelTarget, series: np.ndarray, *, name: str = "horizon"
) -> tuple[PanelTarget, np.ndarray]:
    """Return the steps with some labels after the ends of series, for a panel whose rows are the steps.

    Parameters
    ----------
    labels : index or array-like of shape (h,)
        Labels of the steps, ascending, the same for all series.
    panel : PanelTarget
        The panel.
    series : ndarray of int of shape (n,)
        Numbers of the series.
    name : str, default="horizon"
        Name of `labels` in error messages.

    Returns
    -------
    panel : PanelTarget
        The same rows; its grid holds these steps.
    places : ndarray of int of shape (n, h)
        Their places.

    Raises
    ------
    ValueError
        If the labels are of another kind, do not ascend, are no steps, or do not come after the end of a series.
    """
    wanted: Any = convert_labels(panel.grid, labels, name)
    if not (wanted[1:] > wanted[:-1]).all():
        k = int(np.argmin(wanted[1:] > wanted[:-1]))
        raise ValueError(
            f"{name} has {format_label(wanted[k + 1])} after {format_label(wanted[k])}; pass each step once, sorted"
        )
    panel = reach(panel, wanted, name)
    places = places_of(wanted, panel.grid, panel, name)
    if (places < 0).any():
        raise ValueError(
            f"{name} holds {format_label(wanted[int(np.argmin(places))])}, which is no step of the panel that was "
            "fitted; use its frequency"
        )
    late = panel.end[series] > places[0]
    if late.any():
        s = int(series[int(np.argmax(late))])
        raise ValueError(
            f"{name} holds {format_label(wanted[0])}, but series {show_id(panel.ids, s)} ends at "
            f"{format_label(panel.grid[int(panel.end[s]) - 1])}; pass later steps, or choose series with ids="
        )
    return panel, np.tile(places, (len(series), 1))


def _dtypes(ids: pd.Index) -> list[Any]:
    """Return the dtype of ids, or that of each part of them."""
    return [level.dtype for level in ids.levels] if isinstance(ids, pd.MultiIndex) else [ids.dtype]


def _with_categories(dtype: Any, ids: pd.Index) -> Any:
    """Return the dtype of the ids, or of each part of them; categories with those that are new."""
    if isinstance(dtype, tuple):
        return tuple(_with_categories(one, ids.get_level_values(k).unique()) for k, one in enumerate(dtype))
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
