"""Measures of a long frame of forecasts, one row of a table for each model, series, origin or step."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from ..checks import Anything, choice, shown, whole
from ..frame.measures import (
    crps_of_samples,
    interval_loss,
    is_inside,
    percentage_error,
    pinball_loss,
    symmetric_percentage_error,
)
from ..frame.panel_rows import id_names
from ..frame.panel_tables import id_columns
from .forecasts import Forecasts, Model, steps_ahead
from .naive2 import overall_average
from .training import Training

By = Literal["model", "id", "cutoff", "step"]
#: Columns that metrics give to the table, by name.
Columns = dict[str, np.ndarray]


def summarise(
    frame: Anything,
    metrics: str | Sequence[str] = ("mae", "rmse", "smape"),
    by: By = "model",
    *,
    train: Anything = None,
    season_length: int | None = None,
    naive2: Hashable = None,
    average: Literal["rows", "series"] = "rows",
    models: Sequence[Hashable] | None = None,
    id: Hashable | list[Hashable] = "unique_id",
    time: Hashable = "ds",
    cutoff: Hashable = "cutoff",
    target: Hashable = "y",
    freq: Any = None,
) -> Any:
    """Return measures of the forecasts in a long frame, as a table.

    Rows whose true value is missing are left out, and counted in the column ``n_missing``. A group of which nothing
    remains has ``n`` 0 and NaN as its measures; these are the only NaN. A missing forecast of an observed value is an
    error, and so is a measure that is not defined for a row or a series.

    Parameters
    ----------
    frame : DataFrame or table of another library
        A row for each id, time and cutoff, with the columns ``unique_id``, ``ds``, ``cutoff``, ``y`` and the forecasts:
        ``<model>``, ``<model>_lower_<coverage>`` and ``<model>_upper_<coverage>``, ``<model>_quantile_<q>``,
        ``<model>_path_<k>``, such as ``lstm_lower_0.9``. The cutoff is the last time before a forecast begins; without
        this column there is one forecast for each id. Without ``unique_id`` all rows are of one series, and the name of
        the target is its id. The frame is never modified.
    metrics : str or list of str, default=("mae", "rmse", "smape")
        Names of functions of `tsrnn.metrics`, but for `pit`: of point forecasts ``"mae"``, ``"rmse"``, ``"bias"``,
        ``"mape"``, ``"smape"``, ``"mase"``, ``"rmsse"``, ``"owa"``; of all quantiles ``"pinball"``,
        ``"weighted_quantile_loss"``, ``"crps_from_quantiles"``; of all paths ``"crps_from_samples"`` (the fair score);
        of each interval, with its coverage in the name of the column, ``"coverage"``, ``"mean_width"``,
        ``"interval_score"``.
    by : {"model", "id", "cutoff", "step"}, default="model"
        One row for each model, or for each model and id, cutoff or step ahead.
    train : DataFrame, Series, array-like, dict of Series or table of another library, optional
        The training series, which ``"mase"``, ``"rmsse"`` and ``"owa"`` need, as `fit` accepts them: a panel, for a
        long frame with the same names of ids, times and target; a wide frame or array, whose ids are its columns or
        their numbers from 0; for a frame without ids that series alone. Of each series the rows up to the cutoff count,
        without cutoffs those before its first forecast; so it may be the whole series. A series that ends before that
        gives a `ScaleWarning`.
    season_length : int, optional
        Number of steps in a season, for the same measures; by default that of the frequency of `train`.
    naive2 : hashable, optional
        Name of the model whose forecasts ``"owa"`` compares with; by default they are computed with `naive2`.
    average : {"rows", "series"}, default="rows"
        Whether all rows of a group count the same (the RMSE is the root of the mean over all of them), or the measure
        is computed for each series of the group and then averaged, as `score` does.
    models : list of hashable, optional
        The models to measure; by default all.
    id, time, cutoff, target : hashable
        Names of the columns, where they are not ``unique_id``, ``ds``, ``cutoff`` and ``y``. A list `id` names the
        parts of ids of several columns.
    freq : pandas offset, str or int, optional
        Frequency of the times, for ``by="step"`` and ``"owa"``; by default that of `train`, or it is inferred.

    Returns
    -------
    DataFrame or table of the library of `frame`
        The column of ids, cutoffs or steps, unless ``by="model"``; then ``model``, ``n`` (rows with a true value),
        ``n_missing`` (rows without) and the measures. Ids and models are in order of first appearance, cutoffs and
        steps ascending.

    Raises
    ------
    TypeError, ValueError
        If the frame lacks a column, a forecast is missing or repeated, a percentage of 0 is asked for, or a training
        series is missing or has no scale; the message names the id.

    Examples
    --------
    >>> frame = pd.DataFrame({"unique_id": ["a", "a", "b"], "ds": [5, 6, 5], "cutoff": 4, "y": [1.0, 2.0, np.nan],
    ...                       "ar": [2.0, 2.0, 7.0], "lstm": [1.0, 4.0, 9.0]})
    >>> summarise(frame, metrics=["mae", "bias"])
      model  n  n_missing  mae  bias
    0    ar  2          1  0.5   0.5
    1  lstm  2          1  1.0   1.0
    >>> summarise(frame, metrics="mae", by="id")
      unique_id model  n  n_missing  mae
    0         a    ar  2          0  0.5
    1         a  lstm  2          0  1.0
    2         b    ar  0          1  NaN
    3         b  lstm  0          1  NaN
    """
    names = [metrics] if isinstance(metrics, str) else list(metrics)
    if not names:
        raise ValueError(f"metrics={shown(metrics)} names no measure: pass some of {', '.join(map(repr, METRICS))}")
    for name in names:
        choice("metrics", name, METRICS)
    choice("by", by, ("model", "id", "cutoff", "step"))
    choice("average", average, ("rows", "series"))
    if season_length is not None:
        whole("season_length", season_length)
    forecasts = Forecasts.read(frame, id, time, cutoff, target)
    chosen = forecasts.choose(models)
    reference = None if naive2 is None else _reference(forecasts, naive2)
    observed = ~np.isnan(forecasts.truth)
    if not observed.any():
        raise ValueError(f"frame[{target!r}] has no value, so that nothing can be measured: merge the true values")
    if train is None:
        for name in names:
            if name in NEED_TRAINING:
                raise ValueError(f"metrics={name!r} needs the training series: pass them as train=")
        training = None
    else:
        training = Training.read(train, forecasts, id, time, target, season_length, freq)
        if not set(names).isdisjoint(NEED_TRAINING):
            training.warn_of_early_ends()
    labels, codes = _groups(forecasts, by, cutoff, training.freq if training is not None and freq is None else freq)
    groups = Groups.of(codes[observed], forecasts.rows.codes[observed] if average == "series" else None, len(labels))
    tables = [
        pd.DataFrame(_measure(Evaluation(forecasts, model, observed, groups, training, reference), names))
        for model in chosen
    ]
    counts = {"n": groups.n_rows, "n_missing": np.bincount(codes[~observed], minlength=len(labels))}
    table = _join(tables, [model.name for model in chosen], counts)
    return _to_native(forecasts, table, labels, by, cutoff, len(chosen))


# ---- groups ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Groups:
    """The groups of n rows: each group is one cell, or one cell for each of its series.

    Attributes
    ----------
    cells : ndarray of int of shape (n,)
        Cell of each row.
    of_cells : ndarray of int of shape (n_cells,)
        Group of each cell.
    n_groups : int
        Number of groups; some may have no row.
    """

    cells: np.ndarray
    of_cells: np.ndarray
    n_groups: int

    @classmethod
    def of(cls, codes: np.ndarray, series: np.ndarray | None, n_groups: int) -> Groups:
        """Return the groups of rows with these numbers of groups, (n,), and of series, (n,)."""
        n_series = 1 if series is None else int(series.max()) + 1
        keys, cells = np.unique(codes * n_series + (0 if series is None else series), return_inverse=True)
        return cls(cells, keys // n_series, n_groups)

    @property
    def n_rows(self) -> np.ndarray:
        """Number of rows of each group, (n_groups,)."""
        return np.bincount(self.of_cells[self.cells], minlength=self.n_groups)

    def total(self, terms: np.ndarray) -> np.ndarray:
        """Sum of terms (n,) over the rows of each cell, (n_cells,)."""
        return np.bincount(self.cells, terms, len(self.of_cells))

    def mean(self, terms: np.ndarray) -> np.ndarray:
        """Mean of terms (n,) over the rows of each cell, (n_cells,)."""
        return self.total(terms) / np.bincount(self.cells, minlength=len(self.of_cells))

    def average(self, cells: np.ndarray) -> np.ndarray:
        """Mean over the cells of each group, (n_groups,); NaN where a group has none."""
        counts = np.bincount(self.of_cells, minlength=self.n_groups)
        sums = np.bincount(self.of_cells, cells, self.n_groups)
        return np.where(counts == 0, np.nan, sums / np.maximum(counts, 1))


def _groups(forecasts: Forecasts, by: By, cutoff: Hashable, freq: Any) -> tuple[pd.Index, np.ndarray]:
    """Return the labels of the groups, and the number of the group of each row (N,)."""
    rows = forecasts.rows
    if by == "model":
        return pd.Index([0]), np.zeros(len(rows.codes), np.int64)
    if by == "id":
        return rows.ids, rows.codes
    if forecasts.cutoffs is None:
        raise ValueError(
            f"by={by!r} needs the last time before each forecast begins, but frame has no column {cutoff!r}: add it, "
            "or pass cutoff="
        )
    if by == "cutoff":
        return forecasts.cutoffs, forecasts.cutoff_codes
    steps, codes = np.unique(
        steps_ahead(forecasts, forecasts.cutoffs.take(forecasts.cutoff_codes), freq), return_inverse=True
    )
    return pd.Index(steps), codes


# ---- measures --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The forecasts of one model for the n rows with a true value, and their groups."""

    forecasts: Forecasts
    model: Model
    observed: np.ndarray
    groups: Groups
    training: Training | None
    reference: Model | None

    @property
    def truth(self) -> np.ndarray:
        """True values, (n,)."""
        return self.forecasts.truth[self.observed]

    @property
    def point(self) -> np.ndarray:
        """Point forecasts, (n,)."""
        return self.point_of(self.model)

    @property
    def error(self) -> np.ndarray:
        """Forecast minus true value, (n,)."""
        return self.point - self.truth

    def point_of(self, model: Model) -> np.ndarray:
        """Point forecasts of a model, (n,)."""
        if model.point is None:
            raise ValueError(
                f"frame has no point forecasts of {model.name!r}, which this measure needs: add the column "
                f"{model.name!r}, or choose models that have them with models="
            )
        return self.column(model.point)

    def column(self, label: Hashable) -> np.ndarray:
        """Return a column of forecasts, (n,)."""
        return self.forecasts.values(label)[self.observed]

    def mean(self, terms: np.ndarray) -> np.ndarray:
        """Mean of terms (n,) over each group, (n_groups,)."""
        return self.groups.average(self.groups.mean(terms))

    def root_mean(self, squares: np.ndarray) -> np.ndarray:
        """Root of the mean of squares (n,) over each cell, averaged over those of each group, (n_groups,)."""
        return self.groups.average(np.sqrt(self.groups.mean(squares)))

    def scale(self, power: int) -> np.ndarray:
        """Scale of the training series of each row, (n,)."""
        assert self.training is not None  # checked by `summarise`
        return self.training.scale(power)[self.observed]

    def stack(self, kind: str) -> tuple[np.ndarray, np.ndarray]:
        """Return numbers (k,) and values (n, k) of all columns of a kind, quantile or path, ascending."""
        columns = self.model.columns[kind]
        if not columns:
            raise ValueError(
                f"frame has no column of {self.model.name!r} such as {f'{self.model.name}_{kind}_0.5'!r}, which this "
                "measure needs: add them, or choose models that have them with models="
            )
        numbers = np.array([float(number) for number in columns])
        order = np.argsort(numbers, kind="stable")
        labels = [list(columns.values())[k] for k in order]
        if kind == "quantile" and not ((numbers > 0) & (numbers < 1)).all():
            bad = next(label for label in labels if not 0 < float(str(label).rsplit("_", 1)[1]) < 1)
            raise ValueError(f"the column {bad!r} is no quantile: its probability must lie between 0 and 1")
        return numbers[order], np.stack([self.column(label) for label in labels], axis=1)

    def intervals(self) -> list[tuple[str, np.ndarray, np.ndarray]]:
        """Return coverage as text and bounds, (n,) both, of each interval."""
        lower, upper = self.model.columns["lower"], self.model.columns["upper"]
        if not lower or set(lower) != set(upper):
            raise ValueError(
                f"frame needs both bounds of each interval of {self.model.name!r}, such as "
                f"{f'{self.model.name}_lower_0.9'!r} and {f'{self.model.name}_upper_0.9'!r}, but has "
                f"{[*lower.values(), *upper.values()]}: add those that lack, or choose models with models="
            )
        found = []
        for number, label in lower.items():
            if not 0 < float(number) < 1:
                raise ValueError(f"the column {label!r} is no bound: its coverage must lie between 0 and 1; rename it")
            low, high = self.column(label), self.column(upper[number])
            if (low > high).any():
                row = int(np.flatnonzero(self.observed)[np.argmax(low > high)])
                raise ValueError(
                    f"frame[{label!r}] is above frame[{upper[number]!r}] at {self.forecasts.place(row)}: sort both "
                    "bounds of each row"
                )
            found.append((number, low, high))
        return found


def _mape(e: Evaluation) -> Columns:
    """Mean absolute percentage error; raise for a true value of 0."""
    zero = e.forecasts.truth == 0
    if zero.any():
        row = int(np.argmax(zero))
        raise ValueError(
            f"the true value of {e.forecasts.place(row)} is 0, of which there is no percentage: use smape or mase"
        )
    return {"mape": e.mean(percentage_error(e.truth, e.point))}


def _owa(e: Evaluation) -> Columns:
    """Overall weighted average, from the average errors of each group."""
    assert e.training is not None  # checked by `summarise`
    reference = e.training.naive2()[e.observed] if e.reference is None else e.point_of(e.reference)
    pairs = [
        np.stack([e.mean(symmetric_percentage_error(e.truth, f)), e.mean(np.abs(e.truth - f) / e.scale(1))], axis=1)
        for f in (e.point, reference)
    ]
    has_rows = e.groups.n_rows > 0
    perfect = has_rows & (pairs[1] == 0).any(axis=1)
    if perfect.any():
        row = int(np.flatnonzero(e.observed)[np.argmax(perfect[e.groups.of_cells[e.groups.cells]])])
        raise ValueError(
            f"Naive2 forecasts without error in the group of {e.forecasts.place(row)}, so that nothing divides the "
            "errors of the forecasts: use smape and mase, or larger groups with by="
        )
    return {
        "owa": np.array(
            [overall_average(*pair) if has else np.nan for *pair, has in zip(*pairs, has_rows, strict=True)]
        )
    }


def _pinball(e: Evaluation) -> np.ndarray:
    """Pinball loss of each row, the mean over the quantiles, (n,)."""
    levels, values = e.stack("quantile")
    return pinball_loss(e.truth[:, None], values, levels).mean(axis=1)


def _weighted_quantile_loss(e: Evaluation) -> Columns:
    """Sum of twice the pinball losses divided by the sum of the sizes; raise where that is 0."""
    loss, size = e.groups.total(2 * _pinball(e)), e.groups.total(np.abs(e.truth))
    if (size == 0).any():
        row = int(np.flatnonzero(e.observed)[np.argmax((size == 0)[e.groups.cells])])
        raise ValueError(
            f"all true values are 0 in the group of {e.forecasts.place(row)}, so that nothing divides their loss: use "
            "pinball"
        )
    return {"weighted_quantile_loss": e.groups.average(loss / size)}


def _crps_from_samples(e: Evaluation) -> Columns:
    """Fair score of the paths."""
    numbers, values = e.stack("path")
    if len(numbers) < 2:
        raise ValueError(f"frame has one path of {e.model.name!r}, but the fair score needs two: add more")
    return {"crps_from_samples": e.mean(crps_of_samples(e.truth, values, is_fair=True))}


#: Columns of the table for each measure.
METRICS: dict[str, Callable[[Evaluation], Columns]] = {
    "mae": lambda e: {"mae": e.mean(np.abs(e.error))},
    "rmse": lambda e: {"rmse": e.root_mean(e.error**2)},
    "bias": lambda e: {"bias": e.mean(e.error)},
    "mape": _mape,
    "smape": lambda e: {"smape": e.mean(symmetric_percentage_error(e.truth, e.point))},
    "mase": lambda e: {"mase": e.mean(np.abs(e.error) / e.scale(1))},
    "rmsse": lambda e: {"rmsse": e.root_mean(e.error**2 / e.scale(2))},
    "owa": _owa,
    "pinball": lambda e: {"pinball": e.mean(_pinball(e))},
    "weighted_quantile_loss": _weighted_quantile_loss,
    "crps_from_quantiles": lambda e: {"crps_from_quantiles": e.mean(2 * _pinball(e))},
    "crps_from_samples": _crps_from_samples,
    "coverage": lambda e: {f"coverage_{c}": e.mean(is_inside(e.truth, low, up)) for c, low, up in e.intervals()},
    "mean_width": lambda e: {f"mean_width_{c}": e.mean(up - low) for c, low, up in e.intervals()},
    "interval_score": lambda e: {
        f"interval_score_{c}": e.mean(interval_loss(e.truth, low, up, float(c))) for c, low, up in e.intervals()
    },
}
#: Measures that need the training series.
NEED_TRAINING = ("mase", "rmsse", "owa")


def _measure(evaluation: Evaluation, names: Sequence[str]) -> Columns:
    """Return all measures of one model."""
    columns: Columns = {}
    for name in names:
        columns |= METRICS[name](evaluation)
    return columns


def _reference(forecasts: Forecasts, naive2: Hashable) -> Model:
    """Return the model whose forecasts OWA compares with."""
    names = [model.name for model in forecasts.models]
    if naive2 not in names:
        raise ValueError(f"naive2={shown(naive2)} is no model of frame: pass one of {names}")
    return forecasts.models[names.index(naive2)]


# ---- the table -------------------------------------------------------------------------------------------------------


def _join(tables: list[pd.DataFrame], names: list[Hashable], counts: Columns) -> pd.DataFrame:
    """Return the tables of all models as one, group by group."""
    columns = list(tables[0].columns)
    for name, table in zip(names, tables, strict=True):
        if list(table.columns) != columns:
            raise ValueError(
                f"{names[0]!r} has the intervals {columns}, but {name!r} has {list(table.columns)}: summarise models "
                "with different coverages one by one, with models="
            )
    n_groups, n_models = len(tables[0]), len(tables)
    joined = pd.DataFrame({"model": np.tile(np.array(names, dtype=object), n_groups)})
    for label, values in counts.items():
        joined[label] = np.repeat(values, n_models)
    for label in columns:
        joined[label] = np.stack([table[label].to_numpy() for table in tables], axis=1).ravel()
    return joined


def _to_native(
    forecasts: Forecasts, table: pd.DataFrame, labels: pd.Index, by: By, cutoff: Hashable, n_models: int
) -> Any:
    """Return the table with the labels of its groups, in the library of the frame."""
    rows, native = forecasts.rows, forecasts.rows.native_format
    named: dict[Hashable, pd.Index] = {}
    if by == "id":
        ids = id_columns(rows, np.repeat(np.arange(len(labels)), n_models))
        named = dict(zip(id_names(rows.columns, rows.ids), ids, strict=True))
    elif by != "model":
        named = {cutoff if by == "cutoff" else "step": labels.repeat(n_models)}
    if native is not None and not native.has_index:
        columns: dict[str, Any] = {str(label): values for label, values in named.items()}
        columns |= {str(label): table[label].to_numpy() for label in table.columns}
        return native.to_native_columns(columns, {k: v for k, v in rows.types.items() if k in named})
    for k, (label, values) in enumerate(named.items()):
        table.insert(k, label, values)
    return table if native is None else native.to_native(table)
