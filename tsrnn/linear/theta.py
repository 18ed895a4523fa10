"""The theta models of many series: fit, forecasts with their variance, and random paths.

Equations and estimation are described in `tsrnn.kernels.theta`. The state x_t of a series after t values is (level,
mean, slope): the line through t values has the intercept A_t = mean - (t + 1) / 2 slope. A step is

    y_t = h_t' x_{t-1} + o_t + e_t,    x_t = F_t x_{t-1} + g_t y_t,

which is linear in the errors. So the variance of each forecast is exact for given parameters.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..data.channels import Channels
from ..kernels import get_theta

KINDS = ("none", "additive", "multiplicative")


@dataclass(frozen=True)
class ThetaModel:
    """The model of one series.

    Attributes
    ----------
    level, alpha, theta : float
        Initial level, smoothing parameter, and theta, which is infinite where the line has the weight 1.
    deviation : float
        Standard deviation of the errors of one step, of the seasonally adjusted series; NaN where no error was left to
        estimate it.
    kind : {"none", "additive", "multiplicative"}
        How the seasonal indices enter.
    seasonal : (m,) or (0,)
        Seasonal indices, the first one that of the first value of the series; empty without a season.
    """

    level: float
    alpha: float
    theta: float
    deviation: float
    kind: str
    seasonal: np.ndarray


@dataclass(frozen=True)
class Thetas:
    """The models of K series.

    Attributes
    ----------
    parameters : (K, 7)
        Columns as in `tsrnn.kernels.theta`: level, alpha, omega, deviation, intercept, slope, kind.
    seasonal : (K, m)
        Seasonal indices by phase; m is 1 without a season.
    dynamic : bool
        Whether the line is the one through the values so far, not the one through all values of the fit.
    """

    parameters: np.ndarray
    seasonal: np.ndarray
    dynamic: bool

    @classmethod
    def fit(cls, channels: Channels, m: int, dynamic: bool) -> Thetas:
        """Fit the model of each channel, with a season of m steps where the test finds one."""
        K, longest = len(channels), int(channels.n_rows.max(initial=1))
        parameters, seasonal = np.empty((K, 7)), np.empty((K, m))
        get_theta().fit(*_rows(channels), m, dynamic, parameters, seasonal, np.empty(6 * longest))
        return cls(parameters, seasonal, dynamic)

    def take(self, series: np.ndarray) -> Thetas:
        """Models of some of the series, (n,) int."""
        return Thetas(self.parameters[series], self.seasonal[series], self.dynamic)

    def replaced(self, series: np.ndarray, others: Thetas) -> Thetas:
        """These models with `others` (n,) in the places `series` (n,)."""
        parameters, seasonal = self.parameters.copy(), self.seasonal.copy()
        parameters[series], seasonal[series] = others.parameters, others.seasonal
        return Thetas(parameters, seasonal, self.dynamic)

    @property
    def deviation(self) -> np.ndarray:
        """Standard deviation of the errors, (K,)."""
        return self.parameters[:, 3]

    def __len__(self) -> int:
        return len(self.parameters)

    def __iter__(self) -> Iterator[ThetaModel]:
        return (self[k] for k in range(len(self)))

    def __getitem__(self, k: int) -> ThetaModel:
        level, alpha, omega, deviation, _, _, kind = (float(value) for value in self.parameters[k])
        theta = 1 / (1 - omega) if omega < 1 else np.inf
        seasonal = self.seasonal[k].copy() if kind else np.empty(0)
        return ThetaModel(level, alpha, theta, deviation, KINDS[int(kind)], seasonal)

    # ------------------------------------------------------------ forecasts
    def forecast(self, channels: Channels, n_steps: int) -> np.ndarray:
        """Forecasts of the steps after the rows of each channel, (K, n_steps)."""
        return self.paths(channels, n_steps, np.zeros((len(self), 1, 1)))[:, :, 0]

    def spread(self, channels: Channels, n_steps: int) -> np.ndarray:
        """Standard deviations of these steps, (K, n_steps)."""
        covariance, variances = np.zeros((len(self), 3, 3)), []
        for step in range(self.n_shocks(channels, n_steps)):
            now = self._step(channels.n_rows + step + 1)
            variances.append(1 + np.einsum("ki,kij,kj->k", now.effects, covariance, now.effects))
            gain = now.gain[:, :, None]
            change = now.transition + gain * now.effects[:, None, :]
            covariance = change @ covariance @ change.transpose(0, 2, 1) + gain * gain.transpose(0, 2, 1)
        rows = channels.gap[:, None] + np.arange(n_steps)
        spread = self.deviation[:, None] * np.sqrt(np.take_along_axis(np.stack(variances, axis=1), rows, axis=1))
        is_factor, indices = self._seasons(channels, rows)
        return spread * np.where(is_factor, np.abs(indices), 1.0)

    def paths(self, channels: Channels, n_steps: int, shocks: np.ndarray) -> np.ndarray:
        """Random paths of these steps, (K, n_steps, n_paths).

        The standard normal `shocks` are (K, n_shocks, n_paths), also for the rows of a gap before the steps; where they
        have one step, it is repeated.
        """
        n_shocks = self.n_shocks(channels, n_steps)
        shocks = self.deviation[:, None, None] * np.broadcast_to(shocks, (len(self), n_shocks, shocks.shape[2]))
        shocks = np.where(np.isnan(self.deviation)[:, None, None], 0.0, shocks)
        states, values = self._states(channels)[:, :, None], np.empty(shocks.shape)
        for step in range(n_shocks):
            now = self._step(channels.n_rows + step + 1)
            y = np.einsum("ki,kip->kp", now.effects, states) + now.offset[:, None] + shocks[:, step]
            states = now.transition @ states + now.gain[:, :, None] * y[:, None, :]
            values[:, step] = y
        rows = channels.gap[:, None] + np.arange(n_steps)
        is_factor, indices = self._seasons(channels, rows)
        values = np.take_along_axis(values, rows[:, :, None], axis=1)
        return np.where(is_factor[:, :, None], values * indices[:, :, None], values + indices[:, :, None])

    @staticmethod
    def n_shocks(channels: Channels, n_steps: int) -> int:
        """Number of steps from the last observed value of the channel with the longest gap to the last step."""
        return int(channels.gap.max(initial=0)) + n_steps

    # ------------------------------------------------------------ helpers
    def _states(self, channels: Channels) -> np.ndarray:
        """Level, mean and slope after the last observed value of each channel, (K, 3)."""
        states, longest = np.empty((len(self), 3)), int(channels.n_rows.max(initial=1))
        arguments = self.seasonal.shape[1], self.parameters, self.seasonal, states, np.empty(longest)
        get_theta().filter(*_rows(channels), *arguments)
        return states

    def _seasons(self, channels: Channels, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Whether each model has factors (K, 1), and the seasonal indices of rows (K, n) after the last observed one.

        Without a season they are 0, to be added.
        """
        phases = (channels.n_rows[:, None] + rows) % self.seasonal.shape[1]
        return self.parameters[:, 6:] == KINDS.index("multiplicative"), np.take_along_axis(self.seasonal, phases, 1)

    def _step(self, t: np.ndarray) -> _Step:
        """The step to the values t (K,), counted from 1; at least 2."""
        _, alpha, omega, _, intercept, slope, _ = self.parameters.T
        decay, zero = (1 - alpha) ** (t - 1), np.zeros(len(self))
        ramp = (1 - (1 - alpha) * decay) / alpha
        if self.dynamic:
            effects, offset = [zero + 1, omega * decay, omega * (ramp - decay * t / 2)], zero
        else:
            effects, offset = [zero + 1, zero, zero], omega * (decay * intercept + ramp * slope)
        gain = [alpha, 1 / t, 6 / (t * (t + 1))]
        transition = np.zeros((len(self), 3, 3))
        transition[:, 0, 0], transition[:, 1, 1] = 1 - alpha, (t - 1) / t
        transition[:, 2, 1], transition[:, 2, 2] = -6 / (t * (t + 1)), (t - 2) / (t + 1)
        return _Step(np.stack(effects, axis=1), offset, transition, np.stack(gain, axis=1))


@dataclass(frozen=True)
class _Step:
    """One step of K series: h (K, 3), o (K,), F (K, 3, 3) and g (K, 3) of the equations above."""

    effects: np.ndarray
    offset: np.ndarray
    transition: np.ndarray
    gain: np.ndarray


def _rows(channels: Channels) -> tuple[np.ndarray, ...]:
    """The first arguments of the compiled functions."""
    return channels.values, channels.observed, channels.first, channels.last
