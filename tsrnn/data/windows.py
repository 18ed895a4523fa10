"""Windows: an index into a panel. Windows are never copied out of their series."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .panel import Panel, ranges
from .scaling import PanelScaling, Scales
from .static import Static


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
        """Windows whose rows, with those of their targets, are `first` to `last` - 1 of their series.

        `first` and `last`, (S,) or one number for all, are counted within each series; None is its end.
        """
        last = panel.n_rows if last is None else last
        begins, span = panel.indptr[:-1], geometry.context + geometry.n_ahead
        starts, series = ranges(begins + first, begins + last - span + 1)
        late = np.maximum((begins + panel.padding)[series] - starts, 0)
        return cls.at(starts, series, scaling.scales(panel.values), geometry, late)

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


def scored(panel: Panel, geometry: Geometry, first_observed: np.ndarray | None = None) -> np.ndarray:
    """Which values count in the loss, (N, C) bool.

    These are all observed values, but for a channel that begins later than its series: of that only values at the end
    of a whole window since its beginning, so that no window is scaled by what stands in for the rows before it.
    `first_observed` (S, C) are the rows with which the channels begin, by default their first observed ones.
    """
    first = (panel.first_observed if first_observed is None else first_observed)[panel.series]
    follows_whole_window = panel.positions[:, None] >= first + geometry.context + geometry.n_ahead - 1
    return panel.observed & (follows_whole_window | (first == 0))
