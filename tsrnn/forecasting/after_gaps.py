"""Forecasts of a series with gaps: the network fills those that it reads before it continues the series."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ..data.gaps import fill, trailing
from ..data.scaling import PanelScaling
from ..data.seasons import Seasons
from ..networks.network import Network
from .strategies import Strategy
from .strategies.base import Continuation

#: Longest gap at the end of a column, in steps, that paths are drawn through; the first steps of a longer one are point
#: forecasts.
LONGEST_GAP = 1000
#: Fraction of missing values in the fit up to which forecasts replace missing values inside a context.
FEW_MISSING = 0.1


class Gapped(NamedTuple):
    """A series to be continued.

    Attributes
    ----------
    values : (n, C)
        Missing values are filled by the last value before them.
    observed : (n, C) bool
    to_forecast : (n, C) bool
        Missing values that the network forecasts before it reads them.
    covariates : (n + n_steps, F)
        Covariates of the series and of the steps to forecast.
    """

    values: np.ndarray
    observed: np.ndarray
    to_forecast: np.ndarray
    covariates: np.ndarray


def to_forecast(observed: np.ndarray, fitted: np.ndarray | None) -> np.ndarray:
    """Missing values (n, C) that the network forecasts before it reads them.

    These are all at the end of a column, and those inside it where few of the `fitted` (m, C) values were missing.
    Where many were, the network has learned from contexts in which the last value stands for a missing one, and reads
    such contexts best. `fitted` may be None where nothing is missing.
    """
    if fitted is None:
        return ~observed
    inside = np.arange(len(fitted))[:, None] < len(fitted) - trailing(fitted)
    inside &= np.cumsum(fitted, axis=0) > 0
    missing = 1 - (fitted & inside).sum(axis=0) / inside.sum(axis=0)
    at_end = np.arange(len(observed))[:, None] >= len(observed) - trailing(observed)
    return ~observed & (at_end | (missing <= FEW_MISSING))


@dataclass(frozen=True)
class TrainedNetwork:
    """A trained network, and what its forecasts need beside it."""

    network: Network
    theta: np.ndarray
    strategy: Strategy
    scaling: PanelScaling
    seasons: Seasons
    context_length: int

    def after_gaps(self, function: Callable[..., Any], series: Gapped, *options: Any, joint: bool = False) -> Any:
        """``function(continuation, *options)`` for the steps after the series, (n_steps, ...), or None if it is None.

        `function` is a method of the strategy. Where a column ends in a gap, the function covers the rows of the gap,
        too, which are left out of the result. A `joint` function begins where the first column ends, and has what was
        observed of the other columns since. To be called within the backend's session. `options` and the result are
        those of the method, hence `Any`.
        """
        observed, length, n = series.observed, self.context_length, len(series.values)
        n_steps = len(series.covariates) - n
        seasonal = self.seasons.inputs(series.values, observed, n + n_steps)
        inputs = np.hstack([series.covariates, seasonal])
        theta = self.network.backend.upload(self.theta, self.network.dtype)

        def start(context: np.ndarray, row: int, n_steps: int, known: np.ndarray | None = None) -> Continuation:
            ahead = inputs[row - length : row + n_steps]
            return Continuation(self.network, theta, context[None], ahead[None], self.scaling, n_steps, known)

        def forecast(context: np.ndarray, row: int, n_steps: int) -> np.ndarray:
            return self.strategy.forecast(start(context, row, n_steps))[0]

        ends = n - trailing(observed)
        end = max(length, int(ends.max()))
        values = fill(series.values[:end], series.to_forecast[:end], length, forecast)
        first, known = end, None
        if joint and ends.min() < end:
            first = max(length, int(ends.min()), end - LONGEST_GAP)
            known = np.where(observed, series.values, np.nan)[first:]
        context = np.ascontiguousarray(values[first - length : first])
        result = function(start(context, first, n - first + n_steps, known), *options)
        return None if result is None else result[n - first :]
