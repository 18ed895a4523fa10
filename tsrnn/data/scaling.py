"""Scaling: how the values of a panel become inputs and targets of a network."""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass, replace

import numpy as np

from ..functions.scaling import LAST, MEAN, MEAN_AND_SCALE, NOTHING, is_scale
from .panel import Panel

#: Windows whose scales are computed at a time, so that memory does not grow with windows times length.
CHUNK = 1024
#: Steps without an observation are counted in units of so many, so that long gaps do not saturate a network.
TIME_UNIT = 10.0
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


def median_and_range(values: np.ndarray, observed: np.ndarray | bool = True) -> tuple[np.ndarray, np.ndarray]:
    """Median and interquartile range of the observed values over the last axis.

    Between two order statistics quantiles are interpolated linearly (Hyndman & Fan 1996, doi:10.2307/2684934, type 7).
    Where the middle half of the values are equal, this range is 0; the standard deviation, or 1 for a constant, then
    takes its place.
    """
    ordered = np.sort(np.where(observed, values, np.inf), axis=-1)
    n = np.broadcast_to(observed, values.shape).sum(axis=-1)

    def quantile(level: float) -> np.ndarray:
        place = level * (n - 1)
        low = np.floor(place).astype(np.int64)
        below, above = (
            np.take_along_axis(ordered, k[..., None], -1)[..., 0] for k in (low, np.minimum(low + 1, n - 1))
        )
        return below + (place - low) * (above - below)

    median, spread = quantile(0.5), quantile(0.75) - quantile(0.25)
    return median, np.where(is_scale(spread, median), spread, mean_and_scale(values, observed)[1])


# ---------------------------------------------------------------- scaling of the channels
class Scaling:
    """How channels are scaled.

    Attributes
    ----------
    mean, scale : (S, C)
        A scaled value of series s is ``(value - mean[s]) / scale[s]``. `fit` learns them from the training part.
    replaced : int
        What the context of each window gives in their place: NOTHING, LAST, MEAN or MEAN_AND_SCALE of
        `functions.scaling`.
    """

    replaced = NOTHING
    mean: np.ndarray
    scale: np.ndarray

    def fit(self, values: np.ndarray, observed: np.ndarray, indptr: np.ndarray) -> Scaling:
        """Learn from values (N, C) of series that begin at the rows `indptr` (S + 1,); missing ones do not count."""
        shape = (len(indptr) - 1, values.shape[1])
        self.mean, self.scale = np.zeros(shape), np.ones(shape)
        return self

    def joined(self, panel: Panel) -> Scaling:
        """The scaling of the series so far, and after them of those of a panel, each learned from its own rows."""
        other = copy(self)
        other.fit(panel.values, panel.observed, panel.indptr)
        other.mean, other.scale = np.vstack([self.mean, other.mean]), np.vstack([self.scale, other.scale])
        return other

    def of_contexts(self, contexts: np.ndarray, series: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Shift and scale of windows of these series (n,) with the given contexts (n, length, C): (n, C) both."""
        return of_contexts(contexts, self.replaced, self.mean[series], self.scale[series])


def of_contexts(
    contexts: np.ndarray, replaced: int, shift: np.ndarray, scale: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Shift and scale (n, C) where contexts (n, length, C) replace a part of those given, as `replaced` tells."""
    if replaced == NOTHING:
        return shift, scale
    if replaced == LAST:
        return contexts[:, -1], scale
    mean, deviation = mean_and_scale(np.moveaxis(contexts, 1, 2))
    return mean, deviation if replaced == MEAN_AND_SCALE else scale


class NoScaling(Scaling):
    """Values as they are."""


class StandardScaling(Scaling):
    """Mean and standard deviation of the training part of each series."""

    def fit(self, values: np.ndarray, observed: np.ndarray, indptr: np.ndarray) -> Scaling:
        """Shift and scale of each channel of each series; of one without observed values those of what fills it."""
        super().fit(values, observed, indptr)
        lengths = np.diff(indptr)
        for n in np.unique(lengths[lengths > 0]) if values.shape[1] else ():
            same = np.flatnonzero(lengths == n)  # series of one length are computed together
            for chunk in np.array_split(same, -(-len(same) // max(1, MAX_ROWS // n))):
                rows = indptr[chunk, None] + np.arange(n)
                self.mean[chunk], self.scale[chunk] = self._moments(values[rows], observed[rows])
        return self

    def _moments(self, values: np.ndarray, observed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Shift and scale (S, C) of series (S, n, C) of one length."""
        observed = observed | ~observed.any(axis=1, keepdims=True)
        return self._of_last_axis(np.moveaxis(values, 1, 2), np.moveaxis(observed, 1, 2))

    _of_last_axis = staticmethod(mean_and_scale)


class RobustScaling(StandardScaling):
    """Median and interquartile range of the training part of each series: single outliers change neither."""

    _of_last_axis = staticmethod(median_and_range)


class PooledScaling(StandardScaling):
    """One mean and standard deviation over the training parts of all series: their levels stay comparable."""

    def fit(self, values: np.ndarray, observed: np.ndarray, indptr: np.ndarray) -> Scaling:
        """Mean and standard deviation of each channel, the same for all series."""
        Scaling.fit(self, values, observed, indptr)
        if values.size:
            self.mean[:], self.scale[:] = self._moments(values[None], observed[None])
        return self

    def joined(self, panel: Panel) -> Scaling:
        """The same scaling for more series."""
        other, number = copy(self), np.zeros(len(self.mean) + len(panel), np.int64)
        other.mean, other.scale = self.mean[number], self.scale[number]
        return other


class LastScaling(StandardScaling):
    """Shift by the last value of each window's context; the scale is that of the series' training part."""

    replaced = LAST


class MeanScaling(StandardScaling):
    """Shift by the mean of each window's context; the scale is that of the series' training part."""

    replaced = MEAN


class WindowScaling(Scaling):
    """Mean and standard deviation of each window's context: level and amplitude may wander."""

    replaced = MEAN_AND_SCALE


#: What ``scaling=`` accepts.
SCALINGS: dict[str | None, type[Scaling]] = {
    "window": WindowScaling,
    "standard": StandardScaling,
    "pooled": PooledScaling,
    "robust": RobustScaling,
    "last": LastScaling,
    "mean": MeanScaling,
    None: NoScaling,
}


# ---------------------------------------------------------------- scales of windows
@dataclass(frozen=True)
class Scales:
    """Shift and scale of inputs and targets for windows, each of which has a row of the table.

    Attributes
    ----------
    table : (2, R, n_inputs + n_targets) float64
        Shift and scale of the inputs, then of the targets; a row for each series.
    n_inputs : int
    of_context : (2, n_inputs + n_targets) int64
        What the window's own context gives in the place of the table (NOTHING, LAST, MEAN or MEAN_AND_SCALE of
        `functions.scaling`), and the input whose context that is.
    values : (N, C) float64 or None
        The panel's values, where `of_context` needs them.
    """

    table: np.ndarray
    n_inputs: int
    of_context: np.ndarray
    values: np.ndarray | None = None

    @classmethod
    def of_table(
        cls, shift: np.ndarray, scale: np.ndarray, target_shift: np.ndarray, target_scale: np.ndarray
    ) -> Scales:
        """Scales that do not depend on contexts: of the inputs (R, n_inputs) and of the targets (R, n_targets)."""
        table = np.stack([np.hstack([shift, target_shift]), np.hstack([scale, target_scale])])
        return cls(table, shift.shape[1], np.full((2, table.shape[2]), NOTHING, np.int64))

    def of_windows(self, start: np.ndarray, target: np.ndarray, row: np.ndarray) -> np.ndarray:
        """Shift and scale (2, n, I + C) of windows with these rows of the table, (n,).

        Their contexts are the panel's rows from `start` (n,) to the one before `target` (n,).
        """
        moments = self.table[:, row]
        for replaced in np.unique(self.of_context[0]):
            columns = np.flatnonzero(self.of_context[0] == replaced)
            for some, contexts in self._contexts(start, target) if replaced != NOTHING else ():
                at = (some[:, None], columns)
                own = contexts[:, :, self.of_context[1, columns]]
                moments[0][at], moments[1][at] = of_contexts(own, replaced, moments[0][at], moments[1][at])
        return moments

    def _contexts(self, start: np.ndarray, target: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Numbers of some windows (k,) with contexts of one length, and these contexts (k, length, C)."""
        assert self.values is not None
        for length in np.unique(target - start):
            same = np.flatnonzero(target - start == length)
            for first in range(0, len(same), CHUNK):
                some = same[first : first + CHUNK]
                yield some, self.values[start[some, None] + np.arange(length)]


@dataclass(frozen=True)
class PanelScaling:
    """How the channels of a panel are scaled, and its covariates, always by one mean and deviation for all series.

    `covariates` are those of the past, then those that are known.
    Each channel has `n_seasonal` seasonal inputs, which are earlier values of it and scaled as it is.
    With `masks` the last inputs are those of `Panel.masks`.
    """

    target: Scaling
    covariates: Scaling
    n_seasonal: int = 0
    masks: bool = False

    @classmethod
    def fit(cls, name: str | None, panel: Panel, n_seasonal: int = 0, *, masks: bool = False) -> PanelScaling:
        """Learn from the training part of a panel, whose `known` (N, F + C * n_seasonal) begins with F covariates."""
        n_covariates = panel.known.shape[1] - panel.values.shape[1] * n_seasonal
        covariates = np.hstack([panel.past, panel.known[:, :n_covariates]])
        is_own = np.broadcast_to(panel.is_own[:, None], covariates.shape)
        of_covariates = PooledScaling()
        of_covariates.fit(covariates, is_own, panel.indptr)
        return cls(SCALINGS[name]().fit(panel.values, panel.observed, panel.indptr), of_covariates, n_seasonal, masks)

    def joined(self, panel: Panel) -> PanelScaling:
        """The scaling of the series so far, and after them of those of a panel."""
        return replace(self, target=self.target.joined(panel), covariates=self.covariates.joined(panel))

    def scales(self, values: np.ndarray) -> Scales:
        """Scales of windows into values (N, C)."""
        (R, C), F = self.target.mean.shape, self.covariates.mean.shape[1]
        n_masks = C if self.masks else 0
        zeros, ones = np.zeros((R, n_masks)), np.ones((R, n_masks))
        tables = [
            np.hstack([own, of_covariates, np.repeat(own, self.n_seasonal, axis=1), of_masks, of_times, own])
            for own, of_covariates, of_masks, of_times in (
                (self.target.mean, self.covariates.mean, zeros, zeros),
                (self.target.scale, self.covariates.scale, ones, TIME_UNIT * ones),
            )
        ]
        channels, others = np.arange(C), np.full(2 * n_masks, -1)
        channel = np.concatenate([channels, np.full(F, -1), np.repeat(channels, self.n_seasonal), others, channels])
        of_context = np.stack([np.where(channel < 0, NOTHING, self.target.replaced), np.maximum(channel, 0)])
        return Scales(np.stack(tables), len(channel) - C, of_context.astype(np.int64), values)
