"""Windows: an index into a panel. Windows are never copied out of their series.

The index is stored as arrays, `Windows`, or for very many windows computed where it is read, `WindowIndex`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeVar

import numpy as np

from .panel import Panel
from .scaling import PanelScaling, Scales
from .static import Static

#: Most windows that are stored as arrays, of 32 bytes each.
MAX_STORED = 2**20
GOLDEN_RATIO = (1 + 5**0.5) / 2
W = TypeVar("W", bound="Windows | WindowIndex")


@dataclass(frozen=True)
class Geometry:
    """The steps of a window.

    A window has `n_outputs` outputs, each a forecast of the `block` steps after it. The network reads `context` steps
    before the first output, and `stride` more before each further one.
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
    """An index of windows, none of which crosses the border of a series.

    Attributes
    ----------
    start, length : (n,) int64
        First row and number of rows that the network reads.
    target : (n,) int64
        Row of the first target. The rows from `start` to the one before it are the window's context.
    series : (n,) int64
        Number of the window's series, which is its row in the table of `scales`.
    scales : Scales
    static : Static or None
        Static covariates, with a row for each series as in `scales`; ``replace(windows, static=...)`` adds them.
    """

    start: np.ndarray
    length: np.ndarray
    target: np.ndarray
    series: np.ndarray
    scales: Scales
    static: Static | None = None

    @classmethod
    def of_panel(
        cls, panel: Panel, scaling: PanelScaling, geometry: Geometry, first: np.ndarray | int = 0,
        last: np.ndarray | int | None = None,
    ) -> Windows:  # fmt: skip
        """All windows of a `WindowIndex.of_panel`."""
        return WindowIndex.of_panel(panel, scaling, geometry, first, last).all()

    @classmethod
    def at(
        cls, starts: np.ndarray, series: np.ndarray, scales: Scales, geometry: Geometry, late: np.ndarray | int = 0
    ) -> Windows:
        """Windows that begin at these rows, in these series; of the first `late` (n,) rows nothing is read."""
        # Copies are writable: for a read-only array the loops of a backend would be compiled once more.
        starts, series = np.array(starts, np.int64), np.array(series, np.int64)
        length = np.full(len(starts), geometry.n_steps, np.int64) - late
        return cls(starts + late, length, starts + geometry.context, series, scales)

    def __len__(self) -> int:
        """Number of windows."""
        return len(self.start)

    def take(self, chosen: np.ndarray) -> Windows:
        """The windows with the numbers `chosen`."""
        start, length, target, series = (a[chosen] for a in (self.start, self.length, self.target, self.series))
        return Windows(start, length, target, series, self.scales, self.static)

    @property
    def n_windows(self) -> np.ndarray:
        """Number of windows of each series, (S,)."""
        return np.bincount(self.series, minlength=self.scales.table.shape[1])

    @cached_property
    def _moments(self) -> np.ndarray:
        return self.scales.of_windows(self.start, self.target, self.series)

    @property
    def shift(self) -> np.ndarray:
        """Shift of the inputs, (n, n_inputs)."""
        return self._moments[0, :, : self.scales.n_inputs]

    @property
    def scale(self) -> np.ndarray:
        """Scale of the inputs, (n, n_inputs)."""
        return self._moments[1, :, : self.scales.n_inputs]

    @property
    def target_shift(self) -> np.ndarray:
        """Shift of the targets, (n, n_targets)."""
        return self._moments[0, :, self.scales.n_inputs :]

    @property
    def target_scale(self) -> np.ndarray:
        """Scale of the targets, (n, n_targets)."""
        return self._moments[1, :, self.scales.n_inputs :]

    def ahead(self, targets: np.ndarray, weight: np.ndarray, n_ahead: int) -> tuple[np.ndarray, np.ndarray]:
        """Scaled targets of the next `n_ahead` steps and their weights, (n, n_ahead, C), from those of all rows."""
        rows = self.target[:, None] + np.arange(n_ahead)
        return (targets[rows] - self.target_shift[:, None]) / self.target_scale[:, None], weight[rows]

    def unscale(self, values: np.ndarray) -> np.ndarray:
        """Values (n, ..., n_targets) in the units of the targets."""
        shape = (len(self),) + (1,) * (values.ndim - 2) + (-1,)
        return values * self.target_scale.reshape(shape) + self.target_shift.reshape(shape)


@dataclass(frozen=True)
class WindowIndex:
    """The windows of each series of a panel, one row apart, without an array of them.

    They are numbered one series after the other.

    Attributes
    ----------
    first : (S,) int64
        First row of the first window of each series.
    read_from : (S,) int64
        First row of each series that is read: windows that begin before it start late.
    n_windows : (S,) int64
    geometry : Geometry
    scales : Scales
    static : Static or None
    """

    first: np.ndarray
    read_from: np.ndarray
    n_windows: np.ndarray
    geometry: Geometry
    scales: Scales
    static: Static | None = None

    @classmethod
    def of_panel(
        cls, panel: Panel, scaling: PanelScaling, geometry: Geometry, first: np.ndarray | int = 0,
        last: np.ndarray | int | None = None,
    ) -> WindowIndex:  # fmt: skip
        """Windows whose rows, with those of their targets, are `first` to `last` - 1 of their series.

        `first` and `last`, (S,) or one number for all, are counted within each series; None is its end.
        """
        last = panel.n_rows if last is None else last
        begins, span = panel.indptr[:-1], geometry.context + geometry.n_ahead
        n_windows = np.maximum(np.broadcast_to(last - span + 1 - first, len(panel)), 0)
        scales = scaling.scales(panel.values)
        return cls(begins + first, begins + panel.padding, n_windows, geometry, scales)

    def __len__(self) -> int:
        """Number of windows."""
        return int(self._ends[-1]) if len(self._ends) else 0

    @cached_property
    def _ends(self) -> np.ndarray:
        """Number of the first window after each series, (S,)."""
        return np.cumsum(self.n_windows)

    def take(self, chosen: np.ndarray) -> Windows:
        """The windows with the numbers `chosen`."""
        series = np.searchsorted(self._ends, chosen, side="right")
        starts = self.first[series] + chosen - (self._ends - self.n_windows)[series]
        late = np.maximum(self.read_from[series] - starts, 0)
        return replace(Windows.at(starts, series, self.scales, self.geometry, late), static=self.static)

    def all(self) -> Windows:
        """All windows."""
        return self.take(np.arange(len(self)))

    def stored(self) -> Windows | WindowIndex:
        """All windows where they are few, or else this index."""
        return self.all() if len(self) <= MAX_STORED else self

    def spread(self, most: int) -> Windows:
        """At most so many windows, spread evenly."""
        return self.take(spread(len(self), most))


@dataclass(frozen=True)
class Buckets:
    """Windows of several geometries: such of similar lengths have one, so that little is padded.

    They are numbered one bucket after the other.

    Attributes
    ----------
    parts : tuple of (Geometry, Windows)
    """

    parts: tuple[tuple[Geometry, Windows], ...]

    def __len__(self) -> int:
        """Number of windows."""
        return sum(len(windows) for _, windows in self.parts)

    def take(self, chosen: np.ndarray) -> Buckets:
        """The windows with the numbers `chosen`, in the buckets in which they are."""
        ends = np.cumsum([len(windows) for _, windows in self.parts])
        bucket, first = np.searchsorted(ends, chosen, side="right"), 0
        parts = []
        for n, (geometry, windows) in enumerate(self.parts):
            own = chosen[bucket == n] - first
            parts += [(geometry, windows.take(own))] if len(own) else []
            first = int(ends[n])
        return Buckets(tuple(parts))


def buckets_of(windows: W | Buckets, geometry: Geometry) -> Sequence[tuple[Geometry, W | Windows]]:
    """The parts of buckets, or all windows as one part where they have the same `geometry`."""
    return windows.parts if isinstance(windows, Buckets) else ((geometry, windows),)


def spread(n: int, most: int) -> np.ndarray:
    """At most `most` of the numbers 0 to n - 1, ascending: all, or one of each of `most` equal parts of them.

    Its place in the part moves on by the golden ratio, which fills the part evenly (Kronecker sequence; Niederreiter
    1992, doi:10.1137/1.9781611970081, chapter 3). At a constant distance all could lie at the same place of their
    series, where series have the same length.
    """
    if n <= most:
        return np.arange(n)
    edges = np.arange(most + 1) * n // most
    place = np.arange(most) * GOLDEN_RATIO % 1
    return edges[:-1] + (place * np.diff(edges)).astype(np.int64)


def scored(panel: Panel, geometry: Geometry, first_observed: np.ndarray | None = None) -> np.ndarray:
    """Which values count in the loss, (N, C) bool.

    These are all observed values, but for a channel that begins later than its series: of that only values at the end
    of a whole window since its beginning, so that no window is scaled by what stands in for the rows before it.
    `first_observed` (S, C) are the rows with which the channels begin, by default their first observed ones.
    """
    first = panel.first_observed if first_observed is None else first_observed
    if not first.any():
        return panel.observed.copy()
    first = first[panel.series]
    follows_whole_window = panel.positions[:, None] >= first + geometry.context + geometry.n_ahead - 1
    return panel.observed & (follows_whole_window | (first == 0))
