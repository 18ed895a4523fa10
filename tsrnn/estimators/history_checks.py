"""Checks of a history: whether its rows make a window, and whether they make enough of them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..data.panel import Panel, any_within
from ..data.seasons import Seasons
from ..data.windows import Geometry
from ..training.validation import learned_channels
from .history import History

#: Windows below which `fit` warns. Over 15 monthly, weekly and daily series with a horizon of 12, training made the
#: linear start worse with 2 windows (error relative to repeating the last value 1.10, untrained 0.99), with 5 (1.22,
#: 1.04) and with 10 (9.87, 8.64), but not with 15 (1.56, 1.68).
MIN_WINDOWS = 10


def with_whole_windows(history: History, geometry: Geometry, seasons: Seasons) -> Panel:
    """The rows of a history; series of a panel that are shorter than a window become as long as one.

    Padding comes before them, and where a series has no more rows than the targets of a window, rows without values
    also after it: of such a series the first row is read, and the others are targets.
    """
    panel, n_train = history.panel, history.n_train
    if not history.is_panel:
        return panel
    after = np.maximum(geometry.n_ahead + 1 - n_train, 0)
    need = seasons.reach + geometry.context + geometry.n_ahead
    before = np.maximum(need - n_train - after, 0)
    return panel.lengthened(before, after)


def check_length(
    history: History, is_scored: np.ndarray, context_length: int, horizon: int, seasons: Seasons, n_lost: int = 0
) -> None:
    """Refuse a history without a window, or with a channel in which nothing remains to learn from.

    `n_lost` rows before it are read only to subtract them from others.
    """
    need, names, before = context_length + horizon + seasons.reach, "one of them", ""
    if seasons.reach:
        names, before = "one of them, or season_lengths,", f", after {seasons.reach} whose season is read"
    if n_lost:
        before += f"{' and' if before else ', after'} {n_lost} that differences subtract"
    for c, n in enumerate(history.n_rows):
        if n < need:
            raise ValueError(
                f"{history.channel(c)} has {n + n_lost} observations from the first observed one on, but one window "
                f"needs {need + n_lost}: context_length={context_length} to read and horizon={horizon} to "
                f"forecast{before}; pass a longer series or make {names} smaller"
            )
        if not is_scored[context_length:, c].any():
            raise ValueError(
                f"nothing remains to learn from: every value of {history.channel(c)} after its first "
                f"context_length={context_length} is missing; drop it, or read less"
            )


def check_validation(history: History, is_scored: np.ndarray, geometry: Geometry, panel: Panel) -> None:
    """Refuse rows of `EarlyStopping.validation` that give no error of a forecast.

    `panel` has the rows that are read, of which `is_scored` (N, C) says which values count.
    """
    if history.validation is None:
        return
    n_held_out, least = np.broadcast_to(history.n_held_out, len(panel)), geometry.n_ahead
    is_short = (n_held_out > 0) & (n_held_out < least)
    if is_short.any():
        s = int(is_short.argmax())
        of_series = f" of {history.channel(s)}" if history.is_panel else ""
        raise ValueError(
            f"validation has {n_held_out[s]} observations{of_series} up to the last observed one, but the targets of a "
            f"window are {least}; pass at least {least}"
        )
    is_short = (n_held_out > 0) & (history.n_train <= least) & history.is_panel
    if is_short.any():
        s = int(is_short.argmax())
        raise ValueError(
            f"{history.channel(s)} has {history.n_train[s]} observations to learn from, but a forecast of {least} in "
            f"validation needs {least + 1} before it; leave its rows out of validation"
        )
    ends = panel.indptr[1:]
    is_judged = any_within(is_scored, ends - n_held_out, ends)
    if not (is_judged & learned_channels(panel, is_scored, panel.n_rows - n_held_out, geometry)).any():
        raise ValueError(
            "validation has no observed value of a series or column that can be learned from; pass rows with values"
        )


def count_windows(panel: Panel, is_scored: np.ndarray, geometry: Geometry) -> np.ndarray:
    """Number of windows of all series that have a scored one among their targets of each channel, (C,).

    `is_scored` (N, C) says which values of the panel count in the loss.
    """
    total = np.concatenate([np.zeros((1, is_scored.shape[1]), np.int64), np.cumsum(is_scored > 0, axis=0)])
    left = np.repeat(panel.n_rows, panel.n_rows) - panel.positions
    first = np.flatnonzero((panel.positions >= geometry.context) & (left >= geometry.n_ahead))
    return (total[first + geometry.n_ahead] > total[first]).sum(axis=0)


def few_windows(
    found: np.ndarray,
    geometry: Geometry,
    history: History,
    horizon: int,
    windows_of: Callable[[int], np.ndarray | None],
) -> str | None:
    """Return a warning if the windows of all series, or of a channel, are fewer than `MIN_WINDOWS`, or else None.

    `found` (C,) are those of each channel, ``windows_of(horizon)`` those for another horizon; None where that is not
    possible.
    """
    if found.min() >= MIN_WINDOWS:
        return None
    c, is_many = int(found.argmin()), len(history.panel) > 1

    def is_enough(shorter: int) -> bool:
        windows = windows_of(shorter)
        return windows is not None and windows[c] >= MIN_WINDOWS

    shorter = next((h for h in range(horizon - 1, 0, -1) if is_enough(h)), None)
    mend = "pass more or longer series" if is_many else "pass a longer series"
    if shorter is not None:
        mend = f"fit with horizon={shorter}, after which predict({horizon}) still works"
    windows = "1 window" if found[c] == 1 else f"{found[c]} windows"
    who = f"the panel of {len(history.panel)} series" if is_many else history.channel(c)
    return (
        f"{who} has {windows} of context_length={geometry.context} and horizon={horizon} to learn from, fewer than "
        f"{MIN_WINDOWS}, which is too little for a network; {mend}, or use ARForecaster"
    )
