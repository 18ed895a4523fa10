"""The validation part: its length, the channels that it can judge, and whether a refit follows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..checks import shown
from ..data.panel import Panel
from ..data.windows import Geometry
from .options import EarlyStopping


# ---------------------------------------------------------------- length
def held_out_rows(
    stopping: EarlyStopping | None, panel: Panel, is_scored: np.ndarray, geometry: Geometry
) -> np.ndarray:
    """Rows held out at the end of each series, (S,) int.

    Without a `validation_size` at least half of the windows of a series remain for training, or nothing is held out
    of it. Of several series those that are too short for a given one are not divided.

    Raises
    ------
    ValueError
        If a given `validation_size` suits no series.
    """
    n_rows, refusals = np.zeros(len(panel), np.int64), []
    if stopping is None:
        return n_rows
    for s, rows in enumerate(panel.slices()):
        try:
            n_rows[s] = _held_out_of_one(stopping, is_scored[rows], geometry)
        except ValueError as error:
            refusals.append(error)
    if refusals and not n_rows.any():
        raise refusals[0]
    return n_rows


def _held_out_of_one(stopping: EarlyStopping, is_scored: np.ndarray, geometry: Geometry) -> int:
    """Rows held out of one series; `is_scored` (n, C) says which values count."""
    n, span = len(is_scored), geometry.context + geometry.n_ahead
    n_windows, n_held_out = n - span + 1, stopping.rows(n - geometry.context, at_least=2 * geometry.n_ahead)
    if stopping.validation_size is None:
        n_held_out = min(n_held_out, n_windows // 2)
        if n_held_out < geometry.n_ahead:
            return 0
    hint = f"validation_size={shown(stopping.validation_size)} holds out {n_held_out} observations"
    if n_held_out < geometry.n_ahead:
        raise ValueError(f"{hint}, but a window has {geometry.n_ahead} targets; make it at least that")
    if n_held_out >= n_windows:
        raise ValueError(
            f"{hint} and leaves no window of {geometry.context} + {geometry.n_ahead} for training; make it smaller, or "
            "early_stopping=False"
        )
    n_train = n - n_held_out
    if (is_scored[geometry.context : n_train].any(axis=0) & is_scored[n_train:].any(axis=0)).any():
        return n_held_out
    if stopping.validation_size is None:
        return 0
    raise ValueError(
        f"{hint}, in which no column has a value, or none that has one before as well; choose another size"
    )


def learned_channels(panel: Panel, is_scored: np.ndarray, n_train: np.ndarray, geometry: Geometry) -> np.ndarray:
    """Whether a channel of a series has a value to learn from among its first `n_train` (S,) rows, (S, C) bool."""
    return np.stack(
        [is_scored[rows][geometry.context : n].any(axis=0) for rows, n in zip(panel.slices(), n_train, strict=True)]
    )


def has_refit(
    stopping: EarlyStopping,
    panel: Panel,
    n_held_out: np.ndarray,
    is_learned: np.ndarray,
    geometry: Geometry,
    channels: Sequence[str],
) -> bool:
    """Whether to train once more on everything, which a channel that begins in the validation part needs."""
    is_learned = is_learned[n_held_out > 0]
    if is_learned.all():
        return stopping.refits(int(n_held_out.sum()), int(np.maximum(panel.n_rows - geometry.context, 0).sum()))
    if stopping.refit_full is False:
        late = channels[int(np.argmin(is_learned.all(axis=0)))]
        raise ValueError(
            f"refit_full=False leaves {late} unlearned, whose values all lie in the {n_held_out.max()} observations "
            "held out; use refit_full=True, or a smaller validation_size"
        )
    return True
