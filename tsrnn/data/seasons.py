"""Seasonal inputs: for seasons longer than the context, the values whole seasons before each step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from .panel import Panel

#: Largest number of seasons that are averaged, and largest fraction of the series that later lags may span.
MAX_SEASONS, MAX_SPAN = 3, 1 / 4
#: A season that was not asked for is used if the series is at least so many times as long as its first lag.
MIN_LENGTH = 3
#: Rows whose inputs are computed at a time.
MAX_ROWS = 100_000


@dataclass(frozen=True)
class Seasons:
    """The seasons longer than the context that a network reads, and the lags that it reads of them.

    Attributes
    ----------
    lags : dict of int to tuple of int
        For each season length the lags whose values are averaged: multiples of the length, and at least the horizon,
        so that their values are known for every forecast step.
    shortest : int
        Length of the shortest season, over which the level is averaged.
    """

    lags: dict[int, tuple[int, ...]] = field(default_factory=dict)
    shortest: int = 1

    @classmethod
    def choose(
        cls, lengths: Sequence[int], n: int, context_length: int, horizon: int, *, shortest: int, asked: bool
    ) -> Seasons:
        """The seasons among `lengths` that exceed the context and, unless they were `asked` for, fit into `n` rows."""
        lags: dict[int, tuple[int, ...]] = {}
        for length in lengths:
            first = -(-horizon // length) * length
            some = tuple(first + k * length for k in range(MAX_SEASONS) if k == 0 or first + k * length <= MAX_SPAN * n)
            reach = cls({length: some}, shortest).reach
            if length > context_length and (
                asked or (MIN_LENGTH * first <= n and reach + context_length + horizon <= n)
            ):
                lags[length] = some
        return cls(lags, shortest)

    @property
    def n_inputs(self) -> int:
        """Number of seasonal inputs of each channel: two for each season."""
        return 2 * len(self.lags)

    @property
    def first_lag(self) -> float:
        """Number of steps ahead for which all inputs are known; infinite without seasons."""
        return min((some[0] for some in self.lags.values()), default=np.inf)

    @property
    def reach(self) -> int:
        """Number of rows before a step from which its inputs are computed."""
        return max((some[-1] for some in self.lags.values()), default=1 - self.shortest) + self.shortest - 1

    def read(self, panel: Panel) -> Panel:
        """Panel with seasonal inputs behind what is `known`, without the first `reach` rows of each series."""
        if not self.lags:
            return panel.part(self.reach)
        return replace(panel, known=np.hstack([panel.known, self.of_panel(panel)])).part(self.reach)

    def of_panel(self, panel: Panel, n_ahead: int = 0) -> np.ndarray:
        """Seasonal inputs of the rows of a panel and of `n_ahead` after each series, (N + S * n_ahead, C * n_inputs).

        Those of a series come after those of the series before.
        """
        C, n_rows, indptr = panel.values.shape[1], panel.n_rows, panel.indptr + n_ahead * np.arange(len(panel) + 1)
        found = np.zeros((int(indptr[-1]), C * self.n_inputs))
        for n in np.unique(n_rows[n_rows > 0]) if self.lags else ():
            same = np.flatnonzero(n_rows == n)  # series of one length are computed together, as more channels
            for some in np.array_split(same, -(-len(same) // max(1, MAX_ROWS // n))):
                rows = panel.indptr[some] + np.arange(n)[:, None]
                values, observed = (array[rows].reshape(n, len(some) * C) for array in (panel.values, panel.observed))
                inputs = self.inputs(values, observed, n + n_ahead).reshape(n + n_ahead, len(some), C * self.n_inputs)
                found[indptr[some] + np.arange(n + n_ahead)[:, None]] = inputs
        return found

    def inputs(self, values: np.ndarray, observed: np.ndarray, n_rows: int) -> np.ndarray:
        """Seasonal inputs of `n_rows` steps, the first n with values (n, C): (n_rows, C * n_inputs), by channel.

        For each season: the mean of the values at its lags, and the mean of these means over the shortest season up to
        the step. Every value lies at least the first lag before the step. For steps further ahead than that, the last
        observed season is repeated. The first `reach` rows have too few values before them and are only fillers.
        """
        found = []
        for length, lags in self.lags.items():
            series = carried_on(values, observed, length, n_rows) / len(lags)
            rows = np.arange(n_rows)
            mean = sum((series[np.maximum(rows - lag, 0)] for lag in lags), start=np.zeros_like(series))
            level = np.zeros_like(mean)
            for k in range(self.shortest):
                level += mean[np.maximum(rows - k, 0)] / self.shortest
            found += [mean, level]
        shape = (n_rows, values.shape[1] * self.n_inputs)
        return np.stack(found, axis=-1).reshape(shape) if found else np.empty(shape)


def carried_on(values: np.ndarray, observed: np.ndarray, length: int, n_rows: int) -> np.ndarray:
    """Values (n, C) continued to `n_rows` rows: a missing or future value is the one a season before it.

    Missing values of the first season keep what they are filled with.
    """
    n, C = values.shape
    series, known = np.empty((n_rows, C)), np.zeros((n_rows, C), bool)
    series[:n], known[:n] = values, observed
    series[n:] = values[-1]
    for first in range(length, n_rows, length):
        last = min(first + length, n_rows)
        before = series[first - length : last - length]
        series[first:last] = np.where(known[first:last], series[first:last], before)
    return series
