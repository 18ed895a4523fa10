"""The channels of all series of a panel, each from its first observed value on: what models of one variable read."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .panel import Panel


@dataclass(frozen=True)
class Channels:
    """K = S * C channels: those of the first series, then those of the second, and so on.

    Attributes
    ----------
    values : (C * N,)
        All rows of the first channel, then those of the second; a missing value is the last one before it.
    observed : (C * N,) bool
        Which values were observed.
    first, last : (K,) int64
        Channel k has the values ``first[k]`` to ``last[k] - 1``, from its first observed value to its last one.
    gap : (K,) int64
        Rows of the series after the channel's last observed value. Forecasts begin after them.
    """

    values: np.ndarray
    observed: np.ndarray
    first: np.ndarray
    last: np.ndarray
    gap: np.ndarray

    @classmethod
    def of(cls, panel: Panel) -> Channels:
        """The channels of a panel, each of which has an observed value."""
        N, C = panel.values.shape
        begin = panel.indptr[:-1, None] + N * np.arange(C)
        gap = panel.n_rows[:, None] - 1 - panel.last_observed
        first, last = begin + panel.first_observed, begin + panel.last_observed + 1
        return cls(panel.values.T.ravel(), panel.observed.T.ravel(), first.ravel(), last.ravel(), gap.ravel())

    def __len__(self) -> int:
        """Number of channels."""
        return len(self.first)

    @property
    def n_rows(self) -> np.ndarray:
        """Rows from the first observed value to the last one, (K,)."""
        return self.last - self.first

    def take(self, channels: np.ndarray) -> Channels:
        """Some of the channels, (n,) int."""
        chosen = (self.first[channels], self.last[channels], self.gap[channels])
        return Channels(self.values, self.observed, *chosen)
