"""What a forecaster reads: the history that it learns from, and the origin of a forecast."""

from __future__ import annotations

import warnings
from collections.abc import Hashable, Sequence
from copy import copy
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from .. import frame
from ..checks import Anything
from ..data.gaps import fill_gaps, trailing
from ..data.panel import Panel
from ..exceptions import LeakageWarning
from ..frame.index import Freq


class Origin(NamedTuple):
    """The data before a forecast, and the steps that are asked for.

    Attributes
    ----------
    target : frame.Target
        Gives the forecast its kind and its names.
    context : (n, n_channels)
        The rows before the forecast, without gaps.
    observed : (n, n_channels) bool
        Which values of the context were observed.
    covariates : (n + n_steps, n_covariates)
        Covariates of the context and of the steps ahead.
    index : pandas index
        Labels of the wanted steps.
    wanted : array of int
        The steps asked for, counted from 0.
    """

    target: frame.Target
    context: np.ndarray
    observed: np.ndarray
    covariates: np.ndarray
    index: Any  # a `Grid`, but type checkers know `index` as a method of tuples
    wanted: np.ndarray

    @property
    def n_steps(self) -> int:
        """Number of steps to forecast."""
        return len(self.covariates) - len(self.context)


class History:
    """The series that a forecaster learns from: from the first row with a value on, and without gaps.

    Attributes
    ----------
    target : frame.Target
    values : (n, n_channels) float64
        A missing value is the last one before it, or the first one of its channel.
    observed : (n, n_channels) bool
        Which values were observed.
    covariates : (n, n_covariates) float64
    covariate_names : list
    n_rows : (n_channels,) int
        Rows of each channel from its first observed one on.
    season_lengths : tuple of int
        Steps in each season, ascending; those of the index where the estimator's argument is None.
    season_length : int
        The shortest of them, 1 where there is none.
    """

    def __init__(
        self,
        target: frame.Target,
        covariates: np.ndarray | None = None,
        names: Sequence[Hashable] = (),
        season_lengths: Anything = None,
    ):
        first = int(target.observed.any(axis=1).argmax())
        self.target = target
        self.values = fill_gaps(target.values, target.observed)[first:]
        self.observed = target.observed[first:]
        self.covariates = np.empty((len(self.values), 0)) if covariates is None else covariates[first:]
        self.covariate_names = list(names)
        self.n_rows = len(self.values) - self.observed.argmax(axis=0)
        self.season_lengths = frame.read_season_lengths(season_lengths, target.index, len(self.values))
        self.season_length = min(self.season_lengths, default=1)

    def until_last_observed(self) -> History:
        """The history without the rows at its end in which nothing was observed."""
        end = len(self.values) - int(trailing(self.observed).min())
        cut = copy(self)
        cut.values, cut.observed, cut.covariates = self.values[:end], self.observed[:end], self.covariates[:end]
        cut.n_rows = self.n_rows - (len(self.values) - end)
        return cut

    @classmethod
    def read(cls, X: Anything, y: Anything, season_lengths: Anything = None) -> History:
        """Read the arguments of `fit`: a target alone, or covariates and the target."""
        if y is None:
            return cls(frame.read_target(X), season_lengths=season_lengths)
        X, y = frame.read_table(X, "X"), frame.read_table(y, "y")
        frame.check_argument_order(X, y, "fit(X, y)")
        target = labelled_by(X, frame.read_target(y))
        covariates = frame.read_covariates(X, target.index, of="y", target=target)
        names = frame.column_names(X)
        if (leak := frame.find_linear_copy(covariates, target)) is not None:
            message = (
                f"X[{names[leak[0]]!r}] is a linear function of {target.channel(leak[1])}, the target, at every step; "
                "if it is a copy, leave it out: lagged values of the target come in by themselves"
            )
            warnings.warn(message, LeakageWarning, stacklevel=3)
        return cls(target, covariates, names, season_lengths)

    def panel(self) -> Panel:
        """The rows as a panel of one series, whose `known` are the covariates."""
        return Panel.of_one(self.values, self.observed, self.covariates)

    def channel(self, c: int) -> str:
        """Name of a channel in error messages: ``y['a']``, or "the series" where there is one."""
        return "the series" if self.target.channel(c) == "y" else self.target.channel(c)


def labelled_by(X: frame.Table, target: frame.Target, freq: Freq | int | None = None) -> frame.Target:
    """The target, with the labels of its covariates where only these have some."""
    if target.is_labelled or not X.is_labelled:
        return target
    n = len(target.values)
    if len(X.data) < n:
        raise ValueError(f"X has {len(X.data)} rows, but {target.name} has {n}; pass one row for each step")
    return replace(target, index=frame.read_index(X.data.index[:n], "X", freq))
