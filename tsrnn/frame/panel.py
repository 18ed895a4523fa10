"""Panels, many series in one object, as arrays: see `panel_layouts` for what is accepted as a panel.

All series of a panel have one frequency, but each may begin and end anywhere in the grid of the panel, a regular index
from the first time of any series to the last. Labels are places in this grid, so that all arithmetic on labels is on
integers. Rows need not be sorted. What happens where a series has no row for a step between its first and its last:

==============  ====================================================================================================
``gaps``        A step without a row
==============  ====================================================================================================
``"error"``     an error that names the first such steps
``"missing"``   becomes a row whose values are missing
``"compress"``  is no step: the rows that exist are the steps, and keep their labels
==============  ====================================================================================================
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd

from ..checks import Anything, shown
from ..messages import format_label
from .compatibility import index_step
from .future import extend_index, format_step
from .index import AnyGrid, Freq
from .panel_grid import find_grid
from .panel_layouts import is_long, read_rows
from .panel_order import SortedRows, sort_rows
from .panel_rows import Layout, PanelColumns, id_names, show_id
from .tables import Native, NativeFormat, column_labels
from .target import Target

Gaps = Literal["error", "missing", "compress"]
#: Most rows that gaps="missing" adds, for each row that exists, unless the panel stays small.
_MAX_ADDED, _SMALL = 20, 10_000_000


@dataclass(frozen=True, eq=False)
class PanelTarget:
    """The target of a panel as arrays, and its original form, which forecasts get back.

    Attributes
    ----------
    values : ndarray of float64 of shape (N, 1)
        Its values, those of a series one after the other in the order of time; NaN where missing.
    observed : ndarray of bool of shape (N, 1)
        False where a value is missing.
    indptr : ndarray of int64 of shape (S + 1,)
        Rows ``indptr[s]`` to ``indptr[s + 1] - 1`` are those of series s.
    ids : pandas.Index of length S
        The ids, in order of first appearance; a MultiIndex if they have several parts.
    grid : pandas.DatetimeIndex, pandas.PeriodIndex or pandas.RangeIndex
        All steps from the first row of any series to the last one; with ``gaps="compress"`` and times of no frequency
        the times themselves.
    first, end : ndarray of int64 of shape (S,)
        Place in `grid` of the first row of each series, and the place after its last row.
    layout : {"long", "index", "dict", "columns"}
        How the caller passed it; "columns" is a wide frame.
    columns : PanelColumns
        Names of ids, times and target.
    name : str
        Name of the panel in error messages.
    is_series : bool
        Whether the values came as Series.
    places : ndarray of int64 of shape (N,) or None
        Place of each row with ``gaps="compress"``; otherwise rows of a series are at consecutive places.
    is_guessed : bool
        Whether there are such gaps and the frequency was inferred, so that it does not tell which steps come next.
    id_dtype : dtype, tuple of dtypes or None
        The dtype of the caller's ids, or of each part of them.
    native_format, types
        Library of the original table, and its types of the columns; None and empty for pandas.
    names : tuple or None
        Names of the Series of a dict.
    wide : Target or None
        The wide frame whose columns are the series.
    later_places : mapping of int to ndarray of int64
        Where the rows are the steps, the place of each row of a series that came after those of `values`, by the number
        of the series.
    """

    values: np.ndarray
    observed: np.ndarray
    indptr: np.ndarray
    ids: pd.Index
    grid: AnyGrid
    first: np.ndarray
    end: np.ndarray
    layout: Layout
    columns: PanelColumns
    name: str = "y"
    is_series: bool = False
    places: np.ndarray | None = None
    is_guessed: bool = False
    id_dtype: Any = None
    native_format: NativeFormat | None = None
    types: Mapping[str, Native] = field(default_factory=dict)
    names: tuple[Hashable, ...] | None = None
    wide: Target | None = None
    later_places: Mapping[int, np.ndarray] = field(default_factory=dict)

    def __len__(self) -> int:
        """Number of series."""
        return len(self.ids)

    @property
    def n_rows(self) -> np.ndarray:
        """Number of rows of each series, (S,)."""
        return np.diff(self.indptr)

    @property
    def id_names(self) -> list[Hashable]:
        """Names of the columns of ids: one, or one for each part of the ids."""
        return id_names(self.columns, self.ids)

    @property
    def id(self) -> Any:
        """The name of the column of ids, or a list of names, as readers take it."""
        return self.id_names if len(self.id_names) > 1 else self.columns.id

    @property
    def has_steps(self) -> bool:
        """Whether the grid has a frequency, so that there are labels after its end."""
        return isinstance(self.grid, pd.RangeIndex) or getattr(self.grid, "freq", None) is not None

    @property
    def step(self) -> pd.offsets.BaseOffset | int | None:
        """Frequency of dates or periods, step of integers; None if the grid has none. It is a valid ``freq``."""
        return index_step(self.grid) if self.has_steps else None

    @property
    def row_places(self) -> np.ndarray:
        """Place of each row in the grid, (N,)."""
        if self.places is not None:
            return self.places
        return np.arange(len(self.values)) + np.repeat(self.first - self.indptr[:-1], self.n_rows)

    @property
    def row_labels(self) -> AnyGrid:
        """Label of each row, (N,)."""
        return self.grid.take(self.row_places)

    def series_of(self, row: int) -> int:
        """Return the number of the series of a row."""
        return int(np.searchsorted(self.indptr, row, side="right")) - 1

    def label(self, row: int) -> Any:
        """Return the label of a row."""
        s = self.series_of(row)
        place = self.first[s] + row - self.indptr[s] if self.places is None else self.places[row]
        return self.grid[int(place)]

    def labels(self, s: int) -> AnyGrid:
        """Return the labels of the rows of series s."""
        if self.places is None:
            return self.grid[self.first[s] : self.end[s]]
        return self.grid.take(self.places[self.indptr[s] : self.indptr[s + 1]])

    def last_labels(self, s: int, n: int) -> AnyGrid:
        """Return the labels of the last n rows of series s, also of rows that came after those of `values`."""
        places = np.arange(self.first[s], self.end[s])
        if self.places is not None:
            own = self.places[self.indptr[s] : self.indptr[s + 1]]
            places = np.concatenate([own, self.later_places.get(s, own[:0])])
        return self.grid.take(places[len(places) - n :])

    def rows_in(self, n_steps: int) -> int:
        """Return the typical number of rows of a series within so many steps of the grid."""
        places, found = self.row_places, []
        for first, last in pairwise(self.indptr):
            own = places[first:last]
            full = own[own >= own[0] + n_steps - 1]
            found.append(np.searchsorted(own, full, side="right") - np.searchsorted(own, full - n_steps, side="right"))
        counts = np.concatenate(found)
        return int(np.median(counts)) if len(counts) else n_steps

    def series_name(self, s: int) -> str:
        """Return the name of a series in error messages, such as ``series 'a' of y``."""
        return f"series {show_id(self.ids, s)} of {self.name}"

    def cell(self, row: int, column: Hashable = None) -> str:
        """Return the place of a value in error messages, such as ``y['sales'] of series 'a' at 2024-05-01``."""
        label = self.columns.target if column is None else column
        named = self.name if label is None or self.layout in ("dict", "columns") else f"{self.name}[{label!r}]"
        return f"{named} of series {show_id(self.ids, self.series_of(row))} at {format_label(self.label(row))}"

    def step_name(self, s: int, place: int) -> str:
        """Return the name of a step of series s in error messages, such as ``series 'a' of y at 2024-05-01``."""
        return f"{self.series_name(s)} at {format_label(self.extended_grid(place + 1)[place])}"

    def extended_grid(self, n: int) -> AnyGrid:
        """Return the grid with at least `n` labels; raise if it has no frequency and fewer labels."""
        if n <= len(self.grid):
            return self.grid
        if not self.has_steps:
            raise ValueError(
                f"the times of {self.name} have no frequency that could be inferred, so there are no labels after "
                f"{format_label(self.grid[-1])}; pass the steps to predict, as labels or as rows of covariates, or "
                "fit with freq=, such as freq='D'"
            )
        return extend_index(self.grid, n - len(self.grid))


def is_panel(y: Anything, id: Anything = None) -> bool:
    """Whether data are a panel and not one series or a wide frame.

    Parameters
    ----------
    y : object
        The data.
    id : hashable, optional
        Name of the column of ids; with it, data are always read as a panel.

    Returns
    -------
    bool

    Examples
    --------
    >>> is_panel(pd.DataFrame({"unique_id": ["a"], "ds": [1], "y": [2.0]})), is_panel(pd.Series([1.0]))
    (True, False)
    """
    if id is not None or isinstance(y, Mapping):
        return True
    if getattr(getattr(y, "index", None), "nlevels", 1) > 1:
        return True
    columns = column_labels(y)
    return is_long([getattr(getattr(y, "index", None), "name", None), *columns])


def read_panel(
    y: Anything,
    *,
    id: Hashable | list[Hashable] = None,
    time: Hashable = None,
    target: Hashable = None,
    freq: Freq | int | None = None,
    gaps: Gaps = "error",
    name: str = "y",
    covariates: Sequence[Hashable] = (),
    others: Sequence[Hashable] = (),
    allow_missing: bool = False,
) -> tuple[PanelTarget, np.ndarray]:
    """Convert a panel to arrays.

    Parameters
    ----------
    y : DataFrame, Series, dict of Series or table of another library
        The panel; it is never modified.
    id, time, target : hashable, optional
        Names of the columns of ids, times and target; by default ``unique_id``, ``ds`` and ``y``, or the only other
        column. `id` may be a list of names: the parts of the ids.
    freq : pandas offset, str or int, optional
        Frequency of the panel, or step of integers; by default it is inferred.
    gaps : {"error", "missing", "compress"}
        What to do where a series has no row for a step; see the top of this module.
    name : str, default="y"
        Name of the panel in error messages.
    covariates : sequence of hashable, default=()
        Names of further columns of numbers to read.
    others : sequence of hashable, default=()
        Names of further columns, which are not read.
    allow_missing : bool, default=False
        Whether a series without any observed value is accepted.

    Returns
    -------
    panel : PanelTarget
        The target of the panel.
    extra : ndarray of float64 of shape (N, n_covariates)
        The covariates on the same rows; NaN where missing, also in rows that ``gaps="missing"`` adds.

    Raises
    ------
    TypeError, ValueError
        If `y` is no panel, its names, times or values are not accepted. The message names id and time, and what to do.

    Examples
    --------
    >>> days = pd.date_range("2024-01-01", periods=3)
    >>> frame = pd.DataFrame({"unique_id": ["b", "b", "a"], "ds": days[[1, 0, 2]], "y": [2.0, 1.0, 5.0]})
    >>> panel, _ = read_panel(frame, freq="D")
    >>> panel.ids.tolist(), panel.values.ravel().tolist(), panel.indptr.tolist(), panel.first.tolist()
    (['b', 'a'], [1.0, 2.0, 5.0], [0, 2, 3], [0, 2])
    """
    if gaps not in get_args(Gaps):
        raise ValueError(f"gaps={shown(gaps)} must be one of {', '.join(map(repr, get_args(Gaps)))}")
    rows = read_rows(y, id=id, time=time, target=target, name=name, covariates=covariates, others=others)
    columns = [rows.values(label) for label in [rows.columns.target, *covariates]]
    ordered = sort_rows(rows)
    grid, places_of_times = find_grid(ordered, freq, allow_irregular=gaps == "compress")
    places = places_of_times[ordered.ranks]
    n_missing = _count_missing(ordered, places)
    if gaps == "error" and n_missing:
        _refuse_gaps(ordered, places, grid, n_missing)
    first, end = places[ordered.indptr[:-1]], places[ordered.indptr[1:] - 1] + 1
    indptr, kept = ordered.indptr, None
    if gaps == "missing" and n_missing:
        longest = show_id(rows.ids, int(np.argmax(end - first)))
        refuse_many(n_missing, len(rows.codes), grid, name, longest)
        indptr = np.concatenate([[0], np.cumsum(end - first)])
        kept = places + np.repeat(indptr[:-1] - first, np.diff(ordered.indptr))
    panel_values = [_arrange(column, ordered.order, kept, int(indptr[-1])) for column in columns]
    values = panel_values[0]
    observed = ~np.isnan(values)
    if not allow_missing:
        _refuse_unobserved(ordered, observed, indptr)
    panel = PanelTarget(
        values=values[:, None],
        observed=observed[:, None],
        indptr=indptr,
        ids=rows.ids,
        grid=grid,
        first=first,
        end=end,
        layout=rows.layout,
        columns=rows.columns,
        name=name,
        is_series=rows.is_series,
        places=places if gaps == "compress" else None,
        is_guessed=gaps == "compress" and freq is None and n_missing > 0,
        id_dtype=rows.id_dtype,
        native_format=rows.native_format,
        types=rows.types,
        names=rows.names,
    )
    return panel, np.stack(panel_values[1:], axis=1) if covariates else np.empty((len(values), 0))


def read_bare_panel(
    y: Anything,
    *,
    id: Hashable | list[Hashable] = None,
    time: Hashable = None,
    target: Hashable = None,
    freq: Freq | int | None = None,
    beside: Sequence[Hashable] = (),
    name: str = "y",
) -> PanelTarget:
    """Read the target of a panel, whatever its gaps and its other columns are.

    Parameters
    ----------
    y, id, time, target, freq, name
        As in `read_panel`.
    beside : sequence of hashable, default=()
        Columns that are not the target where `target` is no column and the only other one is.

    Returns
    -------
    PanelTarget
        Its rows are those that exist.

    Examples
    --------
    >>> frame = pd.DataFrame({"unique_id": ["a", "a"], "ds": [1, 4], "y": [3.0, 4.0], "price": [5.0, 6.0]})
    >>> read_bare_panel(frame).values.ravel()
    array([3., 4.])
    """
    labels, wanted = column_labels(y), "y" if target is None else target
    others: list[Hashable] = [label for label in beside if label in labels]
    if wanted in labels:
        of_ids = id if isinstance(id, list) else ["unique_id" if id is None else id]
        taken = [*of_ids, "ds" if time is None else time, wanted]
        others = [label for label in labels if label not in taken]
    return read_panel(y, id=id, time=time, target=target, freq=freq, gaps="compress", name=name, others=others)[0]


def panel_of_columns(target: Target) -> PanelTarget:
    """Return the columns of a wide frame as the series of a panel.

    Parameters
    ----------
    target : Target
        A target with several channels.

    Returns
    -------
    PanelTarget
        Its ids are the names of the columns, or 0, 1, ... of an array; the name of ids is that of the columns.

    Examples
    --------
    >>> from tsrnn.frame import read_target
    >>> panel = panel_of_columns(read_target(pd.DataFrame({"a": [1.0, 2.0], "b": [3.0, None]})))
    >>> panel.ids.tolist(), panel.values.ravel().tolist(), panel.indptr.tolist()
    (['a', 'b'], [1.0, 2.0, 3.0, nan], [0, 2, 4])
    """
    n, S = target.values.shape
    return PanelTarget(
        values=target.values.T.reshape(-1, 1).copy(),
        observed=target.observed.T.reshape(-1, 1).copy(),
        indptr=n * np.arange(S + 1),
        ids=pd.RangeIndex(S) if target.columns is None else target.columns,
        grid=target.index,
        first=np.zeros(S, np.int64),
        end=np.full(S, n),
        layout="columns",
        columns=PanelColumns(_name_of(target.columns), target.index.name, None),
        name=target.name,
        native_format=target.native_format,
        wide=target,
    )


def refuse_many(n: int, n_rows: int, grid: AnyGrid, name: str, longest: str) -> None:
    """Raise if gaps="missing" adds far more rows than there are; the message names the `longest` series."""
    if n > max(_MAX_ADDED * n_rows, _SMALL):
        raise ValueError(
            f"gaps='missing' would add {n:,} rows of {format_step(grid)} to the {n_rows:,} rows of {name}, for example "
            f"to series {longest}; check its first and last time, pass a longer step with freq=, or gaps='compress'"
        )


def _name_of(columns: pd.Index | None) -> Hashable:
    """Return the name of the columns of a wide frame, or those of their levels."""
    return tuple(columns.names) if isinstance(columns, pd.MultiIndex) else getattr(columns, "name", None)


# ---- helpers ---------------------------------------------------------------------------------------------------------


def _arrange(column: np.ndarray, order: np.ndarray | None, kept: np.ndarray | None, n: int) -> np.ndarray:
    """Return a copy of a column in the order of the panel, (n,), NaN in the rows that are not among `kept`."""
    if order is not None:
        column = column[order]
    if kept is None:
        return column if order is not None else column.copy()
    filled = np.full(n, np.nan)
    filled[kept] = column
    return filled


def _count_missing(ordered: SortedRows, places: np.ndarray) -> int:
    """Return the number of steps without a row between the first and the last row of each series."""
    return int((places[ordered.indptr[1:] - 1] - places[ordered.indptr[:-1]] + 1).sum()) - len(places)


def _refuse_gaps(ordered: SortedRows, places: np.ndarray, grid: AnyGrid, n: int) -> None:
    """Raise for steps without a row; the message names the first three."""
    gaps = np.flatnonzero(ordered.is_next & (np.diff(places) > 1))
    n_series = len(np.unique(ordered.series[gaps]))
    shown_gaps = []
    for row in gaps[:3]:
        n_steps = int(places[row + 1] - places[row]) - 1
        begin = format_label(grid[int(places[row]) + 1])
        until = "" if n_steps == 1 else f" to {format_label(grid[int(places[row + 1]) - 1])}"
        shown_gaps.append(f"series {show_id(ordered.rows.ids, ordered.series[row])} has no {begin}{until}")
    more = ", ..." if len(gaps) > 3 else ""
    raise ValueError(
        f"{ordered.rows.name} lacks {n:,} step{'' if n == 1 else 's'} of {format_step(grid)} between the first and the "
        f"last row of a series, in {n_series:,} of {len(ordered.rows.ids):,} series: {'; '.join(shown_gaps)}{more}; "
        "fit with gaps='missing' to read these steps as missing values, or with gaps='compress' if the rows that exist "
        "are the steps"
    )


def _refuse_unobserved(ordered: SortedRows, observed: np.ndarray, indptr: np.ndarray) -> None:
    """Raise if all values of a series are missing."""
    empty = np.flatnonzero(np.add.reduceat(observed, indptr[:-1], dtype=np.int64) == 0)
    if len(empty):
        rows, s = ordered.rows, int(empty[0])
        more = "" if len(empty) == 1 else f", nor have {len(empty) - 1:,} more series"
        raise ValueError(
            f"series {show_id(rows.ids, s)} of {rows.name} has no observed value{more}: all "
            f"{indptr[s + 1] - indptr[s]} are missing; drop such series with {rows.mend('all missing')}"
        )
