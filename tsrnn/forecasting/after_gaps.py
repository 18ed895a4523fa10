"""Forecasts of series with gaps: the network fills those that it reads before it continues a series."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from ..data.gaps import fill, first_to_fill, trailing
from ..data.levels import Lags, next_level, summed, through_gap
from ..data.panel import Panel
from ..data.scaling import PanelScaling
from ..data.seasons import Seasons
from ..data.static import Static
from ..networks.network import Handle, Network
from .strategies import Strategy
from .strategies.base import Continuation

#: Longest gap at the end of a column, in steps, that paths are drawn through; the first steps of a longer one are point
#: forecasts.
LONGEST_GAP = 1000
#: Fraction of missing values in the fit up to which forecasts replace missing values inside a context.
FEW_MISSING = 0.1
#: Series that are continued together, so that memory does not grow with their number.
CHUNK = 4096


class Before(NamedTuple):
    """Series to be continued.

    Attributes
    ----------
    panel : Panel
        Missing values are filled by the last value before them; `known` are the covariates.
    to_forecast : (N, C) bool
        Missing values that the network forecasts before it reads them.
    ahead : (S, n_steps, F)
        Covariates of the steps to forecast.
    series : (S,) int
        Their rows among those of the scaling.
    levels : Panel or None
        Where the values are differences, to be summed: the levels up to the same last rows; see `data.levels`.
    """

    panel: Panel
    to_forecast: np.ndarray
    ahead: np.ndarray
    series: np.ndarray
    levels: Panel | None = None

    def take(self, chosen: np.ndarray) -> Before:
        """Some of the series."""
        rows, levels = self.panel.rows_of(chosen), None if self.levels is None else self.levels.take(chosen)
        return Before(self.panel.take(chosen), self.to_forecast[rows], self.ahead[chosen], self.series[chosen], levels)


def has_few_missing(fitted: Panel) -> np.ndarray:
    """Whether few values of each channel were missing, (C,) bool, between the first and the last of a series."""
    n_inside = (fitted.last_observed - fitted.first_observed + 1).sum(axis=0)
    missing = 1 - fitted.observed.sum(axis=0) / np.maximum(n_inside, 1)
    return missing <= FEW_MISSING


def to_forecast(panel: Panel, few_missing: np.ndarray) -> np.ndarray:
    """Missing values (N, C) that the network forecasts before it reads them.

    These are all at the end of a column, and those inside it where the fit had `few_missing` (C,) in the same channel.
    Where it had many, the network has learned from contexts in which the last value stands for a missing one, and reads
    such contexts best.
    """
    if panel.observed.all():
        return np.zeros(panel.observed.shape, bool)
    at_end = panel.positions[:, None] > panel.last_observed[panel.series]
    return ~panel.observed & (at_end | few_missing)


@dataclass(frozen=True)
class TrainedNetwork:
    """A trained network, and what its forecasts need beside it."""

    network: Network
    theta: np.ndarray
    strategy: Strategy
    scaling: PanelScaling
    seasons: Seasons
    context_length: int
    static: Static | None = None
    lags: Lags = ()

    def after_gaps(
        self,
        function: Callable[..., Any],
        before: Before,
        *options: Any,
        rngs: Sequence[np.random.RandomState] | None = None,
        joint: bool = False,
    ) -> Any:
        """``function(continuation, *options)`` for the steps after each series, (S, n_steps, ...); or None.

        `function` is a method of the strategy, whose result it may be that is None. Where a column ends in a gap, the
        function covers the rows of the gap, too, which are left out of the result. A `joint` function begins where the
        first column ends, and has what was observed of the other columns since. With `rngs`, a generator for each
        series, those of the series that are continued are the last of its options. Where `before` has levels, the
        function's result is of differences, and is summed to levels. To be called within the backend's session.
        `options` and the result are those of the method, hence `Any`.
        """
        theta = self.network.backend.upload(self.theta, self.network.dtype)
        has_gaps, results = self._has_gaps(before), None
        plain = np.flatnonzero(~has_gaps)
        parts = [(plain[k : k + CHUNK], False) for k in range(0, len(plain), CHUNK)]
        parts += [(np.array([s]), True) for s in np.flatnonzero(has_gaps)]
        for chosen, with_gaps in parts:
            given = options if rngs is None else (*options, [rngs[s] for s in chosen])
            if with_gaps:
                found = self._after_gap(function, before.take(chosen), theta, *given, joint=joint)
            else:
                found = function(self._start(before, chosen, theta), *given)
                if found is not None and before.levels is not None:
                    found = self._summed(found, before.levels.take(chosen))
            if found is None:
                return None
            if len(chosen) == len(has_gaps):
                return found
            if results is None:
                results = np.empty((len(has_gaps), *found.shape[1:]))
            results[chosen] = found
        return results

    def _has_gaps(self, before: Before) -> np.ndarray:
        """Whether a value among those that a forecast reads is to be forecast first, (S,) bool."""
        panel = before.panel
        if not before.to_forecast.any():
            return np.zeros(len(panel), bool)
        read = panel.positions >= (panel.n_rows - self.context_length)[panel.series]
        return np.bincount(panel.series, weights=before.to_forecast.any(axis=1) & read, minlength=len(panel)) > 0

    def _start(self, before: Before, chosen: np.ndarray, theta: Handle) -> Continuation:
        """Continuation of the `chosen` series, without gaps, from their ends on.

        Of a series that is shorter than the context all rows are read.
        """
        panel, length, n_steps = before.panel, self.context_length, before.ahead.shape[1]
        first, last = panel.indptr[:-1][chosen], panel.indptr[1:][chosen]
        late = np.maximum(length - (last - first), 0)
        rows = np.maximum(last[:, None] - length + np.arange(length), first[:, None])
        known = np.concatenate([panel.known[rows], before.ahead[chosen]], axis=1)
        if self.seasons.n_inputs:
            known = np.concatenate([known, self._seasonal(panel.take(chosen), n_steps)], axis=2)
        return Continuation(
            self.network, theta, panel.values[rows], known, self.scaling, n_steps, None, before.series[chosen], late,
            panel.past[rows], self.static, panel.masks()[rows] if self.scaling.masks else None,
        )  # fmt: skip

    def _summed(self, changes: np.ndarray, levels: Panel) -> np.ndarray:
        """Levels (S, n_steps, C, ...) after those of series without gaps."""
        n = sum(self.lags)
        before = levels.values[levels.indptr[1:, None] - n + np.arange(n)]
        return summed(changes, before[(..., *(None,) * (changes.ndim - 3))], self.lags)

    def _seasonal(self, panel: Panel, n_steps: int) -> np.ndarray:
        """Seasonal inputs of the contexts and of the steps ahead, (S, context_length + n_steps, C * n_inputs)."""
        n, inputs = panel.n_rows, self.seasons.of_panel(panel, n_steps)
        rows = np.maximum(n[:, None] - self.context_length + np.arange(self.context_length + n_steps), 0)
        return inputs[(panel.indptr[:-1] + n_steps * np.arange(len(panel)))[:, None] + rows]

    def _after_gap(
        self, function: Callable[..., Any], before: Before, theta: Handle, *options: Any, joint: bool
    ) -> Any:
        """`after_gaps` for a single series, whose context has missing values."""
        length, (panel, to_forecast, ahead, series, levels) = self.context_length, before
        lacking = max(0, length - len(panel.values))
        if lacking:  # it is shorter than a context: copies of its first row come before it, and are not read
            panel = panel.lengthened(np.array([lacking]), np.array([0]))
            to_forecast = np.vstack([np.zeros((lacking, to_forecast.shape[1]), bool), to_forecast])
        values, observed, n = panel.values, panel.observed, len(panel.values)
        n_steps, known = ahead.shape[1], np.concatenate([panel.known, ahead[0]])
        inputs = np.hstack([known, self.seasons.inputs(values, observed, n + n_steps)])
        masks = replace(panel, observed=observed | to_forecast).masks() if self.scaling.masks else None

        def start(context: np.ndarray, row: int, n_steps: int, known: np.ndarray | None = None) -> Continuation:
            ahead = inputs[row - length : row + n_steps]
            late = np.array([max(0, lacking - (row - length))])
            past = panel.past[np.minimum(np.arange(row - length, row), n - 1)]
            return Continuation(
                self.network, theta, context[None], ahead[None], self.scaling, n_steps, known, series, late,
                past[None], self.static, None if masks is None else masks[None, row - length : row],
            )  # fmt: skip

        def forecast(context: np.ndarray, row: int, n_steps: int) -> np.ndarray:
            return self.strategy.forecast(start(context, row, n_steps))[0]

        ends = n - trailing(observed)
        end = max(length, int(ends.max()))
        values = fill(values[:end], to_forecast[:end], length, forecast)
        first, seen = end, None
        if joint and ends.min() < end:
            first = max(length, int(ends.min()), end - LONGEST_GAP)
            seen = np.where(observed, panel.values, np.nan)[first:]
        context = np.ascontiguousarray(values[first - length : first])
        result = function(start(context, first, n - first + n_steps, seen), *options)
        if result is None or levels is None:
            return None if result is None else result[:, n - first :]
        begin = first_to_fill(np.asarray(to_forecast[:end].any(axis=1)), length)
        return self._summed_after_gap(values[begin:first], result[0], to_forecast[begin:first], levels, n - first)

    def _summed_after_gap(
        self, filled: np.ndarray, result: np.ndarray, is_filled: np.ndarray, levels: Panel, n_gap: int
    ) -> np.ndarray:
        """Levels (1, n_steps, C, ...) after a gap of `n_gap` rows; `result` (n_gap + n_steps, C, ...) begins in it.

        `filled` (m, C) are the differences of the rows before it, of which the network has forecast some.
        """
        n, values, observed = sum(self.lags), levels.values.copy(), levels.observed
        end = len(values) - n_gap
        begin = end - len(filled)
        is_forecast = is_filled & ~observed[begin:end]
        for k in np.flatnonzero(is_forecast.any(axis=1)):
            row = begin + int(k)
            level = next_level(filled[k], values[row - n : row], self.lags)
            values[row] = np.where(is_forecast[k], level, values[row])
        before = through_gap(result[:n_gap], values[end - n : end], observed[end:], values[end:], self.lags)
        return summed(result[None, n_gap:], before[None], self.lags)
