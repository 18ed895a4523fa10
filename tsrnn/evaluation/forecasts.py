"""A long frame of forecasts as arrays: true values, the forecasts of each model, and where each forecast begins.

==========================  ===========================================================================
Column                      What it holds
==========================  ===========================================================================
``unique_id``, ``ds``       id and time of a row; one series needs no ids
``cutoff``                  last time before the forecast begins; it may be left out
``y``                       true value, NaN where missing
``<model>``                 point forecast
``<model>_lower_<c>``       lower bound of the interval of coverage c, such as ``lstm_lower_0.9``
``<model>_upper_<c>``       its upper bound
``<model>_quantile_<q>``    quantile of probability q
``<model>_path_<k>``        sample number k
==========================  ===========================================================================

These are the names that `predict_interval`, `predict_quantiles` and `sample` give to the columns of tables without
levels, with the model's name before them.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from ..checks import Anything, shown
from ..frame.panel import read_panel
from ..frame.panel_labels import TimeMend, Times, read_times
from ..frame.panel_layouts import ID, read_rows
from ..frame.panel_rows import Rows, id_names, position, show_id
from ..frame.tables import column_labels, with_constant
from ..messages import format_label

_NAME = re.compile(r"(?P<model>.+)_(?P<kind>lower|upper|quantile|path)_(?P<number>\d+(?:\.\d+)?(?:e-?\d+)?)")


@dataclass
class Model:
    """The columns of one model.

    Attributes
    ----------
    name : hashable
        Its name.
    point : hashable or None
        Column of point forecasts.
    columns : dict of str to dict
        Columns of each kind (lower, upper, quantile, path) by their number, as text.
    """

    name: Hashable
    point: Hashable = None
    columns: dict[str, dict[str, Hashable]] = field(
        default_factory=lambda: {kind: {} for kind in ("lower", "upper", "quantile", "path")}
    )


@dataclass(frozen=True, eq=False)
class Forecasts:
    """The rows of a long frame of forecasts.

    Attributes
    ----------
    rows : Rows
        Ids, times and all other columns.
    truth : ndarray of shape (N,)
        True values; NaN where missing.
    models : list of Model
        The models.
    cutoffs : pandas.Index or None
        The different cutoffs, ascending; None without such a column.
    cutoff_codes : ndarray of int of shape (N,)
        Place in `cutoffs` of each row; 0 without such a column.
    is_one_series : bool
        Whether the frame has no column of ids, so that the name of the target is the id of its only series.
    """

    rows: Rows
    truth: np.ndarray
    models: list[Model]
    cutoffs: Times | None
    cutoff_codes: np.ndarray
    is_one_series: bool = False

    @classmethod
    def read(
        cls,
        frame: Anything,
        id: Hashable | list[Hashable],
        time: Hashable,
        cutoff: Hashable,
        target: Hashable,
    ) -> Forecasts:
        """Read a long frame of any library; raise if it lacks a column, or holds a forecast twice."""
        if is_one := is_one_series(frame, id, time):
            frame = with_constant(frame, ID, str(target))
        rows = read_rows(frame, id=id, time=time, name="frame", covariates=None, has_target=False)
        _refuse_missing_labels(rows)
        columns = list(rows.table.columns)
        if target not in columns:
            raise ValueError(
                f"frame has no column {target!r} of true values, only {columns}: merge them, or pass target="
            )
        found = find_models([label for label in columns if label not in (cutoff, target)])
        if not found:
            raise ValueError(
                f"frame has no column of forecasts, only {columns} beside ids and times: add one for each model"
            )
        has_cutoff = cutoff in columns
        cutoffs, codes = _read_cutoffs(rows, cutoff) if has_cutoff else (None, np.zeros(len(rows.codes), np.int64))
        forecasts = cls(rows, rows.values(target), found, cutoffs, codes, is_one)
        forecasts._refuse_repeated(cutoff)
        return forecasts

    def place(self, row: int) -> str:
        """Return id, time and cutoff of a row for messages."""
        origin = f" (cutoff {format_label(self.cutoffs[self.cutoff_codes[row]])})" if self.cutoffs is not None else ""
        return self.rows.place(row) + origin

    def values(self, label: Hashable) -> np.ndarray:
        """Return a column of forecasts, (N,); raise if one of an observed value is missing."""
        values = self.rows.values(label)
        missing = np.isnan(values) & ~np.isnan(self.truth)
        if missing.any():
            row, n = int(np.argmax(missing)), int(missing.sum())
            more = "" if n == 1 else f", and so are {n - 1:,} more"
            table = self.rows.pandas
            raise ValueError(
                f"{self.rows.column(label)} of {self.place(row)} is missing{more}, although the true value is there: "
                f"forecast it, or leave such rows out for all models with {table}.dropna(subset=[{label!r}]), or the "
                "model with models=[...]"
            )
        return values

    def choose(self, models: Sequence[Hashable] | None) -> list[Model]:
        """Return the models with these names, by default all; raise for unknown ones."""
        of_names = {model.name: model for model in self.models}
        wanted = list(of_names) if models is None else [models] if isinstance(models, str) else list(models)
        if not wanted:
            raise ValueError(f"models={shown(models)} names no model: pass some of {list(of_names)}")
        for name in wanted:
            if name not in of_names:
                raise ValueError(
                    f"models={shown(models)}: frame has no forecasts of {name!r}; choose among {list(of_names)}"
                )
        return [of_names[name] for name in wanted]

    def _refuse_repeated(self, cutoff: Hashable) -> None:
        """Raise if two rows have the same id, time and cutoff."""
        keys = pd.DataFrame({"id": self.rows.codes, "cutoff": self.cutoff_codes, "time": self.rows.times})
        twice = keys.duplicated().to_numpy()
        if twice.any():
            labels = [*id_names(self.rows.columns, self.rows.ids), self.rows.columns.time]
            labels += [] if self.cutoffs is None else [cutoff]
            advice = f", or add the column {cutoff!r} if they have different origins" if self.cutoffs is None else ""
            raise ValueError(
                f"frame holds {self.place(int(np.argmax(twice)))} more than once: keep one row, as with "
                f"{self.rows.pandas}.drop_duplicates({labels!r}){advice}"
            )


def is_one_series(data: Anything, id: Hashable | list[Hashable], time: Hashable) -> bool:
    """Whether data are a table with a column of times and none of ids, whose usual name `id` is."""
    labels = column_labels(data)
    return (
        id == ID and id not in labels and time in labels and not isinstance(getattr(data, "index", None), pd.MultiIndex)
    )


def find_models(columns: Sequence[Hashable]) -> list[Model]:
    """Return the models whose forecasts columns hold, in order of first appearance.

    Parameters
    ----------
    columns : sequence of hashable
        Labels of the columns, without those of ids, times, cutoffs and true values.

    Returns
    -------
    list of Model

    Raises
    ------
    ValueError
        If a column of bounds does not say their coverage.

    Examples
    --------
    >>> [model.name for model in find_models(["ar", "lstm", "lstm_lower_0.9", "lstm_upper_0.9"])]
    ['ar', 'lstm']
    """
    models: dict[Hashable, Model] = {}
    for label in columns:
        match = _NAME.fullmatch(label) if isinstance(label, str) else None
        if match is None:
            models.setdefault(label, Model(label)).point = label
        else:
            model = models.setdefault(match["model"], Model(match["model"]))
            model.columns[match["kind"]][match["number"]] = label
    for label in columns:
        for bound in ("_lower", "_upper"):
            if isinstance(label, str) and label.endswith(bound) and label.removesuffix(bound) in models:
                raise ValueError(
                    f"the column {label!r} does not say which coverage its bounds have: rename it, such as to "
                    f"{label + '_0.9'!r}"
                )
    return list(models.values())


def steps_ahead(forecasts: Forecasts, origins: Times, freq: Any) -> np.ndarray:
    """Return how many steps each row lies after the origin of its forecast, `origins` (N,), (N,).

    Parameters
    ----------
    forecasts : Forecasts
        The rows.
    origins : pandas.Index of length N
        The last time before each forecast begins.
    freq : pandas offset, str, int or None
        Frequency of the times; None to infer it from all times and origins together.

    Returns
    -------
    ndarray of int of shape (N,)
    """
    times = forecasts.rows.times
    every = times.append(origins).unique().sort_values()
    try:
        panel, _ = read_panel({"all series": pd.Series(0.0, every)}, freq=freq, gaps="missing", name="frame")
    except ValueError as error:
        if freq is not None:
            raise
        raise ValueError(
            f"the {len(every)} different times and cutoffs of frame have no frequency that could be inferred, by which "
            "steps are counted: pass it, such as freq='D'"
        ) from error
    places = panel.grid.get_indexer(times) - panel.grid.get_indexer(origins)
    return np.asarray(places, np.int64)


def _read_cutoffs(rows: Rows, cutoff: Hashable) -> tuple[Times, np.ndarray]:
    """Return the cutoffs, ascending, and the place of that of each row."""
    column = rows.table.iloc[:, position(rows.table.columns, cutoff)]
    what = f"frame[{cutoff!r}]"
    table = rows.pandas
    mend = TimeMend(f"{table}.assign(**{{{cutoff!r}: <>}})", f"pd.Index({table}[{cutoff!r}])")
    origins = read_times(column, what, mend)
    if origins.hasnans:
        row = int(np.argmax(origins.isna()))
        raise ValueError(f"{what} of {rows.place(row)} is missing: pass the last time before each forecast begins")
    if not _is_same_kind(origins, rows.times):
        raise ValueError(
            f"{what} holds {origins.dtype} labels, but the times are {rows.times.dtype}: convert one to the other"
        )
    late = np.asarray(rows.times <= origins)
    if late.any():
        row = int(np.argmax(late))
        raise ValueError(
            f"frame has {rows.place(row)} with the cutoff {format_label(origins[row])}, which is not before it: the "
            "cutoff is the last time before a forecast begins"
        )
    codes, cutoffs = pd.factorize(origins, sort=True)
    return pd.Index(cutoffs), codes


def _is_same_kind(one: Times, other: Times) -> bool:
    """Whether both are integers, periods of one frequency, or dates with or without a time zone."""
    if isinstance(one, pd.PeriodIndex) or isinstance(other, pd.PeriodIndex):
        return bool(one.dtype == other.dtype)
    if isinstance(one, pd.DatetimeIndex) and isinstance(other, pd.DatetimeIndex):
        return (one.tz is None) == (other.tz is None)
    return not isinstance(one, pd.DatetimeIndex) and not isinstance(other, pd.DatetimeIndex)


def _refuse_missing_labels(rows: Rows) -> None:
    """Raise if the id or the time of a row is missing."""
    for name, missing in (("id", rows.codes < 0), ("time", np.asarray(rows.times.isna()))):
        if missing.any():
            raise ValueError(
                f"the {name} of row {int(np.argmax(missing))} of frame is missing: leave such rows out with "
                f"{rows.mend(f'missing {name}s')}"
            )


def name_of(forecasts: Forecasts, series: int) -> str:
    """Return a series for messages, such as ``series 'a'``."""
    return f"series {show_id(forecasts.rows.ids, series)}"
