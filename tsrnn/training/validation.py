"""The validation part: its length, the channels that it can judge, and whether a refit follows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..checks import shown
from ..data.panel import Panel, any_within
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
    n_rows = panel.n_rows
    if stopping is None or not len(panel):
        return np.zeros(len(panel), np.int64)
    lengths, number = np.unique(n_rows, return_inverse=True)
    found = [_held_out_of_length(stopping, int(n), geometry) for n in lengths]
    n_held_out = np.array([n for n, _ in found], np.int64)[number]
    ends = panel.indptr[1:]
    has_both = learned_channels(panel, is_scored, n_rows - n_held_out, geometry)
    has_both &= any_within(is_scored, ends - n_held_out, ends)
    refusal = found[number[0]][1]
    if refusal is None and stopping.validation_size is not None and not has_both[0].any():
        refusal = (
            f"{_hint(stopping, int(n_held_out[0]))}, in which no column has a value, or none that has one before as "
            "well; choose another size"
        )
    n_held_out[~has_both.any(axis=1)] = 0
    if refusal and not n_held_out.any():
        raise ValueError(refusal)
    return n_held_out


def _held_out_of_length(stopping: EarlyStopping, n: int, geometry: Geometry) -> tuple[int, str | None]:
    """Rows held out of a series of n rows, and why a given `validation_size` does not suit it, or None."""
    n_windows = n - geometry.context - geometry.n_ahead + 1
    n_held_out = stopping.rows(n - geometry.context, at_least=2 * geometry.n_ahead)
    if stopping.validation_size is None:
        n_held_out = min(n_held_out, n_windows // 2)
        return (n_held_out if n_held_out >= geometry.n_ahead else 0), None
    hint = _hint(stopping, n_held_out)
    if n_held_out < geometry.n_ahead:
        return 0, f"{hint}, but a window has {geometry.n_ahead} targets; make it at least that"
    if n_held_out >= n_windows:
        return 0, (
            f"{hint} and leaves no window of {geometry.context} + {geometry.n_ahead} for training; make it smaller, or "
            "early_stopping=False"
        )
    return n_held_out, None


def _hint(stopping: EarlyStopping, n_held_out: int) -> str:
    return f"validation_size={shown(stopping.validation_size)} holds out {n_held_out} observations"


def learned_channels(panel: Panel, is_scored: np.ndarray, n_train: np.ndarray, geometry: Geometry) -> np.ndarray:
    """Whether a channel of a series has a value to learn from among its first `n_train` (S,) rows, (S, C) bool."""
    begins = panel.indptr[:-1]
    return any_within(is_scored, begins + np.minimum(geometry.context, n_train), begins + n_train)


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
    if is_learned.all() or stopping.validation is not None:
        return stopping.refits(int(n_held_out.sum()), int(np.maximum(panel.n_rows - geometry.context, 0).sum()))
    if stopping.refit_full is False:
        late = channels[int(np.argmin(is_learned.all(axis=0)))]
        raise ValueError(
            f"refit_full=False leaves {late} unlearned, whose values all lie in the {n_held_out.max()} observations "
            "held out; use refit_full=True, or a smaller validation_size"
        )
    return True
