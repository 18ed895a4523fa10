"""Covariates with missing values: the last value stands for a missing one, and a further input says so."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .panel import Panel


@dataclass(frozen=True)
class Completion:
    """How missing values of F covariates are replaced.

    Attributes
    ----------
    is_masked : (F,) bool
        Covariates of which values were missing in the fit. Each has a further input: 1 where it is known, else 0.
    substitute : (F,) float64
        What stands for values before the first known one of a series: the mean of all known values of the fit.
    """

    is_masked: np.ndarray
    substitute: np.ndarray

    @classmethod
    def learn(cls, values: np.ndarray) -> Completion:
        """Learn from all rows (N, F) of a fit."""
        known = ~np.isnan(values)
        n = known.sum(axis=0)
        return cls(~known.all(axis=0), np.where(known, values, 0.0).sum(axis=0) / np.maximum(n, 1))

    @property
    def n_outputs(self) -> int:
        """Number of inputs: the covariates and their masks."""
        return len(self.is_masked) + int(self.is_masked.sum())

    def complete(self, values: np.ndarray, indptr: np.ndarray, last: np.ndarray | None = None) -> np.ndarray:
        """Values (N, F) of series that begin at the rows `indptr` (S + 1,) without gaps, and the masks behind them.

        Before the first known value of a series stands its `last` (S, F) one before these rows, or else `substitute`:
        a later value would not have been known.
        """
        known = ~np.isnan(values)
        if known.all():
            return self._with_masks(values, known)
        series, rows = np.repeat(np.arange(len(indptr) - 1), np.diff(indptr)), np.arange(len(values))[:, None]
        before = np.maximum.accumulate(np.where(known, rows, -1), axis=0)  # row of the last known value, of any series
        is_own = before >= indptr[series, None]
        filled = np.broadcast_to(self.substitute, values.shape)
        if last is not None:
            filled = np.where(np.isnan(last[series]), filled, last[series])
        filled = np.where(is_own, np.take_along_axis(values, np.maximum(before, 0), axis=0), filled)
        return self._with_masks(filled, known)

    def complete_ahead(self, ahead: np.ndarray, panel: Panel, completed: np.ndarray) -> np.ndarray:
        """Values (S, h, F) of the steps after each series of a panel, whose rows have the `completed` ones (N, ...)."""
        S, h, F = ahead.shape
        last = completed[panel.indptr[1:] - 1, :F]
        return self.complete(ahead.reshape(S * h, F), h * np.arange(S + 1), last).reshape(S, h, -1)

    def _with_masks(self, values: np.ndarray, known: np.ndarray) -> np.ndarray:
        return np.hstack([values, known[:, self.is_masked]])
