"""What a forecaster reads: the history that it learns from, and the origin of a forecast."""

from __future__ import annotations

import warnings
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np

from .. import frame
from ..checks import Anything
from ..data.completion import Completion
from ..data.panel import Panel
from ..data.transforms import FittedTransform
from ..exceptions import LeakageWarning
from ..frame.index import Freq


class Origin(NamedTuple):
    """The rows before a forecast, and the steps that are asked for.

    Attributes
    ----------
    target : frame.Target or frame.PanelTarget
        Gives the forecast its kind and its names.
    panel : Panel
        The rows before the forecast of S series, without gaps; `known` are their covariates.
    ahead : (S, n_steps, n_covariates)
        Covariates of the steps ahead.
    series : (S,) int
        Number of each series in the fit; -1 for one that was not in it, and came by ``context=`` or an update.
    index : pandas index, or (S,) and (S, n_wanted) int
        Labels of the wanted steps; of a panel the numbers of its series, and the places of the steps in its grid.
    wanted : (n_wanted,) int
        The steps asked for, counted from 0.
    static : frame.Static or None
        Static covariates of series that were not in the fit.
    transform : FittedTransform or None
        Where `panel` holds transformed values, the transform of its series.
    levels : Panel or None
        Where these are differences, the values that they are differences of.
    n_known : (T, S) int or None
        Of forecasts from T times, the rows of each series of the fit that are known at each; None where all rows of the
        forecaster are known.
    time : (S,) int or None
        Number of the time of each forecast.
    of_members : tuple of Origin
        Of an ensemble, the origin of each member after series that came by ``context=``; empty where it is this one.
    """

    target: frame.Target | frame.PanelTarget
    panel: Panel
    ahead: np.ndarray
    series: np.ndarray
    index: Any  # a `Grid`, but type checkers know `index` as a method of tuples
    wanted: np.ndarray
    static: frame.Static | None = None
    transform: FittedTransform | None = None
    levels: Panel | None = None
    n_known: np.ndarray | None = None
    time: np.ndarray | None = None
    of_members: tuple[Origin, ...] = ()

    @property
    def n_steps(self) -> int:
        """Number of steps to forecast."""
        return self.ahead.shape[1]

    @property
    def covariates(self) -> np.ndarray:
        """Covariates of the rows before and of the steps ahead of the only series, (n + n_steps, F)."""
        return np.concatenate([self.panel.known, self.ahead[0]])

    @property
    def gaps(self) -> np.ndarray:
        """Missing values at the end of each channel of each series, (S, C)."""
        panel = self.panel if self.levels is None else self.levels
        return panel.n_rows[:, None] - 1 - panel.last_observed

    def take(self, chosen: np.ndarray) -> Origin:
        """The origin of some of the series."""
        parts = {
            name: part.take(chosen)
            for name in ("panel", "static", "transform", "levels")
            if (part := getattr(self, name)) is not None
        }
        index = tuple(part[chosen] for part in self.index) if isinstance(self.index, tuple) else self.index
        members = tuple(each.take(chosen) for each in self.of_members)
        taken = self._replace(
            ahead=self.ahead[chosen], series=self.series[chosen], index=index, of_members=members, **parts
        )
        if self.n_known is None or self.time is None:
            return taken
        times, time = np.unique(self.time[chosen], return_inverse=True)
        return taken._replace(n_known=self.n_known[times], time=time)

    def one(self, i: int) -> Origin:
        """The origin of one of the series."""
        return self.take(np.array([i]))

    def choose(self, values: np.ndarray) -> np.ndarray:
        """The wanted steps of values (S, n_steps, ...)."""
        return values[:, self.wanted]


@dataclass(frozen=True)
class History:
    """The series that a forecaster learns from: each from the first row with a value on, and without gaps.

    Attributes
    ----------
    target : frame.Target or frame.PanelTarget
    panel : Panel
        A missing value is the last one before it, or the first one of its channel; `known` are the covariates.
    covariate_names, past_names : list
        Names of the covariates that are known ahead, and of those that are not.
    season_lengths : tuple of int
        Steps in each season, ascending; those of the index where the estimator's argument is None.
    order : (S,) int
        Number of each series in the target. Series are sorted by their ids, so that the order of rows changes nothing.
    static : frame.Static or None
        Static covariates of the series.
    skipped : tuple
        Ids of series that are too short.
    completions : (Completion, Completion)
        How missing values of the covariates were replaced: of those of the past, and of those that are known ahead.
    validation : frame.Target, frame.PanelTarget or None
        The target of the rows of `panel` that only validate.
    n_held_out : (S,) int or 0
        Number of these rows, at the end of each series.
    gaps : {"error", "missing", "compress"}
        How the rows of a panel were read, and later ones will be.
    """

    target: frame.Target | frame.PanelTarget
    panel: Panel
    covariate_names: list[Hashable]
    season_lengths: tuple[int, ...]
    past_names: list[Hashable] = field(default_factory=list)
    order: np.ndarray = field(default_factory=lambda: np.zeros(1, np.int64))
    static: frame.Static | None = None
    skipped: tuple[Hashable, ...] = ()
    completions: tuple[Completion, Completion] | None = None
    validation: frame.Target | frame.PanelTarget | None = None
    n_held_out: np.ndarray | int = 0
    gaps: str = "error"

    @classmethod
    def of(
        cls,
        target: frame.Target | frame.PanelTarget,
        covariates: np.ndarray | None = None,
        names: Sequence[Hashable] = (),
        season_lengths: Anything = None,
        past_names: Sequence[Hashable] = (),
        completions: tuple[Completion, Completion] | None = None,
    ) -> History:
        """The history of a target, with the covariates (N, P + F) of its rows, those of the past first.

        `completions` replace missing values of the two, by default as these rows tell.
        """
        known = np.empty((len(target.values), 0)) if covariates is None else covariates
        past, known = np.split(known, [len(past_names)], axis=1)
        if isinstance(target, frame.PanelTarget):
            indptr, order = target.indptr, canonical_order(target.ids)
        else:
            indptr, order = np.array([0, len(target.values)], np.int64), np.zeros(1, np.int64)
        if completions is None:
            _refuse_unknown(past, past_names)
            _refuse_unknown(known, names)
            completions = Completion.learn(past), Completion.learn(known)
        past, known = (of.complete(values, indptr) for of, values in zip(completions, (past, known), strict=True))
        panel = Panel(target.values, target.observed, known, indptr, past=past).take(order).filled()
        panel = panel.from_first_observed()
        read = cls(target, panel, list(names), (), list(past_names), order, completions=completions)
        return read.with_season_lengths(season_lengths)

    @classmethod
    def read(
        cls,
        X: Anything,
        y: Anything,
        season_lengths: Anything = None,
        *,
        by_column: bool = False,
        future: Sequence[Hashable] = (),
        past: Sequence[Hashable] = (),
    ) -> History:
        """Read the arguments of `fit` for one series: a target alone, or covariates and the target.

        With `by_column` the columns of a wide frame are the series of a panel, and the columns `past` of `X` are
        covariates of the past.
        """
        if y is None:
            target = frame.read_target(X)
            return cls.of(frame.panel_of_columns(target) if by_column else target, season_lengths=season_lengths)
        X, y = frame.read_table(X, "X"), frame.read_table(y, "y")
        frame.check_argument_order(X, y, "fit(X, y)")
        target = labelled_by(X, frame.read_target(y))
        covariates = frame.read_covariates(X, target.index, of="y", target=target, past=past)
        names, chosen = columns_by_role(frame.column_names(X), future, past)
        covariates = covariates[:, chosen]
        known = covariates[:, len(past) :]
        if (leak := frame.find_linear_copy(np.where(np.isnan(known), 0.0, known), target)) is not None:
            message = (
                f"X[{names[leak[0]]!r}] is a linear function of {target.channel(leak[1])}, the target, at every step; "
                "if it is a copy, leave it out: lagged values of the target come in by themselves"
            )
            warnings.warn(message, LeakageWarning, stacklevel=3)
        if by_column:
            panel = frame.panel_of_columns(target)
            return cls.of(panel, np.tile(covariates, (len(panel), 1)), names, season_lengths, past)
        return cls.of(target, covariates, names, season_lengths)

    @property
    def is_panel(self) -> bool:
        """Whether it is of many series, which may be short."""
        return isinstance(self.target, frame.PanelTarget)

    @property
    def values(self) -> np.ndarray:
        """Values of all rows, (N, C)."""
        return self.panel.values

    @property
    def observed(self) -> np.ndarray:
        """Which values were observed, (N, C)."""
        return self.panel.observed

    @property
    def covariates(self) -> np.ndarray:
        """Covariates of all rows, (N, F)."""
        return self.panel.known

    @property
    def season_length(self) -> int:
        """The shortest season, 1 where there is none."""
        return min(self.season_lengths, default=1)

    @property
    def n_rows(self) -> np.ndarray:
        """Rows of each channel of each series to learn from, from its first observed one on, (S * C,)."""
        return (self.n_train[:, None] - self.panel.first_observed).ravel()

    @property
    def n_train(self) -> np.ndarray:
        """Rows of each series without those of `validation`, (S,)."""
        return self.panel.n_rows - self.n_held_out

    @property
    def typical_length(self) -> int:
        """The length that the defaults go by: of one series the shortest channel's, of many the median."""
        return int(np.median(self.n_rows)) if self.is_panel else int(self.n_rows.min())

    def with_season_lengths(self, season_lengths: Anything) -> History:
        """The history with the seasons of an estimator's argument `season_lengths`."""
        target = self.target
        grid = target.grid if isinstance(target, frame.PanelTarget) else target.index
        if season_lengths is None and isinstance(target, frame.PanelTarget) and target.places is not None:
            # a season of the grid in rows that exist, such as the 6 of a week without Sundays
            of_grid = frame.read_season_lengths(None, grid, int(np.median(target.end - target.first)))
            lengths = tuple(sorted({rows for length in of_grid if (rows := target.rows_in(length)) > 1}))
        else:
            lengths = frame.read_season_lengths(season_lengths, grid, int(np.median(self.panel.n_rows)))
        return replace(self, season_lengths=lengths)

    def until_last_observed(self) -> History:
        """The history without the rows at the end of a series in which nothing was observed."""
        panel = self.panel.part(last=1 + self.panel.last_observed.max(axis=1))
        return replace(self, panel=panel, n_held_out=np.maximum(panel.n_rows - self.n_train, 0))

    def series(self) -> list[History]:
        """Each series as a history of one."""
        return [replace(self, panel=panel, order=self.order[[s]]) for s, panel in enumerate(self.panel)]

    def channel(self, c: int) -> str:
        """Name of a channel in error messages: ``y['a']``, ``series 'a' of y``, or "the series" where there is one."""
        if isinstance(self.target, frame.PanelTarget):
            return self.target.series_name(int(self.order[c]))
        return "the series" if self.target.channel(c) == "y" else self.target.channel(c)


def columns_by_role(
    names: Sequence[Hashable], future: Sequence[Hashable], past: Sequence[Hashable]
) -> tuple[list[Hashable], list[int]]:
    """Names of the columns of a table `X` that are known ahead, all but those of the past; and the places of both.

    The places are those of the columns of the past, then of the others.
    """
    for role, named in (("future", future), ("past", past)):
        if unknown := [name for name in named if name not in names]:
            raise ValueError(f"{role} has {unknown[0]!r}, but X has no such column, only {names}; name one of these")
    known = [k for k, name in enumerate(names) if name not in past]  # two columns may have one name
    return [names[k] for k in known], [*map(names.index, past), *known]


def _refuse_unknown(covariates: np.ndarray, names: Sequence[Hashable]) -> None:
    """Refuse covariates (N, F) of a fit of which one has no value at all."""
    is_unknown = np.isnan(covariates).all(axis=0)
    if covariates.size and is_unknown.any():
        name = names[int(np.argmax(is_unknown))]
        raise ValueError(f"the covariate {name!r} is missing at all {len(covariates)} rows; leave it out or fill it in")


def refuse_empty(ahead: np.ndarray, names: Sequence[Hashable], completion: Completion) -> None:
    """Refuse covariates (S, n_steps, F) of the steps ahead of which one is not filled in, though it was in the fit.

    A single missing value is replaced by the last one before it.
    """
    is_empty = np.isnan(ahead).all(axis=1).any(axis=0) & ~completion.is_masked
    if ahead.size and is_empty.any():
        name = names[int(np.argmax(is_empty))]
        raise ValueError(
            f"X[{name!r}] is missing at every step to forecast of a series, but was known in the whole fit; fill it in"
        )


def canonical_order(ids: Any) -> np.ndarray:
    """Numbers of ids (S,) in an order that depends on the ids alone: by type, then by value or, if need be, by text."""
    try:
        return np.argsort(np.asarray(ids), kind="stable")
    except TypeError:  # ids of several types
        texts = [f"{type(label).__name__} {label!r}" for label in ids]
        return np.array(sorted(range(len(texts)), key=texts.__getitem__), np.int64)


def labelled_by(X: frame.Table, target: frame.Target, freq: Freq | int | None = None) -> frame.Target:
    """The target, with the labels of its covariates where only these have some."""
    if target.is_labelled or not X.is_labelled:
        return target
    n = len(target.values)
    if len(X.data) < n:
        raise ValueError(f"X has {len(X.data)} rows, but {target.name} has {n}; pass one row for each step")
    return replace(target, index=frame.read_index(X.data.index[:n], "X", freq))
