"""The data of a backtest: rows up to a cutoff in the form that models are fitted to, and their answers as arrays.

Steps are numbered by their places in the grid of all labels, so that a cutoff is one number for all series. Models get
a series or wide frame as what it is, a panel of any layout as a long frame, and tables of other libraries as pandas.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Protocol

import numpy as np
import pandas as pd

from ..checks import Anything, shown
from ..frame import column_names, read_covariates, read_index, read_panel_table, read_table
from ..frame.index import AnyGrid
from ..frame.panel import PanelTarget, is_panel, read_panel
from ..frame.panel_layouts import ID, TARGET, TIME
from ..frame.panel_tables import id_columns
from ..frame.tables import NativeFormat
from ..frame.target import Target, read_target
from ..messages import format_label


@dataclass(frozen=True, eq=False)
class Cells:
    """The m values that the forecasts of W origins are compared with, ordered by origin, series and time.

    Attributes
    ----------
    origins : ndarray of int of shape (m,)
        Number of the origin of each.
    cutoffs, places : ndarray of int of shape (m,)
        Places in the grid of the cutoff of each, and of its time.
    series : ndarray of int of shape (m,)
        Number of its series.
    truth : ndarray of shape (m,)
        True values, NaN where missing.
    """

    origins: np.ndarray
    cutoffs: np.ndarray
    places: np.ndarray
    series: np.ndarray
    truth: np.ndarray

    def __len__(self) -> int:
        """Number of values."""
        return len(self.series)

    def of_origin(self, k: int) -> tuple[slice, Cells]:
        """Return where the cells of an origin are, and these."""
        first, last = np.searchsorted(self.origins, [k, k + 1])
        own = slice(int(first), int(last))
        return own, Cells(*(getattr(self, each.name)[own] for each in fields(self)))


class Data(Protocol):
    """What a backtest needs of its data: one series or a wide frame, or a panel."""

    @property
    def grid(self) -> AnyGrid:
        """Labels of all steps."""
        ...

    def id_columns(self, series: np.ndarray) -> dict[Hashable, pd.Index]:
        """Return the ids of these series (n,) by the names of their columns; none for a single series."""
        ...

    @property
    def names(self) -> tuple[Hashable, ...]:
        """Names of the columns of ids, one or more, of times and of true values."""
        ...

    @property
    def native_format(self) -> NativeFormat | None:
        """Library of the caller's table; None for pandas and arrays."""
        ...

    @property
    def types(self) -> Mapping[str, Any]:
        """Types of that library by column."""
        ...

    def within(self, start: int, stop: int) -> tuple[Data, Exception | None]:
        """Return the data of the series that a fit to the places `start` to `stop` - 1 can learn from.

        The second result is the error that names a series with rows, but no value there, if there is one.
        """
        ...

    def fit(self, model: Anything, start: int, stop: int) -> None:
        """Fit a model to the rows at the places `start` to `stop` - 1."""
        ...

    def update(self, model: Anything, start: int, stop: int) -> None:
        """Append these rows to those of a fitted model."""
        ...

    def ahead(self, cutoff: int, n_steps: int) -> Any:
        """Return the first argument of `predict` after `cutoff`: a number of steps, or their covariates."""
        ...

    def cells(self, cutoffs: np.ndarray, gap: int, horizon: int) -> Cells:
        """Return the values `gap` + 1 to `gap` + `horizon` steps after each of the `cutoffs` (W,)."""
        ...

    def read_answer(
        self, answer: Anything, cells: Cells, cutoff: int, n_steps: int, columns: list[str]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return an answer for cells (m, n_columns), NaN where it has none, and where it has one (m,)."""
        ...

    def roll(
        self, model: Anything, cells: Cells, cutoffs: np.ndarray, n_steps: int, levels: list[float]
    ) -> tuple[np.ndarray, np.ndarray] | None:
        """Return what `read_answer` returns, for the cells of all `cutoffs` (W,), the first of which ends the fit.

        None if the model cannot forecast all of them at once.
        """
        ...


def read_data(y: Anything, X: Anything, fit_options: Mapping[str, Any]) -> Data:
    """Read the arguments of `backtest`; raise if they are not accepted.

    Parameters
    ----------
    y : Series, DataFrame or array-like of shape (n,) or (n, n_channels), or a panel
        The target.
    X : DataFrame, Series or array-like
        Its covariates; None without.
    fit_options : mapping
        Further arguments of `fit`.

    Returns
    -------
    Data
    """
    if is_panel(y, fit_options.get("id")):
        return _PanelData.read(y, X, fit_options)
    return _SeriesData.read(y, X, fit_options)


# ---- one series, or the columns of a wide frame ----------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _SeriesData:
    """One series, or the C columns of a wide frame.

    Attributes
    ----------
    target : Target
        Its values and labels.
    y, X : Series, DataFrame or array
        Target and covariates as models get them; X is None without.
    fit_options : mapping
        Further arguments of `fit`.
    """

    target: Target
    y: Any
    X: Any
    fit_options: Mapping[str, Any]

    @classmethod
    def read(cls, y: Anything, X: Anything, fit_options: Mapping[str, Any]) -> _SeriesData:
        """Read the target and its covariates."""
        target = read_target(y)
        covariates = None
        if X is not None:
            table = read_table(X, "X")
            if table.is_labelled and not target.is_labelled and len(table.data) >= len(target.values):
                target = replace(target, index=read_index(table.data.index[: len(target.values)], "X"))
            covariates = read_covariates(table, target.index, of="y", target=target, past=fit_options.get("past") or ())
            if isinstance(table.data, pd.Series | pd.DataFrame):
                labels = target.index if table.is_labelled else None
                covariates = pd.DataFrame(covariates, labels, column_names(table))  # type: ignore[assignment]
        data: Any = target.values
        if target.kind == "frame":
            data = pd.DataFrame(data, target.index, target.columns)
        elif target.kind == "series":
            data = pd.Series(data[:, 0], target.index, name=target.series_name)
        elif target.kind == "array1d":
            data = data[:, 0]
        return cls(target, data, covariates, fit_options)

    @property
    def grid(self) -> AnyGrid:
        return self.target.index

    def id_columns(self, series: np.ndarray) -> dict[Hashable, pd.Index]:
        if self.target.kind in ("series", "array1d"):
            return {}
        columns = self.target.columns
        return {ID: (pd.RangeIndex(self.target.values.shape[1]) if columns is None else columns).take(series)}

    @property
    def names(self) -> tuple[Hashable, ...]:
        return ID, TIME, TARGET

    @property
    def native_format(self) -> NativeFormat | None:
        return self.target.native_format

    @property
    def types(self) -> Mapping[str, Any]:
        native = self.target.native_format
        return {} if native is None or native.date_column is None else {TIME: native.date_dtype}

    def within(self, start: int, stop: int) -> tuple[Data, Exception | None]:
        return self, None  # the fit says which column has no value, and models need all of them

    def fit(self, model: Anything, start: int, stop: int) -> None:
        y = _rows(self.y, start, stop)
        given = (y,) if self.X is None else (_rows(self.X, start, stop), y)
        model.fit(*given, **self.fit_options)

    def update(self, model: Anything, start: int, stop: int) -> None:
        y = _rows(self.y, start, stop)
        model.update(*((y,) if self.X is None else (y, _rows(self.X, start, stop))))

    def ahead(self, cutoff: int, n_steps: int) -> Any:
        names = [] if self.X is None else column_names(self.X)
        known = [k for k, name in enumerate(names) if name not in self._past]
        if not known:
            return n_steps
        rows = _rows(self.X, cutoff + 1, cutoff + 1 + n_steps)
        return rows.iloc[:, known] if isinstance(rows, pd.DataFrame) else rows[:, known]

    @property
    def _past(self) -> Sequence[Hashable]:
        """Names of covariates that are known only when their row has come."""
        return self.fit_options.get("past") or ()

    def cells(self, cutoffs: np.ndarray, gap: int, horizon: int) -> Cells:
        shape = len(cutoffs), self.target.values.shape[1], horizon
        origins, series, steps = (numbers.ravel() for numbers in np.indices(shape))
        places = cutoffs[origins] + 1 + gap + steps
        return Cells(origins, cutoffs[origins], places, series, self.target.values[places, series])

    def read_answer(
        self, answer: Anything, cells: Cells, cutoff: int, n_steps: int, columns: list[str]
    ) -> tuple[np.ndarray, np.ndarray]:
        labels = getattr(answer, "index", None)
        expected = self.grid[cutoff + 1 : cutoff + 1 + n_steps]
        if isinstance(labels, pd.DatetimeIndex | pd.PeriodIndex) and not labels.equals(expected):
            raise ValueError(
                f"the forecast is of {format_label(labels[0])} to {format_label(labels[-1])}, but the steps after the "
                f"cutoff are {format_label(expected[0])} to {format_label(expected[-1])}"
            )
        values, n_channels = np.asarray(answer, float), self.target.values.shape[1]
        if values.ndim == 0 or len(values) != n_steps or values.size != n_steps * n_channels * len(columns):
            wanted = [n_steps, *([n_channels] if n_channels > 1 else []), *([len(columns)] if len(columns) > 1 else [])]
            raise ValueError(f"the forecast has the shape {values.shape}, but {tuple(wanted)} was expected")
        by_step = values.reshape(n_steps, n_channels, len(columns))
        return by_step[cells.places - cutoff - 1, cells.series], np.ones(len(cells), bool)

    def roll(
        self, model: Anything, cells: Cells, cutoffs: np.ndarray, n_steps: int, levels: list[float]
    ) -> tuple[np.ndarray, np.ndarray] | None:
        start, last = int(cutoffs[0]) + 1, int(cutoffs[-1])
        y = _rows(self.y, start, last + 1 + n_steps)
        y[last + 1 - start :] = np.nan  # not known at any of the cutoffs
        given = (y,) if self.X is None else (y, _rows(self.X, start, last + 1 + n_steps))
        options = {"n_after": last + n_steps - cutoffs, "n_steps": n_steps, "coverage": levels}
        rolled = model.predict_origins(*given, **options)
        return None if rolled is None else _of_cells(cells, rolled, rolled.series, self.target.values.shape[1])


def _rows(data: Any, start: int, stop: int) -> Any:
    """Return some rows of a table or array; a copy, so that no model sees or changes more."""
    return (data.iloc[start:stop] if isinstance(data, pd.Series | pd.DataFrame) else data[start:stop]).copy()


def _of_cells(cells: Cells, rolled: Any, series: np.ndarray, n_series: int) -> tuple[np.ndarray, np.ndarray]:
    """Return forecasts of these `series` (K,) for cells, as `read_answer` does."""
    row = np.full((1 + max(cells.origins.max(initial=0), rolled.origins.max(initial=0)), n_series), -1)
    row[rolled.origins, series] = np.arange(len(series))
    rows = row[cells.origins, cells.series]
    found = rows >= 0
    values = np.full((len(cells), rolled.values.shape[2]), np.nan)
    values[found] = rolled.values[rows[found], (cells.places - cells.cutoffs - 1)[found]]
    return values, found


# ---- panels ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _PanelData:
    """A panel as a long frame, with the covariates beside the target or in a table of their own.

    Attributes
    ----------
    panel : PanelTarget
        Its values and labels.
    y, X : DataFrame
        Target and covariates as models get them, of the rows from the first observed value of each series on; X is
        None without covariates in a table of their own.
    series, places : ndarray of int
        Number of the series of each of these rows, and its place in the grid.
    known : ndarray of shape (N, n_covariates)
        Covariates that are known ahead, of all rows of the panel.
    known_names : list of hashable
        Their names.
    names : tuple of hashable
        Names of the columns of ids, one or more, of times and of the target.
    fit_options : mapping
        Further arguments of `fit`.
    """

    panel: PanelTarget
    y: pd.DataFrame
    X: pd.DataFrame | None
    series: np.ndarray
    places: np.ndarray
    known: np.ndarray
    known_names: list[Hashable]
    names: tuple[Hashable, ...]
    fit_options: Mapping[str, Any]

    @classmethod
    def read(cls, y: Anything, X: Anything, fit_options: Mapping[str, Any]) -> _PanelData:
        """Read the panel and its covariates."""
        options = dict(fit_options)
        read = {name: options.pop(name, None) for name in ("id", "time", "target")}
        read |= {"freq": options.get("freq"), "gaps": options.get("gaps", "error")}
        if read["gaps"] == "compress":
            raise ValueError(
                "gaps='compress' gives no common cutoffs, because the steps of a backtest are those of a frequency: "
                "use gaps='missing', or freq='B' where the steps are working days"
            )
        future, past = (list(options.get(role) or []) for role in ("future", "past"))
        if X is None:
            panel, covariates = read_panel(y, **read, covariates=[*past, *future])
            names = [*past, *future]
        else:
            panel, _ = read_panel(y, **read)
            covariates, names = read_panel_table(X, panel, fills=read["gaps"] == "missing")
            future = [name for name in names if name not in past]
        columns = _column_names(panel)
        if columns != (ID, TIME, TARGET):
            *ids, time, target = columns
            options |= {"id": ids if len(ids) > 1 else ids[0], "time": time, "target": target}
        kept = _from_first_observed(panel)
        series = np.repeat(np.arange(len(panel)), panel.n_rows)[kept]
        labels = [*id_columns(panel, series), panel.row_labels[kept]]
        beside, truth = list(covariates[kept].T), panel.values[kept, 0]
        if X is None:
            long, table = _frame([*labels, truth, *beside], [*columns, *names]), None
        else:
            long, table = _frame([*labels, truth], columns), _frame([*labels, *beside], [*columns[:-1], *names])
        known = covariates[:, [names.index(name) for name in future]]
        return cls(panel, long, table, series, panel.row_places[kept], known, future, columns, options)

    @property
    def grid(self) -> AnyGrid:
        return self.panel.grid

    def id_columns(self, series: np.ndarray) -> dict[Hashable, pd.Index]:
        return dict(zip(self.names[:-2], id_columns(self.panel, series), strict=True))

    @property
    def native_format(self) -> NativeFormat | None:
        return self.panel.native_format

    @property
    def types(self) -> Mapping[str, Any]:
        return self.panel.types

    def within(self, start: int, stop: int) -> tuple[Data, Exception | None]:
        inside = (self.places >= start) & (self.places < stop)
        is_known = self.y[self.names[-1]].notna().to_numpy()
        lacking = np.setdiff1d(self.series[inside], self.series[inside & is_known])
        if not len(lacking):
            return self, None
        before = (self.series == lacking[0]) & is_known & (self.places < start)
        others = f" ({len(lacking)} series have none)" if len(lacking) > 1 else ""
        error = ValueError(
            f"{self.panel.series_name(int(lacking[0]))} has no value among the {stop - start} rows up to the cutoff"
            f"{others}; use window={stop - self.places[before].max()} or more, which reaches its last one"
        )
        kept = ~np.isin(self.series, lacking)
        X = None if self.X is None else self.X[kept]
        return replace(self, y=self.y[kept], X=X, series=self.series[kept], places=self.places[kept]), error

    def fit(self, model: Anything, start: int, stop: int) -> None:
        y, X = self._rows((self.places >= start) & (self.places < stop))
        model.fit(*((y,) if X is None else (X, y)), **self.fit_options)

    def update(self, model: Anything, start: int, stop: int) -> None:
        rows = (self.places >= start) & (self.places < stop)
        if rows.any():
            y, X = self._rows(rows)
            model.update(*((y,) if X is None else (y, X)), **self._static_of_new(start, stop))

    @property
    def _begins(self) -> np.ndarray:
        """Place of the first of the rows of each series, (S,); the end of the grid for one without a value."""
        begins = np.full(len(self.panel), len(self.grid))
        np.minimum.at(begins, self.series, self.places)
        return begins

    def _rows(self, chosen: np.ndarray) -> tuple[pd.DataFrame, pd.DataFrame | None]:
        """Return the `chosen` (N,) rows of target and covariates; a copy, so that no model sees or changes more."""
        return self.y[chosen].reset_index(drop=True), None if self.X is None else self.X[chosen].reset_index(drop=True)

    def _static_of_new(self, start: int, stop: int) -> dict[str, Any]:
        """Return the argument of `update` that describes series that begin at the places `start` to `stop` - 1."""
        static = self.fit_options.get("static")
        if static is None or not ((self._begins >= start) & (self._begins < stop)).any():
            return {}
        return {"static": static}

    def ahead(self, cutoff: int, n_steps: int) -> Any:
        """Return the number of steps, or a long frame with the covariates of the steps after each series.

        After the last row of a series its last covariates are repeated: no forecast there is compared with anything,
        and no forecast depends on the covariates of later steps.
        """
        if not self.known_names:
            return n_steps
        panel = self.panel
        begun = np.intersect1d(np.flatnonzero(panel.first <= cutoff), self.series)
        first = np.minimum(panel.end[begun], cutoff + 1)
        series = np.repeat(begun, n_steps)
        places = (first[:, None] + np.arange(n_steps)).ravel()
        rows = panel.indptr[series] + np.minimum(places, panel.end[series] - 1) - panel.first[series]
        labels = [*id_columns(panel, series), panel.extended_grid(int(places.max()) + 1).take(places)]
        return _frame([*labels, *self.known[rows].T], [*self.names[:-1], *self.known_names])

    def cells(self, cutoffs: np.ndarray, gap: int, horizon: int) -> Cells:
        panel = self.panel
        begun = (panel.first <= cutoffs[:, None]) & (panel.end > cutoffs[:, None] + 1 + gap)
        origins, series = (np.repeat(numbers, horizon) for numbers in np.nonzero(begun))
        places = cutoffs[origins] + 1 + gap + np.tile(np.arange(horizon), len(origins) // horizon)
        there = places < panel.end[series]
        origins, series, places = origins[there], series[there], places[there]
        truth = panel.values[panel.indptr[series] + places - panel.first[series], 0]
        return Cells(origins, cutoffs[origins], places, series, truth)

    def read_answer(
        self, answer: Anything, cells: Cells, cutoff: int, n_steps: int, columns: list[str]
    ) -> tuple[np.ndarray, np.ndarray]:
        *ids, time, target = self.names
        if not isinstance(answer, pd.DataFrame) or not {*ids, time} <= set(answer.columns):
            raise TypeError(
                f"the forecast is {shown(answer)}, but of a panel it must be a long frame with the columns "
                f"{', '.join(map(repr, ids))} and {time!r}"
            )
        wanted_columns: list[Any] = columns
        if len(columns) == 1:  # of point forecasts, whose column has the name of the target or any other
            others = [label for label in answer.columns if label not in (*ids, time)]
            wanted_columns = [target] if target in others or len(others) != 1 else others
        if not set(wanted_columns) <= set(answer.columns):
            raise ValueError(f"the forecast has the columns {list(answer.columns)}, but lacks some of {wanted_columns}")
        n = len(self.grid)
        parts = [answer[label].to_numpy() for label in ids]
        of_rows = pd.MultiIndex.from_arrays(parts) if len(ids) > 1 else pd.Index(parts[0], tupleize_cols=False)
        numbers = self.panel.ids.get_indexer(of_rows)
        places = self.grid.get_indexer(pd.Index(answer[time]))
        known = np.flatnonzero((numbers >= 0) & (places >= 0))
        keys = numbers[known] * n + places[known]
        order = np.argsort(keys, kind="stable")
        wanted = cells.series * n + cells.places
        at = np.minimum(np.searchsorted(keys[order], wanted), max(len(keys) - 1, 0))
        values, found = np.full((len(wanted), len(columns)), np.nan), np.zeros(len(wanted), bool)
        if len(keys):
            found = keys[order][at] == wanted
            rows = known[order][at[found]]
            values[found] = answer[wanted_columns].to_numpy(float)[rows]
        return values, found

    def roll(
        self, model: Anything, cells: Cells, cutoffs: np.ndarray, n_steps: int, levels: list[float]
    ) -> tuple[np.ndarray, np.ndarray] | None:
        start, last = int(cutoffs[0]) + 1, int(cutoffs[-1])
        rows = (self.places >= start) & (self.places <= last + n_steps) & (self._begins <= last)[self.series]
        if not rows.any():
            return None
        y, X = self._rows(rows)
        y.loc[self.places[rows] > last, self.names[-1]] = np.nan  # not known at any of the cutoffs
        options = {"n_after": int(self.places[rows].max()) - cutoffs, "n_steps": n_steps, "coverage": levels}
        options |= self._static_of_new(start, last + 1)
        rolled = model.predict_origins(*((y,) if X is None else (y, X)), **options)
        if rolled is None:
            return None
        return _of_cells(cells, rolled, self.panel.ids.get_indexer(rolled.ids)[rolled.series], len(self.panel))


def _column_names(panel: PanelTarget) -> tuple[Hashable, ...]:
    """Return the names of ids, times and target in the long frame: the caller's, where there are some."""
    if panel.layout == "long":
        return *panel.id_names, panel.columns.time, panel.columns.target
    if panel.ids.nlevels == 1:
        return ID, TIME, TARGET
    names = panel.id_names
    if len(names) < panel.ids.nlevels or None in names:  # tuples as keys of a dict, or levels without names
        names = [f"{ID}_{k}" for k in range(panel.ids.nlevels)]
    return *names, TIME, TARGET


def _frame(columns: Sequence[Anything], names: Sequence[Hashable]) -> pd.DataFrame:
    """Return a table of these columns, whose names may be tuples."""
    return pd.DataFrame(dict(enumerate(columns))).set_axis(pd.Index(list(names), tupleize_cols=False), axis=1)


def _from_first_observed(panel: PanelTarget) -> np.ndarray:
    """Return whether each row is at or after the first observed value of its series, (N,)."""
    rows = np.arange(len(panel.values))
    first = np.minimum.reduceat(np.where(panel.observed[:, 0], rows, len(rows)), panel.indptr[:-1])
    return rows >= np.repeat(first, panel.n_rows)
