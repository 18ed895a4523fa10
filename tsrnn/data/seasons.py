"""Seasons that are longer than the context, as inputs: what the series was whole seasons before each step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from .panel import Panel

#: Seasons back that are averaged at most, and the part of the series that their lags may span beyond the first.
MOST, SHARE = 3, 1 / 4
#: Without being asked for, a season is read where the series is so many times as long as its first lag.
LEAST = 3


@dataclass(frozen=True)
class Seasons:
    """The longer seasons that a network reads, and how far back.

    Attributes
    ----------
    lags : dict of int to tuple of int
        For each season the lags whose values are averaged: whole seasons, the first one at least the horizon, so that
        all of them are known for every step that is forecast.
    shortest : int
        Steps of the shortest season, over which the level is taken.
    """

    lags: dict[int, tuple[int, ...]] = field(default_factory=dict)
    shortest: int = 1

    @classmethod
    def choose(
        cls, lengths: Sequence[int], n: int, context_length: int, horizon: int, *, shortest: int, asked: bool
    ) -> Seasons:
        """Those of `lengths` that exceed the context; unless they were `asked` for, those with room in `n` rows."""
        lags: dict[int, tuple[int, ...]] = {}
        for length in lengths:
            first = -(-horizon // length) * length
            some = tuple(first + k * length for k in range(MOST) if k == 0 or first + k * length <= SHARE * n)
            reach = cls({length: some}, shortest).reach
            if length > context_length and (asked or (LEAST * first <= n and reach + context_length + horizon <= n)):
                lags[length] = some
        return cls(lags, shortest)

    @property
    def n_inputs(self) -> int:
        """Inputs of each channel: two of each season."""
        return 2 * len(self.lags)

    @property
    def first_lag(self) -> float:
        """Steps ahead up to which all inputs are known; without end where there are none."""
        return min((some[0] for some in self.lags.values()), default=np.inf)

    @property
    def reach(self) -> int:
        """Rows before a step that its inputs are computed from."""
        return max((some[-1] for some in self.lags.values()), default=1 - self.shortest) + self.shortest - 1

    def read(self, panel: Panel) -> Panel:
        """Panel with seasonal inputs behind what is `known`, without the first `reach` rows of each series."""
        known = [np.hstack([one.known, self.inputs(one.values, one.observed, len(one.values))]) for one in panel]
        return replace(panel, known=np.vstack(known)).part(self.reach)

    def inputs(self, values: np.ndarray, observed: np.ndarray, n_rows: int) -> np.ndarray:
        """Inputs of `n_rows` steps, the first ones those of the values (n, C): (n_rows, C * n_inputs), by channel.

        For each season the mean of the values at its lags, and the mean of that over the shortest season up to the
        step. Nothing is read that lies less than the first lag before the step, and nothing after the last value: for
        steps farther ahead the last season known repeats itself. Rows before `reach` are no more than filled up.
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
    """Values (n, C) for `n_rows` rows, in which one that is missing or yet to come is that of a season before.

    In the first season a missing value stays as it is filled.
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
