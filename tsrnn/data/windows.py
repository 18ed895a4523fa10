"""Windows: where each one starts, and how it is scaled. No window is ever copied out of its series here."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view


@dataclass(frozen=True)
class Geometry:
    """Which steps a window has and which are scored.

    A window reads `context` steps before its first output and `stride` more before each further one; each of its
    `n_outputs` outputs forecasts the next `block` steps.
    """

    context: int
    n_outputs: int = 1
    block: int = 1
    stride: int = 1

    @property
    def n_steps(self) -> int:
        """Steps that the network reads."""
        return self.context + (self.n_outputs - 1) * self.stride

    @property
    def n_ahead(self) -> int:
        """Steps after the context that the window's targets cover."""
        return (self.n_outputs - 1) * self.stride + self.block


@dataclass(frozen=True)
class Windows:
    """An index of windows into a series and its targets.

    Attributes
    ----------
    start, length : (n,) int64
        First row and number of rows that the network reads.
    target : (n,) int64
        Row of the first target.
    shift, scale : (n, n_inputs) float64
        Inputs are ``(x - shift) / scale``.
    target_shift, target_scale : (n, n_targets) float64
        The same for the targets.
    """

    start: np.ndarray
    length: np.ndarray
    target: np.ndarray
    shift: np.ndarray
    scale: np.ndarray
    target_shift: np.ndarray
    target_scale: np.ndarray

    def __len__(self) -> int:
        return len(self.start)

    def take(self, which: np.ndarray) -> Windows:
        """The windows numbered `which`."""
        return Windows(*(getattr(self, name)[which] for name in self.__dataclass_fields__))

    def ahead(self, targets: np.ndarray, weight: np.ndarray, n_ahead: int) -> tuple[np.ndarray, np.ndarray]:
        """The scaled `targets` (m, C) of the next steps, (n, n_ahead, C), and the `weight` (m, C) of each."""
        rows = self.target[:, None] + np.arange(n_ahead)
        return (targets[rows] - self.target_shift[:, None]) / self.target_scale[:, None], weight[rows]

    def unscale(self, values: np.ndarray) -> np.ndarray:
        """Values (n, ..., n_targets) back in the targets' units."""
        shape = (len(self),) + (1,) * (values.ndim - 2) + (-1,)
        return values * self.target_scale.reshape(shape) + self.target_shift.reshape(shape)


def with_covariates(values: np.ndarray, covariates: np.ndarray) -> np.ndarray:
    """What a network reads of a series, (..., n, C + F): its values and the covariates of the step after each.

    `values` is (..., n, C); `covariates` (..., m, F) has n rows, or more where the next ones are known; the last one
    known stands in for the rest.
    """
    following = np.minimum(np.arange(1, values.shape[-2] + 1), covariates.shape[-2] - 1)
    return np.ascontiguousarray(np.concatenate([values, covariates[..., following, :]], axis=-1))


def ahead_of(contexts: np.ndarray, covariates: np.ndarray) -> np.ndarray:
    """The same of `contexts` (n, length, C) that forecasts continue, with rows for all steps of `covariates` (n, m, F).

    The values ahead are zeros, which a forecast replaces or does not read.
    """
    values = np.zeros((*covariates.shape[:2], contexts.shape[2]))
    values[:, : contexts.shape[1]] = contexts
    return with_covariates(values, covariates)


# ---------------------------------------------------------------- scaling
#: A spread below this part of the level is rounding, not signal.
CONSTANT = 1e-12


def spread_to_scale(mean: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """A standard deviation as a scale: 1 for a constant."""
    return np.where(spread > np.maximum(CONSTANT * np.abs(mean), np.finfo(float).tiny), spread, 1.0)


def mean_and_scale(values: np.ndarray, observed: np.ndarray | bool = True) -> tuple[np.ndarray, np.ndarray]:
    """Mean and scale over the last axis, of what was observed; a constant has exactly its value as the mean.

    The sums are of differences from the last value in units of the largest, so that they neither overflow nor round a
    small spread away.
    """
    origin, n = values[..., -1:], np.broadcast_to(observed, values.shape).sum(axis=-1)
    differences = np.where(observed, values - origin, 0.0)
    largest = np.abs(differences).max(axis=-1)
    unit = np.where(largest > 0, largest, 1.0)
    differences /= unit[..., None]
    mean = differences.sum(axis=-1) / n
    spread = np.sqrt((np.where(observed, differences - mean[..., None], 0.0) ** 2).sum(axis=-1) / n)
    mean = origin[..., 0] + unit * mean
    return mean, spread_to_scale(mean, unit * spread)


class Scaling:
    """How windows are scaled. `fit` sees the training part only; a window's own scale sees its context only."""

    def fit(self, series: np.ndarray, observed: np.ndarray) -> Scaling:
        """Learn from the training part (n, n_inputs); missing values do not count."""
        raise NotImplementedError

    def of_windows(self, series: np.ndarray, starts: np.ndarray, context: int) -> tuple[np.ndarray, np.ndarray]:
        """Shift and scale, (n_windows, n_inputs) each."""
        raise NotImplementedError


class StandardScaling(Scaling):
    """Mean and standard deviation of the training part."""

    mean: np.ndarray
    scale: np.ndarray

    def fit(self, series: np.ndarray, observed: np.ndarray) -> Scaling:
        """Mean and standard deviation of each series."""
        self.mean, self.scale = mean_and_scale(series.T, (observed | ~observed.any(axis=0)).T)
        return self

    def of_windows(self, series: np.ndarray, starts: np.ndarray, context: int) -> tuple[np.ndarray, np.ndarray]:
        """The same for all windows."""
        shape = (len(starts), len(self.mean))
        return np.broadcast_to(self.mean, shape).copy(), np.broadcast_to(self.scale, shape).copy()


class NoScaling(StandardScaling):
    """Values as they are."""

    def fit(self, series: np.ndarray, observed: np.ndarray) -> Scaling:
        """Nothing to learn."""
        self.mean, self.scale = np.zeros(series.shape[1]), np.ones(series.shape[1])
        return self


class WindowScaling(Scaling):
    """Mean and standard deviation of each window's context: level and amplitude may wander."""

    #: Windows whose statistics are computed at a time, so that memory does not grow with windows times length.
    CHUNK = 1024

    def fit(self, series: np.ndarray, observed: np.ndarray) -> Scaling:
        """Nothing to learn."""
        return self

    def of_windows(self, series: np.ndarray, starts: np.ndarray, context: int) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation of each context."""
        mean = np.empty((len(starts), series.shape[1]))
        scale = np.empty_like(mean)
        contexts = sliding_window_view(series, context, axis=0)
        for first in range(0, len(starts), self.CHUNK):
            chunk = slice(first, first + self.CHUNK)
            mean[chunk], scale[chunk] = mean_and_scale(contexts[starts[chunk]])
        return mean, scale


#: What ``scaling=`` accepts.
SCALINGS: dict[str | None, type[Scaling]] = {"window": WindowScaling, "standard": StandardScaling, None: NoScaling}


@dataclass(frozen=True)
class SeriesScaling:
    """How a series is scaled, and its covariates, which always have one mean and one scale each.

    Each channel has `n_seasonal` seasonal inputs, which are values of its own and scaled as these are.
    """

    target: Scaling
    covariates: StandardScaling
    n_seasonal: int = 0

    @classmethod
    def fit(
        cls, name: str | None, values: np.ndarray, observed: np.ndarray, covariates: np.ndarray, n_seasonal: int = 0
    ) -> SeriesScaling:
        """Learn from the training part: values (n, C) without gaps, which were observed, covariates (n, F)."""
        of_covariates = StandardScaling()
        of_covariates.fit(covariates, np.ones(covariates.shape, bool))
        return cls(SCALINGS[name]().fit(values, observed), of_covariates, n_seasonal)

    def windows(self, values: np.ndarray, starts: np.ndarray, geometry: Geometry) -> Windows:
        """Windows of the series (n, C) that is its own target, each scaled from its context alone."""
        starts = np.ascontiguousarray(starts, np.int64)
        shift, scale = self.target.of_windows(values, starts, geometry.context)
        input_shift, input_scale = shift, scale
        if len(self.covariates.mean) or self.n_seasonal:
            known = self.covariates.of_windows(values, starts, geometry.context)
            seasonal = (np.repeat(moment, self.n_seasonal, axis=1) for moment in (shift, scale))
            input_shift, input_scale = (np.hstack(parts) for parts in zip((shift, scale), known, seasonal, strict=True))
        length = np.full(len(starts), geometry.n_steps, np.int64)
        return Windows(starts, length, starts + geometry.context, input_shift, input_scale, shift, scale)


# ---------------------------------------------------------------- missing values
def fill_gaps(values: np.ndarray, observed: np.ndarray) -> np.ndarray:
    """Values (n, C) with each missing one replaced by the last observed before it, or else by the first one."""
    rows = np.where(observed, np.arange(len(values))[:, None], observed.argmax(axis=0))
    return np.take_along_axis(values, np.maximum.accumulate(rows, axis=0), axis=0)


def scored(observed: np.ndarray, geometry: Geometry, first: np.ndarray | None = None) -> np.ndarray:
    """Which values count in the loss, (n, C).

    All observed ones do, but of a channel that begins later than the others only those whose windows lie within it, so
    that no window is scaled by what stands in for the rows before it. `first` (C,) are the rows with which the
    channels begin, if not their first observed ones.
    """
    first = observed.argmax(axis=0) if first is None else first
    before = min(geometry.context + geometry.n_ahead - 1, len(observed))  # whole windows are checked for elsewhere
    whole = np.arange(len(observed))[:, None] >= first + before
    return observed & (whole | (first == 0))
