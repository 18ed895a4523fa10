"""Naive forecasts of many series as random walks: of each phase of a season, or with a drift.

Hyndman & Athanasopoulos (2021), Forecasting: Principles and Practice, 3rd ed., sections 5.2 and 5.5
(https://otexts.com/fpp3/). A value that is missing is left out: the change between its neighbours takes more steps, and
its variance is that of these steps.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..data.channels import Channels


@dataclass(frozen=True)
class SeasonalWalk:
    """K series of which each phase of a season of m steps is a random walk; m = 1 is one random walk.

    Attributes
    ----------
    source : (K, m)
        Row of the last observed value of each phase, counted from the first value of the series; -1 without one.
    value : (K, m)
        Last observed value of each phase; that of the series where the phase has none.
    deviation : (K,)
        Standard deviation of the change over one season; NaN without two values one season apart.
    n_rows, gap : (K,) int
        Rows up to the last observed value, and after it.
    """

    source: np.ndarray
    value: np.ndarray
    deviation: np.ndarray
    n_rows: np.ndarray
    gap: np.ndarray

    @classmethod
    def of(cls, channels: Channels, m: int) -> SeasonalWalk:
        """The walks of all channels with a season of m steps."""
        K, (series, rows, values) = len(channels), observed_values(channels)
        groups = series * m + rows % m
        order = np.argsort(groups, kind="stable")
        groups, rows, values = groups[order], rows[order], values[order]
        is_pair = groups[1:] == groups[:-1]
        steps = (np.diff(rows) // m)[is_pair]
        changes = np.diff(values)[is_pair] / np.sqrt(steps)
        deviation = root_mean_square(changes, groups[1:][is_pair] // m, K, 0)
        source, value = np.full(K * m, -1, np.int64), np.repeat(channels.values[channels.last - 1], m)
        source[groups], value[groups] = rows, values  # later rows replace earlier ones
        return cls(source.reshape(K, m), value.reshape(K, m), deviation, channels.n_rows, channels.gap)

    def forecast(self, n_steps: int) -> np.ndarray:
        """Forecasts of the steps after the rows, (K, n_steps)."""
        return np.take_along_axis(self.value, self._phases(n_steps), axis=1)

    def spread(self, n_steps: int) -> np.ndarray:
        """Standard deviations of these steps, (K, n_steps): the variance grows with the seasons since the source."""
        return self.deviation[:, None] * np.sqrt(self._seasons_since(n_steps))

    def paths(self, n_steps: int, shocks: np.ndarray) -> np.ndarray:
        """Random paths (K, n_steps, n_paths) from standard normal `shocks` of the same shape."""
        since, m = self._seasons_since(n_steps), self.value.shape[1]
        changes = self.deviation[:, None, None] * shocks
        changes[:, :m] *= np.sqrt(since[:, :m, None])
        for step in range(m, n_steps):
            changes[:, step] += changes[:, step - m]
        return self.forecast(n_steps)[:, :, None] + changes

    def _rows(self, n_steps: int) -> np.ndarray:
        """Rows of the steps, (K, n_steps)."""
        return (self.n_rows + self.gap)[:, None] + np.arange(n_steps)

    def _phases(self, n_steps: int) -> np.ndarray:
        return self._rows(n_steps) % self.value.shape[1]

    def _seasons_since(self, n_steps: int) -> np.ndarray:
        """Seasons from the value that is repeated to each step, begun ones included, (K, n_steps)."""
        source = np.take_along_axis(self.source, self._phases(n_steps), axis=1)
        source = np.where(source < 0, self.n_rows[:, None] - 1, source)
        return -((source - self._rows(n_steps)) // self.value.shape[1])


@dataclass(frozen=True)
class DriftWalk:
    """K random walks with drift: each continues the line from its first to its last value.

    Attributes
    ----------
    value, slope : (K,)
        Last observed value, and mean change over one step; 0 with one value only.
    deviation : (K,)
        Standard deviation of the change over one step; NaN with fewer than three values.
    span : (K,)
        Steps from the first to the last observed value.
    gap : (K,) int
        Rows after the last observed value.
    """

    value: np.ndarray
    slope: np.ndarray
    deviation: np.ndarray
    span: np.ndarray
    gap: np.ndarray

    @classmethod
    def of(cls, channels: Channels) -> DriftWalk:
        """The walks of all channels."""
        K, (series, rows, values) = len(channels), observed_values(channels)
        value, span = channels.values[channels.last - 1], channels.n_rows - 1
        length = np.maximum(span, 1)
        slope = value / length - channels.values[channels.first] / length  # the difference may overflow
        is_pair = series[1:] == series[:-1]
        steps, of_series = np.diff(rows)[is_pair], series[1:][is_pair]
        changes = (np.diff(values)[is_pair] - slope[of_series] * steps) / np.sqrt(steps)
        return cls(value, slope, root_mean_square(changes, of_series, K, 1), span, channels.gap)

    def forecast(self, n_steps: int) -> np.ndarray:
        """Forecasts of the steps after the rows, (K, n_steps)."""
        return self.value[:, None] + self.slope[:, None] * self._steps(n_steps)

    def spread(self, n_steps: int) -> np.ndarray:
        """Standard deviations of these steps, (K, n_steps): those of the walk and of the estimated slope."""
        steps = self._steps(n_steps)
        return self.deviation[:, None] * np.sqrt(steps * (1 + steps / np.maximum(self.span, 1)[:, None]))

    def paths(self, n_steps: int, shocks: np.ndarray) -> np.ndarray:
        """Random paths (K, n_steps, n_paths) from standard normal `shocks` (K, 1 + n_steps, n_paths)."""
        steps = self._steps(n_steps)
        of_slope = shocks[:, :1] / np.sqrt(np.maximum(self.span, 1))[:, None, None] * steps[:, :, None]
        changes = shocks[:, 1:].copy()
        changes[:, 0] *= np.sqrt(steps[:, :1])
        walk = np.cumsum(changes, axis=1)
        return self.forecast(n_steps)[:, :, None] + self.deviation[:, None, None] * (of_slope + walk)

    def _steps(self, n_steps: int) -> np.ndarray:
        """Steps from the last observed value on, (K, n_steps)."""
        return self.gap[:, None] + 1.0 + np.arange(n_steps)


def observed_values(channels: Channels) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Number of the channel, row since its first value, and value, of all observed values in order."""
    series = np.repeat(np.arange(len(channels)), channels.n_rows)
    rows = np.arange(len(series)) - np.repeat(np.cumsum(channels.n_rows) - channels.n_rows, channels.n_rows)
    place = channels.first[series] + rows
    seen = channels.observed[place]
    return series[seen], rows[seen], channels.values[place[seen]]


def root_mean_square(changes: np.ndarray, series: np.ndarray, n_series: int, n_estimated: int) -> np.ndarray:
    """Root of the mean square of each series' changes, with `n_estimated` fewer of them; NaN where none are left."""
    largest, count = np.zeros(n_series), np.bincount(series, minlength=n_series) - n_estimated
    np.maximum.at(largest, series, np.abs(changes))
    unit = np.where(largest > 0, largest, 1.0)  # squares neither overflow nor vanish
    total = np.bincount(series, (changes / unit[series]) ** 2, minlength=n_series)
    root = np.where(np.isfinite(unit), unit * np.sqrt(total / np.maximum(count, 1)), np.inf)
    return np.where(count > 0, root, np.nan)
