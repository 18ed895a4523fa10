"""Scaling: how the values of a panel become inputs and targets of a network."""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass, replace

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from ..functions.scaling import is_scale
from .panel import Panel

#: Windows whose scales are computed at a time, so that memory does not grow with windows times length.
CHUNK = 1024
#: Rows of series whose scales are computed at a time.
MAX_ROWS = 100_000


def mean_and_scale(values: np.ndarray, observed: np.ndarray | bool = True) -> tuple[np.ndarray, np.ndarray]:
    """Mean and scale of the observed values over the last axis; the scale is the standard deviation, 1 for a constant.

    The sums are of differences from the last value in units of the largest, so that they neither overflow nor round a
    small deviation away, and the mean of a constant is exactly its value.
    """
    origin, n = values[..., -1:], np.broadcast_to(observed, values.shape).sum(axis=-1)
    differences = np.where(observed, values - origin, 0.0)
    largest = np.abs(differences).max(axis=-1)
    unit = np.where(largest > 0, largest, 1.0)
    differences /= unit[..., None]
    mean = differences.sum(axis=-1) / n
    deviation = unit * np.sqrt((np.where(observed, differences - mean[..., None], 0.0) ** 2).sum(axis=-1) / n)
    mean = origin[..., 0] + unit * mean
    return mean, np.where(is_scale(deviation, mean), deviation, 1.0)


# ---------------------------------------------------------------- scaling of the channels
class Scaling:
    """How channels are scaled.

    Attributes
    ----------
    mean, scale : (S, C)
        A scaled value of series s is ``(value - mean[s]) / scale[s]``. `fit` learns them from the training part.
    of_context : bool
        Whether each window is scaled by the mean and standard deviation of its own context in their place.
    """

    of_context = False
    mean: np.ndarray
    scale: np.ndarray

    def fit(self, values: np.ndarray, observed: np.ndarray, indptr: np.ndarray) -> Scaling:
        """Learn from values (N, C) of series that begin at the rows `indptr` (S + 1,); missing ones do not count."""
        self.mean, self.scale = (
            np.zeros((len(indptr) - 1, values.shape[1])),
            np.ones((len(indptr) - 1, values.shape[1])),
        )
        return self

    def joined(self, panel: Panel) -> Scaling:
        """The scaling of the series so far, and after them of those of a panel, each learned from its own rows."""
        other = copy(self)
        other.fit(panel.values, panel.observed, panel.indptr)
        other.mean, other.scale = np.vstack([self.mean, other.mean]), np.vstack([self.scale, other.scale])
        return other

    def of_contexts(self, contexts: np.ndarray, series: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Shift and scale of windows of these series (n,) with the given contexts (n, length, C): (n, C) both."""
        return self.mean[series], self.scale[series]


class NoScaling(Scaling):
    """Values as they are."""


class StandardScaling(Scaling):
    """Mean and standard deviation of the training part of each series."""

    def fit(self, values: np.ndarray, observed: np.ndarray, indptr: np.ndarray) -> Scaling:
        """Mean and standard deviation of each channel of each series."""
        super().fit(values, observed, indptr)
        lengths = np.diff(indptr)
        for n in np.unique(lengths[lengths > 0]) if values.shape[1] else ():
            same = np.flatnonzero(lengths == n)  # series of one length are computed together
            for chunk in np.array_split(same, -(-len(same) // max(1, MAX_ROWS // n))):
                rows = indptr[chunk, None] + np.arange(n)
                seen = observed[rows]
                seen |= ~seen.any(axis=1, keepdims=True)
                self.mean[chunk], self.scale[chunk] = mean_and_scale(
                    np.moveaxis(values[rows], 1, 2), np.moveaxis(seen, 1, 2)
                )
        return self


class WindowScaling(Scaling):
    """Mean and standard deviation of each window's context: level and amplitude may wander."""

    of_context = True

    def of_contexts(self, contexts: np.ndarray, series: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation of each context."""
        return mean_and_scale(np.moveaxis(contexts, 1, 2))


#: What ``scaling=`` accepts.
SCALINGS: dict[str | None, type[Scaling]] = {"window": WindowScaling, "standard": StandardScaling, None: NoScaling}


# ---------------------------------------------------------------- scales of windows
@dataclass(frozen=True)
class Scales:
    """Shift and scale of inputs and targets for windows, each of which has a row of the table.

    Attributes
    ----------
    table : (2, R, n_inputs + n_targets) float64
        Shift and scale of the inputs, then of the targets; a row for each series.
    n_inputs : int
    of_context : (n_inputs + n_targets,) int64
        The input whose mean and standard deviation over the window's own context replace those of the table; -1 where
        the table holds.
    n_context : int
        Rows of this context, from the first row of the window on.
    values : (N, C) float64 or None
        The panel's values, where `of_context` needs them.
    """

    table: np.ndarray
    n_inputs: int
    of_context: np.ndarray
    n_context: int = 0
    values: np.ndarray | None = None

    @classmethod
    def of_table(
        cls, shift: np.ndarray, scale: np.ndarray, target_shift: np.ndarray, target_scale: np.ndarray
    ) -> Scales:
        """Scales that do not depend on contexts: of the inputs (R, n_inputs) and of the targets (R, n_targets)."""
        table = np.stack([np.hstack([shift, target_shift]), np.hstack([scale, target_scale])])
        return cls(table, shift.shape[1], np.full(table.shape[2], -1, np.int64))

    def of_windows(self, start: np.ndarray, row: np.ndarray) -> np.ndarray:
        """Shift and scale of windows that begin at `start` (n,) and have these rows of the table: (2, n, I + C)."""
        moments = self.table[:, row]
        replaced = np.flatnonzero(self.of_context >= 0)
        if len(replaced):
            for chunk, shift, scale in self._contexts(start):
                moments[0, chunk, replaced[:, None]] = shift[:, self.of_context[replaced]].T
                moments[1, chunk, replaced[:, None]] = scale[:, self.of_context[replaced]].T
        return moments

    def _contexts(self, start: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Numbers of some windows, and mean and scale of each channel over their contexts."""
        assert self.values is not None
        contexts = sliding_window_view(self.values, self.n_context, axis=0)
        for first in range(0, len(start), CHUNK):
            chunk = np.arange(first, min(first + CHUNK, len(start)))
            yield chunk, *mean_and_scale(contexts[start[chunk]])


@dataclass(frozen=True)
class PanelScaling:
    """How the channels of a panel are scaled, and its covariates, always by mean and standard deviation.

    Each channel has `n_seasonal` seasonal inputs, which are earlier values of it and scaled as it is.
    """

    target: Scaling
    covariates: StandardScaling
    n_seasonal: int = 0

    @classmethod
    def fit(cls, name: str | None, panel: Panel, n_seasonal: int = 0) -> PanelScaling:
        """Learn from the training part of a panel, whose `known` (N, F + C * n_seasonal) begins with F covariates."""
        covariates = panel.known[:, : panel.known.shape[1] - panel.values.shape[1] * n_seasonal]
        of_covariates = StandardScaling()
        of_covariates.fit(covariates, np.ones(covariates.shape, bool), panel.indptr)
        return cls(SCALINGS[name]().fit(panel.values, panel.observed, panel.indptr), of_covariates, n_seasonal)

    def joined(self, panel: Panel) -> PanelScaling:
        """The scaling of the series so far, and after them of those of a panel, whose `known` are the covariates."""
        of_covariates = replace(panel, values=panel.known, observed=np.ones(panel.known.shape, bool))
        return replace(self, target=self.target.joined(panel), covariates=self.covariates.joined(of_covariates))

    def scales(self, values: np.ndarray, n_context: int) -> Scales:
        """Scales of windows into values (N, C), with contexts of `n_context` rows."""
        tables = []
        for own, of_covariates in (
            (self.target.mean, self.covariates.mean),
            (self.target.scale, self.covariates.scale),
        ):
            tables.append(np.hstack([own, of_covariates, np.repeat(own, self.n_seasonal, axis=1), own]))
        C, F = values.shape[1], self.covariates.mean.shape[1]
        channels = np.arange(C) if self.target.of_context else np.full(C, -1)
        of_context = np.concatenate([channels, np.full(F, -1), np.repeat(channels, self.n_seasonal), channels])
        n_inputs = C + F + C * self.n_seasonal
        return Scales(np.stack(tables), n_inputs, of_context.astype(np.int64), n_context, values)
