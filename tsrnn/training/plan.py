"""The plan of a fit: which windows train the network, which ones validate it, and which ones a refit reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from ..data.pairs import Pairs
from ..data.panel import Panel
from ..data.scaling import SCALINGS, PanelScaling, Scales, Scaling
from ..data.sequences import SequenceBuckets, Sequences
from ..data.static import Static
from ..data.windows import Buckets, Geometry, WindowIndex, Windows
from ..forecasting.generation import geometry_of, windows_of
from ..functions.symbols import UNKNOWN
from .options import EarlyStopping
from .validation import has_refit, held_out_rows, learned_channels

T = TypeVar("T", Windows, Buckets)
#: Most windows of a forecaster's validation part: of more, these are spread evenly.
MAX_VALIDATION = 50_000


@dataclass(frozen=True)
class HeldOut:
    """Windows of the validation part.

    Attributes
    ----------
    windows : Windows or Buckets
        Scaled by what was learned from the training part.
    weight : (M, C)
        Weight of each target in the validation loss.
    early_stopping : EarlyStopping
    scaling : PanelScaling or None
        The scaling of the training part; None for regressors.
    n_rows : (S,) int or None
        Rows held out at the end of each series; None for regressors.
    """

    windows: Windows | Buckets
    weight: np.ndarray
    early_stopping: EarlyStopping
    scaling: PanelScaling | None = None
    n_rows: np.ndarray | None = None


@dataclass(frozen=True)
class Plan:
    """The data of a fit, and windows into them.

    Attributes
    ----------
    inputs : (N, I)
        What the network reads of each row.
    targets, weight : (M, C)
        Targets, and the weight of each in the loss, 0 where it is missing.
    geometry : Geometry
    windows : Windows, WindowIndex or Buckets
        Of the training; buckets have geometries of their own.
    held_out : HeldOut or None
        None without validation part.
    refit : Windows, WindowIndex, Buckets or None
        Of one more training on everything.
    panel : Panel or None
        The rows of a forecaster; None for regressors.
    scaling : PanelScaling or None
        The scaling that belongs to the final parameters; None for regressors.
    """

    inputs: np.ndarray
    targets: np.ndarray
    weight: np.ndarray
    geometry: Geometry
    windows: Windows | WindowIndex | Buckets
    held_out: HeldOut | None = None
    refit: Windows | WindowIndex | Buckets | None = None
    panel: Panel | None = None
    scaling: PanelScaling | None = None


def plan_forecaster(
    panel: Panel,
    is_scored: np.ndarray,
    geometry: Geometry,
    scaling_name: str | None,
    n_seasonal: int,
    stopping: EarlyStopping | None,
    channels: Sequence[str],
    static: Static | None = None,
    *,
    masks: bool = False,
    n_held_out: np.ndarray | None = None,
) -> Plan:
    """Cut a panel into windows; a window belongs to the validation part if one of its targets does.

    `is_scored` (N, C) says which values count in the loss, `channels` (C,) how error messages name the channels, and
    `static` holds a row for each series. With `masks` the network reads which values were observed. `n_held_out` (S,)
    are the rows of each series that `EarlyStopping.validation` brought; None leaves their number to `stopping`.
    """
    if n_held_out is None:
        n_held_out = held_out_rows(stopping, panel, is_scored, geometry)
    n_train = panel.n_rows - n_held_out
    scaling = PanelScaling.fit(scaling_name, panel.part(last=n_train), n_seasonal, masks=masks)
    windows = replace(WindowIndex.of_panel(panel, scaling, geometry, last=n_train), static=static).stored()
    held_out, refit = None, None
    if stopping and n_held_out.any():
        is_learned = learned_channels(panel, is_scored, n_train, geometry)
        # a channel that begins in the validation part is not judged
        judged = is_scored if is_learned.all() else is_scored & is_learned[panel.series]
        first = np.where(n_held_out > 0, n_train - geometry.context, panel.n_rows)
        of_end = replace(WindowIndex.of_panel(panel, scaling, geometry, first), static=static)
        held_out = HeldOut(of_end.spread(MAX_VALIDATION), judged, stopping, scaling, n_held_out)
        if has_refit(stopping, panel, n_held_out, is_learned, geometry, channels):
            scaling = PanelScaling.fit(scaling_name, panel, n_seasonal, masks=masks)
            refit = replace(WindowIndex.of_panel(panel, scaling, geometry), static=static).stored()
    inputs = np.hstack([panel.inputs(), panel.masks()]) if masks else panel.inputs()
    return Plan(inputs, panel.values, is_scored, geometry, windows, held_out, refit, panel, scaling)


@dataclass(frozen=True)
class RowScaling:
    """Scaling of the inputs of regressors and classifiers, by channel, and of their targets."""

    inputs: Scaling
    targets: Scaling

    @classmethod
    def fit(cls, name: str | None, target_name: str | None, rows: np.ndarray, targets: np.ndarray) -> RowScaling:
        """Learn from the rows (N, n_channels) and the targets (n, n_targets) of the training part."""
        fitted = (
            SCALINGS[each]().fit(x, np.ones(x.shape, bool), np.array([0, len(x)]))
            for each, x in ((name, rows), (target_name, targets))
        )
        return cls(*fitted)

    def windows(self, sequences: Sequences, n_ahead: np.ndarray | int = 1) -> Windows:
        """A window for each sequence, which has `n_ahead` rows of targets."""
        n = len(sequences)
        ends = np.cumsum(np.broadcast_to(n_ahead, n))
        scales = Scales.of_table(self.inputs.mean, self.inputs.scale, self.targets.mean, self.targets.scale)
        return Windows(sequences.starts, sequences.lengths.copy(), ends - n_ahead, np.zeros(n, np.int64), scales)


def plan_rows(
    buckets: SequenceBuckets,
    targets: np.ndarray,
    weight: np.ndarray,
    scaling: RowScaling,
    kept: np.ndarray,
    validation_rows: np.ndarray,
    stopping: EarlyStopping | None,
) -> Plan:
    """Divide sequences with targets (M, n_targets) and weights of these: `kept` ones train, others are held out.

    A sequence has as many rows of targets as the windows of its bucket cover, n_ahead.
    """
    windows = scaling.windows(buckets.sequences, buckets.n_ahead)
    parts = Buckets(tuple((geometry, windows.take(numbers)) for geometry, numbers in buckets.parts))
    divided = _divided(parts, weight, *_places(buckets.order, kept, validation_rows), stopping)
    return Plan(buckets.sequences.rows, targets, weight, buckets.parts[0][0], *divided)


def plan_series(
    series: Sequences,
    static: Static,
    scaling: Scaling,
    kept: np.ndarray,
    validation_rows: np.ndarray,
    stopping: EarlyStopping | None,
) -> Plan:
    """Divide series that begin in the states that `static` sets: `kept` ones train, others are held out."""
    rows, weight = series.after_a_row(scaling.mean[0])
    n_steps = len(rows) // len(series) - 1
    windows = windows_of(static, scaling, n_steps, distance=1 + n_steps)
    divided = _divided(windows, weight, kept, validation_rows, stopping)
    return Plan(rows, rows, weight, geometry_of(n_steps), *divided)


def plan_pairs(
    pairs: Pairs, kept: np.ndarray, validation_rows: np.ndarray, stopping: EarlyStopping | None, *, judges_unknown: bool
) -> Plan:
    """Divide pairs of symbol sequences: `kept` ones train, others are held out.

    Without `judges_unknown` the unknown symbol, which no training writes, does not count in the validation.
    """
    weight = pairs.weight if judges_unknown else pairs.weight * (pairs.rows != UNKNOWN)
    divided = _divided(pairs.buckets, weight, *_places(pairs.order, kept, validation_rows), stopping)
    return Plan(pairs.rows, pairs.rows, pairs.weight, pairs.geometry, *divided)


def _places(order: np.ndarray, kept: np.ndarray, validation_rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The places of rows with these numbers in buckets of that `order`, ascending."""
    place = np.argsort(order)
    return np.sort(place[kept]), np.sort(place[validation_rows])


def _divided(
    windows: T, weight: np.ndarray, kept: np.ndarray, validation_rows: np.ndarray, stopping: EarlyStopping | None
) -> tuple[T, HeldOut | None, T | None]:
    """The windows that train, those held out, and those of a refit; there is a window for each row of the data."""
    held_out, refit = None, None
    if stopping and len(validation_rows):
        held_out = HeldOut(windows.take(validation_rows), weight, stopping)
        refit = windows if stopping.refits(len(validation_rows), len(windows)) else None
    return windows.take(kept), held_out, refit
